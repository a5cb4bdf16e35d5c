"""Where one service fits: the starts at which every role can be filled, by distinct units where it must be.

Counting comes first, on bitmaps. By Hall's theorem, roles that all run at the same time can be filled exactly when
every subset of them finds as many available units as it needs: that settles almost every service for all minutes at
once. Only roles that share units in a chain (A overlaps B, B overlaps C, but A and C do not) are then tried start by
start, with the search that also makes the choice.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import chain, combinations, islice
from typing import Final

from holdfast.availability import bitmap, matching
from holdfast.availability.bitmap import Bits, Span
from holdfast.availability.masks import Masks
from holdfast.availability.model import Pick, Pool, Requirement, Resource, Service
from holdfast.availability.order import Order
from holdfast.errors import Invalid

MAX_TRIED: Final = 100_000
"""Tries that one service may take of a question, all its starts together; about half a second."""
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


Chosen = tuple[Requirement, Resource, str]
"""A role, and the resource and its unit that would serve it."""


@dataclass(eq=False)
class Candidates:
    """What the ways to fill one service's roles have in common: who could serve, and what was counted already."""

    masks: Masks
    options: dict[str, tuple[Option, ...]] = field(default_factory=dict)
    counted: dict[object, Bits] = field(default_factory=dict)
    tries: matching.Tries = field(default_factory=lambda: matching.Tries(MAX_TRIED))

    def of(self, need: Requirement) -> tuple[Option, ...]:
        """The units of the role's pool that could serve it at some time, in the pool's order."""
        if need.role not in self.options:
            self.options[need.role] = tuple(
                Option(resource, unit, starts)
                for resource in self.masks.members(need.pool)
                for unit in resource.units
                if (starts := self.masks.starts(need, resource, unit))
            )
        return self.options[need.role]


class Fit:
    """One way to fill one service's roles, at one location in one window; starts are indexes of its minutes.

    ``named`` says for some roles which resource serves; ``candidates`` is shared by the ways of the same service.
    """

    def __init__(
        self,
        masks: Masks,
        service: Service,
        *,
        party: int = 1,
        named: Mapping[str, str] | None = None,
        candidates: Candidates | None = None,
    ) -> None:
        self.masks = masks
        self.service = service
        self._candidates = candidates or Candidates(masks)
        self.roles = [role for need in service.requirements for role in self._seats(need, party, named or {})]
        self._groups = entangled(self.roles)
        self._places = {role: place for place, role in enumerate(dict.fromkeys(r.requirement.role for r in self.roles))}

    def starts(self, among: Bits) -> Bits:
        """The minutes of ``among`` at which the service can begin. Raises Invalid where that takes too much trying."""
        bits = among & self.masks.full
        for group in self._groups:
            bits &= self._counted(group)
            if not settled_by_counting(group):
                bits = self._tried(group, bits)
        return bits

    def choose(self, start: int, order: Order) -> list[Chosen] | None:
        """Who would serve a visit that begins at that minute, in the order of the roles; None when nobody can."""
        chosen: list[Chosen] = []
        for group in self._groups:
            filled = self._fill_in_order(start, group, order)
            if filled is None:
                return None
            for role, options in zip(group, filled, strict=True):
                chosen += [(role.requirement, option.resource, option.unit) for option in options]
        return sorted(chosen, key=lambda each: self._places[each[0].role])

    def pick(self, start: int, chosen: Chosen, part: int) -> Pick:
        """The unit as a slot names it."""
        need, resource, unit = chosen
        at = self.masks.window.instant
        first, last = start + need.offset_minutes, start + need.segment_ends
        low, high = claimed(start, need)
        return Pick(
            self.service.id, need.role, resource.id, unit, at(first), at(last), at(low), at(high), part
        )  # fmt: skip

    def _seats(self, need: Requirement, party: int, named: Mapping[str, str]) -> Iterator[Role]:
        """The role for so many people; where a resource is named it is split: one of it, the rest from the pool."""
        quantity, options = need.quantity * party, self._candidates.of(need)
        if need.role in named:
            only = Pool((named[need.role],), need.pool.requires)
            of_it = tuple(option for option in options if option.resource.id == named[need.role])
            yield Role(replace(need, quantity=1, pool=only), of_it)
            quantity -= 1
        if quantity:
            yield Role(replace(need, quantity=quantity), options)

    def _counted(self, group: Sequence[Role]) -> Bits:
        """The starts at which every set of the roles finds as many units as it needs."""
        key = tuple((each.requirement.role, each.requirement.quantity, each.requirement.pool.members) for each in group)
        known = self._candidates.counted
        if key not in known:
            bits = self.masks.full
            for together in overlapping(group):
                for subset in _subsets(together):
                    bits &= _enough(subset, bits)
            known[key] = bits
        return known[key]

    def _tried(self, group: Sequence[Role], bits: Bits) -> Bits:
        """Those of the starts at which the roles can be filled, each tried; the same units free, the same answer."""
        options = [option for role in group for option in role.options]
        answers: dict[tuple[bool, ...], bool] = {}
        fillable = []
        for start in bitmap.set_minutes(bits):
            free = tuple(option.serves(start) for option in options)
            if free not in answers:
                answers[free] = self._fill(start, group, None, self._candidates.tries) is not None
                if not self._candidates.tries.left:
                    raise Invalid("This takes too much trying: ask for less time or for fewer people.", field="to")
            if answers[free]:
                fillable.append((start, start + 1))
        return bitmap.mask(fillable, self.masks.window.minutes)

    def _fill_in_order(self, start: int, group: Sequence[Role], order: Order) -> list[Sequence[Option]] | None:
        """The search is bounded: where the wished order gets lost in a puzzle, the order that counted it decides."""
        wished = None if order.is_of_pool else order
        filled = self._fill(start, group, wished)
        if filled is None and wished is not None and len(group) > 1:
            filled = self._fill(start, group, None)
        return filled

    def _fill(
        self, start: int, group: Sequence[Role], order: Order | None, tries: matching.Tries | None = None
    ) -> list[Sequence[Option]] | None:
        if order is None and len(group) == 1:
            # nobody to share with, as for most roles: the first ones serve
            [role] = group
            quantity = role.requirement.quantity
            first = list(islice((option for option in role.options if option.serves(start)), quantity))
            return [first] if len(first) == quantity else None
        seats, by_unit = [], {}
        for role in group:
            serving = [option for option in role.options if option.serves(start)]
            if order is not None:
                serving.sort(key=lambda option: order.key(option.resource, start))
            by_unit.update({option.unit: option for option in serving})
            seats.append(matching.Seat([option.unit for option in serving], role.requirement.quantity))
        units = matching.fill(seats, lambda a, b: group[a].requirement.overlaps(group[b].requirement), tries)
        if units is None and settled_by_counting(group):
            units = matching.fill_at_once(seats)
        return None if units is None else [[by_unit[unit] for unit in each] for each in units]


def claimed(start: int, need: Requirement) -> Span:
    """The minutes that a role claims of a visit which begins at that minute, buffers included."""
    return (
        start + need.offset_minutes - need.buffer_before_minutes,
        start + need.segment_ends + need.buffer_after_minutes,
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
    needed = sum(role.requirement.quantity for role in subset)
    # counting to twenty for a party of twenty costs twenty times as much: not where there are fewer units anyway
    return bitmap.at_least(needed, available.values(), full) if needed <= len(available) else 0
