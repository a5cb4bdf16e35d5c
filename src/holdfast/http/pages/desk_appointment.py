"""One appointment, in the panel or as a page: what it is, what can be done about it, and its story.

Every change carries the revision that was on the screen: whoever changes what somebody else changed meanwhile is told
what that was, and decides again.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Annotated, Final
from uuid import UUID

from fastapi import APIRouter, Form, Query, Request, Response

from holdfast.access.staff import SignedIn
from holdfast.availability.model import Slot
from holdfast.availability.permit import another_start_may_do
from holdfast.booking import service as booking
from holdfast.booking import visitors
from holdfast.booking.model import Appointment, AppointmentFilter, Claim, Hold, Visit
from holdfast.booking.service import Step
from holdfast.db.transact import Transaction
from holdfast.errors import HoldExpired, HoldNotLive, NotBookable, NotFound, RevisionMismatch, SlotTaken, StateRefused
from holdfast.http.pages.desk_frame import desk_page
from holdfast.http.pages.desk_message_words import kinds_of_messages
from holdfast.http.pages.desk_story import Told, last_change, load_actors, surface_name, tell
from holdfast.http.pages.desk_times import (
    DayOfTimes,
    RoleToFill,
    Sought,
    in_words,
    may_be_waived,
    nearest,
    read_day,
    read_start,
    roles_of,
    seek,
    times_of,
    wanted_of,
    wanted_query,
)
from holdfast.http.pages.pages import PageRoute, language_of, record_of, see
from holdfast.http.pages.staff_session import Desk
from holdfast.ids import parse_id, public_id
from holdfast.log import service as log
from holdfast.messages import service as messages
from holdfast.messages.model import Message
from holdfast.wallclock import local_date

router = APIRouter(prefix="/desk/appointments/{appointment_id}", route_class=PageRoute, include_in_schema=False)

ONE_MINUTE: Final = timedelta(minutes=1)
VISITS_SHOWN: Final = 6
MESSAGES_SHOWN: Final = 10
STEPS: Final[dict[str, Step]] = {"check-in": "check_in", "complete": "complete", "no-show": "no_show"}

Text = Annotated[str, Form(max_length=500)]
Long = Annotated[str, Form(max_length=2000)]
Revision = Annotated[int, Form(ge=1)]
Change = Callable[[Transaction], Awaitable[object]]


@dataclass(frozen=True)
class Worked:
    """One resource of a visit: when it is worked, and the minutes that its buffers add."""

    name: str
    role: str
    starts_at: datetime
    ends_at: datetime
    minutes_before: int
    minutes_after: int
    overbook: bool

    @classmethod
    def of(cls, claim: Claim) -> Worked:
        starts, ends = (datetime.fromisoformat(claim[at]) for at in ("segment_starts_at", "segment_ends_at"))
        before = starts - datetime.fromisoformat(claim["starts_at"])
        after = datetime.fromisoformat(claim["ends_at"]) - ends
        return cls(
            claim["resource_name"], claim["role"], starts, ends, before // ONE_MINUTE, after // ONE_MINUTE,
            claim["overbook"],
        )  # fmt: skip


@dataclass(frozen=True)
class Seen:
    """An appointment with all that is shown around it."""

    visit: Appointment
    story: list[Told]
    messages: list[Message]
    others: list[Appointment]
    now: datetime

    @property
    def url(self) -> str:
        return f"/desk/appointments/{public_id('appointment', self.visit.id)}"


@router.get("")
async def show(request: Request, staff: Desk, appointment_id: str, new: str = "") -> Response:
    """The appointment. A provider sees their own; contacts are shown to those who may see them."""
    return await _page(request, staff, await _look(request, staff, appointment_id), new=bool(new))


@router.post("/step/{step}")
async def take_step(request: Request, staff: Desk, appointment_id: str, step: str, revision: Revision) -> Response:
    """Check in, complete, or note that nobody came."""
    if step not in STEPS:
        raise NotFound("There is no such step.")
    id = _changeable(staff, appointment_id)
    return await _change(
        request, staff, appointment_id, revision, lambda tx: booking.take_step(tx, STEPS[step], id, revision=revision)
    )


@router.post("/cancel")
async def cancel(request: Request, staff: Desk, appointment_id: str, revision: Revision, reason: Text = "") -> Response:
    """Cancel it; its time is free at once."""
    id = _changeable(staff, appointment_id)
    said = reason.strip() or None
    return await _change(
        request, staff, appointment_id, revision, lambda tx: booking.cancel(tx, id, revision=revision, reason=said)
    )


@router.post("/note")
async def change_note(
    request: Request, staff: Desk, appointment_id: str, revision: Revision, note: Long = ""
) -> Response:
    """Write down what the others should know."""
    id = _changeable(staff, appointment_id)
    return await _change(
        request, staff, appointment_id, revision,
        lambda tx: booking.change_note(tx, id, note.strip(), revision=revision), note=note,
    )  # fmt: skip


@router.post("/link")
async def issue_link(request: Request, staff: Desk, appointment_id: str) -> Response:
    """A new private link for the client in place of those before, shown this once: only its hash is kept."""
    staff.require("contacts")
    id = _changeable(staff, appointment_id)
    token = await record_of(request).transact(staff.caller(), lambda tx: visitors.replace_link(tx, id))
    seen = await _look(request, staff, appointment_id)
    return await _page(request, staff, seen, link=f"{request.base_url}v/{token}")


@router.get("/reschedule")
async def choose_time(
    request: Request,
    staff: Desk,
    appointment_id: str,
    day: Annotated[str, Query(max_length=10)] = "",
    resource: Annotated[str, Query(max_length=64)] = "",
) -> Response:
    """Another time for it; the old one stands until the new one is had."""
    _changeable(staff, appointment_id)
    seen = await _look(request, staff, appointment_id)
    if seen.visit.state != "confirmed":
        return see(seen.url)
    return await _times(request, staff, seen, day=day, resource=resource)


@router.post("/reschedule")
async def hold_time(
    request: Request,
    staff: Desk,
    appointment_id: str,
    start: Text = "",
    day: Text = "",
    time: Text = "",
    resource: Text = "",
) -> Response:
    """Hold the time that was chosen while the client thinks about it."""
    _changeable(staff, appointment_id)
    seen = await _look(request, staff, appointment_id)
    start, _, person = start.partition("|")
    resource = person or resource
    at = read_start(start, seen.visit.time_zone, day, time)
    if at is None:
        return await _times(request, staff, seen, day=day, resource=resource)
    sought = await _sought(request, staff, seen, resource)
    try:
        hold = await _hold_for(request, staff, seen.visit, sought, at)
    except (SlotTaken, NotBookable) as refusal:
        return await _times(request, staff, seen, at=at, resource=resource, refusal=refusal)
    return await _confirm_move(request, staff, seen, sought, at, hold)


@router.post("/reschedule/confirm")
async def move(
    request: Request,
    staff: Desk,
    appointment_id: str,
    revision: Revision,
    start: Text,
    hold: Text = "",
    resource: Text = "",
    outside_rules: Text = "",
) -> Response:
    """Move it: the new time is taken and the old one given back, or nothing happens."""
    id = _changeable(staff, appointment_id)
    seen = await _look(request, staff, appointment_id)
    sought = await _sought(request, staff, seen, resource)
    at = read_start(start, seen.visit.time_zone) or seen.visit.starts_at

    async def onto_hold(tx: Transaction) -> Appointment:
        return await booking.reschedule_to_hold(tx, id, parse_id("hold", hold), revision=revision)

    async def to_start(tx: Transaction) -> Appointment:
        return await booking.reschedule_to_start(
            tx, id, at, revision=revision, choices=sought.choices, outside_rules=bool(outside_rules)
        )

    try:
        if hold:
            try:
                await record_of(request).transact(staff.caller(), onto_hold)
                return see(f"{seen.url}?new=1")
            except (HoldExpired, HoldNotLive):
                pass  # then it is taken anew, if nobody came meanwhile
        await record_of(request).transact(staff.caller(), to_start)
    except (SlotTaken, NotBookable) as refusal:
        return await _times(request, staff, seen, at=at, resource=resource, refusal=refusal)
    except (RevisionMismatch, StateRefused) as refusal:
        return await _meanwhile(request, staff, appointment_id, revision, refusal)
    return see(f"{seen.url}?new=1")


async def _hold_for(request: Request, staff: SignedIn, visit: Appointment, sought: Sought, at: datetime) -> Hold | None:
    """The new time with the people and things that the visit has now, else with any, unless somebody was named.

    None where the new time meets the old: the visit stands in its own way, and only the move, which gives up the old
    time in the same moment, can tell. Raises SlotTaken, NotBookable.
    """

    async def hold(wanted: Visit) -> Hold:
        return await record_of(request).transact(staff.caller(), lambda tx: booking.place_hold(tx, wanted))

    now: dict[str, list[list[UUID]]] = {}
    for claim in visit.claims:
        now.setdefault(claim["role"], []).append([UUID(claim["resource_id"])])
    try:
        return await hold(replace(sought.visit(at), choices=now | dict(sought.choices)))
    except (SlotTaken, NotBookable):
        if abs(at - visit.starts_at) < visit.ends_at - visit.starts_at:
            return None
    return await hold(sought.visit(at))


def _changeable(staff: SignedIn, appointment_id: str) -> UUID:
    """The id, for somebody who may change bookings. Raises Forbidden."""
    staff.require("book")
    return parse_id("appointment", appointment_id)


async def _look(request: Request, staff: SignedIn, appointment_id: str) -> Seen:
    """Raises NotFound, also for a provider to whom it is not."""
    id, language = parse_id("appointment", appointment_id), language_of(request)

    async def work(tx: Transaction) -> Seen:
        visit = await booking.get_appointment(tx, id)
        if not staff.may("everybody") and str(staff.resource_id) not in {c["resource_id"] for c in visit.claims}:
            raise NotFound("There is no such appointment.")
        story = tell(await log.history(tx, id), visit.time_zone, await load_actors(tx, language))
        sent = (
            await messages.list_messages(tx, limit=MESSAGES_SHOWN, appointment_id=id) if staff.may("contacts") else []
        )
        others = await _other_visits(tx, visit) if staff.may("everybody") else []
        return Seen(visit, story, sent, others, tx.scene.began_at)

    return await record_of(request).transact(staff.caller(), work)


async def _other_visits(tx: Transaction, visit: Appointment) -> list[Appointment]:
    """The client's visits to come, else those that are over."""
    mine = AppointmentFilter(client_id=visit.client_id, from_at=tx.scene.began_at)
    found = await booking.list_appointments(tx, mine, limit=VISITS_SHOWN + 1)
    if all(each.id == visit.id for each in found):
        past = AppointmentFilter(client_id=visit.client_id, to_at=tx.scene.began_at)
        found = await booking.list_appointments(tx, past, limit=100)
    return [each for each in found if each.id != visit.id][-VISITS_SHOWN:]


