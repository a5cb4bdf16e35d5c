"""Availability from the record: whether the past costs anything, how long a whole answer takes, and a spared one.

The past is put there without its guard and foreign keys, which come back before anything is measured. Most of the time
goes into building the guard's index again, so MANY says how long this takes. The mark is about ten million, on a
machine with nothing else to do: HOLDFAST_BENCH_PAST=10000000 python -m bench availability_record.
"""

from __future__ import annotations

import asyncio
import http.client
import os
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg

from bench.clinic import Clinic, clinic, web
from bench.marks import Mark
from holdfast.availability import service as availability
from holdfast.availability.model import Request
from holdfast.availability.permit import Wanted
from holdfast.booking import service as booking
from holdfast.booking.model import Visit
from holdfast.db.embedded import EmbeddedServer
from holdfast.db.migrate import Migrator
from holdfast.db.pool import Pool
from holdfast.db.transact import Caller, Record, Transaction
from holdfast.demo.load import load

FEW, MANY = 100_000, int(os.environ.get("HOLDFAST_BENCH_PAST", "1000000"))
ROUNDS = 200
DAYS = 30
SERVICE, LOCATION = "botox", "austin"
DEMO_APPOINTMENTS = 2_000


def run() -> list[Mark]:
    """The marks of availability against a long past, and of whole answers over HTTP."""
    return [*_past(), *_over_http()]


def _past() -> list[Mark]:
    with clinic(locations=1) as short, clinic(locations=1) as long:
        for found, claims in ((short, FEW), (long, MANY)):
            with psycopg.connect(found.owner_url, autocommit=True) as owner:
                _add_past(owner, claims)
            with psycopg.connect(found.owner_url, user="postgres", autocommit=True) as superuser:
                superuser.execute("checkpoint")  # what was loaded is written before anything is measured
        few, many = asyncio.run(_measure(short, long))
        note = f"{MANY:,} past claims against {FEW:,}, in turn, median of {ROUNDS}"
        return [
            Mark("availability, long past against short", many[0] / few[0], sense="at most", reach=1.3, note=note),
            Mark("hold, long past against short", many[1] / few[1], sense="at most", reach=1.3, note=note),
            Mark("availability of 30 days from the record", many[0] * 1000, unit="ms", note=note),
            Mark("hold and release", many[1] * 1000, unit="ms", note=note),
            _queries(asyncio.run(_count(long))),
        ]


def _queries(counts: dict[str, int]) -> Mark:
    note = ", ".join(f"{name} {number}" for name, number in counts.items())
    return Mark("availability: queries of one question", max(counts.values()), "queries", "at most", 3, note)


class Counted(Transaction):
    """A transaction that counts what it is asked."""

    queries = 0

    async def tuples(self, query: str, **parameters: Any) -> list[tuple[Any, ...]]:
        self.queries += 1
        return await super().tuples(query, **parameters)

    async def value(self, query: str, **parameters: Any) -> Any:
        self.queries += 1
        return await super().value(query, **parameters)


async def _count(found: Clinic) -> dict[str, int]:
    """How often each question asks the record when it has to look far: on a day a year ahead, at three in the night."""
    pool = Pool(found.app_url, size=2)
    await pool.open()
    record, caller = Record(pool), Caller(UUID(found.organization_id), "key_bench", "walk_in")
    at = datetime.now(UTC).replace(hour=3, minute=0, second=0, microsecond=0) + timedelta(days=365)
    asked = Request(found.location_ids[0], (found.service_id,), at, at + timedelta(minutes=1))
    here = [asked.location]
    wanted = Wanted(UUID(found.service_id), UUID(here[0]), at)
    questions: dict[str, Callable[[Transaction], Awaitable[object]]] = {
        "search": lambda tx: availability.search(tx, asked, here),
        "next": lambda tx: availability.next_available(tx, asked, here),
        "days": lambda tx: availability.days_with_slots(tx, asked, here),
        "explain": lambda tx: availability.explain_start(tx, asked, at),
        "alternatives": lambda tx: availability.alternatives(tx, wanted),
    }

    async def count(tx: Transaction, question: Callable[[Transaction], Awaitable[object]]) -> int:
        counted = Counted(tx._connection, tx.scene)
        await question(counted)
        return counted.queries

    try:
        return {
            name: await record.transact(caller, partial(count, question=question))
            for name, question in questions.items()
        }
    finally:
        await pool.close()


