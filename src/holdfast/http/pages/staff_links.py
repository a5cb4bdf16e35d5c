"""The links by which staff set their password: an invitation, or a reset that they may ask for themselves.

Looking at a link changes nothing, so a mail scanner that follows it spends nothing. The token stands in the address
only here: no other page is told where one came from, and the log has the route alone.
"""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Form, Request, Response
from starlette.background import BackgroundTask

from holdfast.access import service as access
from holdfast.access import staff as people
from holdfast.access.staff import Doorkeeper
from holdfast.catalog.model import Organization
from holdfast.catalog.service import get_organization
from holdfast.db.transact import Caller
from holdfast.errors import Invalid, LinkSpent, TooManyRequests
from holdfast.http.callers import network_of
from holdfast.http.pages.pages import PageRoute, language_of, page, record_of, see
from holdfast.messages.carriers import MessageSettings
from holdfast.messages.staff_mail import can_mail_staff, mail_staff

router = APIRouter(route_class=PageRoute, include_in_schema=False)

Text = Annotated[str, Form(max_length=400)]


@router.get("/welcome/{token}")
async def password_page(request: Request, token: str) -> Response:
    """Set a password."""
    try:
        holder = await people.holder_of_link(record_of(request), token)
    except LinkSpent:
        return _spent(request)
    return _untold(page(request, "desk/password.html", holder=holder))


@router.post("/welcome/{token}")
async def set_password(request: Request, token: str, password: Text) -> Response:
    """The password is set, the link is spent, and whoever was signed in no longer is."""
    try:
        holder = await people.set_password_by_link(record_of(request), token, password)
    except LinkSpent:
        return _spent(request)
    except Invalid as weak:
        holder = await people.holder_of_link(record_of(request), token)
        errors = {"password": language_of(request).said(weak.detail)}
        return _untold(page(request, "desk/password.html", status=422, holder=holder, errors=errors))
    caller = Caller(holder.organization_id, "system", "desk")
    organization = await record_of(request).transact(caller, get_organization)
    return _untold(see(f"/sign-in/{organization.slug}?done=1"))


@router.get("/forgot/{organization}")
async def forgot(request: Request, organization: str) -> Response:
    """Ask for a link, where mail can be sent; otherwise whom to ask."""
    return _forgot(request, await _organization(request, organization))


@router.post("/forgot/{organization}")
async def mail_link(request: Request, organization: str, email: Text) -> Response:
    """Mail a link to whoever signs in with this address. The answer is the same when nobody does."""
    there = await _organization(request, organization)
    keeper: Doorkeeper = request.app.state.doorkeeper
    if not can_mail_staff(request.app.state.message_settings):
        return _forgot(request, there)
    try:
        token = await keeper.reset_link(there.id, email, network_of(request) or "")
    except TooManyRequests as refusal:
        return _forgot(request, there, email=email, problem=language_of(request).said(refusal.detail), status=429)
    response = _forgot(request, there, sent=True)
    if token is not None:
        response.background = BackgroundTask(_mail, request, there, email.strip().lower(), token)
    return response


async def _mail(request: Request, organization: Organization, to: str, token: str) -> None:
    settings: MessageSettings = request.app.state.message_settings
    language = language_of(request)
    # Never the address that the request named: whoever sends one could have the link point to themselves.
    url = f"{(settings.public_url or '').rstrip('/')}/welcome/{token}"
    text = language.gettext(
        "Somebody, hopefully you, asked to set a new password for %(place)s.\n\n"
        "This link does it, once, within an hour:\n%(url)s\n\n"
        "If it was not you, do nothing: your password stays as it is."
    ) % {"place": organization.name, "url": url}
    await mail_staff(
        settings,
        to=to,
        sender_name=organization.name,
        language=language.tag,
        subject=language.gettext("Set a new password"),
        text=text,
    )


def _forgot(
    request: Request,
    organization: Organization,
    *,
    email: str = "",
    problem: str = "",
    sent: bool = False,
    status: int = 200,
) -> Response:
    return page(
        request,
        "desk/forgot.html",
        status=status,
        place=organization.name,
        slug=organization.slug,
        can_mail=can_mail_staff(request.app.state.message_settings),
        email=email,
        problem=problem,
        sent=sent,
    )


def _spent(request: Request) -> Response:
    return _untold(page(request, "desk/link_spent.html", status=410))


def _untold(response: Response) -> Response:
    response.headers["Referrer-Policy"] = "no-referrer"
    return response


async def _organization(request: Request, slug: str) -> Organization:
    organization_id = await access.find_organization(record_of(request), slug)
    return await record_of(request).transact(Caller(organization_id, "system", "desk"), get_organization)
