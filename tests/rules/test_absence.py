"""Whoever dropped out is away: a plan that was carried out records it, and nothing gives the resource in that time."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from uuid import UUID

import pytest

from holdfast.availability import service as availability
from holdfast.availability.service import Absence
from holdfast.booking import service as booking
from holdfast.booking.absence import wall_span
from holdfast.booking.dropout import DropoutPlan, apply_dropout, plan_dropout
from holdfast.booking.model import ClientDetails
from holdfast.db.transact import Caller, Record
from holdfast.errors import NotBookable
from holdfast.waitlist import rounds, service
from holdfast.waitlist.model import Offer, TimeWindow, Wish
from holdfast.waitlist.tokens import OfferTokens
from holdfast.wallclock import Choice, resolve, resolve_rule
from tests.rules.clinic import ZONE, Clinic, next_monday, wall

MONDAY = next_monday()
OUT = wall(MONDAY, "08:00"), wall(MONDAY, "18:00")
TEN = wall(MONDAY, "10:00")
CHOICES: tuple[Choice, ...] = ("earlier", "later")
GIVE_BACK = "select holdfast.release_hold(id) from holdfast.hold where state = 'live'"
TOKENS = OfferTokens(b"only-for-tests, thirty-two bytes")


@pytest.fixture
async def clinic(record: Record) -> Clinic:
    clinic = await Clinic.open(record)
    for slug in ("ana", "bo"):
        await clinic.resource(slug)
    await clinic.pool("nurses", ["ana", "bo"])
    await clinic.service("facial", 60, {"nurse": {"pool": "nurses"}})
    return clinic


async def drop_out(clinic: Clinic, record: Record, slug: str = "ana") -> DropoutPlan:
    caller = Caller(clinic.organization_id, "system", "system")
    plan = await plan_dropout(record, caller, clinic.ids[slug], *OUT)
    return await record.transact(
        caller, lambda tx: apply_dropout(tx, clinic.ids[slug], *OUT, approved=plan.fingerprint)
    )


async def test_the_plan_names_the_absence_and_records_it_only_when_it_is_carried_out(
    clinic: Clinic, record: Record
) -> None:
    caller = Caller(clinic.organization_id, "system", "system")
    await clinic.book("facial", TEN, who={"nurse": ["ana"]})
    await clinic.hold("facial", wall(MONDAY, "12:00"), who={"nurse": ["ana"]})
    plan = await plan_dropout(record, caller, clinic.ids["ana"], *OUT)
    told = plan.absence
    assert (told.resource_id, told.start, told.end, told.known, told.held) == (clinic.ids["ana"], *OUT, False, 1)
    count = "select count(*) from holdfast.dated_rule where organization_id = holdfast.current_organization()"
    assert await clinic.run(count) == 0
    other = await plan_dropout(record, caller, clinic.ids["ana"], OUT[0], OUT[1] + timedelta(hours=1))
    assert other.fingerprint != plan.fingerprint

    done = await drop_out(clinic, record)
    assert not done.absence.known
    assert await clinic.run(count) == 1
    # said once: a part of the same time is known
    again = await plan_dropout(record, caller, clinic.ids["ana"], OUT[0], OUT[1] - timedelta(hours=1))
    assert again.absence.known
    assert (await drop_out(clinic, record)).absence.known
    assert await clinic.run(count) == 1


async def test_a_search_never_offers_whoever_dropped_out(clinic: Clinic, record: Record) -> None:
    await clinic.book("facial", TEN, who={"nurse": ["ana"]})
    await drop_out(clinic, record)
    named = await clinic.starts("facial", MONDAY, resources={"nurse": str(clinic.ids["ana"])})
    assert [start for start in named if "07:00" < start < "18:00"] == []
    assert {"07:00", "18:00"} <= set(named)
    anyone = await clinic.slots("facial", MONDAY)
    assert {UUID(pick.resource) for slot in anyone if slot.start == wall(MONDAY, "12:00") for pick in slot.picks} == {
        clinic.ids["bo"]
    }
    why = clinic.asked("facial", OUT[0], OUT[1], resources={"nurse": str(clinic.ids["ana"])})
    answer = await clinic.as_("desk", lambda tx: availability.explain_start(tx, why, TEN))
    assert [each.reason for role in answer.roles for each in role.obstacles] == ["away"]


async def test_a_hold_never_gets_whoever_dropped_out_not_even_at_the_time_that_was_freed(
    clinic: Clinic, record: Record
) -> None:
    await clinic.book("facial", TEN, who={"nurse": ["ana"]})
    plan = await drop_out(clinic, record)
    assert [move.resource_name for move in plan.moves] == ["bo"]
    for surface in ("widget", "desk"):
        named = await clinic.refusal(clinic.hold("facial", TEN, surface=surface, who={"nurse": ["ana"]}))
        assert (type(named), named.facts["reason"]) == (NotBookable, "away")
    # the whole pool: Bo has the visit that was moved, so nobody is left
    await clinic.refusal(clinic.hold("facial", TEN))
    assert (await clinic.hold("facial", wall(MONDAY, "18:00"), who={"nurse": ["ana"]})).state == "live"


@pytest.mark.parametrize("wanted", [(), ("ana",)])
async def test_the_waitlist_never_offers_whoever_dropped_out(
    clinic: Clinic, record: Record, wanted: tuple[str, ...]
) -> None:
    awake = {"quiet_from": "00:00", "quiet_until": "00:00"}
    await clinic.as_("desk", lambda tx: service.set_policy(tx, clinic.ids["facial"], awake))
    await clinic.book("facial", TEN, who={"nurse": ["ana"]})
    wish = Wish(
        services=[clinic.ids["facial"]],
        locations=[clinic.ids["austin"]],
        providers=[clinic.ids[each] for each in wanted],
        windows=[TimeWindow(time(8), time(18))],
        earliest_on=MONDAY,
        latest_on=MONDAY,
    )
    someone = ClientDetails(name="Cy Day", email="cy@example.org")
    await clinic.as_("desk", lambda tx: service.join(tx, wish, someone))
    await drop_out(clinic, record)

    async def told(tx: object) -> list[int]:
        return [row[0] for row in await tx.tuples("select id from holdfast.event order by id")]  # type: ignore[attr-defined]

    await rounds.note_openings(record, clinic.organization_id, await clinic.as_("desk", told))
    made = await rounds.fill_due(record, TOKENS, clinic.organization_id)
    assert len(made) == (0 if wanted else 1)
    offers: list[Offer] = [await clinic.as_("desk", lambda tx: service.get_offer(tx, id)) for id in made]  # noqa: B023
    for offer in offers:
        hold = await clinic.as_("desk", lambda tx: booking.get_hold(tx, offer.hold_id))  # noqa: B023
        assert {UUID(claim["resource_id"]) for claim in hold.claims} == {clinic.ids["bo"]}


async def test_where_the_clocks_differ_each_place_has_the_time_on_its_own(record: Record) -> None:
    clinic = await Clinic.open(record)
    await clinic.location("york", "America/New_York")
    await clinic.resource("ana", at=("austin", "york"))
    await clinic.pool("nurses", ["ana"])
    await clinic.service("facial", 60, {"nurse": {"pool": "nurses"}}, at=("austin", "york"))
    await drop_out(clinic, record)
    for place in ("austin", "york"):
        for start, works in ((OUT[0] - timedelta(hours=1), True), (OUT[0], False), (OUT[1], True)):
            taking = clinic.hold("facial", start, surface="desk", at=place, who={"nurse": ["ana"]})
            if works:
                await taking
                await clinic.run(GIVE_BACK)
            else:
                assert (await clinic.refusal(taking)).facts["reason"] == "away"


def test_an_absence_is_never_shortened_by_an_hour_that_comes_twice() -> None:
    for clock in ("01:00", "01:30"):
        for choice in CHOICES:
            moment = resolve(datetime.fromisoformat(f"2027-11-07T{clock}"), ZONE, choice=choice)
            for out in (
                Absence(UUID(int=1), moment, moment + timedelta(hours=3)),
                Absence(UUID(int=1), moment - timedelta(hours=3), moment),
            ):
                starts, ends = wall_span(out, ZONE)
                assert resolve_rule(starts, ZONE) <= out.start
                assert out.end <= resolve_rule(ends, ZONE) <= out.end + timedelta(hours=1)
