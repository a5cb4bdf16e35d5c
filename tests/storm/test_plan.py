"""The plan: repeatable, and really hot."""

from __future__ import annotations

from itertools import combinations, pairwise

import pytest

from holdfast.errors import Invalid
from holdfast.insight.storm.plan import Plan, make_plan, rounds_needed, synthetic_slots


def a_plan(seed: int, *, slots: int = 12, clients: int = 7, attempts: int = 80) -> Plan:
    return make_plan(
        synthetic_slots(slots, 3), clients=clients, attempts=attempts, surfaces=["desk", "phone"], seed=seed
    )


def test_same_seed_same_plan() -> None:
    assert a_plan(1) == a_plan(1)
    assert a_plan(1) != a_plan(2)


def test_every_attempt_is_planned_once() -> None:
    plan = a_plan(3)
    assert plan.attempts == 80
    assert [attempt.number for round_ in plan.rounds for attempt in round_] == list(range(80))
    assert [len(round_) for round_ in plan.rounds] == [7] * 11 + [3]


def test_any_two_asks_of_a_slot_exclude_each_other() -> None:
    for slot in synthetic_slots(9, 3):
        for one, other in combinations(slot.asks, 2):
            assert set(one.resources) == set(other.resources)
            assert one.start < other.end
            assert other.start < one.end


def test_asks_of_different_slots_never_meet() -> None:
    for one, other in combinations(synthetic_slots(9, 3), 2):
        for mine in one.asks:
            for theirs in other.asks:
                apart = mine.end <= theirs.start or theirs.end <= mine.start
                assert apart or not set(mine.resources) & set(theirs.resources)


def test_contenders_start_at_different_minutes_and_name_resources_in_different_orders() -> None:
    first_round = a_plan(5, slots=1, clients=50, attempts=50).rounds[0]
    assert len({attempt.ask.start for attempt in first_round}) > 3
    assert len({attempt.ask.length_minutes for attempt in first_round}) == 3
    assert len({attempt.ask.resources for attempt in first_round}) == 6


@pytest.mark.parametrize("slots", [1, 3, 10, 25])
def test_slots_are_shared_out_over_the_rounds(slots: int) -> None:
    plan = a_plan(8, slots=slots, clients=8, attempts=80)
    by_round = [{attempt.slot for attempt in round_} for round_ in plan.rounds]
    assert set().union(*by_round) == set(range(slots))
    if slots >= rounds_needed(80, 8):
        assert all(not one & next_ for one, next_ in pairwise(by_round))


def test_nothing_to_fight_for_is_refused() -> None:
    with pytest.raises(Invalid, match="no free time"):
        make_plan([], clients=2, attempts=4, surfaces=["desk"], seed=1)
