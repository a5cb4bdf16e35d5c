"""Make the demo clinic through the commands that everybody uses, as the application's role.

Loading converges: each day is brought up to its number of visits, and what is already there is kept. So an interrupted
load is finished by running it again, and a finished one is left as it is.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import partial
from importlib.resources import files
from itertools import islice
from random import Random
from typing import Any, Final, TypedDict
from uuid import UUID

from holdfast import wallclock
from holdfast.access import service as access
from holdfast.access.model import SCOPES, SURFACES, Principal
from holdfast.booking import service as booking
from holdfast.booking.model import AppointmentFilter, Visit
from holdfast.catalog import service as catalog
from holdfast.catalog.document import CatalogDocument
from holdfast.catalog.transfer import carry_out, plan_import
from holdfast.catalog.yaml_file import parse_catalog
from holdfast.db.queries import load_queries
from holdfast.db.transact import Caller, Record, Transaction
from holdfast.demo.loose_ends import bring_collisions, seat_line
from holdfast.demo.people import client
from holdfast.demo.plan import SEED, Wish, opening_hours, visits_by_day, wishes
from holdfast.demo.staff import seat_staff
from holdfast.errors import ClaimsInTheWay, NotBookable, NotFound, SetupRefused, SlotTaken

QUERIES: Final = load_queries("holdfast.demo")
VISITS_A_YEAR: Final = 6200
WORKERS: Final = 6
TRIES_PER_VISIT: Final = 8
ZONE: Final = "America/Chicago"
LONGEST_MOVE: Final = timedelta(minutes=60)
LUNCH_DAYS: Final = range(-7, 15)

OnProgress = Callable[[int, int, str], None]


class DemoKeys(TypedDict):
    """``api`` may do everything on every surface, ``desk`` books and overbooks, ``widget`` only books.

    ``password`` lets the demo's staff in at the desk.
    """

    api: str
    desk: str
    widget: str
    password: str


async def load(record: Record, on_progress: OnProgress | None = None, *, appointments: int = VISITS_A_YEAR) -> DemoKeys:
    """Make the demo, or finish it, and return fresh keys; those of an earlier load open nothing.

    ``appointments`` are spread over the year around today. ``on_progress`` is told (done, total, what).
    Raises SetupRefused when the database belongs to another organization.
    """
    progress = _Progress(on_progress or (lambda *_: None), appointments)
    document = parse_catalog(files("holdfast.demo").joinpath("catalog.yaml").read_text("utf-8")).document
    organization_id = await _bring_in_catalog(record, document)
    keys = await _make_keys(record, organization_id)
    clinic = await _open_clinic(record, document, keys)
    progress.say("lunches and time off")
    await _Blocks(clinic).place()
    counts = visits_by_day(clinic.today, appointments)
    there = await _visits_there(clinic, min(counts))
    days = list(counts)
    for some in (days[:WORKERS], days[WORKERS : 5 * WORKERS], days[5 * WORKERS :]):
        await _together(
            _Share(clinic, progress, share).fill({day: counts[day] for day in some[share::WORKERS]}, there)
            for share in range(WORKERS)
        )
        await record.transact(clinic.desk, lambda tx: tx.run(QUERIES["refresh_statistics"]))
    await _squeeze_in(clinic)
    await _hold_some(clinic)
    await _leave_loose_ends(clinic)
    progress.say("done")
    return keys


class _Progress:
    def __init__(self, tell: OnProgress, total: int) -> None:
        self._tell = tell
        self._total = total
        self._done = 0

    def say(self, what: str) -> None:
        self._tell(self._done, self._total, what)

    def add(self, count: int, what: str) -> None:
        self._done += count
        self.say(what)


@dataclass(frozen=True, slots=True)
class _Clinic:
    """The demo's organization while it is being filled: who acts on which surface, and ids by slug."""

    record: Record
    document: CatalogDocument
    callers: Mapping[str, Caller]
    locations: Mapping[str, UUID]
    services: Mapping[str, UUID]
    resources: Mapping[str, UUID]
    now: datetime

    @property
    def today(self) -> date:
        return wallclock.local_date(self.now, ZONE)

    @property
    def desk(self) -> Caller:
        return self.callers["desk"]

    def visit(self, wish: Wish) -> Visit:
        zone = self.document.locations[wish.location].time_zone
        start = wallclock.resolve_rule(wish.local_start, zone)
        # what is past was agreed under the rules of its day
        past = start < self.now
        return Visit(self.services[wish.service], self.locations[wish.location], start, outside_rules=past)


