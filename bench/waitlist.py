"""A quarter of a clinic, with a waitlist and without: how much of what falls free is used again.

The demo's catalog and wishes, the real engine and the real matching; claims are kept in memory instead of the record,
so that a quarter takes a minute. At the demo's own volume its fourteen providers have time for nearly everybody, and a
waitlist has nothing to do; so the quarter is also played with three times as many wishes.

Clients behave by seeded chance, the same in both runs: who would not come at another time, who cancels and when, who
answers an offer and how soon. A freed time counts as used again when at least half of what its provider was freed for
is taken in the end, by whomever: without a waitlist that happens too.
"""

from __future__ import annotations

import asyncio
import heapq
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from functools import partial
from importlib.resources import files
from itertools import count, islice
from random import Random
from typing import Any, Final
from uuid import UUID, uuid5

from tests.postgres import postgres_for_tests

from bench.marks import Mark
from holdfast import wallclock
from holdfast.access.service import find_organization
from holdfast.availability.bitmap import Window
from holdfast.availability.catalog import Catalog
from holdfast.availability.model import Claim, Request, Service, Slot, Snapshot
from holdfast.availability.search import Search, window_of
from holdfast.availability.snapshot import load_catalog
from holdfast.catalog.document import CatalogDocument
from holdfast.catalog.transfer import carry_out, plan_import
from holdfast.catalog.yaml_file import parse_catalog
from holdfast.db.pool import Pool
from holdfast.db.transact import Caller, Record
from holdfast.demo.plan import WEEKDAY_WEIGHTS, Wish, wishes
from holdfast.quiet_hours import QuietHours, quiet_until
from holdfast.waitlist.matching import Matching, term_seconds, window_around
from holdfast.waitlist.model import Entry, Opening, Policy, TimeWindow, Visits

SEED: Final = 340
DAYS: Final = 91
VISITS_A_YEAR: Final = 6200
BUSY: Final = 3
FIRST_DAY: Final = date(2026, 3, 2)
NAMES: Final = UUID(int=SEED)

INSISTS: Final = 0.6  # on one provider
JOINS: Final = 0.6  # the waitlist, when no time suits; else goes elsewhere
CANCELS: Final = 0.15
SAYS_YES, SAYS_NO = 0.45, 0.2  # and the others say nothing
ANSWER_MINUTES: Final = 20
SUITS_MINUTES: Final = 90  # either side of the wished time


@dataclass
class Booked:
    entry_id: UUID
    slot: Slot
    service_id: UUID
    location: str


@dataclass
class Outcome:
    """What one quarter came to."""

    wished: int = 0
    booked: int = 0
    joined: int = 0
    offers: int = 0
    accepted: int = 0
    recovered_cents: int = 0
    minutes_to_fill: list[float] = field(default_factory=list)
    freed: list[tuple[str, datetime, datetime]] = field(default_factory=list)  # unit of the provider, when
    refilled: int = 0

    @property
    def refill_rate(self) -> float:
        return self.refilled / len(self.freed) if self.freed else 0.0


