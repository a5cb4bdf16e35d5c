"""Signing in and out."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Form, Request, Response

from holdfast.access import service as access
from holdfast.access import staff as people
from holdfast.access.founding import unstaffed
from holdfast.access.staff import Doorkeeper
from holdfast.catalog.service import get_organization
from holdfast.db.transact import Caller
from holdfast.errors import NotFound, SignInRefused, TooManyRequests
from holdfast.http.callers import network_of
from holdfast.http.pages import staff_session
from holdfast.http.pages.pages import PageRoute, language_of, page, record_of, see
from holdfast.http.pages.staff_session import NEXT_MAX, Desk, safe_next, signed_in

router = APIRouter(route_class=PageRoute, include_in_schema=False)

Text = Annotated[str, Form(max_length=400)]
Next = Annotated[str, Form(max_length=NEXT_MAX)]


@router.get("/sign-in")
async def sign_in_anywhere(request: Request, next: str = "", organization: str = "") -> Response:
    """To the organization that this browser knows, or the only one; with several, ask for its name. Nobody yet: set up.

    Which ones live here is not told to whoever asks.
    """
    if await unstaffed(record_of(request)) is not None:
        return see("/setup")
    found = await access.list_organization_ids(record_of(request))
    if not found:
        return see("/setup")
    slug = organization.strip().lower() or staff_session.known_organization(request)
    if not slug and len(found) == 1:
        slug = (await record_of(request).transact(Caller(found[0], "system", "desk"), get_organization)).slug
    if not slug:
        return page(request, "desk/which.html", next=safe_next(next), asked="", problem="")
    return see(f"/sign-in/{quote(slug, safe='')}?next={quote(safe_next(next), safe='/')}")


@router.get("/sign-in/{organization}")
async def sign_in_page(request: Request, organization: str, next: str = "/desk", done: str = "") -> Response:
    """The form, unless somebody is signed in already."""
    staff = await signed_in(request)
    if staff is not None and staff.organization_slug == organization:
        after = quote(safe_next(next), safe="/")
        return see(safe_next(next) if staff.complete else f"/sign-in/{organization}/code?next={after}")
    try:
        await access.find_organization(record_of(request), organization)
    except NotFound:
        problem = language_of(request).gettext("There is no business of this name here.")
        return page(
            request, "desk/which.html", status=404, next=safe_next(next), asked=organization[:80], problem=problem
        )
    message = language_of(request).gettext("Your password is set. Sign in with it.") if done else ""
    return await _sign_in_form(request, organization, next, message=message)


@router.post("/sign-in/{organization}")
async def sign_in(request: Request, organization: str, email: Text, password: Text, next: Next = "/desk") -> Response:
    """Check the password; where a second factor is set up, ask for it."""
    organization_id = await access.find_organization(record_of(request), organization)
    keeper: Doorkeeper = request.app.state.doorkeeper
    try:
        session = await keeper.sign_in(organization_id, email, password, network_of(request) or "")
    except (SignInRefused, TooManyRequests) as refusal:
        problem = language_of(request).said(refusal.detail)
        return await _sign_in_form(request, organization, next, email=email, problem=problem, status=401)
    after = safe_next(next)
    target = after if session.complete else f"/sign-in/{organization}/code?next={quote(after, safe='/')}"
    return staff_session.begin(request, see(target), session, organization)


@router.get("/sign-in/{organization}/code")
async def code_page(request: Request, organization: str, next: str = "/desk") -> Response:
    """Ask for the code of the second factor."""
    staff = await signed_in(request)
    if staff is None or staff.complete:
        return see(f"/sign-in/{organization}?next={quote(safe_next(next), safe='/')}")
    return page(request, "desk/code.html", place=organization, next=safe_next(next), problem="")


@router.post("/sign-in/{organization}/code")
async def give_code(request: Request, organization: str, code: Text, next: Next = "/desk") -> Response:
    """The session is complete, under another token."""
    staff = await signed_in(request)
    if staff is None:
        return see(f"/sign-in/{organization}")
    keeper: Doorkeeper = request.app.state.doorkeeper
    try:
        session = await keeper.give_code(staff, code, network_of(request) or "")
    except (SignInRefused, TooManyRequests) as refusal:
        problem = language_of(request).said(refusal.detail)
        return page(request, "desk/code.html", status=401, place=organization, next=safe_next(next), problem=problem)
    return staff_session.begin(request, see(safe_next(next)), session, organization)


@router.post("/sign-out")
async def sign_out(request: Request) -> Response:
    """The session is over here."""
    staff = await signed_in(request)
    if staff is not None:
        await record_of(request).transact(staff.caller(), lambda tx: people.end_session(tx, staff.session_id))
    return staff_session.end(request)


@router.post("/sign-out/everywhere")
async def sign_out_everywhere(request: Request, staff: Desk) -> Response:
    """Every session of this person is over."""
    await record_of(request).transact(staff.caller(), lambda tx: people.end_sessions(tx, staff.staff_id))
    return staff_session.end(request)


async def _sign_in_form(
    request: Request, slug: str, next: str, *, email: str = "", problem: str = "", message: str = "", status: int = 200
) -> Response:
    organization_id = await access.find_organization(record_of(request), slug)
    organization = await record_of(request).transact(Caller(organization_id, "system", "desk"), get_organization)
    return page(
        request,
        "desk/sign_in.html",
        status=status,
        place=organization.name,
        slug=slug,
        next=safe_next(next),
        email=email,
        problem=problem,
        message=message,
    )
