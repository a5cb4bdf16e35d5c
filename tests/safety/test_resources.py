"""Outside events, capacity, retirement and merging: nothing dropped, nothing passed over."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest

from holdfast.db.urls import DatabaseUrls
from tests.clinic import Clinic, Refused, at
from tests.stepping import Stepper


def say_busy(spa: Clinic, start: float, end: float) -> dict[str, Any]:
    return spa.desk(
        "record_busy",
        resource_id=spa.resources["ana"],
        source="ana@example.org",
        external_id="lunch",
        start=at(start),
        end=at(end),
    )


def collisions(spa: Clinic) -> list[tuple[bool, str | None]]:
    rows = spa.desk.read("select resolved_at is null as open, resolution from holdfast.collision order by found_at")
    return [(row["open"], row["resolution"]) for row in rows]


def test_a_collision_ends_with_its_event_and_opens_again_with_it(spa: Clinic) -> None:
    spa.book("consult", 0)
    said = say_busy(spa, 15, 60)
    assert (said["added"], said["collisions"]) == (True, 1)
    assert say_busy(spa, 15, 60)["added"] is False

    spa.desk("remove_busy", busy_id=said["busy_id"])
    assert collisions(spa) == [(False, "The event over there is gone.")]
    assert say_busy(spa, 20, 60)["collisions"] == 1
    assert collisions(spa) == [(True, None)]
    assert say_busy(spa, 30, 60)["collisions"] == 0
    assert collisions(spa) == [(False, "The event over there is gone.")]


def test_a_resolved_collision_opens_again_when_the_event_moves(spa: Clinic) -> None:
    spa.book("consult", 0)
    say_busy(spa, 15, 60)
    (collision,) = spa.desk.read("select id from holdfast.collision")
    spa.desk("resolve_collision", collision_id=collision["id"], resolution="Ana stays.")
    say_busy(spa, 15, 60)
    assert collisions(spa) == [(False, "Ana stays.")]
    say_busy(spa, 10, 60)
    assert collisions(spa) == [(True, None)]


def test_a_pool_that_is_needed_stays_and_says_why(spa: Clinic) -> None:
    with pytest.raises(Refused) as refused:
        spa.desk("remove_pool", pool_id=spa.pools["rooms"])
    assert refused.value.rule == "no_service_needs_pool"


@pytest.mark.parametrize("isolation", ["repeatable read", "serializable"])
def test_a_resource_is_not_retired_on_an_old_snapshot(spa: Clinic, database: DatabaseUrls, isolation: str) -> None:
    with Stepper(database.app) as retiring:
        retiring.begin(spa.organization_id, isolation)
        spa.hold("consult", 0)  # after the other's snapshot
        retiring.run("retire_resource", resource_id=spa.resources["ana"])
        assert retiring.outcome() == "isolation_is_read_committed"


def test_capacity_moves_bookings_to_the_units_that_stay(spa: Clinic) -> None:
    first, second = spa.book("laser", 0), spa.book("laser", 70)
    both = {claim["unit_id"] for visit in (first, second) for claim in visit["claims"] if claim["role"] == "device"}
    assert len(both) == 1
    beside = spa.book("laser", 10)  # the other laser, provider and room
    with pytest.raises(Refused) as refused:
        spa.desk("set_capacity", resource_id=spa.resources["laser"], capacity=1)
    assert [conflict["id"] for conflict in refused.value.facts["conflicts"]] == [beside["id"].__str__()]
    spa.desk("cancel", appointment_id=first["id"], revision=None)
    spa.desk("cancel", appointment_id=beside["id"], revision=None)
    spa.desk("set_capacity", resource_id=spa.resources["laser"], capacity=1)
    assert len(spa.units("laser")) == 1


def test_a_provider_is_never_a_room(spa: Clinic) -> None:
    with pytest.raises(Refused) as refused:
        spa.desk("merge_resources", from_id=spa.resources["room-1"], into_id=spa.resources["ana"])
    assert refused.value.rule == "merge_is_of_one_kind"


def test_a_merge_moves_what_is_booked_and_who_serves(spa: Clinic) -> None:
    spa.book("laser", 0)
    spa.desk("merge_resources", from_id=spa.resources["ana"], into_id=spa.resources["ben"])
    (claim,) = spa.desk.read(
        "select r.slug from holdfast.claim k join holdfast.unit u on u.id = k.unit_id"
        " join holdfast.resource r on r.id = u.resource_id where k.role = 'provider' and k.active"
    )
    assert claim["slug"] == "ben"
    with pytest.raises(Refused):
        spa.hold("consult", 15)


def test_a_merge_moves_what_is_said_of_somebody(spa: Clinic) -> None:
    desk, ana, ben = spa.desk, spa.resources["ana"], spa.resources["ben"]
    desk("set_resource_rules", resource_id=ana, visits_per_day=None, attributes=[{"name": "laser", "good_until": None}])
    staff = desk("create_staff", email="ana@example.org", name="Ana", role="provider", resource_id=ana)["create_staff"]
    desk("add_dated_rule", location_id=None, resource_id=ana, kind="time_off",
         starts=at(5000).replace(tzinfo=None), ends=at(6000).replace(tzinfo=None))  # fmt: skip
    block = desk("place_block", resource_id=ana, start=at(600), end=at(660), reason="Lunch")
    visit = spa.book("consult", 0, choices={"provider": [[str(ana)]]})
    outside = {"source": "ana@example.org", "start": at(10), "end": at(90)}
    waits = desk("record_busy", resource_id=ana, external_id="waits", **outside)["busy_id"]
    for resource in (ana, ben):
        desk("record_busy", resource_id=resource, external_id="both", **outside | {"start": at(900), "end": at(960)})
    desk("merge_resources", from_id=ana, into_id=ben)
    said = desk.read(
        "select 'block' as what, id, resource_id from holdfast.block union all"
        " select 'busy', id, resource_id from holdfast.busy where removed_at is null union all"
        " select 'collision', busy_id, resource_id from holdfast.collision union all"
        " select 'staff', id, resource_id from holdfast.staff where resource_id is not null union all"
        " select 'time off', null, resource_id from holdfast.dated_rule union all"
        " select 'attribute', null, resource_id from holdfast.resource_attribute where resource_id = %(ben)s",
        ben=ben,
    )
    assert {row["resource_id"] for row in said} == {ben}
    assert sorted(row["what"] for row in said) == [
        "attribute", "block", "busy", "busy", "collision", "staff", "time off",
    ]  # fmt: skip
    assert {block["id"], waits, staff} <= {row["id"] for row in said}
    # what waited for the visit's time gets it where it is now
    desk("cancel", appointment_id=visit["id"], revision=None)
    with pytest.raises(Refused):
        spa.hold("consult", 15, choices={"provider": [[str(ben)]]})


def test_what_both_outside_calendars_say_is_no_conflict_but_another_booking_is(spa: Clinic) -> None:
    ana, ben = spa.resources["ana"], spa.resources["ben"]
    for resource in (ana, ben):
        spa.desk("record_busy", resource_id=resource, source="house@example.org", external_id="x",
                 start=at(0), end=at(60))  # fmt: skip
        spa.book("consult", 100, choices={"provider": [[str(resource)]]})
    with pytest.raises(Refused) as refused:
        spa.desk("merge_resources", from_id=ana, into_id=ben)
    assert [conflict["kind"] for conflict in refused.value.facts["conflicts"]] == ["appointment"]
    assert spa.desk.read("select from holdfast.busy where removed_at is not null") == []


def test_a_unit_that_is_retired_meanwhile_is_not_taken(
    spa: Clinic, database: DatabaseUrls, admin: psycopg.Connection[Any]
) -> None:
    spa.desk("place_block", resource_id=spa.resources["ben"], start=at(0), end=at(60), reason="")
    with Stepper(database.app) as retiring, Stepper(database.app) as taking:
        retiring.begin(spa.organization_id)
        retiring.run("retire_resource", resource_id=spa.resources["ana"])
        assert retiring.outcome() == "done"
        taking.begin(spa.organization_id)
        taking.run("place_hold", service_id=spa.services["consult"], location_id=spa.location_id, start=at(0))
        assert taking.finished_or_blocked()
        assert retiring.commit() == "done"
        assert taking.outcome() == "slot_is_free"
    assert admin.execute("select count(*) from holdfast.claim where role = 'provider'").fetchone() == (0,)
