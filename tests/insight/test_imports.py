"""Taking calendars into the record: what is planned is what happens, nothing is doubled, nothing is dropped."""

from __future__ import annotations

import random
from collections import Counter
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from itertools import combinations
from typing import Any

import pytest

from holdfast.db.transact import Caller, Record
from holdfast.errors import Invalid, NotFound, StateRefused
from holdfast.insight.calendar_events import WHOLE, Event, Window
from holdfast.insight.import_plan import LONGEST, Occurrence, expected_collisions, occurrences, slugs_of
from holdfast.insight.imports import ImportPlan, Wish, carry_out, plan_import
from tests.clinic import Clinic, Refused, at

SEED = 20_261_121


def event(start: float, minutes: float, uid: str = "", **more: Any) -> Event:
    """An event ``start`` minutes after nine o'clock of the test's day."""
    fields = {"recurrence_id": None, "resource": "Ana", "resource_kind": "calendar", "summary": "Ms. Lovelace"}
    fields |= {"status": "", "kind": "", "source": "", "all_day": False, "line": 1}
    return Event(uid=uid, start=at(start), end=at(start + minutes), **(fields | more))  # type: ignore[arg-type]


@pytest.fixture
def caller(spa: Clinic) -> Caller:
    return Caller(spa.organization_id, "system", "import")


async def run(record: Record, caller: Caller, events: list[Event], **wish: Any) -> tuple[ImportPlan, int]:
    """Plan, carry out, and see that the plan knew how many collisions there would be."""
    plan = await plan_import(record, caller, events, Wish("ana@example.org", **({"resource": "ana"} | wish)))
    found = await carry_out(record, caller, plan)
    assert found == sum(each.collisions for each in plan.resources)
    return plan, found


def counts(plan: ImportPlan) -> tuple[int, int, int, int]:
    one = plan.resources[0]
    return len(one.added), len(one.moved), len(one.unchanged), len(one.missing)


def standing(clinic: Clinic) -> list[tuple[datetime, datetime]]:
    """What the outside calendar keeps busy, as the record has it."""
    rows = clinic.desk.read("select starts_at, ends_at from holdfast.busy where removed_at is null order by 1, 2")
    return [(row["starts_at"], row["ends_at"]) for row in rows]


class TestIds:
    def test_an_occurrence_is_found_by_its_event_and_its_original_time(self) -> None:
        moved = event(60, 30, "series", recurrence_id=at(0))
        assert occurrences([moved])[0].external_id == f"series/{at(0).isoformat()}"
        later = moved._replace(start=at(90), end=at(120))
        assert occurrences([later])[0].external_id == occurrences([moved])[0].external_id

    def test_without_an_id_it_is_its_time(self) -> None:
        one, other = occurrences([event(0, 30), event(0, 60)])
        assert one.external_id != other.external_id

    def test_one_id_on_several_days_is_several(self) -> None:
        found = occurrences([event(1440, 30, "7"), event(0, 30, "7"), event(0, 30, "7")])
        assert [each.external_id for each in found] == ["7", "7#2"]

    @pytest.mark.parametrize("uid", ["x" * 5000, "a\0b", "a\nb", "\ud800"])
    def test_an_id_that_cannot_be_kept_is_hashed(self, uid: str) -> None:
        (found,) = occurrences([event(0, 30, uid)])
        assert found.external_id.startswith("sha256:")
        assert found.external_id.isprintable()


class TestNames:
    def test_one_calendar_is_one_resource(self) -> None:
        assert slugs_of(["Ana"], "ana-ruiz", {}) == {"Ana": "ana-ruiz"}

    def test_several_are_mapped_or_left_out(self) -> None:
        mapping = {"Dr. A": "ana-ruiz", "Room 9": ""}
        assert slugs_of(["Dr. A", "Room 9", "Laser"], "laser", mapping) == mapping | {"Laser": "laser"}

    @pytest.mark.parametrize(
        ("names", "resource", "mapping", "said"),
        [
            (["Ana"], None, {}, "--resource SLUG"),
            (["Ana", "Ben"], "ana", {}, "'Ana', 'Ben'"),
            (["Ana"], "ana", {"Anna": "ana"}, "no 'Anna'; it names 'Ana'"),
        ],
    )
    def test_otherwise_it_asks(
        self, names: list[str], resource: str | None, mapping: dict[str, str], said: str
    ) -> None:
        with pytest.raises(Invalid, match=said):
            slugs_of(names, resource, mapping)


