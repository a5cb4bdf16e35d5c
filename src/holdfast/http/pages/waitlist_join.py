"""No time suits: wait for one. A short form, by which a freed time finds its client.

Strangers send it, so it is counted per browser and network like their holds, and has a field that no person sees.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Annotated, Final

from fastapi import APIRouter, Form, Query, Request, Response

from holdfast.booking.model import ClientDetails
from holdfast.db.transact import Transaction
from holdfast.errors import HoldfastError, Invalid, StateRefused, TooManyRequests
from holdfast.http.pages.booking_site import Site, open_site
from holdfast.http.pages.choice import Choice, find_choice, read_day
from holdfast.http.pages.held import read_contact
from holdfast.http.pages.pages import PageRoute, see
from holdfast.http.parts_of_day import PARTS_OF_DAY, windows_of
from holdfast.waitlist import service as waitlist
from holdfast.waitlist.model import Entry, Wish
from holdfast.wallclock import local_date

router = APIRouter(prefix="/b/{organization}/{location}/{service}/wait", route_class=PageRoute, include_in_schema=False)

Text = Annotated[str, Form(max_length=300)]
Texts = Annotated[list[str], Form(max_length=20)]

NOTICES_MINUTES: Final = (60, 180, 1440, 2880)
PARTY_MAX: Final = 20
FILLED: Final = "Something filled in a field that is not meant for you. It is empty again: send the form once more."


@dataclass
class Asked:
    """The form as it was sent. ``errors`` by field; ``wish`` and ``client`` once it is right."""

    typed: dict[str, object]
    errors: dict[str, str] = field(default_factory=dict)
    wish: Wish | None = None
    client: ClientDetails | None = None


@router.get("")
async def ask(
    request: Request,
    organization: str,
    location: str,
    service: str,
    person: Annotated[str, Query(alias="with", max_length=64)] = "",
    joined: str = "",
) -> Response:
    """What would suit? Looking takes no place in the line."""
    site, choice = await _find(request, organization, location, service, person)
    if joined:
        return site.page("booking/waitlist_joined.html", choice=choice, several=joined == "several")
    return await _page(site, choice, Asked({"notice": "180", "party_size": "1"}))


@router.post("")
async def join(
    request: Request,
    organization: str,
    location: str,
    service: str,
    person: Text = "",
    weekday: Texts = [],  # noqa: B006 - FastAPI copies defaults
    part: Texts = [],  # noqa: B006
    earliest: Text = "",
    latest: Text = "",
    notice: Text = "180",
    party_size: Text = "1",
    name: Text = "",
    email: Text = "",
    phone: Text = "",
    website: Text = "",
) -> Response:
    """Take a place in the line. What is wrong is said beside the field, and what was typed stays."""
    site, choice = await _find(request, organization, location, service, person)
    asked = Asked(
        {"weekday": weekday, "part": part, "earliest": earliest, "latest": latest, "notice": notice,
         "party_size": party_size, "name": name, "email": email, "phone": phone}
    )  # fmt: skip
    _read_wish(site, choice, asked, weekday, part)
    contact = read_contact(site, name, email, phone)
    asked.errors |= contact.errors
    wish, client = asked.wish, contact.client
    if website:  # the field that no person sees; sent back it is empty, and words tell whoever reads
        return await _page(site, choice, asked, refusal=Invalid(FILLED), status=422)
    if asked.errors or wish is None or client is None:
        return await _page(site, choice, asked, status=422)

    async def work(tx: Transaction) -> Entry:
        return await waitlist.join(tx, wish, client, visitor=site.visitor)

    try:
        await site.transact(work)
    except (Invalid, StateRefused, TooManyRequests) as refusal:
        return await _page(site, choice, asked, refusal=refusal, status=409)
    return see(choice.waiting_url(site, joined="several" if wish.party_size > 1 else "1"))


async def _find(request: Request, organization: str, location: str, service: str, person: str) -> tuple[Site, Choice]:
    site = await open_site(request, organization, location)
    return site, await site.transact(lambda tx: find_choice(tx, site, [service], person))


async def _page(
    site: Site, choice: Choice, asked: Asked, *, refusal: HoldfastError | None = None, status: int = 200
) -> Response:
    today = await site.transact(lambda tx: _today(tx, site))
    return site.page(
        "booking/waitlist_join.html",
        status=status,
        choice=choice,
        today=today,
        weekdays=[(day, site.language.weekday(date(2024, 1, 1 + day))) for day in range(7)],  # that was a Monday
        parts_of_day=list(PARTS_OF_DAY),
        notices=NOTICES_MINUTES,
        typed=asked.typed,
        errors=asked.errors,
        refusal=refusal,
    )


async def _today(tx: Transaction, site: Site) -> date:
    return local_date(tx.scene.began_at, site.here.time_zone)


def _read_wish(site: Site, choice: Choice, asked: Asked, weekday: Sequence[str], part: Sequence[str]) -> None:
    gettext, typed = site.language.gettext, asked.typed
    days = {name: read_day(str(typed[name])) for name in ("earliest", "latest")}
    for name, day in days.items():
        if typed[name] and day is None:
            asked.errors[name] = gettext("This is not a day of the calendar.")
    if days["earliest"] and days["latest"] and days["latest"] < days["earliest"]:
        asked.errors["latest"] = gettext("The last day comes before the first.")
    size = str(typed["party_size"]).strip()
    if not (size.isdecimal() and 1 <= int(size[:4]) <= PARTY_MAX):
        asked.errors["party_size"] = gettext("How many are you? From 1 to 20.")
    if asked.errors:
        return
    notice = str(typed["notice"])
    asked.wish = Wish(
        services=[choice.service.id],
        locations=[site.here.id],
        providers=[choice.person.id] if choice.person else [],
        windows=windows_of(part, [int(day) for day in weekday if day in map(str, range(7))]),
        earliest_on=days["earliest"],
        latest_on=days["latest"],
        notice_minutes=int(notice) if notice in map(str, NOTICES_MINUTES) else 0,
        party_size=int(size),
    )
