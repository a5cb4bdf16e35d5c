"""The ground of every page: one route class that checks forms, fences answers, and turns refusals into pages.

A router of pages says ``APIRouter(route_class=PageRoute)``; its handlers answer with ``page(request, "x.html", …)`` or
``see(url)``, and raise domain errors like any other surface.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping
from typing import Any, Final

from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, RedirectResponse
from fastapi.routing import APIRoute
from starlette.datastructures import URL

from holdfast.db.transact import Record
from holdfast.errors import Forbidden, HoldfastError, Invalid
from holdfast.http.pages import browser
from holdfast.http.problems import status_of
from holdfast.web.assets import Assets
from holdfast.web.languages import Language, choose
from holdfast.web.templates import render

SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})
ERROR_PAGE: Final = "error.html"

Handler = Callable[[Request], Coroutine[Any, Any, Response]]


class _Typed(dict[str, Any]):
    """What was typed, by field; a field that nobody touched is empty."""

    def __missing__(self, name: str) -> str:
        return ""


class Elsewhere(Exception):
    """What was asked for is had at another address first: sign in, set up."""

    def __init__(self, url: str) -> None:
        self.url = url
        super().__init__(url)


class PageRoute(APIRoute):
    """Checks every form, answers refusals with a page, and puts the fence around whatever is answered."""

    def get_route_handler(self) -> Handler:
        handle = super().get_route_handler()

        async def fenced(request: Request) -> Response:
            try:
                if request.method not in SAFE:
                    await browser.require_own_form(request)
                response = await handle(request)
            except Elsewhere as elsewhere:
                response = see(elsewhere.url)
            except HoldfastError as error:
                response = refused(request, error)
            except RequestValidationError:
                response = refused(request, Invalid("Something in this address or form cannot be read."))
            if new_visitor := getattr(request.state, "new_visitor", None):
                browser.set_cookie(request, response, browser.VISITOR, new_visitor, seconds=browser.VISITOR_SECONDS)
            browser.fence(request, response, getattr(request.state, "ancestors", ("'none'",)))
            return response

        return fenced


def record_of(request: Request) -> Record:
    """The record of this application."""
    record: Record = request.app.state.record
    return record


def language_of(request: Request, territory: str | None = None) -> Language:
    """The language of this answer: ``?lang=``, else the cookie, else whoever is signed in's, else the browser's.

    Dates and money are as people write them in ``territory``, else where whoever is signed in works.
    """
    asked = request.query_params.get("lang") or browser.cookie(request, browser.LANGUAGE)
    asked = asked or getattr(request.state, "language", None)
    territory = territory or getattr(request.state, "territory", None)
    return Language(choose(asked, request.headers.get("accept-language")), territory)


def page(
    request: Request,
    template: str,
    *,
    status: int = 200,
    language: Language | None = None,
    typed: Mapping[str, Any] | None = None,
    errors: Mapping[str, str] | None = None,
    **context: Any,
) -> Response:
    """The page. ``typed`` and ``errors`` are by field name: what was typed stays, what is wrong is said beside it.

    Templates also get ``form_token``, ``asset(name)``, ``l10n``, ``here`` (this page's path) and ``here_in(tag)`` (this
    page in another language).
    """
    assets: Assets = request.app.state.assets
    language = language or language_of(request)
    body = render(
        template,
        language,
        asset=assets.url,
        form_token=browser.form_token(request),
        here=request.url.path,
        here_in=lambda tag: _relative(request.url.include_query_params(lang=tag)),
        typed=_Typed(typed or {}),
        errors=errors or {},
        **context,
    )
    response = HTMLResponse(body, status, {"Content-Language": language.tag, "Vary": "Accept-Language, Cookie"})
    if asked := request.query_params.get("lang"):
        browser.set_cookie(request, response, browser.LANGUAGE, choose(asked, None), seconds=browser.VISITOR_SECONDS)
    return response


def _relative(url: URL) -> str:
    return f"{url.path}?{url.query}"


def see(url: str) -> Response:
    """After a form: go and look at ``url`` (303), so that reloading sends nothing again."""
    return RedirectResponse(url, 303)


def refused(request: Request, error: HoldfastError) -> Response:
    """A page that says what was refused and what to do."""
    outdated = isinstance(error, Forbidden) and error.facts.get("reason") == "form_token"
    response = page(request, ERROR_PAGE, status=status_of(error), error=error, outdated=outdated)
    if wait := error.facts.get("retry_after_seconds"):
        response.headers["Retry-After"] = str(wait)
    return response
