"""The audit as one page that needs nothing but itself: styles and drawings inline, no script, no link to anywhere."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

from jinja2 import Environment, PackageLoader, StrictUndefined, Template

from holdfast import __version__
from holdfast.insight import audit_words as words
from holdfast.insight.audit_report import Report, duration_words

_MARK: Final = '<meta name="generator" content="holdfast audit">'
CELL_WIDTH: Final = 50
CELL_HEIGHT: Final = 24
LABEL_WIDTH: Final = 46
HEAD_HEIGHT: Final = 22
RESOURCES_SHOWN: Final = 40
PROBLEMS_SHOWN: Final = 20


@dataclass(frozen=True, slots=True)
class Cell:
    """An hour of the week; ``strength`` is 0 to 1 of the worst hour's collisions."""

    x: int
    y: int
    strength: float
    is_open: bool
    label: str


@dataclass(frozen=True, slots=True)
class HeatMap:
    """Weekdays across, hours down: seven columns still read well on a phone."""

    width: int
    height: int
    cells: list[Cell]
    hours: list[tuple[int, str]]
    weekdays: list[tuple[int, str]]


@dataclass(frozen=True, slots=True)
class Bar:
    """One week; heights in percent of the most bookings, and of the most collisions, that any week had."""

    x: float
    width: float
    bookings: float
    collisions: float
    label: str


def render(report: Report) -> str:
    """The whole HTML document. Clients' names are in it only if the audit was told to keep them."""
    return _template().render(
        report=report,
        words=words,
        duration=duration_words,
        counted=words.counted,
        heat=heat_map(report),
        bars=week_bars(report),
        most_bookings=max((week.bookings for week in report.weeks), default=0),
        most_collisions=max((week.collisions for week in report.weeks), default=0),
        resources=report.resources[:RESOURCES_SHOWN],
        most=max((tally.per_1000 for tally in report.resources), default=0.0) or 1.0,
        problems_shown=PROBLEMS_SHOWN,
        has_services=any(any(worst.services) for worst in report.worst),
        has_titles=any(any(worst.titles) for worst in report.worst),
        mark=_MARK,
        version=__version__,
    )


def is_report(path: Path) -> bool:
    """Whether this file is a page that ``render`` made."""
    with path.open("rb") as file:
        return _MARK.encode() in file.read(1000)


def heat_map(report: Report) -> HeatMap | None:
    """Where in the week collisions start, from the first hour with a booking to the last; None without collisions."""
    rows = report.heat_collisions
    most = max(max(row) for row in rows)
    if not most:
        return None
    busy = [hour for hour in range(24) if any(row[hour] for row in report.heat_bookings)]
    hours = range(min(busy), max(busy) + 1)
    cells = [
        Cell(
            x=LABEL_WIDTH + weekday * CELL_WIDTH,
            y=HEAD_HEIGHT + (hour - hours.start) * CELL_HEIGHT,
            strength=round(rows[weekday][hour] / most, 3),
            is_open=report.heat_bookings[weekday][hour] > 0,
            label=f"{words.WEEKDAYS[weekday]} {hour:02d}:00: {words.counted(rows[weekday][hour], 'collision')} in "
            f"{words.counted(report.heat_bookings[weekday][hour], 'booking')}",
        )
        for hour in hours
        for weekday in range(7)
    ]
    return HeatMap(
        width=LABEL_WIDTH + 7 * CELL_WIDTH,
        height=HEAD_HEIGHT + len(hours) * CELL_HEIGHT,
        cells=cells,
        hours=[
            (HEAD_HEIGHT + (hour - hours.start) * CELL_HEIGHT + CELL_HEIGHT // 2, f"{hour:02d}:00") for hour in hours
        ],
        weekdays=[
            (LABEL_WIDTH + at * CELL_WIDTH + CELL_WIDTH // 2, name[:3]) for at, name in enumerate(words.WEEKDAYS)
        ],
    )


def week_bars(report: Report) -> list[Bar]:
    """Bookings and collisions week by week; empty when there are too few weeks to show a course."""
    if len(report.weeks) < 3:
        return []
    step = 100 / len(report.weeks)
    most_bookings = max(week.bookings for week in report.weeks) or 1
    most_collisions = max(week.collisions for week in report.weeks) or 1
    return [
        Bar(
            x=round(number * step, 3),
            width=round(step * 0.8, 3),
            bookings=round(100 * week.bookings / most_bookings, 2),
            collisions=round(100 * week.collisions / most_collisions, 2),
            label=f"Week of {week.monday.day} {week.monday:%b %Y}: {words.counted(week.collisions, 'collision')} in "
            f"{words.counted(week.bookings, 'booking')}",
        )
        for number, week in enumerate(report.weeks)
    ]


@cache
def _template() -> Template:
    environment = Environment(
        loader=PackageLoader("holdfast.insight"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("audit.html.j2")
