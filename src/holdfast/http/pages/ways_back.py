"""Where a link can lead back to: pages of ours that can be read, never an address that only takes forms."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import urlsplit

from fastapi import Request
from fastapi.routing import APIRoute


def is_page(request: Request, path: str) -> bool:
    """Whether a browser that opens ``path`` gets a page."""
    routes: Sequence[APIRoute] = request.app.state.page_routes
    return any("GET" in (route.methods or ()) and route.path_regex.match(path) for route in routes)


def way_back(request: Request) -> str:
    """The page to go back to from a refusal: this one, else that of the form, else the nearest one above."""
    path = request.url.path
    referer = urlsplit(request.headers.get("referer", ""))
    ours = (referer.scheme, referer.netloc) == (request.url.scheme, request.url.netloc)
    if request.method == "GET" and is_page(request, path):
        return f"{path}?{request.url.query}" if request.url.query else path
    if ours and referer.path != path and is_page(request, referer.path):
        return f"{referer.path}?{referer.query}" if referer.query else referer.path
    return page_above(request, path)


def page_above(request: Request, path: str) -> str:
    """The nearest page at ``path`` or above it; the root is one."""
    parts = path.strip("/").split("/")
    for count in range(len(parts), 0, -1):
        above = "/" + "/".join(parts[:count])
        if is_page(request, above):
            return above
    return "/"
