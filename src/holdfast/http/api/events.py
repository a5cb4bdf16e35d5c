"""The live feed as Server-Sent Events (WHATWG HTML, section 9.2)."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator
from typing import Annotated, Final

from fastapi import APIRouter, Header, Request, Response
from sse_starlette import EventSourceResponse, ServerSentEvent

from holdfast.access.model import Principal
from holdfast.errors import HoldfastError
from holdfast.http.callers import KeyRing, ReadKey
from holdfast.http.documented import REFUSALS
from holdfast.log.feed import Feed, FeedEnded, FeedEvent, Ready, Told

router = APIRouter(prefix="/v1/events", tags=["events"], responses=REFUSALS)

PING_SECONDS: Final = 15
RECHECK_SECONDS: Final = 30.0  # a key revoked meanwhile hears at most this much longer
RECONNECT_MILLISECONDS: Final = 2000


@router.get("", response_class=EventSourceResponse)
async def live_feed(
    request: Request,
    principal: ReadKey,
    last_event_id: Annotated[str | None, Header(max_length=64, description="The `id` of the last event heard.")] = None,
) -> Response:
    """Everything that happens, as it happens, in commit order: `{id, type, at, subject, actor, surface, data}`.

    First comes an event `ready`, or with `Last-Event-ID` everything since. An event `reset` means: what you missed
    cannot be told, read the present state again. Messages carry ids and no client's data; ask for what you need.
    """
    stream = _stream(request, principal, last_event_id or None)
    return EventSourceResponse(
        stream, ping=PING_SECONDS, headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    )


async def _stream(request: Request, principal: Principal, after: str | None) -> AsyncIterator[ServerSentEvent]:
    feed: Feed = request.app.state.feed
    try:
        async with feed.listen(principal.organization_id, after) as listener:
            checked_at = time.monotonic()
            while True:
                told = await listener.hear(RECHECK_SECONDS)
                if told is not None:
                    yield _message(told)
                if time.monotonic() - checked_at > RECHECK_SECONDS:
                    await _still_valid(request)
                    checked_at = time.monotonic()
    except (FeedEnded, HoldfastError):
        return  # the client comes back by itself, and is then told why not


def _message(told: Told) -> ServerSentEvent:
    if not isinstance(told, FeedEvent):
        name = "ready" if isinstance(told, Ready) else "reset"
        return ServerSentEvent(event=name, id=told.position, data="{}", retry=RECONNECT_MILLISECONDS)
    shape = {
        "id": told.id,
        "type": told.type,
        "at": told.at.isoformat().replace("+00:00", "Z"),
        "subject": told.subject,
        "actor": told.actor,
        "surface": told.surface,
        "data": told.data,
    }
    return ServerSentEvent(id=told.position, data=json.dumps(shape, separators=(",", ":")))


async def _still_valid(request: Request) -> None:
    keys: KeyRing = request.app.state.keys
    await keys.principal(request.headers["authorization"].partition(" ")[2])