class Quarter:
    """One run. Events happen in order of time; each may cause others."""

    def __init__(self, catalog: Catalog, document: CatalogDocument, *, waitlist: bool, times: int = 1) -> None:
        self.catalog = catalog
        self.document = document
        self.waitlist = waitlist
        self.times = times
        self.now = datetime.combine(FIRST_DAY - timedelta(days=22), time(12), UTC)
        self.outcome = Outcome()
        self.entries: dict[UUID, Entry] = {}
        self._events: list[tuple[datetime, int, Callable[[], None]]] = []
        self._order = count()
        self._claims: dict[str, list[Claim]] = defaultdict(list)
        self._asked: dict[UUID, set[UUID]] = defaultdict(set)
        self.policies = {UUID(id): Policy(UUID(id)) for id in catalog.services}
        self.visits = Visits(
            {UUID(catalog.slugs["service", slug]): service.price_cents for slug, service in document.services.items()}
        )

    def run(self) -> Outcome:
        for offset in range(DAYS):
            day = FIRST_DAY + timedelta(days=offset)
            number = round(self.times * VISITS_A_YEAR / 365 * WEEKDAY_WEIGHTS[day.weekday()])
            for place, wish in enumerate(islice(wishes(day, self.document, share=0, shares=1), number)):
                fate = Random(f"{SEED} {day} {place}")
                start = wallclock.resolve_rule(wish.local_start, self.document.locations[wish.location].time_zone)
                asked_at = start - timedelta(days=min(fate.expovariate(1 / 7), 21), hours=2)
                self.at(asked_at, partial(self.ask, wish, start, fate))
        while self._events:
            self.now, _, do = heapq.heappop(self._events)
            do()
        self.outcome.refilled = sum(self._used_again(*freed) for freed in self.outcome.freed)
        return self.outcome

    def at(self, when: datetime, do: Callable[[], None]) -> None:
        heapq.heappush(self._events, (max(when, self.now), next(self._order), do))

    def ask(self, wish: Wish, start: datetime, fate: Random) -> None:
        """Somebody asks for a time around the one they wish for, and takes it, waits, or goes elsewhere."""
        self.outcome.wished += 1
        service = self.catalog.services[self.catalog.slugs["service", wish.service]]
        location = self.catalog.slugs["location", wish.location]
        role, provider = self._provider(service, location, fate)
        reach = timedelta(minutes=SUITS_MINUTES)
        request = Request(
            location,
            (service.id,),
            max(start - reach, self.now),
            max(start + reach, self.now + timedelta(minutes=1)),
            surface="desk",
            resources={role: provider} if provider else {},
        )
        search = Search(self._snapshot(window_of(request, [service])), request)
        id = uuid5(NAMES, f"{fate.random()}")
        if found := search.nearest(start, 1):
            self.outcome.booked += 1
            self.book(Booked(id, found[0], UUID(service.id), location), fate)
        elif self.waitlist and fate.random() < JOINS:
            self.join(id, wish, service, location, provider)

    def _provider(self, service: Service, location: str, fate: Random) -> tuple[str, str | None]:
        for need in service.requirements:
            here = [m for m in need.pool.members if location in self.catalog.resources[m].timetables]
            if here and self.catalog.resources[here[0]].kind == "provider" and need.quantity == 1:
                favourite = here[int(len(here) * fate.random() ** 2)]  # some are in demand
                return need.role, favourite if fate.random() < INSISTS else None
        return "", None

    def join(self, id: UUID, wish: Wish, service: Service, location: str, provider: str | None) -> None:
        self.outcome.joined += 1
        day = wish.local_start.date()
        reach = timedelta(minutes=SUITS_MINUTES)
        first = max((wish.local_start - reach).time(), time(0)) if wish.local_start.hour >= 2 else time(0)
        window = TimeWindow(first, (wish.local_start + reach).time())
        self.entries[id] = Entry(
            id, "waiting", id, [UUID(service.id)], [UUID(provider)] if provider else [], [UUID(location)],
            [window.as_json()], day - timedelta(days=3), day + timedelta(days=3), 0, 1, 0, None, None, self.now,
        )  # fmt: skip

    def book(self, visit: Booked, fate: Random) -> None:
        claims = self._take(visit, "appointment")
        if fate.random() < CANCELS:
            left = visit.slot.start - self.now
            # half of those who cancel do so in the last two days
            ahead = min(left, timedelta(days=2)) if fate.random() < 0.5 else left
            self.at(visit.slot.start - ahead * fate.uniform(0.05, 1), lambda: self.cancel(visit, claims))

    def cancel(self, visit: Booked, claims: list[tuple[str, Claim]]) -> None:
        self._give_back(claims)
        provider = next((p for p in visit.slot.picks if self.catalog.resources[p.resource].kind == "provider"), None)
        if provider is not None:
            self.outcome.freed.append((provider.unit, provider.start, provider.end))
        if self.waitlist:
            opening = Opening(
                uuid5(NAMES, f"opening {next(self._order)}"), UUID(visit.location), "cancelled", visit.service_id,
                visit.entry_id, visit.slot.start, visit.slot.end,
                [UUID(pick.resource) for pick in visit.slot.picks], self.now,
            )  # fmt: skip
            self.offer(opening)

    def offer(self, opening: Opening) -> None:
        """One round, as ``waitlist.rounds`` goes: best first, held, and on with whoever fits beside."""
        location = self.catalog.locations[str(opening.location_id)]
        freed = self.policies[opening.service_id] if opening.service_id else Policy(opening.id)
        hours = QuietHours(freed.quiet_from, freed.quiet_until, location.zone)
        if (quiet := quiet_until(self.now, [hours])) is not None:
            self.at(quiet, lambda: self.offer(opening))
            return
        waiting = [e for e in self.entries.values() if e.state == "waiting" and e.id not in self._asked[opening.id]]
        wanted = {str(id) for entry in waiting for id in entry.service_ids}
        services = [self.catalog.services[id] for id in sorted(wanted) if location.id in self.catalog.offered[id]]
        window = window_around(opening, services, self.now)
        if window is None:
            return
        policies = {UUID(s.id): self.policies[UUID(s.id)] for s in services} | {freed.service_id: freed}
        matching = Matching(opening, self._snapshot(window), policies, self.visits)
        best = next(matching.matches(waiting), None)
        if best is None or len(self._asked[opening.id]) >= freed.offers_per_slot_max:
            return
        self.outcome.offers += 1
        self._asked[opening.id].add(best.entry.id)
        visit = Booked(best.entry.id, best.slot, best.service_id, location.id)
        claims = self._take(visit, "hold")
        self.entries[best.entry.id] = replace(best.entry, state="offered")
        self._answer(opening, visit, claims, term_seconds(policies[best.service_id], self.now, best.slot.start))
        self.offer(opening)

    def _answer(self, opening: Opening, visit: Booked, claims: list[tuple[str, Claim]], seconds: int) -> None:
        fate = Random(f"{SEED} {opening.id} {visit.entry_id}")
        says = fate.random()
        after = timedelta(minutes=fate.expovariate(1 / ANSWER_MINUTES))
        term = timedelta(seconds=seconds)
        entry = self.entries[visit.entry_id]

        def yes() -> None:
            self._give_back(claims)
            self.entries[entry.id] = replace(entry, state="booked")
            self.outcome.accepted += 1
            self.outcome.recovered_cents += self.visits.prices_cents[visit.service_id]
            self.outcome.minutes_to_fill.append((self.now - opening.freed_at) / timedelta(minutes=1))
            self.book(visit, fate)

        def no() -> None:
            self._give_back(claims)
            self.entries[entry.id] = replace(entry, state="waiting")
            self.offer(opening)

        if says < SAYS_YES and after < term:
            self.at(self.now + after, yes)
        elif says < SAYS_YES + SAYS_NO and after < term:
            self.at(self.now + after, no)
        else:
            self.at(self.now + term, no)

    def _take(self, visit: Booked, kind: Any) -> list[tuple[str, Claim]]:
        name = f"{visit.entry_id} {next(self._order)}"
        claims = [(unit, Claim(start, end, kind, name, visit.slot.start)) for unit, start, end in visit.slot.claims()]
        for unit, claim in claims:
            # the guard, in memory
            assert not any(claim.start < other.end and other.start < claim.end for other in self._claims[unit])
            self._claims[unit].append(claim)
        return claims

    def _give_back(self, claims: list[tuple[str, Claim]]) -> None:
        for unit, claim in claims:
            self._claims[unit].remove(claim)

    def _snapshot(self, window: Window) -> Snapshot:
        low, high = window.origin, window.instant(window.minutes)
        near = {
            unit: [claim for claim in claims if claim.start < high and low < claim.end]
            for unit, claims in self._claims.items()
        }
        return Snapshot(self.now, self.catalog.locations, self.catalog.resources, self.catalog.services, near)

    def _used_again(self, unit: str, start: datetime, end: datetime) -> bool:
        used = sum((max(min(c.end, end) - max(c.start, start), timedelta()) for c in self._claims[unit]), timedelta())
        return used >= (end - start) / 2


