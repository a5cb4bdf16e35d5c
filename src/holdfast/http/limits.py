"""Limits on what a stranger may send, before anything reads it."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Mapping
from typing import Final

from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from holdfast.errors import Invalid, TooLarge, TooManyRequests, said
from holdfast.http.refusals import refusal_response

BODY_BYTES_MAX: Final = 64 * 1024
NETWORKS_MAX: Final = 10_000


class BodyLimit:
    """Refuse bodies over BODY_BYTES_MAX with 413, also those that do not announce their length.

    ``larger`` has the paths that take more: where a file is sent, whose page says itself when it is too large.
    The body is read here, whole, so that nothing further in meets half of one and takes it for a mistake of syntax.
    """

    def __init__(self, app: ASGIApp, larger: Mapping[str, int] | None = None) -> None:
        self._app = app
        self._larger = larger or {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        announced = dict(scope["headers"]).get(b"content-length", b"0")
        most = self._larger.get(scope["path"], BODY_BYTES_MAX)
        body = None
        if announced.isdigit() and int(announced) <= most:
            body = await _read(receive, most)
        if body is None:
            refusal = TooLarge(said("A request body has at most {size} KiB.", size=most // 1024))
            response = await refusal_response(Request(scope), refusal)
            await response(scope, receive, send)
            return
        await self._app(scope, _replay(body, receive), send)


async def _read(receive: Receive, most: int) -> list[Message] | None:
    """The messages of a whole body, or of one that was cut off; None when there is more than may be sent."""
    messages: list[Message] = []
    received = 0
    more = True
    while more:
        message = await receive()
        received += len(message.get("body", b""))
        if received > most:
            return None
        messages.append(message)
        more = message.get("more_body", False)
    return messages


def _replay(messages: list[Message], receive: Receive) -> Receive:
    left = iter(messages)

    async def replayed() -> Message:
        # after the body only a disconnect can come, and a live feed waits for it
        return next(left, None) or await receive()

    return replayed


class Pace:
    """At most ``count`` of something from one network in ``seconds``, in this process: against a flood, not a quota."""

    def __init__(self, count: int, seconds: float) -> None:
        self._count = count
        self._seconds = seconds
        self._seen: dict[str, deque[float]] = {}

    def keep(self, network: str | None) -> None:
        """Count one more. Raises TooManyRequests."""
        if network is None:
            return
        now = time.monotonic()
        seen = self._seen.setdefault(network, deque(maxlen=self._count))
        if len(seen) == self._count and now - seen[0] < self._seconds:
            wait = int(self._seconds - (now - seen[0])) + 1
            raise TooManyRequests(
                said("Too many tries. Wait {seconds} seconds, then try again.", seconds=wait), retry_after_seconds=wait
            )
        seen.append(now)
        if len(self._seen) > NETWORKS_MAX:
            self._seen = {each: times for each, times in self._seen.items() if now - times[-1] < self._seconds}


async def only_known_parameters(request: Request) -> None:
    """Refuse query parameters that the route does not have, or that are given twice: neither can be what was meant.

    Raises Invalid. What a route has is what the OpenAPI document says of it.
    """
    names = [name for name, _ in request.query_params.multi_items()]
    if not names:
        return
    documented = request.app.openapi()["paths"].get(request.scope["route"].path)
    if documented is None:
        return
    parameters = documented[request.method.lower()].get("parameters", [])
    known = [each["name"] for each in parameters if each["in"] == "query"]
    for name in names:
        if name not in known:
            told = said("This address has no query parameter {name!r}; it has none.", name=name[:40])
            if known:
                told = said(
                    "This address has no query parameter {name!r}; it has {known}.", name=name[:40], known=known
                )
            raise Invalid(told, field=name[:40])
        if names.count(name) > 1:
            raise Invalid(said("The query parameter {name!r} is given more than once.", name=name), field=name)
