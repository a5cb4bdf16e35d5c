"""The job queue: the only module that knows procrastinate.

A job names a task and carries ids. Jobs of one ``lane`` run one at a time and in the order they were deferred, also
after a failure: the failed one is tried again before the next. A task therefore must stand being run twice.

Every task has its ``pool``, with slots of its own: whoever waits for somebody outside must not keep those waiting who
do not. A slot is for work, so nothing rests in one.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import procrastinate
import structlog
from procrastinate import exceptions, job_context, jobs, retry, worker

from holdfast.db.pool import WORKER_SETTINGS, session_options
from holdfast.db.queries import load_queries
from holdfast.db.transact import Transaction

SCHEMA: Final = "procrastinate"
# The pools, which the library calls queues; their names are part of stored jobs. What follows from an event by the
# record alone; webhooks; webhooks to those that did not answer, or are slow; messages to people, by mail and text.
REACTIONS: Final = "holdfast"
WEBHOOKS: Final = "webhooks"
SLOW_WEBHOOKS: Final = "slow webhooks"
MESSAGES: Final = "messages"
SLOTS: Final[Mapping[str, int]] = {REACTIONS: 4, WEBHOOKS: 8, SLOW_WEBHOOKS: 4, MESSAGES: 4}
CONNECTIONS: Final = 6  # of all pools: a slot needs one only to fetch a job and to end it
GATHERED_MAX: Final = 200  # events of a gathered job
QUERIES: Final = load_queries("holdfast.worker")
RETRY_SECONDS_MAX: Final = 300
HEARTBEAT_SECONDS: Final = 3.0
STALLED_SECONDS: Final = 12.0  # after so long without a heartbeat a worker is taken for dead, and its jobs begin again
STOP_SECONDS: Final = 10.0
POLL_SECONDS: Final = 1.0  # for jobs whose hour comes, such as retries; new ones are announced

Task = Callable[..., Awaitable[None]]
GatheredTask = Callable[[Sequence[Mapping[str, Any]]], Awaitable[float]]

logger = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class JobOrder:
    """A job to be. With ``once`` it is not deferred when a job of its lane is waiting already: that one will do.

    Of jobs that wait for a slot, those of the higher ``priority`` go first.
    """

    task: str
    lane: str
    arguments: dict[str, Any] = field(default_factory=dict)
    once: bool = False
    priority: int = 0


class _AgainUntilDone(retry.BaseRetryStrategy):
    """Jobs are not given up: what they owe is owed. After a stop at once, else 1, 2, 4 … 300 seconds later."""

    def get_retry_decision(self, *, exception: BaseException, job: jobs.Job) -> retry.RetryDecision:
        stopped = isinstance(exception, exceptions.JobAborted) or not isinstance(exception, Exception)
        seconds = 0 if stopped else min(2 ** min(job.attempts, 10), RETRY_SECONDS_MAX)
        return retry.RetryDecision(retry_in={"seconds": seconds})


class _Announcements(asyncio.Event):
    """Counts how often it was set."""

    count = 0

    def set(self) -> None:
        self.count += 1
        super().set()


class _Worker(worker.Worker):
    """Looks for jobs also when one has ended, which nothing announces, and when one was announced while it looked.

    Otherwise a lane moves once a poll and a backlog never shrinks; and as the library forgets, after looking, what it
    was told meanwhile, it would have to poll all the time. What is overridden is its own and not documented; tests
    watch over it.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._announcements = self._new_job_event = _Announcements()

    def look_again_in(self, seconds: float) -> None:
        """When a lane has rested, which nothing announces either."""
        asyncio.get_running_loop().call_later(seconds, self._new_job_event.set)

    async def _process_job(self, context: job_context.JobContext) -> None:
        try:
            await super()._process_job(context)
        finally:
            self._new_job_event.set()

    async def _fetch_and_process_jobs(self) -> None:
        before = self._announcements.count
        await super()._fetch_and_process_jobs()  # type: ignore[no-untyped-call]
        if self._announcements.count != before:
            self._new_job_event.set()


