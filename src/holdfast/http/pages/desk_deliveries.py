"""What other programs were told, and what they would not take: webhooks' dead letters, in words of the desk."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Annotated, Final
from uuid import UUID

from fastapi import APIRouter, Form, Query, Request, Response

from holdfast.access.staff import SignedIn
from holdfast.catalog import service as catalog
from holdfast.db.transact import Transaction
from holdfast.errors import StateRefused
from holdfast.http.api.references import read_time_cursor, write_cursor
from holdfast.http.pages.desk_frame import desk_page
from holdfast.http.pages.pages import PageRoute, language_of, record_of, see
from holdfast.http.pages.staff_session import Desk
from holdfast.ids import parse_id, public_id
from holdfast.web.languages import Language
from holdfast.webhooks import service as webhooks
from holdfast.webhooks.message import message_of
from holdfast.webhooks.model import Attempt, Delivery, Endpoint
from holdfast.webhooks.service import STATES

router = APIRouter(prefix="/desk/deliveries", route_class=PageRoute, include_in_schema=False)

PAGE: Final = 30
BEGINNING: Final = datetime(1970, 1, 1, tzinfo=UTC)


@router.get("")
async def list_deliveries(
    request: Request,
    staff: Desk,
    state: Annotated[str, Query(max_length=12)] = "dead",
    cursor: Annotated[str | None, Query(max_length=200)] = None,
) -> Response:
    """What could not be delivered, or everything in another state; and how each receiver is."""
    staff.require("everybody")
    after, wanted = read_time_cursor(cursor), state if state in STATES else "dead"

    async def work(tx: Transaction) -> tuple[list[Delivery], list[Endpoint], str]:
        places = await catalog.list_locations(tx)
        found = await webhooks.list_deliveries(tx, limit=PAGE + 1, state=wanted, after=after)
        return found, await webhooks.list_endpoints(tx), places[0].time_zone if places else "UTC"

    found, endpoints, zone = await record_of(request).transact(staff.caller(), work)
    more = found[PAGE - 1] if len(found) > PAGE else None
    place = write_cursor(more.created_at.isoformat(), str(more.id)) if more else ""
    return await desk_page(
        request, staff, "desk/deliveries.html", section="messages", found=found[:PAGE], endpoints=endpoints, zone=zone,
        state=wanted, states=STATES, words=_words(language_of(request)), public_id=public_id,
        next_url=f"/desk/deliveries?state={wanted}&cursor={place}" if more else None,
    )  # fmt: skip


@router.post("/retry")
async def retry_all(request: Request, staff: Desk, endpoint: Annotated[str, Form(max_length=64)] = "") -> Response:
    """Try every dead letter of one receiver again, from the oldest on."""
    staff.require("everybody")
    staff.require("book")
    endpoint_id = parse_id("webhook_endpoint", endpoint)

    async def work(tx: Transaction) -> None:
        await webhooks.get_endpoint(tx, endpoint_id)
        await webhooks.retry_since(tx, BEGINNING, endpoint_id=endpoint_id)

    await record_of(request).transact(staff.caller(), work)
    return see("/desk/deliveries?state=pending")


@router.get("/{delivery_id}")
async def show(request: Request, staff: Desk, delivery_id: str) -> Response:
    """One delivery and every try."""
    staff.require("everybody")
    return await _page(request, staff, parse_id("delivery", delivery_id))


@router.post("/{delivery_id}/retry")
async def retry(request: Request, staff: Desk, delivery_id: str) -> Response:
    """Try it again now."""
    staff.require("everybody")
    staff.require("book")
    id = parse_id("delivery", delivery_id)
    try:
        await record_of(request).transact(staff.caller(), lambda tx: webhooks.retry_delivery(tx, id))
    except StateRefused as refusal:
        return await _page(request, staff, id, problem=language_of(request).said(refusal.detail))
    return see(f"/desk/deliveries/{delivery_id}")


@router.post("/{delivery_id}/fail")
async def fail(request: Request, staff: Desk, delivery_id: str) -> Response:
    """No more tries: whoever looks after the receiver knows that it will not take it."""
    staff.require("everybody")
    staff.require("book")
    id = parse_id("delivery", delivery_id)
    try:
        await record_of(request).transact(staff.caller(), lambda tx: webhooks.fail_delivery(tx, id))
    except StateRefused as refusal:
        return await _page(request, staff, id, problem=refusal.detail)
    return see(f"/desk/deliveries/{delivery_id}")


@router.post("/{delivery_id}/discard")
async def discard(
    request: Request, staff: Desk, delivery_id: str, reason: Annotated[str, Form(max_length=500)] = ""
) -> Response:
    """Give it up, for a reason; what waited behind it goes on."""
    staff.require("everybody")
    staff.require("book")
    id, why = parse_id("delivery", delivery_id), reason.strip()
    if not why:
        return await _page(request, staff, id, problem=language_of(request).gettext("Write why it is given up."))
    try:
        await record_of(request).transact(staff.caller(), lambda tx: webhooks.discard_delivery(tx, id, why))
    except StateRefused as refusal:
        return await _page(request, staff, id, problem=language_of(request).said(refusal.detail))
    return see(f"/desk/deliveries/{delivery_id}")


async def _page(request: Request, staff: SignedIn, id: UUID, *, problem: str = "") -> Response:
    async def work(tx: Transaction) -> tuple[Delivery, list[Attempt], str]:
        places = await catalog.list_locations(tx)
        zone = places[0].time_zone if places else "UTC"
        return await webhooks.get_delivery(tx, id), await webhooks.list_attempts(tx, id), zone

    delivery, attempts, zone = await record_of(request).transact(staff.caller(), work)
    return await desk_page(
        request, staff, "desk/delivery.html", section="messages", status=409 if problem else 200, delivery=delivery,
        attempts=attempts, zone=zone, words=_words(language_of(request)), problem=problem, public_id=public_id,
        body=json.dumps(json.loads(message_of(delivery)), indent=2),
    )  # fmt: skip


def _words(language: Language) -> dict[str, str]:
    """What was to be told, by the event's type; and how a delivery stands, by its state."""
    gettext = language.gettext
    return {
        "webhook_endpoint.tested": gettext("a test message"),
        "appointment.booked": gettext("a visit was booked"),
        "appointment.rescheduled": gettext("a visit was moved"),
        "appointment.cancelled": gettext("a visit was cancelled"),
        "appointment.checked_in": gettext("a client is here"),
        "appointment.completed": gettext("a visit is done"),
        "appointment.no_show": gettext("a client did not come"),
        "hold.placed": gettext("a time is held"),
        "hold.released": gettext("a held time is free again"),
        "hold.expired": gettext("a held time is free again"),
        "hold.confirmed": gettext("a held time was booked"),
        "block.placed": gettext("a time was blocked"),
        "block.removed": gettext("a blocked time is free again"),
        "block.moved": gettext("a blocked time is of another record now"),
        "busy.moved": gettext("a time of an outside calendar is of another record now"),
        "pending": gettext("to be sent"),
        "delivered": gettext("taken"),
        "dead": gettext("not taken"),
        "discarded": gettext("given up"),
    }