async def demo_catalog(document: CatalogDocument) -> Catalog:
    """The demo's catalog as the engine takes it, by way of a record that is thrown away."""
    with postgres_for_tests() as server, server.clone() as urls:
        pool = Pool(urls.app, size=2)
        await pool.open()
        try:
            record = Record(pool)
            await carry_out(record, await plan_import(record, None, document))
            organization_id = await find_organization(record)
            return await record.transact(Caller(organization_id, "system", "system"), load_catalog)
        finally:
            await pool.close()


def run() -> list[Mark]:
    document = parse_catalog(files("holdfast.demo").joinpath("catalog.yaml").read_text("utf-8")).document
    catalog = asyncio.run(demo_catalog(document))
    calm = Quarter(catalog, document, waitlist=True, times=1).run()
    without = Quarter(catalog, document, waitlist=False, times=BUSY).run()
    with_it = Quarter(catalog, document, waitlist=True, times=BUSY).run()
    minutes = sorted(with_it.minutes_to_fill)
    return [
        Mark("waitlist: freed time used again", with_it.refill_rate, "of freed", note=_how(with_it)),
        Mark("waitlist: the same without one", without.refill_rate, "of freed", note=_how(without)),
        Mark(
            "waitlist: with against without",
            with_it.refill_rate / without.refill_rate,
            reach=1.2,
            note=f"{with_it.accepted} accepted, {with_it.recovered_cents / 100:,.0f} in the demo's prices",
        ),
        Mark("waitlist: until a freed time is filled", minutes[len(minutes) // 2], "min", note="median"),
        Mark("waitlist: who waits at the demo's volume", calm.joined, "clients", note=_how(calm)),
    ]


def _how(outcome: Outcome) -> str:
    return (
        f"a quarter, {outcome.wished} wishes, {len(outcome.freed)} freed, {outcome.joined} joined, "
        f"{outcome.offers} offers, seed {SEED}"
    )