class Queue:
    """Defer jobs and run them. ``open`` before use, ``close`` at the end."""

    def __init__(
        self, worker_url: str, *, slots: Mapping[str, int] = SLOTS, stalled_seconds: float = STALLED_SECONDS
    ) -> None:
        self._slots = slots
        self._stalled_seconds = stalled_seconds
        self._pools: dict[str, str] = {}  # by task
        self._workers: dict[str, _Worker] = {}  # by pool
        self._rested_at: dict[str, float] = {}  # by lane: when its rest is over, in monotonic time
        settings = WORKER_SETTINGS | {"search_path": SCHEMA}
        self._app = procrastinate.App(
            connector=procrastinate.PsycopgConnector(
                conninfo=worker_url,
                min_size=1,
                max_size=CONNECTIONS,
                kwargs={"options": session_options(settings), "application_name": "holdfast queue"},
            )
        )

    async def open(self) -> None:
        await self._app.open_async()

    async def close(self) -> None:
        await self._app.close_async()

    def add(self, name: str, task: Task, *, pool: str = REACTIONS, until_done: bool = True) -> None:
        """Let jobs named ``name`` run ``task`` with their arguments by keyword, in a slot of ``pool``.

        ``until_done``: a job that fails is run again until it does not. For jobs deferred ``once`` it must be false,
        since one that goes back to the queue may meet another there; whoever defers those asks again anyhow.
        """
        self._pools[name] = self._pool(pool)
        self._app.task(name=name, retry=_AgainUntilDone() if until_done else False)(task)

    def add_gathered(self, name: str, task: GatheredTask, *, pool: str = REACTIONS) -> None:
        """Let jobs named ``name``, which have ``event_ids``, be done together with those that wait in their lane.

        ``task`` gets the arguments of each in order, and answers for how many seconds the lane is to rest. A lane rests
        without a slot, as far as this process knows: a job that another one defers meanwhile may end the rest early.
        """

        async def gathered(context: job_context.JobContext, /, **own: Any) -> None:
            lane = context.job.lock
            assert lane is not None
            waiting = await self._app.connector.execute_query_all_async(
                QUERIES["jobs_to_gather"], lane=lane, room=GATHERED_MAX - len(own["event_ids"])
            )
            rest = await task([own, *(job["args"] for job in waiting)])
            await self._app.connector.execute_query_async(
                QUERIES["end_gathered"], ids=[job["id"] for job in waiting], lane=lane, rest=rest
            )
            self._rested_at[lane] = time.monotonic() + rest
            if found := self._workers.get(self._pools[name]):
                found.look_again_in(rest)

        self._pools[name] = self._pool(pool)
        self._app.task(name=name, retry=_AgainUntilDone(), pass_context=True)(gathered)

    def _pool(self, pool: str) -> str:
        return pool if pool in self._slots else REACTIONS

    async def defer(self, order: JobOrder) -> None:
        """Put one job in the queue."""
        try:
            await self._app.job_manager.defer_job_async(job=self._job(order))
        except exceptions.AlreadyEnqueued:
            logger.debug("job_waits_already", task=order.task)

    async def defer_in(self, tx: Transaction, orders: Sequence[JobOrder]) -> None:
        """Put jobs in the queue as part of ``tx``, a session whose search_path is SCHEMA.

        ``once`` is not possible here: a job that waits already would break the transaction.
        """
        assert not any(order.once for order in orders)
        if orders:
            await self._app.job_manager.batch_defer_jobs_async(
                jobs=[self._job(order) for order in orders], connection=tx.connection
            )

    async def run(self) -> None:
        """Run jobs until cancelled; those that run then get STOP_SECONDS to end, or else begin again later.

        Raises ConnectionError when the database is away.
        """
        pools = [asyncio.create_task(self._run_pool(pool), name=f"pool {pool}") for pool in self._slots]
        ended: list[BaseException | None] = []
        try:
            await asyncio.wait(pools, return_when=asyncio.FIRST_COMPLETED)  # they stop together
        finally:
            for each in pools:
                each.cancel()
            ended = await asyncio.gather(*pools, return_exceptions=True)
        for error in ended:
            if isinstance(error, exceptions.ConnectorException):
                raise ConnectionError("the database does not answer") from error
            if isinstance(error, Exception):
                raise error

    async def _run_pool(self, pool: str) -> None:
        work = self._workers[pool] = _Worker(
            app=self._app,
            queues=[pool],
            name=f"holdfast {pool}",
            concurrency=self._slots[pool],
            delete_jobs="always",
            install_signal_handlers=False,
            fetch_job_polling_interval=POLL_SECONDS,
            shutdown_graceful_timeout=STOP_SECONDS,
            update_heartbeat_interval=min(HEARTBEAT_SECONDS, self._stalled_seconds / 4),
            stalled_worker_timeout=self._stalled_seconds,
        )
        await work.run()  # type: ignore[no-untyped-call]

    async def revive(self) -> int:
        """Let the jobs of workers that died begin again, but for those deferred ``once``; how many there were."""
        manager = self._app.job_manager
        stalled = list(await manager.get_stalled_jobs(seconds_since_heartbeat=self._stalled_seconds))
        for job in stalled:
            logger.warning("job_revived", task=job.task_name, job=job.id)
            if job.queueing_lock is None:
                await manager.retry_job(job)
            else:
                await manager.finish_job(job, jobs.Status.FAILED, delete_job=True)
        return len(stalled)

    async def waiting(self) -> int:
        """How many jobs wait or run."""
        found = [
            job for status in ("todo", "doing") for job in await self._app.job_manager.list_jobs_async(status=status)
        ]
        return len(found)

    def _job(self, order: JobOrder) -> jobs.Job:
        rest = self._rested_at.get(order.lane, 0.0) - time.monotonic()
        return jobs.Job(
            queue=self._pools.get(order.task, REACTIONS),
            task_name=order.task,
            lock=order.lane,
            queueing_lock=order.lane if order.once else None,
            task_kwargs=order.arguments,
            priority=order.priority,
            scheduled_at=datetime.now(UTC) + timedelta(seconds=rest) if rest > 0 else None,
        )
