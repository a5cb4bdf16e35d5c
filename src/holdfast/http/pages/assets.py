"""Styles and scripts. Their names carry a hash of their content, so a browser never asks for one twice."""

from __future__ import annotations

from typing import Final

from fastapi import APIRouter, Request, Response

from holdfast.errors import NotFound
from holdfast.web.assets import PREFIX, Asset, Assets

router = APIRouter(include_in_schema=False)

FOREVER: Final = "public, max-age=31536000, immutable"


@router.get(PREFIX + "{path:path}")
async def asset(request: Request, path: str) -> Response:
    """A file of this version."""
    assets: Assets = request.app.state.assets
    found = assets.find(path)
    if found is None:
        raise NotFound("There is no such file in this version.")
    return send(request, found, FOREVER)


def send(request: Request, asset: Asset, caching: str) -> Response:
    """The file, compressed for whoever accepts that."""
    headers = {"Cache-Control": caching, "X-Content-Type-Options": "nosniff", "Vary": "Accept-Encoding"}
    content = asset.content
    if "gzip" in request.headers.get("accept-encoding", ""):
        content = asset.compressed
        headers["Content-Encoding"] = "gzip"
    return Response(content, headers=headers, media_type=asset.media_type)
