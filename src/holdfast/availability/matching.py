"""Who does what: distinct units for the slots of one visit, when pools overlap.

A nurse may be the injector or the assistant; taking the first free unit for each role in turn can use up the only
unit that the next role has. Choosing is a search with a way back.

The rule, which the hold function in the database follows word for word: slots with the fewest candidates first (the
requirement's order breaks ties), candidates in the order of preference, the first full choice wins.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

MAX_STEPS: Final = 20_000


def fill(candidates: Sequence[Sequence[str]], together: Callable[[int, int], bool]) -> tuple[str, ...] | None:
    """One unit for each slot, or None when there is no such choice.

    ``candidates[i]`` are the units that could serve slot ``i``, best first; slots ``i`` and ``j`` need different
    units when ``together(i, j)``. The work is bounded by MAX_STEPS tries: a puzzle that is still unsolved then counts
    as impossible, here as in the database. Visits have a handful of slots; none that is real comes near the bound.
    """
    order = sorted(range(len(candidates)), key=lambda slot: (len(candidates[slot]), slot))
    rivals = [[other for other in order if other != slot and together(slot, other)] for slot in range(len(candidates))]
    chosen: dict[int, str] = {}
    steps = 0

    def starved(slot: int) -> bool:
        """A rival still to be served has nobody left: no need to go deeper to find out."""
        return any(
            other not in chosen
            and not any(all(chosen.get(third) != unit for third in rivals[other]) for unit in candidates[other])
            for other in rivals[slot]
        )

    def place(depth: int) -> bool:
        nonlocal steps
        if depth == len(order):
            return True
        slot = order[depth]
        for unit in candidates[slot]:
            steps += 1
            if steps > MAX_STEPS:
                return False
            if all(chosen.get(other) != unit for other in rivals[slot]):
                chosen[slot] = unit
                if not starved(slot) and place(depth + 1):
                    return True
                del chosen[slot]
        return False

    return tuple(chosen[slot] for slot in range(len(candidates))) if place(0) else None
