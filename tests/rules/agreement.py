"""The machine of ``test_agreement_machine``: everything that happens between a question and a hold.

Each run is an organization of its own with two locations, on days on which the clocks of one of them change. Between
the questions people book, move and cancel, holds run out, blocks and outside events come and go, and rules change. The
clock of the test's database stands still, and moves when the test says so.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from functools import cache
from typing import Any, ClassVar, Final, TypeVar
from uuid import UUID

import psycopg
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from holdfast.availability import permit
from holdfast.availability import service as availability
from holdfast.availability.bitmap import MINUTE
from holdfast.availability.model import Request
from holdfast.booking import outside, visits
from holdfast.booking import service as booking
from holdfast.booking.model import Appointment, ClientDetails, Visit
from holdfast.booking.visits import VisitAsked, WholeVisit
from holdfast.db.transact import Record, Transaction
from holdfast.errors import ClaimsInTheWay, HoldExpired, HoldfastError, NotBookable, SlotTaken
from holdfast.wallclock import day_start
from tests.rules.clinic import Clinic, daily

T = TypeVar("T")

STEPS = 25

CLOCK = """
    create table public.test_clock (now timestamptz);
    grant select on public.test_clock to public;
    insert into public.test_clock values (clock_timestamp());
    create or replace function holdfast.clock() returns timestamptz language sql volatile
    as 'select now from public.test_clock';
