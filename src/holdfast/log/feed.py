"""The live feed: everything that happens in an organization, told to every screen that listens, in commit order.

One poller a process and organization, and only while somebody listens: two hundred screens cost as much as one. A
screen that fell behind, or comes back from too far in the past, is told to begin again (``Reset``) rather than misled.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final, TypeAlias
from uuid import UUID

import structlog

from holdfast.db.queries import load_queries
from holdfast.db.transact import Caller, Record, Transaction
from holdfast.errors import HoldfastError
from holdfast.log.public import PUBLIC_TYPES, EventNames, Position, public_facts, public_subject
from holdfast.log.rush import Rush

POLL_SECONDS: Final = 0.1
RUSH_POLL_SECONDS: Final = 0.2  # half as often, as whoever books needs the time more
PAGE: Final = 500
REPLAYED_MAX: Final = 1000  # events; who missed more reads the present state faster
QUEUED_MAX: Final = 1000  # events that a listener may be behind
SCREENS_EVENTS_A_SECOND: Final = 80.0  # of forty bookings: more than anybody follows on a screen
QUERIES: Final = load_queries("holdfast.log")

logger = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class FeedEvent:
    """One event as outsiders are told it; ``position``: where a listener goes on after it."""

    position: str
    id: str
    type: str
    at: datetime
    subject: str
    actor: str
    surface: str
    data: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Ready:
    """The first thing a listener is told when it begins at the present; ``position`` is now."""

    position: str


@dataclass(frozen=True, slots=True)
class Reset:
    """What was missed cannot be told: read the present state, then go on from ``position``."""

    position: str


Told: TypeAlias = FeedEvent | Ready | Reset


@dataclass(frozen=True, slots=True)
class _Row:
    horizon: int
    id: int | None
    epoch: int | None
    transaction_id: int | None
    at: datetime | None
    type: str | None
    subject_id: UUID | None
    actor: str | None
    surface: str | None
    data: dict[str, Any] | None


@dataclass(frozen=True, slots=True)
class _Now:
    horizon: int
    cluster_id: int


async def position_now(tx: Transaction, names: EventNames) -> str:
    """Where the log stands now: whoever reads the record from here on, and hears what comes after, lacks nothing."""
    now = await tx.one(_Now, QUERIES["feed_now"])
    assert now is not None
    return names.position(Position(now.horizon, 0), now.cluster_id)


class FeedEnded(Exception):
    """The server shuts down."""


@dataclass(eq=False, slots=True)
class Listener:
    """One screen."""

    _queue: asyncio.Queue[Told | None] = field(default_factory=lambda: asyncio.Queue(QUEUED_MAX))

    async def hear(self, within_seconds: float | None = None) -> Told | None:
        """The next thing that happens; None when nothing does in time. Raises FeedEnded."""
        try:
            told = self._queue.get_nowait()  # most come in a batch, and two hundred screens wait for each
        except asyncio.QueueEmpty:
            try:
                async with asyncio.timeout(within_seconds):
                    told = await self._queue.get()
            except TimeoutError:
                return None
        if told is None:
            raise FeedEnded
        return told

    def tell(self, told: Told) -> None:
        """Never waits: to a listener that does not listen, everything it has not heard becomes one Reset."""
        if self._queue.full():
            self._drain()
            self._queue.put_nowait(Reset(told.position))
        else:
            self._queue.put_nowait(told)

    def end(self) -> None:
        """No more."""
        if self._queue.full():
            self._drain()
        self._queue.put_nowait(None)

    def _drain(self) -> None:
        while not self._queue.empty():
            self._queue.get_nowait()


class Feed:
    """The feeds of every organization in this process. ``close`` it before the record's pool."""

    def __init__(self, record: Record, names: EventNames) -> None:
        self._record = record
        self._names = names
        self._pollers: dict[UUID, _Poller] = {}
        self._closed = False
        self.rush = Rush(SCREENS_EVENTS_A_SECOND)

    @asynccontextmanager
    async def listen(self, organization_id: UUID, after: str | None = None) -> AsyncIterator[Listener]:
        """Hear everything after the position ``after``; without one, everything from now on, a Ready first.

        A position that is unknown here or too far back gives a Reset first. Raises Busy.
        """
        poller = self._pollers.get(organization_id)
        if poller is None:
            poller = self._pollers[organization_id] = _Poller(self._record, self._names, organization_id, self.rush)
        poller.expected += 1
        try:
            await poller.begin()
            listener = await poller.join(after)
            if self._closed:
                listener.end()
            try:
                yield listener
            finally:
                poller.listeners.discard(listener)
        finally:
            poller.expected -= 1
            if not poller.expected:
                self._pollers.pop(organization_id, None)
                await poller.stop()

    async def close(self) -> None:
        """Tell every listener that it is over, as at a shutdown."""
        self._closed = True
        for poller in self._pollers.values():
            for listener in poller.listeners:
                listener.end()

    @property
    def listening(self) -> int:
        """How many listen, for metrics."""
        return sum(len(poller.listeners) for poller in self._pollers.values())


