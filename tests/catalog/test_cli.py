"""The commands as a person types them: what they say, where, and with which exit code."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from holdfast.cli.main import app
from holdfast.db.urls import DatabaseUrls
from holdfast.errors import HoldfastError

CLINIC = """\
organization: Bright Smile
locations:
  main: America/Chicago
providers: [Ana]
services:
  Check-up: 30
"""
Run = Callable[..., Result]


@pytest.fixture
def run(database: DatabaseUrls, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    monkeypatch.setenv("HOLDFAST_DATABASE_URL", database.owner)
    monkeypatch.setenv("HOLDFAST_APP_DATABASE_URL", database.app)
    monkeypatch.chdir(tmp_path)
    Path("clinic.yaml").write_text(CLINIC, "utf-8")
    return lambda *words: CliRunner().invoke(app, words)


def test_import_shows_asks_does_and_finds_nothing_the_second_time(run: Run) -> None:
    looked = run("catalog", "import", "clinic.yaml", "--dry-run")
    assert looked.exit_code == 0
    assert looked.stdout.splitlines()[0] == "+ organization bright-smile"
    assert looked.stdout.splitlines()[-1] == "5 things would change; nothing was."
    unsure = run("catalog", "import", "clinic.yaml")
    assert isinstance(unsure.exception, HoldfastError)
    assert "Say --yes" in unsure.exception.detail
    assert run("catalog", "import", "clinic.yaml", "--yes").stdout.splitlines()[-1] == "Done: 5 things changed."
    assert run("catalog", "import", "clinic.yaml", "--dry-run").stdout == "Nothing to change.\n"
    assert run("catalog", "import", "clinic.yaml").stdout == "Nothing to change.\n"


def test_export_is_a_file_that_changes_nothing(run: Run) -> None:
    run("catalog", "import", "clinic.yaml", "--yes")
    assert run("catalog", "export", "--output", "out.yaml").exit_code == 0
    assert run("catalog", "export").stdout == Path("out.yaml").read_text("utf-8")
    assert run("catalog", "import", "out.yaml").stdout == "Nothing to change.\n"


def test_the_difference_is_shown_old_to_new_and_what_is_left_is_said(run: Run) -> None:
    run("catalog", "import", "clinic.yaml", "--yes")
    Path("clinic.yaml").write_text(CLINIC.replace("Check-up: 30", "Check-up: 45").replace("[Ana]", "[Bo]"), "utf-8")
    lines = run("catalog", "import", "clinic.yaml", "--dry-run").stdout.splitlines()
    assert "~ service check-up" in lines
    assert "    duration: 30 → 45" in lines
    assert any(line.startswith("Left as they are") and line.endswith("provider ana") for line in lines)
    assert "- provider ana" in run("catalog", "import", "clinic.yaml", "--dry-run", "--retire-missing").stdout


def test_the_difference_as_json(run: Run) -> None:
    told = json.loads(run("catalog", "import", "clinic.yaml", "--dry-run", "--json").stdout)
    assert told["left"] == []
    assert told["changes"][0] == {
        "action": "add",
        "kind": "organization",
        "slug": "bright-smile",
        "fields": {"name": {"old": None, "new": "Bright Smile"}, "currency": {"old": None, "new": "USD"}},
    }


def test_mistakes_are_listed_by_file_and_line_and_nothing_is_asked_of_the_database(run: Run) -> None:
    Path("clinic.yaml").write_text(CLINIC + "  Crown: soon\nroms: []\n", "utf-8")
    result = run("catalog", "import", "clinic.yaml", "--yes")
    assert result.exit_code == 1
    assert result.stderr.splitlines() == [
        "clinic.yaml:7: duration is 'soon'; write minutes such as 70, or 1h10.",
        "clinic.yaml:8: a catalog has no 'roms'. Did you mean rooms?",
    ]


def test_warnings_do_not_stop_an_import(run: Run) -> None:
    Path("clinic.yaml").write_text(
        CLINIC + "  Duo: {duration: 30, requires: [{pool: providers, quantity: 2}]}\n", "utf-8"
    )
    result = run("catalog", "import", "clinic.yaml", "--yes")
    assert result.exit_code == 0
    assert result.stderr.startswith("clinic.yaml:7: warning: duo cannot be booked at main")


def test_another_organization_is_not_made_by_a_slip(run: Run) -> None:
    run("catalog", "import", "clinic.yaml", "--yes")
    Path("clinic.yaml").write_text(CLINIC.replace("Bright Smile", "Bright Smiles"), "utf-8")
    slip = run("catalog", "import", "clinic.yaml", "--yes")
    assert isinstance(slip.exception, HoldfastError)
    assert "there is bright-smile" in slip.exception.detail
    assert run("catalog", "import", "clinic.yaml", "--yes", "--new-organization").exit_code == 0


@pytest.mark.parametrize(
    ("content", "told"),
    [(None, "cannot be read: no such file"), (b"organization: \xff\n", "clinic.yaml:1: this is not UTF-8")],
)
def test_a_file_that_cannot_be_read(run: Run, content: bytes | None, told: str) -> None:
    Path("clinic.yaml").unlink()
    if content is not None:
        Path("clinic.yaml").write_bytes(content)
    result = run("catalog", "import", "clinic.yaml")
    assert isinstance(result.exception, HoldfastError)
    assert told in result.exception.detail


def test_bookings_in_the_way_are_told_in_local_time(run: Run, database: DatabaseUrls) -> None:
    import psycopg

    run("catalog", "import", "clinic.yaml", "--yes")
    with psycopg.connect(database.owner) as connection:
        connection.execute(
            "select holdfast.act_as(holdfast.organization_by_slug('bright-smile'), 'system', 'desk');"
            "select holdfast.place_block((select id from holdfast.resource), t, t + interval '1 hour', 'Holiday')"
            " from (select date_trunc('year', now()) + interval '18 months 18 hours' as t) x"
        )
    Path("clinic.yaml").write_text(CLINIC.replace("[Ana]", "[Bo]"), "utf-8")
    result = run("catalog", "import", "clinic.yaml", "--yes", "--retire-missing")
    assert result.exit_code == 1
    assert "provider ana cannot be retired:" in result.stderr
    assert "-07-01 13:00 America/Chicago  block blk_" in result.stderr


def test_booked_visits_that_a_change_touches_are_listed_before_it_is_made(run: Run, database: DatabaseUrls) -> None:
    import psycopg

    run("catalog", "import", "clinic.yaml", "--yes")
    with psycopg.connect(database.owner) as connection:
        connection.execute(
            "select holdfast.act_as(holdfast.organization_by_slug('bright-smile'), 'system', 'desk');"
            "select holdfast.book((select id from holdfast.service), (select id from holdfast.location), t,"
            """ '{"name": "Cy", "email": "cy@example.com"}')"""
            " from (select date_trunc('year', now()) + interval '18 months 18 hours' as t) x"
        )
    Path("clinic.yaml").write_text(CLINIC.replace("Check-up: 30", "Check-up: 45"), "utf-8")
    lines = run("catalog", "import", "clinic.yaml", "--dry-run").stdout.splitlines()
    assert "1 booked visit would no longer be as the rules say, and would stay as booked:" in lines
    assert any("-07-01 13:00 America/Chicago  Check-up  apt_" in line for line in lines)
    assert "        Longer than booked: it would need until 13:45." in lines
    (told,) = json.loads(run("catalog", "import", "clinic.yaml", "--dry-run", "--json").stdout)["affected"]
    assert told["reasons"] == ["longer", "other_time"]
    Path("clinic.yaml").write_text(CLINIC.replace("Check-up: 30", "Check-up: {duration: 30, price: 9}"), "utf-8")
    assert json.loads(run("catalog", "import", "clinic.yaml", "--dry-run", "--json").stdout)["affected"] == []
    Path("clinic.yaml").write_text(CLINIC.replace("[Ana]", "[Bo]"), "utf-8")
    retired = run("catalog", "import", "clinic.yaml", "--dry-run", "--retire-missing")
    assert retired.exit_code == 1
    assert "        Ana cannot be taken away while it has this." in retired.stdout.splitlines()


def test_keys_are_shown_once_and_end_when_revoked(run: Run) -> None:
    run("catalog", "import", "clinic.yaml", "--yes")
    made = json.loads(run("keys", "create", "Front desk", "--scope", "read", "--surface", "desk", "--json").stdout)
    assert made["key"].startswith("hf_front_")
    listed = run("keys", "list").stdout
    assert made["id"] in listed
    assert made["key"][:-4] not in listed
    assert run("keys", "revoke", made["id"]).exit_code == 0
    (key,) = json.loads(run("keys", "list", "--json").stdout)
    assert key["revoked_at"] is not None
    unknown = run("keys", "create", "Desk", "--scope", "root", "--surface", "desk")
    assert isinstance(unknown.exception, HoldfastError)
