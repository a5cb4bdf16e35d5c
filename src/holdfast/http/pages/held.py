"""The held time: name and how to be reached, while a quiet countdown runs; then it is booked.

The page belongs to the browser that holds: to any other it does not exist.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated, Final

import phonenumbers
from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import JSONResponse
from pydantic import ValidationError

from holdfast.booking.model import ClientDetails
from holdfast.booking.visitors import issue_link
from holdfast.db.transact import Transaction
from holdfast.errors import ExtensionRefused, HoldExpired, HoldNotLive, NotBookable, SeriesUnavailable, SlotTaken
from holdfast.http.pages import kept as keeping
from holdfast.http.pages.booking import Proof
from holdfast.http.pages.booking_site import Site
from holdfast.http.pages.choice import ONE_DAY, Choice, nearest, still_free
from holdfast.http.pages.kept import Booked, Kept
from holdfast.http.pages.pages import PageRoute, see
from holdfast.http.pages.proof import HONEY_LEVEL, ProofNeeded, ask, require_proof
from holdfast.http.pages.repeat import COUNT_MIN, count_max, find_hold, ticket
from holdfast.http.shapes import ClientAsk
from holdfast.wallclock import local_date
from holdfast.web.languages import territory_of

router = APIRouter(prefix="/b/{organization}/{location}/hold/{hold_id}", route_class=PageRoute, include_in_schema=False)

Text = Annotated[str, Form(max_length=2000)]
# There is no time to count down any more: the page of what was held says where the visit is.
BOOKED: Final = {"seconds": 0, "booked": True}


@dataclass
class Details:
    """What the visitor typed. ``errors`` by field; ``client`` once it is right."""

    name: str
    email: str
    phone: str
    note: str
    errors: dict[str, str] = field(default_factory=dict)
    client: ClientDetails | None = None

    @property
    def typed(self) -> dict[str, str]:
        return {"name": self.name, "email": self.email, "phone": self.phone, "note": self.note}


@router.get("")
async def details(request: Request, organization: str, location: str, hold_id: str) -> Response:
    """Who comes? A hold that has ended leads back to its times."""
    try:
        site, kept, choice = await find_hold(request, organization, location, hold_id)
    except Booked as booked:
        return booked.site.page("booking/booked.html", action=booked.url)
    if not kept.live or kept.expires_at <= await _now(site):
        return see(_times_url(site, kept, choice))
    return await _page(site, kept, choice)


@router.post("")
async def confirm(
    request: Request,
    organization: str,
    location: str,
    hold_id: str,
    name: Text = "",
    email: Text = "",
    phone: Text = "",
    note: Text = "",
    website: Text = "",
    proof: Proof = "",
) -> Response:
    """Book it. A time that was lost is said at once, and what was typed stays.

    Sent twice, or again because its answer was lost, it is answered as the first time: with the visit.
    """
    try:
        return await _confirm(request, (organization, location, hold_id), (name, email, phone, note), website, proof)
    except Booked as booked:
        appointment_id = booked.appointment_id
        token = await booked.site.transact(lambda tx: issue_link(tx, appointment_id))
        return see(f"/v/{token}?new=1")


async def _confirm(
    request: Request, where: tuple[str, str, str], said: tuple[str, str, str, str], website: str, proof: str
) -> Response:
    """Raises Booked where it was already."""
    site, kept, choice = await find_hold(request, *where)
    typed = _read(site, *said)
    if typed.client is None:
        return await _page(site, kept, choice, typed, status=422)
    try:
        if website:  # the field that no person sees, though a browser may fill it for one
            await site.transact(lambda tx: require_proof(tx, site, proof, level=HONEY_LEVEL))
        token = await _book(site, kept, choice, typed)
    except ProofNeeded as needed:
        return await ask(site, request, needed)
    except (SlotTaken, NotBookable, SeriesUnavailable, HoldNotLive):
        await find_hold(request, *where)  # raises Booked where it was lost to the same form, sent twice
        return await _lost(site, kept, choice, typed)
    return see(f"/v/{token}?new=1")


@router.get("/lost")
async def look_whether_lost(request: Request, organization: str, location: str, hold_id: str) -> Response:
    """For a page whose time is over: that somebody took it, with what is near; nothing (204) while nobody has."""
    site, kept, choice = await find_hold(request, organization, location, hold_id)
    if kept.live and await _now(site) < kept.expires_at:
        return Response(status_code=204)
    if await site.transact(lambda tx: still_free(tx, site, choice, kept.starts)):
        return Response(status_code=204)
    return await _lost(site, kept, choice, Details("", "", "", ""))


@router.post("/release")
async def release(request: Request, organization: str, location: str, hold_id: str) -> Response:
    """Let it go, and choose again."""
    site, kept, choice = await find_hold(request, organization, location, hold_id)
    if kept.live:
        await site.transact(lambda tx: keeping.release(tx, kept))
    return see(_times_url(site, kept, choice))


@router.post("/again")
async def hold_again(
    request: Request,
    organization: str,
    location: str,
    hold_id: str,
    start: Text,
    name: Text = "",
    email: Text = "",
    phone: Text = "",
    note: Text = "",
    proof: Proof = "",
) -> Response:
    """One of the alternatives, held in place of the time that was lost, with the form as it was."""
    site, kept, choice = await find_hold(request, organization, location, hold_id)
    at, choice = choice.tapped(site, start)

    async def work(tx: Transaction) -> Kept:
        for other in await keeping.kept_by(tx, site):
            if other.is_for(choice, at):  # sent twice
                return other
        if kept.live:
            await keeping.release(tx, kept)
        await require_proof(tx, site, proof)
        return await keeping.place(tx, site, choice, at)

    typed = Details(name, email, phone, note)
    try:
        fresh = await site.transact(work)
    except ProofNeeded as needed:
        return await ask(site, request, needed)
    except (SlotTaken, NotBookable):
        return await _lost(site, kept, choice, typed)
    return await _page(site, fresh, choice, typed)


@router.post("/extend")
async def extend(request: Request, organization: str, location: str, hold_id: str) -> Response:
    """More time, once, while they type. JSON: how many seconds are left."""
    try:
        site, kept, _ = await find_hold(request, organization, location, hold_id)
    except Booked:
        return JSONResponse(BOOKED)
    with suppress(ExtensionRefused, HoldExpired, HoldNotLive):  # then it stays as long as it was
        kept = await site.transact(lambda tx: keeping.extend(tx, kept))
    return await _left(site, kept)


@router.post("/leave")
async def leave(request: Request, organization: str, location: str, hold_id: str) -> Response:
    """The page is being closed, or loaded again."""
    site, kept, _ = await find_hold(request, organization, location, hold_id)
    await site.transact(lambda tx: keeping.leave(tx, kept))
    return Response(status_code=204)


@router.post("/return")
async def come_back(request: Request, organization: str, location: str, hold_id: str) -> Response:
    """The page is there again: the hold has its term again. JSON: how many seconds are left."""
    try:
        site, kept, _ = await find_hold(request, organization, location, hold_id)
    except Booked:
        return JSONResponse(BOOKED)
    with suppress(HoldExpired, HoldNotLive):
        kept = await site.transact(lambda tx: keeping.come_back(tx, kept))
    return await _left(site, kept)


def _times_url(site: Site, kept: Kept, choice: Choice) -> str:
    return choice.url(site, local_date(kept.starts_at, kept.time_zone))


async def _book(site: Site, kept: Kept, choice: Choice, typed: Details) -> str:
    """The token of the visit's private link. A hold that ran out is taken again if nobody came meanwhile."""
    assert typed.client is not None
    client, note = typed.client, typed.note.strip() or None
    try:
        return await site.transact(lambda tx: keeping.confirm(tx, kept, client, note))
    except HoldExpired:
        return await site.transact(lambda tx: keeping.take_again(tx, site, choice, kept, client, note))


