"""Answers to an offer against everybody else who wants the time: one winner, and nobody is told two things."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from itertools import count, product
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest

from holdfast.booking import service as booking
from holdfast.booking.model import Visit
from holdfast.db.transact import Caller, Record
from holdfast.db.urls import DatabaseUrls
from holdfast.errors import HoldfastError
from holdfast.waitlist import rounds, service
from tests.clinic import Clinic, Row, at, call
from tests.stepping import Stepper
from tests.waitlist.line import TOKENS, Line, person

Do = Callable[[Stepper, "Slot"], None]


@dataclass
class Slot:
    """One hour that is offered to one client."""

    clinic: Clinic
    minutes: int
    offer: Row

    def visit(self) -> dict[str, Any]:
        return {
            "service_id": self.clinic.services["facial"],
            "location_id": self.clinic.location_id,
            "start": at(self.minutes),
        }


def accept(step: Stepper, slot: Slot) -> None:
    step.run("accept_offer", offer_id=slot.offer["id"])


def decline(step: Stepper, slot: Slot) -> None:
    step.run("decline_offer", offer_id=slot.offer["id"])


def lapse(step: Stepper, slot: Slot) -> None:
    step.run("tidy_waitlist")


def sweep(step: Stepper, slot: Slot) -> None:
    step.run("sweep_holds")


def hold(step: Stepper, slot: Slot) -> None:
    step.run("place_hold", **slot.visit())


def book(step: Stepper, slot: Slot) -> None:
    step.run("book", **slot.visit(), client={"name": "Walk In", "phone": "+15125550100"})


def confirm(step: Stepper, slot: Slot) -> None:
    """Somebody who came to know the hold's id confirms it for another client."""
    step.run("confirm_hold", hold_id=slot.offer["hold_id"], client={"name": "Walk In", "phone": "+15125550100"})


def override(step: Stepper, slot: Slot) -> None:
    step.run("withdraw_offer", offer_id=slot.offer["id"])


DOINGS = (accept, decline, lapse, sweep, hold, book, confirm, override)
YES = {"accept", "hold", "book", "confirm", "override"}
AGES = {"fresh": "-1 hour", "in grace": "1 second", "run out": "1 hour"}


class Offering:
    """Makes an offered slot after another, each an hour of its own."""

    def __init__(self, clinic: Clinic, admin: psycopg.Connection[Any]) -> None:
        self._clinic = clinic
        self._admin = admin
        self._minutes: Iterator[int] = count(0, 60)
        self._offered: list[UUID] = []

    def slot(self, age: str) -> Slot:
        clinic, minutes = self._clinic, next(self._minutes)
        self._settle()
        wish = {
            "service_ids": [str(clinic.services["facial"])],
            "location_ids": [str(clinic.location_id)],
        }
        with clinic.desk.connection.transaction():
            clinic.desk.act()
            entry = clinic.desk.connection.execute(
                "select holdfast.join_waitlist(%s, %s)",
                (
                    psycopg.types.json.Jsonb(wish),
                    psycopg.types.json.Jsonb({"name": f"C{minutes}", "email": f"{minutes}@x.org"}),
                ),
            ).fetchone()
            offers = [
                {
                    "offer_id": str(uuid4()),
                    "entry_id": str(entry[0] if entry else None),
                    "token_hash": hashlib.sha256(str(minutes).encode()).hexdigest(),
                    "why": "a test",
                }
            ]
            [made] = clinic.desk.connection.execute(
                "select id, hold_id, entry_id from holdfast.make_offers(null, %s, %s, %s, '{}', 3600, %s)",
                (clinic.services["facial"], clinic.location_id, at(minutes), psycopg.types.json.Jsonb(offers)),
            ).fetchall()
        offer = {"id": made[0], "hold_id": made[1], "entry_id": made[2]}
        self._offered.append(offer["id"])
        self._admin.execute(
            "update holdfast.hold set created_at = created_at - interval '1 day',"
            " expires_at = holdfast.clock() - %s::interval where id = %s",
            (AGES[age], offer["hold_id"]),
        )
        return Slot(clinic, minutes, offer)

    def _settle(self) -> None:
        """What an earlier slot left open must not keep a later one waiting for its locks."""
        for offer_id in self._offered:
            self._clinic.desk("decline_offer", offer_id=offer_id)
        self._offered.clear()


def promises(admin: psycopg.Connection[Any], slot: Slot) -> list[str]:
    """What stands promised of this hour: appointments, live holds of others, and offers still open to their client."""
    rows = admin.execute(
        """
        select 'appointment ' || a.id from holdfast.appointment a
        where a.starts_at = %(start)s and a.state = 'confirmed'
        union all
        select 'hold ' || h.id from holdfast.hold h
        where h.starts_at = %(start)s and h.state = 'live' and h.expires_at > holdfast.clock()
          and not exists (select from holdfast.offer o where o.hold_id = h.id)
        union all
        select 'offer ' || o.id from holdfast.offer o join holdfast.hold h on h.id = o.hold_id
        where h.starts_at = %(start)s and o.state = 'open' and h.expires_at > holdfast.clock()
        """,
        {"start": at(slot.minutes)},
    )
    return [row[0] for row in rows]


def run_both(database: DatabaseUrls, slot: Slot, first: Do, second: Do) -> dict[str, str]:
    """``second`` begins while ``first`` is done but not committed; what each was told in the end."""
    with Stepper(database.app) as one, Stepper(database.app) as two:
        one.begin(slot.clinic.organization_id)
        first(one, slot)
        told = [(first, one, one.outcome())]
        if first is override and told[0][2] == "done":
            book(one, slot)
            told = [(first, one, one.outcome())]
        two.begin(slot.clinic.organization_id)
        second(two, slot)
        two.finished_or_blocked()
        committed = one.commit()
        outcome = two.outcome()
        if second is override and outcome == "done":
            book(two, slot)
            outcome = two.outcome()
        ended = two.commit()
        return {
            f"1 {first.__name__}": told[0][2] if committed == "done" else committed,
            f"2 {second.__name__}": outcome if ended == "done" else ended,
        }


