"""Calendars of any size whose double-bookings are known.

``python tests/insight/generated_calendars.py 100000 big.ics``, or ``big.csv``.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

PROVIDERS = 40
EVERY = 50
FIRST = datetime(2015, 1, 5, 9, tzinfo=UTC)


class Visit(NamedTuple):
    """One booking; half an hour on the half hour, 16 a day, five days a week for every provider."""

    number: int
    provider: int
    start: datetime
    end: datetime


def visits(count: int) -> Iterator[Visit]:
    """Every fiftieth visit of a provider lasts 15 minutes too long, and so runs into the next one of the same day."""
    for number in range(count):
        provider, turn = number % PROVIDERS, number // PROVIDERS
        day, slot = divmod(turn, 16)
        start = FIRST + timedelta(days=day // 5 * 7 + day % 5, minutes=30 * slot)
        yield Visit(number, provider, start, start + timedelta(minutes=45 if is_too_long(turn) else 30))


def is_too_long(turn: int) -> bool:
    return turn % EVERY == 0


def collisions_in(count: int) -> int:
    """How many of the visits start while the one before still runs: those after one that is too long, the same day."""
    turns = (number // PROVIDERS for number in range(count))
    return sum(1 for turn in turns if turn % 16 and is_too_long(turn - 1))


def write_ics(path: Path, count: int) -> None:
    """An .ics file is one resource: the visits of the first provider alone, over as many years as that takes."""
    with path.open("w", encoding="utf-8", newline="") as file:
        file.write("BEGIN:VCALENDAR\r\nVERSION:2.0\r\nX-WR-TIMEZONE:Europe/Berlin\r\n")
        for visit in visits(count * PROVIDERS):
            if visit.provider:
                continue
            file.write(
                f"BEGIN:VEVENT\r\nUID:{visit.number}@tests\r\nDTSTAMP:20150101T000000Z\r\n"
                f"DTSTART:{visit.start:%Y%m%dT%H%M%SZ}\r\nDTEND:{visit.end:%Y%m%dT%H%M%SZ}\r\n"
                "SUMMARY:Visit\r\nDESCRIPTION:Booked at the front desk\\, by phone.\r\n"
                "STATUS:CONFIRMED\r\nEND:VEVENT\r\n"
            )
        file.write("END:VCALENDAR\r\n")


def write_csv(path: Path, count: int) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        file.write("Booking ID,Provider,Date,Start Time,End Time,Status\n")
        for visit in visits(count):
            day, start, end = f"{visit.start:%m/%d/%Y}", f"{visit.start:%I:%M %p}", f"{visit.end:%I:%M %p}"
            file.write(f"{visit.number},Provider {visit.provider},{day},{start},{end},Confirmed\n")


if __name__ == "__main__":
    target = Path(sys.argv[2])
    (write_ics if target.suffix == ".ics" else write_csv)(target, int(sys.argv[1]))
