"""From the words of a request to the record's ids: a caller may write an id or a slug, an instant or a wall time."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from holdfast.access.model import PUBLIC_SURFACES
from holdfast.availability.permit import Choices
from holdfast.booking.model import Cursor, Visit
from holdfast.booking.service import QUERIES
from holdfast.catalog.service import time_zone_of
from holdfast.db.transact import Transaction
from holdfast.errors import Forbidden, Invalid, NotBookable, NotFound
from holdfast.http.shapes import VisitAsk
from holdfast.ids import KINDS, parse_id
from holdfast.wallclock import parse_instant


async def find_id(tx: Transaction, kind: str, reference: str) -> UUID:
    """The id that a reference means. Raises NotFound. An id is not looked up: the command that uses it will be told."""
    if reference.startswith(f"{KINDS[kind]}_"):
        return parse_id(kind, reference)
    found: UUID | None = await tx.value(QUERIES["id_of_slug"], kind=kind, slug=reference)
    if found is None:
        raise NotFound(f"There is no {kind} {reference!r} here. GET /v1/{kind}s lists them.")
    return found


async def find_visit(tx: Transaction, ask: VisitAsk) -> Visit:
    """The visit a request asks for. Raises NotBookable for what is not in the catalog, Invalid, WallTimeRefused."""
    try:
        service_id = await find_id(tx, "service", ask.service)
        location_id = await find_id(tx, "location", ask.location)
        choices = await find_choices(tx, ask.resources)
    except NotFound as missing:
        # it is part of the body, not the address, that names nothing
        raise NotBookable(missing.detail, reason="unknown_reference") from None
    start = await find_start(tx, ask.start, location_id)
    return Visit(service_id, location_id, start, choices, steps_outside(tx, ask.outside_rules))


def steps_outside(tx: Transaction, outside_rules: bool) -> bool:
    """Whether the rules of time are left aside, as asked. Raises Forbidden where a stranger asks for it."""
    if outside_rules and tx.scene.caller.surface in PUBLIC_SURFACES:
        raise Forbidden("Only staff may book outside the rules.", field="outside_rules")
    return outside_rules


async def find_choices(tx: Transaction, resources: Mapping[str, str | list[str]]) -> Choices:
    """What a request chooses: one resource for each unit that a role needs; further units are open to the pool."""
    return {
        role: [[await find_id(tx, "resource", each)] for each in ([chosen] if isinstance(chosen, str) else chosen)]
        for role, chosen in resources.items()
    }


async def find_start(tx: Transaction, start: str, location_id: UUID, field: str = "start") -> datetime:
    """The instant of ``start``, which may be a wall time at the location. Raises Invalid, WallTimeRefused."""
    if _says_offset(start):
        return parse_instant(start, None, field=field)
    zone = await tx.value(QUERIES["location_time_zone"], id=location_id, slug=None)
    if zone is None:
        raise NotBookable("There is no such location.", reason="unknown_location")
    return parse_instant(start, zone, field=field)


async def find_span(tx: Transaction, start: str, end: str, resource_id: UUID) -> tuple[datetime, datetime]:
    """The two instants, which may be wall times where the resource is. Raises Invalid, WallTimeRefused."""
    zone = await time_zone_of(tx, resource_id)
    return parse_instant(start, zone), parse_instant(end, zone, field="end")


def _says_offset(text: str) -> bool:
    clock = text[10:]
    return clock[-1:] in "Zz" or "+" in clock or "-" in clock


def write_cursor(*parts: str) -> str:
    """An opaque place in a list."""
    return base64.urlsafe_b64encode("\n".join(parts).encode()).decode().rstrip("=")


def read_cursor(cursor: str, count: int) -> list[str]:
    """The parts of a cursor that ``write_cursor`` made. Raises Invalid."""
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        parts = base64.b64decode(padded, altchars=b"-_", validate=True).decode().split("\n")
    except (binascii.Error, UnicodeDecodeError, ValueError):
        parts = []
    if len(parts) != count:
        raise Invalid("cursor is not one that a list gave: start again without it.", field="cursor")
    return parts


def read_time_cursor(cursor: str | None) -> Cursor | None:
    """The place (instant, id) in a list ordered by time. Raises Invalid."""
    if cursor is None:
        return None
    at, id = read_cursor(cursor, 2)
    try:
        return Cursor(datetime.fromisoformat(at), UUID(id))
    except ValueError:
        raise Invalid("cursor is not one that a list gave: start again without it.", field="cursor") from None
