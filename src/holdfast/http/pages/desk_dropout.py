"""Out of order, or away: what becomes of the visits that a person, a room or a device has while it is out.

A plan is shown that moves the fewest; one button carries out exactly that plan, and records the time off. What nobody
else can take stays with a person, who moves it to another time or calls the client.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated
from urllib.parse import urlencode
from uuid import UUID

from fastapi import APIRouter, Form, Query, Request, Response

from holdfast.access.staff import SignedIn
from holdfast.availability.model import Slot
from holdfast.booking import service as booking
from holdfast.booking.dropout import LONGEST, DropoutPlan, apply_dropout, plan_dropout
from holdfast.booking.model import Appointment
from holdfast.catalog.model import Resource
from holdfast.catalog.service import list_resources
from holdfast.db.transact import Transaction
from holdfast.errors import Forbidden, HoldfastError, Invalid, NotFound, StateRefused
from holdfast.http.pages.board_blocks import require_own
from holdfast.http.pages.board_place import WALL, Place, begin_of, by_kind, closable, find_place
from holdfast.http.pages.desk_frame import desk_page
from holdfast.http.pages.desk_times import wanted_query
from holdfast.http.pages.pages import PageRoute, language_of, record_of, see
from holdfast.http.pages.staff_session import Desk
from holdfast.http.problems import status_of
from holdfast.ids import parse_id, public_id
from holdfast.wallclock import parse_instant, to_local
from holdfast.web.languages import Language

router = APIRouter(prefix="/desk/dropout", route_class=PageRoute, include_in_schema=False)

Text = Annotated[str, Form(max_length=500)]
Short = Annotated[str, Query(max_length=64)]


@dataclass(frozen=True)
class Moved:
    """A visit of the plan that somebody or something else takes over. ``told``: whether this person may know whose."""

    visit: Appointment
    role: str
    before: str
    after: str
    makes_way: bool
    told: bool


@dataclass(frozen=True)
class Instead:
    """Another time for a stranded visit, with those who would serve then; ``url`` is where it is moved to."""

    slot: Slot
    names: list[str]
    url: str


@dataclass(frozen=True)
class Left:
    """A visit that nobody else can take at its time."""

    visit: Appointment
    why: str
    instead: list[Instead]


@dataclass(frozen=True)
class Out:
    """What is out, and for how long."""

    place: Place
    resource: Resource
    start: datetime
    end: datetime

    @property
    def query(self) -> dict[str, str]:
        zone = self.place.location.time_zone
        return {
            "resource": public_id("resource", self.resource.id),
            "location": self.place.location.slug,
            "start": to_local(self.start, zone).strftime(WALL),
            "end": to_local(self.end, zone).strftime(WALL),
        }

    def url(self, **more: str) -> str:
        """The address of the plan."""
        return f"/desk/dropout?{urlencode(self.query | {'show': '1'} | more)}"


@router.get("")
async def dropout(
    request: Request,
    staff: Desk,
    resource: Short = "",
    location: Short = "",
    start: Short = "",
    end: Short = "",
    show: Short = "",
    done: Short = "",
) -> Response:
    """What is out, and for how long? With both: the plan. Nothing is changed."""
    staff.require("block")
    typed = {"resource": resource, "location": location, "start": start, "end": end}
    place = await find_place(request, staff, location, "")
    if not show:
        return await _ask(request, staff, place, typed)
    try:
        out = await _out(request, staff, place, typed)
        plan = await plan_dropout(record_of(request), staff.caller(), out.resource.id, out.start, out.end)
    except (Invalid, NotFound) as error:
        return await _ask(request, staff, place, typed, error)
    return await _show(request, staff, out, plan, done=done)


@router.post("")
async def carry_out(
    request: Request,
    staff: Desk,
    resource: Text,
    location: Text,
    start: Text,
    end: Text,
    approve: Text,
    reason: Text = "",
) -> Response:
    """Do what the plan said, all or nothing. Where the record changed meanwhile, the plan is shown as it is now."""
    staff.require("block")
    place = await find_place(request, staff, location, "")
    typed = {"resource": resource, "location": location, "start": start, "end": end}
    out = await _out(request, staff, place, typed)

    async def work(tx: Transaction) -> DropoutPlan:
        return await apply_dropout(tx, out.resource.id, out.start, out.end, approved=approve, reason=reason.strip())

    try:
        done = await record_of(request).transact(staff.caller(), work)
    except StateRefused as refusal:
        plan = await plan_dropout(record_of(request), staff.caller(), out.resource.id, out.start, out.end)
        problem = language_of(request).gettext(
            "Somebody booked or changed something meanwhile, so nothing was moved. This is the plan as it is now."
        )
        return await _show(request, staff, out, plan, problem=problem, reason=reason, status=status_of(refusal))
    return see(out.url(done=str(len({each.appointment_id for each in done.moves}))))


async def _out(request: Request, staff: SignedIn, place: Place, typed: dict[str, str]) -> Out:
    """Raises Invalid, NotFound, Forbidden."""
    if not typed["resource"]:
        raise Invalid("Choose who or what is out.", field="resource")
    id = parse_id("resource", typed["resource"])
    require_own(staff, id)
    found = next((each for each in await closable(request, staff, place) if each.id == id), None)
    if found is None:
        raise NotFound("That is not at this location.")
    zone = place.location.time_zone
    begins, ends = parse_instant(typed["start"], zone), parse_instant(typed["end"], zone, field="end")
    if begins >= ends:
        raise Invalid("It has to end after it begins.", field="end")
    if ends - begins > LONGEST:
        raise Invalid("Choose at most 92 days.", field="end")
    return Out(place, found, begins, ends)


async def _ask(
    request: Request, staff: SignedIn, place: Place, typed: dict[str, str], error: HoldfastError | None = None
) -> Response:
    choices = await closable(request, staff, place)
    if not choices:
        raise Forbidden("Nothing here is yours to close.")
    start, end = _span(place, typed["start"], typed["end"])
    language = language_of(request)
    return await desk_page(
        request, staff, "desk/dropout.html", section="day", status=status_of(error) if error else 200,
        typed={**typed, "start": start, "end": end}, where=place, groups=by_kind(choices, language),
        problem=language.said(error.detail) if error else "",
    )  # fmt: skip


def _span(place: Place, start: str, end: str) -> tuple[str, str]:
    """From then (now, or the beginning of a day) until that day is over, unless both were said."""
    begins = begin_of(start, place.location.time_zone)
    over = datetime.combine(begins.date() + timedelta(days=1), datetime.min.time())
    return begins.strftime(WALL), end[:16] or over.strftime(WALL)


async def _show(
    request: Request,
    staff: SignedIn,
    out: Out,
    plan: DropoutPlan,
    *,
    done: str = "",
    problem: str = "",
    reason: str = "",
    status: int = 200,
) -> Response:
    language = language_of(request)
    ids = {each.appointment_id for each in plan.moves} | {each.appointment_id for each in plan.stranded}

    async def work(tx: Transaction) -> tuple[dict[UUID, Appointment], dict[str, str]]:
        visits = {each.id: each for each in await booking.get_appointments(tx, ids)}
        return visits, {str(each.id): each.name for each in await list_resources(tx)}

    visits, names = await record_of(request).transact(staff.caller(), work)
    moves = [
        Moved(
            visits[each.appointment_id], each.role, each.from_name, each.resource_name, each.makes_way,
            staff.may("everybody") or not each.makes_way,
        )
        for each in plan.moves
    ]  # fmt: skip
    left = [
        Left(
            visits[each.appointment_id],
            _reason(each.reason, out.resource.name, language),
            [_instead(visits[each.appointment_id], slot, names) for slot in each.alternatives],
        )
        for each in plan.stranded
    ]
    return await desk_page(
        request, staff, "desk/dropout_plan.html", section="day", status=status, out=out, plan=plan, moves=moves,
        moved=len({each.appointment_id for each in plan.moves}), left=left, problem=problem, reason=reason,
        done=int(done) if done.isdecimal() and len(done) < 6 else None, zone=out.place.location.time_zone,
        public_id=public_id,
    )  # fmt: skip


def _instead(visit: Appointment, slot: Slot, names: dict[str, str]) -> Instead:
    """The way to that time with exactly those who would serve then: what is out is not among them."""
    roles = [pick.role for pick in slot.picks]
    wanted = {pick.role: UUID(pick.resource) for pick in slot.picks if roles.count(pick.role) == 1}
    url = f"/desk/appointments/{public_id('appointment', visit.id)}/reschedule?{wanted_query(wanted)}"
    return Instead(slot, list(dict.fromkeys(names.get(pick.resource, "") for pick in slot.picks)), url)


def _reason(reason: str, name: str, language: Language) -> str:
    _ = language.gettext
    said = {
        "taken": _("Whoever or whatever could take over is taken then."),
        "nobody_else": _("Nobody and nothing else can do what %(name)s does."),
        "not_sold_any_more": _("This service is not sold any more."),
        "too_soon": _("It begins too soon for anybody else, or has begun."),
        "away": _("Whoever could take over is away then."),
        "not_working": _("Whoever could take over does not work then."),
        "on_break": _("Whoever could take over has a break then."),
        "no_credential": _("Nobody else has what this service takes on that day."),
        "cap_reached": _("Whoever could take over has all their visits of that day."),
    }
    return said.get(reason, _("Nobody and nothing else can take it then.")) % {"name": name}
