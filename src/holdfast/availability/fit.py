"""Where one service fits: the starts at which every role can be filled, by distinct units where it must be.

Counting comes first, on bitmaps. By Hall's theorem, roles that all run at the same time can be filled exactly when
every subset of them finds as many available units as it needs: that settles almost every service for all minutes at
once. Only roles that share units in a chain (A overlaps B, B overlaps C, but A and C do not) are then tried start by
start, with the search that also makes the choice.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import chain, combinations
from typing import Final

from holdfast.availability import bitmap, matching
from holdfast.availability.bitmap import Bits
from holdfast.availability.masks import Masks
from holdfast.availability.model import Pick, Pool, Requirement, Resource, Service
from holdfast.availability.order import Order

MAX_COUNTED: Final = 8
"""Roles at the same time whose subsets are counted: 255 of them; beyond, the starts are tried one by one."""


@dataclass(eq=False)
class Option:
    """A unit that can serve a role, with the visit starts at which it could."""

    resource: Resource
    unit: str
    starts: Bits

    @cached_property
    def _bytes(self) -> bytes:
        return self.starts.to_bytes(self.starts.bit_length() // 8 + 1, "little")

    def serves(self, start: int) -> bool:
        """Bytes, because a shift would copy the whole window for every look at one minute."""
        return start >> 3 < len(self._bytes) and bool(self._bytes[start >> 3] >> (start & 7) & 1)


@dataclass(eq=False)
class Role:
    requirement: Requirement
    options: tuple[Option, ...]


class Fit:
    """One service at one location in one window; starts are indexes of the window's minutes."""

    def __init__(
        self, masks: Masks, service: Service, *, party: int = 1, named: Mapping[str, str] | None = None
    ) -> None:
        self.masks = masks
        self.service = service
        self.roles = [self._role(need) for need in _expand(service.requirements, party, named or {})]
        self._groups = entangled(self.roles)
        self._unit_resource = {option.unit: option.resource for role in self.roles for option in role.options}

    def starts(self, among: Bits) -> Bits:
        """The minutes of ``among`` at which the service can begin."""
        full = self.masks.full
        bits = among & full
        for group in self._groups:
            for together in overlapping(group):
                for subset in _subsets(together):
                    bits &= _enough(subset, full)
            if not settled_by_counting(group):
                fillable = [start for start in bitmap.set_minutes(bits) if self._fill(start, group, None) is not None]
                bits = bitmap.mask(((start, start + 1) for start in fillable), self.masks.window.minutes)
        return bits

    def assign(self, start: int, order: Order) -> tuple[Pick, ...] | None:
        """Who would serve a visit that begins at that minute, in the order of the roles; None when nobody can."""
        picks: list[Pick] = []
        for group in self._groups:
            # The search is bounded: where the wished order gets lost in a puzzle, the order that counted it decides.
            filled = self._fill(start, group, order) or self._fill(start, group, None)
            if filled is None:
                return None
            for role, units in zip(group, filled, strict=True):
                picks += [self._pick(start, role.requirement, unit) for unit in units]
        names = [role.requirement.role for role in self.roles]
        return tuple(sorted(picks, key=lambda pick: names.index(pick.role)))

    def _role(self, need: Requirement) -> Role:
        masks = self.masks
        options = []
        for resource in masks.members(need.pool):
            for unit in resource.units:
                starts = masks.starts(need, resource, unit)
                if starts:
                    options.append(Option(resource, unit, starts))
        return Role(need, tuple(options))

    def _fill(self, start: int, group: Sequence[Role], order: Order | None) -> list[tuple[str, ...]] | None:
        seats = []
        for role in group:
            serving = [option for option in role.options if option.serves(start)]
            if order is not None:
                serving.sort(key=lambda option: order.key(option.resource, start))
            seats.append(matching.Seat([option.unit for option in serving], role.requirement.quantity))
        if len(seats) == 1:
            # nobody to share with, as for most roles: the first ones serve
            [(units, quantity)] = seats
            return [tuple(units[:quantity])] if len(units) >= quantity else None
        return matching.fill(seats, lambda a, b: group[a].requirement.overlaps(group[b].requirement))

    def _pick(self, start: int, need: Requirement, unit: str) -> Pick:
        at = self.masks.window.instant
        first, last = start + need.offset_minutes, start + need.segment_ends
        return Pick(
            service=self.service.id,
            role=need.role,
            resource=self._unit_resource[unit].id,
            unit=unit,
            start=at(first),
            end=at(last),
            claim_start=at(first - need.buffer_before_minutes),
            claim_end=at(last + need.buffer_after_minutes),
        )


def entangled(roles: Sequence[Role]) -> list[list[Role]]:
    """The roles in groups that cannot take each other's units: choosing in one leaves the others alone."""
    groups: list[list[Role]] = []
    for role in roles:
        units = {option.unit for option in role.options}
        rivals = [
            group
            for group in groups
            if any(
                role.requirement.overlaps(other.requirement)
                and not units.isdisjoint(option.unit for option in other.options)
                for other in group
            )
        ]
        groups = [group for group in groups if group not in rivals]
        groups.append([*(other for group in rivals for other in group), role])
    return groups


def settled_by_counting(group: Sequence[Role]) -> bool:
    """Whether Hall's theorem says all there is to say: every two of the roles run at the same time."""
    return len(group) <= MAX_COUNTED and all(
        one.requirement.overlaps(other.requirement) for one, other in combinations(group, 2)
    )


def overlapping(group: Sequence[Role]) -> Iterator[list[Role]]:
    """The largest sets of roles that run at the same time; each is met where one of its segments begins."""
    seen: list[list[Role]] = []
    for moment in sorted({role.requirement.offset_minutes for role in group}, reverse=True):
        running = [r for r in group if r.requirement.offset_minutes <= moment < r.requirement.segment_ends]
        if not any(all(role in larger for role in running) for larger in seen):
            seen.append(running)
            yield running


def _subsets(together: Sequence[Role]) -> Iterator[tuple[Role, ...]]:
    """All of them, or the small ones where there are too many to count."""
    largest = len(together) if len(together) <= MAX_COUNTED else 2
    return chain.from_iterable(combinations(together, size) for size in range(1, largest + 1))


def _enough(subset: Sequence[Role], full: Bits) -> Bits:
    """The starts at which these roles together find as many available units as they need."""
    available: dict[str, Bits] = {}
    for role in subset:
        for option in role.options:
            available[option.unit] = available.get(option.unit, 0) | option.starts
    return bitmap.at_least(sum(role.requirement.quantity for role in subset), available.values(), full)


def _expand(needs: Sequence[Requirement], party: int, named: Mapping[str, str]) -> Iterator[Requirement]:
    """The requirements for so many people, a role with a named resource split: one from it, the rest from the pool."""
    for need in needs:
        quantity = need.quantity * party
        if need.role not in named:
            yield replace(need, quantity=quantity)
            continue
        yield replace(need, quantity=1, pool=Pool((named[need.role],), need.pool.requires))
        if quantity > 1:
            yield replace(need, quantity=quantity - 1)
