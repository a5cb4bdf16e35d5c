"""What every answer has, whatever made it: careful headers, and a page or a problem after a crash."""

from __future__ import annotations

import traceback
from typing import Final

import structlog
from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from holdfast.errors import Bug
from holdfast.http.problems import problem_response
from holdfast.http.refusals import refusal_response

HEADERS: Final = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    # An answer of the API is not a page: whoever opens it in a browser loads nothing and frames nothing.
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
}
FRAMES_LOGGED: Final = 5

logger = structlog.get_logger()


class Envelope:
    """The outermost layer. A page that needs more than HEADERS allow sets the header itself."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        head = scope["method"] == "HEAD"
        if head:
            # RFC 9110 section 9.3.2: HEAD is GET without the content, and every server has both
            scope = {**scope, "method": "GET"}
        answered = False

        async def enveloped(message: Message) -> None:
            nonlocal answered
            if message["type"] == "http.response.start":
                answered = True
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
                await send(message)
                if head:  # at once: what would follow may be a feed without an end
                    await send({"type": "http.response.body", "body": b""})
            elif not head:
                await send(message)

        try:
            await self._app(scope, receive, enveloped)
        except Exception as error:
            _log_crash(scope, error)
            if answered:
                raise
            request = Request(scope)
            try:
                response = await refusal_response(request, Bug())
            except Exception as worse:  # the page about it failed too
                _log_crash(scope, worse)
                response = problem_response(request, Bug())
            await response(scope, receive, enveloped)


def _log_crash(scope: Scope, error: Exception) -> None:
    # The type and the place, never the message: it may hold what a client typed.
    frames = traceback.extract_tb(error.__traceback__)[-FRAMES_LOGGED:]
    route = scope.get("route")
    logger.error(
        "crash",
        error=type(error).__name__,
        route=getattr(route, "path", None),
        at=[f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames],
    )
