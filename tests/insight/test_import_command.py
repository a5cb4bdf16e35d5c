"""``holdfast import`` as a person meets it."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
import pytest
from click.testing import Result
from typer.testing import CliRunner

from holdfast.cli.main import app
from holdfast.db.urls import DatabaseUrls
from holdfast.errors import Invalid
from tests.clinic import NINE, Clinic, at, open_clinic

REAL = os.environ.get("HOLDFAST_CALENDARS")
# Calendars of years ago, some with rules that never end.
THEN = ("--from", "2000-01-01", "--to", "2019-12-31")
Run = Callable[..., Result]


@pytest.fixture
def clinic(database: DatabaseUrls) -> Clinic:
    with psycopg.connect(database.app, autocommit=True) as connection:
        clinic = open_clinic(connection)
        clinic.resource("ana-ruiz", "provider")
        clinic.resource("room-1", "room")
    return clinic


@pytest.fixture
def run(database: DatabaseUrls, clinic: Clinic, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    monkeypatch.setenv("HOLDFAST_DATABASE_URL", database.owner)
    monkeypatch.setenv("HOLDFAST_APP_DATABASE_URL", database.app)
    monkeypatch.chdir(tmp_path)
    return lambda *words: CliRunner().invoke(app, ["import", *map(str, words)])


def ics(*events: tuple[str, float, float, str], name: str = "Ana") -> Path:
    """A calendar of (uid, minutes after nine, length in minutes, title)."""
    lines = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//test//", f"X-WR-CALNAME:{name}"]
    for uid, start, minutes, title in events:
        lines += ["BEGIN:VEVENT", f"UID:{uid}", f"DTSTAMP:{NINE:%Y%m%dT%H%M%SZ}", f"DTSTART:{at(start):%Y%m%dT%H%M%SZ}"]
        lines += [f"DTEND:{at(start + minutes):%Y%m%dT%H%M%SZ}", f"SUMMARY:{title}", "END:VEVENT"]
    path = Path("ana.ics")
    path.write_text("\r\n".join([*lines, "END:VCALENDAR", ""]), "utf-8")
    return path


def in_the_record(database: DatabaseUrls) -> list[tuple[Any, ...]]:
    with psycopg.connect(database.owner) as owner:
        query = "select source, external_id, starts_at, ends_at from holdfast.busy where removed_at is null order by 3"
        return owner.execute(query).fetchall()


def test_look_do_and_do_again(run: Run, database: DatabaseUrls) -> None:
    file = ics(("a", 0, 30, "Ms. Lovelace"), ("b", 15, 30, "Dentist"))
    looked = run(file, "--resource", "ana-ruiz", "--dry-run")
    assert looked.exit_code == 0, looked.exception
    assert looked.stdout == "ana-ruiz: 2 new\n2 times would change with 1 collision; nothing was written.\n"
    assert in_the_record(database) == []
    done = run(file, "--resource", "ana-ruiz")
    assert done.stdout == (
        "ana-ruiz: 2 new\nDone: 2 times changed, 1 collision found. Decide about them: GET /v1/collisions.\n"
    )
    assert in_the_record(database) == [("Ana", "a", at(0), at(30)), ("Ana", "b", at(15), at(45))]
    assert run(file, "--resource", "ana-ruiz").stdout == "ana-ruiz: 2 unchanged\nNothing to change.\n"

    ics(("a", 60, 30, "Ms. Lovelace"), ("c", 0, 10, "Lunch"), ("d", 300, 10, "Supper"))
    told = run(file, "--resource", "ana-ruiz").stdout.splitlines()[0]
    assert told == "ana-ruiz: 2 new, 1 moved, 1 no longer in the file (kept; --remove-missing removes)"
    removed = run(file, "--resource", "ana-ruiz", "--remove-missing")
    assert removed.stdout.splitlines()[-1] == "Done: 1 time changed, 0 collisions found."
    assert [row[1] for row in in_the_record(database)] == ["c", "a", "d"]


def test_no_title_is_kept_anywhere(run: Run, database: DatabaseUrls) -> None:
    run(ics(("a", 0, 30, "ZZPHI Lovelace")), "--resource", "ana-ruiz")
    with psycopg.connect(database.owner) as owner:
        for table in ("busy", "claim", "event", "collision"):
            rows = owner.execute(f"select t::text from holdfast.{table} t").fetchall()  # type: ignore[arg-type]
            assert not any("ZZPHI" in row for (row,) in rows)


def test_a_csv_of_several_resources(run: Run, database: DatabaseUrls) -> None:
    Path("b.csv").write_text(
        "id,Provider,Room,Start,End\n"
        f"1,Dr. A,Room 1,{at(0):%Y-%m-%d %H:%M},{at(30):%Y-%m-%d %H:%M}\n"
        f"2,Dr. B,Room 1,{at(60):%Y-%m-%d %H:%M},{at(90):%Y-%m-%d %H:%M}\n",
        "utf-8",
    )
    asked = run("b.csv", "--resource", "room-1")
    assert isinstance(asked.exception, Invalid)
    assert "'Dr. A', 'Dr. B', 'Room 1'" in asked.exception.detail
    mapped = ("--resource-map", "Dr. A=ana-ruiz", "--resource-map", "Dr. B=", "--tz", "UTC")
    done = run("b.csv", *mapped, "--resource", "room-1", "--json")
    told = json.loads(done.stdout)
    assert [(each["resource"], each["added"]) for each in told["resources"]] == [("ana-ruiz", 1), ("room-1", 2)]
    assert told["left_out"] == {"of 'Dr. B'": 1}
    assert len(in_the_record(database)) == 3


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "--resource SLUG"),
        (("--resource-map", "Ana"), "names no resource"),
        (("--resource", "nobody"), "There is no resource 'nobody' here"),
        (("--resource", "ana-ruiz", "--organization", "elsewhere"), "There is no organization 'elsewhere'"),
        (("--resource", "ana-ruiz", "--tz", "Mars/Olympus"), "not a time zone"),
        (("--resource", "ana-ruiz", "--source", " "), "--source NAME"),
        (("--resource", "ana-ruiz", "--from", "2027-01-02", "--to", "2027-01-01"), "Swap them"),
    ],
)
def test_what_it_cannot_do_it_says_in_a_sentence(run: Run, words: tuple[str, ...], said: str) -> None:
    refused = run(ics(("a", 0, 30, "")), *words)
    assert said in getattr(refused.exception, "detail", "")


def test_a_misspelled_resource_is_told_when_nothing_is_left_to_import(run: Run) -> None:
    for words in (("--resource", "nobody"), ("--resource", "NOT A slug"), ()):
        refused = run(ics(("a", 0, 30, "")), *words, "--to", "2001-01-01")
        assert refused.exit_code, words


def test_a_broken_event_is_named_and_nothing_is_taken_for_missing(run: Run) -> None:
    file = ics(("a", 0, 30, ""), ("b", 60, 30, ""))
    file.write_text(file.read_text("utf-8").replace(f"DTSTART:{at(60):%Y%m%dT%H%M%SZ}", "DTSTART:soon"), "utf-8")
    done = run(file, "--resource", "ana-ruiz")
    assert done.stdout.startswith("ana-ruiz: 1 new")
    assert "line " in done.stderr
    refused = run(file, "--resource", "ana-ruiz", "--remove-missing")
    assert "cannot be read" in getattr(refused.exception, "detail", "")


@pytest.mark.skipif(REAL is None, reason="HOLDFAST_CALENDARS names no folder of real calendars")
def test_real_calendars_are_taken_in_whole_and_twice_is_once(run: Run, database: DatabaseUrls) -> None:
    assert REAL is not None
    files = sorted(Path(REAL).glob("*.ics"))
    assert files
    for file in files:
        words = (file, "--resource", "ana-ruiz", "--source", file.name, "--json", *THEN)
        looked = json.loads(run(*words, "--dry-run").stdout)
        done = json.loads(run(*words).stdout)
        assert {**looked, "dry_run": False} == done, file.name
        again = json.loads(run(*words).stdout)
        assert (again["changes"], again["collisions"]) == (0, 0), file.name
    with psycopg.connect(database.owner) as owner:
        doubled = """select count(*) from holdfast.claim a join holdfast.claim b
                     on a.unit_id = b.unit_id and a.id < b.id and a.during && b.during and a.active and b.active"""
        assert owner.execute(doubled).fetchone() == (0,)
