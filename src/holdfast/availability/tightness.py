"""The "tight" ranking: prefer the slot that leaves the day in the fewest unusable pieces.

A gap counts as wasted when it is shorter than the shortest service that anybody sells here: nothing can be booked
into it any more. First comes the slot that newly wastes the fewest minutes over all its units, then the one that
leaves the fewest gaps beside it, then the earliest.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from holdfast.availability.bitmap import Span
from holdfast.availability.masks import Masks


class Cost(NamedTuple):
    wasted_minutes: int
    gaps: int

    def in_words(self) -> str:
        """What a slot says of it in ``why``."""
        if not self.gaps:
            return "fills its gaps exactly"
        if not self.wasted_minutes:
            return "leaves only gaps that can still be booked"
        return f"leaves {self.wasted_minutes} minutes too short to book"


class Tightness:
    def __init__(self, masks: Masks) -> None:
        self._masks = masks
        self._useful = min(service.length_minutes for service in masks.snapshot.services.values())
        self._free: dict[str, str] = {}
        self._resource = {unit: each for each in masks.snapshot.resources.values() for unit in each.units}

    def cost(self, spans: Mapping[str, Sequence[Span]]) -> Cost:
        """What a visit would leave beside its claims, which ``spans`` has by unit, summed over its units."""
        gaps = [gap for unit, taken in spans.items() for gap in self._gaps(unit, taken)]
        return Cost(sum(gap for gap in gaps if gap < self._useful), len(gaps))

    def _gaps(self, unit: str, taken: Sequence[Span]) -> list[int]:
        """The lengths of the free stretches that would touch the unit's claims; one between two of them counts once."""
        free = self._free_text(unit)
        before = [0, *(end for _, end in taken)]
        after = [*(start for start, _ in taken), len(free)][1:]
        gaps: set[Span] = set()
        for (start, end), floor, ceiling in zip(taken, before, after, strict=False):
            stop = free.find("0", end, ceiling)
            gaps.add((max(floor, free.rfind("0", 0, start) + 1), start))
            gaps.add((end, ceiling if stop < 0 else stop))
        return [high - low for low, high in gaps if low < high]

    def _free_text(self, unit: str) -> str:
        """One character a minute: text finds the next taken minute without copying the window, an integer cannot."""
        if unit not in self._free:
            free = self._masks.open(self._resource[unit]) & self._masks.unclaimed(unit)
            self._free[unit] = f"{free:0{self._masks.window.minutes}b}"[::-1]
        return self._free[unit]
