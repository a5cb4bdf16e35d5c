"""Options that every command about calendar files takes."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta, tzinfo
from typing import TYPE_CHECKING

from holdfast.errors import Invalid

if TYPE_CHECKING:
    from holdfast.insight.calendar_events import Window


def window_of(since: datetime | None, until: datetime | None, zone: tzinfo) -> Window:
    """Whole local days, both ends included. Raises Invalid for far years and the wrong way round."""
    from holdfast.insight.calendar_events import FIRST_YEAR, LAST_YEAR, Window, instant

    def midnight(day: date) -> datetime:
        return instant(datetime.combine(day, time.min), zone)

    for option, day in (("--from", since), ("--to", until)):
        if day and not FIRST_YEAR <= day.year <= LAST_YEAR:
            raise Invalid(
                f"{option} {day:%Y-%m-%d} is not a year of calendars. Name a day from {FIRST_YEAR} to {LAST_YEAR}."
            )
    if since and until and since > until:
        raise Invalid(f"--from {since:%Y-%m-%d} is after --to {until:%Y-%m-%d}. Swap them.")
    return Window(
        midnight(since.date()) if since else None,
        midnight(until.date() + timedelta(days=1)) if until else None,
    )


def columns_of(mapping: list[str]) -> dict[str, str]:
    """``["start=Begin Time"]`` → ``{"start": "Begin Time"}``. Raises Invalid."""
    columns: dict[str, str] = {}
    for pair in mapping:
        field, equals, header = pair.partition("=")
        if not equals or not header.strip():
            raise Invalid(f'--map {pair!r} names no column. Write it like --map start="Begin Time".')
        columns[field.strip()] = header.strip()
    return columns
