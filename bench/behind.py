"""What runs behind the desk, for a measurement: ``python -m bench.behind OWNER_URL APP_URL ORGANIZATION [HOST:PORT]``.

A worker, and the live feed of twenty screens in the same process. Ends when its standard input does.
"""

from __future__ import annotations

import asyncio
import os
import sys
from uuid import UUID

from holdfast.db.pool import Pool
from holdfast.db.transact import Record
from holdfast.db.urls import WORKER_ROLE, derive_url
from holdfast.log.feed import Feed
from holdfast.log.public import EventNames
from holdfast.worker.run import WorkerSettings, run_worker

SECRET = b"bench" * 8
SCREENS = 20


async def behind(owner_url: str, app_url: str, organization_id: UUID, *hosts: str) -> None:
    settings = WorkerSettings(app_url, derive_url(owner_url, WORKER_ROLE), SECRET, allowed_hosts=hosts)
    pool = Pool(app_url, size=2)
    await pool.open()
    feed = Feed(Record(pool), EventNames(SECRET))

    async def screen() -> None:
        async with feed.listen(organization_id) as listener:
            while True:
                await listener.hear()

    tasks = [asyncio.create_task(screen()) for _ in range(SCREENS)]
    tasks.append(asyncio.create_task(run_worker(settings)))
    print("ready", flush=True)
    await asyncio.to_thread(os.read, 0, 1)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    await pool.close()


if __name__ == "__main__":
    asyncio.run(behind(sys.argv[1], sys.argv[2], UUID(sys.argv[3]), *sys.argv[4:]))
