"""R1: however many fight, nothing is booked twice and nothing by halves; and each part of the guard is needed."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
import pytest

from holdfast.db.urls import DatabaseUrls
from holdfast.insight.doctor import examine
from tests.safety import oracle
from tests.safety.contenders import contend, open_contest

ATTEMPTS = int(os.environ.get("HOLDFAST_R1_ATTEMPTS", "4000"))
CONTROL_ATTEMPTS = 640
SEED = int(os.environ.get("HOLDFAST_SEED", "20261101"))

# What may become of an attempt: won, or refused by a rule that the fight explains.
ENDS = {
    "held", "booked", "released", "confirmed", "moved", "cancelled",
    "slot_is_free", "hold_is_live",
}  # fmt: skip

INSERT = """
    insert into claim (organization_id, hold_id, unit_id, role, during, segment, overbook)
    select current_organization(), p_owners[t.slot], t.unit_id, t.role, t.during, t.segment, t.overbook
    from tile_claims(p_chosen) t
"""


def replace_insert_claims(admin: psycopg.Connection[Any], body: str) -> None:
    admin.execute(f"""
        set search_path = holdfast, public;
        create or replace function holdfast.insert_claims(p_owners uuid[], p_chosen holdfast.candidate[])
        returns boolean
        language plpgsql as $$ begin {body} end $$;
    """)  # type: ignore[arg-type]


@pytest.mark.timeout(600)
def test_many_clients_never_share_a_unit(database: DatabaseUrls, admin: psycopg.Connection[Any]) -> None:
    contest = open_contest(database.app)
    with ThreadPoolExecutor(1) as pool:
        fight = pool.submit(contend, contest, ATTEMPTS, SEED)
        looks = 0
        while not fight.done() or looks == 0:
            with admin.transaction():
                admin.execute("set transaction isolation level repeatable read")
                assert (oracle.overlaps(admin), oracle.partial(admin)) == (0, 0), f"seed {SEED}"
            looks += 1
        ends = fight.result()
    assert ends.keys() <= ENDS, f"seed {SEED}: {ends}"
    assert looks > 10, "looked at while they fought"
    assert ends["held"] > ATTEMPTS / 20
    assert (oracle.overlaps(admin), oracle.partial(admin)) == (0, 0)
    faults = {result.check.name for result in examine(database) if result.findings}
    assert faults <= {"start-up"}  # the server of the tests does not sync


def test_control_without_the_constraint_units_are_shared(
    database: DatabaseUrls, admin: psycopg.Connection[Any]
) -> None:
    contest = open_contest(database.app)
    admin.execute("alter table holdfast.claim drop constraint claim_no_overlap")
    replace_insert_claims(admin, f"{INSERT}; return true;")
    contend(contest, CONTROL_ATTEMPTS, SEED, letting_go=0)
    assert oracle.overlaps(admin) > 0


def test_control_claims_one_by_one_in_any_order_deadlock(
    database: DatabaseUrls, admin: psycopg.Connection[Any]
) -> None:
    name = admin.info.dbname
    admin.execute(f"alter database {name} set deadlock_timeout = '20ms'")  # found at once, so that the control is short
    contest = open_contest(database.app)
    replace_insert_claims(admin, f"""
        for i in 1..cardinality(p_chosen) loop
          {INSERT.replace('p_chosen', 'p_chosen[i:i]')};
        end loop;
        return true;
      exception when exclusion_violation then
        return false;
    """)  # fmt: skip
    admin.execute("""
        create or replace function holdfast.match_shuffled(c holdfast.candidate[], n integer)
        returns holdfast.candidate[] language sql volatile as $$
          select array_agg(x order by random()) from unnest(holdfast.match_slots(c, n)) x having count(*) > 0
        $$;
    """)
    source = admin.execute("select pg_get_functiondef('holdfast.take_together'::regproc)").fetchone()
    assert source is not None
    admin.execute(source[0].replace("match_slots(array(", "match_shuffled(array("))
    ends = contend(contest, CONTROL_ATTEMPTS, SEED)
    assert ends["40P01"] > 0, ends


def test_control_without_the_row_count_visits_are_partial(
    database: DatabaseUrls, admin: psycopg.Connection[Any]
) -> None:
    contest = open_contest(database.app)
    replace_insert_claims(
        admin,
        f"{INSERT} order by t.unit_id, t.during on conflict on constraint claim_no_overlap do nothing; return true;",
    )
    contend(contest, CONTROL_ATTEMPTS, SEED, letting_go=0)
    assert oracle.partial(admin) > 0