async def _page(site: Site, kept: Kept, choice: Choice, typed: Details | None = None, *, status: int = 200) -> Response:
    return site.page(
        "booking/details.html",
        status=status,
        hold=kept,
        choice=choice,
        live=_live_url(site, kept),
        address=site.hold_url(kept.public_id),
        repeatable=not kept.series_id and await site.transact(count_max) >= COUNT_MIN,
        **await ticket(site, kept),
        typed=typed.typed if typed else None,
        errors=typed.errors if typed else None,
    )


async def _lost(site: Site, kept: Kept, choice: Choice, typed: Details) -> Response:
    address = site.hold_url(kept.public_id)
    return site.page(
        "booking/lost.html",
        status=409,
        hold=kept,
        choice=choice,
        alternatives=await nearest(site, choice, kept.starts_at),
        typed=typed.typed,
        live=_live_url(site, kept),
        address=address,
        refresh=f"{address}/lost",
    )


def _live_url(site: Site, kept: Kept) -> str:
    """Where a page that waits for this time hears of changes: of its days, and the days beside them."""
    zone = kept.time_zone
    return site.live_url(local_date(kept.starts[0], zone) - ONE_DAY, local_date(kept.starts[-1], zone) + ONE_DAY)


async def _left(site: Site, kept: Kept) -> Response:
    seconds = (kept.expires_at - await _now(site)).total_seconds() if kept.live else 0
    return JSONResponse({"seconds": max(0, int(seconds))})


async def _now(site: Site) -> datetime:
    """The database's clock, which decides whether a hold is live."""

    async def look(tx: Transaction) -> datetime:
        return tx.scene.began_at

    return await site.transact(look)


def _read(site: Site, name: str, email: str, phone: str, note: str) -> Details:
    """What was typed, checked."""
    contact = read_contact(site, name, email, phone)
    return Details(name, email, phone, note, contact.errors, contact.client)


@dataclass
class Contact:
    """Who it is and how they are reached. ``errors`` by field; ``client`` once it is right."""

    errors: dict[str, str] = field(default_factory=dict)
    client: ClientDetails | None = None


def read_contact(site: Site, name: str, email: str, phone: str) -> Contact:
    """What was typed, checked by the API's own rules. The location's country code may be left out of a phone number."""
    contact, gettext = Contact(), site.language.gettext
    asked: dict[str, str] = {"name": name}
    if email.strip():
        asked["email"] = email.strip()
    if phone.strip():
        asked["phone"] = _international(phone, territory_of(site.here.time_zone))
    if "email" not in asked and "phone" not in asked:
        contact.errors["email"] = gettext("Give an e-mail address or a phone number: one is enough.")
    try:
        checked = ClientAsk.model_validate(asked)
        contact.client = None if contact.errors else checked.details(None)
    except ValidationError as invalid:
        said = {
            "name": gettext("Write your name."),
            "email": gettext("This does not look like an e-mail address."),
            "phone": gettext("This does not look like a phone number."),
        }
        for each in invalid.errors():
            where = str(each["loc"][0]) if each["loc"] else "name"
            contact.errors[where] = said.get(where, each["msg"])
    return contact


def _international(phone: str, territory: str | None) -> str:
    try:
        number = phonenumbers.parse(phone, territory)
    except phonenumbers.NumberParseException:
        return phone
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
