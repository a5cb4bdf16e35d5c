"""Who is offered what of an opening: each slot of it, only whom a message reaches, and nobody a second visit."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from holdfast.booking import service as booking
from holdfast.booking.model import ClientDetails, Visit
from holdfast.db.transact import Record
from holdfast.errors import OfferEnded, StateRefused
from holdfast.waitlist import rounds, service
from holdfast.waitlist.matching import term_seconds
from holdfast.waitlist.model import Policy, Wish
from tests.clinic import at
from tests.waitlist.line import TOKENS, Line, person
from tests.waitlist.test_rounds import cancel


def unblocked(line: Line, hours: int) -> None:
    """Ana's block of so many hours is taken away: the people in the line know nothing of it yet."""
    start, end = at(0), at(60 * hours)
    block = line.clinic.desk(
        "place_block", resource_id=line.clinic.resources["ana"], start=start, end=end, reason="away"
    )
    line.clinic.desk("remove_block", block_id=block["id"])


async def test_of_a_long_opening_every_slot_is_offered_whatever_the_cap_of_one(line: Line) -> None:
    await line.policy("facial", offers_per_slot_max=2)
    for number in range(9):
        await line.join(number, "facial")
    unblocked(line, 7)
    offers = await line.round()
    assert [offer.starts_at for offer in offers] == [at(60 * hour) for hour in range(7)]
    for offer in offers[1:]:
        await line.accept(offer)
    await line.decline(offers[0])
    eighth = await line.one_round()
    assert eighth.starts_at == at(0)
    await line.decline(eighth)
    assert await line.round() == [], "two were asked for the first hour, and the rest is taken"


async def test_who_declines_one_hour_is_asked_for_another_but_not_for_the_same_nor_without_end(line: Line) -> None:
    entry = await line.join(1, "facial")
    unblocked(line, 5)
    asked = []
    while offers := await line.round():
        [offer] = offers
        asked.append((offer.entry_id, offer.starts_at))
        await line.decline(offer)
    assert asked == [(entry.id, at(0)), (entry.id, at(60)), (entry.id, at(120))], "three a day, as the policy says"


async def test_longer_hours_open_the_days_that_they_are_about_and_a_closure_opens_nothing(line: Line) -> None:
    await line.join(1, "facial")
    location_id, ana = line.clinic.location_id, line.clinic.resources["ana"]
    far = (at(0) + timedelta(days=60)).date()
    extra = {"kind": "extra", "starts": f"{far} 09:00", "ends": f"{far} 12:00", "location_id": str(location_id)}
    off = {"kind": "time_off", "starts": f"{far} 09:00", "ends": f"{far} 10:00", "resource_id": str(ana)}
    put_dated(line, extra, off)
    await rounds.note_openings(line.record, line.clinic.organization_id, line.events())
    zone = ZoneInfo("America/New_York")
    [opening] = [row for row in await line.openings() if row["starts_at"] > at(0) + timedelta(days=30)]
    assert (opening["cause"], opening["resource_ids"]) == ("hours", [])
    assert opening["starts_at"] == datetime.combine(far, time(9), zone)
    assert opening["ends_at"] == datetime.combine(far, time(12), zone)


def put_dated(line: Line, *rules: dict[str, str]) -> None:
    for rule in rules:
        line.admin.execute("select holdfast.act_as(%s, 'key_desk', 'desk')", (line.clinic.organization_id,))
        line.admin.execute(
            "insert into holdfast.dated_rule (organization_id, location_id, resource_id, kind, starts, ends)"
            " values (%s, %s, %s, %s, %s, %s)",
            (line.clinic.organization_id, rule.get("location_id"), rule.get("resource_id"), rule["kind"],
             rule["starts"], rule["ends"]),
        )  # fmt: skip


async def test_nothing_is_held_for_whom_no_message_reaches(line: Line, record: Record) -> None:
    taken = line.clinic.book("facial", 0)
    wish = Wish(services=[line.clinic.services["facial"]], locations=[line.clinic.location_id])
    await record.transact(line.desk, lambda tx: service.join(tx, wish, ClientDetails(name="No Address")))
    texted = ClientDetails(name="Texted", phone="+15125550111")
    by_phone = await record.transact(line.desk, lambda tx: service.join(tx, wish, texted))
    refuses, reached = await line.join(1, "facial"), await line.join(2, "facial")
    line.clinic.desk(
        "set_message_preference", client_id=refuses.client_id, channel="email", allowed=False, source="staff"
    )
    cancel(line, taken)
    await rounds.note_openings(record, line.clinic.organization_id, line.events())
    [only_mail] = await rounds.fill_due(record, TOKENS, line.clinic.organization_id, ["email"])
    assert (await line.offer(only_mail)).entry_id == reached.id
    await line.decline(await line.offer(only_mail))
    assert await rounds.fill_due(record, TOKENS, line.clinic.organization_id, ["email"]) == []
    assert (await line.entry(by_phone.id)).state == "waiting"
    line.admin.execute("update holdfast.waitlist_opening set due_at = now()")
    [text] = await rounds.fill_due(record, TOKENS, line.clinic.organization_id, ["email", "sms"])
    assert (await line.offer(text)).entry_id == by_phone.id


