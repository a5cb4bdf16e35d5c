"""Deliveries: what is owed outside, what is stuck and why, and what a person can do about it."""

from __future__ import annotations

from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response

from holdfast.db.transact import Transaction
from holdfast.errors import Invalid
from holdfast.http.api.references import read_time_cursor, write_cursor
from holdfast.http.callers import ManageKey
from holdfast.http.commands import Answer, answer, read, run_command
from holdfast.http.documented import REFUSALS, made
from holdfast.http.webhook_shapes import Count, DeliveryDetail, DeliveryList, DeliveryShape, DiscardAsk, SinceAsk
from holdfast.ids import parse_id
from holdfast.log.public import EventNames
from holdfast.webhooks import service as webhooks

router = APIRouter(prefix="/v1/deliveries", tags=["deliveries"], responses=REFUSALS)


@router.get("", responses=made(DeliveryList, 200))
async def list_deliveries(
    request: Request,
    principal: ManageKey,
    state: Literal["pending", "delivered", "dead", "discarded"] | None = None,
    webhook: Annotated[str | None, Query(max_length=64)] = None,
    cursor: Annotated[str | None, Query(max_length=200)] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> Response:
    """Deliveries, newest first. `state=dead` lists what needs a person."""
    after = read_time_cursor(cursor)
    endpoint_id = _endpoint(webhook)
    names: EventNames = request.app.state.event_names

    async def work(tx: Transaction) -> Answer:
        found = await webhooks.list_deliveries(tx, limit=limit + 1, state=state, endpoint_id=endpoint_id, after=after)
        page, more = found[:limit], len(found) > limit
        items = [DeliveryShape.of(each, principal.organization_id, names) for each in page]
        next_page = write_cursor(page[-1].created_at.isoformat(), str(page[-1].id)) if more else None
        return answer(200, DeliveryList(items=items, next=next_page))

    return await read(request, principal.caller(), work)


@router.get("/{delivery_id}", responses=made(DeliveryDetail, 200))
async def get_delivery(request: Request, delivery_id: str, principal: ManageKey) -> Response:
    """One delivery: the message as it is sent, and every attempt with what they answered."""
    id = _id(delivery_id)

    async def work(tx: Transaction) -> Answer:
        delivery = await webhooks.get_delivery(tx, id)
        attempts = await webhooks.list_attempts(tx, id)
        return answer(
            200, DeliveryDetail.of(delivery, attempts, principal.organization_id, request.app.state.event_names)
        )

    return await read(request, principal.caller(), work)


@router.post("/{delivery_id}/retry", responses=made(DeliveryShape, 200))
async def retry_delivery(request: Request, delivery_id: str, principal: ManageKey) -> Response:
    """Try it again now, whatever its state. The receiver sees the `webhook-id` that it saw before."""
    id = _id(delivery_id)

    async def work(tx: Transaction) -> Answer:
        retried = await webhooks.retry_delivery(tx, id)
        return answer(200, DeliveryShape.of(retried, principal.organization_id, request.app.state.event_names))

    return await run_command(request, principal.caller(), work)


@router.post("/{delivery_id}/fail", responses=made(DeliveryShape, 200))
async def fail_delivery(request: Request, delivery_id: str, principal: ManageKey) -> Response:
    """Make no more attempts: it becomes a dead letter now. What waits behind it goes on waiting."""
    id = _id(delivery_id)

    async def work(tx: Transaction) -> Answer:
        failed = await webhooks.fail_delivery(tx, id)
        return answer(200, DeliveryShape.of(failed, principal.organization_id, request.app.state.event_names))

    return await run_command(request, principal.caller(), work)


@router.post("/{delivery_id}/discard", responses=made(DeliveryShape, 200))
async def discard_delivery(request: Request, delivery_id: str, ask: DiscardAsk, principal: ManageKey) -> Response:
    """Give it up, for a reason. What waited behind it is sent."""
    id = _id(delivery_id)

    async def work(tx: Transaction) -> Answer:
        discarded = await webhooks.discard_delivery(tx, id, ask.reason)
        return answer(200, DeliveryShape.of(discarded, principal.organization_id, request.app.state.event_names))

    return await run_command(request, principal.caller(), work)


@router.post("/retry_dead", responses=made(Count, 200))
async def retry_dead(request: Request, ask: SinceAsk, principal: ManageKey) -> Response:
    """Try every dead letter about what happened since then again; of one `webhook`, or of all."""
    endpoint_id = _endpoint(ask.webhook)
    if ask.since.tzinfo is None:
        raise Invalid("since needs an offset, such as Z.", field="since")

    async def work(tx: Transaction) -> Answer:
        return answer(200, Count(deliveries=await webhooks.retry_since(tx, ask.since, endpoint_id=endpoint_id)))

    return await run_command(request, principal.caller(), work)


def _id(delivery_id: str) -> UUID:
    return parse_id("delivery", delivery_id)


def _endpoint(webhook: str | None) -> UUID | None:
    return None if webhook is None else parse_id("webhook_endpoint", webhook)
