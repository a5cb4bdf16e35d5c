"""A running server for browsers and forms: the real application on a port, on a database of the test's own."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import httpx
import psycopg
import pytest
import uvicorn
from playwright.sync_api import Browser

from holdfast.cli.serve import KEEP_ALIVE_SECONDS
from holdfast.db.urls import DatabaseUrls
from holdfast.http.app import build_app
from holdfast.http.pages.setup import setup_token
from tests.clinic import Clinic, Desk
from tests.web.board_chromium import FIRST, ROOT, WIDE
from tests.web.browsers import Visitor, chromium, visitor
from tests.web.desk_staff import employ, sign_in
from tests.web.forms import Forms
from tests.web.glow import open_glow
from tests.web.people import hire, sign_in_browser

SUNDAY = 6
SECRET = b"a secret of thirty-two bytes ..."


@dataclass
class Served:
    """The server's address; ``clinic`` is what it serves."""

    url: str
    setup_url: str


class _Server(uvicorn.Server):
    def install_signal_handlers(self) -> None:
        """The tests' own process keeps its handlers."""


def serve(urls: DatabaseUrls, pair: tuple[str, str] | None = None) -> Iterator[Served]:
    """A server until the end; over TLS, as ``localhost``, with the files of a certificate and its key."""
    app = build_app(urls.app, secret=SECRET, pool_size=8)
    certificate, key = pair or (None, None)
    config = uvicorn.Config(
        app, host="127.0.0.1", port=0, log_config=None, access_log=False, timeout_graceful_shutdown=1,
        timeout_keep_alive=KEEP_ALIVE_SECONDS, ssl_certfile=certificate, ssl_keyfile=key,
    )  # fmt: skip
    server = _Server(config)
    ready = threading.Event()
    thread = threading.Thread(target=lambda: asyncio.run(_run(server, ready)))
    thread.start()
    if not ready.wait(120):
        server.should_exit = True  # else the thread keeps the test process from ending
        pytest.fail("The server did not start within two minutes.")
    port = server.servers[0].sockets[0].getsockname()[1]
    url = f"https://localhost:{port}" if pair else f"http://127.0.0.1:{port}"
    try:
        yield Served(url, f"{url}/setup?token={setup_token(SECRET)}")
    finally:
        server.should_exit = True
        thread.join(20)


async def _run(server: uvicorn.Server, ready: threading.Event) -> None:
    started = server.startup

    async def startup(sockets: Any = None) -> None:
        await started(sockets)
        ready.set()

    server.startup = startup  # type: ignore[method-assign]
    await server.serve()


@pytest.fixture(scope="module")
def served(module_database: DatabaseUrls) -> Iterator[Served]:
    yield from serve(module_database)


@pytest.fixture(scope="module")
def glow(module_database: DatabaseUrls) -> Iterator[Clinic]:
    """A small med spa that is open every day, so that no test depends on the day it runs on."""
    with psycopg.connect(module_database.app, autocommit=True) as connection:
        yield open_glow(connection)


@pytest.fixture
def desk(glow: Clinic) -> Desk:
    return glow.desk


@pytest.fixture
def forms(served: Served) -> Iterator[Forms]:
    """A browser without JavaScript."""
    with httpx.Client(base_url=served.url, follow_redirects=True, timeout=30) as client:
        yield Forms(client)


@pytest.fixture(scope="module")
def staff(glow: Clinic) -> dict[str, UUID]:
    """Somebody of each role works at the spa; ids by role."""
    return employ(glow)


@pytest.fixture
def owner(forms: Forms, staff: dict[str, UUID]) -> Forms:
    """The owner, signed in without JavaScript."""
    return sign_in(forms, "owner")


@pytest.fixture(scope="module")
def built() -> None:
    if not (ROOT / "src/holdfast/web/dist/.vite/manifest.json").exists():
        pytest.skip("The scripts were not built: run scripts/build-frontend")


@pytest.fixture(scope="module")
def browser(built: None) -> Iterator[Browser]:
    with chromium() as found:
        yield found


@pytest.fixture
def ada(browser: Browser, served: Served, glow: Clinic) -> Iterator[Visitor]:
    with visitor(browser, served.url) as some:
        yield some


@pytest.fixture
def bob(browser: Browser, served: Served, glow: Clinic) -> Iterator[Visitor]:
    with visitor(browser, served.url) as some:
        yield some


@pytest.fixture(scope="module")
def dana(browser: Browser, served: Served, glow: Clinic) -> Iterator[Visitor]:
    with visitor(browser, served.url, **WIDE) as some:
        sign_in_browser(some.page, "glow", hire(glow, "Dana", "desk"))
        yield some


@pytest.fixture(scope="module")
def days() -> Iterator[datetime]:
    """Noon or so at the clinic, of a day that no other test uses; no Sunday, as on one the clocks may change."""
    every = (FIRST + timedelta(days=n) for n in range(100))
    return iter(day for day in every if day.weekday() != SUNDAY)


@pytest.fixture
def noon(days: Iterator[datetime]) -> datetime:
    return next(days)


def pytest_collection_modifyitems(items: list[Any]) -> None:
    for item in items:
        if "tests/web" in str(item.path):
            # a hang is found all the same, and a busy machine is not one
            item.add_marker(pytest.mark.timeout(600))
