"""Signing in and out, and the second factor."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import quote

import segno
from fastapi import APIRouter, Form, Request, Response
from markupsafe import Markup

from holdfast.access import service as access
from holdfast.access import staff as people
from holdfast.access.sealed import Seal
from holdfast.access.staff import Doorkeeper, SignedIn
from holdfast.catalog.service import get_organization
from holdfast.db.transact import Caller
from holdfast.errors import Bug, NotFound, SignInRefused, TooManyRequests
from holdfast.http.callers import network_of
from holdfast.http.pages import browser, staff_session
from holdfast.http.pages.pages import PageRoute, language_of, page, record_of, see
from holdfast.http.pages.staff_session import Desk, safe_next, signed_in
from holdfast.web.languages import catalogs

router = APIRouter(route_class=PageRoute, include_in_schema=False)

Text = Annotated[str, Form(max_length=400)]


@router.get("/sign-in")
async def sign_in_anywhere(request: Request, next: str = "/desk") -> Response:
    """To the only organization there is; with several, the address names one. Nobody yet: set up."""
    found = await access.list_organization_ids(record_of(request))
    if not found:
        return see("/setup")
    if len(found) > 1:
        raise NotFound("Several organizations live here. Use the sign-in address of yours: /sign-in/its-name.")
    organization = await record_of(request).transact(Caller(found[0], "system", "desk"), get_organization)
    return see(f"/sign-in/{organization.slug}?next={quote(safe_next(next), safe='/')}")


@router.get("/sign-in/{organization}")
async def sign_in_page(request: Request, organization: str, next: str = "/desk", done: str = "") -> Response:
    """The form, unless somebody is signed in already."""
    staff = await signed_in(request)
    if staff is not None and staff.organization_slug == organization:
        return see(safe_next(next) if staff.complete else f"/sign-in/{organization}/code?next={quote(safe_next(next))}")
    message = language_of(request).gettext("Your password is set. Sign in with it.") if done else ""
    return await _sign_in_form(request, organization, next, message=message)


@router.post("/sign-in/{organization}")
async def sign_in(request: Request, organization: str, email: Text, password: Text, next: Text = "/desk") -> Response:
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
    return staff_session.begin(request, see(target), session)


@router.get("/sign-in/{organization}/code")
async def code_page(request: Request, organization: str, next: str = "/desk") -> Response:
    """Ask for the code of the second factor."""
    staff = await signed_in(request)
    if staff is None or staff.complete:
        return see(f"/sign-in/{organization}?next={quote(safe_next(next), safe='/')}")
    return page(request, "desk/code.html", place=organization, next=next, problem="")


@router.post("/sign-in/{organization}/code")
async def give_code(request: Request, organization: str, code: Text, next: Text = "/desk") -> Response:
    """The session is complete, under another token."""
    staff = await signed_in(request)
    if staff is None:
        return see(f"/sign-in/{organization}")
    keeper: Doorkeeper = request.app.state.doorkeeper
    try:
        session = await keeper.give_code(staff, code, network_of(request) or "")
    except (SignInRefused, TooManyRequests) as refusal:
        problem = language_of(request).said(refusal.detail)
        return page(request, "desk/code.html", status=401, place=organization, next=next, problem=problem)
    return staff_session.begin(request, see(safe_next(next)), session)


@router.get("/account")
async def account(request: Request, staff: Desk) -> Response:
    """Who one is, the second factor, and signing out everywhere."""
    return _account(request, staff)


@router.post("/account/language")
async def choose_language(request: Request, staff: Desk, tag: Text) -> Response:
    """Pages are in this language from now on, here and wherever one signs in."""
    if tag not in catalogs():
        return see("/account")
    await record_of(request).transact(staff.caller(), lambda tx: people.set_language(tx, staff.staff_id, tag))
    answer = see("/account")
    browser.set_cookie(request, answer, browser.LANGUAGE, tag, seconds=browser.VISITOR_SECONDS)
    return answer


@router.post("/account/second-factor")
async def set_up_second_factor(request: Request, staff: Desk, sealed: Text, code: Text) -> Response:
    """Turn it on with a code of the key that was shown."""
    keeper: Doorkeeper = request.app.state.doorkeeper
    try:
        secret = _seal(request).open(bytes.fromhex(sealed), staff.organization_id, staff.session_id).decode()
    except (Bug, ValueError):
        return see("/account")  # another session's form
    try:
        await keeper.set_up_totp(staff, secret, code)
    except SignInRefused as wrong:
        return _account(request, staff, secret=secret, problem=language_of(request).said(wrong.detail))
    return see("/account")


@router.post("/account/second-factor/remove")
async def remove_second_factor(request: Request, staff: Desk) -> Response:
    """The password is enough again."""
    keeper: Doorkeeper = request.app.state.doorkeeper
    await keeper.remove_totp(staff)
    return see("/account")


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


def _account(request: Request, staff: SignedIn, *, secret: str | None = None, problem: str = "") -> Response:
    # The key travels in the form, sealed to this session, until its first code proves that an app has it.
    secret = secret or people.new_totp_secret()
    address = people.totp_address(secret, staff.email, "Holdfast")
    return page(
        request,
        "desk/account.html",
        status=401 if problem else 200,
        place=staff.organization_slug,
        staff=staff,
        role_name=language_of(request).gettext(staff.role),
        secret=secret,
        sealed=_seal(request).close(secret.encode(), staff.organization_id, staff.session_id).hex(),
        qr=Markup(segno.make(address, micro=False).svg_inline(svgclass=None, lineclass=None, omitsize=True)),  # noqa: S704
        problem=problem,
    )


def _seal(request: Request) -> Seal:
    return Seal(request.app.state.secret, "form")
