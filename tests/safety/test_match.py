"""Which units serve a visit (match_slots), and what they are claimed for (the tiles of insert_claims)."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any
from uuid import UUID

import psycopg
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from psycopg.types.composite import CompositeInfo, register_composite

from holdfast.db.urls import DatabaseUrls
from tests.clinic import Clinic, Refused, at, open_clinic, requires

Candidate = tuple[int, int, int, int]  # slot, unit, segment from and to in minutes
Match = Callable[[list[Candidate], int], list[Candidate] | None]
UNITS = [UUID(int=n) for n in range(10)]


@pytest.fixture(scope="module")
def owner(module_database: DatabaseUrls) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(module_database.owner, autocommit=True) as connection:
        yield connection


@pytest.fixture(scope="module")
def match(owner: psycopg.Connection[Any]) -> Match:
    def match_slots(candidates: list[Candidate], slots: int) -> list[Candidate] | None:
        row = owner.execute(
            """
            select holdfast.match_slots(array(
              select row(slot, 'role', unit_id, tstzrange(a, b), tstzrange(a, b), false, '{}'::uuid[])
                     ::holdfast.candidate
              from unnest(%s::integer[], %s::uuid[], %s::timestamptz[], %s::timestamptz[]) with ordinality
                as c(slot, unit_id, a, b, place)
              order by place), %s)
            """,
            (
                [c[0] for c in candidates],
                [UNITS[c[1]] for c in candidates],
                [at(c[2]) for c in candidates],
                [at(c[3]) for c in candidates],
                slots,
            ),
        ).fetchone()
        assert row is not None
        return (
            None
            if row[0] is None
            else sorted(
                (c.slot, UNITS.index(c.unit_id), minute(c.segment.lower), minute(c.segment.upper)) for c in row[0]
            )
        )

    with owner.transaction():
        info = CompositeInfo.fetch(owner, "holdfast.candidate")
        assert info is not None
        register_composite(info, owner)
    return match_slots


def minute(instant: datetime) -> int:
    return round((instant - at(0)).total_seconds() / 60)


def apart(chosen: tuple[Candidate, ...]) -> bool:
    """No unit works in two places at once."""
    return all(a[1] != b[1] or a[3] <= b[2] or b[3] <= a[2] for a, b in itertools.combinations(chosen, 2))


def possible(candidates: list[Candidate], slots: int) -> bool:
    """Try everything: is there one candidate a slot, all apart?"""
    choices = [[c for c in candidates if c[0] == slot] for slot in range(1, slots + 1)]
    return any(apart(chosen) for chosen in itertools.product(*choices))


def greedy(candidates: list[Candidate], slots: int) -> list[Candidate] | None:
    """The first that fits, slot by slot: what a naive matcher does."""
    chosen: list[Candidate] = []
    for slot in range(1, slots + 1):
        fitting = [c for c in candidates if c[0] == slot and apart((*chosen, c))]
        if not fitting:
            return None
        chosen.append(fitting[0])
    return chosen


def finds_what_is_possible(match: Match, candidates: list[Candidate], slots: int) -> None:
    chosen = match(candidates, slots)
    assert (chosen is not None) == possible(candidates, slots)
    if chosen is not None:
        assert [c[0] for c in chosen] == list(range(1, slots + 1))
        assert set(chosen) <= set(candidates)
        assert apart(tuple(chosen))


# Slot 1 may have A or B, slot 2 only A: who takes the first for slot 1 leaves nobody for slot 2.
OVERLAPPING_POOLS: tuple[list[Candidate], int] = ([(1, 0, 0, 60), (1, 1, 0, 60), (2, 0, 0, 60)], 2)

segments = st.sampled_from([(0, 30), (20, 50), (30, 60), (60, 70)])
slots_of_candidates = st.integers(1, 4).flatmap(
    lambda slots: st.tuples(
        st.lists(st.lists(st.integers(0, 4), unique=True, max_size=4), min_size=slots, max_size=slots),
        st.lists(segments, min_size=slots, max_size=slots),
    )
)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(visit=slots_of_candidates)
def test_it_finds_a_choice_whenever_there_is_one(match: Match, visit: Any) -> None:
    units, times = visit
    candidates = [(slot, unit, *times[slot - 1]) for slot, allowed in enumerate(units, start=1) for unit in allowed]
    finds_what_is_possible(match, candidates, len(units))


def test_overlapping_pools_and_a_greedy_control(match: Match) -> None:
    finds_what_is_possible(match, *OVERLAPPING_POOLS)
    with pytest.raises(AssertionError):
        finds_what_is_possible(greedy, *OVERLAPPING_POOLS)


def test_the_first_of_each_slot_is_kept_when_it_can_be(match: Match) -> None:
    assert match([(1, 3, 0, 60), (1, 1, 0, 60), (2, 2, 0, 60), (2, 0, 0, 60)], 2) == [(1, 3, 0, 60), (2, 2, 0, 60)]


def test_one_unit_serves_two_roles_one_after_the_other(match: Match) -> None:
    assert match([(1, 0, 0, 30), (2, 0, 30, 60)], 2) is not None
    assert match([(1, 0, 0, 31), (2, 0, 30, 60)], 2) is None


# (segment start, segment length, buffer before, buffer after), one after the other on one unit
Part = tuple[int, int, int, int]


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    parts=st.lists(
        st.tuples(st.integers(0, 40), st.integers(5, 40), st.integers(0, 120), st.integers(0, 120)),
        min_size=1,
        max_size=5,
    )
)
@example(parts=[(0, 10, 0, 0), (10, 10, 0, 0), (10, 10, 45, 0)])  # the last buffer reaches behind the second segment
@example(parts=[(0, 10, 0, 90), (10, 10, 0, 0), (10, 10, 0, 0)])
def test_claims_of_one_visit_tile_what_it_needs_of_a_unit(owner: psycopg.Connection[Any], parts: list[Part]) -> None:
    rows, start = [], 0
    for gap, length, before, after in parts:
        start += gap
        rows.append((at(start), at(start + length), at(start - before), at(start + length + after)))
        start += length
    claims = owner.execute(TILE_PARTS, tuple(list(column) for column in zip(*rows, strict=True))).fetchall()
    union = owner.execute(
        "select range_agg(tstzrange(a, b)) from unnest(%s::timestamptz[], %s::timestamptz[]) as t(a, b)",
        ([row[2] for row in rows], [row[3] for row in rows]),
    ).fetchone()
    tiled = owner.execute("select range_agg(r) from unnest(%s::tstzrange[]) r", ([c[0] for c in claims],)).fetchone()
    assert tiled == union
    assert len(claims) == len(parts)


TILE_PARTS = """
    with unit as (select '00000000-0000-0000-0000-000000000001'::uuid as id)
    select during from holdfast.tile_claims(array(
      select row(place, 'role_' || place, unit.id, tstzrange(c, d), tstzrange(a, b), false, '{}'::uuid[])
             ::holdfast.candidate
      from unit, unnest(%s::timestamptz[], %s::timestamptz[], %s::timestamptz[], %s::timestamptz[])
        with ordinality as t(a, b, c, d, place)))
