"""The desk's front door. The day board is built on top of it."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from holdfast.access import service as access
from holdfast.catalog.service import get_organization
from holdfast.http.pages.pages import PageRoute, page, record_of, see
from holdfast.http.pages.staff_session import Desk

router = APIRouter(route_class=PageRoute, include_in_schema=False)


@router.get("/")
async def home(request: Request) -> Response:
    """The root of an installation: its desk, or setting it up."""
    return see("/desk" if await access.list_organization_ids(record_of(request)) else "/setup")


@router.get("/desk")
async def desk(request: Request, staff: Desk) -> Response:
    """Where staff arrive."""
    organization = await record_of(request).transact(staff.caller(), get_organization)
    return page(
        request, "desk/welcome.html", staff=staff, place=organization.name, booking_url=f"/b/{organization.slug}"
    )
