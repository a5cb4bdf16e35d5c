"""The desk's front door. The day board is built on top of it."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from holdfast.access import service as access
from holdfast.http.pages.desk_frame import desk_page
from holdfast.http.pages.pages import PageRoute, record_of, see
from holdfast.http.pages.staff_session import Desk

router = APIRouter(route_class=PageRoute, include_in_schema=False)


@router.get("/")
async def home(request: Request) -> Response:
    """The root of an installation: its desk, or setting it up."""
    return see("/desk" if await access.list_organization_ids(record_of(request)) else "/setup")


@router.get("/desk")
async def desk(request: Request, staff: Desk) -> Response:
    """Where staff arrive."""
    return await desk_page(
        request, staff, "desk/welcome.html", section="day", booking_url=f"/b/{staff.organization_slug}"
    )
