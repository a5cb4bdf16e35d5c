"""What a booking page is told while it is open: that times changed, and how. No client, no person, no id.

One message a change: `{"from", "to", "how"}`, of the location and the days that the page shows. The page then asks
again for what it shows. What a change touches is looked up once for all the pages of this process.
"""

from __future__ import annotations

import json
from collections import OrderedDict
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Final
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response
from sse_starlette import EventSourceResponse, ServerSentEvent

from holdfast.booking.reach import Holder, Reach, reach_of
from holdfast.db.transact import Caller, Record
from holdfast.errors import HoldfastError, NotFound
from holdfast.http.pages.booking_site import SURFACE, Site, open_site
from holdfast.http.pages.choice import ONE_DAY, read_day
from holdfast.http.pages.pages import PageRoute
from holdfast.ids import KINDS, parse_id
from holdfast.log.feed import Feed, FeedEnded, FeedEvent, Reset
from holdfast.wallclock import day_start

router = APIRouter(route_class=PageRoute, include_in_schema=False)

PING_SECONDS: Final = 20
RECONNECT_MILLISECONDS: Final = 2000
REMEMBERED: Final = 2000
# What an event means for somebody who looks at times. A visit that is cancelled, missed or moved lets go of a hold.
HOW: Final = {
    "hold.placed": "held",
    "hold.confirmed": "booked",
    "hold.released": "freed",
    "hold.expired": "freed",
    "appointment.booked": "booked",
    "appointment.rescheduled": "booked",
    "block.placed": "booked",
    "block.removed": "freed",
    "busy.recorded": "booked",
    "busy.removed": "freed",
}
HOLDERS: Final[dict[str, Holder]] = {KINDS["hold"]: "hold", KINDS["block"]: "block", KINDS["busy"]: "busy"}

Day = Annotated[str, Query(max_length=10)]


class Reaches:
    """What the last changes touch. An event does not say it: a released hold's names no time."""

    def __init__(self, record: Record) -> None:
        self._record = record
        self._known: OrderedDict[str, Reach | None] = OrderedDict()

    async def of(self, organization_id: UUID, event: FeedEvent) -> Reach | None:
        """The reach of what the event is about; None where nobody knows any more."""
        subject = str(event.data.get("hold_id") or event.subject)
        if subject not in self._known:
            holder = HOLDERS[subject[:3]]
            id = parse_id(holder, subject)
            caller = Caller(organization_id, "visitor", SURFACE)
            self._known[subject] = await self._record.transact(caller, lambda tx: reach_of(tx, holder, id))
            while len(self._known) > REMEMBERED:
                self._known.popitem(last=False)
        return self._known[subject]


@router.get("/live/{organization}/{location}")
async def live(
    request: Request, organization: str, location: str, first: Day = "", last: Day = "", seen: str = ""
) -> Response:
    """Server-Sent Events, from the day ``first`` to the day ``last``; of all days where they are not said.

    What happened since ``seen``, when the page was read, comes first; `again`: nobody knows, so read the page anew. A
    lost connection comes back by itself and goes on after the last that it was told.
    """
    site = await open_site(request, organization, location)
    window = _start_of(site, read_day(first)), _start_of(site, read_day(last), ONE_DAY)
    seen = request.headers.get("last-event-id") or seen
    return EventSourceResponse(
        _changes(request, site, window, seen), ping=PING_SECONDS, headers={"X-Accel-Buffering": "no"}
    )


def _start_of(site: Site, day: date | None, later: timedelta = timedelta()) -> datetime | None:
    try:
        return day_start(day + later, site.here.time_zone) if day else None
    except OverflowError:
        raise NotFound("The calendar has no such day.") from None


async def _changes(
    request: Request, site: Site, window: tuple[datetime | None, datetime | None], seen: str
) -> AsyncIterator[ServerSentEvent]:
    feed: Feed = request.app.state.feed
    reaches: Reaches = request.app.state.reaches
    organization_id, location_id = site.look.organization_id, site.here.id
    try:
        async with feed.listen(organization_id, seen or None) as listener:
            yield ServerSentEvent(event="ready", data="{}", retry=RECONNECT_MILLISECONDS)
            while True:
                told = await listener.hear()
                if isinstance(told, Reset):
                    yield ServerSentEvent(event="again", id=told.position, data="{}")
                elif isinstance(told, FeedEvent) and (how := HOW.get(told.type)):
                    reach = await reaches.of(organization_id, told)
                    if reach and reach.meets(location_id, *window):
                        # Times only: where it is, is known by the address, and which resource is nobody's business.
                        change = {"from": _said(reach.starts_at), "to": _said(reach.ends_at), "how": how}
                        yield ServerSentEvent(id=told.position, data=json.dumps(change, separators=(",", ":")))
    except (FeedEnded, HoldfastError):
        return


def _said(at: datetime | None) -> str | None:
    return at.astimezone(UTC).isoformat() if at else None
