"""I11 for visits of several appointments: on random clinics, what is offered can be held, and nothing else."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import accumulate

import pytest

from holdfast.availability import service as availability
from holdfast.availability.bitmap import MINUTE
from holdfast.booking import visits
from holdfast.booking.visits import Item, VisitAsked, VisitItems
from holdfast.db.transact import Record
from holdfast.errors import Invalid, NotBookable, SlotTaken
from holdfast.wallclock import day_start
from tests.rules.clinic import ZONE, Clinic, daily, next_monday
from tests.rules.test_agreement import random_clinic
from tests.size import FULL_SIZE

ROUNDS = 8
DAY = next_monday()
FIRST, LAST = day_start(DAY, ZONE), day_start(DAY + timedelta(days=1), ZONE)


def some_visit(clinic: Clinic, chance: random.Random) -> VisitAsked:
    services = chance.choice([("short", "long"), ("long", "short"), ("short", "short"), ("long",), ("short",)])
    return VisitAsked(
        clinic.ids["austin"],
        tuple(clinic.ids[each] for each in services),
        FIRST,
        party=chance.choice([1, 2]) if len(services) > 1 else 2,
        max_wait_minutes=chance.choice([0, 0, 20, 90]),
        same_provider=chance.random() < 0.4,
    )


async def offered_starts(clinic: Clinic, asked: VisitAsked, surface: str) -> set[datetime]:
    request = replace(asked.request(), start=FIRST, until=LAST, any_minute=surface == "desk", limit=10_000)
    found = await clinic.as_(surface, lambda tx: availability.search(tx, request, [request.location]))
    return {slot.start for _, slot in found.slots}


async def can_be_held(clinic: Clinic, visit: VisitAsked | VisitItems, surface: str) -> bool:
    """Try it for real, and give it back."""
    try:
        held = await clinic.as_(surface, lambda tx: visits.place_visit(tx, visit))
    except (SlotTaken, NotBookable):
        return False
    assert len({hold.expires_at for hold in held.holds}) == 1
    await clinic.as_(surface, lambda tx: visits.release_visit(tx, held.id))
    return True


async def by_hand(clinic: Clinic, asked: VisitAsked) -> VisitItems | None:
    """The same visit as the record's own rules read it, nothing arranged; None where only the search knows how."""
    if asked.max_wait_minutes or asked.same_provider:
        return None
    lengths = [
        await clinic.run("select duration_minutes from holdfast.service where id = %(s)s", s=service)
        for service in asked.services
    ]
    begins = accumulate((MINUTE * each for each in lengths[:-1]), initial=asked.start)
    items = [Item(service, at) for service, at in zip(asked.services, begins, strict=True) for _ in range(asked.party)]
    return VisitItems(asked.location_id, tuple(items))


@pytest.mark.parametrize("seed", range(30 if FULL_SIZE else 12))
async def test_what_is_offered_can_be_held_and_nothing_else(record: Record, seed: int) -> None:
    chance = random.Random(seed)
    clinic = await random_clinic(record, chance, seed)
    tried = 0
    for _ in range(ROUNDS):
        asked, surface = some_visit(clinic, chance), chance.choice(["widget", "desk"])
        try:
            offered = await offered_starts(clinic, asked, surface)
        except Invalid:  # a service that works before its start cannot follow another
            asked = replace(asked, services=asked.services[:1], party=2)
            offered = await offered_starts(clinic, asked, surface)
        tries = chance.sample(sorted(offered), min(2, len(offered)))
        tries += [FIRST + MINUTE * chance.choice([15 * chance.randrange(96), chance.randrange(1440)]) for _ in range(3)]
        for start in tries:
            visit = replace(asked, start=start)
            for way in (visit, await by_hand(clinic, visit)):
                if way is not None:
                    tried += 1
                    held = await can_be_held(clinic, way, surface)
                    assert held == (start in offered), (seed, surface, way)
        if offered and chance.random() < 0.7:
            kept = replace(asked, start=chance.choice(sorted(offered)))
            await clinic.as_(surface, lambda tx: visits.place_visit(tx, kept))  # noqa: B023
    assert tried > ROUNDS


async def test_the_property_bites(record: Record) -> None:
    """Negative control: offers from before a change are not all holdable, and the check above would see it."""
    clinic = await random_clinic(record, random.Random(1), 99)
    await clinic.hours([])
    await clinic.service("short", 30, {"room": {"pool": "rooms"}})
    asked = VisitAsked(clinic.ids["austin"], (clinic.ids["short"],) * 2, FIRST, max_wait_minutes=20)
    before = await offered_starts(clinic, asked, "widget")
    await clinic.hours(daily("09:00", "10:00"))
    stale = [replace(asked, start=start) for start in sorted(before)[::8]]
    assert [visit for visit in stale if not await can_be_held(clinic, visit, "widget")]
