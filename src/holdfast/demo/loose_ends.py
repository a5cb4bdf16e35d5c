"""What waits for somebody in the demo: a line for times that are gone, and a provider's own calendar that disagrees."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, time, timedelta
from itertools import islice
from typing import Final
from uuid import UUID

from holdfast.booking import outside
from holdfast.booking.model import Appointment, CollisionFilter
from holdfast.db.queries import load_queries
from holdfast.db.transact import Transaction
from holdfast.demo.people import client
from holdfast.waitlist import service as waitlist
from holdfast.waitlist.model import TimeWindow, Wish

AFTER_WORK: Final = TimeWindow(time(16), time(20))
WEEKDAY_MORNINGS: Final = TimeWindow(time(8), time(12), frozenset(range(5)))
COLLISIONS: Final = 2
ANY_TIME: Final = 100  # the first of the clients who take any time

QUERIES: Final = load_queries("holdfast.demo")


async def seat_line(tx: Transaction, services: Mapping[str, UUID], locations: Mapping[str, UUID], today: date) -> None:
    """Clients who found no time that suits, and for each service one who takes any: a cancellation is offered."""
    if await waitlist.list_entries(tx, limit=1):
        return
    wanted: Sequence[tuple[int, str, str, TimeWindow, int, int]] = (
        (11, "botox", "austin", AFTER_WORK, 10, 1),
        (23, "hydrafacial", "austin", WEEKDAY_MORNINGS, 14, 1),
        (35, "laser-hair-removal", "austin", AFTER_WORK, 21, 1),
        (47, "botox", "denver", WEEKDAY_MORNINGS, 7, 1),
        (59, "ipl", "denver", AFTER_WORK, 30, 1),
        (71, "couples-massage", "austin", AFTER_WORK, 14, 2),
    )
    for number, service, location, window, days, party in wanted:
        wish = Wish(
            (services[service],),
            (locations[location],),
            windows=(window,),
            earliest_on=today,
            latest_on=today + timedelta(days=days),
            notice_minutes=120,
            party_size=party,
        )
        await waitlist.join(tx, wish, client(number))
    for number, service in enumerate(sorted(services)):
        anything = Wish((services[service],), tuple(locations.values()), latest_on=today + timedelta(days=60))
        await waitlist.join(tx, anything, client(ANY_TIME + number))
    await never_quiet(tx, services.values())


async def never_quiet(tx: Transaction, services: Iterable[UUID]) -> None:
    """Whoever tries the demo at night sees offers, too: nothing leaves it."""
    await tx.run(QUERIES["never_quiet"])
    for service_id in services:
        await waitlist.set_policy(tx, service_id, {"quiet_from": "00:00", "quiet_until": "00:00"})


async def bring_collisions(tx: Transaction, coming: Sequence[Appointment]) -> None:
    """Two of the visits to come are met by an event of the provider's own calendar; once."""
    if await outside.list_collisions(tx, CollisionFilter(), limit=1):
        return
    for number, visit in enumerate(islice(coming, 0, None, max(len(coming) // COLLISIONS, 1))):
        provider = next((claim for claim in visit.claims if claim["kind"] == "provider"), None)
        if provider is not None:
            await outside.record_busy(
                tx,
                UUID(provider["resource_id"]),
                source="own calendar",
                external_id=f"demo-{number}",
                start=visit.starts_at + timedelta(minutes=10),
                end=visit.ends_at + timedelta(minutes=20),
            )
