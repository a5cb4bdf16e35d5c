"""What a refusal looks like: a page for people, a problem (RFC 9457) for programs.

A person gets it in the frame that they know, the desk or the booking page with its look, with a link that leads back to
a page. Whatever is not a page of ours, and what asks for no HTML, gets the problem.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

import structlog
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from holdfast.errors import Bug, Busy, Forbidden, HoldfastError, Invalid, NotFound, TooLarge, TooManyRequests
from holdfast.http import problems
from holdfast.http.pages.booking_site import Site, open_site
from holdfast.http.pages.desk_frame import desk_page
from holdfast.http.pages.pages import fence, language_of, page
from holdfast.http.pages.staff_session import signed_in
from holdfast.http.pages.ways_back import page_above, way_back
from holdfast.http.problems import MethodNotAllowed, problem_response, status_of

logger = structlog.get_logger()

TEMPLATE = "error.html"
NOT_READ = "There is no page at this address: what was sent to it was answered, or never arrived."
# What may go well when it is asked again.
AGAIN = (Busy, Bug, TooManyRequests)


def install_refusals(app: FastAPI) -> None:
    """Answer every refusal, and serve a page at each problem's ``type``."""
    app.add_exception_handler(HoldfastError, _refused)
    app.add_exception_handler(RequestValidationError, _unreadable)
    app.add_exception_handler(HTTPException, _framework_refused)
    problems.install_problem_pages(app)


async def refusal_response(request: Request, error: HoldfastError) -> Response:
    """The page or the problem, whichever is asked for."""
    return await _error_page(request, error) if _wants_page(request) else problem_response(request, error)


async def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, HoldfastError)
    if isinstance(error, Bug):
        logger.error("bug", facts=error.facts, cause=str(error.__cause__))
    return await refusal_response(request, error)


async def _unreadable(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    if _wants_page(request):
        return await _error_page(request, Invalid("Something in this address or form cannot be read."))
    return await problems.unreadable(request, error)


async def _framework_refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    if not _wants_page(request):
        return problems.framework_refused(request, error)
    if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        response = await _error_page(
            request,
            MethodNotAllowed(NOT_READ),
        )
        response.headers["Allow"] = (error.headers or {}).get("Allow", "POST")
        return response
    if error.status_code == HTTPStatus.NOT_FOUND:
        return await _error_page(request, NotFound("There is no such page."))
    return await _error_page(request, Invalid("Something in this address or form cannot be read."))


def _wants_page(request: Request) -> bool:
    if getattr(request.state, "is_page", False):
        return True
    path = request.url.path
    return "text/html" in request.headers.get("accept", "") and path != "/v1" and not path.startswith("/v1/")


async def _error_page(request: Request, error: HoldfastError) -> Response:
    """What was refused and what to do, in the frame that it was met in."""
    outdated = isinstance(error, Forbidden) and error.facts.get("reason") == "form_token"
    context: dict[str, Any] = {"said": _words(request, error), "outdated": outdated}
    # this address would only say the same again
    elsewhere = request.method == "GET" and not isinstance(error, AGAIN)
    response = await _framed(request, status_of(error), elsewhere, context)
    if wait := error.facts.get("retry_after_seconds"):
        response.headers["Retry-After"] = str(wait)
    return fence(request, response)


def _words(request: Request, error: HoldfastError) -> str:
    """What a person is told: what happened, and what to do."""
    _ = language_of(request).gettext
    if isinstance(error, Bug):
        return _("Something here went wrong. Nothing was changed. Please try again in a moment.")
    if isinstance(error, Busy):
        return _("Too much is going on just now. Nothing was done. Please try again in a moment.")
    if isinstance(error, TooLarge):
        return _("This is too large to be sent. Nothing was changed. Go back and send less at once.")
    if isinstance(error, TooManyRequests) and (seconds := error.facts.get("retry_after_seconds")):
        return _("Too many tries. Wait %(seconds)s seconds, then try again.") % {"seconds": seconds}
    return language_of(request).said(error.detail)


async def _framed(request: Request, status: int, elsewhere: bool, context: dict[str, Any]) -> Response:
    path = request.url.path
    back = page_above(request, path.rpartition("/")[0]) if elsewhere else way_back(request)

    def with_way(back: str) -> dict[str, Any]:
        return context | {"back": back, "again": back.partition("?")[0] == path}

    try:
        if (site := await _site(request)) is not None:
            if elsewhere:
                back = site.url if site.url != path else f"/b/{site.look.slug}"
            return site.page(TEMPLATE, status=status, frame="booking/frame.html", **with_way(back))
        if path.startswith("/desk") or path == "/account":
            staff = getattr(request.state, "staff", None) or await signed_in(request, used=False)
            if staff is not None and staff.complete:
                request.state.staff = staff
                return await desk_page(
                    request, staff, TEMPLATE, section="", status=status, frame="desk/frame.html", **with_way(back)
                )
    except HoldfastError:
        pass  # the record is away: then without anybody's look
    template = getattr(request.state, "error_page", TEMPLATE)
    return page(request, template, status=status, frame="desk/gate.html", **with_way(back))


async def _site(request: Request) -> Site | None:
    """The booking site that the address belongs to, if it does."""
    known: Site | None = getattr(request.state, "site", None)
    parts = request.url.path.split("/")
    if known is not None or parts[1] != "b" or len(parts) < 3:
        return known
    try:
        return await open_site(request, parts[2], parts[3] if len(parts) > 3 else None)
    except NotFound:
        pass  # no such location: then the organization's own
    try:
        return await open_site(request, parts[2])
    except NotFound:
        return None
