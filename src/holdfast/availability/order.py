"""Whom to choose among those who are equally free: who was asked for, then the policy, then the pool's own order."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Final

from holdfast.availability.masks import Masks
from holdfast.availability.model import Assignment, Resource

_NEVER: Final = datetime.min.replace(tzinfo=UTC)


class Order:
    """Sorts best first; sorting is stable, so where the key is equal the pool's order decides."""

    def __init__(self, masks: Masks, assign: Assignment = "preference", prefer: tuple[str, ...] = ()) -> None:
        self._masks = masks
        self._assign = assign
        self._prefer = prefer
        self._loads: dict[tuple[str, date], int] = {}
        self._days: dict[int, date] = {}

    @property
    def is_of_pool(self) -> bool:
        """Whether the pool's own order is all there is to it, so that nothing need be sorted."""
        return self._assign == "preference" and not self._prefer

    def key(self, resource: Resource, start: int) -> tuple[bool, float]:
        """The sorting key of a resource for a visit that starts at that minute of the window."""
        policy: float = 0
        if self._assign == "least_loaded":
            policy = self._load(resource, self._day(start))
        elif self._assign == "round_robin":
            taken_at = self._masks.snapshot.resources[resource.id].last_taken_at
            policy = ((taken_at or _NEVER) - _NEVER).total_seconds()
        return resource.id not in self._prefer, policy

    def _day(self, start: int) -> date:
        if start not in self._days:
            self._days[start] = self._masks.days.date_of(start)
        return self._days[start]

    def _load(self, resource: Resource, day: date) -> int:
        """Minutes of that local day which visits take of the resource, over all its units."""
        if (resource.id, day) not in self._loads:
            low, high = self._masks.days.spans[day]
            spans = [
                self._masks.window.outward(claim.start, claim.end)
                for unit in resource.units
                for claim in self._masks.claims(unit)
                if claim.kind in {"appointment", "hold"}
            ]
            self._loads[resource.id, day] = sum(max(0, min(end, high) - max(start, low)) for start, end in spans)
        return self._loads[resource.id, day]
