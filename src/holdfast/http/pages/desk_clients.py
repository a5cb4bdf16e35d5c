"""Clients at the desk: found by name, phone or e-mail; who they are, how they are reached, when they were here."""

from __future__ import annotations

from typing import Annotated, Final, cast
from uuid import UUID

from fastapi import APIRouter, Form, Query, Request, Response

from holdfast.access.staff import SignedIn
from holdfast.booking import service as booking
from holdfast.booking.model import Appointment, AppointmentFilter
from holdfast.catalog import service as catalog
from holdfast.clients import service as clients
from holdfast.clients.service import Client
from holdfast.db.transact import Transaction
from holdfast.errors import RevisionMismatch
from holdfast.http.api.references import read_time_cursor, write_cursor
from holdfast.http.pages.desk_frame import desk_page
from holdfast.http.pages.desk_typed_client import TypedClient, read_client
from holdfast.http.pages.pages import PageRoute, language_of, record_of, see
from holdfast.http.pages.staff_session import Desk
from holdfast.ids import parse_id, public_id
from holdfast.messages import service as messages
from holdfast.messages.model import Channel
from holdfast.messages.templates import LANGUAGES
from holdfast.waitlist import service as waitlist

router = APIRouter(prefix="/desk/clients", route_class=PageRoute, include_in_schema=False)

PAGE: Final = 30
FOUND: Final = 50
VISITS: Final = 200
PAST_SHOWN: Final = 20
CHANNELS: Final[tuple[Channel, ...]] = ("email", "sms")
Text = Annotated[str, Form(max_length=500)]
Place = Annotated[str | None, Query(max_length=200)]


@router.get("")
async def recent(request: Request, staff: Desk, cursor: Place = None) -> Response:
    """The latest first, and the field to find any."""
    staff.require("contacts")
    after = read_time_cursor(cursor)

    async def work(tx: Transaction) -> list[Client]:
        return await clients.list_clients(tx, limit=PAGE + 1, before=(after.at, after.id) if after else None)

    found = await record_of(request).transact(staff.caller(), work)
    more = found[PAGE - 1] if len(found) > PAGE else None
    next = f"/desk/clients?cursor={write_cursor(more.created_at.isoformat(), str(more.id))}" if more else None
    return await _list(request, staff, found[:PAGE], next_url=next)


@router.post("")
async def find(request: Request, staff: Desk, text: Text = "") -> Response:
    """Whoever fits what was typed. By POST: an address is written down in many places, and this is somebody's data."""
    staff.require("contacts")
    if not text.strip():
        return see("/desk/clients")
    found = await record_of(request).transact(staff.caller(), lambda tx: clients.find_clients(tx, text, limit=FOUND))
    return await _list(request, staff, found, text=text)


@router.get("/{client_id}")
async def show(
    request: Request, staff: Desk, client_id: str, past: Annotated[int, Query(ge=1, le=VISITS)] = PAST_SHOWN
) -> Response:
    """One client."""
    staff.require("contacts")
    return await _page(request, staff, parse_id("client", client_id), past_shown=past)


@router.post("/{client_id}")
async def change(
    request: Request,
    staff: Desk,
    client_id: str,
    revision: Annotated[int, Form(ge=1)],
    name: Text = "",
    email: Text = "",
    phone: Text = "",
) -> Response:
    """Correct how they are called or reached, unless somebody else did meanwhile."""
    staff.require("contacts")
    staff.require("book")
    id, language = parse_id("client", client_id), language_of(request)
    zone = (await record_of(request).transact(staff.caller(), catalog.list_locations))[0].time_zone
    typed = read_client(name, email, phone, zone, language)
    if typed.client is None:
        return await _page(request, staff, id, typed=typed, status=422)
    said = typed.client

    async def work(tx: Transaction) -> None:
        await clients.change_client(tx, id, revision=revision, name=said.name or "", email=said.email, phone=said.phone)

    try:
        await record_of(request).transact(staff.caller(), work)
    except RevisionMismatch:
        problem = language.gettext("Somebody changed this client meanwhile. Nothing of yours was saved; look again.")
        return await _page(request, staff, id, problem=problem, status=412)
    return see(f"/desk/clients/{client_id}")


@router.post("/{client_id}/messages")
async def change_messages(
    request: Request,
    staff: Desk,
    client_id: str,
    language: Annotated[str, Form(max_length=2)] = "",
    takes: Annotated[list[str] | None, Form()] = None,
) -> Response:
    """Which language they are written to in, and by which channels."""
    staff.require("contacts")
    staff.require("book")
    id = parse_id("client", client_id)

    async def work(tx: Transaction) -> None:
        await messages.set_client_language(tx, id, language or None)
        for channel in CHANNELS:
            wanted = channel in (takes or [])
            if wanted != await messages.takes_messages(tx, id, channel):
                await messages.set_preference(tx, id, channel, allowed=wanted, source="staff")

    await record_of(request).transact(staff.caller(), work)
    return see(f"/desk/clients/{client_id}")


async def _list(
    request: Request, staff: SignedIn, found: list[Client], *, text: str = "", next_url: str | None = None
) -> Response:
    places = await record_of(request).transact(staff.caller(), catalog.list_locations)
    return await desk_page(
        request, staff, "desk/clients.html", section="clients", found=found, text=text, next_url=next_url,
        zone=places[0].time_zone if places else "UTC", public_id=public_id,
    )  # fmt: skip


async def _page(
    request: Request,
    staff: SignedIn,
    id: UUID,
    *,
    status: int = 200,
    problem: str = "",
    typed: TypedClient | None = None,
    past_shown: int = PAST_SHOWN,
) -> Response:
    async def work(tx: Transaction) -> dict[str, object]:
        client = await clients.get_client(tx, id)
        now, mine = tx.scene.began_at, AppointmentFilter(client_id=id)
        visits = await booking.list_appointments(tx, mine, limit=VISITS)
        return {
            "client": client,
            "coming": [each for each in visits if each.starts_at >= now],
            "past": [each for each in reversed(visits) if each.starts_at < now],
            "places": await waitlist.places_of_client(tx, id),
            "takes": [each for each in CHANNELS if await messages.takes_messages(tx, id, each)],
            "zone": (await catalog.list_locations(tx))[0].time_zone,
        }

    shown = await record_of(request).transact(staff.caller(), work)
    client = cast(Client, shown["client"])
    past = cast(list[Appointment], shown["past"])
    known = {"name": client.name, "email": client.email or "", "phone": client.phone or ""}
    response = await desk_page(
        request, staff, "desk/client.html", section="clients", status=status, problem=problem, past_shown=past_shown,
        more_past=len(past) > past_shown, typed=typed.typed if typed else known,
        errors=typed.errors if typed else None, public_id=public_id,
        languages=dict.fromkeys(("", *LANGUAGES, client.language or "")), **shown,
    )  # fmt: skip
    response.headers["ETag"] = f'"{client.revision}"'
    return response
