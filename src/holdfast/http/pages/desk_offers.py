"""An offer of the waitlist at the desk: for whom the time is kept until when, and giving it to somebody else."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Form, Query, Request, Response

from holdfast.access.staff import SignedIn
from holdfast.booking.model import Appointment, ClientDetails, Visit
from holdfast.catalog import service as catalog
from holdfast.clients import service as clients
from holdfast.clients.service import Client
from holdfast.db.transact import Transaction
from holdfast.errors import NotBookable, OfferEnded, SlotTaken
from holdfast.http.pages.desk_frame import desk_page
from holdfast.http.pages.desk_times import in_words, read_start, seek
from holdfast.http.pages.desk_typed_client import TypedClient, read_client
from holdfast.http.pages.pages import PageRoute, language_of, record_of, see
from holdfast.http.pages.staff_session import Desk
from holdfast.ids import parse_id, public_id
from holdfast.waitlist import service as waitlist
from holdfast.waitlist.model import NamedOffer

router = APIRouter(prefix="/desk/waitlist/offers/{offer_id}", route_class=PageRoute, include_in_schema=False)

Text = Annotated[str, Form(max_length=500)]
Asked = Annotated[str, Query(max_length=64)]


@dataclass(frozen=True)
class Instead:
    """Who is to have the time, and of what, as ids; nothing: somebody who is typed, and the visit that was offered."""

    client: str = ""
    service: str = ""
    start: str = ""


def _in_address(client: Asked = "", service: Asked = "", start: Asked = "") -> Instead:
    return Instead(client, service, start)


Given = Annotated[Instead, Depends(_in_address)]


@router.get("")
async def show(request: Request, staff: Desk, offer_id: str, instead: Given) -> Response:
    """To whom it is offered until when, and what can be done about it."""
    staff.require("book")
    return await _page(request, staff, offer_id, instead)


@router.post("/override")
async def override(
    request: Request,
    staff: Desk,
    offer_id: str,
    client: Text = "",
    service: Text = "",
    start: Text = "",
    name: Text = "",
    email: Text = "",
    phone: Text = "",
) -> Response:
    """Withdraw the offer and book the time for somebody else, in one step."""
    staff.require("book")
    instead, id = Instead(client, service, start), parse_id("offer", offer_id)
    offer = await record_of(request).transact(staff.caller(), lambda tx: waitlist.named_offer(tx, id))
    typed = None if client else read_client(name, email, phone, offer.time_zone, language_of(request))
    if typed and (typed.errors or typed.client is None):
        return await _page(request, staff, offer_id, instead, typed=typed)
    who = typed.client if typed and typed.client else ClientDetails(id=parse_id("client", client))

    async def work(tx: Transaction) -> Appointment:
        return await waitlist.override(tx, id, who, visit=_visit(offer, instead))

    try:
        made = await record_of(request).transact(staff.caller(), work)
    except OfferEnded:
        ended = language_of(request).gettext("This offer has ended meanwhile: nothing was changed.")
        return await _page(request, staff, offer_id, instead, typed=typed, problem=ended)
    except (SlotTaken, NotBookable) as refusal:
        language = language_of(request)
        sought = await record_of(request).transact(
            staff.caller(), lambda tx: seek(tx, offer.service_id, offer.location_id)
        )
        return await _page(request, staff, offer_id, instead, typed=typed, problem=in_words(refusal, sought, language))
    return see(f"/desk/appointments/{public_id('appointment', made.id)}?new=1")


def _visit(offer: NamedOffer, instead: Instead) -> Visit | None:
    """What is booked in its place, when that is not the very visit that was offered."""
    at = read_start(instead.start, offer.time_zone) if instead.service else None
    if at is None:
        return None
    return Visit(parse_id("service", instead.service), offer.location_id, at, outside_rules=True)


async def _page(
    request: Request,
    staff: SignedIn,
    offer_id: str,
    instead: Instead,
    *,
    typed: TypedClient | None = None,
    problem: str = "",
) -> Response:
    id = parse_id("offer", offer_id)

    async def work(tx: Transaction) -> tuple[NamedOffer, Client | None, str, datetime]:
        offer = await waitlist.named_offer(tx, id)
        who = await clients.get_client(tx, parse_id("client", instead.client)) if instead.client else None
        named = offer.service_name
        if instead.service:
            named = (await catalog.get_service(tx, parse_id("service", instead.service))).name
        return offer, who, named, tx.scene.began_at

    offer, who, service_name, now = await record_of(request).transact(staff.caller(), work)
    at = read_start(instead.start, offer.time_zone) if instead.service else None
    status = 409 if problem else 422 if typed else 200
    return await desk_page(
        request, staff, "desk/offer.html", section="waitlist", status=status, offer=offer, instead=instead, client=who,
        service_name=service_name, at=at or offer.starts_at, typed=typed.typed if typed else {}, problem=problem,
        errors=typed.errors if typed else {}, is_open=offer.state == "open" and offer.expires_at > now,
        public_id=public_id, url=f"/desk/waitlist/offers/{public_id('offer', offer.id)}",
    )  # fmt: skip
