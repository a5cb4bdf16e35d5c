"""Many at once for one visit of several appointments: one winner, nobody with a part, no deadlock, in any order."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from typing import Any

import psycopg
import pytest

from holdfast.db.urls import DatabaseUrls
from tests.clinic import Clinic, Desk, Refused, at
from tests.safety import oracle
from tests.safety.test_refusals_write_nothing import bytes_written

CONTENDERS = 50
ROUNDS = 12


@contextmanager
def desks(database: DatabaseUrls, spa: Clinic, count: int = CONTENDERS) -> Iterator[list[Desk]]:
    with ExitStack() as stack:
        yield [
            Desk(stack.enter_context(psycopg.connect(database.app, autocommit=True)), spa.organization_id, f"key_{n}")
            for n in range(count)
        ]


def items(spa: Clinic, minutes: int, *parts: tuple[str, int]) -> list[dict[str, Any]]:
    """Consults of half an hour, each with a provider by name, so many minutes into the visit."""
    return [
        {
            "service_id": str(spa.services["consult"]),
            "start": at(minutes + offset).isoformat(),
            "choices": {"provider": [[str(spa.resources[provider])]]},
        }
        for provider, offset in parts
    ]


def fight(spa: Clinic, contenders: list[Desk], *visits: tuple[tuple[str, int], ...]) -> list[Counter[str]]:
    """Each round, all at once, each for one of the visits in turn: how they ended."""
    together = threading.Barrier(len(contenders))

    def contend(number: int, round: int) -> str:
        asked = items(spa, round * 120, *visits[number % len(visits)])
        together.wait()
        try:
            contenders[number]("place_visit", location_id=spa.location_id, items=asked)
        except Refused as refused:
            return refused.rule
        except psycopg.Error as error:
            return str(error.sqlstate)
        return "won"

    with ThreadPoolExecutor(len(contenders)) as pool:
        return [
            Counter(pool.map(contend, range(len(contenders)), [round] * len(contenders), timeout=100))
            for round in range(ROUNDS)
        ]


SAME = (("ana", 0), ("ben", 30))
CROSSWISE = (("ben", 30), ("ana", 0))
# each wants one that the other wants, and one of its own: whoever loses must not keep that
TOUCHING = (("ben", 30), ("ana", 60))


@pytest.mark.parametrize("visits", [(SAME,), (SAME, CROSSWISE), (CROSSWISE, SAME, TOUCHING)])
def test_one_wins_whatever_the_order(
    database: DatabaseUrls, spa: Clinic, admin: psycopg.Connection[Any], visits: tuple[Any, ...]
) -> None:
    with desks(database, spa) as contenders:
        rounds = fight(spa, contenders, *visits)
    assert rounds == [Counter(won=1, slot_is_free=CONTENDERS - 1)] * ROUNDS
    assert oracle.overlaps(admin) == 0
    assert oracle.partial(admin) == 0
    kept = admin.execute("select visit_id, count(*) from holdfast.hold group by 1").fetchall()
    assert [count for _, count in kept] == [2] * ROUNDS


def test_control_claimed_part_by_part_they_deadlock(
    database: DatabaseUrls, spa: Clinic, admin: psycopg.Connection[Any]
) -> None:
    """As a saga over single holds would: each part in the order in which it was asked for."""
    admin.execute(f"alter database {admin.info.dbname} set deadlock_timeout = '20ms'")
    admin.execute("""
        set search_path = holdfast, public;
        create or replace function holdfast.insert_claims(p_owners uuid[], p_chosen holdfast.candidate[])
        returns boolean
        language plpgsql as $$
        declare v_one candidate;
        begin
          for v_one in select * from unnest(p_chosen) order by slot loop
            insert into claim (organization_id, hold_id, unit_id, role, during, segment)
            values (current_organization(), p_owners[v_one.slot], v_one.unit_id, v_one.role, v_one.during,
                    v_one.segment)
            on conflict on constraint claim_no_overlap do nothing;
            if not found then return false; end if;
          end loop;
          return true;
        end $$
    """)
    with desks(database, spa) as contenders:
        rounds = fight(spa, contenders, SAME, CROSSWISE)
    assert sum(round["40P01"] for round in rounds) > 0, rounds


def test_a_taken_visit_is_refused_without_a_byte(spa: Clinic, admin: psycopg.Connection[Any]) -> None:
    spa.book("consult", 30, choices={"provider": [[str(spa.resources["ben"])]]})
    written = bytes_written(admin, spa, "place_visit", location_id=spa.location_id, items=items(spa, 0, *SAME))
    assert written[len(written) // 2] == 0, written
