"""What is offered, by whom, and in which order."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta

import pytest

from holdfast.availability.model import Claim, Lead, Pool, Request, Requirement, Resource, Service, Slot, Snapshot
from holdfast.availability.search import Search, next_available
from holdfast.errors import Invalid, NotFound
from tests.availability.clinic import FACIAL, PEEL, PROVIDERS, RESOURCES, ask, at, booked, record, shown


def starts(snapshot: Snapshot, request: Request) -> list[str]:
    return [shown(slot.start) for slot in Search(snapshot, request).slots()]


def served_by(slot: Slot, role: str = "provider") -> list[str]:
    return [pick.resource for pick in slot.picks if pick.role == role]


def test_an_empty_day_offers_the_grid_less_the_break() -> None:
    offered = [
        "09:00",
        "09:30",
        "10:00",
        "10:30",
        "11:00",
        *[f"{h}:{m}" for h in (13, 14, 15) for m in ("00", "30")],
        "16:00",
    ]
    assert starts(record(), ask()) == offered


def test_back_to_back_is_offered_and_overlap_is_not() -> None:
    taken = {"anna": [booked("10:00", "11:00")], "ben": [booked("10:00", "17:00")]}
    assert starts(record(taken), ask())[:3] == ["09:00", "11:00", "13:00"]


def test_buffers_may_pass_closing_time_but_not_another_claim() -> None:
    slow = replace(FACIAL, requirements=(Requirement("provider", Pool(("anna",)), 60, 0, 1, 0, 30),))
    assert starts(record(services=[slow]), ask())[-1] == "16:00"
    busy = {"anna": [booked("17:15", "18:00")]}
    assert starts(record(busy, services=[slow]), ask())[-1] == "15:30"


def test_a_claim_at_an_odd_second_blocks_its_minute() -> None:
    claim = Claim(at("10:00") + timedelta(seconds=1), at("10:30") + timedelta(seconds=1), "busy")
    minutely = replace(
        FACIAL, requirements=(Requirement("provider", Pool(("anna",)), 10),), length_minutes=10, grid_minutes=1
    )
    found = starts(record({"anna": [claim]}, services=[minutely]), ask(limit=1000))
    assert "09:50" in found
    assert "09:51" not in found
    assert "10:30" not in found
    assert "10:31" in found


def test_the_same_provider_serves_two_segments_that_do_not_overlap() -> None:
    checks = tuple(
        Requirement(role, Pool(("anna",)), 10, offset, 1, 0, 15) for role, offset in (("in", 0), ("out", 20))
    )
    slot = Search(record(services=[Service("check", 30, checks)]), ask("check")).slots()[0]
    assert slot.claims() == [("anna", at("09:00"), at("09:45"))]
    together = (checks[0], replace(checks[1], offset_minutes=5))
    assert starts(record(services=[Service("check", 30, together)]), ask("check")) == []


def test_a_room_is_prepared_before_the_visit_and_only_then() -> None:
    needs = (Requirement("provider", Pool(("anna",)), 30), Requirement("room", Pool(("room 1",)), 30, -20))
    early = Service("facial", 30, needs, grid_minutes=5)
    taken = {"room 1": [booked("09:00", "10:00")]}
    assert starts(record(taken, services=[early, PEEL]), ask())[0] == "10:20"
    with pytest.raises(Invalid, match="cannot be part of a sequence"):
        Search(record(services=[early, PEEL]), ask("facial", "peel"))


def test_nine_roles_at_once_are_tried_where_they_cannot_be_counted() -> None:
    crew = [Resource(f"p{n}", "provider", (f"p{n}",), {"berlin": None}) for n in range(9)]
    pool = Pool(tuple(resource.id for resource in crew))
    big = Service("facial", 60, tuple(Requirement(f"r{n}", pool, 60) for n in range(9)), grid_minutes=60)
    assert starts(record({"p8": [booked("09:00", "10:00")]}, resources=crew, services=[big]), ask())[0] == "10:00"


def test_services_in_sequence_wait_no_longer_than_allowed() -> None:
    laser = {"laser": [booked("10:00", "10:30")]}
    anna = {"ben": [booked("00:00", "23:00")]}
    assert "09:00" not in starts(record(laser | anna), ask("facial", "peel"))
    slot = Search(record(laser | anna), ask("facial", "peel", max_wait_minutes=20)).slots()[0]
    assert [(pick.service, shown(pick.start)) for pick in slot.picks] == [
        ("facial", "09:00"),
        ("facial", "09:00"),
        ("peel", "10:20"),
        ("peel", "10:30"),
    ]
    assert shown(slot.end) == "10:50"


def test_one_provider_throughout_when_asked_for() -> None:
    taken = {"anna": [booked("10:00", "17:00")], "ben": [booked("13:00", "15:00")]}
    either = Search(record(taken), ask("facial", "peel")).slots()[0]
    assert served_by(either) == ["anna", "ben"]
    same = Search(record(taken), ask("facial", "peel", same_provider=True)).slots()
    assert [(shown(slot.start), served_by(slot)) for slot in same] == [
        ("10:00", ["ben", "ben"]),
        ("10:30", ["ben", "ben"]),
    ]


def test_a_couple_needs_two_of_everything() -> None:
    found = Search(record(), ask(party=2)).slots()
    assert [shown(slot.start) for slot in found] == ["10:00", "10:30", "11:00", "13:00", "13:30", "14:00"]
    assert served_by(found[0]) == ["anna", "ben"]
    assert served_by(found[0], "room") == ["room 1", "room 2"]


def test_named_and_preferred_resources() -> None:
    assert starts(record(), ask(resources={"provider": "ben"}))[0] == "10:00"
    slots = Search(record(), ask(prefer=("ben",))).slots()
    assert [served_by(slot) for slot in slots[:3]] == [["anna"], ["anna"], ["ben"]]


def test_fairness_within_a_pool() -> None:
    taken = {"anna": [booked("13:00", "13:30")], "ben": [booked("13:00", "13:10")]}
    request = ask(start=at("10:00"))
    assert served_by(Search(record(taken), request).slots()[0]) == ["anna"]
    assert served_by(Search(record(taken), replace(request, assign="least_loaded")).slots()[0]) == ["ben"]
    rested = [
        replace(RESOURCES["anna"], last_taken_at=at("09:00")),
        replace(RESOURCES["ben"], last_taken_at=at("08:00")),
    ]
    assert served_by(Search(record(resources=rested), replace(request, assign="round_robin")).slots()[0]) == ["ben"]


def test_tight_leaves_less_to_waste_than_earliest() -> None:
    """Anna, taken from 9:50 to 10:45: half an hour at 9:00 leaves twenty minutes nobody can use, at 10:45 none."""
    minutely = replace(PEEL, requirements=(Requirement("provider", Pool(("anna",)), 30),), grid_minutes=15)
    taken = {"anna": [booked("09:50", "10:45")]}
    slots = Search(record(taken, services=[minutely]), ask("peel", rank="tight")).slots()
    assert [shown(slot.start) for slot in slots[:2]] == ["10:45", "11:30"]
    assert slots[0].why == "leaves only gaps that can still be booked"
    first = next(slot for slot in slots if shown(slot.start) == "09:00")
    assert first.why == "leaves 20 minutes too short to book"


def visits_taken(rank: str, seed: int) -> int:
    """How many of twenty callers, each with a part of the day in mind, one day of Anna's takes."""
    rng = random.Random(seed)
    services = [
        Service(name, length, (Requirement("provider", Pool(("anna",)), length),), grid_minutes=5)
        for name, length in (("long", 75), ("middle", 50), ("short", 35))
    ]
    taken: list[Claim] = []
    for number in range(20):
        opens = rng.choice(["09:00", "10:30", "13:00", "14:30"])
        request = ask(rng.choice(services).id, start=at(opens), until=at("17:00"), rank=rank)
        slots = Search(record({"anna": sorted(taken)}, services=services), request).slots()
        if slots:
            taken.append(Claim(slots[0].start, slots[0].end, "appointment", str(number), slots[0].start))
    return len(taken)


