"""The worker: one relay (active, or waiting for its turn), the job queue, and the chores."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final
from uuid import UUID

import structlog

from holdfast.db.pool import WORKER_SETTINGS, Pool
from holdfast.db.transact import Record, Transaction
from holdfast.log.public import EventNames
from holdfast.log.relay import Handoff, Interest, Relay
from holdfast.log.rush import REST, Rush
from holdfast.messages.carriers import MessageSettings
from holdfast.messages.sending import open_sender
from holdfast.waitlist.tokens import OfferTokens
from holdfast.webhooks.outbound import TIMEOUT_SECONDS, Outbound
from holdfast.webhooks.schedule import DELAYS_SECONDS
from holdfast.webhooks.sending import TURN_SECONDS, Sender
from holdfast.webhooks.signing import SecretBox
from holdfast.worker.chores import CHORES, Chore, do_chores
from holdfast.worker.metrics import Metrics, serve_metrics
from holdfast.worker.queue import (
    GATHERED_MAX,
    MESSAGES,
    SCHEMA,
    SLOTS,
    SLOW_WEBHOOKS,
    STALLED_SECONDS,
    WEBHOOKS,
    GatheredTask,
    JobOrder,
    Queue,
    Task,
)
from holdfast.worker.reactions import (
    REACTIONS,
    SENDING,
    SENDING_MESSAGES,
    SENDING_SLOWLY,
    Means,
    Reaction,
    send_due,
    send_due_messages,
)

CONNECTIONS: Final = 4
SENDER_CONNECTIONS: Final = 6  # every slot of webhooks writes down several attempts at a time
RESTART_SECONDS: Final = 1.0
# After its work a patient reaction rests as if in a rush; but not in a backlog, which must shrink: when it had as many
# events to do at once as it takes, and no rush brings more.
PATIENCE_SECONDS_MAX: Final = 5.0

logger = structlog.get_logger()


@dataclass(frozen=True)
class WorkerSettings:
    """What a worker needs: both URLs, the server's secret, and hosts that webhooks may reach in private networks."""

    app_url: str
    worker_url: str
    secret: bytes
    allowed_hosts: Collection[str] = ()
    slots: Mapping[str, int] = field(default_factory=lambda: SLOTS)
    turn_seconds: float = TURN_SECONDS
    timeout_seconds: float = TIMEOUT_SECONDS
    stalled_seconds: float = STALLED_SECONDS
    delays_seconds: Sequence[float] = DELAYS_SECONDS
    messages: MessageSettings = field(default_factory=MessageSettings)
    metrics_host: str = "127.0.0.1"
    metrics_port: int | None = None

    def __repr__(self) -> str:
        return "WorkerSettings(…)"


@asynccontextmanager
async def open_means(settings: WorkerSettings, reactions: Sequence[Reaction] = REACTIONS) -> AsyncIterator[Means]:
    """Everything connected, every task known to the queue. Raises Busy when the database cannot be reached."""
    app_pool = Pool(settings.app_url, size=CONNECTIONS, application_name="holdfast worker")
    back_pool = Pool(
        settings.worker_url, size=CONNECTIONS, application_name="holdfast worker", settings=WORKER_SETTINGS
    )
    sender_pool = Pool(
        settings.worker_url, size=SENDER_CONNECTIONS, application_name="holdfast worker", settings=WORKER_SETTINGS
    )
    queue = Queue(settings.worker_url, slots=settings.slots, stalled_seconds=settings.stalled_seconds)
    await app_pool.open()
    await back_pool.open()
    await sender_pool.open()
    await queue.open()
    try:
        record, back_record, rush = Record(app_pool), Record(back_pool), Rush()
        async with (
            Outbound(settings.allowed_hosts, timeout_seconds=settings.timeout_seconds) as outbound,
            open_sender(record, back_record, settings.messages, settings.secret, rush) as message_sender,
        ):
            sender = Sender(
                Record(sender_pool),
                outbound,
                SecretBox(settings.secret),
                EventNames(settings.secret),
                delays_seconds=settings.delays_seconds,
                turn_seconds=settings.turn_seconds,
                rush=rush,
            )
            tokens = OfferTokens(settings.secret)
            means = Means(
                record, back_record, queue, outbound, sender, message_sender, tokens, Metrics(), settings.messages, rush
            )
            _teach(means, reactions)
            yield means
    finally:
        await queue.close()
        await sender_pool.close()
        await back_pool.close()
        await app_pool.close()