@pytest.mark.parametrize("age", AGES)
def test_of_any_two_that_meet_one_wins_and_each_is_told_the_truth(
    database: DatabaseUrls, studio: Clinic, admin: psycopg.Connection[Any], age: str
) -> None:
    offering = Offering(studio, admin)
    for first, second in product(DOINGS, DOINGS):
        slot = offering.slot(age)
        told = run_both(database, slot, first, second)
        where = f"{age}: {told}"
        said_yes = [name[2:] for name, outcome in told.items() if outcome == "done" and name[2:] in YES]
        state = admin.execute("select state from holdfast.offer where id = %s", (slot.offer["id"],)).fetchone()
        stands = promises(admin, slot)
        assert len(stands) <= 1, f"{where}: {stands}"
        # saying yes twice to one client about one appointment is one thing told
        assert len(set(said_yes)) <= 1, where
        if said_yes:
            kind = "hold" if said_yes[0] == "hold" else "appointment"
            assert stands[0].startswith(kind), where
        assert (state == ("accepted",)) == ("accept" in said_yes), where
        assert set(told.values()) <= {
            "done", "slot_is_free", "offer_is_open", "hold_is_live", "hold_is_not_settled", "hold_is_nobody_elses",
        }, where  # fmt: skip


def test_an_offer_that_is_only_a_flag_lets_the_widget_take_the_time(
    database: DatabaseUrls, studio: Clinic, admin: psycopg.Connection[Any]
) -> None:
    """The negative control: without its hold the same offer is promised twice, and the check above sees it."""
    slot = Offering(studio, admin).slot("fresh")
    assert len(promises(admin, slot)) == 1
    admin.execute("update holdfast.hold set state = 'released' where id = %s", (slot.offer["hold_id"],))
    told = run_both(database, slot, hold, lambda step, _: step.run("clock"))
    assert told["1 hold"] == "done"
    assert len(promises(admin, slot)) == 2


async def test_cancel_offer_widget_desk_and_answers_all_at_once(line: Line, record: Record) -> None:
    """Rounds of everything together, each on its own connection: an hour has one visit at most, and true answers."""
    organization = line.clinic.organization_id
    widget = Caller(organization, "key_widget", "widget")
    for number in range(6):
        minutes = number * 60
        taken = line.clinic.book("facial", minutes)
        await line.join(100 + number, "facial")
        await line.join(200 + number, "facial")
        visit = Visit(line.clinic.services["facial"], line.clinic.location_id, at(minutes), outside_rules=True)
        start, wanted = asyncio.Barrier(4), at(minutes)
        told: list[tuple[str, str]] = []

        async def attempt(who: str, caller: Caller, work: Any, start: asyncio.Barrier = start, told: Any = told) -> Any:
            await start.wait()
            try:
                answer = await record.transact(caller, work)
            except HoldfastError as refused:
                told.append((who, refused.code))
                return None
            told.append((who, "yes"))
            return answer

        async def offer_and_accept_twice(
            start: asyncio.Barrier = start, told: Any = told, wanted: datetime = wanted
        ) -> None:
            await start.wait()
            for _ in range(3):
                await rounds.note_openings(record, organization, line.events())
                for id in await rounds.fill_due(record, TOKENS, organization):
                    caller, offer_id = await service.find_offer(record, TOKENS.token(id))
                    yeses = await asyncio.gather(
                        *(record.transact(caller, partial(service.accept, offer_id=offer_id)) for _ in range(2)),
                        return_exceptions=True,
                    )
                    given = {(yes.id, yes.starts_at) for yes in yeses if not isinstance(yes, BaseException)}
                    assert len(given) == 1, "an offer fresh from its round is good, and one appointment for both taps"
                    [(_, starts_at)] = given
                    # what an hour before left free is offered too
                    told.append(("client", "yes" if starts_at == wanted else "another hour"))

        await asyncio.gather(
            attempt("canceller", line.desk, lambda tx, id=taken["id"]: booking.cancel(tx, id)),
            attempt(
                "widget",
                widget,
                lambda tx, v=visit: booking.place_hold(tx, Visit(v.service_id, v.location_id, v.start)),
            ),
            attempt("desk", line.desk, lambda tx, v=visit: booking.book(tx, v, person(9))),
            offer_and_accept_twice(),
        )
        here = [who for who, answer in told if answer == "yes" and who != "canceller"]
        rows = line.clinic.desk.read(
            "select count(*) as n from holdfast.hold where starts_at = %(at)s and state in ('live', 'confirmed')",
            at=wanted,
        )
        assert rows[0]["n"] == len([who for who in here if who in {"widget", "desk", "client"}]) <= 1, told
        # what was left open must not be offered in the next hour's round
        line.admin.execute("update holdfast.waitlist_entry set state = 'left' where state = 'waiting'")


def test_two_offers_of_one_time_cannot_be_made(
    studio: Clinic, admin: psycopg.Connection[Any], database: DatabaseUrls
) -> None:
    slot = Offering(studio, admin).slot("fresh")
    with psycopg.connect(database.app) as other:
        other.execute("select holdfast.act_as(%s, 'waitlist', 'system')", (studio.organization_id,))
        with pytest.raises(psycopg.Error) as refused:
            call(other, "place_hold", **slot.visit())
    assert refused.value.diag.constraint_name == "slot_is_free"