async def _change(
    request: Request, staff: SignedIn, appointment_id: str, revision: int, change: Change, *, note: str | None = None
) -> Response:
    """Make the change; where somebody was faster, show what they did."""
    try:
        await record_of(request).transact(staff.caller(), change)
    except (RevisionMismatch, StateRefused) as refusal:
        return await _meanwhile(request, staff, appointment_id, revision, refusal, note=note)
    return see(f"/desk/appointments/{appointment_id}")


async def _meanwhile(
    request: Request,
    staff: SignedIn,
    appointment_id: str,
    revision: int,
    refusal: RevisionMismatch | StateRefused,
    *,
    note: str | None = None,
) -> Response:
    seen = await _look(request, staff, appointment_id)
    gettext, other = language_of(request).gettext, last_change(seen.story, revision)
    problem = gettext("This is not possible any more. Below is how the visit stands now.")
    if other is not None:
        problem = gettext("%(who)s %(what)s meanwhile. Nothing of yours was saved; below is how it stands now.") % {
            "who": other.who,
            "what": other.what,
        }
    status = 412 if isinstance(refusal, RevisionMismatch) else 409
    return await _page(request, staff, seen, problem=problem, status=status, note=note)


async def _page(
    request: Request,
    staff: SignedIn,
    seen: Seen,
    *,
    status: int = 200,
    new: bool = False,
    problem: str = "",
    link: str = "",
    note: str | None = None,
) -> Response:
    language = language_of(request)
    response = await desk_page(
        request, staff, "desk/appointment.html", section="day", status=status, seen=seen, visit=seen.visit, new=new,
        problem=problem, link=link, note=seen.visit.note if note is None else note,
        surface=surface_name(seen.visit.surface, language), public_id=public_id, kinds=kinds_of_messages(language),
        claims=[Worked.of(claim) for claim in seen.visit.claims],
        day=local_date(seen.visit.starts_at, seen.visit.time_zone),
    )  # fmt: skip
    response.headers["ETag"] = f'"{seen.visit.revision}"'
    return response


