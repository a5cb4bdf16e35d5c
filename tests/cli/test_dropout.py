"""``holdfast dropout`` as a person types it: the plan, the approval, and what is said of those who are left."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest
from typer.testing import CliRunner, Result

from holdfast.cli.main import app
from holdfast.db.urls import DatabaseUrls
from holdfast.errors import HoldfastError
from tests.rules.clinic import next_monday

MONDAY = next_monday()
CLINIC = """\
organization: Glow
locations: {main: America/Chicago}
providers: [Ana, Bo]
services: {facial: 60}
"""
Run = Callable[..., Result]
SPAN = ("ana", "--from", f"{MONDAY}T08:00", "--to", f"{MONDAY}T18:00")


@pytest.fixture
def run(database: DatabaseUrls, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    monkeypatch.setenv("HOLDFAST_DATABASE_URL", database.owner)
    monkeypatch.setenv("HOLDFAST_APP_DATABASE_URL", database.app)
    monkeypatch.chdir(tmp_path)
    Path("clinic.yaml").write_text(CLINIC, "utf-8")
    runner = CliRunner()
    assert runner.invoke(app, ["catalog", "import", "clinic.yaml", "--yes"]).exit_code == 0
    return lambda *words: runner.invoke(app, words)


def book(database: DatabaseUrls, clock: str, who: str) -> None:
    """A visit on Monday, on the clock of the clinic."""
    with psycopg.connect(database.owner) as connection:
        connection.execute("select holdfast.act_as(holdfast.organization_by_slug('glow'), 'system', 'desk')")
        connection.execute(
            "select holdfast.book(s.id, l.id, %s::timestamp at time zone l.time_zone,"
            """ '{"name": "Cy", "email": "cy@example.com"}', jsonb_build_object('provider', jsonb_build_array("""
            " jsonb_build_array((select id from holdfast.resource where slug = %s)))))"
            " from holdfast.service s, holdfast.location l",
            (f"{MONDAY} {clock}", who),
        )


def test_a_plan_is_shown_approved_and_then_done(run: Run, database: DatabaseUrls) -> None:
    book(database, "09:00", "ana")
    planned = run("dropout", *SPAN)
    assert planned.exit_code == 0
    moved, told = planned.stdout.splitlines()
    assert moved.startswith(f"{MONDAY} 09:00 America/Chicago  apt_")
    assert moved.endswith("  provider -> Bo")
    assert told.startswith("Nothing was changed. To do it: --approve ")
    fingerprint = told.rpartition(" ")[2]
    as_json = json.loads(run("dropout", *SPAN, "--json").stdout)
    assert as_json["fingerprint"] == fingerprint
    assert [move["makes_way"] for move in as_json["moves"]] == [False]
    said = f"ana, {MONDAY} 08:00 America/Chicago to {MONDAY} 18:00 America/Chicago."
    assert planned.stderr == f"Time off is to be recorded: {said}\n"
    assert (as_json["absence"]["known"], as_json["absence"]["held"]) == (False, 0)
    done = run("dropout", *SPAN, "--approve", fingerprint)
    assert done.stdout.splitlines()[-1] == "Done."
    assert done.stderr == f"Time off is now recorded: {said}\n"
    assert run("dropout", *SPAN).stderr == f"Time off is on record already: {said}\n"
    assert run("dropout", *SPAN).stdout == "No visit is affected.\n"
    late = run("dropout", *SPAN, "--approve", fingerprint)
    assert isinstance(late.exception, HoldfastError)
    assert "changed since the plan was made" in late.exception.detail


def test_an_absence_that_touches_no_visit_can_be_approved_too(run: Run) -> None:
    planned = run("dropout", *SPAN)
    nothing, told = planned.stdout.splitlines()
    assert nothing == "No visit is affected."
    assert run("dropout", *SPAN, "--approve", told.rpartition(" ")[2]).exit_code == 0
    assert json.loads(run("dropout", *SPAN, "--json").stdout)["absence"]["known"]


def test_who_is_left_is_said_with_other_times_and_exit_code_1(run: Run, database: DatabaseUrls) -> None:
    for who in ("ana", "bo"):
        book(database, "09:00", who)
    planned = run("dropout", *SPAN)
    assert planned.exit_code == 1
    lines = planned.stdout.splitlines()
    assert lines[0].endswith("nobody else can take it (taken)")
    assert lines[1] == f"    instead: {MONDAY} 10:00 America/Chicago"
    (left,) = json.loads(run("dropout", *SPAN, "--json").stdout)["stranded"]
    assert len(left["alternatives"]) == 3


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (("nobody", *SPAN[1:]), "There is no resource"),
        (("ana", "--from", "2027-03-01", "--to", "2027-03-02T09:00"), "add a time, such as 2027-03-01T09:00"),
        (("ana", "--from", SPAN[4], "--to", SPAN[2]), "ends after it starts"),
    ],
)
def test_what_makes_no_sense_is_said_in_a_sentence(run: Run, words: tuple[str, ...], hint: str) -> None:
    refused = run("dropout", *words)
    assert isinstance(refused.exception, HoldfastError)
    assert hint in refused.exception.detail
