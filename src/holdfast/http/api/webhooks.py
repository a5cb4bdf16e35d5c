"""Webhook endpoints: where an organization's events are sent."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Body, Request, Response

from holdfast.db.transact import Transaction
from holdfast.errors import Invalid
from holdfast.http.callers import ManageKey
from holdfast.http.commands import Answer, answer, read, run_command
from holdfast.http.documented import REFUSALS, made
from holdfast.http.webhook_shapes import (
    Count,
    DeliveryShape,
    EndpointAsk,
    EndpointChange,
    EndpointList,
    EndpointShape,
    EndpointWithSecret,
    ReplayAsk,
    RotateAsk,
)
from holdfast.ids import parse_id, public_id
from holdfast.webhooks import service as webhooks
from holdfast.webhooks.model import NewSecret
from holdfast.webhooks.outbound import check_url

router = APIRouter(prefix="/v1/webhooks", tags=["webhooks"], responses=REFUSALS)


@router.post("", status_code=201, responses=made(EndpointWithSecret))
async def add_endpoint(request: Request, ask: EndpointAsk, principal: ManageKey) -> Response:
    """Have events sent to a URL. The answer holds the secret that signs them.

    `secret` is shown in this answer alone: a repeated request is answered with `secret: null`. After a lost answer,
    rotate the secret.
    """
    url = check_url(ask.url, request.app.state.webhook_allowed_hosts)

    async def work(tx: Transaction) -> Answer:
        new = await webhooks.add_endpoint(
            tx, request.app.state.webhook_secrets, url=url, events=ask.events, description=ask.description
        )
        return await _with_secret(tx, new, 201)

    return await run_command(request, principal.caller(), work)


@router.get("", responses=made(EndpointList, 200))
async def list_endpoints(request: Request, principal: ManageKey) -> Response:
    """Every endpoint, newest first."""

    async def work(tx: Transaction) -> Answer:
        items = [EndpointShape.of(each) for each in await webhooks.list_endpoints(tx)]
        return answer(200, EndpointList(items=items))

    return await read(request, principal.caller(), work)


@router.get("/{webhook_id}", responses=made(EndpointShape, 200))
async def get_endpoint(request: Request, webhook_id: str, principal: ManageKey) -> Response:
    """One endpoint, with what is wrong with it."""
    id = _id(webhook_id)

    async def work(tx: Transaction) -> Answer:
        return answer(200, EndpointShape.of(await webhooks.get_endpoint(tx, id)))

    return await read(request, principal.caller(), work)


@router.patch("/{webhook_id}", responses=made(EndpointShape, 200))
async def change_endpoint(request: Request, webhook_id: str, ask: EndpointChange, principal: ManageKey) -> Response:
    """Change what is given. `enabled: true` sends what is pending; what it missed while disabled needs a replay."""
    id = _id(webhook_id)
    if ask.url is not None:
        check_url(ask.url, request.app.state.webhook_allowed_hosts)

    async def work(tx: Transaction) -> Answer:
        changed = await webhooks.change_endpoint(
            tx, id, url=ask.url, events=ask.events, description=ask.description, enabled=ask.enabled
        )
        return answer(200, EndpointShape.of(changed))

    return await run_command(request, principal.caller(), work)


@router.delete("/{webhook_id}", status_code=204)
async def remove_endpoint(request: Request, webhook_id: str, principal: ManageKey) -> Response:
    """Send nothing there any more. What it was owed is discarded."""
    id = _id(webhook_id)

    async def work(tx: Transaction) -> Answer:
        await webhooks.remove_endpoint(tx, id)
        return Answer(204, b"")

    return await run_command(request, principal.caller(), work)


@router.post("/{webhook_id}/rotate_secret", responses=made(EndpointWithSecret, 200))
async def rotate_secret(
    request: Request, webhook_id: str, principal: ManageKey, ask: Annotated[RotateAsk | None, Body()] = None
) -> Response:
    """A new secret, shown this once. For `overlap_hours` messages carry signatures by both, so none is refused.

    A repeated request is answered with `secret: null`, and rotates nothing.
    """
    id, hours = _id(webhook_id), (ask or RotateAsk()).overlap_hours

    async def work(tx: Transaction) -> Answer:
        new = await webhooks.rotate_secret(tx, request.app.state.webhook_secrets, id, overlap_hours=hours)
        return await _with_secret(tx, new, 200)

    return await run_command(request, principal.caller(), work)


@router.post("/{webhook_id}/test", status_code=201, responses=made(DeliveryShape))
async def test_endpoint(request: Request, webhook_id: str, principal: ManageKey) -> Response:
    """Send it a message of type `webhook_endpoint.tested`. The delivery tells how it went, a moment later."""
    id, names = _id(webhook_id), request.app.state.event_names

    async def work(tx: Transaction) -> Answer:
        delivery = await webhooks.test_endpoint(tx, id)
        address = f"/v1/deliveries/{public_id('delivery', delivery.id)}"
        return answer(201, DeliveryShape.of(delivery, principal.organization_id, names), location=address)

    return await run_command(request, principal.caller(), work)


@router.post("/{webhook_id}/replay", responses=made(Count, 200))
async def replay(request: Request, webhook_id: str, ask: ReplayAsk, principal: ManageKey) -> Response:
    """Send it everything of that time that it has not got: dead letters, and what happened while it was disabled."""
    id = _id(webhook_id)
    for name, instant in (("since", ask.since), ("until", ask.until)):
        if instant is not None and instant.tzinfo is None:
            raise Invalid(f"{name} needs an offset, such as Z.", field=name)

    async def work(tx: Transaction) -> Answer:
        return answer(200, Count(deliveries=await webhooks.replay(tx, id, ask.since, ask.until)))

    return await run_command(request, principal.caller(), work)


async def _with_secret(tx: Transaction, new: NewSecret, status: int) -> Answer:
    endpoint = EndpointShape.of(await webhooks.get_endpoint(tx, new.endpoint_id))
    address = f"/v1/webhooks/{endpoint.id}" if status == 201 else None
    shown = EndpointWithSecret(**endpoint.model_dump(), secret=new.secret)
    return answer(status, shown, location=address, kept=shown.model_copy(update={"secret": None}))


def _id(webhook_id: str) -> UUID:
    return parse_id("webhook_endpoint", webhook_id)
