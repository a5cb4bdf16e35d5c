"""docs/audit.md says what the command does: its example gives its figures, and its table names every JSON field."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path

from holdfast.insight.audit_json import as_json
from holdfast.insight.audit_report import Audit
from holdfast.insight.calendar_files import open_calendar

PAGE = (Path(__file__).parents[2] / "docs" / "audit.md").read_text("utf-8")


def test_the_worked_example_gives_its_figures(tmp_path: Path) -> None:
    example = re.search(r"```csv\n(.*?)```", PAGE, re.DOTALL)
    assert example is not None
    path = tmp_path / "example.csv"
    path.write_text(example[1], encoding="utf-8")
    opened = open_calendar(path)
    gathered = Audit()
    gathered.add_file(path.name, opened.events, opened.reading)
    past = as_json(gathered.report(now=datetime(2025, 4, 1, tzinfo=UTC), buffer_minutes=5))["past"]
    assert (past["collisions"], past["bookings"], past["per_1000"], past["per_week"]) == (2, 4, 500.0, 2.0)
    assert (past["overlap_minutes"], past["near_misses"], past["back_to_back"]) == (60, 2, 1)


def test_every_field_of_the_json_is_in_the_table() -> None:
    schema = PAGE[PAGE.index("## JSON") :]
    report = Audit().report(now=datetime(2025, 4, 1, tzinfo=UTC), buffer_minutes=5)
    for field in as_json(report):
        assert re.search(rf"`{field}(\[\])?`", schema), field
