"""``holdfast worker``: the relay, the job queue and the chores, without a web server."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from holdfast.config import Settings
    from holdfast.worker.run import WorkerSettings


# Bookings first: what follows from them gets what the web server leaves.
NICENESS = 15
# Whatever hangs longer than a stop in order takes is ended: another worker begins it again.
PATIENCE_SECONDS = 20


def register(app: typer.Typer) -> None:
    """Add the command to the application."""
    app.command("worker")(worker)


def worker(
    until_stdin_ends: Annotated[bool, typer.Option(hidden=True, help="Stop when the parent process is gone.")] = False,
) -> None:
    """Run another worker: it sends webhooks and messages, and does what else follows from a booking.

    `holdfast serve` runs one already. Run more anywhere: give each HOLDFAST_DATABASE_URL, or the two lesser URLs
    HOLDFAST_APP_DATABASE_URL and HOLDFAST_WORKER_DATABASE_URL, and the same HOLDFAST_SECRET_KEY. Stop it with Ctrl-C:
    what it was doing is finished, or begun again by another.
    """
    from holdfast.config import load_settings
    from holdfast.logging_setup import set_up_logging

    settings = load_settings()
    set_up_logging(settings.log_level)
    with _worker_settings(settings) as worker_settings:
        asyncio.run(_run(worker_settings, until_stdin_ends=until_stdin_ends))


@contextlib.contextmanager
def _worker_settings(settings: Settings) -> Iterator[WorkerSettings]:
    from holdfast.db.runtime import any_database, worker_url
    from holdfast.messages.carriers import message_settings
    from holdfast.webhooks.schedule import DELAYS_SECONDS
    from holdfast.worker.run import WorkerSettings

    def made(app: str, worker: str) -> WorkerSettings:
        return WorkerSettings(
            app,
            worker,
            settings.secret(),
            allowed_hosts=settings.webhook_allowed_hosts,
            delays_seconds=settings.webhook_retry_seconds or DELAYS_SECONDS,
            messages=message_settings(settings),
            metrics_host=settings.metrics_host,
            metrics_port=settings.metrics_port,
        )

    if settings.app_database_url is not None and settings.worker_database_url is not None:
        yield made(settings.app_database_url, settings.worker_database_url)
        return
    with any_database(settings) as urls:
        yield made(urls.app, worker_url(settings, urls))


async def _run(settings: WorkerSettings, *, until_stdin_ends: bool) -> None:
    from holdfast.worker.run import run_worker

    os.nice(NICENESS)
    loop = asyncio.get_running_loop()
    work = asyncio.create_task(run_worker(settings))

    def stop() -> None:
        # Told a second time it would leave running jobs in the middle.
        if not work.cancelling():
            signal.alarm(PATIENCE_SECONDS)
            work.cancel()

    def stop_at_end() -> None:
        if not os.read(sys.stdin.fileno(), 1024):
            loop.remove_reader(sys.stdin)  # an end stays readable
            stop()

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop)
    if until_stdin_ends:
        # nothing is ever sent: it becomes readable when the other end is closed, also by the parent's sudden death
        loop.add_reader(sys.stdin, stop_at_end)
    with contextlib.suppress(asyncio.CancelledError):
        await work