def test_days_booked_tightly_take_more_visits() -> None:
    """The measure behind the ranking: the same callers in the same order, on thirty days."""
    tight, earliest = (sum(visits_taken(rank, seed) for seed in range(30)) for rank in ("tight", "earliest"))
    assert tight > earliest, (tight, earliest)


def test_credentials_hold_until_the_end_of_their_last_day() -> None:
    laser_only = replace(
        FACIAL, requirements=(Requirement("provider", Pool(("anna", "ben"), frozenset({"laser"})), 60),)
    )
    certified = replace(RESOURCES["anna"], attributes={"laser": date(2026, 3, 2)})
    search = Search(record(resources=[certified], services=[laser_only]), ask(until=at("04 00:00")))
    assert search.days() == [date(2026, 3, 2)]


def test_a_cap_counts_visits_of_the_local_day() -> None:
    capped = replace(RESOURCES["anna"], visits_per_day=1)
    only_anna = replace(FACIAL, requirements=(Requirement("provider", Pool(("anna",)), 60),))
    late = {"anna": [Claim(at("23:30"), at("23:50"), "hold", "v", at("23:30"))]}
    request = ask(until=at("05 00:00"))
    search = Search(record(late, resources=[capped], services=[only_anna]), request)
    assert search.days() == [date(2026, 3, 3), date(2026, 3, 4)]


