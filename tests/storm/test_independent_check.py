"""The check that judges all others: it must see what was planted, and must not look where the guard looks."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from holdfast.db.blocking import BlockingConnection
from holdfast.db.scratch import ScratchSchema
from holdfast.insight.storm.independent_check import OVERLAPS_SQL, WITHOUT_INDEX_SQL, Claim, overlaps
from holdfast.insight.storm.recipes.recipe import GUARDED_SQL, UNGUARDED_SQL

NINE = datetime(2031, 3, 3, 9, tzinfo=UTC)


def claim(unit: str, start: int, end: int, owner: str = "x") -> Claim:
    return Claim(unit, NINE + timedelta(minutes=start), NINE + timedelta(minutes=end), owner)


def test_finds_a_planted_overlap() -> None:
    first, second = claim("laser", 0, 60, "a"), claim("laser", 59, 90, "b")
    (found,) = overlaps([second, claim("room", 0, 60), first])
    assert (found.first, found.second) == (first, second)


def test_back_to_back_and_other_units_are_no_overlap() -> None:
    assert overlaps([claim("laser", 0, 60), claim("laser", 60, 90), claim("room", 30, 70)]) == []


def test_a_long_claim_hides_none_behind_a_short_one() -> None:
    found = overlaps([claim("laser", 0, 100, "long"), claim("laser", 5, 10, "short"), claim("laser", 50, 60, "late")])
    assert [(pair.first.owner, pair.second.owner) for pair in found] == [("long", "short"), ("long", "late")]


@pytest.fixture(scope="module")
def unguarded(storm_url: str) -> Iterator[BlockingConnection]:
    with ScratchSchema(storm_url, UNGUARDED_SQL) as schema:
        yield schema.connect()


def plant(connection: BlockingConnection, claims: list[Claim], **columns: bool) -> None:
    flags = {"active": True, "overbook": False} | columns
    for each in claims:
        connection.execute(
            "insert into claim (attempt, unit_id, during, active, overbook) values (0, %s, tstzrange(%s, %s), %s, %s)",
            (each.unit, each.start, each.end, flags["active"], flags["overbook"]),
        )


def overlaps_by_sql(connection: BlockingConnection) -> int:
    return len(connection.rows(OVERLAPS_SQL))


@pytest.mark.parametrize("seed", range(5))
def test_sql_and_python_agree(unguarded: BlockingConnection, seed: int) -> None:
    chance = random.Random(seed)
    claims = []
    for _ in range(60):
        start = chance.randrange(0, 2000)
        claims.append(claim(chance.choice("abc"), start, start + chance.randrange(1, 40)))
    unguarded.execute("truncate claim")
    plant(unguarded, claims)
    found = overlaps(claims)
    assert overlaps_by_sql(unguarded) == len(found)
    by_brute_force = any(
        one is not other and one.unit == other.unit and one.start < other.end and other.start < one.end
        for one in claims
        for other in claims
    )
    assert bool(found) == by_brute_force, f"seed {seed}"


def test_inactive_claims_and_deliberate_ones_do_not_count(unguarded: BlockingConnection) -> None:
    unguarded.execute("truncate claim")
    plant(unguarded, [claim("laser", 0, 60)])
    plant(unguarded, [claim("laser", 0, 60)], active=False)
    plant(unguarded, [claim("laser", 0, 60)], overbook=True)
    assert overlaps_by_sql(unguarded) == 0
    plant(unguarded, [claim("laser", 0, 60)])
    assert overlaps_by_sql(unguarded) == 1


@pytest.mark.parametrize("careful", [True, False])
def test_the_guarding_index_is_not_believed(storm_url: str, careful: bool) -> None:
    """Without the settings the planner reads by the index where that looks cheaper; with them it does not."""
    with ScratchSchema(storm_url, GUARDED_SQL) as schema:
        connection = schema.connect()
        plant(connection, [claim("laser", 10 * n, 10 * n + 10) for n in range(10)])
        with connection.transaction():
            connection.execute("set local seq_page_cost = 1000")
            for setting in WITHOUT_INDEX_SQL if careful else ():
                connection.execute(setting)
            plan = "\n".join(line for (line,) in connection.rows("explain " + OVERLAPS_SQL))
        assert ("Index" not in plan) is careful, plan