class _Poller:
    def __init__(self, record: Record, names: EventNames, organization_id: UUID, rush: Rush) -> None:
        self.listeners: set[Listener] = set()
        self.expected = 0
        self._record = record
        self._names = names
        self._rush = rush
        self._caller = Caller(organization_id, "system", "system")
        self._turn = asyncio.Lock()  # who holds it may rely on self._at
        self._task: asyncio.Task[None] | None = None
        self._at = Position(0, 0)
        self._cluster_id = 0

    async def begin(self) -> None:
        async with self._turn:
            if self._task is None:
                now = await self._record.transact(self._caller, lambda tx: tx.one(_Now, QUERIES["feed_now"]))
                assert now is not None
                self._at, self._cluster_id = Position(now.horizon, 0), now.cluster_id
                self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def join(self, after: str | None) -> Listener:
        listener = Listener()
        async with self._turn:
            for told in [Ready(self._name(self._at))] if after is None else await self._since(after):
                listener.tell(told)
            self.listeners.add(listener)
        return listener

    async def _since(self, after: str) -> Sequence[Told]:
        begin = self._names.read_position(after, self._cluster_id)
        if begin is not None and begin > self._at:
            await self._look()  # a page that was read a moment ago is ahead of the last look
        missed = None if begin is None or begin > self._at else await self._missed(begin)
        return [Reset(self._name(self._at))] if missed is None else missed

    async def _missed(self, begin: Position) -> list[FeedEvent] | None:
        found: list[FeedEvent] = []
        while begin < self._at:
            rows = [row for row in await self._rows(begin) if row.id is not None]
            reached = [row for row in rows if _position(row) <= self._at]
            found += [event for row in reached if (event := self._event(row)) is not None]
            if len(found) > REPLAYED_MAX:
                return None
            if len(reached) < PAGE:
                break
            begin = _position(reached[-1])
        return found

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(RUSH_POLL_SECONDS if self._rush.is_on else POLL_SECONDS)
            try:
                while await self._poll() == PAGE:
                    pass
            except HoldfastError as error:
                logger.warning("feed_interrupted", reason=error.detail)

    async def _poll(self) -> int:
        async with self._turn:
            return await self._look()

    async def _look(self) -> int:
        rows = await self._rows(self._at)
        told = [row for row in rows if row.id is not None]
        self._rush.note(len(told))
        for event in filter(None, map(self._event, told)):
            for listener in self.listeners:
                listener.tell(event)
        # below the horizon nothing can appear any more, so the next look need not pass it again
        self._at = _position(told[-1]) if len(told) == PAGE else max(self._at, Position(rows[0].horizon, 0))
        return len(told)

    async def _rows(self, after: Position) -> list[_Row]:
        async def work(tx: Transaction) -> list[_Row]:
            return await tx.rows(
                _Row,
                QUERIES["feed"],
                transaction_id=str(after.transaction_id),
                event_id=after.event_id,
                limit=PAGE,
            )

        return await self._record.transact(self._caller, work)

    def _event(self, row: _Row) -> FeedEvent | None:
        if row.type not in PUBLIC_TYPES:
            return None
        assert row.id is not None
        assert row.at is not None
        assert row.subject_id is not None
        return FeedEvent(
            position=self._name(_position(row)),
            id=self._names.event(self._caller.organization_id, row.id, row.epoch or 0),
            type=row.type,
            at=row.at.astimezone(UTC),
            subject=public_subject(row.type, row.subject_id),
            actor=row.actor or "system",
            surface=row.surface or "system",
            data=public_facts(row.data or {}),
        )

    def _name(self, position: Position) -> str:
        return self._names.position(position, self._cluster_id)


def _position(row: _Row) -> Position:
    assert row.transaction_id is not None
    assert row.id is not None
    return Position(row.transaction_id, row.id)