async def _sought(request: Request, staff: SignedIn, seen: Seen, resource: str) -> Sought:
    """What the visit is to be from now on; the address says who is wanted in which role."""
    visit = seen.visit

    async def work(tx: Transaction) -> Sought:
        sought = await seek(tx, visit.service_id, visit.location_id, resource)
        return replace(sought, wanted=wanted_of(await roles_of(tx, visit), request.query_params))

    return await record_of(request).transact(staff.caller(), work)


async def _times(
    request: Request,
    staff: SignedIn,
    seen: Seen,
    *,
    day: str = "",
    resource: str = "",
    at: datetime | None = None,
    refusal: SlotTaken | NotBookable | None = None,
) -> Response:
    sought = await _sought(request, staff, seen, resource)
    zone, own = seen.visit.time_zone, seen.visit.hold_id
    wanted = read_day(day) or local_date(at or seen.visit.starts_at, zone)

    async def work(tx: Transaction) -> tuple[DayOfTimes, list[Slot], list[RoleToFill]]:
        near = await nearest(tx, sought, at, own) if at and refusal and another_start_may_do(refusal) else []
        roles = await roles_of(tx, seen.visit)
        return await times_of(tx, sought, wanted, without_hold=own), near, roles

    found, alternatives, roles = await record_of(request).transact(staff.caller(), work)
    return await desk_page(
        request, staff, "desk/move.html", section="day", status=409 if refusal else 200, seen=seen, visit=seen.visit,
        sought=sought, found=found, alternatives=alternatives, at=at, zone=zone, public_id=public_id, roles=roles,
        query=_query(sought),
        problem=in_words(refusal, sought, language_of(request)) if refusal else "",
        waivable=refusal is not None and may_be_waived(refusal),
    )  # fmt: skip


async def _confirm_move(
    request: Request, staff: SignedIn, seen: Seen, sought: Sought, at: datetime, hold: Hold | None
) -> Response:
    return await desk_page(
        request, staff, "desk/move_held.html", section="day", seen=seen, visit=seen.visit, sought=sought, at=at,
        hold=hold, public_id=public_id, now=seen.now, query=_query(sought),
    )  # fmt: skip


def _query(sought: Sought) -> str:
    """Every address of a move says who is wanted in it."""
    return f"?{wanted_query(sought.wanted)}" if sought.wanted else ""
