"""The hand-over plan against every plan there is: no other strands fewer visits, or moves fewer for as few stranded."""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import permutations, product
from typing import Any

import pytest

from holdfast.booking import handover
from holdfast.booking.handover import Handover, Job, hand_over

NINE = datetime(2027, 3, 1, 9, tzinfo=UTC)


def job(visit: str, unit: str, start: int, end: int, *options: str) -> Job:
    return Job(visit, unit, NINE + timedelta(minutes=start), NINE + timedelta(minutes=end), options)


def together(plans: Sequence[Handover]) -> tuple[dict[int, str], set[str]]:
    moves = {index: unit for plan in plans for each in plan.moves for index, unit in each.items()}
    return moves, {visit for plan in plans for visit in plan.stranded}


def cost(jobs: Sequence[Job], plans: Sequence[Handover]) -> tuple[int, int]:
    moves, stranded = together(plans)
    return len(stranded), len({jobs[index].visit for index in moves})


def can_be_done(jobs: Sequence[Job], order: Sequence[dict[int, str]]) -> bool:
    """Do it, move by move, as the guard would: no step may meet anybody."""
    at = {index: each.unit for index, each in enumerate(jobs)}
    for moves in order:
        for index, unit in moves.items():
            if unit not in jobs[index].options:
                return False
            at[index] = unit
        for index, unit in moves.items():
            if any(other != index and at[other] == unit and jobs[index].meets(jobs[other]) for other in at):
                return False
    return True


def brute_force(jobs: Sequence[Job], displaced: set[int]) -> tuple[int, int]:
    """(stranded, moved) of the best of all plans: every unit for every job, every order."""
    affected = {jobs[index].visit for index in displaced}
    free = [index for index, each in enumerate(jobs) if index in displaced or each.visit not in affected]
    best = (len(affected), 0)
    for units in product(*((jobs[index].unit, *jobs[index].options) for index in free)):
        moves = {index: unit for index, unit in zip(free, units, strict=True) if unit != jobs[index].unit}
        visits = {jobs[index].visit for index in moves}
        if any(index in displaced and index not in moves and jobs[index].visit in visits for index in displaced):
            continue  # half of a visit
        found = (len(affected - visits), len(visits))
        if found < best:
            by_visit = [{i: u for i, u in moves.items() if jobs[i].visit == visit} for visit in sorted(visits)]
            if any(can_be_done(jobs, order) for order in permutations(by_visit)):
                best = found
    return best


def generated(rng: random.Random) -> tuple[list[Job], set[int]]:
    """A few visits on four units; those on the first must go, and all of them may go to some others."""
    units = ["a", "b", "c", "d"]
    jobs: list[Job] = []
    for number in range(rng.randint(3, 6)):
        unit = rng.choice(units)
        start = rng.randrange(0, 120, 15)
        length = rng.choice([15, 30, 45, 60])
        options = tuple(rng.sample([each for each in units[1:] if each != unit], rng.randint(0, 2)))
        one = job(f"v{number}", unit, start, start + length, *options)
        if not any(other.unit == unit and other.meets(one) for other in jobs):
            jobs.append(one)
    return jobs, {index for index, each in enumerate(jobs) if each.unit == "a"}


@pytest.mark.parametrize("seed", range(400))
def test_no_plan_is_better(seed: int) -> None:
    jobs, displaced = generated(random.Random(seed))
    plans = hand_over(jobs, displaced)
    assert cost(jobs, plans) == brute_force(jobs, displaced), f"seed {seed}: {jobs}"
    assert can_be_done(jobs, [dict(each) for plan in plans for each in plan.moves]), f"seed {seed}"


def test_without_chains_plans_would_be_worse(monkeypatch: pytest.MonkeyPatch) -> None:
    # the control: nobody makes way, and the comparison notices
    ask = handover._Search._in_the_way

    def stubborn(self: handover._Search, *asked: Any) -> set[int] | None:
        found = ask(self, *asked)
        return None if found else found

    monkeypatch.setattr(handover._Search, "_in_the_way", stubborn)
    cases = [generated(random.Random(seed)) for seed in range(400)]
    assert any(cost(jobs, hand_over(jobs, out)) > brute_force(jobs, out) for jobs, out in cases)


def test_a_chain_of_two() -> None:
    jobs = [job("v", "a", 0, 60, "b"), job("w", "b", 30, 90, "c"), job("x", "c", 60, 120, "d")]
    (plan,) = hand_over(jobs, {0})
    assert plan.moves == ({2: "d"}, {1: "c"}, {0: "b"})


def test_what_is_not_affected_does_not_move() -> None:
    jobs = [job("v", "a", 0, 60, "c", "b"), job("w", "b", 0, 60, "c"), job("far", "b", 600, 660, "c")]
    (plan,) = hand_over(jobs, {0})
    assert plan.moves == ({0: "c"},)


def test_a_visit_with_two_jobs_there_moves_whole_or_not_at_all() -> None:
    jobs = [job("v", "a", 0, 30, "b"), job("v", "a", 30, 60, "c"), job("w", "c", 0, 60)]
    assert together(hand_over(jobs, {0, 1})) == ({}, {"v"})
    assert together(hand_over(jobs[:2], {0, 1})) == ({0: "b", 1: "c"}, set())


def test_a_full_day_ends_within_bounds() -> None:
    rng = random.Random(7)
    units = [f"u{n}" for n in range(12)]
    jobs = [
        job(f"{unit}-{slot}", unit, slot * 60, slot * 60 + 60, *rng.sample([u for u in units[1:] if u != unit], 4))
        for unit in units
        for slot in range(9)
        if unit == "u0" or rng.random() < 0.85
    ]
    plans = hand_over(jobs, {index for index, each in enumerate(jobs) if each.unit == "u0"})
    assert can_be_done(jobs, [dict(each) for plan in plans for each in plan.moves])
