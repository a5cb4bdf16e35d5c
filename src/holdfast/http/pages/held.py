"""The held time: name and how to be reached, while a quiet countdown runs; then it is booked.

The page belongs to the browser that holds: to any other it does not exist.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated

import phonenumbers
from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import JSONResponse
from pydantic import ValidationError

from holdfast.booking import service as booking
from holdfast.booking import visitors
from holdfast.booking.model import Appointment, ClientDetails, Hold
from holdfast.catalog.service import get_service
from holdfast.db.transact import Transaction
from holdfast.errors import ExtensionRefused, HoldExpired, HoldNotLive, NotBookable, SlotTaken
from holdfast.http.pages.booking import Choice, Proof, nearest
from holdfast.http.pages.booking_site import Site, open_site, providers_of
from holdfast.http.pages.pages import PageRoute, see
from holdfast.http.pages.proof import HONEY_LEVEL, ProofNeeded, ask, require_proof
from holdfast.http.shapes import ClientAsk
from holdfast.ids import parse_id
from holdfast.wallclock import local_date
from holdfast.web.languages import territory_of

router = APIRouter(prefix="/b/{organization}/{location}/hold/{hold_id}", route_class=PageRoute, include_in_schema=False)

Text = Annotated[str, Form(max_length=2000)]


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
    site, hold, choice = await _find(request, organization, location, hold_id)
    if hold.state != "live" or hold.expires_at <= await _now(site):
        return see(f"{choice.url(site, local_date(hold.starts_at, hold.time_zone))}")
    return await _page(site, hold, choice)


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
    """Book it. A time that was lost is said at once, and what was typed stays."""
    site, hold, choice = await _find(request, organization, location, hold_id)
    typed = _read(site, name, email, phone, note)
    if typed.client is None:
        return await _page(site, hold, choice, typed, status=422)
    try:
        if website:  # the field that no person sees, though a browser may fill it for one
            await site.transact(lambda tx: require_proof(tx, site, proof, level=HONEY_LEVEL))
        token = await _book(site, hold, choice, typed)
    except ProofNeeded as needed:
        return await ask(site, request, needed)
    except (SlotTaken, NotBookable):
        return await _lost(site, hold, choice, typed)
    return see(f"/v/{token}?new=1")


@router.post("/release")
async def release(request: Request, organization: str, location: str, hold_id: str) -> Response:
    """Let it go, and choose again."""
    site, hold, choice = await _find(request, organization, location, hold_id)
    if hold.state == "live":
        await site.transact(lambda tx: booking.release_hold(tx, hold.id))
    return see(choice.url(site, local_date(hold.starts_at, hold.time_zone)))


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
    site, hold, choice = await _find(request, organization, location, hold_id)
    at, choice = choice.tapped(site, start)

    async def work(tx: Transaction) -> Hold:
        if hold.state == "live":
            await booking.release_hold(tx, hold.id)
        await require_proof(tx, site, proof)
        return await booking.place_hold(tx, choice.visit(site, at), visitor=site.visitor)

    typed = Details(name, email, phone, note)
    try:
        fresh = await site.transact(work)
    except ProofNeeded as needed:
        return await ask(site, request, needed)
    except (SlotTaken, NotBookable):
        return await _lost(site, hold, choice, typed)
    return await _page(site, fresh, choice, typed)


@router.post("/extend")
async def extend(request: Request, organization: str, location: str, hold_id: str) -> Response:
    """More time, once, while they type. JSON: how many seconds are left."""
    site, hold, _ = await _find(request, organization, location, hold_id)
    with suppress(ExtensionRefused, HoldExpired, HoldNotLive):  # then it stays as long as it was
        hold = await site.transact(lambda tx: booking.extend_hold(tx, hold.id))
    return await _left(site, hold)


@router.post("/leave")
async def leave(request: Request, organization: str, location: str, hold_id: str) -> Response:
    """The page is being closed, or loaded again."""
    site, hold, _ = await _find(request, organization, location, hold_id)
    await site.transact(lambda tx: visitors.leave_hold(tx, hold.id))
    return Response(status_code=204)


@router.post("/return")
async def come_back(request: Request, organization: str, location: str, hold_id: str) -> Response:
    """The page is there again: the hold has its term again. JSON: how many seconds are left."""
    site, hold, _ = await _find(request, organization, location, hold_id)
    with suppress(HoldExpired, HoldNotLive):
        hold = await site.transact(lambda tx: visitors.return_to_hold(tx, hold.id))
    return await _left(site, hold)


async def _find(request: Request, organization: str, location: str, hold_id: str) -> tuple[Site, Hold, Choice]:
    site = await open_site(request, organization, location)
    id = parse_id("hold", hold_id)

    async def work(tx: Transaction) -> tuple[Hold, Choice]:
        hold = await visitors.own_hold(tx, id, site.visitor)
        service = await get_service(tx, hold.service_id)
        role, people = await providers_of(tx, service, site.here)
        held = {claim["resource_id"] for claim in hold.claims if claim["role"] == role}
        person = next((each for each in people if str(each.id) in held), None)
        return hold, Choice(service, role, people, person)

    hold, choice = await site.transact(work)
    return site, hold, choice


async def _book(site: Site, hold: Hold, choice: Choice, typed: Details) -> str:
    """The token of the visit's private link. A hold that ran out is taken again if nobody came meanwhile."""
    assert typed.client is not None
    client, note = typed.client, typed.note.strip() or None

    async def confirmed(tx: Transaction) -> str:
        return await visitors.issue_link(tx, (await booking.confirm_hold(tx, hold.id, client, note=note)).id)

    async def taken_again(tx: Transaction) -> str:
        visit = choice.visit(site, hold.starts_at)
        made: Appointment = await booking.book(tx, visit, client, note=note, visitor=site.visitor)
        return await visitors.issue_link(tx, made.id)

    try:
        return await site.transact(confirmed)
    except HoldExpired:
        return await site.transact(taken_again)


