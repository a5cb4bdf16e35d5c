"""One's own account: the password, the second factor with its recovery codes, and signing out everywhere.

Every change takes the password as it is now, and a code where one is set: whoever sits down at an open screen has
neither. With a change every other session ends.
"""

from __future__ import annotations

from typing import Annotated, Any

import segno
from fastapi import APIRouter, Form, Request, Response
from markupsafe import Markup

from holdfast.access import staff as people
from holdfast.access.sealed import Seal
from holdfast.access.staff import Doorkeeper, NewSession, Proof, SignedIn
from holdfast.errors import Bug, HoldfastError, Invalid, SignInRefused, StateRefused, TooManyRequests
from holdfast.http.callers import network_of
from holdfast.http.pages import browser, staff_session
from holdfast.http.pages.desk_frame import desk_page
from holdfast.http.pages.pages import PageRoute, language_of, record_of, see
from holdfast.http.pages.staff_session import Desk
from holdfast.http.problems import status_of
from holdfast.web.languages import catalogs

router = APIRouter(prefix="/account", route_class=PageRoute, include_in_schema=False)

Text = Annotated[str, Form(max_length=400)]
# What is said beside the form that was sent, instead of on a page of its own.
SAID = (SignInRefused, Invalid, StateRefused, TooManyRequests)
DONE = frozenset({"password", "off"})


@router.get("")
async def account(request: Request, staff: Desk, done: str = "") -> Response:
    """Who one is, and how one signs in."""
    return await _account(request, staff, done=done if done in DONE else "")


@router.post("/language")
async def choose_language(request: Request, staff: Desk, tag: Text) -> Response:
    """Pages are in this language from now on, here and wherever one signs in."""
    if tag not in catalogs():
        return see("/account")
    await record_of(request).transact(staff.caller(), lambda tx: people.set_language(tx, staff.staff_id, tag))
    answer = see("/account")
    browser.set_cookie(request, answer, browser.LANGUAGE, tag, seconds=browser.VISITOR_SECONDS)
    return answer


@router.post("/password")
async def change_password(
    request: Request, staff: Desk, password: Text, new_password: Text, code: Text = ""
) -> Response:
    """Another password."""
    keeper: Doorkeeper = request.app.state.doorkeeper
    try:
        session = await keeper.change_password(staff, Proof(password, code), new_password, _network(request))
    except SAID as refusal:
        field = "new_password" if isinstance(refusal, Invalid) else "password"
        return await _account(request, staff, about="password", refusal=refusal, field=field)
    return _renewed(request, staff, see("/account?done=password"), session)


@router.post("/second-factor")
async def set_up_second_factor(request: Request, staff: Desk, sealed: Text, password: Text, code: Text) -> Response:
    """Turn it on with a code of the key that was shown, and show the recovery codes, this once."""
    keeper: Doorkeeper = request.app.state.doorkeeper
    try:
        secret = _seal(request).open(bytes.fromhex(sealed), staff.organization_id, staff.session_id).decode()
    except (Bug, ValueError):
        return see("/account")  # another session's form
    try:
        session, codes = await keeper.set_up_totp(staff, password, secret, code, _network(request))
    except SAID as refusal:
        return await _account(request, staff, about="second-factor", secret=secret, refusal=refusal)
    return await _codes(request, staff, session, codes)


@router.post("/second-factor/remove")
async def remove_second_factor(request: Request, staff: Desk, password: Text, code: Text) -> Response:
    """The password is enough again."""
    keeper: Doorkeeper = request.app.state.doorkeeper
    try:
        session = await keeper.remove_totp(staff, Proof(password, code), _network(request))
    except SAID as refusal:
        return await _account(request, staff, about="remove", refusal=refusal)
    return _renewed(request, staff, see("/account?done=off"), session)


@router.post("/recovery-codes")
async def renew_recovery_codes(request: Request, staff: Desk, password: Text, code: Text) -> Response:
    """Fresh codes instead of any before them, shown this once."""
    keeper: Doorkeeper = request.app.state.doorkeeper
    try:
        session, codes = await keeper.renew_recovery_codes(staff, Proof(password, code), _network(request))
    except SAID as refusal:
        return await _account(request, staff, about="codes", refusal=refusal)
    return await _codes(request, staff, session, codes)


async def _account(
    request: Request,
    staff: SignedIn,
    *,
    done: str = "",
    about: str = "",
    refusal: HoldfastError | None = None,
    field: str = "",
    secret: str | None = None,
) -> Response:
    """``about`` names the form that was refused."""
    shown: dict[str, Any] = {}
    if not staff.has_totp:
        # The key travels in the form, sealed to this session, until its first code proves that an app has it.
        secret = secret or people.new_totp_secret()
        picture = segno.make(people.totp_address(secret, staff.email, "Holdfast"), micro=False)
        shown = {
            "secret": secret,
            "sealed": _seal(request).close(secret.encode(), staff.organization_id, staff.session_id).hex(),
            "qr": Markup(picture.svg_inline(svgclass=None, lineclass=None, omitsize=True)),  # noqa: S704
        }
    else:
        shown["left"] = await record_of(request).transact(
            staff.caller(), lambda tx: people.recovery_codes_left(tx, staff.staff_id)
        )
    message = language_of(request).said(refusal.detail) if refusal else ""
    return await desk_page(
        request,
        staff,
        "desk/account.html",
        section="account",
        status=status_of(refusal) if refusal else 200,
        errors={field: message} if field else {},
        role_name=language_of(request).gettext(staff.role),
        done=done,
        about=about,
        problem="" if field else message,
        **shown,
    )


async def _codes(request: Request, staff: SignedIn, session: NewSession, codes: list[str]) -> Response:
    """The answer belongs to the session that has just begun, so its forms have that one's token."""
    answer = await desk_page(
        request, staff, "desk/recovery_codes.html", section="account", codes=codes, session=session.token
    )
    return _renewed(request, staff, answer, session)


def _renewed(request: Request, staff: SignedIn, response: Response, session: NewSession) -> Response:
    return staff_session.begin(request, response, session, staff.organization_slug)


def _network(request: Request) -> str:
    return network_of(request) or ""


def _seal(request: Request) -> Seal:
    return Seal(request.app.state.secret, "form")
