"""What falls free is held for the best who wait, one after the other, until somebody has it or nobody fits."""

from __future__ import annotations

from datetime import time, timedelta

import pytest

from holdfast.booking import service as booking
from holdfast.db.transact import Record
from holdfast.errors import OfferEnded, StateRefused
from holdfast.waitlist import service
from holdfast.waitlist.model import TimeWindow
from tests.clinic import Desk, Refused, at
from tests.waitlist.line import TOKENS, Line, person, seconds


def cancel(line: Line, appointment: dict) -> None:  # type: ignore[type-arg]
    line.clinic.desk("cancel", appointment_id=appointment["id"], revision=None)


async def test_a_cancelled_time_is_held_for_the_first_in_line_and_accepting_confirms_that_hold(line: Line) -> None:
    taken = line.clinic.book("facial", 0)
    first, second = await line.join(1, "facial"), await line.join(2, "facial")
    assert await line.round() == []

    cancel(line, taken)
    offer = await line.one_round()

    assert (offer.entry_id, offer.starts_at, offer.state) == (first.id, at(0), "open")
    assert "first in line" in offer.why
    assert "at the very time that fell free" in offer.why
    with pytest.raises(Refused) as refused:
        line.clinic.hold("facial", 0, Desk(line.clinic.desk.connection, line.clinic.organization_id, surface="widget"))
    assert refused.value.rule == "slot_is_free"

    visit = await line.accept(offer)

    assert (visit.hold_id, visit.client_name, visit.starts_at) == (offer.hold_id, "Client 1", at(0))
    assert (await line.entry(first.id)).state == "booked"
    assert (await line.entry(second.id)).state == "waiting"
    assert await line.round() == []


@pytest.mark.parametrize("how", ["released", "expired"])
async def test_a_time_that_was_only_held_is_for_whoever_began_to_wait_meanwhile(line: Line, how: str) -> None:
    desk = line.clinic.desk
    held = line.clinic.hold("facial", 0)
    entry = await line.join(1, "facial")
    assert (await line.round(), await line.openings()) == ([], [])
    if how == "released":
        desk("release_hold", hold_id=held["id"])
    else:
        line.admin.execute("update holdfast.hold_policy set grace_seconds = 0")
        line.admin.execute("update holdfast.hold set expires_at = created_at + interval '1 ms'")
        desk("sweep_holds")
    offer = await line.one_round()
    assert (offer.entry_id, offer.starts_at) == (entry.id, at(0))
    assert [row["cause"] for row in await line.openings()] == ["hold"]
    await line.decline(offer)
    assert await line.round() == [], "an offer that ends is no new opening"
    late = line.clinic.hold("facial", 120)
    desk("release_hold", hold_id=late["id"])
    assert (await line.round(), len(await line.openings())) == ([], 1), "nobody began to wait while it was held"


async def test_no_answer_and_no_go_on_to_the_next(line: Line) -> None:
    taken = line.clinic.book("facial", 0)
    entries = [await line.join(number, "facial") for number in (1, 2, 3)]
    cancel(line, taken)

    first = await line.one_round()
    assert await line.round() == [], "one slot is offered to one at a time"
    line.run_out(first)
    second = await line.one_round()
    assert (await line.decline(second)).state == "declined"
    third = await line.one_round()

    assert [one.entry_id for one in (first, second, third)] == [entry.id for entry in entries]
    assert [(await line.offer(one.id)).state for one in (first, second, third)] == ["lapsed", "declined", "open"]
    await line.decline(third)
    assert await line.round() == [], "nobody is offered the same time twice"


async def test_saying_yes_twice_is_the_same_yes_and_too_late_is_told_honestly(line: Line) -> None:
    taken = line.clinic.book("facial", 0)
    await line.join(1, "facial")
    cancel(line, taken)
    offer = await line.one_round()
    assert (await line.accept(offer)).id == (await line.accept(offer)).id

    other = line.clinic.book("facial", 120)
    await line.join(2, "facial")
    cancel(line, other)
    late = await line.one_round()
    line.run_out(late)
    with pytest.raises(OfferEnded) as ended:
        await line.accept(late)
    assert ended.value.facts["state"] == "lapsed"
    assert ended.value.wanted.start == at(120)