async def _page(site: Site, hold: Hold, choice: Choice, typed: Details | None = None, *, status: int = 200) -> Response:
    left = max(0, int((hold.expires_at - await _now(site)).total_seconds()))
    return site.page(
        "booking/details.html",
        status=status,
        hold=hold,
        choice=choice,
        seconds_left=left,
        seconds_in_all=int((hold.expires_at - hold.created_at).total_seconds()),
        typed=typed.typed if typed else None,
        errors=typed.errors if typed else None,
    )


async def _lost(site: Site, hold: Hold, choice: Choice, typed: Details) -> Response:
    found = await nearest(site, choice, hold.starts_at)
    return site.page(
        "booking/lost.html",
        status=409,
        hold=hold,
        choice=choice,
        alternatives=found,
        typed=typed.typed,
        hold_id=hold.id,
    )


async def _left(site: Site, hold: Hold) -> Response:
    live = hold.state == "live"
    seconds = (hold.expires_at - await _now(site)).total_seconds() if live else 0
    return JSONResponse({"seconds": max(0, int(seconds))})


async def _now(site: Site) -> datetime:
    """The database's clock, which decides whether a hold is live."""

    async def look(tx: Transaction) -> datetime:
        return tx.scene.began_at

    return await site.transact(look)


def _read(site: Site, name: str, email: str, phone: str, note: str) -> Details:
    """What was typed, checked by the API's own rules. The location's country code may be left out of a phone number."""
    typed, gettext = Details(name, email, phone, note), site.language.gettext
    asked: dict[str, str] = {"name": name}
    if email.strip():
        asked["email"] = email.strip()
    if phone.strip():
        asked["phone"] = _international(phone, territory_of(site.here.time_zone))
    if "email" not in asked and "phone" not in asked:
        typed.errors["email"] = gettext("Give an e-mail address or a phone number: one is enough.")
    try:
        checked = ClientAsk.model_validate(asked)
        typed.client = None if typed.errors else checked.details(None)
    except ValidationError as invalid:
        said = {
            "name": gettext("Write your name."),
            "email": gettext("This does not look like an e-mail address."),
            "phone": gettext("This does not look like a phone number."),
        }
        for each in invalid.errors():
            where = str(each["loc"][0]) if each["loc"] else "name"
            typed.errors[where] = said.get(where, each["msg"])
    return typed


def _international(phone: str, territory: str | None) -> str:
    try:
        number = phonenumbers.parse(phone, territory)
    except phonenumbers.NumberParseException:
        return phone
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
