"""How an organization's page looks: its accent as a style sheet, its logo, and the script that embeds it elsewhere."""

from __future__ import annotations

import hashlib
from typing import Final

from fastapi import APIRouter, Request, Response

from holdfast.errors import NotFound
from holdfast.http.pages.assets import send
from holdfast.http.pages.booking_site import open_site
from holdfast.http.pages.pages import PageRoute
from holdfast.web.assets import Assets
from holdfast.web.colors import accent_style

router = APIRouter(route_class=PageRoute, include_in_schema=False)

BRIEFLY: Final = "public, max-age=300"
# A picture of a stranger's: shown, but never run.
_STILL: Final = "default-src 'none'; style-src 'unsafe-inline'; sandbox"


@router.get("/look/{organization}.css")
async def accent(request: Request, organization: str) -> Response:
    """The accent colour and its companions that can be read on it."""
    site = await open_site(request, organization)
    return Response(accent_style(site.look.accent), headers={"Cache-Control": BRIEFLY}, media_type="text/css")


@router.get("/look/{organization}/logo")
async def logo(request: Request, organization: str) -> Response:
    """The logo. Raises NotFound without one."""
    site = await open_site(request, organization)
    if site.look.logo is None or site.look.logo_type is None:
        raise NotFound("There is no logo.")
    tag = f'"{hashlib.sha256(site.look.logo).hexdigest()[:16]}"'
    headers = {"Cache-Control": BRIEFLY, "ETag": tag, "Content-Security-Policy": _STILL}
    return Response(site.look.logo, headers=headers, media_type=site.look.logo_type)


@router.get("/embed.js")
async def embed(request: Request) -> Response:
    """The one line that other sites load; its address never changes, so it is asked for again every few minutes."""
    assets: Assets = request.app.state.assets
    script = assets.script("embed.js")
    if script is None:
        raise NotFound("The scripts were not built: run scripts/build-frontend.")
    return send(request, script, BRIEFLY)
