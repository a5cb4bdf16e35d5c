"""Manage: API keys, what they may do, and when they were last used."""

from __future__ import annotations

from typing import Any, Final

from fastapi import APIRouter, Request, Response

from holdfast.access import service as access
from holdfast.access.model import SCOPES, SURFACES
from holdfast.db.transact import Transaction
from holdfast.http.callers import KeyRing
from holdfast.http.pages.manage_form import Fields, Reader, chosen, typed_in
from holdfast.http.pages.manage_frame import keep, manage_page
from holdfast.http.pages.pages import PageRoute, language_of, record_of, see
from holdfast.http.pages.staff_session import Desk
from holdfast.ids import parse_id, public_id

router = APIRouter(prefix="/desk/manage/keys", route_class=PageRoute, include_in_schema=False)

HOME: Final = "/desk/manage/keys"


@router.get("")
async def keys(request: Request, staff: Desk) -> Response:
    """Every key, revoked ones last."""
    staff.require("manage")
    found = await record_of(request).transact(staff.caller(), access.list_api_keys)
    return await manage_page(
        request,
        staff,
        "manage/keys.html",
        topic="keys",
        keys=found,
        home=HOME,
        id_of=lambda id: public_id("api_key", id),
    )


@router.get("/new")
async def new_key(request: Request, staff: Desk) -> Response:
    """What for?"""
    return await _form(request, staff, {"scopes-read": "1"})


@router.post("/new")
async def make_key(request: Request, staff: Desk) -> Response:
    """Make it, and show it: this once, for only its hash is kept."""
    staff.require("manage")
    typed = await typed_in(request)
    made: list[str] = []

    async def draw(**context: Any) -> Response:
        return await _form(request, staff, typed, **context)

    async def work(tx: Transaction) -> None:
        reader = Reader(typed, language_of(request))
        name = reader.text("name")
        scopes = [each for each in SCOPES if each in chosen(typed, "scopes", SCOPES)]
        surfaces = [each for each in SURFACES if each in chosen(typed, "surfaces", SURFACES)]
        if not scopes:
            reader.wrong("scopes", "What may it do? Tick at least one.")
        if not surfaces:
            reader.wrong("surfaces", "Where does it act? Tick at least one.")
        reader.done()
        made.append((await access.create_api_key(tx, name=name, scopes=scopes, surfaces=surfaces)).key)

    answer = await keep(request, staff, work, draw, HOME)
    if answer.status_code != 303:
        return answer
    return await manage_page(
        request, staff, "manage/key.html", topic="keys", title=typed["name"], key=made[-1], home=HOME
    )


@router.post("/{key_id}/revoke")
async def revoke(request: Request, staff: Desk, key_id: str) -> Response:
    """It opens nothing any more."""
    staff.require("manage")
    id = parse_id("api_key", key_id)
    await record_of(request).transact(staff.caller(), lambda tx: access.revoke_api_key(tx, id))
    ring: KeyRing = request.app.state.keys
    ring.forget(id)
    return see(f"{HOME}?done=retire")


async def _form(request: Request, staff: Desk, typed: Fields, *, problem: str = "", **context: Any) -> Response:
    return await manage_page(
        request,
        staff,
        "manage/new_key.html",
        topic="keys",
        typed=typed,
        problem=problem,
        seen="",
        home=HOME,
        scopes=SCOPES,
        surfaces=SURFACES,
        **context,
    )
