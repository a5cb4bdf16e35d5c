"""Manage: how long a time is kept for somebody who is still deciding, where they book."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from fastapi import APIRouter, Request, Response

from holdfast.catalog import service as catalog
from holdfast.catalog.model import HoldPolicy
from holdfast.db.transact import Transaction
from holdfast.errors import NotFound
from holdfast.http.pages.manage_form import Reader, fingerprint, typed_in
from holdfast.http.pages.manage_frame import keep, manage_page, require_unchanged
from holdfast.http.pages.pages import PageRoute, language_of, record_of
from holdfast.http.pages.staff_session import Desk

router = APIRouter(prefix="/desk/manage/hold_policies", route_class=PageRoute, include_in_schema=False)

HOME = "/desk/manage/hold_policies"
# What a policy has, least and most as the record takes them; those of LIMITS may be without limit.
BOUNDS = {
    "ttl_seconds": (1, 86_400),
    "ttl_seconds_max": (1, 86_400),
    "extensions_max": (0, 20),
    "grace_seconds": (0, 3600),
}
LIMITS = (
    "live_holds_per_visitor_max",
    "live_holds_per_network_max",
    "live_holds_per_actor_max",
    "bookings_per_visitor_and_day_max",
    "bookings_per_network_and_day_max",
)
LIMIT_MAX = 1_000_000


@router.get("")
async def policies(request: Request, staff: Desk) -> Response:
    """Every surface and what it allows."""
    staff.require("manage")
    found = await record_of(request).transact(staff.caller(), catalog.list_hold_policies)
    shown = [each for each in found if each.surface != "system"]
    return await manage_page(request, staff, "manage/holds.html", topic="hold_policies", policies=shown, home=HOME)


@router.get("/{surface}")
async def policy(request: Request, staff: Desk, surface: str) -> Response:
    """The form of one surface. Raises NotFound."""
    staff.require("manage")
    found = await record_of(request).transact(staff.caller(), lambda tx: _find(tx, surface))
    typed = {name: "" if value is None else str(value) for name, value in asdict(found).items()}
    return await _form(request, staff, surface, typed, fingerprint(found))


@router.post("/{surface}")
async def change_policy(request: Request, staff: Desk, surface: str) -> Response:
    """Change it; holds that live keep the term that they were given."""
    staff.require("manage")
    typed = await typed_in(request)
    now = fingerprint(await record_of(request).transact(staff.caller(), lambda tx: _find(tx, surface)))

    async def draw(**context: Any) -> Response:
        return await _form(request, staff, surface, typed, now, **context)

    async def work(tx: Transaction) -> None:
        require_unchanged(typed, await _find(tx, surface))
        reader = Reader(typed, language_of(request))
        changes: dict[str, int | None] = {name: reader.integer(name, *bounds) for name, bounds in BOUNDS.items()}
        changes |= {name: reader.optional(name, 1, LIMIT_MAX) for name in LIMITS}
        reader.done()
        await catalog.set_hold_policy(tx, surface, changes)

    return await keep(request, staff, work, draw, f"{HOME}?done=change")


async def _find(tx: Transaction, surface: str) -> HoldPolicy:
    found = {each.surface: each for each in await catalog.list_hold_policies(tx) if each.surface != "system"}
    if surface not in found:
        raise NotFound("There is no such surface.")
    return found[surface]


async def _form(
    request: Request, staff: Desk, surface: str, typed: dict[str, str], seen: str, *, problem: str = "", **context: Any
) -> Response:
    return await manage_page(
        request,
        staff,
        "manage/hold_policy.html",
        topic="hold_policies",
        typed=typed,
        seen=seen,
        surface=surface,
        problem=problem,
        home=HOME,
        **context,
    )
