"""Messages to clients: what was sent, what is owed, what failed, and what to do about it."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Final
from uuid import UUID

from fastapi import APIRouter, Form, Query, Request, Response

from holdfast.access.staff import SignedIn
from holdfast.catalog import service as catalog
from holdfast.db.transact import Transaction
from holdfast.errors import NotFound, StateRefused
from holdfast.http.api.references import read_time_cursor, write_cursor
from holdfast.http.pages.desk_frame import desk_page
from holdfast.http.pages.desk_message_words import kinds_of_messages
from holdfast.http.pages.pages import PageRoute, language_of, record_of, see
from holdfast.http.pages.staff_session import Desk
from holdfast.ids import parse_id, public_id
from holdfast.messages import service as messages
from holdfast.messages.model import STATES, Message
from holdfast.messages.templates import Rendered
from holdfast.webhooks import service as webhooks

router = APIRouter(prefix="/desk/messages", route_class=PageRoute, include_in_schema=False)

PAGE: Final = 30
RETRY_BACK: Final = timedelta(days=7)


@router.get("")
async def list_messages(
    request: Request,
    staff: Desk,
    state: Annotated[str, Query(max_length=10)] = "",
    cursor: Annotated[str | None, Query(max_length=200)] = None,
) -> Response:
    """Newest first; all of them, or those in one state."""
    staff.require("contacts")
    after, wanted = read_time_cursor(cursor), state if state in STATES else None

    async def work(tx: Transaction) -> tuple[list[Message], str, bool, bool]:
        found = await messages.list_messages(tx, limit=PAGE + 1, state=wanted, after=after)
        places = await catalog.list_locations(tx)
        failed = await messages.list_messages(tx, limit=1, state="dead")
        dead_letters = await webhooks.list_deliveries(tx, limit=1, state="dead")
        return found, places[0].time_zone if places else "UTC", bool(failed), bool(dead_letters)

    found, zone, failed, dead_letters = await record_of(request).transact(staff.caller(), work)
    more = found[PAGE - 1] if len(found) > PAGE else None
    place = write_cursor(more.created_at.isoformat(), str(more.id)) if more else ""
    return await desk_page(
        request, staff, "desk/messages.html", section="messages", found=found[:PAGE], state=wanted or "",
        states=STATES, kinds=kinds_of_messages(language_of(request)), zone=zone, failed=failed,
        dead_letters=dead_letters, public_id=public_id,
        next_url=f"/desk/messages?state={wanted or ''}&cursor={place}" if more else None,
    )  # fmt: skip


@router.post("/retry")
async def retry_all(request: Request, staff: Desk) -> Response:
    """Send everything that failed in the last week, where it still makes sense."""
    staff.require("contacts")
    staff.require("book")
    await record_of(request).transact(
        staff.caller(), lambda tx: messages.retry_since(tx, tx.scene.began_at - RETRY_BACK)
    )
    return see("/desk/messages")


@router.get("/{message_id}")
async def show(request: Request, staff: Desk, message_id: str) -> Response:
    """One message: the words that went out, or that would go out now."""
    staff.require("contacts")
    return await _page(request, staff, parse_id("message", message_id))


@router.post("/{message_id}/retry")
async def retry(request: Request, staff: Desk, message_id: str) -> Response:
    """Send it now after all."""
    staff.require("contacts")
    staff.require("book")
    id = parse_id("message", message_id)
    try:
        await record_of(request).transact(staff.caller(), lambda tx: messages.retry_message(tx, id))
    except StateRefused as refusal:
        return await _page(request, staff, id, problem=language_of(request).said(refusal.detail))
    return see(f"/desk/messages/{message_id}")


@router.post("/{message_id}/discard")
async def discard(
    request: Request, staff: Desk, message_id: str, reason: Annotated[str, Form(max_length=500)] = ""
) -> Response:
    """Give it up, for a reason."""
    staff.require("contacts")
    staff.require("book")
    id, why = parse_id("message", message_id), reason.strip()
    if not why:
        return await _page(request, staff, id, problem=language_of(request).gettext("Write why it is given up."))
    try:
        await record_of(request).transact(staff.caller(), lambda tx: messages.discard_message(tx, id, why))
    except StateRefused as refusal:
        return await _page(request, staff, id, problem=language_of(request).said(refusal.detail))
    return see(f"/desk/messages/{message_id}")


async def _page(request: Request, staff: SignedIn, id: UUID, *, problem: str = "") -> Response:
    async def work(tx: Transaction) -> tuple[Message, Rendered | None, str]:
        message = await messages.get_message(tx, id)
        words = None if message.body else await _words_now(tx, id)
        places = await catalog.list_locations(tx)
        return message, words, places[0].time_zone if places else "UTC"

    message, words, zone = await record_of(request).transact(staff.caller(), work)
    return await desk_page(
        request, staff, "desk/message.html", section="messages", status=409 if problem else 200, message=message,
        words=words, zone=zone, kinds=kinds_of_messages(language_of(request)), problem=problem, public_id=public_id,
    )  # fmt: skip


async def _words_now(tx: Transaction, id: UUID) -> Rendered | None:
    try:
        return await messages.preview_message(tx, id)
    except NotFound:
        return None
