"""Large files give the figures they were made to give."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from holdfast.insight.audit_report import Audit
from holdfast.insight.calendar_files import open_calendar
from tests.size import FULL_SIZE

from .generated_calendars import PROVIDERS, collisions_in, write_csv, write_ics

LARGE = 100_000 if FULL_SIZE else 20_000


@pytest.mark.parametrize("count", [2_000, LARGE])
@pytest.mark.parametrize("suffix", [".ics", ".csv"])
def test_the_figures_are_those_that_were_made(tmp_path: Path, count: int, suffix: str) -> None:
    path = tmp_path / f"big{suffix}"
    (write_ics if suffix == ".ics" else write_csv)(path, count)
    gathered = Audit()
    opened = open_calendar(path)
    gathered.add_file(path.name, opened.events, opened.reading)
    report = gathered.report(now=datetime(2199, 1, 1, tzinfo=UTC), buffer_minutes=0)
    expected = collisions_in(count * PROVIDERS) // PROVIDERS if suffix == ".ics" else collisions_in(count)
    assert report.past.bookings == count
    assert report.past.collisions == expected > 0
    assert opened.reading.problem_count == 0
