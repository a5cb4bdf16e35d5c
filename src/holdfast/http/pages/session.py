"""How much longer somebody is signed in, for the script of a page that stays open.

It warns, prolongs, and signs in again in place, so that what was typed is not lost. Without the script a page sends
whoever was signed out to sign in.
"""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import JSONResponse

from holdfast.access import service as access
from holdfast.access.staff import Doorkeeper, SignedIn, authenticate_session
from holdfast.errors import SignInRefused, TooManyRequests
from holdfast.http.callers import network_of
from holdfast.http.pages import browser, staff_session
from holdfast.http.pages.pages import PageRoute, language_of, record_of
from holdfast.http.pages.staff_session import signed_in
from holdfast.http.problems import status_of
from holdfast.ids import public_id

router = APIRouter(prefix="/desk/session", route_class=PageRoute, include_in_schema=False)

Text = Annotated[str, Form(max_length=400)]


@router.get("")
async def look(request: Request) -> Response:
    """Who is signed in and for how long. Looking does not prolong it."""
    return _told(request, await signed_in(request, used=False))


@router.post("")
async def stay(request: Request) -> Response:
    """Somebody does something on a page that asks for nothing else."""
    return _told(request, await signed_in(request))


@router.post("/again")
async def sign_in_again(
    request: Request, organization: Text, email: Text, password: Text = "", code: Text = ""
) -> Response:
    """Sign in from the page that was open: with the password, then with a code where one is set."""
    keeper: Doorkeeper = request.app.state.doorkeeper
    network = network_of(request) or ""
    half = await signed_in(request, used=False)
    try:
        if code and half is not None and not half.complete:
            session = await keeper.give_code(half, code, network)
        else:
            organization_id = await access.find_organization(record_of(request), organization)
            session = await keeper.sign_in(organization_id, email, password, network)
    except (SignInRefused, TooManyRequests) as refusal:
        problem = language_of(request).said(refusal.detail)
        return JSONResponse({"problem": problem, "form_token": browser.form_token(request)}, status_of(refusal))
    staff = await authenticate_session(record_of(request), session.token)
    return staff_session.begin(request, _told(request, staff, session.token), session, organization)


def _told(request: Request, staff: SignedIn | None, session: str | None = None) -> Response:
    """``who`` is empty when nobody is signed in; ``half``: the code is still missing."""
    complete = staff is not None and staff.complete
    told: dict[str, Any] = {
        "who": public_id("staff", staff.staff_id) if staff and complete else "",
        "half": staff is not None and not staff.complete,
        "seconds": staff.seconds_left if staff and complete else 0,
        "most": staff.seconds_most if staff and complete else 0,
        "form_token": browser.form_token(request, session),
    }
    return JSONResponse(told)
