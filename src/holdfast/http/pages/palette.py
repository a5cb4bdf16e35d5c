"""The command palette: one field from which every page, day, client and visit is a few keys away.

Without scripts it is a page: what is typed is sent, and what it could mean is listed.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Annotated, Any, Final

from fastapi import APIRouter, Form, Request, Response

from holdfast.access.staff import SignedIn
from holdfast.booking import service as booking
from holdfast.catalog import service as catalog
from holdfast.clients import service as clients
from holdfast.db.transact import Transaction
from holdfast.http.pages import browser
from holdfast.http.pages.desk_frame import KEYS_COOKIE, desk_page
from holdfast.http.pages.desk_times import read_day
from holdfast.http.pages.pages import PageRoute, language_of, record_of
from holdfast.http.pages.staff_session import Desk
from holdfast.ids import public_id
from holdfast.wallclock import local_date
from holdfast.web.languages import Language

router = APIRouter(prefix="/desk/palette", route_class=PageRoute, include_in_schema=False)

CLIENTS: Final = 6
CODE_LENGTHS: Final = range(6, 13)


@dataclass(frozen=True, slots=True)
class Hit:
    """Somewhere to go: ``beside`` opens in the panel; ``key`` is its shortcut; ``here``: where the page behind is."""

    title: str
    url: str
    kind: str
    beside: bool = False
    key: str = ""
    here: bool = False


@router.get("")
async def palette(request: Request, staff: Desk) -> Response:
    """Where one can go."""
    return await _page(request, staff, "")


@router.post("")
async def look(request: Request, staff: Desk, text: Annotated[str, Form(max_length=200)] = "") -> Response:
    """What the typed words could mean. By POST: they may be a person's name."""
    return await _page(request, staff, text)


@router.post("/keys")
async def switch_keys(request: Request, staff: Desk, keys: Annotated[str, Form(max_length=3)] = "on") -> Response:
    """Switch the shortcuts of one letter, digit or sign off in this browser, or on again."""
    response = await _page(request, staff, "", single_keys=keys != "off")
    value = "off" if keys == "off" else "on"
    browser.set_cookie(request, response, KEYS_COOKIE, value, seconds=browser.VISITOR_SECONDS)
    return response


async def _page(request: Request, staff: SignedIn, text: str, *, single_keys: bool | None = None) -> Response:
    language = language_of(request)

    async def work(tx: Transaction) -> list[Hit]:
        places = await catalog.list_locations(tx)
        today = local_date(tx.scene.began_at, places[0].time_zone if places else "UTC")
        found = [*_days(text, today, language), *(await _visits(tx, staff, text, language))]
        return [*found, *_pages(staff, text, language), *(await _clients(tx, staff, text, language))]

    hits = await record_of(request).transact(staff.caller(), work)
    more: dict[str, Any] = {} if single_keys is None else {"single_keys": single_keys}
    return await desk_page(
        request, staff, "desk/palette.html", section="", text=text, hits=hits, keys_changed=bool(more), **more
    )


def _pages(staff: SignedIn, text: str, language: Language) -> list[Hit]:
    gettext = language.gettext
    kind = gettext("page")
    pages = [Hit(gettext("Today"), "/desk/day", kind, key="g d")]
    if staff.may("book"):
        pages.insert(0, Hit(gettext("Book"), "/desk/book", gettext("new"), beside=True, key="b", here=True))
        pages.append(Hit(gettext("Waitlist"), "/desk/waitlist", kind, key="g w"))
    if staff.may("block"):
        pages.append(Hit(gettext("Block time"), "/desk/blocks/new", gettext("new"), beside=True, here=True))
        pages.append(Hit(gettext("Out of order / away"), "/desk/dropout", gettext("new"), beside=True, here=True))
    if staff.may("everybody"):
        pages.append(Hit(gettext("Why not?"), "/desk/why", kind, beside=True, here=True))
    if staff.may("contacts"):
        pages.append(Hit(gettext("Clients"), "/desk/clients", kind, key="g c"))
        pages.append(Hit(gettext("Messages"), "/desk/messages", kind, key="g m"))
    if staff.may("everybody"):
        pages.append(Hit(gettext("Inbox"), "/desk/inbox", kind, key="g i"))
        pages.append(Hit(gettext("To other programs"), "/desk/deliveries", kind))
    if staff.may("manage"):
        pages.append(Hit(gettext("Manage"), "/desk/manage", kind))
    pages.append(Hit(gettext("Your account"), "/account", kind))
    words = text.casefold().split()
    return [page for page in pages if all(word in page.title.casefold() for word in words)]


def _days(text: str, today: date, language: Language) -> list[Hit]:
    """Days by name: today, tomorrow, a weekday's beginning, 2027-03-06."""
    wanted = text.strip().casefold()
    if len(wanted) < 2:
        return []
    gettext = language.gettext
    named = [(gettext("today"), today), (gettext("tomorrow"), today + timedelta(days=1)),
             (gettext("yesterday"), today - timedelta(days=1))]  # fmt: skip
    week = [today + timedelta(days=n) for n in range(1, 8)]
    named += [(language.day(day), day) for day in week] + [(language.weekday(day), day) for day in week]
    found = [day for name, day in named if name.casefold().startswith(wanted)]
    typed = read_day(wanted)
    days = dict.fromkeys([*found, *([typed] if typed else [])])
    return [Hit(language.day(day), f"/desk/day?date={day.isoformat()}", gettext("day")) for day in days]


async def _visits(tx: Transaction, staff: SignedIn, text: str, language: Language) -> list[Hit]:
    code = text.strip()
    if not staff.may("everybody") or len(code) not in CODE_LENGTHS or not code.isalnum():
        return []
    id = await booking.find_appointment(tx, code)
    url = f"/desk/appointments/{public_id('appointment', id)}" if id else ""
    return [Hit(code.upper(), url, language.gettext("visit"), beside=True)] if id else []


async def _clients(tx: Transaction, staff: SignedIn, text: str, language: Language) -> list[Hit]:
    if not staff.may("contacts") or len(text.strip()) < 2:
        return []
    return [
        Hit(
            each.name, f"/desk/clients/{public_id('client', each.id)}", each.phone or language.gettext("client"),
            beside=True,
        )
        for each in await clients.find_clients(tx, text, limit=CLIENTS)
    ]  # fmt: skip
