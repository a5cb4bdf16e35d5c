"""Manage: to whom time that falls free is offered, service by service."""

from __future__ import annotations

from dataclasses import asdict
from datetime import time
from typing import Any, Final

from fastapi import APIRouter, Request, Response

from holdfast.catalog import service as catalog
from holdfast.catalog.document import money
from holdfast.catalog.model import Service
from holdfast.db.transact import Transaction
from holdfast.http.pages.manage_form import Fields, Reader, fingerprint, typed_in
from holdfast.http.pages.manage_frame import keep, manage_page, require_unchanged
from holdfast.http.pages.pages import PageRoute, language_of, record_of
from holdfast.http.pages.staff_session import Desk
from holdfast.waitlist import service as waitlist
from holdfast.waitlist.model import Policy

router = APIRouter(prefix="/desk/manage/waitlist", route_class=PageRoute, include_in_schema=False)

HOME: Final = "/desk/manage/waitlist"
MODES: Final = ("first_in_line", "best_value", "priority", "all_at_once")
BOUNDS: Final = {
    "offer_minutes_min": (1, 1440),
    "offer_minutes_max": (1, 1440),
    "answer_percent": (1, 100),
    "cut_off_minutes": (0, 10_080),
    "offers_per_slot_max": (1, 1000),
    "offers_per_client_and_day_max": (1, 100),
}


@router.get("")
async def policies(request: Request, staff: Desk) -> Response:
    """Every service, and how its freed times are offered."""
    staff.require("manage")

    async def work(tx: Transaction) -> list[tuple[Service, Policy]]:
        found = await waitlist.policies(tx)
        return [(each, found[each.id]) for each in await catalog.list_services(tx) if each.id in found]

    found = await record_of(request).transact(staff.caller(), work)
    return await manage_page(request, staff, "manage/waitlist.html", topic="waitlist", policies=found, home=HOME)


@router.get("/{service}")
async def policy(request: Request, staff: Desk, service: str) -> Response:
    """The form of one service. Raises NotFound."""
    staff.require("manage")
    found, now = await record_of(request).transact(staff.caller(), lambda tx: _find(tx, service))
    return await _form(request, staff, found, _fields(now), fingerprint(now))


@router.post("/{service}")
async def change_policy(request: Request, staff: Desk, service: str) -> Response:
    """Change it; offers that are open keep the term that they were given."""
    staff.require("manage")
    typed = await typed_in(request)
    found, now = await record_of(request).transact(staff.caller(), lambda tx: _find(tx, service))

    async def draw(**context: Any) -> Response:
        return await _form(request, staff, found, typed, fingerprint(now), **context)

    async def work(tx: Transaction) -> None:
        require_unchanged(typed, (await _find(tx, service))[1])
        await waitlist.set_policy(tx, found.id, _read(Reader(typed, language_of(request))))

    return await keep(request, staff, work, draw, f"{HOME}?done=change")


def _fields(policy: Policy) -> Fields:
    fields = {name: str(value) for name, value in asdict(policy).items()}
    fields |= {name: f"{getattr(policy, name):%H:%M}" for name in ("quiet_from", "quiet_until")}
    least = policy.partial_fit_min_cents
    return fields | {"partial_fit": "" if least is None else "1", "partial_fit_min": money(least or 0)}


def _read(reader: Reader) -> dict[str, Any]:
    changes: dict[str, Any] = {name: reader.integer(name, *bounds) for name, bounds in BOUNDS.items()}
    changes["mode"] = reader.choice("mode", MODES)
    changes |= {name: reader.wall_time(name) or time(0) for name in ("quiet_from", "quiet_until")}
    changes["partial_fit_min_cents"] = reader.cents("partial_fit_min") if reader.checked("partial_fit") else None
    if changes["offer_minutes_min"] > changes["offer_minutes_max"]:
        reader.wrong("offer_minutes_max", "The longest is shorter than the shortest: swap them.")
    reader.done()
    return changes


async def _find(tx: Transaction, reference: str) -> tuple[Service, Policy]:
    service = await catalog.get_service(tx, reference)
    return service, (await waitlist.policies(tx)).get(service.id, Policy(service.id))


async def _form(
    request: Request, staff: Desk, service: Service, typed: Fields, seen: str, *, problem: str = "", **context: Any
) -> Response:
    return await manage_page(
        request,
        staff,
        "manage/waitlist_policy.html",
        topic="waitlist",
        typed=typed,
        seen=seen,
        service=service,
        problem=problem,
        home=HOME,
        modes=MODES,
        **context,
    )
