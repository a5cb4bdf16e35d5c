"""A worker beside a test: in this process, or one of its own that can be killed."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import asdict
from typing import Any

import psycopg

from holdfast.db.transact import Caller, Record
from holdfast.db.urls import WORKER_ROLE, DatabaseUrls, derive_url
from holdfast.webhooks import service as webhooks
from holdfast.webhooks.model import NewSecret
from holdfast.webhooks.signing import SecretBox
from holdfast.worker.reactions import REACTIONS, Means, Reaction
from holdfast.worker.run import WorkerSettings, build_relay, open_means
from tests.clinic import Clinic
from tests.webhooks.receiver import Receiver

SECRET = b"only-for-tests, thirty-two bytes"
# Longer than a worker on a busy machine ever keeps still: whoever is taken for dead wrongly has its jobs done twice.
STALLED_SECONDS = 120.0
LEASE_SECONDS = 120.0


def worker_settings(
    database: DatabaseUrls, *receivers: Receiver, delays_seconds: Sequence[float] = (0.05, 0.05)
) -> WorkerSettings:
    """Retries in no time, two of them. A worker is taken for dead when ``missed`` says so, not because it is slow."""
    return WorkerSettings(
        database.app,
        derive_url(database.owner, WORKER_ROLE),
        SECRET,
        allowed_hosts=[receiver.host for receiver in receivers],
        stalled_seconds=STALLED_SECONDS,
        delays_seconds=delays_seconds,
    )


@asynccontextmanager
async def working(settings: WorkerSettings, reactions: Sequence[Reaction] = REACTIONS) -> AsyncIterator[Means]:
    """A whole worker: relay, queue, chores."""
    async with open_means(settings, reactions) as means:
        tasks = [
            asyncio.create_task(build_relay(settings, means, reactions).run()),
            asyncio.create_task(means.queue.run()),
        ]
        try:
            yield means
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


@asynccontextmanager
async def worker_process(settings: WorkerSettings, prelude: str = "") -> AsyncIterator[asyncio.subprocess.Process]:
    """``holdfast worker`` in a process of its own, impatient like ``worker_settings``; killed at the end.

    ``prelude`` runs in it first: what would happen if it did something else.
    """
    program = prelude + (
        "import asyncio, json, sys\n"
        "from holdfast.messages.carriers import MessageSettings\n"
        "from holdfast.worker.run import WorkerSettings, run_worker\n"
        "app, worker, secret, hosts, messages, stalled = sys.argv[1:]\n"
        "asyncio.run(run_worker(WorkerSettings(app, worker, secret.encode(), allowed_hosts=hosts.split(','),"
        " stalled_seconds=float(stalled), delays_seconds=(0.05, 0.05),"
        " messages=MessageSettings(**json.loads(messages)))))\n"
    )
    arguments = [settings.app_url, settings.worker_url, settings.secret.decode(), ",".join(settings.allowed_hosts)]
    arguments += [json.dumps(asdict(settings.messages)), str(settings.stalled_seconds)]
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", program, *arguments, env=dict(os.environ))
    try:
        yield process
    finally:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()


def missed(admin: psycopg.Connection[Any]) -> None:
    """As if the worker that was killed had been dead for long: its jobs begin again, and what it had leased is due.

    First its sessions end, which may be about to commit what it had asked for.
    """
    admin.execute(
        "select pg_terminate_backend(pid, 60000) from pg_stat_activity"
        " where datname = current_database() and application_name ~ '^holdfast (worker|queue|relay)$'"
    )
    admin.execute("update procrastinate.procrastinate_workers set last_heartbeat = last_heartbeat - interval '1 hour'")
    admin.execute("update holdfast.message set next_attempt_at = now() where state = 'pending' and attempts > 0")


def system_of(clinic: Clinic) -> Caller:
    return Caller(clinic.organization_id, "system", "system")


async def endpoint_for(record: Record, clinic: Clinic, url: str, *events: str) -> NewSecret:
    """An endpoint that wants these events, or those of appointments."""
    return await record.transact(
        system_of(clinic),
        lambda tx: webhooks.add_endpoint(tx, SecretBox(SECRET), url=url, events=events or ["appointment.*"]),
    )
