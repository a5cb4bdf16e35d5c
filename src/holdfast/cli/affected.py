"""The visits that a change touches, as a command tells them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

from holdfast.booking.affected import AffectedAppointment
from holdfast.ids import public_id
from holdfast.wallclock import to_local

LISTED_MAX: Final = 50


def affected_lines(affected: Sequence[AffectedAppointment]) -> Iterator[str]:
    """Each visit with its time on its location's clock and what the change does to it; nothing when there is none."""
    if not affected:
        return
    count = len(affected)
    visits = f"{count} booked visits" if count > 1 else "1 booked visit"
    yield f"{visits} would no longer be as the rules say, and would stay as booked:"
    for each in affected[:LISTED_MAX]:
        visit = each.appointment
        starts = to_local(visit.starts_at, visit.time_zone)
        id = public_id("appointment", visit.id)
        yield f"    {starts:%Y-%m-%d %H:%M} {visit.time_zone}  {visit.service_name}  {id}"
        yield from (f"        {sentence}" for sentence in each.sentences)
    if count > LISTED_MAX:
        yield f"    and {count - LISTED_MAX} more; --json lists them all"


def affected_as_json(affected: AffectedAppointment) -> dict[str, Any]:
    """One visit, with public ids and instants in ISO 8601."""
    visit = affected.appointment
    return {
        "appointment": public_id("appointment", visit.id),
        "service": public_id("service", visit.service_id),
        "location": public_id("location", visit.location_id),
        "start": visit.starts_at.isoformat(),
        "end": visit.ends_at.isoformat(),
        "time_zone": visit.time_zone,
        "reasons": sorted({effect.reason for effect in affected.effects}),
        "sentences": affected.sentences,
    }