async def test_within_the_grace_a_late_yes_counts_unless_somebody_took_the_place(line: Line) -> None:
    taken = line.clinic.book("facial", 0)
    await line.join(1, "facial")
    cancel(line, taken)
    offer = await line.one_round()
    line.run_out(offer, grace=True)
    assert (await line.accept(offer)).starts_at == at(0)

    other = line.clinic.book("facial", 120)
    await line.join(2, "facial")
    cancel(line, other)
    late = await line.one_round()
    line.run_out(late, grace=True)
    line.clinic.book("facial", 120)
    with pytest.raises(OfferEnded):
        await line.accept(late)
    await line.round()
    assert (await line.offer(late.id)).state == "lapsed"


async def test_an_earlier_time_moves_the_appointment_and_frees_the_later_one_for_the_next(line: Line) -> None:
    early, late = line.clinic.book("facial", 0), line.clinic.book("facial", 240, client=vars_of(7))
    mover = await line.join(7, appointment=late["id"])
    waiting = await line.join(2, "facial", windows=[TimeWindow(time(8), time(10))])  # not the early time
    cancel(line, early)

    offer = await line.one_round()
    assert offer.entry_id == mover.id
    moved = await line.accept(offer)
    assert (moved.id, moved.starts_at, moved.revision) == (late["id"], at(0), 2)

    chained = await line.one_round()
    assert (chained.entry_id, chained.starts_at) == (waiting.id, at(240))
    assert [opening["cause"] for opening in await line.openings()] == ["cancelled", "moved"]


def vars_of(number: int) -> dict[str, str | None]:
    client = person(number)
    return {"name": client.name, "email": client.email}


async def test_who_comes_earlier_is_not_offered_a_later_time_nor_who_cancelled_their_own(line: Line) -> None:
    early, late = line.clinic.book("facial", 0, client=vars_of(7)), line.clinic.book("facial", 240, client=vars_of(8))
    await line.join(7, appointment=early["id"])
    await line.join(8, "facial")
    cancel(line, late)
    assert await line.round() == []


async def test_notice_days_cut_off_and_other_appointments_are_kept(line: Line) -> None:
    taken = line.clinic.book("facial", 0)
    line.clinic.book("peel", 60, client=vars_of(4))
    day = at(0).date()
    await line.join(1, "facial", notice_minutes=43200)
    await line.join(2, "facial", earliest_on=day + timedelta(days=1))
    await line.join(3, "facial", windows=[TimeWindow(time(10), time(11))])
    await line.join(5, "facial", party_size=2)
    fits = await line.join(6, "facial")
    cancel(line, taken)
    offer = await line.one_round()
    assert offer.entry_id == fits.id


@pytest.mark.parametrize(("mode", "winner"), [("first_in_line", 1), ("best_value", 2), ("priority", 3)])
async def test_modes(line: Line, mode: str, winner: int) -> None:
    await line.policy("facial", mode=mode)
    line.admin.execute("update holdfast.service set price_cents = 90000 where slug = 'laser'")
    taken = line.clinic.book("facial", 0)
    entries = {
        1: await line.join(1, "facial"),
        2: await line.join(2, "laser"),
        3: await line.join(3, "facial", priority=5),
    }
    cancel(line, taken)
    assert (await line.one_round()).entry_id == entries[winner].id


