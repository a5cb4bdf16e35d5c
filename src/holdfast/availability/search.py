"""What can be booked: the starts, and for each the units that would serve.

Pure: a ``Snapshot`` of the record and a ``Request`` go in, slots come out; the same inputs always give the same slots.
Nothing is promised: a slot is an offer, and the claim decides.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from itertools import islice
from typing import Final, NamedTuple

from holdfast.availability import bitmap
from holdfast.availability.bitmap import Bits, Window
from holdfast.availability.fit import Fit
from holdfast.availability.masks import Masks
from holdfast.availability.model import Part, Pick, Request, Resource, Service, Slot, Snapshot
from holdfast.availability.order import Order
from holdfast.availability.tightness import Tightness
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


class Chain(NamedTuple):
    """The services in sequence, each with the starts from which the rest of the visit can follow."""

    provider: Resource | None
    fits: list[Fit]
    starts: list[Bits]


class Search:
    """One request against one snapshot. Raises Invalid or NotFound, naming the field, when it cannot be answered."""

    def __init__(self, snapshot: Snapshot, request: Request) -> None:
        request.check(snapshot)
        self.request = request
        self.services = [snapshot.services[service] for service in request.services]
        window = window_of(request, self.services)
        self.masks = Masks(snapshot, snapshot.locations[request.location], window)
        self.order = Order(self.masks, request.assign, request.prefer)
        self.offered = self._offered()
        self._chains = [self._chain(provider) for provider in self._shared_providers()]
        self.starts: Bits = 0
        for chain in self._chains:
            self.starts |= chain.starts[0]

    def slots(self) -> list[Slot]:
        """Up to ``limit`` slots: the earliest, or the tightest first (see ``tightness``)."""
        every = (self.slot(start) for start in bitmap.set_minutes(self.starts))
        if self.request.rank == "earliest":
            return list(islice(every, self.request.limit))
        return Tightness(self.masks).rank(every)[: self.request.limit]

    def nearest(self, start: datetime, count: int = 3) -> list[Slot]:
        """The slots nearest to a start that was not to be had, nearest first."""
        return [self.slot(minute) for minute in bitmap.nearest(self.starts, self.masks.window.index(start), count)]

    def days(self) -> list[date]:
        """The local days with at least one slot."""
        spans = self.masks.days.spans.items()
        return [day for day, (low, high) in spans if 0 <= low < high and self.starts >> low & (1 << high - low) - 1]

    def slot(self, start: int) -> Slot:
        """The slot at one of ``starts``, with the first provider in order where one is to serve throughout."""
        able = [chain for chain in self._chains if chain.starts[0] >> start & 1]
        chain = min(able, key=lambda chain: self.order.key(chain.provider, start) if chain.provider else (False, 0))
        instant = self.masks.window.instant
        picks: list[Pick] = []
        parts: list[Part] = []
        at = start
        for index, fit in enumerate(chain.fits):
            if index:
                at += next(bitmap.set_minutes(chain.starts[index] >> at))
            assigned = fit.assign(at, self.order)
            if assigned is None:
                raise Bug("a start was counted as free that nobody can serve")
            picks += (pick._replace(part=index) for pick in assigned) if index else assigned
            parts.append(Part(fit.service.id, instant(at), instant(at + fit.service.length_minutes)))
            at += fit.service.length_minutes
        return Slot(instant(start), instant(at), tuple(picks), tuple(parts))

    def fit(self, service: Service, provider: Resource | None = None) -> Fit:
        """One of the services by itself, with the resources that the request names and, if given, this provider."""
        named = {
            n.role: self.request.resources[n.role] for n in service.requirements if n.role in self.request.resources
        }
        lead_role = self.provider_role(service)
        if provider is not None and lead_role is not None:
            named[lead_role] = provider.id
        return Fit(self.masks, service, party=self.request.party, named=named)

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

    def _chain(self, provider: Resource | None) -> Chain:
        """Forwards, where each service can begin after the one before; backwards, from where the rest can follow."""
        wait = self.request.max_wait_minutes
        fits, starts, among = [], [], self.offered
        for service in self.services:
            fits.append(self.fit(service, provider))
            starts.append(fits[-1].starts(among))
            among = bitmap.within(starts[-1] << service.length_minutes + wait, wait + 1)
        for index in range(len(starts) - 2, -1, -1):
            follows = bitmap.within(starts[index + 1], wait + 1)
            starts[index] &= bitmap.earlier(follows, self.services[index].length_minutes)
        return Chain(provider, fits, starts)

    def _shared_providers(self) -> list[Resource | None]:
        """The providers that could serve the whole sequence, or just None where each service chooses for itself."""
        if not self.request.same_provider or len(self.services) == 1:
            return [None]
        pools: list[tuple[str, ...]] = []
        for service in self.services:
            role = self.provider_role(service)
            for need in service.requirements:
                if need.role == role:
                    wanted = self.request.resources.get(role)
                    pools.append((wanted,) if wanted else need.pool.members)
        common = [member for member in pools[0] if all(member in pool for pool in pools)] if pools else []
        return [self.masks.snapshot.resources[member] for member in common] if pools else [None]

    def provider_role(self, service: Service) -> str | None:
        """The role that one provider has throughout, where ``same_provider`` asks for it."""
        resources = self.masks.snapshot.resources
        for need in service.requirements:
            if resources[need.pool.members[0]].kind == "provider":
                return need.role
        return None


def next_available(snapshot: Snapshot, requests: Iterable[Request]) -> Slot | None:
    """The earliest slot over several requests (locations, named providers); the first request wins a tie."""
    slots = (
        next(iter(Search(snapshot, replace(request, rank="earliest", limit=1)).slots()), None) for request in requests
    )
    return min((slot for slot in slots if slot is not None), key=lambda slot: slot.start, default=None)