"""
ZONES = ("America/Chicago", "Europe/Berlin", "Australia/Lord_Howe", "Africa/Cairo", "Asia/Beirut")
ADA = ClientDetails(name="Ada Byron", email="ada@example.org")
# role -> pool, of each service
SERVICES: Final = {
    "short": {"nurse": "nurses", "room": "rooms"},
    "long": {"nurse": "nurses", "helper": "helpers"},
    "talk": {"nurse": "helpers"},
    "zap": {"device": "lasers", "nurse": "lasered"},
}
POOLS: Final = {
    "nurses": ("ana", "bo", "cy"), "helpers": ("bo", "ana"), "lasered": ("ana", "cy"), "rooms": ("room", "north"),
    "lasers": ("laser",),
}  # fmt: skip
PEOPLE: Final = ("ana", "bo", "cy")

picks = st.integers(0, 1000)
people = st.sampled_from(PEOPLE)
places = st.sampled_from(("austin", "boston"))
# mostly where the grids are, and in the hours of a day
minutes = st.one_of(
    st.integers(0, 191).map(lambda n: n * 15), st.integers(32, 70).map(lambda n: n * 15), st.integers(0, 2879)
)
clocks = st.integers(0, 47).map(lambda n: f"{n // 2:02}:{n % 2 * 30:02}")


@cache
def days_of_change(zone: str) -> list[date]:
    """The days of 2027 that do not have 24 hours there."""
    days = [date(2027, 1, 1) + timedelta(days=n) for n in range(365)]
    return [day for day in days if day_start(day + timedelta(days=1), zone) - day_start(day, zone) != timedelta(days=1)]


@dataclass(frozen=True)
class Question:
    place: str
    services: tuple[str, ...]
    surface: str
    named: str | None
    party: int
    wait: int
    same: bool


@st.composite
def questions(draw: st.DrawFn) -> Question:
    names = st.sampled_from(sorted(SERVICES))
    services = tuple(draw(st.one_of(names.map(lambda one: [one]), st.lists(names, min_size=2, max_size=3))))
    named = draw(st.one_of(st.none(), people))
    serves = [named in POOLS[SERVICES[each]["nurse"]] for each in services]
    if not any(serves):
        named = None
    return Question(
        draw(places),
        services,
        draw(st.sampled_from(("widget", "desk"))),
        named,
        draw(st.sampled_from((1, 1, 1, 2))),
        draw(st.sampled_from((0, 0, 30))),
        draw(st.booleans()),
    )


class Agreement(RuleBasedStateMachine):
    """No rule has a precondition: what is drawn must not depend on what the record answered, or hypothesis gives up."""

    runner: ClassVar[asyncio.Runner]
    record: ClassVar[Record]
    admin: ClassVar[psycopg.Connection[Any]]
    organizations: ClassVar[Iterator[int]] = itertools.count()
    complaints: ClassVar[list[object]] = []

    def agree(self, same: bool, *about: object) -> None:
        """Where search and hold do not: told as well as raised, because hypothesis wraps what is raised."""
        if not same:
            self.complaints.append(about)
            raise AssertionError(about)

    def run(self, work: Awaitable[T]) -> T:
        async def wait() -> T:
            return await work

        return self.runner.run(wait())

    def as_(self, surface: str, work: Callable[[Transaction], Awaitable[T]]) -> T:
        return self.run(self.clinic.as_(surface, work))

    def set_clock(self, now: datetime) -> None:
        self.now = now
        self.admin.execute("update public.test_clock set now = %s", (now,))

    @initialize(zone=st.sampled_from(ZONES), other=st.sampled_from(ZONES), pick=picks, hours=st.booleans())
    def open(self, zone: str, other: str, pick: int, hours: bool) -> None:
        changes = days_of_change(zone)
        self.day = changes[pick % len(changes)] - timedelta(days=pick % 2)
        self.set_clock(datetime(self.day.year, self.day.month, self.day.day, 15, 7, 11, tzinfo=UTC) - timedelta(days=3))
        self.zones = {"austin": zone, "boston": other}
        self.held: list[tuple[str, WholeVisit | UUID]] = []
        self.booked: list[Appointment] = []
        self.blocks: list[UUID] = []
        self.busies: list[UUID] = []
        self.run(self._open(hours))

    async def _open(self, hours: bool) -> None:
        self.clinic = clinic = await Clinic.open(self.record, f"run-{next(self.organizations)}")
        both = ("austin", "boston")
        for slug in both:
            await clinic.location(slug, self.zones[slug])
        for slug in PEOPLE:
            await clinic.resource(slug, at=both if slug != "cy" else ("austin",))
        await clinic.resource_rules("ana", has={"laser": None})
        await clinic.resource_rules("cy", has={"laser": self.day})
        await clinic.resource("room", "room", capacity=2)
        await clinic.resource("north", "room", at=("boston",))
        await clinic.resource("laser", "device", at=both)
        for slug, members in POOLS.items():
            await clinic.pool(slug, members, ["laser"] if slug == "lasered" else [])
        needs: dict[str, dict[str, dict[str, Any]]] = {
            name: {role: {"pool": pool} for role, pool in roles.items()} for name, roles in SERVICES.items()
        }
        needs["short"]["room"] |= {"after": 10}
        needs["long"]["helper"] |= {"start": 10, "minutes": 20, "after": 5}
        needs["zap"]["device"] |= {"before": 5}
        for (name, roles), length, grid, off_grid in zip(
            needs.items(), (30, 45, 30, 60), (15, 30, 20, 15), (False, True, False, False), strict=True
        ):
            await clinic.service(name, length, roles, at=both, grid=grid, off_grid=off_grid, leads=self.leads(60, 30))
        if hours:
            await clinic.hours(daily("00:30", "22:00"), location="austin")

    def leads(self, notice: int, horizon: int) -> list[dict[str, Any]]:
        return [{"surface": "widget", "notice_minutes": notice, "horizon_days": horizon}]

    # -- asking both

    def start_of(self, place: str, minute: int) -> datetime:
        """Somewhere in two local days of that place."""
        return day_start(self.day, self.zones[place]) + MINUTE * minute

    def visit_of(self, asked: Question, start: datetime) -> VisitAsked:
        ids = self.clinic.ids
        return VisitAsked(
            ids[asked.place],
            tuple(ids[each] for each in asked.services),
            start,
            party=asked.party,
            max_wait_minutes=asked.wait,
            same_provider=asked.same and len(asked.services) > 1,
            resources={"nurse": ids[asked.named]} if asked.named else {},
        )

    def is_offered(self, asked: Question, start: datetime, without: UUID | None = None) -> bool:
        request: Request = replace(
            self.visit_of(asked, start).request(), until=start + MINUTE, any_minute=asked.surface == "desk"
        )
        found = self.as_(
            asked.surface, lambda tx: availability.search(tx, request, [request.location], without_hold=without)
        )
        return bool(found.slots)

    def taken(self, asked: Question, start: datetime) -> tuple[str, WholeVisit | UUID] | HoldfastError:
        """Hold it for real; or why not."""
        one = len(asked.services) == 1 and asked.party == 1
        visit = self.visit_of(asked, start)
        choices = {role: [[id]] for role, id in visit.resources.items()}
        single = Visit(visit.services[0], visit.location_id, start, choices)
        try:
            if one:
                return asked.surface, self.as_(asked.surface, lambda tx: booking.place_hold(tx, single)).id
            return asked.surface, self.as_(asked.surface, lambda tx: visits.place_visit(tx, visit))
        except (SlotTaken, NotBookable) as refused:
            return refused

    def give_back(self, surface: str, held: WholeVisit | UUID) -> None:
        if isinstance(held, UUID):
            self.as_(surface, lambda tx: booking.release_hold(tx, held))
        else:
            self.as_(surface, lambda tx: visits.release_visit(tx, held.id))

    @rule(asked=questions(), minute=minutes, keep=st.booleans())
    def ask(self, asked: Question, minute: int, keep: bool) -> None:
        self._ask(asked, self.start_of(asked.place, minute), keep)

    @rule(asked=questions(), minute=minutes, keep=st.booleans())
    def ask_for_the_nearest(self, asked: Question, minute: int, keep: bool) -> None:
        """Most starts are not offered; this one is, where any is."""
        start = self.start_of(asked.place, minute)
        request = replace(self.visit_of(asked, start).request(), until=start + timedelta(hours=12), limit=1)
        found = self.as_(asked.surface, lambda tx: availability.search(tx, request, [request.location]))
        self._ask(asked, found.slots[0][1].start if found.slots else start, keep)

    def _ask(self, asked: Question, start: datetime, keep: bool) -> None:
        offered = self.is_offered(asked, start)
        held = self.taken(asked, start)
        self.agree(offered != isinstance(held, HoldfastError), asked, start, self.now, offered, held)
        if isinstance(held, HoldfastError):
            self.instead(asked, held)
        elif keep:
            self.held.append(held)
        else:
            self.give_back(*held)

    def instead(self, asked: Question, refused: HoldfastError) -> None:
        """The nearest alternative can be held, by whoever is free where the one who was named is not."""
        if not permit.another_start_may_do(refused):
            return
        found = self.as_(asked.surface, lambda tx: availability.alternatives(tx, refused.wanted, 1))
        if found:
            anyone = asked if len(asked.services) > 1 or asked.party > 1 else replace(asked, named=None)
            held = self.taken(anyone, found[0].start)
            self.agree(not isinstance(held, HoldfastError), asked, found[0].start, self.now, held)
            if not isinstance(held, HoldfastError):
                self.give_back(*held)

    # -- what becomes of it

    @rule(pick=picks)
    def confirm(self, pick: int) -> None:
        if not self.held:
            return
        surface, held = self.held.pop(pick % len(self.held))
        with suppress(HoldExpired):
            if isinstance(held, UUID):
                self.booked.append(self.as_(surface, lambda tx: booking.confirm_hold(tx, held, ADA)))
            else:
                self.booked += self.as_(surface, lambda tx: visits.confirm_visit(tx, held.id, ADA)).appointments

    @rule(pick=picks)
    def cancel(self, pick: int) -> None:
        if not self.booked:
            return
        gone = self.booked.pop(pick % len(self.booked))
        self.as_("desk", lambda tx: booking.cancel(tx, gone.id))

    @rule(pick=picks, minute=minutes, surface=st.sampled_from(("widget", "desk")))
    def move(self, pick: int, minute: int, surface: str) -> None:
        if not any(each.visit_id is None for each in self.booked):
            return
        alone = [each for each in self.booked if each.visit_id is None]
        one = alone[pick % len(alone)]
        names = {id: slug for slug, id in self.clinic.ids.items()}
        asked = Question(names[one.location_id], (names[one.service_id],), surface, None, 1, 0, False)
        start = self.start_of(asked.place, minute)
        offered = self.is_offered(asked, start, one.hold_id)
        moved: Appointment | None = None
        with suppress(SlotTaken, NotBookable):
            moved = self.as_(surface, lambda tx: booking.reschedule_to_start(tx, one.id, start))
        self.agree(offered == (moved is not None), asked, start, self.now, one)
        if moved is not None:
            self.booked[self.booked.index(one)] = moved

    @rule(seconds=st.sampled_from((1, 240, 301, 3600, 40_000)))
    def wait(self, seconds: int) -> None:
        self.set_clock(self.now + timedelta(seconds=seconds))

    # -- what stands in the way

    @rule(who=st.sampled_from((*PEOPLE, "room", "laser")), minute=minutes, length=st.sampled_from((10, 45, 600)))
    def block(self, who: str, minute: int, length: int) -> None:
        start, id = self.start_of("austin", minute), self.clinic.ids[who]
        with suppress(ClaimsInTheWay):
            made = self.as_("desk", lambda tx: booking.place_block(tx, id, start, start + MINUTE * length, ""))
            self.blocks.append(made.id)

    @rule(pick=picks)
    def unblock(self, pick: int) -> None:
        if not self.blocks:
            return
        id = self.blocks.pop(pick % len(self.blocks))
        self.as_("desk", lambda tx: booking.remove_block(tx, id))

    @rule(who=people, minute=minutes, length=st.sampled_from((10, 50)), number=st.sampled_from("xyz"))
    def busy(self, who: str, minute: int, length: int, number: str) -> None:
        start, id = self.start_of("austin", minute) + timedelta(seconds=30), self.clinic.ids[who]
        made = self.as_(
            "calendar",
            lambda tx: outside.record_busy(
                tx, id, source="s", external_id=number, start=start, end=start + MINUTE * length
            ),
        )
        if made.busy_id not in self.busies:
            self.busies.append(made.busy_id)

    @rule(pick=picks)
    def no_longer_busy(self, pick: int) -> None:
        if not self.busies:
            return
        id = self.busies.pop(pick % len(self.busies))
        self.as_("calendar", lambda tx: outside.remove_busy(tx, id))

    # -- rules that change

    @rule(
        place=st.sampled_from(("austin", "boston", None)),
        who=st.one_of(st.none(), people),
        starts=clocks,
        ends=clocks,
        pause=clocks,
        none=st.booleans(),
    )
    def hours(self, place: str | None, who: str | None, starts: str, ends: str, pause: str, none: bool) -> None:
        if place is None and who is None:
            return
        end_of_pause = f"{pause[:2]}:{int(pause[3:]) + 20}"
        said = [] if none else daily(starts, ends) + daily(pause, end_of_pause, kind="break")
        self.run(self.clinic.hours(said, location=place, resource=who))

    @rule(
        who=people,
        place=st.one_of(st.none(), places),
        starts=clocks,
        kind=st.sampled_from(("time_off", "extra", "closure")),
        later=st.integers(0, 1),
        none=st.booleans(),
    )
    def dates(self, who: str, place: str | None, starts: str, kind: str, later: int, none: bool) -> None:
        day = self.day + timedelta(days=later)
        said = [{"kind": kind, "starts": f"{day}T{starts}", "ends": f"{day + timedelta(days=1)}T{starts}"}]
        self.run(self.clinic.dates([] if none else said, location=place, resource=who))

    @rule(who=people, cap=st.sampled_from((None, 0, 1, 2)), good=st.sampled_from((None, -1, 0, 1)))
    def resource_rules(self, who: str, cap: int | None, good: int | None) -> None:
        until = None if good is None else self.day + timedelta(days=good)
        self.run(self.clinic.resource_rules(who, cap=cap, has={"laser": until}))

    @rule(
        service=st.sampled_from(sorted(SERVICES)),
        notice=st.sampled_from((0, 60, 4320)),
        horizon=st.sampled_from((3, 30)),
    )
    def notice_and_horizon(self, service: str, notice: int, horizon: int) -> None:
        self.run(
            self.clinic.run(
                "select holdfast.set_service_rules(%(s)s, 15, false, %(l)s)",
                s=self.clinic.ids[service], l=self.leads(notice, horizon),
            )
        )  # fmt: skip

    @rule(assign=st.sampled_from(("preference", "least_loaded", "round_robin")))
    def assign(self, assign: str) -> None:
        self.run(self.clinic.run("select holdfast.set_organization_policy(%(a)s, 'earliest')", a=assign))
