"""Who is signed in: the dependencies that pages of the desk take.

    async def board(request: Request, staff: Desk) -> Response: …

``Desk`` is somebody whose sign-in is complete, and who does something now; whoever is not is sent to sign in, and comes
back afterwards. ``Watching`` is the same for what a screen asks by itself: it does not keep anybody signed in.
"""

from __future__ import annotations

import re
from typing import Annotated, Final
from urllib.parse import quote, urlsplit

from fastapi import Depends, Request, Response

from holdfast.access.staff import NewSession, SignedIn, authenticate_session
from holdfast.catalog.model import SLUG
from holdfast.http.pages import browser
from holdfast.http.pages.pages import Elsewhere, record_of, see
from holdfast.http.pages.ways_back import is_page
from holdfast.web.languages import territory_of

NEXT_MAX: Final = 2000
HOME: Final = "/desk"
_SLUG: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,79}")


async def signed_in(request: Request, *, used: bool = True) -> SignedIn | None:
    """Whoever is signed in, also half: check ``complete``. Pages are in their language, written as at their place.

    ``used``: they do something now.
    """
    token = browser.cookie(request, browser.SESSION)
    location = request.query_params.get("location") or browser.cookie(request, browser.LOCATION) or ""
    place = location if SLUG.fullmatch(location) else None
    staff = await authenticate_session(record_of(request), token, place, used=used) if token else None
    if staff is not None:
        request.state.language = staff.language
        request.state.territory = territory_of(staff.time_zone) if staff.time_zone else None
    return staff


async def _desk(request: Request) -> SignedIn:
    # A list that reads itself anew, because something changed elsewhere, is nobody at work.
    return await _complete(request, used="x-unattended" not in request.headers)


async def _watching(request: Request) -> SignedIn:
    return await _complete(request, used=False)


async def _complete(request: Request, *, used: bool) -> SignedIn:
    staff = await signed_in(request, used=used)
    if staff is None or not staff.complete:
        raise Elsewhere(sign_in_address(request, next_of(request)))
    request.state.staff = staff  # whatever is refused from here on is said in the frame of the desk
    return staff


Desk = Annotated[SignedIn, Depends(_desk)]
Watching = Annotated[SignedIn, Depends(_watching)]


def next_of(request: Request) -> str:
    """Where to come back to after signing in: this page, or the page of the form that was sent."""
    if request.method == "GET":
        url = request.url
    else:
        referer = urlsplit(request.headers.get("referer", ""))
        if (referer.scheme, referer.netloc) != (request.url.scheme, request.url.netloc):
            return HOME
        url = request.url.replace(path=referer.path, query=referer.query)
    after = safe_next(f"{url.path}?{url.query}" if url.query else url.path)
    return after if is_page(request, url.path) else HOME


def sign_in_address(request: Request, after: str = "") -> str:
    """Where to sign in: at the organization that this browser signed in to before, if it did."""
    slug = known_organization(request)
    address = f"/sign-in/{slug}" if slug else "/sign-in"
    return f"{address}?next={quote(after, safe='/')}" if after else address


def known_organization(request: Request) -> str | None:
    """The slug of the organization that this browser signed in to last."""
    slug = browser.cookie(request, browser.ORGANIZATION)
    return slug if slug and _SLUG.fullmatch(slug) else None


def begin(request: Request, response: Response, session: NewSession, organization: str) -> Response:
    """Give the browser the session's token, in place of any before it; it lasts until the browser is closed.

    Which organization it was is remembered for longer, so that signing in again finds the way.
    """
    browser.set_cookie(request, response, browser.SESSION, session.token, seconds=None)
    browser.set_cookie(request, response, browser.ORGANIZATION, organization, seconds=browser.VISITOR_SECONDS)
    return response


def end(request: Request) -> Response:
    """Signed out: the cookie is taken away."""
    response = see(sign_in_address(request))
    browser.drop_cookie(request, response, browser.SESSION)
    return response


def safe_next(text: str | None) -> str:
    """Where to go after signing in: a page of ours, never another site."""
    if text and text.startswith("/") and not text.startswith(("//", "/\\")) and text.isprintable():
        return text if len(text) <= NEXT_MAX else HOME
    return HOME
