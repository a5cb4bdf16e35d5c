"""Series: proposed, held, confirmed, moved and called off as a whole, on the wall clock of the location."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import Any

import psycopg
import pytest

from holdfast.availability.recurrence import Recurrence
from holdfast.availability.series import Occurrence
from holdfast.booking import series, visits
from holdfast.booking import service as booking
from holdfast.booking.model import ClientDetails, Visitor
from holdfast.booking.series import Change, SeriesAsked, WholeSeries
from holdfast.booking.visits import VisitAsked
from holdfast.db.transact import Record, Transaction
from holdfast.db.urls import DatabaseUrls
from holdfast.errors import Invalid, NotBookable, NotFound, SeriesUnavailable, StateRefused, TooManyHolds
from holdfast.insight.doctor import examine
from holdfast.wallclock import to_local
from tests.rules.clinic import ZONE, Clinic, daily, next_monday, wall
from tests.safety import oracle

FIRST = next_monday() + timedelta(days=1)  # a Tuesday
ADA = ClientDetails(name="Ada Byron", email="ada@example.org")
AFTERNOON = (time(15), time(18))


@pytest.fixture
async def spa(record: Record) -> Clinic:
    clinic = await Clinic.open(record)
    for who in ("ana", "ben"):
        await clinic.resource(who)
    await clinic.resource("laser", "device")
    await clinic.pool("providers", ["ana", "ben"])
    await clinic.pool("lasers", ["laser"])
    await clinic.service("laser-hair", 60, {"provider": {"pool": "providers"}, "device": {"pool": "lasers"}}, grid=30)
    await clinic.service("consult", 30, {"provider": {"pool": "providers"}}, grid=30)
    await clinic.hours(daily("09:00", "18:00"))
    return clinic


@pytest.fixture(autouse=True)
async def sound_afterwards(database: DatabaseUrls, record: Record, admin: psycopg.Connection[Any]) -> Any:
    """Whatever a test did, the record is sound: I1, I2, and the log still tells the tables (I5)."""
    yield
    assert oracle.overlaps(admin) == 0
    assert oracle.partial(admin) == 0
    checked = {"overlaps", "holds", "holders", "appointments", "visits", "log", "organizations", "row security"}
    for result in examine(database):
        if result.check.name in checked:
            assert not result.findings, (result.check.name, [str(each) for each in result.findings])


def asked(clinic: Clinic, *services: str, **more: Any) -> SeriesAsked:
    rule: dict[str, Any] = {"first": FIRST, "count": 6, "every_weeks": 4} | {
        key: more.pop(key) for key in list(more) if key in Recurrence.__dataclass_fields__
    }
    outer = {key: more.pop(key) for key in ("starts", "part_of_day") if key in more}
    visit = VisitAsked(
        clinic.ids["austin"],
        tuple(clinic.ids[each] for each in services or ("laser-hair",)),
        wall(FIRST, "00:00"),
        **more,
    )
    return SeriesAsked(visit, Recurrence(**rule), **outer)


async def hold(clinic: Clinic, what: SeriesAsked, surface: str = "desk", **more: Any) -> WholeSeries:
    return await clinic.as_(surface, lambda tx: series.place_series(tx, what, **more))


async def book(clinic: Clinic, what: SeriesAsked) -> WholeSeries:
    held = await hold(clinic, what)
    return await clinic.as_("desk", lambda tx: series.confirm_series(tx, held.id, ADA))


async def proposed(clinic: Clinic, what: SeriesAsked, surface: str = "desk") -> list[Occurrence]:
    return await clinic.as_(surface, lambda tx: series.propose_series(tx, what))


def shown(whole: WholeSeries) -> list[str]:
    """The starts of what stands, as the wall clock shows them, after the first day."""
    return [
        f"{(to_local(part.starts_at, ZONE).date() - FIRST).days:+d} {to_local(part.starts_at, ZONE):%H:%M}"
        for visit in whole.visits
        for part in visit.standing
        if part.state in ("live", "confirmed")
    ]


TEN = range(1, 11)
FOUR_WEEKS = [f"+{28 * (n - 1)} 15:00" for n in TEN]


async def test_every_four_weeks_after_three(spa: Clinic) -> None:
    """In 36 weeks the clocks change, whenever they begin: summer time takes 34, and it stays at three."""
    whole = await book(spa, asked(spa, part_of_day=AFTERNOON, count=len(TEN)))
    assert shown(whole) == FOUR_WEEKS
    assert (whole.state, whole.revision, [visit.number for visit in whole.visits]) == ("booked", 10, list(TEN))
    offsets = {to_local(visit.standing[0].starts_at, ZONE).utcoffset() for visit in whole.visits}
    assert len(offsets) == 2
    found = await spa.as_("desk", lambda tx: series.list_series(tx, limit=5))
    assert found == [await spa.as_("desk", lambda tx: series.get_series(tx, whole.id))] == [whole]


async def test_the_time_that_most_days_can_have(spa: Clinic) -> None:
    for week in (0, 4):
        await spa.book("laser-hair", wall(FIRST + timedelta(weeks=week), "15:00"))
    await spa.book("laser-hair", wall(FIRST + timedelta(weeks=8), "16:30"))
    found = await proposed(spa, asked(spa, part_of_day=AFTERNOON))
    times = [f"{to_local(each.slot.start, ZONE):%H:%M}" for each in found if each.slot]
    assert times == ["16:00", "16:00", "15:30", "16:00", "16:00", "16:00"]
    found = await proposed(spa, asked(spa, at=time(10)))
    assert {to_local(each.slot.start, ZONE).time() for each in found if each.slot} == {time(10)}


async def test_what_cannot_be_had_is_named_with_what_is_nearest(spa: Clinic) -> None:
    shut = FIRST + timedelta(weeks=8)
    closed = [{"kind": "closure", "starts": f"{shut}T00:00", "ends": f"{shut + timedelta(days=1)}T00:00"}]
    await spa.dates(closed)
    what = asked(spa, part_of_day=AFTERNOON, days_min=27, days_max=42)
    with pytest.raises(SeriesUnavailable) as lost:
        await hold(spa, what)
    [missing] = [each for each in lost.value.occurrences if each.slot is None]
    assert (missing.number, missing.day, to_local(missing.wanted_at, ZONE).time()) == (3, shut, time(15))
    # between the second and the fourth, and 27 days from both at least: a day earlier or later
    assert {to_local(slot.start, ZONE).date() - shut for slot in missing.instead} == {
        timedelta(days=-1), timedelta(days=1)
    }  # fmt: skip
    assert await spa.as_("desk", lambda tx: series.list_series(tx, limit=5)) == []
    starts = [each.slot.start if each.slot else missing.instead[0].start for each in lost.value.occurrences]
    whole = await hold(spa, asked(spa, part_of_day=AFTERNOON, days_min=27, days_max=42, starts=tuple(starts)))
    assert sorted(starts) == [visit.standing[0].starts_at for visit in whole.visits]


async def test_several_services_each_time(spa: Clinic) -> None:
    whole = await book(
        spa, asked(spa, "consult", "laser-hair", count=3, every_weeks=1, same_provider=True, at=time(11))
    )
    assert shown(whole) == ["+0 11:00", "+0 11:30", "+7 11:00", "+7 11:30", "+14 11:00", "+14 11:30"]
    moved = await spa.as_("desk", lambda tx: series.reschedule_series(tx, whole.id, Change(at=time(14))))
    assert shown(moved) == ["+0 14:00", "+0 14:30", "+7 14:00", "+7 14:30", "+14 14:00", "+14 14:30"]


async def test_moved_as_one_by_a_changed_rule(spa: Clinic) -> None:
    whole = await book(spa, asked(spa, count=3, every_weeks=1, part_of_day=AFTERNOON))
    change = Change(weekdays=frozenset({3}), part_of_day=(time(9), time(12)))
    moved = await spa.as_("desk", lambda tx: series.reschedule_series(tx, whole.id, change, revision=3))
    assert shown(moved) == ["+2 09:00", "+9 09:00", "+16 09:00"]
    assert [visit.id for visit in moved.visits] == [visit.id for visit in whole.visits]
    # the rule is kept: the next change goes on from it
    later = await spa.as_("desk", lambda tx: series.reschedule_series(tx, whole.id, Change(every_weeks=2)))
    assert shown(later) == ["+2 09:00", "+16 09:00", "+30 09:00"]


async def test_a_move_as_one_that_fails_is_a_report_and_changes_nothing(spa: Clinic) -> None:
    whole = await book(spa, asked(spa, count=3, every_weeks=1, at=time(15)))
    for clock in ("09:00", "10:00", "11:00"):
        await spa.book("laser-hair", wall(FIRST + timedelta(days=8), clock))
    change = Change(weekdays=frozenset({2}), part_of_day=(time(9), time(12)))
    with pytest.raises(SeriesUnavailable) as lost:
        await spa.as_("desk", lambda tx: series.reschedule_series(tx, whole.id, change))
    assert [each.number for each in lost.value.occurrences if each.slot is None] == [2]
    assert await spa.as_("desk", lambda tx: series.get_series(tx, whole.id)) == whole
    with pytest.raises(Invalid):
        await spa.as_("desk", lambda tx: series.reschedule_series(tx, whole.id, Change(starts=(wall(FIRST, "09:00"),))))


async def test_one_moves_within_the_spacing(spa: Clinic) -> None:
    whole = await book(spa, asked(spa, count=3, every_weeks=2, days_min=10, days_max=18, at=time(15)))
    second = whole.visits[1]
    for days in (5, 11):
        start = wall(FIRST + timedelta(days=14 + days), "15:00")
        with pytest.raises(NotBookable) as refused:
            await spa.as_("desk", lambda tx: visits.reschedule_visit(tx, second.id, start))  # noqa: B023
        assert refused.value.facts["reason"] == "spacing"
    alone = second.appointments[0].id
    too_far = wall(FIRST + timedelta(days=19), "15:00")
    with pytest.raises(NotBookable):
        await spa.as_("desk", lambda tx: booking.reschedule_to_start(tx, alone, too_far))
    fine = wall(FIRST + timedelta(days=17), "15:00")
    await spa.as_("desk", lambda tx: booking.reschedule_to_start(tx, alone, fine))
    # a person may decide otherwise
    await spa.as_("desk", lambda tx: booking.reschedule_to_start(tx, alone, too_far, outside_rules=True))


async def test_a_cancelled_one_leaves_a_gap_that_blocks_nobody(spa: Clinic) -> None:
    whole = await book(spa, asked(spa, count=4, every_weeks=2, days_min=10, days_max=18, at=time(15)))
    await spa.as_("desk", lambda tx: visits.cancel_visit(tx, whole.visits[1].id))
    start = wall(FIRST + timedelta(days=43), "15:00")
    await spa.as_("desk", lambda tx: visits.reschedule_visit(tx, whole.visits[3].id, start))
    gone = await spa.as_("desk", lambda tx: series.cancel_series(tx, whole.id, reason="moved away"))
    assert gone.state == "cancelled"
    with pytest.raises(StateRefused):
        await spa.as_("desk", lambda tx: series.cancel_series(tx, whole.id))


async def test_held_released_and_extended_as_one(spa: Clinic) -> None:
    whole = await hold(spa, asked(spa))
    longer = await spa.as_("desk", lambda tx: series.extend_series(tx, whole.id, ttl_seconds=600))
    assert len({part.expires_at for visit in longer.visits for part in visit.holds}) == 1
    one = whole.visits[0]
    for alone in (
        lambda tx: visits.confirm_visit(tx, one.id, ADA),
        lambda tx: booking.confirm_hold(tx, one.holds[0].id, ADA),
    ):
        with pytest.raises(StateRefused):
            await spa.as_("desk", alone)
    assert (await spa.as_("desk", lambda tx: series.release_series(tx, whole.id))).state == "ended"
    for command in (series.get_series, series.release_series, series.cancel_series):
        with pytest.raises(NotFound):
            await spa.as_("desk", lambda tx: command(tx, one.id))  # noqa: B023


async def test_each_visit_counts_in_the_quota(spa: Clinic) -> None:
    me = Visitor(b"v" * 32, b"n" * 32)
    with pytest.raises(TooManyHolds):
        await hold(spa, asked(spa, count=4), "widget", visitor=me)
    assert await hold(spa, asked(spa, count=3), "widget", visitor=me)


@pytest.mark.parametrize(
    "rule",
    [
        {"every_weeks": None},
        {"every_days": 3},
        {"count": 0},
        {"weekdays": frozenset({7})},
        {"every_weeks": None, "every_days": 7, "weekdays": frozenset({1})},
        {"days_min": 9, "days_max": 8},
    ],
)
def test_rules_that_make_no_sense(rule: dict[str, Any]) -> None:
    with pytest.raises(Invalid):
        Recurrence(**{"first": FIRST, "count": 2, "every_weeks": 1, **rule})


def test_the_days_of_a_rule() -> None:
    wednesday = date(2027, 3, 3)
    twice_a_week = Recurrence(wednesday, 4, every_weeks=2, weekdays=frozenset({0, 4}))
    assert [str(day) for day in twice_a_week.days()] == ["2027-03-05", "2027-03-15", "2027-03-19", "2027-03-29"]
    assert [day.day for day in Recurrence(wednesday, 3, every_days=10).days()] == [3, 13, 23]
    with pytest.raises(Invalid):
        Recurrence(wednesday, 3, every_weeks=1, days_min=8).days()


async def test_few_queries_however_many_visits(spa: Clinic) -> None:
    class Counted(Transaction):
        queries = 0

        async def tuples(self, query: str, **parameters: Any) -> list[tuple[Any, ...]]:
            Counted.queries += 1
            return await super().tuples(query, **parameters)

    what = asked(spa, count=40, every_weeks=1, part_of_day=AFTERNOON)
    await proposed(spa, what)  # the catalog is known from now on
    found = await spa.as_("desk", lambda tx: series.propose_series(Counted(tx._connection, tx.scene), what))
    assert all(each.slot for each in found)
    assert Counted.queries == 1
    assert isinstance(found[0].wanted_at, datetime)


async def test_count_and_starts_must_agree(spa: Clinic) -> None:
    start = wall(FIRST, "15:00")
    for count, starts in ((3, (start,)), (1, (start, start + timedelta(weeks=1)))):
        both = asked(spa, "consult", count=count, starts=starts)
        with pytest.raises(Invalid, match=f"count is {count}, and starts has {len(starts)}") as refused:
            await spa.as_("widget", lambda tx: series.place_series(tx, both))  # noqa: B023
        assert [each["pointer"] for each in refused.value.facts["errors"]] == ["/count", "/starts"]
    one = await spa.as_("widget", lambda tx: series.place_series(tx, asked(spa, "consult", count=1, starts=(start,))))
    assert len(one.visits) == 1