def test_the_pass_counts_as_comparing_all_pairs_does() -> None:
    chance = random.Random(SEED)
    for _ in range(200):
        spans = [(start := chance.randrange(50), start + chance.randrange(1, 15)) for _ in range(chance.randrange(12))]
        cut = chance.randint(0, len(spans))
        fixed = [(at(a), at(b), f"f{n}") for n, (a, b) in enumerate(spans[:cut])]
        told = [Occurrence(at(a), at(b), f"n{n}") for n, (a, b) in enumerate(spans[cut:])]
        units = chance.randint(1, 3)
        others: Counter[int] = Counter()
        for (i, one), (j, other) in combinations(enumerate(spans), 2):
            if j >= cut and one[0] < other[1] and other[0] < one[1]:
                others[max(i, j)] += 1
        assert expected_collisions(told, fixed, units) == sum(n for n in others.values() if n >= units), SEED


async def test_events_become_busy_times_and_a_second_run_changes_nothing(
    record: Record, spa: Clinic, caller: Caller
) -> None:
    events = [event(0, 30, "a"), event(60, 30, "b"), event(90, 30, "c")]
    plan, found = await run(record, caller, events)
    assert (counts(plan), found) == ((3, 0, 0, 0), 0)
    assert standing(spa) == [(at(0), at(30)), (at(60), at(90)), (at(90), at(120))]
    again, _ = await run(record, caller, events)
    assert (counts(again), again.changes) == ((0, 0, 3, 0), 0)
    assert len(spa.desk.read("select from holdfast.event where type = 'busy.recorded'")) == 3


async def test_nobody_is_booked_into_a_busy_time(record: Record, spa: Clinic, caller: Caller) -> None:
    await run(record, caller, [event(0, 60, "a")])
    spa.service("ana-only", 30, {**ANA, "pool_id": spa_pool(spa)})
    with pytest.raises(Exception, match="slot_is_free"):
        spa.hold("ana-only", 30)
    spa.hold("ana-only", 60)


async def test_what_moved_moves_and_what_is_gone_stays_until_one_says_otherwise(
    record: Record, spa: Clinic, caller: Caller
) -> None:
    await run(record, caller, [event(0, 30, "a"), event(60, 30, "b"), event(120, 30, "c")])
    now = [event(15, 30, "a"), event(120, 30, "c")]
    plan, _ = await run(record, caller, now)
    assert counts(plan) == (0, 1, 1, 1)
    assert (at(60), at(90)) in standing(spa)
    plan, _ = await run(record, caller, now, remove_missing=True)
    assert (counts(plan), plan.changes) == ((0, 0, 2, 1), 1)
    assert standing(spa) == [(at(15), at(45)), (at(120), at(150))]


async def test_only_within_the_time_that_the_file_covers_can_anything_be_missing(
    record: Record, spa: Clinic, caller: Caller
) -> None:
    await run(record, caller, [event(minutes, 30, f"{minutes}") for minutes in (0, 60, 120, 180)])
    plan, _ = await run(record, caller, [event(60, 30, "60"), event(180, 30, "180")], remove_missing=True)
    assert [each.external_id for each in plan.resources[0].missing] == ["120"]
    window = Window(at(100), None)
    plan, _ = await run(record, caller, [event(0, 30, "0"), event(180, 30, "180")], remove_missing=True, window=window)
    assert plan.resources[0].missing == []
    assert (at(60), at(90)) in standing(spa)


async def test_another_calendar_of_the_same_person_is_another_source(
    record: Record, spa: Clinic, caller: Caller
) -> None:
    await run(record, caller, [event(0, 30, "a")])
    plan = await plan_import(record, caller, [event(10, 30, "a")], Wish("private", resource="ana", remove_missing=True))
    assert (counts(plan), plan.resources[0].collisions) == ((1, 0, 0, 0), 1)
    assert await carry_out(record, caller, plan) == 1


