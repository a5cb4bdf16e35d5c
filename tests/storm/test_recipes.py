"""Each recipe does what the exhibit says: the naive ones are the negative controls of the guarded one."""

from __future__ import annotations

import dataclasses

import psycopg
import pytest

from holdfast.db.urls import DatabaseUrls
from holdfast.errors import Invalid
from holdfast.insight.storm.campaign import Settings, storm_recipe, storm_record
from holdfast.insight.storm.recipes.redis_lock import redis_is_installed
from holdfast.insight.storm.report import Summary, verdict
from holdfast.insight.storm.runner import Ending

SMALL = Settings(seed=0, clients=16, attempts=160, seconds=240)
SEEDS = range(10)

needs_redis = pytest.mark.skipif(not redis_is_installed(), reason="no redis-server on the PATH")


def storm(name: str, url: str, seed: int = 0, **changes: float) -> Summary:
    settings = dataclasses.replace(SMALL, seed=seed, **changes)
    return storm_recipe(name, url, settings, lambda done, held: None)


@pytest.mark.parametrize("name", ["check-then-insert", "not-exists", pytest.param("redis-lock", marks=needs_redis)])
def test_naive_recipes_double_book(storm_url: str, name: str) -> None:
    for seed in SEEDS:
        summary = storm(name, storm_url, seed)
        assert summary.overlaps == summary.overlaps_by_sql, f"seed {seed}"
        if summary.overlaps:
            break
    else:
        pytest.fail(f"{name} was never seen to double-book with seeds {SEEDS}")
    assert summary.slots_with_several_winners > 0
    assert summary.rounds_double_booked > 0
    assert not summary.is_safe
    assert "overlapping claims" in verdict(summary)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_guarded_gives_every_slot_to_exactly_one(storm_url: str, seed: int) -> None:
    summary = storm("guarded", storm_url, seed, attempts=480)
    assert summary.ending is Ending.COMPLETE
    assert summary.attempts == 480
    assert (summary.overlaps, summary.overlaps_by_sql, summary.partial_visits, summary.deadlocks) == (0, 0, 0, 0)
    assert summary.slots_contested == summary.slots_with_one_winner == summary.held == 30, f"seed {seed}"
    assert summary.refused == {"slot-taken": 450}
    assert summary.is_safe


@pytest.mark.parametrize("seed", [1, 2])
def test_the_record_gives_every_slot_to_exactly_one(database: DatabaseUrls, seed: int) -> None:
    settings = dataclasses.replace(SMALL, seed=seed, attempts=320)
    summary = storm_record(database, settings, lambda done, held: None)
    assert (summary.attempts, summary.refused) == (320, {"slot-taken": 300}), f"seed {seed}"
    assert (summary.overlaps, summary.overlaps_by_sql, summary.partial_visits, summary.deadlocks) == (0, 0, 0, 0)
    assert summary.slots_contested == summary.slots_with_one_winner == summary.held == 20
    assert summary.held_by_surface.keys() <= {"desk", "phone", "walk_in", "widget"}


def test_the_record_without_its_guard_double_books(database: DatabaseUrls) -> None:
    """The negative control: the same functions, and a constraint of the same name that excludes nothing."""
    with psycopg.connect(database.owner) as connection:
        connection.execute(
            """
            alter table holdfast.claim drop constraint claim_no_overlap;
            alter table holdfast.claim add constraint claim_no_overlap
                exclude using gist (organization_id with =, id with =)
            """
        )
    for seed in SEEDS:
        summary = storm_record(database, dataclasses.replace(SMALL, seed=seed), lambda done, held: None)
        if summary.overlaps:
            assert summary.overlaps == summary.overlaps_by_sql
            assert not summary.is_safe
            return
    pytest.fail(f"the unguarded record was never seen to double-book with seeds {SEEDS}")


def test_plain_insert_is_correct_but_deadlocks(storm_url: str) -> None:
    for seed in SEEDS:
        summary = storm("plain-insert", storm_url, seed, attempts=32)
        assert (summary.overlaps, summary.partial_visits, summary.slots_with_several_winners) == (0, 0, 0)
        if summary.deadlocks:
            return
    pytest.fail(f"plain-insert was never seen to deadlock with seeds {SEEDS}")


def test_the_time_limit_stops_attempts_under_way(storm_url: str) -> None:
    summary = storm("guarded", storm_url, attempts=20_000, seconds=0.3)
    assert summary.ending is Ending.TIME_UP
    assert summary.attempts < 20_000
    assert summary.is_safe
    assert "time up" in verdict(summary)


def test_fewer_slots_than_rounds_are_fought_for_again(storm_url: str) -> None:
    summary = storm("guarded", storm_url, slots=2)
    assert (summary.slots_contested, summary.slots_with_one_winner, summary.held) == (2, 2, 2)


def test_an_unknown_recipe_is_refused(storm_url: str) -> None:
    with pytest.raises(Invalid, match="no recipe"):
        storm("two-phase-hope", storm_url)