async def test_all_at_once_has_one_hold_and_one_winner(line: Line) -> None:
    await line.policy("facial", mode="all_at_once")
    taken = line.clinic.book("facial", 0)
    entries = [await line.join(number, "facial") for number in (1, 2, 3)]
    cancel(line, taken)
    offers = {offer.entry_id: offer for offer in await line.round()}
    assert set(offers) == {entry.id for entry in entries}
    assert len({offer.hold_id for offer in offers.values()}) == 1

    await line.decline(offers[entries[0].id])
    visit = await line.accept(offers[entries[2].id])
    assert visit.client_name == "Client 3"
    with pytest.raises(OfferEnded) as lost:
        await line.accept(offers[entries[1].id])
    assert lost.value.facts["state"] == "lost"
    assert (await line.entry(entries[1].id)).state == "waiting"


async def test_a_shorter_service_takes_the_time_only_where_the_policy_says(line: Line) -> None:
    await line.policy("facial", partial_fit_min_cents=None)
    taken = line.clinic.book("facial", 0)
    short = await line.join(1, "peel")
    cancel(line, taken)
    assert await line.round() == []

    await line.policy("facial", partial_fit_min_cents=10000)
    long = await line.join(2, "facial", windows=[TimeWindow(time(1), time(2))])
    offer = await line.one_round()
    assert (offer.entry_id, offer.starts_at) == (short.id, at(0))
    assert "a shorter visit" in offer.why
    assert (await line.entry(long.id)).state == "waiting"


async def test_what_fits_whole_comes_before_what_leaves_a_gap(line: Line) -> None:
    taken = line.clinic.book("facial", 0)
    await line.join(1, "peel")
    whole = await line.join(2, "facial")
    cancel(line, taken)
    assert (await line.one_round()).entry_id == whole.id


async def test_a_removed_block_is_offered_to_as_many_as_fit(line: Line) -> None:
    block = line.clinic.desk(
        "place_block", resource_id=line.clinic.resources["ana"], start=at(0), end=at(120), reason="away"
    )
    for number in (1, 2, 3):
        await line.join(number, "facial")
    line.clinic.desk("remove_block", block_id=block["id"])
    offers = await line.round()
    assert [offer.starts_at for offer in offers] == [at(0), at(60)]


async def test_caps_quiet_hours_and_the_cut_off(line: Line) -> None:
    await line.policy("facial", offers_per_slot_max=1)
    taken = line.clinic.book("facial", 0)
    for number in (1, 2):
        await line.join(number, "facial")
    cancel(line, taken)
    await line.decline(await line.one_round())
    assert await line.round() == [], "one offer a slot"

    await line.policy("facial", offers_per_slot_max=10, offers_per_client_and_day_max=1)
    await line.policy("peel", offers_per_client_and_day_max=1)
    await line.policy("laser", offers_per_client_and_day_max=1)
    other = line.clinic.book("facial", 120)
    cancel(line, other)
    made = await line.round()
    assert {offer.client_id for offer in made} == {(await line.entry(e.id)).client_id for e in await waiting(line, 2)}

    await line.policy("facial", **line.quiet_now())
    await line.join(9, "facial")
    third = line.clinic.book("facial", 300)
    cancel(line, third)
    assert await line.round() == []
    assert (await line.openings())[-1]["due_at"] is not None, "asked again when the quiet hours end"


async def waiting(line: Line, number: int) -> list:  # type: ignore[type-arg]
    everybody = await line.record.transact(line.desk, lambda tx: service.list_entries(tx, limit=100))
    name = f"Client {number}"
    ids = {
        row["id"] for row in line.clinic.desk.read("select id from holdfast.client where name = %(name)s", name=name)
    }
    return [entry for entry in everybody if entry.client_id in ids]


async def test_an_offer_stands_for_a_share_of_the_time_left(line: Line) -> None:
    await line.policy("facial", answer_percent=1, offer_minutes_max=1440)
    taken = line.clinic.book("facial", 0)
    await line.join(1, "facial")
    cancel(line, taken)
    offer = await line.one_round()
    left = (offer.starts_at - offer.sent_at).total_seconds() - 3600
    assert seconds(offer) == pytest.approx(left / 100, abs=2)


