"""I11: reader and writer agree. On random clinics, whatever is offered can be held, and whatever is not is refused."""

from __future__ import annotations

import random
from datetime import timedelta

import pytest

from holdfast.availability import service as availability
from holdfast.availability.bitmap import MINUTE
from holdfast.booking import service as booking
from holdfast.db.transact import Record
from holdfast.errors import HoldfastError, NotBookable, SlotTaken
from holdfast.wallclock import day_start
from tests.rules.clinic import ZONE, Clinic, daily, next_monday, wall
from tests.size import FULL_SIZE

TIMES = [f"{hour:02}:{minute:02}" for hour in range(24) for minute in (0, 15, 20, 30, 45)]
ROUNDS = 12


async def random_clinic(record: Record, chance: random.Random, number: int) -> Clinic:
    """Overlapping pools, hours of a few kinds, caps, credentials, buffers, segments and units."""
    clinic = await Clinic.open(record, slug=f"clinic-{number}")
    day = next_monday()
    people, rooms = ["ana", "bo", "cy"], ["north", "south"]
    for slug in people:
        await clinic.resource(slug)
        has = {"laser": chance.choice([None, day, day - timedelta(days=1)])} if chance.random() < 0.7 else {}
        await clinic.resource_rules(slug, cap=chance.choice([None, None, 1, 2]), has=has)
    for slug in rooms:
        await clinic.resource(slug, "room", capacity=chance.choice([1, 1, 2]))
    await clinic.pool(
        "injectors", chance.sample(people, chance.choice([1, 2])), ["laser"] if chance.random() < 0.4 else []
    )
    await clinic.pool("helpers", chance.sample(people, chance.choice([1, 2, 3])))
    await clinic.pool("rooms", chance.sample(rooms, chance.choice([1, 2])))
    if chance.random() < 0.7:
        await clinic.hours(_some_hours(chance))
    for slug in people:
        if chance.random() < 0.4:
            await clinic.hours(_some_hours(chance), location=chance.choice([None, "austin"]), resource=slug)
    if chance.random() < 0.5:
        starts = chance.choice(TIMES[20:80])
        off = [{"kind": "time_off", "starts": f"{day}T{starts}", "ends": f"{day + timedelta(days=1)}T00:00"}]
        await clinic.dates(off, location=None, resource=chance.choice(people))
    await clinic.run(
        "select holdfast.set_organization_policy(%(a)s, 'earliest')",
        a=chance.choice(["preference", "least_loaded", "round_robin"]),
    )
    for slug in ("short", "long"):
        await _some_service(clinic, chance, slug)
    return clinic


def _some_hours(chance: random.Random) -> list[object]:
    starts, ends = sorted(chance.sample(TIMES, 2))
    if chance.random() < 0.2:
        starts, ends = ends, starts  # over midnight
    rules = daily(starts, ends)
    if chance.random() < 0.4:
        low, high = sorted(chance.sample(TIMES, 2))
        rules += daily(low, high, kind="break")
    return rules


async def _some_service(clinic: Clinic, chance: random.Random, slug: str) -> None:
    minutes = chance.choice([20, 30, 45, 60])
    needs = {"room": {"pool": "rooms", "after": chance.choice([0, 10])}}
    if chance.random() < 0.9:
        needs["nurse"] = {"pool": "injectors", "before": chance.choice([0, 5]), "after": chance.choice([0, 15])}
    if chance.random() < 0.6:
        start = chance.choice([0, 10, -10])
        needs["helper"] = {
            "pool": "helpers", "start": start, "minutes": 10, "quantity": chance.choice([1, 1, 2]),
            "after": chance.choice([0, 5]),
        }  # fmt: skip
    await clinic.service(slug, minutes, needs, grid=chance.choice([15, 20, 30]), off_grid=chance.random() < 0.4)


@pytest.mark.parametrize("seed", range(40 if FULL_SIZE else 16))
async def test_what_is_offered_can_be_held_and_nothing_else(record: Record, seed: int) -> None:
    chance = random.Random(seed)
    clinic = await random_clinic(record, chance, seed)
    day = next_monday()
    first, last = day_start(day, ZONE), day_start(day + timedelta(days=1), ZONE)
    counts = {"offered": 0, "not offered": 0}
    for _ in range(ROUNDS):
        service, surface = chance.choice(["short", "long"]), chance.choice(["widget", "desk"])
        asked = clinic.asked(service, first, last, any_minute=surface == "desk")
        found = await clinic.as_(surface, lambda tx: availability.search(tx, asked, [asked.location]))  # noqa: B023
        offered = {slot.start for _, slot in found.slots}
        tries = chance.sample(sorted(offered), min(2, len(offered)))
        tries += [first + MINUTE * chance.choice([15 * chance.randrange(96), chance.randrange(1440)]) for _ in range(4)]
        for start in tries:
            counts["offered" if start in offered else "not offered"] += 1
            assert await _can_be_held(clinic, service, start, surface) == (start in offered), (
                seed,
                service,
                surface,
                start,
            )
        if offered and chance.random() < 0.8:
            await clinic.hold(service, chance.choice(sorted(offered)), surface=surface)
    assert counts["not offered"] > 0


async def _can_be_held(clinic: Clinic, service: str, start: object, surface: str) -> bool:
    """Try it for real, and give it back."""
    try:
        held = await clinic.hold(service, start, surface=surface)  # type: ignore[arg-type]
    except (SlotTaken, NotBookable):
        return False
    await clinic.as_(surface, lambda tx: booking.release_hold(tx, held.id))
    return True


async def test_the_property_bites(record: Record) -> None:
    """Negative control: offers from before a change are not all holdable, and the check above would see it."""
    clinic = await random_clinic(record, random.Random(1), 99)
    await clinic.service("plain", 30, {"room": {"pool": "rooms"}})
    await clinic.hours([])
    day = next_monday()
    before = {slot.start for slot in await clinic.slots("plain", day)}
    await clinic.hours(daily("09:00", "10:00"))
    refused = [start for start in sorted(before)[::8] if not await _can_be_held(clinic, "plain", start, "widget")]
    assert refused
    error = await clinic.refusal(clinic.hold("plain", wall(day, "20:00")))
    assert isinstance(error, HoldfastError)