def _add_past(owner: psycopg.Connection[tuple[object, ...]], claims: int) -> None:
    """So many claims, a minute every four, spread over the units, backwards from yesterday."""
    keys = owner.execute(
        "select conname, pg_get_constraintdef(oid) from pg_constraint "
        "where conrelid = 'holdfast.claim'::regclass and contype in ('f', 'x') order by conname"
    ).fetchall()
    for name, _ in keys:
        owner.execute(f"alter table holdfast.claim drop constraint {name}")
    owner.execute(
        """
        with holder as (
          insert into holdfast.block (organization_id, resource_id, starts_at, ends_at, created_at)
          select organization_id, id, now() - interval '25 years', now(), now() from holdfast.resource limit 1
          returning organization_id, id
        )
        insert into holdfast.claim (organization_id, block_id, unit_id, role, during, segment)
        select h.organization_id, h.id, u.id, 'past', t.during, t.during
        from holder h,
             (select id, row_number() over (order by id) - 1 as n, count(*) over () as units from holdfast.unit) u,
             generate_series(0, %s::integer - 1) as k,
             lateral (select date_trunc('day', now()) - interval '1 day' - k / u.units * interval '4 minutes' as at) p,
             lateral (select tstzrange(p.at, p.at + interval '1 minute') as during) t
        where k %% u.units = u.n
        """,
        (claims,),
    )
    for name, definition in keys:
        valid = "" if str(definition).startswith("EXCLUDE") else " not valid"
        owner.execute(f"alter table holdfast.claim add constraint {name} {definition}{valid}")
    owner.execute("vacuum analyze holdfast.claim")


Work = Callable[[int], Awaitable[None]]


async def _measure(*clinics: Clinic) -> list[list[float]]:
    """Of each clinic the median seconds of a search of 30 days, and of a hold with its release; all of them in turn."""
    pools = [Pool(found.app_url, size=2) for found in clinics]
    try:
        for pool in pools:
            await pool.open()
        works = [_works(found, Record(pool)) for found, pool in zip(clinics, pools, strict=True)]
        seconds: list[list[list[float]]] = [[[] for _ in each] for each in works]
        for number in range(-10, ROUNDS):  # the first ten warm what there is to warm
            for which, each in enumerate(works):
                for kind, work in enumerate(each):
                    began = time.perf_counter()
                    await work(number + 10)
                    if number >= 0:
                        seconds[which][kind].append(time.perf_counter() - began)
        return [[statistics.median(kind) for kind in each] for each in seconds]
    finally:
        for pool in pools:
            await pool.close()


def _works(found: Clinic, record: Record) -> tuple[Work, Work]:
    caller = Caller(UUID(found.organization_id), "key_bench", "walk_in")
    day = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(weeks=20)
    asked = Request(found.location_ids[0], (found.service_id,), day, day + timedelta(days=DAYS))

    async def search(_: int) -> None:
        await record.transact(caller, lambda tx: availability.search(tx, asked, [asked.location]))

    async def hold(number: int) -> None:
        visit = Visit(UUID(found.service_id), UUID(found.location_ids[0]), day + timedelta(minutes=60 * number))

        async def work(tx: Transaction) -> None:
            await booking.release_hold(tx, (await booking.place_hold(tx, visit)).id)

        await record.transact(caller, work)

    return search, hold


def _over_http() -> list[Mark]:
    """The demo's busiest service, a stranger's whole question, against a server process of its own."""
    with tempfile.TemporaryDirectory(prefix="holdfast-bench-", ignore_cleanup_errors=True) as name:
        Path(name).chmod(0o711)
        with EmbeddedServer(Path(name)) as urls:
            Migrator(urls.owner).apply()
            key = asyncio.run(_load_demo(urls.app))
            with web(Clinic(urls.owner, urls.app, "", "", [], key)) as port:
                full, tag = _ask(port, key, None)
                spared, _ = _ask(port, key, tag)
    note = f"{SERVICE} at {LOCATION}, {DAYS} days, median of {ROUNDS}, one client"
    return [
        Mark("availability over HTTP, whole answer", full * 1000, unit="ms", note=note),
        Mark("availability over HTTP, unchanged (304)", spared * 1000, unit="ms", note=note),
        Mark("whole answer against an unchanged one", full / spared, reach=1.5, note=note),
    ]


async def _load_demo(app_url: str) -> str:
    pool = Pool(app_url, size=6)
    await pool.open()
    try:
        return (await load(Record(pool), appointments=DEMO_APPOINTMENTS))["widget"]
    finally:
        await pool.close()


def _ask(port: int, key: str, tag: str | None) -> tuple[float, str]:
    """Median seconds of an answer, with its tag; with ``tag`` every answer must be 304."""
    day = datetime.now(UTC).date() + timedelta(days=1)
    path = (
        f"/v1/availability?service={SERVICE}&location={LOCATION}&from={day}&to={day + timedelta(days=DAYS)}&limit=500"
    )
    headers = {"Authorization": f"Bearer {key}"} | ({"If-None-Match": tag} if tag else {})
    connection = http.client.HTTPConnection("127.0.0.1", port)
    seconds: list[float] = []
    while len(seconds) < ROUNDS:
        began = time.perf_counter()
        connection.request("GET", path, headers=headers)
        answer = connection.getresponse()
        body = answer.read()
        took = time.perf_counter() - began
        if answer.status not in (200, 304):
            raise RuntimeError(body)
        if tag and answer.status == 200:
            # the minute ended: go on with the tag of the new one
            headers["If-None-Match"] = answer.headers["ETag"]
            continue
        seconds.append(took)
    return statistics.median(seconds[10:]), str(answer.headers["ETag"])
