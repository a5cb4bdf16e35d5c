"""A small clinic that reads like one: Anna and Ben treat, two rooms, one laser, Berlin, Monday 2 March 2026."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, time

from holdfast import wallclock
from holdfast.availability.model import Claim, Location, Pool, Request, Requirement, Resource, Service, Snapshot
from holdfast.availability.rules import Timetable, Weekly

ZONE = "Europe/Berlin"


def at(text: str) -> datetime:
    """``"10:00"`` on the Monday, or ``"03 10:00"`` on the 3rd, in Berlin."""
    day, _, clock = text.rpartition(" ")
    return wallclock.parse_instant(f"2026-03-{day or '02'}T{clock}", ZONE)


def shown(instant: datetime) -> str:
    return wallclock.to_local(instant, ZONE).strftime("%H:%M")


def daily(starts: int, ends: int) -> tuple[Weekly, ...]:
    return tuple(Weekly(day, time(starts), time(ends)) for day in range(7))


def booked(start: str, end: str, visit: str | None = "a visit") -> Claim:
    return Claim(at(start), at(end), "appointment", visit, at(start))


OPEN = Timetable(hours=daily(9, 17), breaks=daily(12, 13))
PROVIDERS, ROOMS = Pool(("anna", "ben")), Pool(("room 1", "room 2"))
RESOURCES = {
    resource.id: resource
    for resource in (
        Resource("anna", "provider", ("anna",), {"berlin": None}),
        Resource("ben", "provider", ("ben",), {"berlin": Timetable(daily(10, 15))}),
        Resource("room 1", "room", ("room 1",), {"berlin": None}),
        Resource("room 2", "room", ("room 2",), {"berlin": None}),
        Resource("laser", "device", ("laser",), {"berlin": None}),
    )
}
FACIAL = Service(
    "facial", 60, (Requirement("provider", PROVIDERS, 60), Requirement("room", ROOMS, 60)), grid_minutes=30
)
PEEL = Service(
    "peel",
    30,
    (Requirement("provider", PROVIDERS, 30), Requirement("device", Pool(("laser",)), 10, 10)),
    grid_minutes=30,
)


def record(
    claims: Mapping[str, Sequence[Claim]] | None = None,
    *,
    resources: Sequence[Resource] = (),
    services: Sequence[Service] = (FACIAL, PEEL),
    now: datetime = datetime(2026, 3, 1, 12, tzinfo=UTC),
) -> Snapshot:
    changed = {resource.id: resource for resource in resources}
    return Snapshot(
        now,
        {"berlin": Location("berlin", ZONE, OPEN)},
        RESOURCES | changed,
        {service.id: service for service in services},
        claims or {},
    )


def ask(*services: str, **changes: object) -> Request:
    whole_day = Request("berlin", services or ("facial",), at("00:00"), at("03 00:00"))
    return replace(whole_day, **changes)  # type: ignore[arg-type]
