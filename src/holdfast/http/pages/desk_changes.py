"""What the pages of the desk are told while they are open: that something changed, never what; they read it anew.

The day board has a feed of its own, which says more.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from typing import Final

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse
from sse_starlette import EventSourceResponse, ServerSentEvent

from holdfast.access.staff import SignedIn
from holdfast.booking.outside import count_collisions
from holdfast.errors import HoldfastError
from holdfast.http.pages.board_live import PING_SECONDS, RECHECK_SECONDS
from holdfast.http.pages.pages import PageRoute, record_of
from holdfast.http.pages.staff_session import Watching, signed_in
from holdfast.log.feed import Feed, FeedEnded, FeedEvent, Reset

router = APIRouter(route_class=PageRoute, include_in_schema=False)

RECONNECT_MILLISECONDS: Final = 2000
_TOLD: Final = frozenset(
    {"hold", "appointment", "block", "busy", "collision", "resource", "location", "service", "hours"}
)


@router.get("/desk/changes")
async def changes(request: Request, staff: Watching, seen: str = "") -> Response:
    """Server-Sent Events: the noun of whatever changed since ``seen``, and `again` where nobody knows."""
    return EventSourceResponse(
        _changes(request, staff, request.headers.get("last-event-id") or seen),
        ping=PING_SECONDS,
        headers={"X-Accel-Buffering": "no", "Cache-Control": "no-store"},
    )


@router.get("/desk/to-decide")
async def to_decide(request: Request, staff: Watching) -> Response:
    """JSON: how many collisions wait for a decision."""
    staff.require("everybody")
    return JSONResponse({"count": await record_of(request).transact(staff.caller(), count_collisions)})


async def _changes(request: Request, staff: SignedIn, seen: str) -> AsyncIterator[ServerSentEvent]:
    feed: Feed = request.app.state.feed
    try:
        async with feed.listen(staff.organization_id, seen or None) as listener:
            yield ServerSentEvent(event="ready", data="", retry=RECONNECT_MILLISECONDS)
            checked_at = time.monotonic()
            while True:
                told = await listener.hear(RECHECK_SECONDS)
                if time.monotonic() - checked_at > RECHECK_SECONDS:
                    now = await signed_in(request, used=False)
                    if now is None or not now.complete:
                        return
                    checked_at = time.monotonic()
                if isinstance(told, FeedEvent):
                    noun = told.type.partition(".")[0]
                    if noun in _TOLD:
                        yield ServerSentEvent(id=told.position, data=noun)
                elif isinstance(told, Reset):
                    yield ServerSentEvent(event="again", id=told.position, data="")
    except (FeedEnded, HoldfastError):
        return