def test_notice_and_horizon_depend_on_the_surface() -> None:
    lead = replace(FACIAL, lead=Lead(0, 1), lead_by_surface={"online": Lead(120, 0)})
    snapshot = record(services=[lead], now=at("09:10"))
    assert starts(snapshot, ask())[0] == "09:30"
    assert starts(snapshot, ask(surface="online"))[0] == "13:00"
    later = ask(until=at("06 00:00"))
    assert Search(snapshot, later).days() == [date(2026, 3, 2), date(2026, 3, 3)]
    assert Search(snapshot, replace(later, surface="online")).days() == [date(2026, 3, 2)]


def test_off_the_grid_right_after_an_appointment() -> None:
    flexible = replace(FACIAL, off_grid_after_claims=True)
    taken = {"anna": [booked("09:00", "09:20")]}
    assert "09:20" in starts(record(taken, services=[flexible]), ask())
    assert "09:20" not in starts(record(taken), ask())


def test_part_of_day() -> None:
    assert starts(record(), ask(part_of_day=(time(14), time(15)))) == ["14:00", "14:30"]


def test_next_available_over_providers() -> None:
    requests = [ask(resources={"provider": name}) for name in PROVIDERS.members]
    slot = next_available(record({"anna": [booked("09:00", "12:00")]}), requests)
    assert slot is not None
    assert (shown(slot.start), served_by(slot)) == ("10:00", ["ben"])
    assert next_available(record({"anna": [booked("00:00", "23:00")]}), requests[:1]) is None


def test_nearest_first() -> None:
    search = Search(record(), ask())
    assert [shown(slot.start) for slot in search.nearest(at("12:00"))] == ["13:00", "11:00", "13:30"]


def test_a_unit_of_a_resource_with_two_is_still_there_when_one_is_taken() -> None:
    double = replace(RESOURCES["laser"], units=("laser a", "laser b"))
    taken = {"laser a": [booked("00:00", "23:00")]}
    slot = Search(record(taken, resources=[double]), ask("peel")).slots()[0]
    assert [pick.unit for pick in slot.picks] == ["anna", "laser b"]


def test_a_resource_that_serves_elsewhere_is_not_offered_here() -> None:
    away = Resource("anna", "provider", ("anna",), {"hamburg": None})
    assert starts(record(resources=[away]), ask())[0] == "10:00"


@pytest.mark.parametrize(
    ("changes", "error", "field"),
    [
        ({"location": "paris"}, NotFound, "location"),
        ({"services": ()}, NotFound, "service"),
        ({"services": ("massage",)}, NotFound, "service"),
        ({"until": at("00:00")}, Invalid, "to"),
        ({"until": datetime(2026, 3, 3, tzinfo=UTC).replace(tzinfo=None)}, Invalid, "to"),
        ({"until": at("02 00:00") + timedelta(days=93)}, Invalid, "to"),
        ({"party": 0}, Invalid, "party"),
        ({"part_of_day": (time(12), time(9))}, Invalid, "part_of_day"),
        ({"resources": {"nurse": "anna"}}, Invalid, "resources"),
        ({"resources": {"provider": "room 1"}}, Invalid, "resources"),
    ],
)
def test_a_request_without_sense_names_its_field(changes: dict[str, object], error: type[Invalid], field: str) -> None:
    with pytest.raises(error) as refused:
        Search(record(), ask(**changes))
    assert refused.value.facts["field"] == field


@pytest.mark.parametrize(
    ("build", "field"),
    [
        (lambda: Service("s", 30, ()), "requirements"),
        (lambda: Service("s", 30, (Requirement("a", PROVIDERS, 5),), grid_minutes=0), "grid_minutes"),
        (lambda: Service("s", 30, (Requirement("a", PROVIDERS, 5), Requirement("a", PROVIDERS, 5, 5))), "role"),
        (lambda: Requirement("a", Pool(()), 5), "pool"),
        (lambda: Requirement("a", PROVIDERS, 0), "length_minutes"),
        (lambda: Requirement("a", PROVIDERS, 5, 0, 1, -1), "buffer"),
    ],
)
def test_a_service_without_sense_names_its_field(build, field: str) -> None:
    with pytest.raises(Invalid) as refused:
        build()
    assert refused.value.facts["field"] == field