async def test_the_desk_overrides_knowingly_offers_by_hand_and_skips(line: Line, record: Record) -> None:
    taken = line.clinic.book("facial", 0)
    first, second = await line.join(1, "facial"), await line.join(2, "facial")
    cancel(line, taken)
    offer = await line.one_round()
    await record.transact(line.desk, lambda tx: service.decline(tx, offer.id, skipped=True))
    offer = await line.one_round()
    assert offer.entry_id == second.id

    booked = await record.transact(line.desk, lambda tx: service.override(tx, offer.id, person(9)))
    assert (booked.client_name, booked.starts_at) == ("Client 9", at(0))
    with pytest.raises(OfferEnded) as ended:
        await line.accept(offer)
    assert ended.value.facts["state"] == "overridden"

    visit = booking.Visit(line.clinic.services["facial"], line.clinic.location_id, at(120))
    by_hand = await record.transact(line.desk, lambda tx: service.offer_by_hand(tx, TOKENS, first.id, visit))
    assert (by_hand.opening_id, by_hand.why) == (None, "offered by hand")
    with pytest.raises(StateRefused):
        await record.transact(line.desk, lambda tx: service.offer_by_hand(tx, TOKENS, first.id, visit))
    assert (await line.accept(by_hand)).client_name == "Client 1"


async def test_an_override_that_is_refused_leaves_the_offer_standing(line: Line, record: Record) -> None:
    taken = line.clinic.book("facial", 0)
    line.clinic.book("facial", 120)
    await line.join(1, "facial")
    cancel(line, taken)
    offer = await line.one_round()
    elsewhere = booking.Visit(line.clinic.services["facial"], line.clinic.location_id, at(120))
    with pytest.raises(booking.SlotTaken):
        await record.transact(line.desk, lambda tx: service.override(tx, offer.id, person(9), visit=elsewhere))
    assert (await line.accept(offer)).client_name == "Client 1"


async def test_leaving_gives_the_held_time_to_the_next(line: Line, record: Record) -> None:
    taken = line.clinic.book("facial", 0)
    first, second = await line.join(1, "facial"), await line.join(2, "facial")
    cancel(line, taken)
    await line.one_round()
    left = await record.transact(line.desk, lambda tx: service.leave(tx, first.id))
    assert left.state == "left"
    assert (await line.one_round()).entry_id == second.id


async def test_the_same_events_twice_open_once(line: Line) -> None:
    cancel(line, line.clinic.book("facial", 0))
    await line.round()
    await line.round()
    assert len(await line.openings()) == 1


async def test_rates(line: Line, record: Record) -> None:
    filled, empty = line.clinic.book("facial", 0), line.clinic.book("facial", 120)
    await line.join(1, "facial", windows=[TimeWindow(time(3), time(6))])
    cancel(line, filled)
    await line.accept(await line.one_round())
    cancel(line, empty)
    await line.round()
    [rate] = await record.transact(line.desk, lambda tx: service.rates(tx, at(-60 * 24 * 30), at(0)))
    assert (rate.openings, rate.offered, rate.filled, rate.recovered_cents) == (2, 1, 1, 34000)
    assert rate.fill_rate == 0.5
    assert rate.median_minutes_to_fill is not None


async def test_the_desk_sees_the_line_with_names_and_with_what_each_was_offered_and_why(line: Line) -> None:
    booked = line.clinic.book("facial", 0)
    first = await line.join(1, "facial", "peel", providers=[line.clinic.resources["ana"]])
    second = await line.join(2, "facial")
    line.clinic.desk("cancel", appointment_id=booked["id"], revision=1)
    offer = await line.one_round()
    places = await line.record.transact(line.desk, lambda tx: service.list_line(tx, limit=10))
    assert [place.entry.id for place in places] == [first.id, second.id]
    assert places[0].client_name == "Client 1"
    assert (places[0].service_names, places[0].provider_names) == (["facial", "peel"], ["ana"])
    assert [(one.id, one.why) for one in places[0].offers] == [(offer.id, offer.why)]
    assert offer.why.startswith("first in line")
    assert places[1].offers == []
