"""What happens behind a booking: what it costs the booking, how soon it is told, and how a backlog drains (R13)."""

from __future__ import annotations

import asyncio
import itertools
import json
import statistics
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import ExitStack, asynccontextmanager, contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import psycopg

from bench.behind import SECRET
from bench.clinic import Clinic, clinic
from bench.marks import Mark
from holdfast.db.pool import Pool
from holdfast.db.session import LoneSession
from holdfast.db.transact import Caller, Record
from holdfast.db.urls import WORKER_ROLE, derive_url
from holdfast.log.relay import LOCK_KEY
from holdfast.webhooks.service import add_endpoint
from holdfast.webhooks.signing import SecretBox
from holdfast.worker.queue import SCHEMA
from holdfast.worker.run import WorkerSettings, build_relay, open_means

CLIENTS = 8
ROUNDS = 5
ROUND_SECONDS = 5
RATE = 50  # bookings a second
RATE_SECONDS = 10
BACKLOG = 200_000
OWED = 20_000  # real bookings that one endpoint is owed
OWED_SECONDS_MAX = 600.0
# Hours from FIRST on, so that nothing is booked twice; a visit may be three years ahead (26,000 hours).
TOLD_FROM, LATENCY_FROM, OWED_FROM = 6_000, 12_000, 15_000
OFFERS = 30
FIRST = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) + timedelta(days=3)

NEVER_QUIET = """select holdfast.set_waitlist_policy(%s, '{"quiet_from": "00:00", "quiet_until": "00:00"}')"""
WAIT = "select holdfast.join_waitlist(%s, %s)"
BOOK = "select id from holdfast.book(%s, %s, %s, %s)"


def run() -> list[Mark]:
    """The marks of this file."""
    with clinic(locations=CLIENTS + 1) as found:
        return [
            *_cost(found, told=False),
            *_cost(found, told=True),
            *asyncio.run(_latency(found)),
            *asyncio.run(_offers(found)),
            *asyncio.run(_owed(found)),
            *asyncio.run(_backlog(found)),
        ]


@contextmanager
def _behind(found: Clinic, *hosts: str, worker: str = "worker") -> Iterator[None]:
    """Worker and feed, each in a process of its own."""
    given = [found.owner_url, found.app_url, found.organization_id, *hosts]
    with ExitStack() as stack:
        for part in (worker, "screens"):
            process = stack.enter_context(
                subprocess.Popen(
                    [sys.executable, "-m", "bench.behind", part, *given],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.DEVNULL,
                )
            )
            assert process.stdin is not None
            assert process.stdout is not None
            stack.callback(process.stdin.close)
            process.stdout.readline()
        yield


def _cost(found: Clinic, *, told: bool) -> list[Mark]:
    """Off, on, off, on, …: each turn with it on is compared with those without before and after, as machines drift.

    ``told``: an endpoint and each client are told of every booking, which is work of its own.
    """
    starts = itertools.count(TOLD_FROM * CLIENTS if told else 0)
    asyncio.run(_bookings_per_second(found, starts))  # until caches are warm
    off = [asyncio.run(_bookings_per_second(found, starts))]
    ratios, behind_seconds = [], []
    with _taking() as port:
        if told:
            asyncio.run(_listen_for(found, port))
        for _ in range(ROUNDS):
            with _behind(found, f"127.0.0.1:{port}", worker="worker" if told else "silent"):
                asyncio.run(_all_caught_up(found))
                on = asyncio.run(_bookings_per_second(found, starts))
                begun = time.perf_counter()
                asyncio.run(_all_caught_up(found))
                behind_seconds.append(time.perf_counter() - begun)
            off.append(asyncio.run(_bookings_per_second(found, starts)))
            ratios.append(on / statistics.mean(off[-2:]))
    _stop_listening(found)
    what = ", each booking told to one endpoint and confirmed to its client" if told else ""
    how = f"{CLIENTS} clients as fast as they can{what}; median of {ROUNDS} rounds of {ROUND_SECONDS} s side by side"
    spread = f"{how}; {min(ratios):.2f} to {max(ratios):.2f}"
    also = ", all of them told" if told else ""
    return [
        Mark(
            f"booking commits with relay, worker and live feed on, against off{also}",
            statistics.median(ratios),
            reach=None if told else 0.9,
            note=spread,
        ),
        Mark(f"until the worker has caught up after such a rush{also}", max(behind_seconds), "s", note=how),
    ]


