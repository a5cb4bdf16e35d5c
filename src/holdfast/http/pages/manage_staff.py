"""Manage: who signs in here, and what they may do. For owners alone: whoever lets people in lets in everything."""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

from fastapi import APIRouter, Request, Response

from holdfast.access import staff as people
from holdfast.access.staff import Role, SignedIn, Staff
from holdfast.catalog import service as catalog
from holdfast.catalog.model import Resource
from holdfast.db.transact import Transaction
from holdfast.errors import NotFound, StateRefused
from holdfast.http.pages.manage_form import Fields, Reader, fingerprint, typed_in
from holdfast.http.pages.manage_frame import keep, manage_page, require_unchanged
from holdfast.http.pages.pages import PageRoute, language_of, record_of, see
from holdfast.http.pages.staff_session import Desk
from holdfast.ids import parse_id, public_id
from holdfast.messages.carriers import MessageSettings

router = APIRouter(prefix="/desk/manage/staff", route_class=PageRoute, include_in_schema=False)

HOME: Final = "/desk/manage/staff"
ROLES: Final[tuple[Role, ...]] = ("owner", "manager", "desk", "provider")


@router.get("")
async def everybody(request: Request, staff: Desk) -> Response:
    """Everybody, those who left last."""
    staff.require("staff")
    found, providers = await record_of(request).transact(staff.caller(), _read)
    names = {each.id: each.name for each in providers}
    return await manage_page(
        request, staff, "manage/staff.html", topic="staff", people=found, providers=names, home=HOME, id_of=_id_of
    )


@router.get("/new")
async def invitation(request: Request, staff: Desk) -> Response:
    """Whom to invite?"""
    staff.require("staff")
    return await _form(request, staff, None, {"role": "desk"}, "")


@router.post("/new")
async def invite(request: Request, staff: Desk) -> Response:
    """Add them, and show the link by which they set their password: this once, for only its hash is kept."""
    staff.require("staff")
    typed = await typed_in(request)
    issued: list[str] = []

    async def draw(**context: Any) -> Response:
        return await _form(request, staff, None, typed, "", **context)

    async def work(tx: Transaction) -> None:
        reader = Reader(typed, language_of(request))
        email = reader.text("email")
        who = await _who(tx, reader)
        id = await people.create_staff(tx, email=email, **who)
        issued.append(await people.issue_link(tx, id, "invitation"))

    answer = await keep(request, staff, work, draw, HOME)
    return await _link(request, staff, typed["name"], issued[-1], "invitation") if answer.status_code == 303 else answer


@router.get("/{staff_id}")
async def person(request: Request, staff: Desk, staff_id: str) -> Response:
    """Somebody. Raises NotFound."""
    staff.require("staff")
    found = await record_of(request).transact(staff.caller(), lambda tx: _find(tx, staff_id))
    return await _form(request, staff, found, _fields(found), _seen(found))


@router.post("/{staff_id}")
async def change(request: Request, staff: Desk, staff_id: str) -> Response:
    """Another name, role or provider; the last owner stays one."""
    staff.require("staff")
    typed = await typed_in(request)
    found = await record_of(request).transact(staff.caller(), lambda tx: _find(tx, staff_id))

    async def draw(**context: Any) -> Response:
        return await _form(request, staff, found, typed, _seen(found), **context)

    async def work(tx: Transaction) -> None:
        require_unchanged(typed, *_shown(await _find(tx, staff_id)))
        who = await _who(tx, Reader(typed, language_of(request)))
        await people.change_staff(tx, found.id, **who)

    return await keep(request, staff, work, draw, f"{HOME}?done=change")


@router.post("/{staff_id}/link")
async def issue_link(request: Request, staff: Desk, staff_id: str) -> Response:
    """A fresh link in place of any before it, shown this once: an invitation, or a reset for who has a password."""
    staff.require("staff")

    async def work(tx: Transaction) -> tuple[Staff, str]:
        found = await _find_other(tx, staff, staff_id)
        return found, await people.issue_link(tx, found.id, "reset" if found.has_password else "invitation")

    found, token = await record_of(request).transact(staff.caller(), work)
    return await _link(request, staff, found.name, token, "reset" if found.has_password else "invitation")


