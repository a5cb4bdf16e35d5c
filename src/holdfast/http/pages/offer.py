"""An offer by its link: a time is kept for you. Looking never changes anything; yes and no are buttons.

A tap that comes too late is told what became of the offer, and shown what else is free.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from fastapi import APIRouter, Request, Response

from holdfast.booking import service as booking
from holdfast.booking.model import Appointment, Hold
from holdfast.booking.visitors import VisitTokens
from holdfast.catalog.service import get_service
from holdfast.db.transact import Caller, Transaction
from holdfast.errors import OfferEnded, StateRefused
from holdfast.http.pages.booking_site import Site, providers_of, site_of
from holdfast.http.pages.choice import Choice, nearest
from holdfast.http.pages.pages import PageRoute, record_of, see
from holdfast.waitlist import service as waitlist
from holdfast.waitlist.model import Entry, Offer

router = APIRouter(prefix="/o", route_class=PageRoute, include_in_schema=False)

GONE: Final = 410


@dataclass(frozen=True)
class Offered:
    """An offer as its link shows it.

    ``state``: as it stands; ``lapsed`` once its time is over; of one that was accepted, ``moved`` or ``cancelled`` when
    that became of the visit, whose start is ``visit_at`` now.
    """

    site: Site
    caller: Caller
    offer: Offer
    entry: Entry
    choice: Choice
    state: str
    url: str
    visit_at: datetime | None = None


@router.get("/{token}")
async def look(request: Request, token: str) -> Response:
    """The time that is kept, until when, and two buttons; or what became of it."""
    return await _page(await _open(request, token))


@router.post("/{token}/accept")
async def accept(request: Request, token: str) -> Response:
    """Say yes: the visit's own page is next. Saying it twice is no error."""
    offered = await _open(request, token)
    link = VisitTokens(request.app.state.secret)

    async def work(tx: Transaction) -> str:
        visit = await waitlist.accept(tx, offered.offer.id)
        return await link.issue(tx, visit.id)

    try:
        token = await record_of(request).transact(offered.caller, work)
    except OfferEnded as ended:
        return await _page(offered, str(ended.facts["state"]))
    except StateRefused:  # the visit that was to come earlier cannot move any more
        return await _page(offered, "lost")
    return see(f"/v/{token}?new=1")


@router.post("/{token}/decline")
async def decline(request: Request, token: str) -> Response:
    """Say no: the next in line is asked, and they go on waiting."""
    offered = await _open(request, token)
    await record_of(request).transact(offered.caller, lambda tx: waitlist.decline(tx, offered.offer.id))
    return see(offered.url)


@router.post("/{token}/leave")
async def leave(request: Request, token: str) -> Response:
    """Wait no more, for anything of this entry."""
    offered = await _open(request, token)
    await record_of(request).transact(offered.caller, lambda tx: waitlist.leave(tx, offered.entry.id))
    return see(offered.url)


async def _open(request: Request, token: str) -> Offered:
    caller, offer_id = await waitlist.find_offer(record_of(request), token)

    async def work(tx: Transaction) -> tuple[Offer, Entry, Hold, Appointment | None, datetime]:
        offer = await waitlist.get_offer(tx, offer_id)
        entry = await waitlist.get_entry(tx, offer.entry_id)
        visit = await booking.get_appointment(tx, offer.appointment_id) if offer.appointment_id else None
        return offer, entry, await booking.get_hold(tx, offer.hold_id), visit, tx.scene.began_at

    offer, entry, hold, visit, now = await record_of(request).transact(caller, work)
    site = await site_of(request, caller.organization_id, offer.location_id)
    choice = await site.transact(lambda tx: _choice(tx, site, hold))
    state = _state(offer, visit, now)
    return Offered(site, caller, offer, entry, choice, state, f"/o/{token}", visit.starts_at if visit else None)


def _state(offer: Offer, visit: Appointment | None, now: datetime) -> str:
    if visit is not None and visit.state in ("cancelled", "no_show"):
        return "cancelled"
    if visit is not None and visit.starts_at != offer.starts_at:
        return "moved"
    return "lapsed" if offer.state == "open" and offer.expires_at <= now else offer.state


async def _choice(tx: Transaction, site: Site, hold: Hold) -> Choice:
    service = await get_service(tx, hold.service_id)
    role, people = await providers_of(tx, service, site.here)
    serving = {UUID(claim["resource_id"]) for claim in hold.claims if claim["role"] == role}
    return Choice((service,), role, people, next((each for each in people if each.id in serving), None))


async def _page(offered: Offered, state: str | None = None) -> Response:
    state = state or offered.state
    ended = state not in ("open", "accepted", "moved", "declined")
    # who waits for an earlier time of a visit would book a second one here
    look_on = ended and offered.entry.appointment_id is None
    return offered.site.page(
        "booking/offer.html",
        status=GONE if ended else 200,
        offered=offered,
        offer=offered.offer,
        entry=offered.entry,
        choice=offered.choice,
        state=state,
        ended=ended,
        alternatives=await nearest(offered.site, offered.choice, offered.offer.starts_at) if look_on else [],
        action=f"{offered.site.url}/{offered.choice.service.slug}/hold",
    )
