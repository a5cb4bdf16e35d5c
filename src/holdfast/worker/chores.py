"""What is done every so often, by the worker whose relay is active: retries that come due, tidying, forgetting."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

import structlog

from holdfast.access.service import list_organization_ids
from holdfast.booking.service import sweep_holds
from holdfast.db.queries import load_queries
from holdfast.db.transact import Caller
from holdfast.errors import HoldfastError
from holdfast.log.backlog import read_backlog
from holdfast.messages.sending import QUERIES as MESSAGES
from holdfast.webhooks.sending import QUERIES as WEBHOOKS
from holdfast.worker.reactions import Means, go_round, wake_due_messages, wake_endpoints

QUERIES: Final = load_queries("holdfast.worker")

logger = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Chore:
    name: str
    every_seconds: float
    run: Callable[[Means], Awaitable[None]]


async def sweep(means: Means) -> None:
    """Tidy the holds that ran out, organization by organization."""
    for organization_id in await list_organization_ids(means.record):
        await means.record.transact(Caller(organization_id, "system", "system"), sweep_holds)


async def revive(means: Means) -> None:
    """Jobs of a worker that died begin again."""
    await means.queue.revive()


async def forget(means: Means) -> None:
    """What was kept for a time: idempotent answers, settled deliveries, the words of messages."""
    await means.record.unscoped(lambda tx: tx.run(QUERIES["forget_answers"]))
    await means.back_record.unscoped(lambda tx: tx.run(WEBHOOKS["forget_deliveries"]))
    await means.back_record.unscoped(lambda tx: tx.run(MESSAGES["forget_texts"]))


async def measure(means: Means) -> None:
    """The figures for a monitor."""
    means.metrics.note(await means.back_record.unscoped(read_backlog), await means.queue.waiting())


CHORES: Final = (
    Chore("wake_endpoints", 1.0, wake_endpoints),  # retries come due
    Chore("wake_messages", 1.0, wake_due_messages),  # reminders and retries come due
    Chore("go_round_waitlists", 1.0, go_round),
    Chore("sweep_holds", 2.0, sweep),
    Chore("revive_jobs", 3.0, revive),
    Chore("measure", 15.0, measure),
    Chore("forget", 3600.0, forget),
)


async def do_chores(means: Means, chores: tuple[Chore, ...] = CHORES) -> None:
    """Each chore in turn as it is due, until cancelled. One that fails is logged and comes round again."""
    due = {chore.name: time.monotonic() for chore in chores}
    while True:
        chore = min(chores, key=lambda one: due[one.name])
        await asyncio.sleep(max(0.0, due[chore.name] - time.monotonic()))
        due[chore.name] = time.monotonic() + chore.every_seconds
        try:
            await chore.run(means)
        except HoldfastError as error:
            logger.warning("chore_failed", chore=chore.name, reason=error.detail)
        except Exception as error:
            logger.exception("chore_failed", chore=chore.name, error=type(error).__name__)
