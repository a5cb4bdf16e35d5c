"""The relay: reads the log of every organization in commit order, and hands each event to who reacts to its type.

To hand on is to write a job and to move the relay's position, in one transaction: each event reaches each reaction's
queue exactly once, whatever dies when. One relay is active; the others wait for its lock. It asks every so often
instead of being notified, as NOTIFY inside the booking transactions would cost two to three times their throughput.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

import structlog

from holdfast.db.queries import load_queries
from holdfast.db.session import LoneSession
from holdfast.db.transact import Transaction
from holdfast.errors import HoldfastError
from holdfast.log.rush import Rush

LOCK_KEY: Final = int.from_bytes(b"hf-relay")
BATCH: Final = 1000
PAUSE_SECONDS: Final = 0.2  # whatever is going on: what comes meanwhile goes with the next batch
TAKEOVER_SECONDS: Final = 0.5
QUERIES: Final = load_queries("holdfast.log")

logger = structlog.get_logger()


Heeded = Callable[[Transaction, Sequence[UUID]], Awaitable[Mapping[UUID, Collection[str]]]]


@dataclass(frozen=True, slots=True)
class Handoff:
    """Events of one organization for one reaction, in commit order."""

    reaction: str
    organization_id: UUID
    event_ids: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Interest:
    """The types of event that a reaction wants to hear of.

    ``heeded`` narrows them by organization, so that nothing is queued that nobody waits for: it gets the organizations
    of a batch, and gives the types for each; none for one that it leaves out.
    """

    reaction: str
    types: frozenset[str]
    heeded: Heeded | None = None


@dataclass(frozen=True, slots=True)
class Lag:
    """How far behind the relay is: events waiting (counted up to 100,000), and the age of the first of them."""

    waiting: int
    seconds: float


@dataclass(frozen=True, slots=True)
class _Unread:
    organization_id: UUID
    id: int
    transaction_id: str
    type: str


Defer = Callable[[Transaction, Sequence[Handoff]], Awaitable[None]]
WhileActive = Callable[[], Awaitable[None]]


class Relay:
    """``interests``: who wants what; ``defer`` writes jobs in the transaction it is given.

    ``while_active`` runs beside the relay as long as it is the active one, and is cancelled when it no longer is.
    ``rush`` is told how much it reads.
    """

    def __init__(
        self,
        worker_url: str,
        interests: Sequence[Interest],
        defer: Defer,
        *,
        while_active: WhileActive | None = None,
        search_path: str = "public",
        batch: int = BATCH,
        rush: Rush | None = None,
    ) -> None:
        self._url = worker_url
        self._interests = interests
        self._defer = defer
        self._while_active = while_active
        self._search_path = search_path
        self._batch = batch
        self._rush = rush or Rush()
        self._said = ""
        self.active = asyncio.Event()

    async def run(self) -> None:
        """Relay until cancelled: wait for the lock, work, and after a lost connection begin again."""
        while True:
            try:
                await self._run_session()
            except HoldfastError as error:
                self._say_once(error)
            except Exception as error:  # a relay that died would be missed only when somebody complains
                logger.exception("relay_failed", error=type(error).__name__)
            await asyncio.sleep(TAKEOVER_SECONDS)

    def _say_once(self, error: HoldfastError) -> None:
        # Asked twice a second, a database that is away for an hour would fill the log.
        if error.detail != self._said:
            logger.warning("relay_interrupted", reason=error.detail, cause=type(error.__cause__).__name__)
        self._said = error.detail

    async def _run_session(self) -> None:
        session = await LoneSession.open(
            self._url, key=LOCK_KEY, application_name="holdfast relay", search_path=self._search_path
        )
        beside: asyncio.Task[None] | None = None
        try:
            while not await session.try_lock():  # noqa: ASYNC110 - nothing tells when a lock falls free
                await asyncio.sleep(TAKEOVER_SECONDS)
            if await session.transact(lambda tx: tx.value(QUERIES["adopt_log"])):
                logger.warning("log_adopted", reason="the database was restored into another cluster")
            self.active.set()
            self._said = ""
            logger.info("relay_active")
            if self._while_active is not None:
                beside = asyncio.ensure_future(self._while_active())
            await self._work(session)
        finally:
            self.active.clear()
            if beside is not None:
                beside.cancel()
            await session.close()

    async def _work(self, session: LoneSession) -> None:
        while True:
            count = await session.transact(self.hand_on)
            self._rush.note(count)
            if count < self._batch:
                await asyncio.sleep(PAUSE_SECONDS)

    async def hand_on(self, tx: Transaction) -> int:
        """Hand on one batch in ``tx``; how many events it had."""
        unread = await tx.rows(_Unread, QUERIES["events_to_relay"], limit=self._batch)
        if unread:
            await self._defer(tx, await self._handoffs(tx, unread))
            await tx.run(QUERIES["advance_relay"], transaction_id=unread[-1].transaction_id, event_id=unread[-1].id)
        return len(unread)

    async def _handoffs(self, tx: Transaction, unread: Sequence[_Unread]) -> list[Handoff]:
        found: list[Handoff] = []
        for interest in self._interests:
            wanted = [event for event in unread if event.type in interest.types]
            if wanted and interest.heeded is not None:
                heeded = await interest.heeded(tx, list({event.organization_id for event in wanted}))
                wanted = [event for event in wanted if event.type in heeded.get(event.organization_id, ())]
            ids: dict[UUID, list[int]] = {}
            for event in wanted:
                ids.setdefault(event.organization_id, []).append(event.id)
            found += [Handoff(interest.reaction, organization_id, tuple(each)) for organization_id, each in ids.items()]
        return found


async def pass_over(worker_url: str) -> None:
    """Count what is in the log so far as handed on, and do nothing about it: for a load of old news. Raises Busy."""

    async def nobody(_: Transaction, __: Sequence[Handoff]) -> None:
        pass

    relay = Relay(worker_url, (), nobody)
    session = await LoneSession.open(worker_url, key=LOCK_KEY, application_name="holdfast relay")
    try:
        while await session.transact(relay.hand_on):
            pass
    finally:
        await session.close()


async def relay_lag(tx: Transaction) -> Lag:
    """How far behind the relay is now; for metrics, the doctor and a person who wonders."""
    lag = await tx.one(Lag, QUERIES["relay_lag"])
    assert lag is not None
    return lag