async def test_overlaps_within_one_file_are_collisions_and_both_stand(
    record: Record, spa: Clinic, caller: Caller
) -> None:
    _, found = await run(record, caller, [event(0, 60, "a"), event(30, 60, "b"), event(45, 60, "c")])
    assert found == 3
    assert len(standing(spa)) == 3


async def test_a_dry_run_is_only_a_plan(record: Record, spa: Clinic, caller: Caller) -> None:
    spa.book("consult", 0)
    before = spa.desk.read("select count(*) as n from holdfast.event")
    await plan_import(record, caller, [event(0, 30, "a")], Wish("x", resource="ana"))
    assert spa.desk.read("select count(*) as n from holdfast.event") == before


async def test_random_calendars_and_bookings(record: Record, spa: Clinic, caller: Caller) -> None:
    """Re-imports of a calendar that changes, between bookings that change: always as planned, never doubled."""
    chance = random.Random(SEED)
    calendar: dict[str, tuple[int, int]] = {}
    for _ in range(6):
        for uid in chance.sample(sorted(calendar), len(calendar) // 4):
            del calendar[uid]
        for number in chance.sample(range(30), 8):
            calendar[f"e{number}"] = (chance.randrange(0, 900, 5), chance.randrange(5, 120, 5))
        if chance.random() < 0.7:
            try_to_book(spa, chance.randrange(0, 900, 15))
        events = [event(start, minutes, uid) for uid, (start, minutes) in calendar.items()]
        remove = chance.random() < 0.5
        for resource in ("ana", "laser"):  # one unit, and two
            await run(record, caller, events, resource=resource, remove_missing=remove)
        assert overlapping_claims(spa) == [], SEED
    last = [event(start, minutes, uid) for uid, (start, minutes) in calendar.items()]
    await run(record, caller, last, remove_missing=True)
    plan, _ = await run(record, caller, last, remove_missing=True)
    assert plan.changes == 0


async def test_times_that_cannot_be_kept_are_left_out_and_counted(record: Record, spa: Clinic, caller: Caller) -> None:
    long_ago = datetime(1999, 12, 31, tzinfo=UTC)
    events = [
        event(0, 30, "fine"),
        event(0, 0, "old")._replace(start=long_ago, end=long_ago + timedelta(hours=1)),
        event(0, LONGEST.total_seconds() / 60 + 1, "sabbatical"),
        event(0, 1440, "day off", all_day=True),
    ]
    plan, _ = await run(record, caller, events, all_day=False, window=WHOLE)
    assert plan.left_out == {"before 2000 or after 2199": 1, "longer than 366 days": 1, "all-day": 1}
    plan, _ = await run(record, caller, [event(3000, 300 * 1440, "leave")])
    assert len(spa.desk.read("select from holdfast.claim where active and upper(during) > %(t)s", t=at(40_000))) > 30


async def test_resources_that_are_not_there(record: Record, spa: Clinic, caller: Caller) -> None:
    with pytest.raises(NotFound):
        await plan_import(record, caller, [event(0, 30)], Wish("x", resource="nobody"))
    spa.desk("retire_resource", resource_id=spa.resources["ben"])
    with pytest.raises(StateRefused):
        await plan_import(record, caller, [event(0, 30)], Wish("x", resource="ben"))


ANA = {
    "role": "provider",
    "quantity": 1,
    "segment_start_minutes": 0,
    "segment_minutes": 30,
    "buffer_before_minutes": 0,
    "buffer_after_minutes": 0,
}


def spa_pool(clinic: Clinic) -> str:
    clinic.pool("only-ana", ["ana"])
    return "only-ana"


def try_to_book(clinic: Clinic, minutes: int) -> None:
    with suppress(Refused):  # a taken slot is as good a start as a booking
        clinic.book("laser", minutes)


def overlapping_claims(clinic: Clinic) -> list[dict[str, Any]]:
    return clinic.desk.read(
        """select a.id from holdfast.claim a join holdfast.claim b
           on a.unit_id = b.unit_id and a.id < b.id and a.during && b.during
           where a.active and b.active and not a.overbook and not b.overbook"""
    )
