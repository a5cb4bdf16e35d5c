"""Manage: what the business is called, and what its prices are in."""

from __future__ import annotations

from typing import Any, Final

from fastapi import APIRouter, Request, Response

from holdfast.catalog import service as catalog
from holdfast.catalog.model import Organization
from holdfast.db.transact import Transaction
from holdfast.http.pages.manage_form import Fields, Reader, fingerprint, typed_in
from holdfast.http.pages.manage_frame import keep, manage_page, require_unchanged
from holdfast.http.pages.pages import PageRoute, language_of, record_of
from holdfast.http.pages.staff_session import Desk
from holdfast.messages import service as messages
from holdfast.web.languages import currencies

router = APIRouter(prefix="/desk/manage/business", route_class=PageRoute, include_in_schema=False)

HOME: Final = "/desk/manage/business"


@router.get("")
async def business(request: Request, staff: Desk) -> Response:
    """The form."""
    staff.require("manage")
    found = await record_of(request).transact(staff.caller(), catalog.get_organization)
    return await _form(request, staff, found, {"name": found.name, "currency": found.currency})


@router.post("")
async def change_business(request: Request, staff: Desk) -> Response:
    """Change it. What is booked keeps the currency that it was booked in."""
    staff.require("manage")
    typed = await typed_in(request)
    found = await record_of(request).transact(staff.caller(), catalog.get_organization)

    async def draw(**context: Any) -> Response:
        return await _form(request, staff, found, typed, **context)

    async def work(tx: Transaction) -> None:
        now = await catalog.get_organization(tx)
        require_unchanged(typed, now)
        reader = Reader(typed, language_of(request))
        name, currency = reader.text("name"), reader.choice("currency", (*currencies(), now.currency))
        reader.done()
        await catalog.set_organization(tx, name=name, currency=currency)

    return await keep(request, staff, work, draw, f"{HOME}?done=change")


async def _form(
    request: Request, staff: Desk, found: Organization, typed: Fields, *, problem: str = "", **context: Any
) -> Response:
    policy = await record_of(request).transact(staff.caller(), messages.get_policy)
    choices = language_of(request).currencies
    if found.currency not in currencies():
        choices = [(found.currency, found.currency), *choices]
    return await manage_page(
        request,
        staff,
        "manage/business.html",
        topic="business",
        typed=typed,
        seen=fingerprint(found),
        problem=problem,
        home=HOME,
        choices=choices,
        messages_in=policy.language,
        **context,
    )