async def _bring_in_catalog(record: Record, document: CatalogDocument) -> UUID:
    slug = document.organization.slug
    try:
        organization_id = await access.find_organization(record, slug)
    except NotFound:
        if await access.list_organization_ids(record):
            raise SetupRefused(
                "This database belongs to another organization. The demo wants one of its own: "
                "choose another HOLDFAST_DATABASE_URL or HOLDFAST_DATA_DIR, or run holdfast serve."
            ) from None
        await carry_out(record, await plan_import(record, None, document))
        return await access.find_organization(record, slug)
    await carry_out(record, await plan_import(record, organization_id, document))
    return organization_id


async def _make_keys(record: Record, organization_id: UUID) -> DemoKeys:
    """The three keys and the staff's password, in one transaction with the end of any earlier, which nobody knows."""
    wanted = {
        "api": ("Demo manager", SCOPES, SURFACES),
        "desk": ("Demo front desk", ("read", "book", "overbook"), ("desk", "phone", "walk_in")),
        "widget": ("Demo booking widget", ("book",), ("widget",)),
    }

    async def work(tx: Transaction) -> DemoKeys:
        names = {name for name, _, _ in wanted.values()}
        for key in await access.list_api_keys(tx):
            if key.name in names and key.revoked_at is None:
                await access.revoke_api_key(tx, key.id)
        made = {
            purpose: (await access.create_api_key(tx, name=name, scopes=scopes, surfaces=surfaces, purpose=purpose)).key
            for purpose, (name, scopes, surfaces) in wanted.items()
        }
        password = await seat_staff(tx)
        return DemoKeys(api=made["api"], desk=made["desk"], widget=made["widget"], password=password)

    return await record.transact(Caller(organization_id, "system", "system"), work)


async def _open_clinic(record: Record, document: CatalogDocument, keys: DemoKeys) -> _Clinic:
    api, desk, widget = [await access.authenticate(record, keys[purpose]) for purpose in ("api", "desk", "widget")]

    def principal(surface: str) -> Principal:
        return next((each for each in (widget, desk) if surface in each.surfaces), api)

    async def work(tx: Transaction) -> _Clinic:
        return _Clinic(
            record,
            document,
            {surface: principal(surface).caller(surface) for surface in SURFACES},
            {each.slug: each.id for each in await catalog.list_locations(tx)},
            {each.slug: each.id for each in await catalog.list_services(tx)},
            {each.slug: each.id for each in await catalog.list_resources(tx)},
            await tx.value(QUERIES["clock"]),
        )

    return await record.transact(desk.caller(), work)


@dataclass(frozen=True, slots=True)
class _Visit:
    """An appointment, as far as its outcome needs it."""

    id: UUID
    starts_at: datetime
    ends_at: datetime
    revision: int


