"""Who does what: distinct units for the roles of one visit, when pools overlap.

A nurse may be the injector or the assistant; taking the first free unit for each role in turn can use up the only
unit that the next role has. Choosing is a search with a way back.

The rule, which the hold function in the database follows too: roles with the fewest candidates first (their own order
breaks ties), candidates in the order of preference, the first full choice wins.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Final, NamedTuple

MAX_STEPS: Final = 20_000


class Seat(NamedTuple):
    """A role to fill: ``quantity`` different units out of ``candidates``, best first."""

    candidates: Sequence[str]
    quantity: int


@dataclass
class Tries:
    """How many tries are left to many searches together."""

    left: int


def fill(
    seats: Sequence[Seat], together: Callable[[int, int], bool], tries: Tries | None = None
) -> list[tuple[str, ...]] | None:
    """The units for each seat, or None when there is no such choice.

    Seats ``i`` and ``j`` need different units when ``together(i, j)``. The work is bounded by MAX_STEPS tries: a
    puzzle still unsolved then counts as impossible. Visits have a handful of roles; none that is real comes near.
    What it takes is taken from ``tries``, where they are given.
    """
    order = sorted(range(len(seats)), key=lambda seat: (len(seats[seat].candidates), seat))
    rivals = [[other for other in order if other != seat and together(seat, other)] for seat in range(len(seats))]
    chosen: dict[int, tuple[str, ...]] = {}
    steps = 0

    def left(seat: int) -> list[str]:
        used = {unit for other in rivals[seat] for unit in chosen.get(other, ())}
        return [unit for unit in seats[seat].candidates if unit not in used]

    def place(depth: int) -> bool:
        nonlocal steps
        if depth == len(order):
            return True
        seat = order[depth]
        for units in combinations(left(seat), seats[seat].quantity):
            steps += 1
            if steps > MAX_STEPS:
                return False
            chosen[seat] = units
            # Looking ahead: a rival that has too few left would only be found out further down.
            waiting = (other for other in rivals[seat] if other not in chosen)
            if all(len(left(other)) >= seats[other].quantity for other in waiting) and place(depth + 1):
                return True
            del chosen[seat]
        return False

    found = place(0)
    if tries is not None:
        tries.left = max(0, tries.left - steps)
    return [chosen[seat] for seat in range(len(seats))] if found else None


def fill_at_once(seats: Sequence[Seat]) -> list[tuple[str, ...]] | None:
    """The same where every seat needs units of its own, however many there are: by augmenting paths, without a bound.

    The order of preference decides less here: whoever is in the way of another seat moves on to where they still can.
    """
    chairs = [seat for seat, (_, quantity) in enumerate(seats) for _ in range(quantity)]
    sitting: dict[str, int] = {}

    def place(chair: int, tried: set[str]) -> bool:
        for unit in seats[chairs[chair]].candidates:
            if unit not in tried:
                tried.add(unit)
                if unit not in sitting or place(sitting[unit], tried):
                    sitting[unit] = chair
                    return True
        return False

    if not all(place(chair, set()) for chair in range(len(chairs))):
        return None
    taken: list[list[str]] = [[] for _ in seats]
    for unit, chair in sitting.items():
        taken[chairs[chair]].append(unit)
    return [tuple(units) for units in taken]