async def test_an_offer_that_cannot_be_told_goes_to_the_next_and_one_made_by_hand_stands(line: Line) -> None:
    taken = line.clinic.book("facial", 0)
    first, second = await line.join(1, "facial"), await line.join(2, "facial")
    cancel(line, taken)
    offer = await line.one_round()
    await line.record.transact(line.desk, lambda tx: service.give_up_telling(tx, offer.id))
    assert ((await line.offer(offer.id)).state, (await line.entry(first.id)).state) == ("untold", "waiting")
    assert (await line.one_round()).entry_id == second.id
    with pytest.raises(OfferEnded) as ended:
        await line.accept(offer)
    assert ended.value.facts["state"] == "untold"
    visit = Visit(line.clinic.services["facial"], line.clinic.location_id, at(180))
    by_hand = await line.record.transact(line.desk, lambda tx: service.offer_by_hand(tx, TOKENS, first.id, visit))
    await line.record.transact(line.desk, lambda tx: service.give_up_telling(tx, by_hand.id))
    assert (await line.offer(by_hand.id)).state == "open"


async def test_an_offer_never_outlasts_the_time_in_which_it_can_be_answered(line: Line) -> None:
    now = at(0)
    policy = Policy(line.clinic.services["facial"], offer_minutes_min=60, offer_minutes_max=120, cut_off_minutes=30)
    assert term_seconds(policy, now, at(60)) == 30 * 60, "until the cut-off"
    assert term_seconds(policy, now, at(60), 50) == 10 * 60, "until the client needs to know"
    assert term_seconds(policy, now, at(30)) == 0
    await line.policy("facial", cut_off_minutes=10080, offer_minutes_min=60)
    entry = await line.join(1, "facial")
    soon = (datetime.now(UTC) + timedelta(days=6)).replace(minute=0, second=0, microsecond=0)
    visit = Visit(line.clinic.services["facial"], line.clinic.location_id, soon, outside_rules=True)
    with pytest.raises(StateRefused, match="too soon"):
        await line.record.transact(line.desk, lambda tx: service.offer_by_hand(tx, TOKENS, entry.id, visit))


async def test_who_booked_it_meanwhile_is_only_offered_an_earlier_time_and_moved_there(line: Line) -> None:
    early, late = line.clinic.book("facial", 0), line.clinic.book("facial", 240)
    entry = await line.join(1, "facial")
    visit = Visit(line.clinic.services["facial"], line.clinic.location_id, at(120))
    own = await line.record.transact(line.desk, lambda tx: booking.book(tx, visit, person(1)))
    cancel(line, late)
    assert await line.round() == [], "no second visit"
    assert (await line.entry(entry.id)).appointment_id == own.id
    cancel(line, early)
    moved = await line.accept(await line.one_round())
    assert (moved.id, moved.starts_at) == (own.id, at(0))


async def test_who_books_while_an_offer_is_open_and_then_says_yes_has_one_visit(line: Line) -> None:
    taken = line.clinic.book("facial", 0)
    await line.join(1, "facial")
    cancel(line, taken)
    offer = await line.one_round()
    visit = Visit(line.clinic.services["facial"], line.clinic.location_id, at(120))
    own = await line.record.transact(line.desk, lambda tx: booking.book(tx, visit, person(1)))
    assert (await line.accept(offer)).id == own.id
    assert line.clinic.desk.read("select count(*) from holdfast.appointment where state = 'confirmed'") == [
        {"count": 1}
    ]


async def test_a_second_yes_after_the_visit_was_cancelled_is_told_so(line: Line) -> None:
    taken = line.clinic.book("facial", 0)
    await line.join(1, "facial")
    cancel(line, taken)
    offer = await line.one_round()
    visit = await line.accept(offer)
    line.clinic.desk("cancel", appointment_id=visit.id, revision=None)
    with pytest.raises(OfferEnded, match="cancelled since") as ended:
        await line.accept(offer)
    assert ended.value.facts["state"] == "cancelled"


async def test_nothing_is_offered_in_the_quiet_hours_of_messages_either(line: Line) -> None:
    line.clinic.desk("set_message_policy", policy=line.quiet_now())
    await line.join(1, "facial")
    cancel(line, line.clinic.book("facial", 0))
    assert await line.round() == []
    [opening] = await line.openings()
    assert opening["due_at"] is not None, "asked again when they are over"
    line.clinic.desk("set_quiet_hours", location_id=line.clinic.location_id, quiet_from="00:00", quiet_until="00:00")
    line.admin.execute("update holdfast.waitlist_opening set due_at = now()")
    assert len(await line.round()) == 1, "the location's own come first"
