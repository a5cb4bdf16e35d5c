"""What a booking page is told while it is open: that times changed, and how. No client, no person, no id.

One message a change: `{"from", "to", "how"}`. The page then asks again for the day it shows, if that day is touched.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Final
from uuid import UUID

from fastapi import APIRouter, Request, Response
from sse_starlette import EventSourceResponse, ServerSentEvent

from holdfast.errors import HoldfastError
from holdfast.http.pages.booking_site import open_site
from holdfast.http.pages.pages import PageRoute
from holdfast.log.feed import Feed, FeedEnded, FeedEvent

router = APIRouter(route_class=PageRoute, include_in_schema=False)

PING_SECONDS: Final = 20
RECONNECT_MILLISECONDS: Final = 2000
# What an event means for somebody who looks at times.
HOW: Final = {
    "hold.placed": "held",
    "hold.confirmed": "booked",
    "hold.released": "freed",
    "hold.expired": "freed",
    "appointment.booked": "booked",
    "appointment.rescheduled": "booked",
    "appointment.cancelled": "freed",
    "appointment.no_show": "freed",
    "block.placed": "booked",
    "block.removed": "freed",
    "busy.recorded": "booked",
    "busy.removed": "freed",
}


@router.get("/live/{organization}/{location}")
async def live(request: Request, organization: str, location: str) -> Response:
    """Server-Sent Events. A lost connection comes back by itself and then reads the page again."""
    site = await open_site(request, organization, location)
    feed: Feed = request.app.state.feed
    return EventSourceResponse(
        _changes(feed, site.look.organization_id), ping=PING_SECONDS, headers={"X-Accel-Buffering": "no"}
    )


async def _changes(feed: Feed, organization_id: UUID) -> AsyncIterator[ServerSentEvent]:
    try:
        async with feed.listen(organization_id) as listener:
            while True:
                told = await listener.hear()
                if not isinstance(told, FeedEvent):
                    yield ServerSentEvent(event="again", data="{}", retry=RECONNECT_MILLISECONDS)
                elif how := HOW.get(told.type):
                    # Times only: which organization's is known by the address, and which resource is nobody's business.
                    change = {"from": told.data.get("starts_at"), "to": told.data.get("ends_at"), "how": how}
                    yield ServerSentEvent(data=json.dumps(change, separators=(",", ":")))
    except (FeedEnded, HoldfastError):
        return
