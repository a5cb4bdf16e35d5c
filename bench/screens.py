"""The day board: how heavy it is, how soon two hundred screens show a booking, and what they cost those who book."""

from __future__ import annotations

import asyncio
import json
import re
import statistics
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, nullcontext
from datetime import UTC, datetime, timedelta
from typing import Final

import httpx
import psycopg
from argon2 import PasswordHasher

from bench.clinic import WEB_PROCESSES, Clinic, clinic, web
from bench.http_load import Connection, clients
from bench.marks import Mark
from holdfast.web.assets import Assets

SCREENS: Final = 200
BOOKINGS: Final = 40
WARM_UP: Final = 4  # bookings before, until statements are prepared and caches filled
GAP_SECONDS: Final = 0.25
CLIENTS: Final = 8
PAIRS: Final = 20  # of each client, an hour apart, on one local day
ROUNDS: Final = 12
DEFAULT_PROCESSES: Final = 1  # as `holdfast serve` runs it
LIMIT_SECONDS: Final = 60
FIRST: Final = datetime.now(UTC).replace(hour=7, minute=0, second=0, microsecond=0) + timedelta(days=5)
PASSWORD: Final = "a password of the bench"


def run() -> list[Mark]:
    """The marks of this file."""
    marks = _weight()
    with clinic(locations=CLIENTS) as found:
        with web(found) as port:
            cookie = _sign_in(found, port)
            marks += asyncio.run(_seen(found, port, cookie))
        for processes in (DEFAULT_PROCESSES, WEB_PROCESSES):
            with web(found, processes) as port:
                marks.append(asyncio.run(_beside(found, port, cookie, processes)))
    return marks


def _weight() -> list[Mark]:
    assets = Assets()
    loaded = {url for name in ("desk.js", "board.js") if (url := assets.url(name))}
    names = {url.rpartition("/")[2] for url in loaded}
    while more := {each for name in names for each in _imports(assets, name)} - names:
        names |= more
    weight = sum(len(asset.compressed) for name in names if (asset := assets.find(name)))
    return [Mark("scripts of the day board, compressed", weight / 1000, "kB", "at most", 60, "first view")]


def _imports(assets: Assets, name: str) -> list[str]:
    asset = assets.find(name)
    return re.findall(r'from\s?"\./([\w.-]+\.js)"', asset.content.decode()) if asset else []


def _sign_in(found: Clinic, port: int) -> str:
    with psycopg.connect(found.owner_url, autocommit=True) as connection, connection.transaction():
        connection.execute("select holdfast.act_as(%s, 'system', 'desk')", [found.organization_id])
        row = connection.execute("select holdfast.create_staff('dana@example.org', 'Dana', 'desk')").fetchone()
        assert row is not None
        connection.execute("select holdfast.set_staff_password(%s, %s)", [row[0], PasswordHasher().hash(PASSWORD)])
    patient = httpx.HTTPTransport(retries=8)  # the processes may still be starting
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", transport=patient) as browser:
        page = browser.get("/sign-in/bench").text
        token = page.partition('name="form_token" value="')[2].partition('"')[0]
        browser.post(
            "/sign-in/bench", data={"email": "dana@example.org", "password": PASSWORD, "form_token": token, "next": ""}
        )
        return f"holdfast-session={browser.cookies['holdfast-session']}"


