"""``holdfast audit`` as a person meets it."""

from __future__ import annotations

import json
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from holdfast.cli import main

CALENDARS = Path(__file__).parent / "calendars"


@pytest.fixture
def holdfast(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    """Run the console script in this process: (exit code, standard output, standard error)."""

    def run(*arguments: str | Path) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["holdfast", *map(str, arguments)])
        monkeypatch.setenv("COLUMNS", "120")
        with pytest.raises(SystemExit) as left:
            main.run()
        printed = capsys.readouterr()
        return int(left.value.code or 0), printed.out, printed.err

    return run


def test_the_tables(holdfast) -> None:
    code, out, err = holdfast("audit", CALENDARS / "rooms.csv", "--ticket", "340 EUR")
    assert (code, err) == (0, "")
    for expected in (
        "2 of 3 bookings were double-booked so far.",
        "666.7 per 1,000 bookings · 2.0 a week",
        "680 EUR so far: 2 collisions × 340 EUR, if each costs one visit.",
        "Laser A",
        "Front desk × Online",
        "Fri 14 Mar 2025, 09:30",
        "line 7: the booking ends before it starts",
        "names no time zone",
    ):
        assert expected in out


def test_collisions_are_a_result_and_not_an_error(holdfast, tmp_path: Path) -> None:
    page = tmp_path / "audit.html"
    code, out, _ = holdfast("audit", CALENDARS / "weekly.ics", CALENDARS / "rooms.csv", "--json", "--html", page)
    assert code == 0
    figures = json.loads(out)
    assert figures["past"]["collisions"] == 3
    assert figures["zone"] == "America/New_York"
    assert [file["zone_source"] for file in figures["files"]] == ["file", "assumed"]
    assert page.read_text("utf-8").startswith("<!doctype html>")


def test_a_window_and_titles(holdfast) -> None:
    _, out, _ = holdfast(
        "audit", CALENDARS / "weekly.ics", "--from", "2024-03-12", "--to", "2024-03-12", "--show-titles"
    )
    assert "1 of 2 bookings was double-booked" in out
    assert "Team meeting × Visit of a client" in out


def sample(folder: Path, name: str) -> Path:
    path = folder / name
    if name == "folder":
        path.mkdir()
    elif name == "empty.ics":
        path.write_bytes(b"")
    elif name == "calendars.zip":
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("a.ics", "BEGIN:VCALENDAR")
    elif name == "page.ics":
        path.write_text("<!doctype html><title>Sign in</title>", encoding="utf-8")
    elif name == "letter.txt":
        path.write_text("Dear all,\nthe calendar is attached.\n", encoding="utf-8")
    elif name == "picture.csv":
        path.write_bytes(bytes(range(256)) * 40)
    return path


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("missing.ics", "There is no file"),
        ("folder", "is a folder"),
        ("empty.ics", "is empty"),
        ("calendars.zip", "Unzip it"),
        ("page.ics", "is not an iCalendar file"),
        ("letter.txt", "is not a calendar"),
        ("picture.csv", "is not a calendar"),
    ],
)
def test_what_is_no_calendar_is_refused_in_a_sentence(holdfast, tmp_path: Path, name: str, said: str) -> None:
    code, out, err = holdfast("audit", sample(tmp_path, name))
    assert (code, out) == (2, "")
    assert said in err
    assert err.startswith("holdfast: ")
    assert err.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--tz", "Mars/Olympus"], "is not a time zone"),
        (["--map", "start"], "names no column"),
        (["--map", "start=Beginning"], "has no column 'Beginning'"),
        (["--map", "color=Start"], "no field 'color'"),
        (["--ticket", "a lot"], "is not an amount"),
        (["--from", "2025-03-02", "--to", "2025-03-01"], "Swap them"),
        (["--html", "/nowhere/at/all/audit.html"], "cannot be written"),
        (["--html", "audit.txt"], "has to end in .html"),
        (["--from", "0001-01-01", "--tz", "Asia/Tokyo"], "from 1970 to 2199"),
        (["--to", "9999-12-31"], "from 1970 to 2199"),
        (["--ticket=-5"], "is not an amount"),
    ],
)
def test_options_that_make_no_sense(holdfast, arguments: list[str], said: str) -> None:
    code, _, err = holdfast("audit", CALENDARS / "rooms.csv", *arguments)
    assert code == 2
    assert said in err


def test_the_page_is_never_written_over_something_else(holdfast, tmp_path: Path) -> None:
    calendar, notes, page = tmp_path / "a.html", tmp_path / "notes.html", tmp_path / "audit.html"
    calendar.write_bytes((CALENDARS / "weekly.ics").read_bytes())
    notes.write_text("<p>mine</p>", encoding="utf-8")
    for target, said in ((calendar, "is one of the calendars"), (notes, "is not an audit")):
        before = target.read_bytes()
        code, _, err = holdfast("audit", calendar, "--html", target)
        assert code == 2
        assert said in err
        assert target.read_bytes() == before
    for _ in range(2):  # the second time it is our own page
        assert holdfast("audit", CALENDARS / "weekly.ics", "--html", page)[0] == 0


def test_help_teaches_and_loads_nothing_heavy(holdfast) -> None:
    code, out, _ = holdfast("audit", "--help")
    assert code == 0
    assert out.count("holdfast audit ") >= 2
    loaded = subprocess.run(
        [sys.executable, "-c", "import sys, holdfast.cli.main; print(*sys.modules)"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    assert not {"icalendar", "jinja2", "recurring_ical_events"} & set(loaded)
