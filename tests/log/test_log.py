"""The log: every event has its place in the catalogue, its order, and its part in the story."""

from __future__ import annotations

import re
from functools import partial
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
import pytest

from holdfast import db
from holdfast.db.transact import Caller, Record
from holdfast.db.urls import DatabaseUrls
from holdfast.errors import Invalid, NotFound
from holdfast.log import service
from holdfast.log.events import CATALOGUE, Event, EventRow, UnknownEvent, decode
from tests.busy_day import live_a_busy_day
from tests.clinic import Clinic, at, open_clinic
from tests.stepping import Stepper


def types_the_sql_can_write(connection: psycopg.Connection[Any]) -> set[str]:
    """Every literal of record_event(), the two that are put together, and the triggers of the catalog."""
    text = "\n".join(path.read_text("utf-8") for path in (Path(db.__file__).parent / "functions").glob("*.sql"))
    literal = set(re.findall(r"record_event\(\s*'([a-z_]+\.[a-z_]+)'", text))
    let_go = {f"hold.{state}" for state in re.findall(r"let_go\([^;']*, '([a-z_]+)'", text)}
    steps = {f"appointment.{state}" for state in re.findall(r"change_state\([^;']*, '([a-z_]+)'", text)}
    tables = [
        row[0]
        for row in connection.execute("select tgrelid::regclass::text from pg_trigger where tgname = 'record_change'")
    ]
    catalog = {f"{t.removeprefix('holdfast.')}.{change}" for t in tables for change in ("added", "changed", "removed")}
    left = {f"waitlist_entry.{state}" for state in re.findall(r"leave_waitlist\([^;']*'([a-z_]+)'", text)}
    (states,) = connection.execute(
        "select pg_get_constraintdef(oid) from pg_constraint where conname = 'offer_state_is_known'"
    ).fetchone() or ("",)
    answers = {f"offer.{state}" for state in re.findall(r"'([a-z]+)'", states)} - {"offer.open"}
    return literal | let_go | steps | catalog | left | answers


def test_the_catalogue_has_every_type_and_no_other(admin: psycopg.Connection[Any]) -> None:
    written = types_the_sql_can_write(admin)
    assert {"hold.expired", "appointment.no_show", "claim.moved", "pool_member.removed"} <= written
    assert {type for type, version in CATALOGUE if version == 1} == written


def test_every_class_of_event_says_what_it_is() -> None:
    telling = {facts for (type, _), facts in CATALOGUE.items() if not type.endswith((".added", ".changed", ".removed"))}
    assert [facts.__name__ for facts in telling if not facts.__doc__] == []


def caller(clinic: Clinic) -> Caller:
    return Caller(clinic.organization_id, "key_desk", "desk")


async def test_every_event_of_a_busy_day_decodes(spa: Clinic, record: Record) -> None:
    live_a_busy_day(spa)

    events: list[Event] = []
    position = service.BEGINNING
    while page := await record.transact(caller(spa), partial(service.events_after, position=position, limit=50)):
        events += page
        position = page[-1].position

    (stored,) = spa.desk.read("select count(*) as n, count(distinct type) as types from holdfast.event")
    assert len({event.id for event in events}) == stored["n"]
    subjects = ("hold", "claim", "appointment", "block", "busy", "collision", "client", "api_key")
    bookings = {type for type, _ in CATALOGUE if type.split(".")[0] in subjects}
    assert bookings - {event.type for event in events} == set(), "the busy day has every event of a booking"


async def test_an_appointment_tells_its_story(spa: Clinic, record: Record) -> None:
    held = spa.hold("laser", 0)
    spa.desk.actor, spa.desk.surface = "key_phone", "phone"
    visit = spa.desk("confirm_hold", hold_id=held["id"], client={"name": "Ada Byron"})
    spa.book("laser", 0)  # somebody else's story
    spa.desk("reschedule", appointment_id=visit["id"], revision=1, start=at(90))
    spa.desk("cancel", appointment_id=visit["id"], revision=2)

    story = await record.transact(caller(spa), lambda tx: service.history(tx, visit["id"]))

    assert [(event.type, event.surface) for event in story] == [
        ("hold.placed", "desk"),
        ("hold.confirmed", "phone"),
        ("appointment.booked", "phone"),
        ("hold.placed", "phone"),
        ("hold.released", "phone"),
        ("appointment.rescheduled", "phone"),
        ("hold.released", "phone"),
        ("appointment.cancelled", "phone"),
    ]
    assert {event.actor for event in story} == {"key_desk", "key_phone"}
    assert [event.at for event in story] == sorted(event.at for event in story)


async def test_another_organization_s_story_is_not_there(spa: Clinic, record: Record) -> None:
    visit = spa.book("laser", 0)
    other = open_clinic(spa.desk.connection, "other")
    with pytest.raises(NotFound):
        await record.transact(caller(other), lambda tx: service.history(tx, visit["id"]))


async def test_a_reader_does_not_pass_over_a_slow_transaction(
    spa: Clinic, record: Record, database: DatabaseUrls
) -> None:
    start = await record.transact(caller(spa), service.position_now)
    with Stepper(database.app) as slow:
        slow.begin(spa.organization_id)
        slow.run("place_hold", service_id=spa.services["laser"], location_id=spa.location_id, start=at(0))
        assert slow.outcome() == "done"
        quick = spa.hold("laser", 600)  # a later event id, committed earlier

        assert await record.transact(caller(spa), lambda tx: service.events_after(tx, start)) == []

        assert slow.commit() == "done"
    seen = await record.transact(caller(spa), lambda tx: service.events_after(tx, start))
    assert [event.subject_id for event in seen] == [slow.answer[0]["id"], quick["id"]]


@pytest.mark.parametrize("position", ["", "1", "1.x", "1.1.1", "-1.0", "9" * 30 + ".0", "１.1"])
async def test_what_is_no_position_is_refused(spa: Clinic, record: Record, position: str) -> None:
    with pytest.raises(Invalid):
        await record.transact(caller(spa), lambda tx: service.events_after(tx, position))


@pytest.mark.parametrize(
    ("type", "version", "data"),
    [("hold.eaten", 1, {}), ("hold.confirmed", 2, {}), ("hold.confirmed", 1, {"by": "Ada Byron"}),
     ("hold.extended", 1, {"expires_at": "2026-01-01T00:00:00"})],
)  # fmt: skip
def test_an_unknown_shape_is_refused_without_its_values(type: str, version: int, data: dict[str, Any]) -> None:
    row = EventRow(7, "1.7", at(0), type, version, uuid4(), "key_desk", "desk", data)
    with pytest.raises(UnknownEvent) as unknown:
        decode(row)
    assert "Ada" not in str(unknown.value)