@contextmanager
def _taking() -> Iterator[int]:
    """A receiver in a process of its own, that takes everything; its port."""
    with subprocess.Popen(
        [sys.executable, "-m", "bench.receiver"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        yield int(process.stdout.readline())
        process.stdin.close()


async def _listen_for(found: Clinic, port: int) -> None:
    """One endpoint for bookings, at this port."""
    pool = Pool(found.app_url, size=2)
    await pool.open()
    try:
        await Record(pool).transact(
            Caller(UUID(found.organization_id), "system", "system"),
            lambda tx: add_endpoint(
                tx, SecretBox(SECRET), url=f"http://127.0.0.1:{port}/", events=["appointment.booked"]
            ),
        )
    finally:
        await pool.close()


def _stop_listening(found: Clinic) -> None:
    """Nobody is told any more: the receiver is gone."""
    with psycopg.connect(found.owner_url, autocommit=True) as owner:
        owner.execute("update holdfast.webhook_endpoint set status = 'removed'")


async def _all_caught_up(found: Clinic) -> None:
    """Until the relay has handed on everything, no job waits, and all deliveries and confirmations are settled."""
    query = """select (select waiting from holdfast.relay_lag())
      + (select count(*) from holdfast.message where state = 'pending' and next_attempt_at <= now())
      + (select count(*) from holdfast.delivery d join holdfast.webhook_endpoint w on w.id = d.endpoint_id
         where d.state = 'pending' and w.status = 'active')
      + (select count(*) from procrastinate.procrastinate_jobs where status in ('todo', 'doing'))"""
    async with await psycopg.AsyncConnection.connect(found.owner_url, autocommit=True) as owner:
        give_up_at = time.perf_counter() + 120
        while time.perf_counter() < give_up_at:
            row = await (await owner.execute(query)).fetchone()
            if row == (0,):
                return
            await asyncio.sleep(0.1)
    raise TimeoutError("the worker has not caught up")


async def _bookings_per_second(found: Clinic, starts: Iterator[int]) -> float:
    connections = [await psycopg.AsyncConnection.connect(found.app_url) for _ in range(CLIENTS)]
    begun, count = time.perf_counter(), 0

    async def client(number: int) -> None:
        nonlocal count
        while time.perf_counter() < begun + ROUND_SECONDS:
            await _book(connections[number], found, next(starts))
            count += 1

    await asyncio.gather(*map(client, range(CLIENTS)))
    took = time.perf_counter() - begun
    for connection in connections:
        await connection.close()
    return count / took


async def _book(connection: psycopg.AsyncConnection[Any], found: Clinic, number: int) -> UUID:
    """The visit with this number: an hour of its own at one of the first CLIENTS locations."""
    return await _book_at(connection, found, number % CLIENTS, number // CLIENTS)


async def _book_at(connection: psycopg.AsyncConnection[Any], found: Clinic, location: int, hour: int) -> UUID:
    await connection.execute("select holdfast.act_as(%s, 'key_bench', 'desk')", [found.organization_id])
    client = json.dumps({"name": f"Bench {location}", "email": f"bench{location}@example.org"})
    values = (found.service_id, found.location_ids[location], FIRST + timedelta(hours=hour), client)
    row = await (await connection.execute(BOOK, values)).fetchone()
    await connection.commit()
    assert row is not None
    return UUID(str(row[0]))


@asynccontextmanager
async def _receiver(arrived: dict[str, float]) -> AsyncIterator[int]:
    """Notes when each appointment's message came. Its port."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
                message = json.loads(await reader.readexactly(length))
                arrived.setdefault(message["data"]["id"], time.perf_counter())
                writer.write(b"HTTP/1.1 204 No Content\r\n\r\n")
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            pass  # they went, or the measurement is over
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    yield server.sockets[0].getsockname()[1]
    server.close()


async def _latency(found: Clinic) -> list[Mark]:
    arrived: dict[str, float] = {}
    committed: dict[str, float] = {}
    async with _receiver(arrived) as port:
        await _listen_for(found, port)
        with _behind(found, f"127.0.0.1:{port}"):
            await _book_at_rate(found, committed, RATE, 2 * RATE)  # until worker and caches are warm
            await _all_arrived(committed, arrived)
            await _book_at_rate(found, committed, RATE, RATE * RATE_SECONDS)
            await _all_arrived(committed, arrived)
    _stop_listening(found)
    measured = list(committed)[2 * RATE :]
    waits = sorted(arrived[id] - committed[id] for id in measured if id in arrived)
    how = f"{RATE} bookings/s for {RATE_SECONDS} s, one endpoint, 20 screens"
    return [
        Mark("booking commit to webhook received, p99", waits[len(waits) * 99 // 100], "s", "at most", 1.0, how),
        Mark("booking commit to webhook received, median", statistics.median(waits), "s", note=how),
        Mark("bookings whose webhook never came", len(measured) - len(waits), "", "exactly", 0, how),
    ]


async def _all_arrived(committed: dict[str, float], arrived: dict[str, float], seconds_max: float = 30.0) -> None:
    give_up_at = time.perf_counter() + seconds_max
    while committed.keys() - arrived.keys() and time.perf_counter() < give_up_at:  # noqa: ASYNC110 - it only ends sooner
        await asyncio.sleep(0.05)


async def _book_at_rate(found: Clinic, committed: dict[str, float], rate: int, count: int) -> None:
    connections = [await psycopg.AsyncConnection.connect(found.app_url) for _ in range(CLIENTS)]
    begun, offset = time.perf_counter(), LATENCY_FROM * CLIENTS + len(committed)

    async def client(number: int) -> None:
        for turn in range(number, count, CLIENTS):
            await asyncio.sleep(max(0.0, begun + turn / rate - time.perf_counter()))
            id = await _book(connections[number], found, offset + turn)
            committed[f"apt_{id.hex}"] = time.perf_counter()

    await asyncio.gather(*map(client, range(CLIENTS)))
    for connection in connections:
        await connection.close()


async def _offers(found: Clinic) -> list[Mark]:
    """A visit is cancelled, somebody waits for it: until the offer is told, with nothing else going on."""
    waits = []
    async with await psycopg.AsyncConnection.connect(found.app_url) as desk:
        with _behind(found):
            await _as_desk(desk, found, NEVER_QUIET, [found.service_id])
            for number in range(OFFERS + 1):
                booked = await _book_at(desk, found, CLIENTS, 24 * number)
                await _as_desk(desk, found, WAIT, _wish(found, number))
                await _all_caught_up(found)
                await _as_desk(desk, found, "select holdfast.cancel(%s, null)", [booked])
                waits.append(await _told(found, number + 1))
    waits = sorted(waits[1:])  # the first warms the worker up
    how = f"{OFFERS} cancellations one after the other, until the carrier (console) has taken the offer's message"
    return [
        Mark("freed time to offer sent, p99", waits[len(waits) * 99 // 100], "s", "at most", 2.0, how),
        Mark("freed time to offer sent, median", statistics.median(waits), "s", note=how),
    ]


async def _as_desk(desk: psycopg.AsyncConnection[Any], found: Clinic, query: str, values: Sequence[Any]) -> None:
    await desk.execute("select holdfast.act_as(%s, 'key_bench', 'desk')", [found.organization_id])
    await desk.execute(query, values)
    await desk.commit()


def _wish(found: Clinic, number: int) -> list[str]:
    day = str((FIRST + timedelta(days=number)).date())
    wish = {"service_ids": [found.service_id], "location_ids": [found.location_ids[CLIENTS]]}
    client = {"name": f"Waits {number}", "email": f"waits{number}@example.org"}
    return [json.dumps(wish | {"windows": [], "earliest_on": day}), json.dumps(client)]


async def _told(found: Clinic, count: int) -> float:
    """Seconds until so many offers have been sent."""
    begun = time.perf_counter()
    query = "select count(*) from holdfast.message where kind = 'waitlist_offer' and state = 'sent'"
    async with await psycopg.AsyncConnection.connect(found.owner_url, autocommit=True) as owner:
        while time.perf_counter() < begun + 60:
            if await (await owner.execute(query)).fetchone() == (count,):
                return time.perf_counter() - begun
            await asyncio.sleep(0.01)
    raise TimeoutError("the offer was not sent")


async def _owed(found: Clinic) -> list[Mark]:
    """Bookings made while no worker runs, all of them owed to one endpoint: until each has arrived."""
    arrived: dict[str, float] = {}
    committed: dict[str, float] = {}
    connections = [await psycopg.AsyncConnection.connect(found.app_url) for _ in range(CLIENTS)]
    async with _receiver(arrived) as port:
        await _listen_for(found, port)

        async def client(number: int) -> None:
            for turn in range(number, OWED, CLIENTS):
                id = await _book(connections[number], found, OWED_FROM * CLIENTS + turn)
                committed[f"apt_{id.hex}"] = time.perf_counter()

        await asyncio.gather(*map(client, range(CLIENTS)))
        begun = time.perf_counter()
        with _behind(found, f"127.0.0.1:{port}"):
            await _all_arrived(committed, arrived, OWED_SECONDS_MAX)
        took = max(arrived.values(), default=begun) - begun
    for connection in connections:
        await connection.close()
    _stop_listening(found)
    how = f"{OWED:,} real bookings, one endpoint, each message signed, sent, taken and written down"
    return [
        Mark("bookings delivered to one endpoint out of a backlog", OWED / took, "/s", note=how),
        Mark("of these, lost", len(committed.keys() - arrived.keys()), "", "exactly", 0, how),
    ]


async def _backlog(found: Clinic) -> list[Mark]:
    """Reading a backlog: events that the relay has to pass and that no endpoint wants. What is delivered: ``_owed``.

    A snapshot is held open the whole time, so that no dead row can be cleared away.
    """
    settings = WorkerSettings(found.app_url, derive_url(found.owner_url, WORKER_ROLE), SECRET)
    with psycopg.connect(found.owner_url) as pinned, psycopg.connect(found.owner_url, autocommit=True) as owner:
        owner.execute("update holdfast.webhook_endpoint set events = '{block.removed}'")
        pinned.execute("set transaction isolation level repeatable read")
        pinned.execute("select count(*) from holdfast.event")
        owner.execute(
            "insert into holdfast.event (organization_id, at, type, subject_id, actor, surface, data)"
            " select %s, clock_timestamp(), 'appointment.booked', gen_random_uuid(), 'system', 'system', '{}'"
            " from generate_series(1, %s)",
            [found.organization_id, BACKLOG],
        )
        async with open_means(settings) as means:
            relay = build_relay(settings, means)
            session = await LoneSession.open(
                settings.worker_url, key=LOCK_KEY, application_name="bench", search_path=SCHEMA
            )
            begun, turns = time.perf_counter(), []
            count = 1
            while count:
                turn = time.perf_counter()
                count = await session.transact(relay.hand_on)
                turns.append(time.perf_counter() - turn)
            relayed = time.perf_counter() - begun
            await session.close()
            working = asyncio.create_task(means.queue.run())
            while await means.queue.waiting():  # noqa: ASYNC110 - nothing tells when the queue is empty
                await asyncio.sleep(0.1)
            took = time.perf_counter() - begun
            working.cancel()
            await asyncio.gather(working, return_exceptions=True)
    how = f"{BACKLOG:,} events that no endpoint wants, a snapshot held open"
    tenth = len(turns) // 10
    slower = max(sorted(turns[-tenth - 1 : -1])) / max(sorted(turns[:tenth]))
    return [
        Mark("backlog handed on by the relay", relayed, "s", "at most", 60, how),
        Mark("backlog reacted to by the worker as well", took, "s", "at most", 60, how),
        Mark("slowest of the relay's last batches against its first", slower, "ratio", "at most", 5, how),
    ]
