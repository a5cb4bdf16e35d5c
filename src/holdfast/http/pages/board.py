"""The day board: the front desk's main page. It can be read, and printed, without its script."""

from __future__ import annotations

import json
from typing import Annotated, Any, Final

from fastapi import APIRouter, Query, Request, Response

from holdfast.booking.day import Board, Column, DayVisit, Item, read_board
from holdfast.http.pages.board_place import Place, find_place, remember, sight_of
from holdfast.http.pages.board_shapes import id_of, picture_of
from holdfast.http.pages.desk_frame import desk_page
from holdfast.http.pages.pages import PageRoute, language_of, record_of
from holdfast.http.pages.staff_session import Desk
from holdfast.ids import public_id
from holdfast.web.languages import Language

router = APIRouter(route_class=PageRoute, include_in_schema=False)

KINDS: Final = ("provider", "room", "device", "all")
Kind = Annotated[str, Query(alias="by", max_length=10)]


@router.get("/desk/day")
async def day(request: Request, staff: Desk, location: str = "", date: str = "", by: Kind = "provider") -> Response:
    """One local day by provider, room or device."""
    place = await find_place(request, staff, location, date)
    board = await read_day(request, staff, place)
    by = by if by in KINDS else "provider"
    if not staff.may("everybody"):
        by = "all"
    picture = picture_of(board)
    response = await desk_page(
        request,
        staff,
        "desk/day.html",
        section="day",
        board=board,
        by=by,
        kinds=KINDS if staff.may("everybody") else (),
        picture=picture,
        rows=rows_of(board),
        columns=of_kind(board, by),
        public_id=public_id,
        words=json.dumps(_words(language_of(request)), ensure_ascii=False),
        **around(place),
    )
    return remember(request, response, place)


@router.get("/desk/day.json")
async def day_json(request: Request, staff: Desk, location: str = "", date: str = "") -> Response:
    """The same for the script: every column, whatever kind is shown."""
    place = await find_place(request, staff, location, date)
    picture = picture_of(await read_day(request, staff, place))
    return Response(picture.text, media_type="application/json", headers={"ETag": f'"{picture.version}"'})


async def read_day(request: Request, staff: Desk, place: Place, *, days: int = 1) -> Board:
    """The board of a place, as much of it as this person gets to see."""
    return await record_of(request).transact(
        staff.caller(), lambda tx: read_board(tx, place.location.id, place.day, sight_of(staff), days=days)
    )


def around(place: Place) -> dict[str, Any]:
    """What every page of the board shows around itself."""
    return {"where": place, "location": place.location, "day": place.day, "today": place.today}


def rows_of(board: Board) -> dict[Any, list[tuple[Item, DayVisit | None, str]]]:
    """What stands in each column in order of time, with its visit and its public id."""
    rows: dict[Any, list[tuple[Item, DayVisit | None, str]]] = {column.id: [] for column in board.columns}
    for item in board.items:
        if item.resource_id in rows:
            visit = board.visits.get(item.holder_id) if item.kind == "visit" else None
            rows[item.resource_id].append((item, visit, id_of(item, visit)))
    return rows


def of_kind(board: Board, kind: str) -> list[Column]:
    """The columns of one kind, or all."""
    return [column for column in board.columns if kind in ("all", column.kind)]


def _words(language: Language) -> dict[str, str]:
    """What the script says, in the language of the page."""
    _ = language.gettext
    return {
        "held": _("Being booked"),
        "offered": _("Offered: {name}"),
        "confirmed": _("Confirmed"),
        "checked_in": _("Here"),
        "completed": _("Done"),
        "block": _("Blocked"),
        "busy": _("Busy elsewhere"),
        "overbook": _("Overbooked on purpose"),
        "collision": _("Collides with a booking"),
        "note": _("Has a note"),
        "break": _("Break"),
        "lost": _("Connection lost. What you see may be out of date."),
        "ended": _("You were signed out. What you see may be out of date."),
        "back": _("Up to date again."),
        "moved": _("Moved to {time}."),
        "moved_back": _("Moved back."),
        "changed": _("Changed to {time}."),
        "undo": _("Undo"),
        "refused": _("This could not be moved."),
        "reload": _("This page is out of date. Reload it and try again."),
        "offline": _("No connection: nothing was moved."),
        "instead": _("Move here instead"),
        "keep": _("Leave it as it was"),
        "book": _("Book here"),
        "close": _("Block this time"),
        "bookFirst": _("Book"),
        "closeTime": _("Block time"),
        "out": _("Out of order / away"),
        "why": _("Why not?"),
        "open": _("Open: {name}"),
        "turned": _("It is {day} now."),
        "turn": _("Show today"),
        "span": _("{name}, {time}"),
        "event": _("{what}, {time}, {name}"),
        "nobody": _("Nobody works here on this day."),
    }