class _Blocks:
    """Staff say no: lunches around today, some time off, a laser's maintenance. Placed before anybody books."""

    def __init__(self, clinic: _Clinic) -> None:
        self._clinic = clinic

    async def place(self) -> None:
        """Place them all. What stands in the way after an interruption is the block itself, or a visit: both stay."""
        await _together(self._place_some(share) for share in range(WORKERS))

    async def _place_some(self, share: int) -> None:
        providers = [each for each in self._clinic.document.resources.values() if each.kind == "provider"]
        for provider in islice(providers, share, None, WORKERS):
            for offset in LUNCH_DAYS:
                day = self._clinic.today + timedelta(days=offset)
                if opening_hours(day) is not None:
                    # in two turns, so that somebody is always there
                    noon = datetime.combine(day, time(12 + providers.index(provider) % 2))
                    await self._block(provider.slug, noon, timedelta(minutes=30), "Lunch")
        away: list[tuple[str, int, timedelta, str]] = [
            ("grace-okafor", 9, timedelta(days=4), "Holiday"),
            ("kenji-sato", 20, timedelta(days=3), "Training"),
            ("luca-romano", 3, timedelta(hours=4), "Doctor's appointment"),
            ("laser-austin", 5, timedelta(hours=3), "Maintenance by the manufacturer"),
            ("denver-treatment-2", 12, timedelta(days=1), "Painting"),
        ]
        for resource, days_ahead, length, reason in islice(away, share, None, WORKERS):
            day = self._clinic.today + timedelta(days=days_ahead)
            await self._block(resource, datetime.combine(day, time(9)), length, reason)

    async def _block(self, resource: str, local_start: datetime, length: timedelta, reason: str) -> None:
        clinic = self._clinic
        entry = clinic.document.resources[resource]
        start = wallclock.resolve_rule(local_start, clinic.document.locations[entry.locations[0]].time_zone)
        with suppress(ClaimsInTheWay):
            await clinic.record.transact(
                clinic.desk,
                lambda tx: booking.place_block(tx, clinic.resources[resource], start, start + length, reason),
            )


class _Share:
    """One worker's days. Its days and its clients are its own, so the outcome of a day depends on nobody's speed."""

    def __init__(self, clinic: _Clinic, progress: _Progress, share: int) -> None:
        self._clinic = clinic
        self._progress = progress
        self._share = share

    async def fill(self, counts: Mapping[date, int], there: Mapping[date, int]) -> None:
        """Bring each day up to its count, ``there`` being what it has; then decide what became of the past."""
        for day, count in counts.items():
            missing = count - there.get(day, 0)
            if missing > 0:
                await self._book(day, missing, tries=count * TRIES_PER_VISIT)
            # a day that was complete keeps what is still to come; only what is past by now gets its outcome
            await self._settle(day, until=None if missing > 0 else self._clinic.now)
            self._progress.add(count, f"visits of {day:%d %B %Y}")

    async def _book(self, day: date, count: int, tries: int) -> None:
        clinic = self._clinic
        asked = wishes(day, clinic.document, share=self._share, shares=WORKERS)
        for wish in islice(asked, tries):
            with suppress(SlotTaken, NotBookable):
                book = partial(booking.book, visit=clinic.visit(wish), client=wish.client)
                await clinic.record.transact(clinic.callers[wish.surface], book)
                count -= 1
            if count == 0:
                return

    async def _settle(self, day: date, until: datetime | None) -> None:
        """What became of the day's visits, in one transaction; those that move do so one by one, for they may meet."""
        random = Random(f"{SEED} {day.isoformat()} outcome")  # noqa: S311 - not for secrets
        from_at, to_at = (wallclock.day_start(each, ZONE) for each in (day, day + timedelta(days=1)))
        to_at = min(to_at, until or to_at)
        open_visits = await self._clinic.record.transact(
            self._clinic.desk, lambda tx: tx.rows(_Visit, QUERIES["open_visits"], from_at=from_at, to_at=to_at)
        )
        outcomes = [(visit, self._outcome(visit, random)) for visit in open_visits]
        for visit, outcome in outcomes:
            if outcome.startswith("moved"):
                await self._move(visit, random)

        async def work(tx: Transaction) -> None:
            for visit, outcome in outcomes:
                await _bring_about(tx, visit, outcome)

        await self._clinic.record.transact(self._clinic.desk, work)

    def _outcome(self, visit: _Visit, random: Random) -> str:
        chance = random.random()
        if visit.ends_at < self._clinic.now - LONGEST_MOVE:
            return _by_share(chance, no_show=0.06, cancelled=0.08, moved_and_completed=0.05) or "completed"
        if visit.ends_at < self._clinic.now:
            return _by_share(chance, no_show=0.06, cancelled=0.08) or "completed"
        if visit.starts_at < self._clinic.now + timedelta(minutes=10):
            return _by_share(chance, no_show=0.05) or "checked_in"
        return _by_share(chance, cancelled=0.05, moved=0.05) or "confirmed"

    async def _move(self, visit: _Visit, random: Random) -> None:
        later = visit.starts_at + random.choice([-LONGEST_MOVE, -LONGEST_MOVE / 2, LONGEST_MOVE / 2, LONGEST_MOVE])
        with suppress(SlotTaken, NotBookable):  # or the client keeps the old time
            await self._clinic.record.transact(
                self._clinic.callers["phone"],
                lambda tx: booking.reschedule_to_start(
                    tx, visit.id, later, revision=visit.revision, outside_rules=later < self._clinic.now
                ),
            )


