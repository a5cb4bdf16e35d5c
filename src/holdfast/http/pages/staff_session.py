"""Who is signed in: the dependency that pages of the desk take.

    async def board(request: Request, staff: Desk) -> Response: …

``Desk`` is somebody whose sign-in is complete; whoever is not is sent to sign in, and comes back afterwards.
"""

from __future__ import annotations

from typing import Annotated
from urllib.parse import quote

from fastapi import Depends, Request, Response

from holdfast.access.staff import NewSession, SignedIn, authenticate_session
from holdfast.catalog.model import SLUG
from holdfast.http.pages import browser
from holdfast.http.pages.pages import Elsewhere, record_of, see
from holdfast.web.languages import territory_of


async def signed_in(request: Request) -> SignedIn | None:
    """Whoever is signed in, also half: check ``complete``. Pages are in their language, written as at their place."""
    token = browser.cookie(request, browser.SESSION)
    location = request.query_params.get("location") or browser.cookie(request, browser.LOCATION) or ""
    place = location if SLUG.fullmatch(location) else None
    staff = await authenticate_session(record_of(request), token, place) if token else None
    if staff is not None:
        request.state.language = staff.language
        request.state.territory = territory_of(staff.time_zone) if staff.time_zone else None
    return staff


async def _desk(request: Request) -> SignedIn:
    staff = await signed_in(request)
    if staff is None or not staff.complete:
        after = request.url.path if request.method == "GET" else "/desk"
        raise Elsewhere(f"/sign-in?next={quote(after, safe='/')}")
    return staff


Desk = Annotated[SignedIn, Depends(_desk)]


def begin(request: Request, response: Response, session: NewSession) -> Response:
    """Give the browser the session's token, in place of any before it; it lasts until the browser is closed."""
    browser.set_cookie(request, response, browser.SESSION, session.token, seconds=None)
    return response


def end(request: Request) -> Response:
    """Signed out: the cookie is taken away."""
    response = see("/sign-in")
    browser.drop_cookie(request, response, browser.SESSION)
    return response


def safe_next(text: str | None) -> str:
    """Where to go after signing in: a page of ours, never another site."""
    if text and text.startswith("/") and not text.startswith(("//", "/\\")) and text.isprintable():
        return text
    return "/desk"
