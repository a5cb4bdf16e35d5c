"""An outside event whose place was taken takes it as soon as it is free; a collision ends when either side leaves."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import psycopg
import pytest

from holdfast.db.urls import DatabaseUrls
from holdfast.insight.doctor import examine
from tests.clinic import Clinic, Desk, Refused, at, open_clinic, requires
from tests.stepping import Stepper


@pytest.fixture
def ana(app: psycopg.Connection[Any]) -> Clinic:
    """One provider; ``visit`` needs her for an hour."""
    clinic = open_clinic(app)
    clinic.resource("ana", "provider")
    clinic.pool("providers", ["ana"])
    clinic.service("visit", 60, requires("provider", "providers", (0, 60)))
    return clinic


def say_busy(clinic: Clinic, start: float, end: float, event: str = "lunch", desk: Desk | None = None) -> Any:
    return (desk or clinic.desk)("record_busy", **busy_at(clinic, start, end, event))["busy_id"]


def busy_at(clinic: Clinic, start: float, end: float, event: str = "lunch") -> dict[str, Any]:
    resource = next(iter(clinic.resources.values()))
    times = {"start": at(start), "end": at(end)}
    return {"resource_id": resource, "source": "ana@example.org", "external_id": event, **times}


def claimed(clinic: Clinic) -> list[tuple[float, float, str]]:
    """(from, to, whose) of every active claim, in minutes after nine."""
    rows = clinic.desk.read(
        "select lower(during) as a, upper(during) as b, case when busy_id is null then 'visit' else 'busy' end as whose"
        " from holdfast.claim where active order by 1, 2"
    )
    minutes = [((row["a"] - at(0)).total_seconds() / 60, (row["b"] - at(0)).total_seconds() / 60) for row in rows]
    return [(*times, row["whose"]) for times, row in zip(minutes, rows, strict=True)]


def resolutions(clinic: Clinic) -> list[str | None]:
    rows = clinic.desk.read("select resolution from holdfast.collision order by found_at, id")
    return [row["resolution"] for row in rows]


def wrong(database: DatabaseUrls) -> list[tuple[str, Any]]:
    """What the doctor finds; the server of the tests does not sync its commits, which is no news."""
    found = [(result.check.name, result.findings) for result in examine(database) if result.findings]
    return [each for each in found if each[0] != "start-up"]


def test_it_takes_its_place_when_a_visit_leaves(ana: Clinic, database: DatabaseUrls) -> None:
    visit = ana.book("visit", 0)
    busy = say_busy(ana, 30, 90)
    assert claimed(ana) == [(0, 60, "visit"), (60, 90, "busy")]
    ana.desk("cancel", appointment_id=visit["id"], revision=None)
    assert claimed(ana) == [(30, 60, "busy"), (60, 90, "busy")]
    assert resolutions(ana) == ["The appointment was cancelled."]
    types = ana.desk.read("select type from holdfast.event where subject_id = %(id)s order by id", id=busy)
    assert [row["type"] for row in types] == ["busy.recorded", "busy.claimed"]
    with pytest.raises(Refused, match="slot_is_free"):
        ana.hold("visit", 0)
    ana.desk("remove_busy", busy_id=busy)
    assert claimed(ana) == []
    assert wrong(database) == []


@pytest.mark.parametrize("leave", ["release", "move", "block", "other event", "no show"])
def test_whoever_leaves_gives_way(ana: Clinic, database: DatabaseUrls, leave: str) -> None:
    ways: dict[str, tuple[Callable[[], Any], str]] = {
        "release": (lambda: ana.hold("visit", 0), "The hold has ended."),
        "move": (lambda: ana.book("visit", 0), "The appointment was moved."),
        "no show": (lambda: ana.book("visit", 0), "Nobody came to the appointment."),
        "block": (lambda: place_block(ana), "The block was removed."),
        "other event": (lambda: say_busy(ana, 0, 60, "other"), "The other event is gone."),
    }
    in_the_way, why = ways[leave]
    standing = in_the_way()
    say_busy(ana, 0, 60)
    assert "busy" not in {whose for _, _, whose in claimed(ana)} or leave == "other event"
    go = {
        "release": lambda: ana.desk("release_hold", hold_id=standing["id"]),
        "move": lambda: ana.desk("reschedule", appointment_id=standing["id"], revision=None, start=at(120)),
        "no show": lambda: ana.desk("no_show", appointment_id=standing["id"], revision=None),
        "block": lambda: ana.desk("remove_block", block_id=standing["id"]),
        "other event": lambda: ana.desk("remove_busy", busy_id=standing),
    }
    go[leave]()
    assert (0, 60, "busy") in claimed(ana)
    assert resolutions(ana) == [why]
    assert wrong(database) == []


def place_block(clinic: Clinic) -> Any:
    return clinic.desk("place_block", resource_id=clinic.resources["ana"], start=at(0), end=at(60), reason="lunch")


def test_a_visit_that_moves_and_still_meets_it_goes_on_colliding(ana: Clinic) -> None:
    visit = ana.book("visit", 0)
    say_busy(ana, 0, 60)
    ana.desk("reschedule", appointment_id=visit["id"], revision=None, start=at(30))
    assert claimed(ana) == [(0, 30, "busy"), (30, 90, "visit")]
    assert resolutions(ana) == [None]


def test_a_deliberate_overbook_comes_before_it(ana: Clinic) -> None:
    visit = ana.book("visit", 0)
    ana.book("visit", 0, overbook_reason="The owner's sister")
    say_busy(ana, 0, 90)
    ana.desk("cancel", appointment_id=visit["id"], revision=None)
    assert claimed(ana) == [(0, 60, "visit"), (60, 90, "busy")]


def test_a_new_unit_is_a_place(ana: Clinic, database: DatabaseUrls) -> None:
    ana.book("visit", 0)
    say_busy(ana, 30, 60)
    assert claimed(ana) == [(0, 60, "visit")]
    ana.desk("set_capacity", resource_id=ana.resources["ana"], capacity=2)
    assert claimed(ana) == [(0, 60, "visit"), (30, 60, "busy")]
    assert wrong(database) == []


def test_what_waits_behind_a_hold_that_ran_out_is_not_offered(ana: Clinic, admin: psycopg.Connection[Any]) -> None:
    hold = ana.hold("visit", 0)
    say_busy(ana, 0, 60)
    other = ana.hold("visit", 120)
    admin.execute(
        "update holdfast.hold set expires_at = now() - interval '1 hour', created_at = now() - interval '2 h'"
    )
    with pytest.raises(Refused, match="slot_is_free"):
        ana.hold("visit", 0)
    assert ana.hold("visit", 120)["id"] != other["id"]  # the control: nothing waits there
    assert ana.desk("sweep_holds")["sweep_holds"] >= 1
    assert (0, 60, "busy") in claimed(ana)
    assert ana.desk.read("select state from holdfast.hold where id = %(id)s", id=hold["id"])[0]["state"] == "expired"


@pytest.mark.parametrize("first", ["leaving", "telling"])
def test_an_event_told_while_the_visit_leaves_gets_the_place(ana: Clinic, database: DatabaseUrls, first: str) -> None:
    visit = ana.book("visit", 0)
    told = busy_at(ana, 0, 60)
    commands = {
        "leaving": ("cancel", {"appointment_id": visit["id"], "revision": None}),
        "telling": ("record_busy", told),
    }
    second = next(name for name in commands if name != first)
    with Stepper(database.app) as ahead, Stepper(database.app) as behind:
        for stepper, name in ((ahead, first), (behind, second)):
            stepper.begin(ana.organization_id)
            function, parameters = commands[name]
            stepper.run(function, **parameters)
            stepper.finished_or_blocked()
        assert ahead.outcome() == "done"
        assert ahead.commit() == "done"
        assert behind.outcome() == "done"
        assert behind.commit() == "done"
    assert claimed(ana) == [(0, 60, "busy")]
    assert wrong(database) == []


def test_the_doctor_sees_an_event_that_did_not_take_its_place(
    ana: Clinic, admin: psycopg.Connection[Any], database: DatabaseUrls
) -> None:
    # the control: without the command's last step there is a hole, and the check finds it
    admin.execute("alter function holdfast.claim_for_busy(uuid, tstzrange) rename to claim_for_busy_kept")
    admin.execute(
        "create function holdfast.claim_for_busy(uuid, tstzrange) returns void language sql as 'select null::void'"
    )
    visit = ana.book("visit", 0)
    say_busy(ana, 30, 90)
    ana.desk("cancel", appointment_id=visit["id"], revision=None)
    assert "busy times" in dict(wrong(database))


def test_an_event_takes_what_is_free_on_any_unit(app: psycopg.Connection[Any], database: DatabaseUrls) -> None:
    """On the unit with the most free time a quarter of an hour is taken, which the other one has."""
    clinic = open_clinic(app, "beds")
    clinic.resource("bed", capacity=2)
    gone = say_busy(clinic, 0, 90, "gone")
    say_busy(clinic, 0, 90, "on the second bed")
    clinic.desk("remove_busy", busy_id=gone)
    say_busy(clinic, 90, 105, "on the first")
    say_busy(clinic, 0, 105, "on both")
    assert wrong(database) == []


@pytest.mark.parametrize("seed", range(5))
def test_any_order_of_coming_and_going_leaves_no_hole(
    app: psycopg.Connection[Any], database: DatabaseUrls, seed: int
) -> None:
    chance = random.Random(seed)
    clinic = open_clinic(app, f"random-{seed}")
    clinic.resource("bed", capacity=2)
    clinic.pool("beds", ["bed"])
    clinic.service("visit", 60, requires("bed", "beds", (0, 60)))
    visits: list[Any] = []
    for _ in range(60):
        minute = chance.randrange(0, 600, 15)
        match chance.choice(["book", "busy", "busy", "cancel", "gone"]):
            case "book":
                try:
                    visits.append(clinic.book("visit", minute)["id"])
                except Refused:
                    continue
            case "busy":
                say_busy(clinic, minute, minute + chance.choice([15, 45, 120]), f"e{chance.randrange(12)}")
            case "cancel" if visits:
                clinic.desk("cancel", appointment_id=visits.pop(chance.randrange(len(visits))), revision=None)
            case "gone":
                query = "select id from holdfast.busy where removed_at is null order by external_id"
                if standing := clinic.desk.read(query):
                    clinic.desk("remove_busy", busy_id=chance.choice(standing)["id"])
    assert wrong(database) == [], f"seed {seed}"