async def _visits_there(clinic: _Clinic, first_day: date) -> dict[date, int]:
    from_at = wallclock.day_start(first_day, ZONE)
    rows = await clinic.record.transact(
        clinic.desk, lambda tx: tx.records(QUERIES["visits_per_day"], zone=ZONE, from_at=from_at)
    )
    return {row["day"]: row["visits"] for row in rows}


def _by_share(chance: float, **shares: float) -> str | None:
    for outcome, share in shares.items():
        if chance < share:
            return outcome
        chance -= share
    return None


async def _bring_about(tx: Transaction, visit: _Visit, outcome: str) -> None:
    match outcome:
        case "completed" | "moved_and_completed":
            await booking.take_step(tx, "check_in", visit.id)
            await booking.take_step(tx, "complete", visit.id)
        case "checked_in":
            await booking.take_step(tx, "check_in", visit.id)
        case "no_show":
            await booking.take_step(tx, "no_show", visit.id)
        case "cancelled":
            await booking.cancel(tx, visit.id, reason="The client asked for it")


async def _squeeze_in(clinic: _Clinic) -> None:
    """Two visits on an injector who is taken, on purpose, as desks do; once."""
    wanted = AppointmentFilter(from_at=clinic.now + timedelta(hours=12), state="confirmed")
    coming = await clinic.record.transact(clinic.desk, lambda tx: booking.list_appointments(tx, wanted, limit=100))
    if any(visit.overbook_reason for visit in coming):
        return
    for visit in islice((each for each in coming if each.service_id == clinic.services["botox"]), 2):
        injector = [UUID(claim["resource_id"]) for claim in visit.claims if claim["role"] == "injector"]
        squeezed = Visit(visit.service_id, visit.location_id, visit.starts_at, {"injector": [injector]})
        book = partial(
            booking.book,
            visit=squeezed,
            client=client(0),
            overbook_reason="A regular, on her wedding day; the injector agreed.",
        )
        await clinic.record.transact(clinic.desk, book)


async def _hold_some(clinic: _Clinic) -> None:
    """Two clients are on the booking page right now."""
    held = 0
    for wish in islice(wishes(_next_open_day(clinic.today), clinic.document, share=0, shares=1), 40):
        with suppress(SlotTaken, NotBookable):
            hold = partial(booking.place_hold, visit=clinic.visit(wish), ttl_seconds=900)
            await clinic.record.transact(clinic.callers["widget"], hold)
            held += 1
        if held == 2:
            return


async def _leave_loose_ends(clinic: _Clinic) -> None:
    wanted = AppointmentFilter(from_at=clinic.now + timedelta(hours=12), state="confirmed")

    async def work(tx: Transaction) -> None:
        await seat_line(tx, clinic.services, clinic.locations, clinic.today)
        await bring_collisions(tx, await booking.list_appointments(tx, wanted, limit=20))

    await clinic.record.transact(clinic.desk, work)


def _next_open_day(today: date) -> date:
    return next(day for day in (today + timedelta(days=n) for n in range(1, 8)) if opening_hours(day) is not None)


async def _together(work: Iterable[Coroutine[Any, Any, None]]) -> None:
    """Run all of it at once; when one fails the others stop, and its error comes out as it is."""
    try:
        async with asyncio.TaskGroup() as group:
            for each in work:
                group.create_task(each)
    except BaseExceptionGroup as errors:
        raise errors.exceptions[0] from None
