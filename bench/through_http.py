"""Marks 1 and 3: contested holds through HTTP, and hold + confirm through HTTP beside the same SQL from pgbench."""

from __future__ import annotations

import asyncio
import re
import statistics
import subprocess
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import psycopg

from bench.clinic import Clinic, clinic, web
from bench.http_load import Connection, clients
from bench.marks import Mark
from holdfast.db.binaries import find_binaries

ROUNDS = 3
CLIENTS = 8
PAIRS = 60
CONTENDERS = 50
SLOTS = 40
FIRST = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) + timedelta(days=3)

PGBENCH = """\\set n :n + 1
begin;
select holdfast.act_as('{organization_id}', 'key_bench', 'desk');
select id as hold from holdfast.place_hold('{service_id}',
  (array[{locations}]::uuid[])[:client_id::int + 1],
  '{first}'::timestamptz + make_interval(hours => :n)) \\gset
commit;
begin;
select holdfast.act_as('{organization_id}', 'key_bench', 'desk');
select id from holdfast.confirm_hold(:hold, '{{"name": "Bench"}}');
commit;
"""


def run() -> list[Mark]:
    """The marks of this file."""
    with clinic(locations=CLIENTS) as found, web(found) as port:
        return [*_contested(found, port), _overhead(found, port)]


def _overhead(found: Clinic, port: int) -> Mark:
    ratios = []
    for number in range(ROUNDS):
        sql = _pgbench(found, first=FIRST + timedelta(days=100 + 20 * number))
        http = asyncio.run(_hold_and_confirm(found, port, first=FIRST + timedelta(days=200 + 20 * number)))
        ratios.append(http / sql)
    return Mark(
        "hold + confirm through HTTP, against the same SQL from pgbench",
        statistics.median(ratios),
        reach=0.5,
        note=f"{CLIENTS} clients, {PAIRS} pairs each, median of {ROUNDS} rounds side by side",
    )


async def _hold_and_confirm(found: Clinic, port: int, *, first: datetime) -> float:
    async def work(number: int, connection: Connection) -> None:
        for pair in range(PAIRS):
            start = (first + timedelta(hours=pair)).isoformat()
            visit = {"service": f"svc_{found.service_id.replace('-', '')}", "start": start, "surface": "desk"}
            visit["location"] = f"loc_{found.location_ids[number].replace('-', '')}"
            status, hold = await connection.send("POST", "/v1/holds", visit)
            assert status == 201, hold
            confirmation = {"hold_id": hold["id"], "client": {"name": "Bench"}}
            status, appointment = await connection.send("POST", "/v1/appointments", confirmation)
            assert status == 201, appointment

    took = await clients(port, found.api_key, CLIENTS, work)
    return CLIENTS * PAIRS / took


def _pgbench(found: Clinic, *, first: datetime) -> float:
    script = PGBENCH.format(
        organization_id=found.organization_id,
        service_id=found.service_id,
        locations=", ".join(f"'{each}'" for each in found.location_ids),
        first=first.isoformat(),
    )
    url = urlsplit(found.app_url)
    with tempfile.NamedTemporaryFile("w", suffix=".sql") as file:
        Path(file.name).write_text(script)
        how = ["-n", "-M", "prepared", "-c", str(CLIENTS), "-j", "1", "-t", str(PAIRS), "-D", "n=0", "-f", file.name]
        where = ["-h", parse_qs(url.query)["host"][0], "-U", url.username or "holdfast_app", url.path.strip("/")]
        out = subprocess.run(
            [find_binaries().program("pgbench"), *how, *where], check=True, capture_output=True, text=True
        ).stdout
    return float(re.search(r"tps = ([\d.]+)", out)[1])  # type: ignore[index]


def _contested(found: Clinic, port: int) -> list[Mark]:
    """Everybody wants the same slots, in the same order, of the one location."""
    winners: dict[str, int] = {}
    statuses: dict[int, int] = {}

    async def work(_: int, connection: Connection) -> None:
        for slot in range(SLOTS):
            start = (FIRST + timedelta(hours=slot)).isoformat()
            visit = {"service": "ipl", "location": "l0", "start": start, "surface": "walk_in"}
            status, _ = await connection.send("POST", "/v1/holds", visit)
            statuses[status] = statuses.get(status, 0) + 1
            if status == 201:
                winners[start] = winners.get(start, 0) + 1

    took = asyncio.run(clients(port, found.api_key, CONTENDERS, work))
    with psycopg.connect(found.owner_url) as connection:
        overlaps, partial, deadlocks = connection.execute(_CHECK).fetchone() or (-1, -1, -1)
    attempts = CONTENDERS * SLOTS
    how = f"{CONTENDERS} clients, 3 units each, {attempts:,} attempts on {SLOTS} slots"
    return [
        Mark("contested holds through HTTP: overlaps", overlaps, "", "exactly", 0, how),
        Mark("contested holds through HTTP: partial visits", partial, "", "exactly", 0, how),
        Mark("contested holds through HTTP: deadlocks", deadlocks, "", "exactly", 0, how),
        Mark(
            "contested holds through HTTP: slots with exactly one winner",
            sum(count == 1 for count in winners.values()),
            f"of {SLOTS}",
            "exactly",
            SLOTS,
            how,
        ),
        Mark(
            "contested holds through HTTP: answers other than 201 and 409",
            sum(count for status, count in statuses.items() if status not in (201, 409)),
            "",
            "exactly",
            0,
            how,
        ),
        Mark("contested holds through HTTP: rate", attempts / took, "attempts/s", note="informs; this machine, now"),
    ]


_CHECK = """
select
  (select count(*) from (
     select lower(during) < max(upper(during)) over (
       partition by organization_id, unit_id order by lower(during), id rows between unbounded preceding and 1 preceding
     ) as overlapping from holdfast.claim where active and not overbook) c where overlapping),
  (select count(*) from (
     select count(k.id) from holdfast.hold h
     left join holdfast.claim k on k.organization_id = h.organization_id and k.hold_id = h.id
     group by h.id having count(k.id) <> 3) p),
  (select sum(deadlocks) from pg_stat_database)
"""