@router.post("/{staff_id}/second-factor")
async def reset_second_factor(request: Request, staff: Desk, staff_id: str) -> Response:
    """They lost their phone: the password is enough again, and they are signed out everywhere."""
    staff.require("staff")

    async def work(tx: Transaction) -> None:
        await people.reset_second_factor(tx, (await _find_other(tx, staff, staff_id)).id)

    await record_of(request).transact(staff.caller(), work)
    return see(f"{HOME}?done=change")


@router.post("/{staff_id}/sign-out")
async def sign_out(request: Request, staff: Desk, staff_id: str) -> Response:
    """Sign them out everywhere."""
    staff.require("staff")

    async def work(tx: Transaction) -> None:
        await people.end_sessions(tx, (await _find(tx, staff_id)).id)

    await record_of(request).transact(staff.caller(), work)
    return see(f"{HOME}?done=change")


@router.post("/{staff_id}/retire")
async def retire(request: Request, staff: Desk, staff_id: str) -> Response:
    """They sign in no more; the last owner stays."""
    staff.require("staff")
    found = await record_of(request).transact(staff.caller(), lambda tx: _find(tx, staff_id))

    async def draw(**context: Any) -> Response:
        return await _form(request, staff, found, _fields(found), _seen(found), **context)

    return await keep(
        request, staff, lambda tx: people.retire_staff(tx, found.id), draw, f"{HOME}?done=retire"
    )  # fmt: skip


async def _read(tx: Transaction) -> tuple[list[Staff], list[Resource]]:
    return await people.list_staff(tx), await catalog.list_resources(tx, kind="provider")


async def _find(tx: Transaction, staff_id: str) -> Staff:
    id = parse_id("staff", staff_id)
    found = next((each for each in await people.list_staff(tx) if each.id == id and each.retired_at is None), None)
    if found is None:
        raise NotFound("There is no such person on the staff.")
    return found


async def _find_other(tx: Transaction, staff: SignedIn, staff_id: str) -> Staff:
    """Somebody else: one's own way in changes by what proves oneself, in the account. Raises StateRefused, NotFound."""
    found = await _find(tx, staff_id)
    if found.id == staff.staff_id:
        raise StateRefused("This is you: your password and second factor are in your account.")
    return found


async def _who(tx: Transaction, reader: Reader) -> dict[str, Any]:
    """Name, role and provider in the form. Raises FormErrors."""
    role = reader.choice("role", ROLES)
    resource = reader.text("resource", required=False)
    name = reader.text("name")
    providers = {each.slug: each.id for each in await catalog.list_resources(tx, kind="provider")}
    if resource and resource not in providers:
        reader.choice("resource", providers)
    if role == "provider" and not resource:
        reader.wrong("resource", "Which provider are they? They see that day and no other.")
    reader.done()
    return {"name": name, "role": role, "resource_id": providers.get(resource)}


def _fields(person: Staff) -> Fields:
    return {"name": person.name, "email": person.email, "role": person.role, "resource_id": str(person.resource_id)}


def _shown(person: Staff) -> tuple[object, ...]:
    return person.name, person.role, person.resource_id


def _seen(person: Staff) -> str:
    return fingerprint(*_shown(person))


def _id_of(id: UUID) -> str:
    return public_id("staff", id)


async def _form(
    request: Request,
    staff: SignedIn,
    found: Staff | None,
    typed: Fields,
    seen: str,
    *,
    problem: str = "",
    **context: Any,
) -> Response:
    _, providers = await record_of(request).transact(staff.caller(), _read)
    if "resource_id" in typed:
        typed["resource"] = next((each.slug for each in providers if str(each.id) == typed["resource_id"]), "")
    return await manage_page(
        request,
        staff,
        "manage/person.html",
        topic="staff",
        typed=typed,
        seen=seen,
        problem=problem,
        home=HOME,
        person=found,
        myself=found is not None and found.id == staff.staff_id,
        url=f"{HOME}/{_id_of(found.id)}" if found else f"{HOME}/new",
        providers=providers,
        roles=ROLES,
        **context,
    )


async def _link(request: Request, staff: SignedIn, name: str, token: str, purpose: str) -> Response:
    settings: MessageSettings = request.app.state.message_settings
    url = f"{(settings.public_url or str(request.base_url)).rstrip('/')}/welcome/{token}"
    return await manage_page(
        request, staff, "manage/link.html", topic="staff", whose=name, url=url, purpose=purpose, home=HOME
    )
