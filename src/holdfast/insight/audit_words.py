"""The sentences that the terminal and the page share: plurals, dates, rates."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Final

from holdfast.insight.audit_report import Report, ResourceTally, Worst
from holdfast.insight.calendar_events import zone_name

WEEKDAYS: Final = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_LEFT_OUT: Final = {
    "cancelled": ("cancelled", "cancelled"),
    "free": ("marked free", "marked free"),
    "declined": ("declined", "declined"),
    "zero length": ("without a length", "without a length"),
    "exported twice": ("older copy of the same event", "older copies of the same event"),
    "outside the window": ("outside --from and --to", "outside --from and --to"),
}


def counted(number: int, one: str, many: str | None = None) -> str:
    """``1 booking``, ``1,204 bookings``."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def day(moment: datetime) -> str:
    """``3 Nov 2026``."""
    return f"{moment.day} {moment:%b %Y}"


def moment(at: datetime) -> str:
    """``Tue 3 Nov 2026, 09:30``."""
    return f"{at:%a} {at.day} {at:%b %Y, %H:%M}"


def headline(report: Report) -> str:
    """The answer, in one sentence."""
    period = report.headline
    if not period.bookings:
        return "There are no bookings to compare here."
    when = "so far" if period is report.past else "among those to come"
    if not period.collisions:
        return f"No double-booking in {counted(period.bookings, 'booking')} {when}."
    verbs = ("was", "were") if period is report.past else ("is", "are")
    verb = verbs[period.collisions != 1]
    return f"{period.collisions:,} of {period.bookings:,} bookings {verb} double-booked {when}."


def coming(report: Report) -> str:
    """What can still be done something about; "" when the headline says it or nothing is to come."""
    period = report.coming
    if not period.bookings or period is report.headline:
        return ""
    if not period.collisions:
        return f"None of the {counted(period.bookings, 'booking')} to come collides so far."
    verb = "collides and can still be moved" if period.collisions == 1 else "collide and can still be moved"
    return f"{period.collisions:,} of the {counted(period.bookings, 'booking')} to come {verb}."


def span(report: Report) -> str:
    """``3 Nov 2025 to 7 Mar 2026, times in Europe/Berlin``."""
    if report.first is None or report.last is None:
        return ""
    zone = "times as written" if report.zone_is_assumed else f"times in {zone_name(report.zone)}"
    first, last = day(report.first), day(report.last)
    return f"{first} to {last}, {zone}" if first != last else f"{first}, {zone}"


def peak(report: Report) -> str:
    """When it happens most; "" without collisions."""
    found = report.peak
    if found.worst_weekday is None or found.worst_hour is None:
        return ""
    hour = f"{WEEKDAYS[found.worst_weekday]}s from {found.worst_hour:02d}:00 to {(found.worst_hour + 1) % 24:02d}:00"
    return (
        f"Worst hour of the week: {hour}, {counted(found.worst_collisions, 'collision')}. "
        f"In the ten busiest hours of the week {rate(found.per_1000)} of 1,000 bookings collide."
    )


def near_misses(report: Report) -> str:
    """Bookings with too little air before them."""
    tight = report.past.near_misses + report.coming.near_misses
    touching = report.past.back_to_back + report.coming.back_to_back
    if not report.buffer_minutes:
        return ""
    words = counted(tight, "booking starts", "bookings start")
    of_them = f", {touching:,} of them back to back" if touching else ""
    return f"Near misses: {words} less than {counted(report.buffer_minutes, 'minute')} after the one before{of_them}."


def money(report: Report) -> list[str]:
    """The cost, taking every collision for one visit lost, with its arithmetic; empty without a ticket."""
    if report.ticket is None:
        return []
    each = report.ticket.times(1)
    lines = []
    if report.past.bookings:
        lines.append(
            f"{report.cost} so far: {counted(report.past.collisions, 'collision')} × {each}, if each costs one visit."
        )
    if report.headline.collisions:
        rate = f"{report.headline.collisions:,} in {report.headline.weeks:,.1f} weeks"
        lines.append(f"{report.cost_per_year} a year at this rate: {rate}, × 52 weeks × {each}.")
    if report.coming.collisions:
        lines.append(
            f"{report.avoidable} can still be saved: {counted(report.coming.collisions, 'collision')} to come × {each}."
        )
    return lines


def left_out(report: Report) -> str:
    """What was not counted and why, in one sentence; "" when everything was."""
    totals: dict[str, int] = {}
    for source in report.sources:
        for reason, count in source.reading.left_out.items():
            totals[reason] = totals.get(reason, 0) + count
    parts = [f"{count:,} {_LEFT_OUT[reason][count != 1]}" for reason, count in sorted(totals.items())]
    if report.all_day:
        parts.append(
            f"{counted(report.all_day, 'all-day event')} (--all-day counts {'it' if report.all_day == 1 else 'them'})"
        )
    if report.duplicates:
        parts.append(f"{counted(report.duplicates, 'repeat')} of a booking already counted")
    return f"Left out: {', '.join(parts)}." if parts else ""


def assumptions(report: Report) -> Iterator[str]:
    """What had to be assumed to read the files."""
    for source in report.sources:
        yield from source.reading.notes
        if source.reading.zone_source == "assumed" and source.events:
            yield (
                f"{source.path} names no time zone: times without one are shown as written, others in UTC. "
                "Say --tz Europe/Berlin (your zone) to have clock changes right."
            )


def rate(number: float) -> str:
    """``29.7``, ``0.02``: a rare thing must not read as never."""
    return f"{number:,.1f}" if number >= 1 or not number else f"{number:.2g}"


def resource_name(tally: ResourceTally | Worst) -> str:
    name = tally.resource if isinstance(tally, Worst) else tally.name
    return name or "(unnamed)"


def pair(texts: tuple[str, str]) -> str:
    """``Botox × Laser``; "" when neither is known."""
    one, other = (text or "?" for text in texts)
    return f"{one} × {other}" if any(texts) else ""
