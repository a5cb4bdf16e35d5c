"""The front doors: the root of an installation, and where staff arrive."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from holdfast.access import service as access
from holdfast.http.pages.pages import PageRoute, record_of, see

router = APIRouter(route_class=PageRoute, include_in_schema=False)


@router.get("/")
async def home(request: Request) -> Response:
    """The root of an installation: its desk, or setting it up."""
    return see("/desk" if await access.list_organization_ids(record_of(request)) else "/setup")


@router.get("/desk")
async def desk() -> Response:
    """Where staff arrive: the day."""
    return see("/desk/day")
