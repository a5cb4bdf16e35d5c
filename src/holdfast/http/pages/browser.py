"""What a browser brings and is given: cookies, the proof that a form is ours, and the headers that fence a page in."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Sequence
from typing import Final
from urllib.parse import urlsplit

from fastapi import Request, Response

from holdfast.errors import Forbidden

VISITOR: Final = "visitor"
SESSION: Final = "session"
ORGANIZATION: Final = "organization"  # the slug of the one that staff signed in to last
LANGUAGE: Final = "language"
LOCATION: Final = "location"  # the last one looked at
VISITOR_SECONDS: Final = 180 * 86400
TOKEN_FIELD: Final = "form_token"  # noqa: S105  # the name of a field
TOKEN_HEADER: Final = "x-form-token"  # noqa: S105  # what our scripts send with JSON; no other site's page can add it

# No 'unsafe-inline', no nonce: all scripts and styles are files of ours. data: is for small pictures in our CSS.
_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "form-action 'self'; frame-src 'self'; manifest-src 'self'; base-uri 'none'; frame-ancestors "
)


def is_secure(request: Request) -> bool:
    """Whether the browser speaks TLS, with us or with the proxy that we trust."""
    return request.url.scheme == "https"


def cookie(request: Request, name: str) -> str | None:
    """The cookie's value. Over TLS it is a ``__Host-`` cookie: no other site of this domain can plant one."""
    return request.cookies.get(_cookie_name(request, name))


def set_cookie(request: Request, response: Response, name: str, value: str, *, seconds: int | None) -> None:
    """Give the browser a cookie that no script reads. ``seconds`` None: until the browser is closed.

    Inside a frame on another site only a partitioned cookie comes back (CHIPS), and only over TLS.
    """
    framed = request.headers.get("sec-fetch-dest") == "iframe" and is_secure(request)
    response.set_cookie(
        _cookie_name(request, name),
        value,
        max_age=seconds,
        path="/",
        secure=is_secure(request),
        httponly=True,
        samesite="none" if framed else "lax",
    )
    if framed:  # the standard library writes this attribute from Python 3.14 on only
        header, written = response.raw_headers[-1]
        response.raw_headers[-1] = (header, written + b"; Partitioned")


def drop_cookie(request: Request, response: Response, name: str) -> None:
    """Take the cookie away."""
    response.delete_cookie(_cookie_name(request, name), path="/", secure=is_secure(request), httponly=True)


def _cookie_name(request: Request, name: str) -> str:
    return f"__Host-holdfast-{name}" if is_secure(request) else f"holdfast-{name}"


def visitor_id(request: Request) -> str:
    """The random id of this browser; made up on the first visit, and then sent by ``PageRoute`` with the answer."""
    known: str | None = getattr(request.state, "visitor", None)
    if known is None:
        known = cookie(request, VISITOR)
        if known is None or not 20 <= len(known) <= 64 or not known.isascii():
            known = secrets.token_urlsafe(24)
            request.state.new_visitor = known
        request.state.visitor = known
    return known


def form_token(request: Request, session: str | None = None) -> str:
    """What every form of ours carries: bound to this browser and, once signed in, to the session.

    ``session`` is the token of one that begins with this answer.
    """
    secret: bytes = request.app.state.secret
    bound = f"form:{visitor_id(request)}:{session or cookie(request, SESSION) or ''}"
    return hmac.digest(secret, bound.encode(), hashlib.sha256).hex()[:43]


async def require_own_form(request: Request) -> None:
    """Raises Forbidden unless the request was sent from a page of ours, in the browser that we gave it to."""
    if not _same_origin(request):
        raise Forbidden("This came from another site. Open the page here and try again.", reason="cross_origin")
    sent = request.headers.get(TOKEN_HEADER) or (await request.form()).get(TOKEN_FIELD)
    if not isinstance(sent, str) or not hmac.compare_digest(sent.encode(), form_token(request).encode()):
        raise Forbidden("This page is out of date. Reload it and try again.", reason="form_token")


def _same_origin(request: Request) -> bool:
    # Browsers say where a POST comes from; one that says nothing (old, or no browser) still has to show the token.
    site = request.headers.get("sec-fetch-site")
    if site is not None and site not in ("same-origin", "none"):
        return False
    origin = request.headers.get("origin")
    if origin is None or (origin == "null" and site is not None):
        return True
    return urlsplit(origin).netloc == request.url.netloc and urlsplit(origin).scheme == request.url.scheme


def fence(request: Request, response: Response, ancestors: Sequence[str] = ("'none'",)) -> None:
    """The headers of a page: what it may load, and who may frame it (CSP sources)."""
    headers = response.headers
    headers.setdefault("Content-Security-Policy", _POLICY + " ".join(ancestors))
    headers.setdefault("Cache-Control", "no-store")
    # Not no-referrer: with it browsers send "Origin: null" with our own forms. Other sites are told nothing either way.
    headers.setdefault("Referrer-Policy", "same-origin")
    headers.setdefault("X-Content-Type-Options", "nosniff")
    headers.setdefault("Cross-Origin-Opener-Policy", "same-origin")
    headers.setdefault("Permissions-Policy", "camera=(), geolocation=(), microphone=(), payment=()")
    if is_secure(request):
        headers.setdefault("Strict-Transport-Security", "max-age=31536000")