class _Screens:
    """Screens that are connected; ``heard``: when each was told of each appointment."""

    def __init__(self) -> None:
        self.heard: dict[str, list[float]] = {}
        self.ready = asyncio.Semaphore(0)
        self.told = asyncio.Semaphore(0)

    async def look(self, port: int, cookie: str, location: str, day: datetime, follow: Follow) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1 << 22)
        path = f"/desk/live?location={location}&date={day.date()}"
        writer.write(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nCookie: {cookie}\r\n\r\n".encode())
        try:
            await reader.readuntil(b"event: day")
            self.ready.release()
            await follow(self, reader)
        finally:
            writer.close()

    async def note(self, reader: asyncio.StreamReader) -> None:
        """Note each appointment that the screen is told of."""
        event, known = b"", set[bytes]()
        while line := await reader.readline():
            if line.startswith(b"event: "):
                event = line[7:].strip()
            elif line.startswith(b"data: ") and event == b"change":
                at = time.perf_counter()
                for id in set(re.findall(rb'"id":"(apt_[0-9a-f]+)"', line)) - known:
                    known.add(id)
                    self.heard.setdefault(id.decode(), []).append(at)
                    self.told.release()

    async def drain(self, reader: asyncio.StreamReader) -> None:
        """Take what is told and no time for it: a screen stands elsewhere, and costs whoever books nothing."""
        while await reader.read(1 << 20):
            pass


Follow = Callable[[_Screens, asyncio.StreamReader], Awaitable[None]]


@asynccontextmanager
async def _screens(port: int, cookie: str, day: datetime, locations: int, follow: Follow) -> AsyncIterator[_Screens]:
    screens = _Screens()
    tasks = [
        asyncio.create_task(screens.look(port, cookie, f"l{number % locations}", day, follow))
        for number in range(SCREENS)
    ]
    try:
        async with asyncio.timeout(LIMIT_SECONDS):
            for _ in range(SCREENS):
                await screens.ready.acquire()
        yield screens
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _seen(found: Clinic, port: int, cookie: str) -> list[Mark]:
    began: dict[str, float] = {}
    day = FIRST + timedelta(days=2)
    async with _screens(port, cookie, day, 2, _Screens.note) as screens:
        connection = await Connection.open(port, found.api_key)
        for number in range(WARM_UP + BOOKINGS):
            sent = time.perf_counter()
            start = (day + timedelta(hours=number // 2)).isoformat()
            visit = {"service": "ipl", "location": f"l{number % 2}", "start": start, "surface": "desk"}
            status, made = await connection.send("POST", "/v1/appointments", visit | {"client": {"name": "Bench"}})
            assert status == 201, made
            if number >= WARM_UP:
                began[made["id"]] = sent
            await asyncio.sleep(GAP_SECONDS)
        async with asyncio.timeout(LIMIT_SECONDS):
            for _ in range((WARM_UP + BOOKINGS) * SCREENS // 2):  # each is on every second screen
                await screens.told.acquire()
    waits = sorted(at - began[id] for id in began for at in screens.heard[id])
    p99 = waits[int(len(waits) * 0.99)] * 1000
    how = f"{SCREENS} screens, from sending the request to each screen; the feed is asked ten times a second"
    return [
        Mark("a booking on every screen, p99", p99, "ms", "at most", 300, how),
        Mark("a booking on every screen, median", statistics.median(waits) * 1000, "ms", note=how),
    ]


async def _beside(found: Clinic, port: int, cookie: str, processes: int) -> Mark:
    """Bookings with the screens on and off, in turn; first of each pair is now one, now the other."""
    seconds = {True: 0.0, False: 0.0}
    for number in range(2 * ROUNDS):
        day = FIRST + timedelta(days=10 + 2 * number + 100 * processes)
        is_on = number % 4 in (1, 2)
        async with _screens(port, cookie, day, CLIENTS, _Screens.drain) if is_on else nullcontext():
            seconds[is_on] += 1 / await _rate(found, port, day)
    return Mark(
        f"bookings with the live screens on, against off, {processes} web process{'es' * (processes > 1)}",
        seconds[False] / seconds[True],
        reach=0.9 if processes == DEFAULT_PROCESSES else None,
        note=f"{SCREENS} screens on {CLIENTS} boards, {CLIENTS} clients, {ROUNDS} rounds of each in turn",
    )


async def _rate(found: Clinic, port: int, day: datetime) -> float:
    async def work(number: int, connection: Connection) -> None:
        for pair in range(PAIRS):
            start = (day + timedelta(hours=pair)).isoformat()
            visit = {"service": "ipl", "location": f"l{number}", "start": start, "surface": "desk"}
            status, made = await connection.send("POST", "/v1/appointments", visit | {"client": {"name": "Bench"}})
            assert status == 201, json.dumps(made)

    return CLIENTS * PAIRS / await clients(port, found.api_key, CLIENTS, work)
