"""The record as a plain list: what the database must agree with, step by step (R2). No index, no cleverness: every
question is an O(n²) look at the list."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count
from typing import Any
from uuid import UUID

GRACE = timedelta(seconds=60)
TTL = timedelta(seconds=300)
TTL_MAX = timedelta(seconds=900)
EXTENSIONS_MAX = 5

Span = tuple[datetime, datetime]


@dataclass(eq=False)
class Claim:
    unit: UUID
    start: datetime
    end: datetime
    overbook: bool
    number: int
    active: bool = True

    def meets(self, start: datetime, end: datetime) -> bool:
        return self.start < end and start < self.end


@dataclass(eq=False)
class Holder:
    """A hold, a block or a busy time, with what it claims; a busy time also knows what it is about."""

    id: UUID
    kind: str
    state: str
    claims: list[Claim]
    expires_at: datetime | None = None
    created_at: datetime | None = None
    extensions: int = 0
    resource: str = ""
    start: datetime | None = None
    end: datetime | None = None


@dataclass
class Need:
    """One role: its resources in order of preference, its segment, its buffers in minutes."""

    resources: list[str]
    start: int
    end: int
    before: int = 0
    after: int = 0

    def during(self, visit: datetime) -> tuple[datetime, datetime]:
        return (
            visit + timedelta(minutes=self.start - self.before),
            visit + timedelta(minutes=self.end + self.after),
        )


def without(spans: list[Span], taken: list[Span]) -> list[Span]:
    """What is left of the spans."""
    for start, end in taken:
        spans = [(a, b) for x, y in spans for a, b in ((x, min(y, start)), (max(x, end), y)) if a < b]
    return spans


class Conflict(Exception):
    """Something stands in the way, so nothing changes."""


@dataclass
class Model:
    now: datetime
    units: dict[str, list[UUID]] = field(default_factory=dict)  # resource -> open units, by ordinal
    services: dict[str, dict[str, Need]] = field(default_factory=dict)
    holders: list[Holder] = field(default_factory=list)
    numbers: Any = field(default_factory=count)

    # -- questions

    def on(self, unit: UUID, start: datetime, end: datetime) -> list[tuple[Holder, Claim]]:
        return [
            (holder, claim)
            for holder in self.holders
            for claim in holder.claims
            if claim.active and claim.unit == unit and claim.meets(start, end)
        ]

    def lapsed(self, holder: Holder) -> bool:
        return holder.state == "live" and holder.expires_at is not None and holder.expires_at <= self.now

    def standing(self, unit: UUID, during: tuple[datetime, datetime], but: Holder | None = None) -> bool:
        """Does somebody who counts stand here?"""
        return any(
            holder is not but and (claim.overbook or not self.lapsed(holder) or bool(self.waiting(claim)))
            for holder, claim in self.on(unit, *during)
        )

    def waiting(self, place: Claim) -> list[tuple[Holder, Span]]:
        """The parts of a claim's time that outside events of its resource lack, by the age of the event."""
        found = []
        for busy in sorted((h for h in self.holders if h.kind == "busy" and h.state == "standing"), key=lambda h: h.id):
            if place.unit in self.units[busy.resource] and busy.start is not None and busy.end is not None:
                span = max(busy.start, place.start), min(busy.end, place.end)
                own = [(claim.start, claim.end) for claim in busy.claims if claim.active]
                found += [(busy, part) for part in without([span] if span[0] < span[1] else [], own)]
        return found

    def guarded(self, unit: UUID, start: datetime, end: datetime, but: Holder | None = None) -> bool:
        """Is there a claim under the guard here, whoever's?"""
        return any(not claim.overbook and holder is not but for holder, claim in self.on(unit, start, end))

    def candidates(self, need: Need) -> list[UUID]:
        return [unit for resource in need.resources for unit in self.units.get(resource, [])]

    def free(self, service: str, visit: datetime, but: Holder | None = None) -> dict[str, list[UUID]]:
        """Role -> the units that are free for it. Pools of different roles share no resource here."""
        return {
            role: [unit for unit in self.candidates(need) if not self.standing(unit, need.during(visit), but)]
            for role, need in self.services[service].items()
        }

    # -- changes

    def let_go(self, holder: Holder, state: str) -> None:
        holder.state = state
        ended = [claim for claim in holder.claims if claim.active]
        for claim in ended:
            claim.active = False
        self.fill(holder.claims)

    def fill(self, freed: list[Claim]) -> None:
        """Deliberate overbooks move up first, then outside events take what they lack."""
        self.promote(freed)
        for place in sorted(freed, key=lambda claim: claim.number):
            for busy, part in self.waiting(place):
                for start, end in self.rest(place.unit, *part):
                    busy.claims.append(Claim(place.unit, start, end, overbook=False, number=next(self.numbers)))

    def promote(self, freed: list[Claim]) -> None:
        for place in sorted(freed, key=lambda claim: claim.number):
            behind = [c for h in self.holders for c in h.claims if c.active and c.overbook and c.unit == place.unit]
            for claim in sorted(behind, key=lambda claim: claim.number):
                if claim.meets(place.start, place.end) and not self.guarded(claim.unit, claim.start, claim.end):
                    claim.overbook = False

    def displace(self, units: list[UUID], start: datetime, end: datetime) -> None:
        ran_out = {
            holder.id: holder for unit in units for holder, _ in self.on(unit, start, end) if self.lapsed(holder)
        }
        for id in sorted(ran_out):
            self.let_go(ran_out[id], "expired")

    def take(
        self, holder: Holder, service: str, visit: datetime, claims: list[dict[str, Any]], but: Holder | None = None,
        *, overbook: bool = False,
    ) -> None:  # fmt: skip
        """Adopt the units that the record chose, after checking that it was free to choose them."""
        needs, free = self.services[service], self.free(service, visit, but)
        assert sorted(claim["role"] for claim in claims) == sorted(needs), "exactly what the service requires"
        for claim in claims:
            role = claim["role"]
            assert (claim["start"], claim["end"]) == needs[role].during(visit)
            assert claim["unit"] in self.candidates(needs[role])
            assert claim["unit"] in free[role] or (overbook and not free[role]), "taken by somebody else"
        ran_out: dict[UUID, Holder] = {}
        for claim in claims:
            for other, _ in self.on(claim["unit"], claim["start"], claim["end"]):
                if self.lapsed(other):
                    ran_out[other.id] = other
        for id in sorted(ran_out):
            self.let_go(ran_out[id], "expired")
        for claim in sorted(claims, key=lambda claim: claim["unit"]):
            behind = (
                self.guarded(claim["unit"], claim["start"], claim["end"], but)
                and claim["unit"] not in free[claim["role"]]
            )
            assert claim["overbook"] == behind
            holder.claims.append(Claim(claim["unit"], claim["start"], claim["end"], behind, next(self.numbers)))
        if but is not None:
            for old in but.claims:
                old.active = False
        self.holders.append(holder)

    def place_block(self, id: UUID, resource: str, start: datetime, end: datetime) -> None:
        units = self.units[resource]
        if any(self.standing(unit, (start, end)) for unit in units):
            raise Conflict
        self.displace(units, start, end)
        block = Holder(id, "block", "standing", [])
        block.claims = [Claim(unit, start, end, overbook=False, number=next(self.numbers)) for unit in sorted(units)]
        self.holders.append(block)

    def record_busy(self, busy: Holder, resource: str, start: datetime, end: datetime) -> None:
        """``busy`` is new, or known and told again with other times."""
        if busy in self.holders:
            if busy.state == "standing":
                self.let_go(busy, "removed")
            busy.claims = []
        else:
            self.holders.append(busy)
        busy.state, busy.resource, busy.start, busy.end = "standing", resource, start, end
        self.displace(self.units[resource], start, end)
        rests = {unit: self.rest(unit, start, end) for unit in sorted(self.units[resource])}
        unit = max(
            rests, key=lambda unit: (sum((b - a for a, b in rests[unit]), timedelta()), -sorted(rests).index(unit))
        )
        # what is taken there, on the others
        for each in (unit, *(other for other in sorted(rests) if other != unit)):
            left = without(rests[each], [(claim.start, claim.end) for claim in busy.claims])
            busy.claims += [Claim(each, a, b, overbook=False, number=next(self.numbers)) for a, b in left]

    def rest(self, unit: UUID, start: datetime, end: datetime) -> list[Span]:
        """What is not under the guard of a unit's time."""
        return without(
            [(start, end)], [(claim.start, claim.end) for _, claim in self.on(unit, start, end) if not claim.overbook]
        )

    def set_capacity(self, resource: str, units: list[UUID]) -> None:
        """``units``: all units that the resource has afterwards, by ordinal."""
        for going in reversed(self.units[resource][len(units) :]):
            self.displace([going], self.now, datetime.max.replace(tzinfo=self.now.tzinfo))
            self.move(going, units)
        new = [unit for unit in units if unit not in self.units[resource]]
        self.units[resource] = units
        for unit in new:
            end = datetime.max.replace(tzinfo=self.now.tzinfo)
            self.fill([Claim(unit, self.now, end, overbook=False, number=0, active=False)])

    def move(self, going: UUID, targets: list[UUID]) -> None:
        claims = [c for h in self.holders for c in h.claims if c.active and c.unit == going]
        for claim in sorted(claims, key=lambda c: (c.overbook, c.start, c.number)):
            fitting = [unit for unit in targets if not self.on(unit, claim.start, claim.end)]
            if fitting:
                claim.unit, claim.overbook = fitting[0], False
            elif claim.overbook:
                claim.unit = targets[0]
            else:
                raise Conflict

    def merge(self, gone: str, into: str) -> None:
        end = datetime.max.replace(tzinfo=self.now.tzinfo)
        for unit in self.units[gone]:
            self.displace([*self.units[into], unit], self.now, end)
            self.move(unit, sorted(self.units[into]))
        self.units[gone] = []
        for needs in self.services.values():
            for need in needs.values():
                if gone in need.resources and into not in need.resources:
                    need.resources.append(into)