"""


@pytest.fixture
def couples(app: psycopg.Connection[Any]) -> Clinic:
    """A massage for two needs two of three therapists; ``shared`` needs one of two who is also wanted elsewhere."""
    clinic = open_clinic(app)
    for therapist in ("ana", "ben", "cleo"):
        clinic.resource(therapist, "provider")
    clinic.pool("therapists", ["ana", "ben", "cleo"])
    clinic.pool("only-ana", ["ana"])
    clinic.service("couple", 60, requires("therapist", "therapists", (0, 60), quantity=2))
    clinic.service("pair", 60, requires("assistant", "therapists", (0, 60)), requires("lead", "only-ana", (0, 60)))
    return clinic


def served_by(hold: dict[str, Any]) -> list[tuple[str, str]]:
    return [(claim["role"], claim["resource_name"]) for claim in hold["claims"]]


def test_a_role_of_two_gets_two(couples: Clinic) -> None:
    assert served_by(couples.hold("couple", 0)) == [("therapist", "ana"), ("therapist", "ben")]
    with pytest.raises(Refused) as refused:
        couples.hold("couple", 0)
    assert (refused.value.rule, refused.value.facts) == ("slot_is_free", {"roles": ["therapist"]})


def test_the_only_one_for_a_role_is_left_for_it(couples: Clinic) -> None:
    assert served_by(couples.hold("pair", 0)) == [("assistant", "ben"), ("lead", "ana")]


def test_choices_are_taken_in_their_order(couples: Clinic) -> None:
    ids = {name: str(id) for name, id in couples.resources.items()}
    chosen = couples.hold("couple", 0, choices={"therapist": [[ids["cleo"]], [ids["cleo"], ids["ben"]]]})
    assert served_by(chosen) == [("therapist", "ben"), ("therapist", "cleo")]
    with pytest.raises(Refused) as refused:
        couples.hold("pair", 0, choices={"lead": [[ids["ben"]]]})
    assert refused.value.rule == "role_can_be_served"


def test_a_taken_choice_names_the_role_that_was_lost(couples: Clinic) -> None:
    ids = {name: str(id) for name, id in couples.resources.items()}
    couples.hold("pair", 0)
    with pytest.raises(Refused) as refused:
        couples.hold("couple", 0, choices={"therapist": [[ids["ana"]], [ids["cleo"]]]})
    assert refused.value.facts == {"roles": ["therapist"]}


def test_a_block_takes_the_place_like_a_booking(couples: Clinic) -> None:
    for name in ("ben", "cleo"):
        couples.desk("place_block", resource_id=couples.resources[name], start=at(30), end=at(90), reason="lunch")
    with pytest.raises(Refused) as refused:
        couples.hold("pair", 0)
    assert refused.value.facts == {"roles": ["assistant", "lead"]}  # either could have had ana
