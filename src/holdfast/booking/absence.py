"""A resource that is out for a while, as the record knows it: time off, which nothing else overrides.

From then on no search offers it, no hold takes it and no offer from the waitlist names it in that time. What is booked
or held stays as it is, as with every rule.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from holdfast import wallclock
from holdfast.availability.bitmap import MINUTE
from holdfast.availability.catalog import Catalog
from holdfast.availability.service import Absence
from holdfast.availability.snapshot import QUERIES as CLAIMS
from holdfast.booking.service import QUERIES
from holdfast.db.transact import Transaction

REASON: Final = "Dropped out"


@dataclass(frozen=True, slots=True)
class TimeOff:
    """What the record says of an absence; ``known``: it said so before. ``held``: live holds that reach into it.

    A hold may yet become a visit: whoever has it was promised the time.
    """

    resource_id: UUID
    start: datetime
    end: datetime
    known: bool
    held: int


async def record_absence(tx: Transaction, catalog: Catalog, out: Absence, reason: str = "") -> TimeOff:
    """Write the absence and its reason down wherever the resource serves, unless its time off covers it already."""
    resource = catalog.resources.get(str(out.resource_id))
    spans = {
        location: wall_span(out, catalog.locations[location].zone)
        for location in (resource.timetables if resource else ())
        if location in catalog.locations
    }
    # one rule for all places where their clocks agree
    rules = {None: next(iter(spans.values()))} if len(set(spans.values())) == 1 else spans
    added = [
        await tx.value(
            QUERIES["record_absence"],
            location_id=location and UUID(location),
            resource_id=out.resource_id,
            starts=starts,
            ends=ends,
            reason=reason or REASON,
        )
        for location, (starts, ends) in rules.items()
    ]
    units = [UUID(unit) for unit in resource.units] if resource else []
    claims = await tx.tuples(CLAIMS["claims_between"], unit_ids=units, from_at=out.start, to_at=out.end)
    held = {hold_id for _, _, _, kind, hold_id, *_ in claims if kind == "hold"}
    return TimeOff(out.resource_id, out.start, out.end, not any(added), len(held))


def wall_span(out: Absence, zone: str) -> tuple[datetime, datetime]:
    """The span on the zone's clock, in whole minutes and never narrower: of an hour that comes twice, both."""
    starts = wallclock.to_local(out.start, zone).replace(tzinfo=None, second=0, microsecond=0)
    ends = wallclock.to_local(out.end, zone).replace(tzinfo=None, second=0, microsecond=0)
    while wallclock.resolve_rule(ends, zone) < out.end:
        ends += MINUTE
    return starts, ends