def _teach(means: Means, reactions: Sequence[Reaction]) -> None:
    async def send(organization_id: str, endpoint_id: str) -> None:
        await send_due(means, UUID(organization_id), UUID(endpoint_id))

    def task_of(reaction: Reaction) -> Task:
        async def react(organization_id: str, event_ids: list[int]) -> None:
            await reaction.react(means, UUID(organization_id), event_ids)

        return react

    def patient_task_of(reaction: Reaction) -> GatheredTask:
        async def react(gathered: Sequence[Mapping[str, Any]]) -> float:
            begun = time.monotonic()
            event_ids = [id for arguments in gathered for id in arguments["event_ids"]]
            await reaction.react(means, UUID(gathered[0]["organization_id"]), event_ids)
            took = time.monotonic() - begun
            is_backlog = len(event_ids) >= GATHERED_MAX and not means.rush.is_on
            return 0.0 if is_backlog else min(REST * took, PATIENCE_SECONDS_MAX)

        return react

    async def send_messages(organization_id: str) -> None:
        await send_due_messages(means, UUID(organization_id))

    means.queue.add(SENDING, send, pool=WEBHOOKS, until_done=False)
    means.queue.add(SENDING_SLOWLY, send, pool=SLOW_WEBHOOKS, until_done=False)
    means.queue.add(SENDING_MESSAGES, send_messages, pool=MESSAGES, until_done=False)
    for reaction in reactions:
        if reaction.patient:
            means.queue.add_gathered(reaction.name, patient_task_of(reaction), pool=reaction.pool)
        else:
            means.queue.add(reaction.name, task_of(reaction), pool=reaction.pool)


def build_relay(
    settings: WorkerSettings,
    means: Means,
    reactions: Sequence[Reaction] = REACTIONS,
    chores: tuple[Chore, ...] = CHORES,
) -> Relay:
    """The relay that hands events to ``reactions``, and does the chores while it is the active one."""

    async def defer(tx: Transaction, handoffs: Sequence[Handoff]) -> None:
        await means.queue.defer_in(tx, [_job_of(handoff) for handoff in handoffs])

    return Relay(
        settings.worker_url,
        [Interest(reaction.name, reaction.types, reaction.heeded) for reaction in reactions],
        defer,
        while_active=partial(do_chores, means, chores),
        search_path=SCHEMA,
        rush=means.rush,
    )


def _job_of(handoff: Handoff) -> JobOrder:
    # one lane for each reaction and organization: events are reacted to in commit order
    return JobOrder(
        handoff.reaction,
        f"{handoff.reaction}:{handoff.organization_id}",
        {"organization_id": str(handoff.organization_id), "event_ids": list(handoff.event_ids)},
    )


async def run_worker(settings: WorkerSettings) -> None:
    """Work until cancelled, then stop in order: no new jobs, and those that run get ten seconds to end.

    Raises Busy when the database cannot be reached at the start (later it is waited for), SetupRefused when the port
    for metrics is taken.
    """
    async with open_means(settings) as means:
        relay = build_relay(settings, means)
        means.metrics.watch_relay(relay.active.is_set)
        relaying = asyncio.create_task(relay.run(), name="relay")
        try:
            with serve_metrics(means.metrics, settings.metrics_host, settings.metrics_port):
                await _run_queue(means.queue)
        finally:
            relaying.cancel()
            await asyncio.gather(relaying, return_exceptions=True)


async def _run_queue(queue: Queue) -> None:
    this = asyncio.current_task()
    # A queue whose database goes while it stops reports that instead of the cancellation.
    while not (this and this.cancelling()):
        try:
            await queue.run()
            logger.warning("queue_interrupted")
        except ConnectionError as error:
            logger.warning("queue_interrupted", reason=str(error))
        await asyncio.sleep(RESTART_SECONDS)
