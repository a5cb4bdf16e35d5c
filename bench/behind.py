"""What runs behind the desk, for a measurement: ``python -m bench.behind PART OWNER APP ORGANIZATION [HOST:PORT]``.

``worker`` is a worker as ``holdfast serve`` starts it, with messages to the console, ``silent`` one without a carrier;
``screens`` is the live feed of twenty screens, which belongs to the web server. Ends when its standard input does.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any
from uuid import UUID

from holdfast.cli.worker import NICENESS
from holdfast.db.pool import Pool
from holdfast.db.transact import Record
from holdfast.db.urls import WORKER_ROLE, derive_url
from holdfast.log.feed import Feed
from holdfast.log.public import EventNames
from holdfast.messages.carriers import MessageSettings
from holdfast.worker.run import WorkerSettings, run_worker

SECRET = b"bench" * 8
SCREENS = 20


async def work(owner_url: str, app_url: str, _: UUID, *hosts: str, told: bool = True) -> None:
    os.nice(NICENESS)
    await run_worker(
        WorkerSettings(
            app_url,
            derive_url(owner_url, WORKER_ROLE),
            SECRET,
            allowed_hosts=hosts,
            messages=MessageSettings(console=told),
        )
    )


async def watch(_: str, app_url: str, organization_id: UUID, *__: str) -> None:
    pool = Pool(app_url, size=2)
    await pool.open()
    feed = Feed(Record(pool), EventNames(SECRET))

    async def screen() -> None:
        async with feed.listen(organization_id) as listener:
            while True:
                await listener.hear()

    try:
        await asyncio.gather(*(screen() for _ in range(SCREENS)))
    finally:
        await pool.close()


async def behind(part: str, owner_url: str, app_url: str, organization_id: str, *hosts: str) -> None:
    parts: dict[str, Callable[..., Coroutine[Any, Any, None]]] = {
        "worker": work, "silent": partial(work, told=False), "screens": watch,
    }  # fmt: skip
    task = asyncio.create_task(parts[part](owner_url, app_url, UUID(organization_id), *hosts))
    print("ready", flush=True)
    # The console's messages go nowhere: a pipe that nobody reads fills up, and then the worker waits for ever.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    await asyncio.to_thread(os.read, 0, 1)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


if __name__ == "__main__":
    asyncio.run(behind(*sys.argv[1:]))
