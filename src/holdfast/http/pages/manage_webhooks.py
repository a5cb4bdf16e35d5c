"""Manage: webhook endpoints, where other systems are told what happens."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any, Final

from fastapi import APIRouter, Request, Response

from holdfast.db.transact import Transaction
from holdfast.errors import Invalid, StateRefused
from holdfast.http.pages.manage_form import Fields, FormErrors, Reader, typed_in
from holdfast.http.pages.manage_frame import beside, keep, manage_page
from holdfast.http.pages.pages import PageRoute, language_of, record_of, see
from holdfast.http.pages.staff_session import Desk
from holdfast.ids import parse_id, public_id
from holdfast.log.public import PUBLIC_TYPES
from holdfast.webhooks import service as webhooks
from holdfast.webhooks.model import Delivery, Endpoint, NewSecret
from holdfast.webhooks.outbound import check_url

router = APIRouter(prefix="/desk/manage/webhooks", route_class=PageRoute, include_in_schema=False)

HOME: Final = "/desk/manage/webhooks"
SHOWN: Final = 20


@router.get("")
async def endpoints(request: Request, staff: Desk) -> Response:
    """Every endpoint and how it is doing."""
    staff.require("manage")
    found = await record_of(request).transact(staff.caller(), webhooks.list_endpoints)
    return await manage_page(
        request, staff, "manage/webhooks.html", topic="webhooks", endpoints=found, home=HOME, url_of=_url
    )


@router.get("/new")
async def new_endpoint(request: Request, staff: Desk) -> Response:
    """Where to, and what about?"""
    return await _form(request, staff, {"events": "appointment.*"})


@router.post("/new")
async def add_endpoint(request: Request, staff: Desk) -> Response:
    """Add it, and show the secret that signs what is sent there: this once."""
    staff.require("manage")
    typed = await typed_in(request)
    made: list[NewSecret] = []

    async def draw(**context: Any) -> Response:
        return await _form(request, staff, typed, **context)

    async def work(tx: Transaction) -> None:
        made.append(await webhooks.add_endpoint(tx, request.app.state.webhook_secrets, **_read(request, typed)))

    answer = await keep(request, staff, work, draw, HOME)
    return await _secret(request, staff, made[-1]) if answer.status_code == 303 else answer


@router.get("/{webhook_id}")
async def endpoint(request: Request, staff: Desk, webhook_id: str) -> Response:
    """One endpoint, what is wrong with it, and what was sent there last. Raises NotFound."""
    staff.require("manage")
    return await _endpoint(request, staff, webhook_id)


@router.post("/{webhook_id}")
async def change_endpoint(request: Request, staff: Desk, webhook_id: str) -> Response:
    """Another address, other events."""
    staff.require("manage")
    typed = await typed_in(request)
    id = parse_id("webhook_endpoint", webhook_id)

    async def draw(**context: Any) -> Response:
        return await _endpoint(request, staff, webhook_id, typed=typed, **context)

    async def work(tx: Transaction) -> None:
        await webhooks.change_endpoint(tx, id, **_read(request, typed))

    return await keep(request, staff, work, draw, f"{_url(id)}?done=change")


@router.post("/{webhook_id}/test")
async def send_test(request: Request, staff: Desk, webhook_id: str) -> Response:
    """Send it a message that says it is a test."""
    id = parse_id("webhook_endpoint", webhook_id)
    return await _do(request, staff, webhook_id, lambda tx: webhooks.test_endpoint(tx, id))


@router.post("/{webhook_id}/replay")
async def replay(request: Request, staff: Desk, webhook_id: str) -> Response:
    """Send it what happened in a time and it has not got."""
    staff.require("manage")
    typed = await typed_in(request)
    id = parse_id("webhook_endpoint", webhook_id)

    async def draw(**context: Any) -> Response:
        return await _endpoint(request, staff, webhook_id, span=typed, **context)

    async def work(tx: Transaction) -> None:
        await webhooks.replay(tx, id, *_span(request, typed))

    return await keep(request, staff, work, draw, f"{_url(id)}?done=change")


@router.post("/{webhook_id}/enable")
async def enable(request: Request, staff: Desk, webhook_id: str) -> Response:
    """What is pending goes out again."""
    id = parse_id("webhook_endpoint", webhook_id)
    return await _do(request, staff, webhook_id, lambda tx: webhooks.change_endpoint(tx, id, enabled=True))


@router.post("/{webhook_id}/disable")
async def disable(request: Request, staff: Desk, webhook_id: str) -> Response:
    """Nothing more is sent there until it is enabled."""
    id = parse_id("webhook_endpoint", webhook_id)
    return await _do(request, staff, webhook_id, lambda tx: webhooks.change_endpoint(tx, id, enabled=False))


@router.post("/{webhook_id}/secret")
async def rotate_secret(request: Request, staff: Desk, webhook_id: str) -> Response:
    """A new secret, shown this once; for a day messages are signed with both."""
    staff.require("manage")
    id = parse_id("webhook_endpoint", webhook_id)
    new = await record_of(request).transact(
        staff.caller(), lambda tx: webhooks.rotate_secret(tx, request.app.state.webhook_secrets, id)
    )
    return await _secret(request, staff, new)


@router.post("/{webhook_id}/remove")
async def remove(request: Request, staff: Desk, webhook_id: str) -> Response:
    """Nothing is sent there any more; what it was owed is discarded."""
    staff.require("manage")
    id = parse_id("webhook_endpoint", webhook_id)
    await record_of(request).transact(staff.caller(), lambda tx: webhooks.remove_endpoint(tx, id))
    return see(f"{HOME}?done=retire")


async def _do(
    request: Request, staff: Desk, webhook_id: str, work: Callable[[Transaction], Awaitable[object]]
) -> Response:
    staff.require("manage")
    try:
        await record_of(request).transact(staff.caller(), work)
    except StateRefused as refusal:
        return await _endpoint(request, staff, webhook_id, status=409, **beside(request, refusal))
    return see(f"{HOME}/{webhook_id}?done=change")


def _read(request: Request, typed: Fields) -> dict[str, Any]:
    """What is typed, when things may be sent there. Raises FormErrors, Invalid."""
    reader = Reader(typed, language_of(request))
    url, events = reader.text("url"), typed.get("events", "").replace(",", " ").split()
    if not events:
        reader.wrong("events", "What about? Name at least one event, such as appointment.*")
    reader.done()
    try:
        check_url(url, request.app.state.webhook_allowed_hosts)
    except Invalid as refused:
        raise FormErrors({"url": language_of(request).said(refused.detail)}) from None
    return {"url": url, "events": events, "description": typed.get("description", "")}


def _span(request: Request, typed: Fields) -> tuple[datetime, datetime | None]:
    """From when, and until when (None: until now), in UTC. Raises FormErrors."""
    gettext = language_of(request).gettext
    found: dict[str, datetime] = {}
    wrong: dict[str, str] = {}
    for name in ("since", "until"):
        text = typed.get(name, "").strip()
        try:
            if text or name == "since":
                found[name] = datetime.fromisoformat(text).replace(tzinfo=UTC)
        except ValueError:
            wrong[name] = gettext("A day and a time, such as 2027-03-06T14:00.")
    if not wrong and "until" in found and found["until"] <= found["since"]:
        wrong["until"] = gettext("This is not after the beginning.")
    if wrong:
        raise FormErrors(wrong)
    return found["since"], found.get("until")


def _utc(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC"


def _url(id: Any) -> str:
    return f"{HOME}/{public_id('webhook_endpoint', id)}"


async def _form(request: Request, staff: Desk, typed: Fields, *, problem: str = "", **context: Any) -> Response:
    return await manage_page(
        request, staff, "manage/new_webhook.html", topic="webhooks", typed=typed, problem=problem, home=HOME,
        types=sorted(PUBLIC_TYPES), seen="", **context,
    )  # fmt: skip


async def _endpoint(
    request: Request,
    staff: Desk,
    webhook_id: str,
    *,
    typed: Fields | None = None,
    span: Fields | None = None,
    problem: str = "",
    **context: Any,
) -> Response:
    id = parse_id("webhook_endpoint", webhook_id)

    async def work(tx: Transaction) -> tuple[Endpoint, list[Delivery]]:
        return await webhooks.get_endpoint(tx, id), await webhooks.list_deliveries(tx, limit=SHOWN, endpoint_id=id)

    found, sent = await record_of(request).transact(staff.caller(), work)
    fields = {"url": found.url, "events": " ".join(found.events), "description": found.description}
    return await manage_page(
        request,
        staff,
        "manage/webhook.html",
        topic="webhooks",
        typed={**(fields if typed is None else typed), **(span or {})},
        problem=problem,
        home=HOME,
        utc=_utc,
        public_id=public_id,
        endpoint=found,
        url=_url(id),
        deliveries=sent,
        types=sorted(PUBLIC_TYPES),
        seen="",
        **context,
    )


async def _secret(request: Request, staff: Desk, new: NewSecret) -> Response:
    return await manage_page(
        request, staff, "manage/secret.html", topic="webhooks", secret=new.secret, url=_url(new.endpoint_id)
    )
