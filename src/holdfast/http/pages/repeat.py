"""The same visit again every few weeks: proposed as a whole, with what is near where a day is full; held together."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Any, Final

from fastapi import APIRouter, Form, Query, Request, Response

from holdfast.availability.model import Slot
from holdfast.availability.recurrence import Recurrence
from holdfast.availability.series import Occurrence
from holdfast.booking.series import SeriesAsked, propose_series
from holdfast.catalog.service import list_hold_policies
from holdfast.db.transact import Transaction
from holdfast.errors import NotBookable, SeriesUnavailable, SlotTaken, TooManyHolds
from holdfast.http.pages import kept as keeping
from holdfast.http.pages.booking_site import SURFACE, Site, open_site
from holdfast.http.pages.choice import Choice, choice_of
from holdfast.http.pages.kept import Kept, parts_of
from holdfast.http.pages.pages import PageRoute, see
from holdfast.wallclock import local_date, parse_instant, to_local

router = APIRouter(
    prefix="/b/{organization}/{location}/hold/{hold_id}/repeat", route_class=PageRoute, include_in_schema=False
)

COUNT_MIN: Final = 2
COUNT_MAX: Final = 12
WEEKS: Final = (1, 2, 3, 4, 6, 8, 12)


@dataclass(frozen=True)
class Again:
    """One visit of the proposal: the slot of its day, or where that day is ``full`` those that are near, if any."""

    number: int
    wanted_at: datetime
    slots: list[Slot]
    full: bool

    @property
    def at_another_time(self) -> bool:
        return not self.full and self.slots[0].start != self.wanted_at


@router.get("")
async def choose(
    request: Request,
    organization: str,
    location: str,
    hold_id: str,
    weeks: Annotated[int, Query(ge=1, le=52)] = 4,
    times: Annotated[int, Query(ge=COUNT_MIN, le=COUNT_MAX)] = COUNT_MIN + 1,
) -> Response:
    """How often, and the days that come of it."""
    site, kept, choice = await find_hold(request, organization, location, hold_id)
    if kept.series_id or not kept.live:
        return see(site.hold_url(kept.public_id))
    return await _page(site, kept, choice, weeks, times)


@router.post("")
async def hold(
    request: Request,
    organization: str,
    location: str,
    hold_id: str,
    weeks: Annotated[int, Form(ge=1, le=52)],
    times: Annotated[int, Form(ge=COUNT_MIN, le=COUNT_MAX)],
) -> Response:
    """Hold all of them in place of the one, or stay with the one."""
    site, kept, choice = await find_hold(request, organization, location, hold_id)
    form = await request.form()
    starts = [
        parse_instant(str(value)[:64], site.here.time_zone) for name, value in form.items() if name.startswith("start-")
    ]

    wanted = [kept.starts_at, *starts[: COUNT_MAX - 1]]

    async def work(tx: Transaction) -> Kept:
        for other in await keeping.kept_by(tx, site):
            if other.series_id and other.starts == wanted:  # sent twice
                return other
        await keeping.release(tx, kept)
        return await keeping.place_series(tx, site, choice, wanted)

    try:
        series = await site.transact(work)
    except (SlotTaken, SeriesUnavailable):
        problem = site.language.gettext("One of these times was just taken. Here is what is free now.")
    except NotBookable:
        problem = site.language.gettext("These times cannot be booked together. Choose others.")
    except TooManyHolds:
        problem = site.language.gettext("So many at once are not booked here. Choose fewer.")
    else:
        return see(site.hold_url(series.public_id))
    return await _page(site, kept, choice, weeks, times, problem)


async def find_hold(request: Request, organization: str, location: str, hold_id: str) -> tuple[Site, Kept, Choice]:
    """The site, what is kept there under this public id, and what was chosen. Raises NotFound for somebody else's."""
    site = await open_site(request, organization, location)

    async def work(tx: Transaction) -> tuple[Kept, Choice]:
        kept = await keeping.find_kept(tx, site, hold_id)
        return kept, await choice_of(tx, site, kept.first)

    kept, choice = await site.transact(work)
    return site, kept, choice


async def ticket(site: Site, kept: Kept) -> dict[str, Any]:
    """What ``booking/ticket.html`` shows beside the hold itself. The database's clock says how much time is left."""

    async def work(tx: Transaction) -> dict[str, Any]:
        left = (kept.expires_at - tx.scene.began_at).total_seconds()
        return {
            "parts_of_visit": await parts_of(tx, kept.first),
            "seconds_left": max(0, int(left)),
            "seconds_in_all": int((kept.expires_at - kept.created_at).total_seconds()),
        }

    return await site.transact(work)


async def count_max(tx: Transaction) -> int:
    """How many visits one visitor may keep at once."""
    most = [each.live_holds_per_visitor_max for each in await list_hold_policies(tx) if each.surface == SURFACE]
    return min([COUNT_MAX, *(number for number in most if number is not None)])


async def _page(site: Site, kept: Kept, choice: Choice, weeks: int, times: int, problem: str = "") -> Response:
    zone = site.here.time_zone
    again = timedelta(weeks=weeks)
    rule = Recurrence(
        local_date(kept.starts_at, zone) + again,
        times - 1,
        every_weeks=weeks,
        at=to_local(kept.starts_at, zone).time(),
    )

    async def work(tx: Transaction) -> tuple[list[Occurrence], int]:
        asked = SeriesAsked(choice.whole(site, kept.starts_at), rule)
        return await propose_series(tx, asked), await count_max(tx)

    proposed, most = await site.transact(work)
    return site.page(
        "booking/repeat.html",
        status=409 if problem else 200,
        hold=kept,
        choice=choice,
        proposed=[
            Again(number, each.wanted_at, [each.slot] if each.slot else list(each.instead), each.slot is None)
            for number, each in enumerate(proposed, start=2)
        ],
        weeks=weeks,
        every=WEEKS,
        times=times,
        counts=range(COUNT_MIN, most + 1),
        problem=problem,
        address=f"{site.hold_url(kept.public_id)}/repeat?weeks={weeks}&times={times}" if problem else "",
        **await ticket(site, kept),
    )
