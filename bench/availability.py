"""How fast the availability engine answers, beside the interval scan that everybody writes first.

Figures that compare (``ratio``) are taken in one process, one after the
other. Times are processor time, the best of several runs: the engine is arithmetic, and waits for nothing.
"""

from __future__ import annotations

import random
import time as stopwatch
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta

from bench.marks import Mark
from holdfast.availability import bitmap
from holdfast.availability.fit import Fit
from holdfast.availability.masks import Masks
from holdfast.availability.model import Claim, Location, Pool, Request, Requirement, Resource, Service, Snapshot
from holdfast.availability.rules import Timetable, Weekly
from holdfast.availability.search import Search
from holdfast.availability.service import MAX_RANKED

SEED = 20260302
DAYS = 60
MINUTE = timedelta(minutes=1)
START = datetime(2026, 3, 1, 23, tzinfo=UTC)
PROVIDERS, ROOMS, DEVICES = 50, 10, 5
SIZE = f"{PROVIDERS} providers x {ROOMS} rooms x {DEVICES} devices x {DAYS} days, best of several"


def snapshot() -> Snapshot:
    """Berlin, sixty days with a change of the clocks, days about three quarters full."""
    rng = random.Random(SEED)
    week = [Weekly(day, time(8), time(20)) for day in range(6)]
    resources = {}
    for kind, count in (("provider", PROVIDERS), ("room", ROOMS), ("device", DEVICES)):
        for number in range(count):
            name = f"{kind}{number}"
            shift = 8 + number % 4
            own = Timetable(
                hours=tuple(Weekly(day, time(shift), time(shift + 8)) for day in range(6) if (day + number) % 6),
                breaks=tuple(Weekly(day, time(shift + 4), time(shift + 4, 30)) for day in range(6)),
            )
            resources[name] = Resource(name, kind, (name,), {"berlin": own if kind == "provider" else None})
    claims = {name: bookings(rng, resource.kind) for name, resource in resources.items()}
    service = Service(
        "laser",
        60,
        (
            Requirement("provider", Pool(tuple(n for n in resources if n.startswith("provider"))), 60, 0, 1, 5, 10),
            Requirement("room", Pool(tuple(n for n in resources if n.startswith("room"))), 60, 0, 1, 0, 10),
            Requirement("device", Pool(tuple(n for n in resources if n.startswith("device"))), 30, 15, 1, 5, 5),
        ),
        grid_minutes=1,
    )
    location = Location("berlin", "Europe/Berlin", Timetable(hours=tuple(week)))
    return Snapshot(START, {"berlin": location}, resources, {"laser": service}, claims)


def bookings(rng: random.Random, kind: str) -> list[Claim]:
    found: list[Claim] = []
    at = START - timedelta(days=1)
    while at < START + timedelta(days=DAYS + 2):
        at += MINUTE * rng.choice([0, 0, 5, 15, 30, 90, 120])
        end = at + MINUTE * rng.choice([25, 40, 55, 75, 100])
        if 6 <= at.hour < 20:
            found.append(Claim(at, end, "appointment", f"{kind}{len(found)}", at))
        at = end
    return found


def request() -> Request:
    return Request("berlin", ("laser",), START, START + timedelta(days=DAYS), limit=100_000)


def scan(record: Snapshot, masks: Masks, every: int) -> list[int]:
    """The obvious way: for each start, for each role, for each resource, look through its intervals for a clash.

    Opening hours come as sorted intervals too, worked out beforehand and not timed. Looks at every ``every``-th start.
    """
    window = masks.window
    taken = {
        unit: [window.outward(claim.start, claim.end) for claim in claims] for unit, claims in record.claims.items()
    }
    hours = {name: list(bitmap.spans(masks.open(resource))) for name, resource in record.resources.items()}
    service = record.services["laser"]
    first, last = window.index(START), window.index(START + timedelta(days=DAYS))

    def serves(name: str, need: Requirement, start: int) -> bool:
        begin, end = start + need.offset_minutes, start + need.segment_ends
        if not any(low <= begin and end <= high for low, high in hours[name]):
            return False
        begin -= need.buffer_before_minutes
        end += need.buffer_after_minutes
        return not any(low < end and begin < high for low, high in taken[name])

    return [
        start
        for start in range(first, last, every)
        if all(any(serves(name, need, start) for name in need.pool.members) for need in service.requirements)
    ]


def best(work: Callable[[], object], times: int = 15) -> float:
    """Milliseconds of the fastest run."""
    took = []
    for _ in range(times):
        began = stopwatch.process_time()
        work()
        took.append(stopwatch.process_time() - began)
    return min(took) * 1000


def run(*, every: int = 40) -> list[Mark]:
    """The marks; the scan looks at every ``every``-th minute and is scaled up (1: all of them, some minutes)."""
    record, ask = snapshot(), request()
    search = Search(record, ask)
    masks = search.masks
    units = [unit for resource in record.resources.values() for unit in resource.units]

    def rules() -> None:
        fresh = Masks(record, masks.location, masks.window)
        for resource in record.resources.values():
            fresh.open(resource)

    def claims() -> None:
        fresh = Masks(record, masks.location, masks.window)
        for unit in units:
            fresh.unclaimed(unit)

    def engine() -> list[int]:
        return list(bitmap.set_minutes(Fit(search.masks, record.services["laser"]).starts(search.offered)))

    whole_ms = best(lambda: list(bitmap.set_minutes(Search(record, ask).starts)))
    engine_ms = best(engine)
    began = stopwatch.process_time()
    scanned = scan(record, masks, every)
    scan_ms = (stopwatch.process_time() - began) * 1000 * every
    first = masks.window.index(START)
    found = [start for start in engine() if (start - first) % every == 0]
    if found != scanned:
        raise AssertionError("the engine and the scan disagree: the figures would mean nothing")
    number = sum(map(len, record.claims.values()))
    return [
        Mark("availability: claims in the window", number, "claims", note="informs"),
        Mark("availability: starts found, to the minute", len(engine()), "starts", note="informs"),
        Mark("availability: opening hours to bitmaps", best(rules), "ms", note="informs"),
        Mark("availability: claims to bitmaps", best(claims), "ms", note="informs"),
        Mark("availability: engine, bitmaps to starts", engine_ms, "ms", "at most", 5, SIZE),
        Mark("availability: whole search, rules and claims to starts", whole_ms, "ms", note="informs"),
        Mark("availability: first fifty slots with their units", best(lambda: _fifty(record, ask)) - whole_ms, "ms"),
        _ranking(record, ask),
        Mark("availability: engine against the interval scan", scan_ms / engine_ms, reach=1000, note="equal answers"),
        Mark("availability: whole search against the interval scan", scan_ms / whole_ms, note="informs; equal answers"),
    ]


def _ranking(record: Snapshot, ask: Request) -> Mark:
    """The dearest question that is answered: as many starts as may be compared, with all their units."""
    starts = list(bitmap.set_minutes(Search(record, ask).starts))[:MAX_RANKED]
    window = Search(record, ask).masks.window
    tight = replace(ask, rank="tight", until=window.instant(starts[-1]) + MINUTE, limit=50)
    took = best(lambda: Search(record, tight).slots(), times=3)
    note = f"{len(starts):,} starts compared, off the event loop"
    return Mark("availability: tightest fifty", took, "ms", "at most", 1500, note)


def _fifty(record: Snapshot, ask: Request) -> None:
    search = Search(record, ask)
    for start in list(bitmap.set_minutes(search.starts))[:50]:
        search.slot(start)
