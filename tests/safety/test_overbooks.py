"""A deliberate overbook stands outside the guard and in everybody's way, and moves up as soon as its place is free."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest

from holdfast.db.urls import DatabaseUrls
from tests.clinic import Clinic, Desk, Refused, at, open_clinic, requires
from tests.stepping import Stepper

REASON = "The owner's sister"


@pytest.fixture
def ana(app: psycopg.Connection[Any]) -> Clinic:
    """One provider; ``visit`` needs her for an hour."""
    clinic = open_clinic(app)
    clinic.resource("ana", "provider")
    clinic.pool("providers", ["ana"])
    clinic.service("visit", 60, requires("provider", "providers", (0, 60)))
    return clinic


def overbook(clinic: Clinic, minutes: float, desk: Desk | None = None) -> dict[str, Any]:
    return clinic.book("visit", minutes, desk, overbook_reason=REASON)


def marks(clinic: Clinic) -> list[tuple[float, bool]]:
    """(minutes after nine, stands outside the guard) of every active claim."""
    rows = clinic.desk.read("select lower(during) as start, overbook from holdfast.claim where active order by 1, 2")
    return [((row["start"] - at(0)).total_seconds() / 60, row["overbook"]) for row in rows]


def test_it_takes_its_place_when_the_first_leaves(ana: Clinic) -> None:
    first = ana.book("visit", 0)
    second = overbook(ana, 30)
    assert marks(ana) == [(0, False), (30, True)]
    with pytest.raises(Refused) as taken:
        ana.hold("visit", 60)
    assert taken.value.rule == "slot_is_free"

    ana.desk("cancel", appointment_id=first["id"], revision=None)

    assert marks(ana) == [(30, False)]
    assert ana.desk.read(
        "select from holdfast.event where type = 'claim.promoted' and subject_id = %(id)s", id=second["hold_id"]
    )


def test_of_two_behind_one_the_elder_moves_up(ana: Clinic) -> None:
    first = ana.book("visit", 0)
    overbook(ana, 10)
    overbook(ana, 20)
    ana.desk("cancel", appointment_id=first["id"], revision=None)
    assert marks(ana) == [(10, False), (20, True)]


def test_one_may_stand_where_only_another_stands(ana: Clinic) -> None:
    ana.book("visit", 0)
    overbook(ana, 30)
    overbook(ana, 60)  # meets the second, and nobody under the guard
    assert marks(ana) == [(0, False), (30, True), (60, False)]


def test_a_block_does_not_pass_over_it(ana: Clinic) -> None:
    ana.book("visit", 0)
    second = overbook(ana, 30)
    with pytest.raises(Refused) as refused:
        ana.desk("place_block", resource_id=ana.resources["ana"], start=at(60), end=at(120), reason="lunch")
    assert [conflict["id"] for conflict in refused.value.facts["conflicts"]] == [str(second["id"])]


def test_a_reservation_that_races_with_it_sees_it(ana: Clinic, database: DatabaseUrls) -> None:
    ana.book("visit", 0)
    with Stepper(database.app) as slow, Stepper(database.app) as quick:
        slow.begin(ana.organization_id)
        slow.run(
            "book",
            service_id=ana.services["visit"],
            location_id=ana.location_id,
            start=at(30),
            client={"name": "X"},
            overbook_reason=REASON,
        )
        assert slow.outcome() == "done"
        quick.begin(ana.organization_id)
        quick.run("place_hold", service_id=ana.services["visit"], location_id=ana.location_id, start=at(60))
        quick.finished_or_blocked()
        assert slow.commit() == "done"
        assert quick.outcome() == "slot_is_free"


def test_a_block_that_leaves_meanwhile_lets_it_up(ana: Clinic, database: DatabaseUrls) -> None:
    block = ana.desk("place_block", resource_id=ana.resources["ana"], start=at(0), end=at(60), reason="lunch")
    with Stepper(database.app) as slow, Stepper(database.app) as quick:
        slow.begin(ana.organization_id)
        slow.run(
            "book",
            service_id=ana.services["visit"],
            location_id=ana.location_id,
            start=at(30),
            client={"name": "X"},
            overbook_reason=REASON,
        )
        assert slow.outcome() == "done"
        quick.begin(ana.organization_id)
        quick.run("remove_block", block_id=block["id"])
        quick.finished_or_blocked()
        assert slow.commit() == "done"
        assert quick.outcome() == "done"
        assert quick.commit() == "done"
    assert marks(ana) == [(30, False)]


def test_a_visit_that_left_is_not_promoted(ana: Clinic, database: DatabaseUrls) -> None:
    first = ana.book("visit", 0)
    second = overbook(ana, 30)
    with Stepper(database.app) as leaving, Stepper(database.app) as freeing:
        leaving.begin(ana.organization_id)
        leaving.run("cancel", appointment_id=second["id"], revision=None)
        assert leaving.outcome() == "done"
        freeing.begin(ana.organization_id)
        freeing.run("cancel", appointment_id=first["id"], revision=None)
        freeing.finished_or_blocked()
        assert leaving.commit() == "done"
        assert freeing.outcome() == "done"
        assert freeing.commit() == "done"
    assert not ana.desk.read("select from holdfast.event where type = 'claim.promoted'")


def test_its_units_merge_onto_a_free_place(ana: Clinic) -> None:
    ana.book("visit", 0)
    overbook(ana, 30)
    ana.resource("anna", "provider")
    ana.desk("merge_resources", from_id=ana.resources["ana"], into_id=ana.resources["anna"])
    assert marks(ana) == [(0, False), (30, True)]


def test_a_capacity_that_shrinks_does_not_pass_over_it(app: psycopg.Connection[Any]) -> None:
    clinic = open_clinic(app)
    clinic.resource("bed", capacity=2)
    clinic.pool("beds", ["bed"])
    clinic.service("visit", 60, requires("bed", "beds", (0, 60)))
    clinic.book("visit", 0)
    passing = clinic.book("visit", 70)
    second_bed = clinic.book("visit", 70)
    clinic.desk("cancel", appointment_id=passing["id"], revision=None)
    overbook(clinic, 30)  # on the first bed, behind the first visit
    with pytest.raises(Refused) as refused:
        clinic.desk("set_capacity", resource_id=clinic.resources["bed"], capacity=1)
    assert [conflict["id"] for conflict in refused.value.facts["conflicts"]] == [str(second_bed["id"])]
