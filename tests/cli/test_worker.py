"""The worker beside ``holdfast serve``, and webhooks and deliveries on the command line."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psutil
import psycopg
import pytest

from holdfast.db.embedded import running_server
from tests.cli.test_serve import free_port, holdfast, served
from tests.clinic import Clinic, open_med_spa
from tests.postgres import data_directory
from tests.webhooks.receiver import Receiver, listening
from tests.webhooks.test_delivery import until


@pytest.fixture
def data_dir() -> Iterator[Path]:
    with data_directory() as path:
        yield path


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with listening() as one:
        yield one


pytestmark = pytest.mark.timeout(600)


def workers_of(server_pid: int) -> list[psutil.Process]:
    return [child for child in psutil.Process(server_pid).children(recursive=True) if is_worker(child)]


def is_worker(process: psutil.Process) -> bool:
    try:
        return bool(process.cmdline()[-2:-1] == ["worker"])
    except psutil.NoSuchProcess:  # a session of the database that ended meanwhile
        return False


async def test_serve_runs_a_worker_that_is_started_again_and_goes_when_the_server_goes(
    data_dir: Path, receiver: Receiver
) -> None:
    allowed = {"HOLDFAST_WEBHOOK_ALLOWED_HOSTS": receiver.host}

    async def command(*words: str) -> tuple[int, str]:
        done = await asyncio.to_thread(holdfast, data_dir, *words, **allowed)
        assert "Traceback" not in done.stderr
        return done.returncode, done.stdout.strip()

    with served(data_dir, free_port(), **allowed) as server:
        urls = running_server(data_dir)
        assert urls is not None
        with psycopg.connect(urls.app, autocommit=True) as connection:
            spa: Clinic = open_med_spa(connection)
            code, out = await command("webhooks", "add", receiver.url, "--json")
            assert code == 0
            endpoint = json.loads(out)["id"]
            spa.book("consult", 0)
            await receiver.wait_for(1)

            (first,) = workers_of(server.pid)
            first.kill()
            spa.book("consult", 60)
            await receiver.wait_for(lambda got: len({one.id for one in got}) == 2)
            (second,) = workers_of(server.pid)
            assert second.pid != first.pid

            assert await command("deliveries", "list") == (0, "Nothing is stuck.")
            code, tested = await command("webhooks", "test", endpoint)
            await receiver.wait_for(lambda got: any(one.json["type"] == "webhook_endpoint.tested" for one in got))

            async def is_written_down() -> bool:
                return "answered 204" in (await command("deliveries", "show", tested))[1]

            await until(is_written_down)
            since = (datetime.now(UTC) - timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M")
            assert await command("deliveries", "retry", "--all-since", since) == (0, "0 to be tried again now.")
            assert (await command("deliveries", "retry"))[0] == 2
            assert (await command("deliveries", "discard", tested, "no need"))[0] == 2
            assert (await command("webhooks", "remove", endpoint))[0] == 0

        os.kill(server.pid, signal.SIGKILL)  # so suddenly that it can stop nothing itself

        async def gone() -> bool:
            try:
                return bool(second.status() == psutil.STATUS_ZOMBIE)
            except psutil.NoSuchProcess:
                return True

        await until(gone)
