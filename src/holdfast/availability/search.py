"""What can be booked: the starts, and for each the units that would serve.

Pure: a ``Snapshot`` of the record and a ``Request`` go in, slots come out; the same inputs always give the same slots.
Nothing is promised: a slot is an offer, and the claim decides.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from functools import cached_property
from itertools import islice
from typing import Final, NamedTuple

from holdfast.availability import bitmap
from holdfast.availability.bitmap import Bits, Lookup, Span, Window
from holdfast.availability.days import LocalDays
from holdfast.availability.fit import Candidates, Chosen, Fit, claimed
from holdfast.availability.masks import Masks
from holdfast.availability.model import Part, Request, Resource, Service, Slot, Snapshot
from holdfast.availability.order import Order
from holdfast.availability.tightness import Cost, Tightness
from holdfast.errors import Bug

MARGIN: Final = timedelta(hours=27)
"""How far a search looks beyond its starts on either side: the longest local day (26 hours, Troll) counts as a whole
for caps and loads, and a gap is measured to its end."""


def window_of(request: Request, services: Sequence[Service]) -> Window:
    """The window a search looks at: the snapshot needs every active claim that touches it, and no other."""
    before, after = 0, request.max_wait_minutes * (len(services) - 1)
    for service in services:
        before = max(before, *(need.buffer_before_minutes - need.offset_minutes for need in service.requirements), 0)
        ends = (need.segment_ends + need.buffer_after_minutes for need in service.requirements)
        after += max(service.length_minutes, *ends)
    origin = request.start.replace(second=0, microsecond=0) - MARGIN - bitmap.MINUTE * before
    minutes = -((origin - request.until) // bitmap.MINUTE) + after + MARGIN // bitmap.MINUTE
    return Window(origin, minutes)


@dataclass(eq=False)
class Chain:
    """The services in sequence, with one person throughout or with whoever is free.

    ``fits`` has the ways to fill each service's roles, best first, and ``starts`` from where the rest can follow it.
    """

    person: Resource | None
    fits: list[list[Fit]]
    starts: list[Bits]

    @cached_property
    def lookups(self) -> list[Lookup]:
        return [Lookup(bits) for bits in self.starts]


class Step(NamedTuple):
    """One service of an arranged visit: the minute at which it begins, and who serves."""

    at: int
    fit: Fit
    chosen: list[Chosen]


class Arranged(NamedTuple):
    """A whole visit in minutes of the window; ``Search.slot`` has the same in instants."""

    chain: Chain
    steps: list[Step]

    @property
    def end(self) -> int:
        last = self.steps[-1]
        return last.at + last.fit.service.length_minutes

    def spans(self) -> dict[str, list[Span]]:
        """What each unit is claimed for; what it does in this visit is merged where it overlaps or touches."""
        found: dict[str, list[Span]] = {}
        for at, _, chosen in self.steps:
            for need, _, unit in chosen:
                found.setdefault(unit, []).append(claimed(at, need))
        return {unit: spans if len(spans) == 1 else _merged(spans) for unit, spans in found.items()}


class Search:
    """One request against one snapshot. Raises Invalid or NotFound, naming the field, when it cannot be answered."""

    def __init__(self, snapshot: Snapshot, request: Request) -> None:
        request.check(snapshot)
        self.request = request
        self.services = [snapshot.services[service] for service in request.services]
        window = window_of(request, self.services)
        self.masks = Masks(snapshot, snapshot.locations[request.location], window)
        self.order = Order(self.masks, request.assign, request.prefer)
        self._candidates = {service.id: Candidates(self.masks) for service in self.services}
        self.offered = self._offered()
        self._chains = [self._chain(person) for person in self._people()]
        self.starts: Bits = 0
        for chain in self._chains:
            self.starts |= chain.starts[0]

    def slots(self) -> list[Slot]:
        """Up to ``limit`` slots: the earliest, or the tightest first (see ``tightness``)."""
        if self.request.rank == "tight":
            return [slot for _, slot in self.tightest()]
        return list(islice(self.earliest(), self.request.limit))

    def earliest(self) -> Iterator[Slot]:
        """Every slot in order of time, each arranged only when it is asked for."""
        return (self.slot(start) for start in bitmap.set_minutes(self.starts))

    def tightest(self) -> list[tuple[Cost, Slot]]:
        """Up to ``limit`` slots with what they would waste: every start has to be arranged to know the best."""
        tightness = Tightness(self.masks)
        costs = [
            (tightness.cost(arranged.spans()), start, arranged)
            for start in bitmap.set_minutes(self.starts)
            for arranged in [self.arrange(start)]
        ]
        costs.sort(key=lambda each: each[:2])
        return [
            (cost, replace(self._dressed(arranged), why=cost.in_words()))
            for cost, _, arranged in costs[: self.request.limit]
        ]

    def nearest(self, start: datetime, count: int = 3) -> list[Slot]:
        """The slots nearest to a start that was not to be had, nearest first."""
        return [self.slot(minute) for minute in bitmap.nearest(self.starts, self.masks.window.index(start), count)]

    def days(self, zone: str | None = None) -> list[date]:
        """The local days with at least one slot; with ``zone``, the days on the clock of that zone."""
        days = self.masks.days if zone is None else LocalDays.over(self.masks.window, zone)
        spans = days.spans.items()
        return [day for day, (low, high) in spans if 0 <= low < high and self.starts >> low & (1 << high - low) - 1]

    def slot(self, start: int) -> Slot:
        """The slot at one of ``starts``, with the first person in order where one is to serve throughout."""
        return self._dressed(self.arrange(start))

    def arrange(self, start: int) -> Arranged:
        """The same in minutes: who serves when."""
        chain = self._chains[0]
        if len(self._chains) > 1:
            able = (chain for chain in self._chains if chain.lookups[0].has(start))
            chain = min(able, key=lambda chain: self._preference(chain, start))
        steps: list[Step] = []
        at = start
        for index, fits in enumerate(chain.fits):
            if index:
                at = chain.lookups[index].first_from(at)
            steps.append(self._step(fits, at))
            at += fits[0].service.length_minutes
        return Arranged(chain, steps)

    def fits(self, service: Service, person: str | None = None) -> list[Fit]:
        """The ways to fill the roles of one service, the first being what the request most likely means.

        A person who could serve in several of its roles may serve in any of them, the longest first. There is no way
        where all of these are named to somebody else.
        """
        named = {
            need.role: wanted
            for need in service.requirements
            if (wanted := self.request.resources.get(need.role)) in need.pool.members
        }
        ways = [named]
        if person is not None and (could_serve := service.served_by(person)):
            ways = [{**named, n.role: person} for n in could_serve if named.get(n.role, person) == person]
        candidates = self._candidates[service.id]
        return [Fit(self.masks, service, party=self.request.party, named=way, candidates=candidates) for way in ways]

    def _dressed(self, arranged: Arranged) -> Slot:
        instant = self.masks.window.instant
        person = arranged.chain.person.id if arranged.chain.person else None
        picks = [fit.pick(at, chosen, part) for part, (at, fit, every) in enumerate(arranged.steps) for chosen in every]
        parts = [
            Part(fit.service.id, instant(at), instant(at + fit.service.length_minutes)) for at, fit, _ in arranged.steps
        ]
        return Slot(
            parts[0].start, instant(arranged.end), tuple(picks), tuple(parts), with_person=person
        )  # fmt: skip

    def _step(self, fits: Sequence[Fit], at: int) -> Step:
        for fit in fits:
            chosen = fit.choose(at, self.order)
            if chosen is not None:
                return Step(at, fit, chosen)
        raise Bug("a start was counted as free that nobody can serve")

    def _preference(self, chain: Chain, start: int) -> tuple[bool, bool, float]:
        """One person throughout before several, where both will do; then the order of choice."""
        if chain.person is None:
            return True, False, 0
        return False, *self.order.key(chain.person, start)

    def _offered(self) -> Bits:
        """The starts that the request and the services' rules allow, whoever is free."""
        request, masks = self.request, self.masks
        bits = masks.window.between(request.start, request.until)
        if not request.any_minute:
            bits &= masks.grid(self.services[0])
        for service in self.services:
            bits &= masks.window.between(*masks.bookable(service.lead_on(request.surface), masks.snapshot.now))
        if request.part_of_day is not None:
            bits &= masks.days.part_of_day(*request.part_of_day)
        return bits

    def _chain(self, person: Resource | None) -> Chain:
        """Forwards, where each service can begin after the one before; backwards, from where the rest can follow."""
        wait = self.request.max_wait_minutes
        fits: list[list[Fit]] = []
        starts: list[Bits] = []
        among = self.offered
        for service in self.services:
            fits.append(self.fits(service, person.id if person else None))
            begins = 0
            for fit in fits[-1]:
                begins |= fit.starts(among)
            starts.append(begins)
            among = bitmap.within(begins << service.length_minutes + wait, wait + 1)
        for index in range(len(starts) - 2, -1, -1):
            follows = bitmap.within(starts[index + 1], wait + 1)
            starts[index] &= bitmap.earlier(follows, self.services[index].length_minutes)
        return Chain(person, fits, starts)

    def _people(self) -> list[Resource | None]:
        """Who could be the one person of the visit; None where each service takes whoever is free."""
        resources = self.masks.snapshot.resources
        named = None if self.request.provider is None else resources[self.request.provider]
        if not self.request.same_provider or len(self.services) == 1:
            return [named]
        pools = [pool for service in self.services if (pool := _providers(service, resources))]
        if not pools:
            return [named]
        common: list[Resource | None] = [
            resources[member]
            for member in pools[0]
            if all(member in pool for pool in pools) and named in (None, resources[member])
        ]
        return common if self.request.same_provider is True else [*common, named]


def _providers(service: Service, resources: Mapping[str, Resource]) -> list[str]:
    """The providers who could serve a role of the service, those of the longest role first."""
    members = (member for need in service.served_by(*resources) for member in need.pool.members)
    return [member for member in dict.fromkeys(members) if resources[member].kind == "provider"]


def _merged(spans: list[Span]) -> list[Span]:
    merged: list[Span] = []
    for low, high in sorted(spans):
        if merged and low <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(high, merged[-1][1]))
        else:
            merged.append((low, high))
    return merged


def next_available(snapshot: Snapshot, requests: Iterable[Request]) -> Slot | None:
    """The earliest slot over several requests (locations, named providers); the first request wins a tie."""
    slots = (
        next(iter(Search(snapshot, replace(request, rank="earliest", limit=1)).slots()), None) for request in requests
    )
    return min((slot for slot in slots if slot is not None), key=lambda slot: slot.start, default=None)
