"""Choosing distinct units: against every possible choice on small random puzzles."""

from __future__ import annotations

import random
from itertools import combinations, product

import pytest

from holdfast.availability.matching import Seat, fill


def always(one: int, other: int) -> bool:
    return True


def test_the_greedy_choice_is_taken_back() -> None:
    seats = [Seat(["nurse", "doctor"], 1), Seat(["nurse"], 1)]
    assert fill(seats, always) == [("doctor",), ("nurse",)]


def test_preference_decides_where_it_can() -> None:
    assert fill([Seat(["b", "a", "c"], 2), Seat(["a", "b", "c"], 1)], always) == [("b", "a"), ("c",)]


def test_one_unit_may_serve_twice_when_not_at_the_same_time() -> None:
    seats = [Seat(["nurse"], 1), Seat(["nurse"], 1)]
    assert fill(seats, lambda one, other: False) == [("nurse",), ("nurse",)]
    assert fill(seats, always) is None


@pytest.mark.parametrize("seed", range(150))
def test_an_answer_is_found_exactly_when_there_is_one(seed: int) -> None:
    rng = random.Random(seed)
    seats = [Seat(rng.sample("abcdef", k=rng.randint(1, 5)), rng.choice([1, 1, 2])) for _ in range(rng.randint(1, 5))]
    pairs = {pair for pair in combinations(range(len(seats)), 2) if rng.random() < 0.6}

    def together(one: int, other: int) -> bool:
        return (min(one, other), max(one, other)) in pairs

    def sound(choice: tuple[tuple[str, ...], ...]) -> bool:
        return all(not set(choice[one]) & set(choice[other]) for one, other in pairs)

    every = product(*(combinations(seat.candidates, seat.quantity) for seat in seats))
    found = fill(seats, together)
    assert (found is not None) == any(map(sound, every))
    if found is not None:
        assert sound(tuple(found))
        assert all(
            set(units) <= set(seat.candidates) and len(units) == seat.quantity
            for units, seat in zip(found, seats, strict=True)
        )


def test_a_hopeless_puzzle_ends() -> None:
    """Twelve pigeons for eleven holes: 40 million ways to fail, of which MAX_STEPS are tried."""
    assert fill([Seat([f"u{n}" for n in range(11)], 1)] * 12, always) is None
