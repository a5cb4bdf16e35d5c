"""R3: of many contenders for one free visit exactly one wins, and every refusal is justified."""

from __future__ import annotations

import os
import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from typing import Any

import psycopg
import pytest

from holdfast.db.urls import DatabaseUrls
from tests.clinic import Clinic, Desk, Refused

ROUNDS = int(os.environ.get("HOLDFAST_R3_ROUNDS", "60"))
CONTENDERS = 32

ROUND_MINUTES = 120
ROUND_SECONDS = 100
pytestmark = pytest.mark.timeout(600)


@contextmanager
def contenders(database: DatabaseUrls, spa: Clinic) -> Iterator[list[Desk]]:
    with ExitStack() as stack:
        yield [
            Desk(stack.enter_context(psycopg.connect(database.app, autocommit=True)), spa.organization_id, f"key_{n}")
            for n in range(CONTENDERS)
        ]


def fight(spa: Clinic, desks: list[Desk], rounds: int, until: str = "") -> list[Counter[str]]:
    """Each round, all at once for one triple: how each contender ended; no more rounds once one ended ``until``."""
    spa.resource("laser", "device", capacity=1)
    triple = {
        "provider": [[str(spa.resources["ana"])]],
        "room": [[str(spa.resources["room-1"])]],
        "device": [[str(spa.resources["laser"])]],
    }
    start = threading.Barrier(CONTENDERS)

    def contend(desk: Desk, round: int) -> str:
        start.wait()
        try:
            spa.hold("laser", round * ROUND_MINUTES, desk, choices=triple)
        except Refused as refused:
            return refused.rule
        except psycopg.Error as error:
            return str(error.sqlstate)
        return "won"

    with ThreadPoolExecutor(CONTENDERS) as pool:
        ends: list[Counter[str]] = []
        while len(ends) < rounds and not any(each[until] for each in ends):
            ends.append(Counter(pool.map(contend, desks, [len(ends)] * CONTENDERS, timeout=ROUND_SECONDS)))
        return ends


def test_exactly_one_wins_and_the_others_are_refused_by_it(database: DatabaseUrls, spa: Clinic) -> None:
    with contenders(database, spa) as desks:
        rounds = fight(spa, desks, ROUNDS)
    # A refusal is justified by the one winner: nothing else was ever there, so without it nobody may be refused.
    assert rounds == [Counter(won=1, slot_is_free=CONTENDERS - 1)] * ROUNDS


def replace_insert_claims(admin: psycopg.Connection[Any], old: str, new: str) -> None:
    row = admin.execute("select pg_get_functiondef('holdfast.insert_claims'::regproc)").fetchone()
    assert row is not None
    assert old in row[0]
    admin.execute(row[0].replace(old, new))


def test_control_with_nowait_nobody_may_win(
    database: DatabaseUrls, spa: Clinic, admin: psycopg.Connection[Any]
) -> None:
    # Everybody locks, and gives up where another has: two that each hold a part of the triple both go away.
    replace_insert_claims(admin, "begin\n  insert into claim", """begin
      if not (select bool_and(pg_try_advisory_xact_lock(hashtextextended(c.unit_id::text, 0))
                              and pg_sleep(0.002) is not null)
              from (select * from unnest(p_chosen) order by random()) c) then
        perform refuse('slot_is_free');
      end if;
      insert into claim""")  # fmt: skip
    with contenders(database, spa) as desks:
        rounds = fight(spa, desks, 20)
    assert any(round["won"] == 0 for round in rounds), rounds


def test_control_with_plain_inserts_in_any_order_contenders_deadlock(
    database: DatabaseUrls, spa: Clinic, admin: psycopg.Connection[Any]
) -> None:
    admin.execute(f"alter database {admin.info.dbname} set deadlock_timeout = '20ms'")
    admin.execute("""
        set search_path = holdfast, public;
        create or replace function holdfast.insert_claims(p_owners uuid[], p_chosen holdfast.candidate[])
        returns boolean
        language plpgsql as $$
        declare v_one candidate;
        begin
          for v_one in select * from unnest(p_chosen) order by random() loop
            insert into claim (organization_id, hold_id, unit_id, role, during, segment)
            values (current_organization(), p_owners[v_one.slot], v_one.unit_id, v_one.role, v_one.during,
                    v_one.segment);
          end loop;
          return true;
        end $$
    """)
    with contenders(database, spa) as desks:
        rounds = fight(spa, desks, 50, until="40P01")
    assert sum(round["40P01"] for round in rounds) > 0, rounds
