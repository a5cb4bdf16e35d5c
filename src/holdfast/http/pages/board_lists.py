"""The day in other shapes: the week at a glance, a list to search, and a sheet to print."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, replace
from typing import Annotated, Final
from uuid import UUID

from fastapi import APIRouter, Form, Query, Request, Response

from holdfast import wallclock
from holdfast.access.staff import SignedIn
from holdfast.booking import service as booking
from holdfast.booking.day import Board, Column, DayVisit, Item, Times
from holdfast.booking.model import Appointment, AppointmentFilter
from holdfast.db.transact import Transaction
from holdfast.http.pages.board import KINDS, Kind, around, of_kind, read_day
from holdfast.http.pages.board_place import Place, find_place, remember
from holdfast.http.pages.desk_frame import desk_page
from holdfast.http.pages.pages import PageRoute, record_of
from holdfast.http.pages.staff_session import Desk
from holdfast.ids import parse_id, public_id

router = APIRouter(route_class=PageRoute, include_in_schema=False)

STATES: Final = ("confirmed", "checked_in", "completed", "cancelled", "no_show")
LISTED_MAX: Final = 500
Short = Annotated[str, Query(max_length=100)]
Typed = Annotated[str, Form(max_length=100)]


@dataclass(frozen=True, slots=True)
class Cell:
    """A resource's day: how many visits, and how much of its open time they take (0 to 1; None: not there)."""

    day: dt.date
    visits: int
    fill: float | None
    blocked: bool


@dataclass(frozen=True, slots=True)
class Line:
    """A visit on somebody's sheet, with the room and the device it is in."""

    item: Item
    visit: DayVisit | None
    places: list[str]


@router.get("/desk/week")
async def week(request: Request, staff: Desk, location: str = "", date: str = "", by: Kind = "provider") -> Response:
    """Seven days from Monday, for each resource how full they are."""
    place = await find_place(request, staff, location, date)
    monday = replace(place, day=place.day - dt.timedelta(days=place.day.weekday()))
    board = await read_day(request, staff, monday, days=7)
    by = by if by in KINDS and staff.may("everybody") else "provider" if staff.may("everybody") else "all"
    days = [monday.day + dt.timedelta(days=n) for n in range(7)]
    response = await desk_page(
        request,
        staff,
        "desk/day_week.html",
        section="day",
        by=by,
        kinds=KINDS if staff.may("everybody") else (),
        days=days,
        rows=[(column, [_cell(board, column, each) for each in days]) for column in of_kind(board, by)],
        **around(place),
    )
    return remember(request, response, place)


@router.get("/desk/list")
async def day_list(
    request: Request, staff: Desk, location: str = "", date: str = "", state: Short = "", resource: Short = ""
) -> Response:
    """The appointments of a day, those that were cancelled or missed as well."""
    return await _list(request, staff, location, date, state, resource)


@router.post("/desk/list")
async def search_list(
    request: Request,
    staff: Desk,
    location: Typed = "",
    date: Typed = "",
    state: Typed = "",
    resource: Typed = "",
    q: Typed = "",
) -> Response:
    """Those of them that fit what was typed. By POST: it may be a person's name."""
    return await _list(request, staff, location, date, state, resource, q)


async def _list(
    request: Request, staff: SignedIn, location: str, date: str, state: str, resource: str, q: str = ""
) -> Response:
    place = await find_place(request, staff, location, date)
    chosen = parse_id("resource", resource) if resource else None
    board = await read_day(request, staff, place)
    found = await _appointments(request, staff, place, state, chosen)
    words = q.casefold().split()
    response = await desk_page(
        request,
        staff,
        "desk/day_visits.html",
        section="day",
        visits=[
            (each, public_id("appointment", each.id), _served_by(each))
            for each in found
            if all(word in _searched(each) for word in words)
        ],
        states=STATES,
        providers=[(public_id("resource", each.id), each.name) for each in board.columns if each.kind == "provider"],
        typed={"state": state, "resource": resource, "q": q},
        zone=board.frame.time_zone,
        **around(place),
    )
    return remember(request, response, place)


@router.get("/desk/sheet")
async def sheet(request: Request, staff: Desk, location: str = "", date: str = "") -> Response:
    """The day to print, a page for each provider who is there."""
    place = await find_place(request, staff, location, date)
    board = await read_day(request, staff, place)
    providers = [each for each in board.columns if each.kind == "provider" or not staff.may("everybody")]
    pages = [(each, _lines(board, each)) for each in providers]
    return await desk_page(
        request,
        staff,
        "desk/day_sheet.html",
        section="day",
        pages=[(each, lines) for each, lines in pages if each.open or lines],
        zone=board.frame.time_zone,
        **around(place),
    )


async def _appointments(
    request: Request, staff: Desk, place: Place, state: str, resource_id: UUID | None
) -> list[Appointment]:
    zone = place.location.time_zone
    own = staff.may("everybody")
    if not own and staff.resource_id is None:
        return []
    wanted = AppointmentFilter(
        from_at=wallclock.day_start(place.day, zone),
        to_at=wallclock.day_start(place.day + dt.timedelta(days=1), zone),
        state=state if state in STATES else None,
        location_id=place.location.id,
        resource_id=resource_id if own else staff.resource_id,
    )

    async def work(tx: Transaction) -> list[Appointment]:
        return await booking.list_appointments(tx, wanted, limit=LISTED_MAX)

    return await record_of(request).transact(staff.caller(), work)


def _searched(visit: Appointment) -> str:
    return f"{visit.client_name} {visit.service_name} {visit.confirmation_code}".casefold()


def _served_by(visit: Appointment) -> str:
    return ", ".join(dict.fromkeys(claim["resource_name"] for claim in visit.claims))


def _lines(board: Board, column: Column) -> list[Line]:
    lines = []
    for item in board.items:
        if item.resource_id == column.id:
            visit = board.visits.get(item.holder_id) if item.kind == "visit" else None
            others = {
                board.frame.names[each.resource_id]
                for each in board.items
                if visit is not None and each.holder_id == item.holder_id and each.resource_id != column.id
            }
            lines.append(Line(item, visit, sorted(others)))
    return lines


def _cell(board: Board, column: Column, day: dt.date) -> Cell:
    begins = wallclock.day_start(day, board.frame.time_zone)
    ends = wallclock.day_start(day + dt.timedelta(days=1), board.frame.time_zone)
    items = [
        item
        for item in board.items
        if item.resource_id == column.id and item.starts_at < ends and item.ends_at > begins
    ]
    visits = [item for item in items if item.kind == "visit"]
    open_seconds = _seconds(tuple((max(a, begins), min(b, ends)) for a, b in column.open))
    # a closed day may have visits: somebody decided so
    busy = _seconds(tuple((max(item.starts_at, begins), min(item.ends_at, ends)) for item in visits))
    fill = min(busy / (open_seconds * max(column.capacity, 1)), 1.0) if open_seconds else None
    return Cell(day, len({item.holder_id for item in visits}), fill, any(item.kind == "block" for item in items))


def _seconds(times: Times) -> float:
    return sum((end - start).total_seconds() for start, end in times if end > start)
