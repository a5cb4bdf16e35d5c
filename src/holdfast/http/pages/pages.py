"""The ground of every page: one route class that checks forms and fences answers.

A router of pages says ``APIRouter(route_class=PageRoute)``; its handlers answer with ``page(request, "x.html", …)`` or
``see(url)``, and raise domain errors like any other surface, which ``refusals`` turns into pages.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping
from functools import partial
from typing import Any, Final
from urllib.parse import parse_qsl, urlencode

from fastapi import Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from fastapi.routing import APIRoute

from holdfast.db.transact import Record
from holdfast.http.pages import browser
from holdfast.web.assets import Assets
from holdfast.web.languages import Language, choose
from holdfast.web.templates import render

SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})

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
    """Checks every form, and puts the fence around whatever is answered."""

    def get_route_handler(self) -> Handler:
        handle = super().get_route_handler()

        async def fenced(request: Request) -> Response:
            request.state.is_page = True  # a refusal is one, too
            try:
                if request.method not in SAFE:
                    await browser.require_own_form(request)
                response = await handle(request)
            except Elsewhere as elsewhere:
                response = see(elsewhere.url)
            return fence(request, response)

        return fenced


def fence(request: Request, response: Response) -> Response:
    """What every page has around it: a new visitor's cookie, and the headers that say what it may load."""
    if new_visitor := getattr(request.state, "new_visitor", None):
        browser.set_cookie(request, response, browser.VISITOR, new_visitor, seconds=browser.VISITOR_SECONDS)
    browser.fence(request, response, getattr(request.state, "ancestors", ("'none'",)))
    return response


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
    session: str | None = None,
    **context: Any,
) -> Response:
    """The page. ``typed`` and ``errors`` are by field name: what was typed stays, what is wrong is said beside it.

    ``session`` is the token of one that begins with this answer. ``address`` in the context says where the page is had
    again, if not where it was asked for. Templates also get ``form_token``, ``asset(name)``, ``l10n``, ``here`` (this
    page's path) and ``in_language(tag)``, its address in another language.
    """
    assets: Assets = request.app.state.assets
    language = language or language_of(request)
    body = render(
        template,
        language,
        asset=assets.url,
        form_token=browser.form_token(request, session),
        here=request.url.path,
        in_language=partial(_in_language, request, context.get("address") or ""),
        typed=_Typed(typed or {}),
        errors=errors or {},
        **context,
    )
    response = HTMLResponse(body, status, {"Content-Language": language.tag, "Vary": "Accept-Language, Cookie"})
    if asked := request.query_params.get("lang"):
        browser.set_cookie(request, response, browser.LANGUAGE, choose(asked, None), seconds=browser.VISITOR_SECONDS)
    return response


def _in_language(request: Request, address: str, tag: str) -> str:
    asked = request.url.query if request.method in SAFE else ""
    path, _, query = (address or f"{request.url.path}?{asked}").partition("?")
    return f"{path}?{urlencode([pair for pair in parse_qsl(query) if pair[0] != 'lang'] + [('lang', tag)])}"


def see(url: str) -> Response:
    """After a form: go and look at ``url`` (303), so that reloading sends nothing again."""
    return RedirectResponse(url, 303)
