"""The day board, live: every screen that shows the same day is told what changed, as it happens.

Screens that show the same (location, day, and as much of it) form a group: whatever happens is read once, compared
with what they show, and the same bytes go to all of them. So two hundred screens cost one reading a change. A screen
says which version it has, and is told only what it lacks: after a lost connection that may be nothing, or the day anew.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Final
from uuid import UUID

import structlog
from fastapi import APIRouter, Request, Response
from sse_starlette import EventSourceResponse

from holdfast.access.staff import SignedIn
from holdfast.booking.day import Board, Frame, Sight, read_board
from holdfast.db.transact import Caller, Record, Transaction
from holdfast.errors import HoldfastError, Invalid, NotFound
from holdfast.http.pages.board_place import find_place, sight_of
from holdfast.http.pages.board_shapes import Picture, picture_of
from holdfast.http.pages.pages import PageRoute
from holdfast.http.pages.staff_session import Watching, signed_in
from holdfast.log.feed import Feed, FeedEnded, FeedEvent, Reset, Told

router = APIRouter(route_class=PageRoute, include_in_schema=False)
logger = structlog.get_logger()

PING_SECONDS: Final = 15
RECHECK_SECONDS: Final = 60.0  # whoever was signed out meanwhile sees at most this much longer
ENDED: Final = b"event: ended\ndata: {}\n\n"
RETRY_SECONDS: Final = 1.0
QUEUED_MAX: Final = 50
# Whoever reads the day again at each of a hundred changes a second leaves no time to those who make them: in a rush a
# group gathers for so long what changes, and still tells it within a second. Otherwise a change is told at once.
GATHER_SECONDS: Final = 0.75
# A visit may need a room up to a day before it starts; and the local day begins up to 14 hours off UTC's.
MARGIN: Final = timedelta(days=1, hours=14)
_BOOKINGS: Final = frozenset({"hold", "appointment", "block", "busy"})
_ALWAYS: Final = frozenset({"claim", "collision", "resource", "location", "service", "hours"})


@dataclass(frozen=True, slots=True)
class View:
    """What a screen shows."""

    organization_id: UUID
    location_id: UUID
    day: date
    sight: Sight


@dataclass(eq=False, slots=True)
class Screen:
    """One screen that listens. ``queue`` has messages of Server-Sent Events; None: no more."""

    queue: asyncio.Queue[bytes | None] = field(default_factory=lambda: asyncio.Queue(QUEUED_MAX))

    def tell(self, message: bytes, picture: Picture) -> None:
        """Never waits: a screen that fell behind gets the whole day instead of what it has not heard."""
        if self.queue.full():
            while not self.queue.empty():
                self.queue.get_nowait()
            message = _whole(picture)
        self.queue.put_nowait(message)

    def end(self) -> None:
        while not self.queue.empty():
            self.queue.get_nowait()
        self.queue.put_nowait(None)


@dataclass(frozen=True, eq=False, slots=True)
class _Asked:
    """A day that somebody wants read; ``known``: its frame at the last reading."""

    view: View
    known: Frame | None
    board: asyncio.Future[Board]


class Boards:
    """The groups of this process."""

    def __init__(self, record: Record, feed: Feed) -> None:
        self._record = record
        self._feed = feed
        self._groups: dict[View, _Group] = {}
        self._asked: dict[UUID, list[_Asked]] = {}
        self._readers: dict[UUID, asyncio.Task[None]] = {}

    async def read(self, view: View, known: Frame | None) -> Board:
        """The day as it is now; ``known``: the frame of the last reading.

        One transaction at a time reads all the days of an organization that are asked for: in a rush, when they all
        are, they cost little more than one, and bookings find the other connections free.
        """
        asked = _Asked(view, known, asyncio.get_running_loop().create_future())
        self._asked.setdefault(view.organization_id, []).append(asked)
        if view.organization_id not in self._readers:
            self._readers[view.organization_id] = asyncio.create_task(self._read_asked(view.organization_id))
        return await asked.board

    async def _read_asked(self, organization_id: UUID) -> None:
        asked: list[_Asked] = []
        try:
            while asked := self._asked.pop(organization_id, []):
                await self._read_all(organization_id, asked)
        finally:
            del self._readers[organization_id]
            for each in (*asked, *self._asked.pop(organization_id, ())):
                each.board.cancel()  # nothing that is done

    async def _read_all(self, organization_id: UUID, asked: Sequence[_Asked]) -> None:
        async def work(tx: Transaction) -> list[Board | HoldfastError]:
            return [await _board_or_refusal(tx, each) for each in asked]

        try:
            found = await self._record.transact(Caller(organization_id, "system", "desk"), work)
        except HoldfastError as error:
            found = [error] * len(asked)
        for each, board in zip(asked, found, strict=True):
            if each.board.done():
                continue  # nobody looks at that day any more
            if isinstance(board, HoldfastError):
                each.board.set_exception(board)
            else:
                each.board.set_result(board)

    @asynccontextmanager
    async def watch(self, view: View, seen: str) -> AsyncIterator[Screen]:
        """Hear what changes in the view, first of all what is not in the version ``seen``."""
        group = self._groups.get(view)
        if group is None or group.ended:
            group = self._groups[view] = _Group(self, self._feed, view)
        screen = Screen()
        group.expected += 1
        try:
            await group.join(screen, seen)
            yield screen
        finally:
            group.leave(screen)
            if not group.expected and self._groups.get(view) is group:
                del self._groups[view]


async def _board_or_refusal(tx: Transaction, asked: _Asked) -> Board | HoldfastError:
    view = asked.view
    try:
        return await read_board(tx, view.location_id, view.day, view.sight, known=asked.known)
    except (NotFound, Invalid) as error:  # of this day alone; whatever else is wrong is wrong with the transaction
        return error


class _Group:
    def __init__(self, boards: Boards, feed: Feed, view: View) -> None:
        self.expected = 0
        self._boards = boards
        self._feed = feed
        self._view = view
        self._screens: set[Screen] = set()
        self._frame: Frame | None = None
        self._picture: Picture | None = None
        self._begun = asyncio.Event()
        self._task = asyncio.create_task(self._run())

    @property
    def ended(self) -> bool:
        return self._task.done()

    async def join(self, screen: Screen, seen: str) -> None:
        await self._begun.wait()
        if self._picture is None:
            screen.end()
            return
        # from here on without a pause: nothing may change between the first message and the next
        message = _ready(self._picture) if seen == self._picture.version else _whole(self._picture)
        screen.tell(message, self._picture)
        self._screens.add(screen)

    def leave(self, screen: Screen) -> None:
        self._screens.discard(screen)
        self.expected -= 1
        if not self.expected:
            self._task.cancel()

    async def _run(self) -> None:
        try:
            async with self._feed.listen(self._view.organization_id) as listener:
                await self._read()
                self._begun.set()
                while True:
                    told = await listener.hear()
                    changed = self._matters(told)
                    if self._feed.rush.is_on:
                        await asyncio.sleep(GATHER_SECONDS)
                    while (more := await listener.hear(0)) is not None:
                        changed = self._matters(more) or changed
                    if changed:
                        await self._read()
        except (FeedEnded, HoldfastError):
            pass
        finally:
            self._begun.set()
            for screen in self._screens:
                screen.end()

    async def _read(self) -> None:
        while True:
            try:
                board = await self._boards.read(self._view, self._frame)
                break
            except HoldfastError as error:
                if self._picture is None:
                    raise
                logger.warning("board_interrupted", reason=error.detail)
                await asyncio.sleep(RETRY_SECONDS)
        fresh = picture_of(board)
        self._frame = board.frame
        before, self._picture = self._picture, fresh
        if before is not None and before.version != fresh.version:
            change = before.change_to(fresh)
            message = _whole(fresh) if change is None else _message("change", fresh.version, change)
            for screen in self._screens:
                screen.tell(message, fresh)

    def _matters(self, told: Told | None) -> bool:
        """Whether the view may look different now."""
        if not isinstance(told, FeedEvent) or self._picture is None:
            return isinstance(told, Reset)
        noun = told.type.partition(".")[0]
        if noun in _ALWAYS or told.subject in self._picture.known:
            return True
        return noun in _BOOKINGS and self._touches(told.data.get("starts_at"), told.data.get("ends_at"))

    def _touches(self, starts_at: str | None, ends_at: str | None) -> bool:
        if starts_at is None or ends_at is None:
            return False  # it says what became of something that is not shown
        day = datetime.combine(self._view.day, datetime.min.time(), UTC)
        start, end = datetime.fromisoformat(starts_at), datetime.fromisoformat(ends_at)
        return start < day + timedelta(days=1) + MARGIN and day - MARGIN < end


@router.get("/desk/live")
async def live(request: Request, staff: Watching, location: str = "", date: str = "", seen: str = "") -> Response:
    """Server-Sent Events: `ready`, `day` (all of it) and `change` (`put` and `drop`), each with its version as id.

    A screen that is left alone is not somebody at work: it keeps nobody signed in, and hears `ended` when it is over.
    """
    place = await find_place(request, staff, location, date)
    view = View(staff.organization_id, place.location.id, place.day, sight_of(staff))
    seen = request.headers.get("last-event-id") or seen
    return EventSourceResponse(
        _stream(request, view, seen, staff),
        ping=PING_SECONDS,
        headers={"X-Accel-Buffering": "no", "Cache-Control": "no-store"},
    )


async def _stream(request: Request, view: View, seen: str, staff: SignedIn) -> AsyncIterator[bytes]:
    boards: Boards = request.app.state.boards
    async with boards.watch(view, seen) as screen:
        check_at = time.monotonic() + _pause(staff)
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(check_at - time.monotonic()):
                    message = await screen.queue.get()
                if message is None:
                    return
                yield message
            if time.monotonic() >= check_at:
                found = await signed_in(request, used=False)
                if found is None or not found.complete:
                    yield ENDED
                    return
                check_at = time.monotonic() + _pause(found)


def _pause(staff: SignedIn) -> float:
    """When to look again whether they are signed in: at the latest when the session ends, if nobody does anything."""
    return min(RECHECK_SECONDS, staff.seconds_left + 1.0)


def _ready(picture: Picture) -> bytes:
    return b"retry: 1000\n" + _message("ready", picture.version, "{}")


def _whole(picture: Picture) -> bytes:
    return _message("day", picture.version, picture.text)


def _message(event: str, id: str, data: str) -> bytes:
    return f"id: {id}\nevent: {event}\ndata: {data}\n\n".encode()
