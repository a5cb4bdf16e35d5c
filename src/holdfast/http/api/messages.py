"""Messages: what clients were told, what could not be, and what a person can do about it."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request, Response

from holdfast.db.transact import Transaction
from holdfast.http.api.references import read_time_cursor, write_cursor
from holdfast.http.callers import ManageKey
from holdfast.http.commands import Answer, answer, read, run_command
from holdfast.http.documented import REFUSALS, made
from holdfast.http.message_shapes import DiscardMessageAsk, MessageList, MessageShape
from holdfast.ids import parse_id
from holdfast.messages import service as messages

router = APIRouter(prefix="/v1/messages", tags=["messages"], responses=REFUSALS)


@router.get("", responses=made(MessageList, 200))
async def list_messages(
    request: Request,
    principal: ManageKey,
    state: Literal["pending", "sent", "dead", "skipped"] | None = None,
    appointment: Annotated[str | None, Query(max_length=64)] = None,
    cursor: Annotated[str | None, Query(max_length=200)] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> Response:
    """Messages, newest first, with the words that were sent. `state=dead` lists what needs a person."""
    after = read_time_cursor(cursor)
    appointment_id = None if appointment is None else parse_id("appointment", appointment)

    async def work(tx: Transaction) -> Answer:
        found = await messages.list_messages(
            tx, limit=limit + 1, state=state, appointment_id=appointment_id, after=after
        )
        page, more = found[:limit], len(found) > limit
        following = write_cursor(page[-1].created_at.isoformat(), str(page[-1].id)) if more else None
        return answer(200, MessageList(items=[MessageShape.of(each) for each in page], next=following))

    return await read(request, principal.caller(), work)


@router.get("/{message_id}", responses=made(MessageShape, 200))
async def get_message(request: Request, message_id: str, principal: ManageKey) -> Response:
    """One message."""
    id = parse_id("message", message_id)

    async def work(tx: Transaction) -> Answer:
        return answer(200, MessageShape.of(await messages.get_message(tx, id)))

    return await read(request, principal.caller(), work)


@router.post("/{message_id}/retry", responses=made(MessageShape, 200))
async def retry_message(request: Request, message_id: str, principal: ManageKey) -> Response:
    """Send a dead or skipped message now, if it still makes sense then."""
    id = parse_id("message", message_id)

    async def work(tx: Transaction) -> Answer:
        return answer(200, MessageShape.of(await messages.retry_message(tx, id)))

    return await run_command(request, principal.caller(), work)


@router.post("/{message_id}/discard", responses=made(MessageShape, 200))
async def discard_message(request: Request, message_id: str, ask: DiscardMessageAsk, principal: ManageKey) -> Response:
    """Give a pending or dead message up, for a reason."""
    id = parse_id("message", message_id)

    async def work(tx: Transaction) -> Answer:
        return answer(200, MessageShape.of(await messages.discard_message(tx, id, ask.reason)))

    return await run_command(request, principal.caller(), work)
