"""Several surfaces want the same thing at the same time."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from threading import Barrier

import pytest

from tests.clinic import requires
from tests.http.houses import ADA, House, assert_problem, made, visit

SEED = 20_260_308
ROUNDS = 6
CONTENDERS = 12


@pytest.fixture(scope="module")
def lasers(spa: House) -> House:
    """One big laser that two services share, and a second pool that has a spare."""
    clinic = spa.clinic
    for slug in ("laser-big", "laser-spare"):
        clinic.resource(slug, "device")
    for person in ("cleo", "dora", "room-3", "room-4"):
        clinic.resource(person, "room" if person.startswith("room") else "provider")
    clinic.pool("big-laser", ["laser-big"])
    clinic.pool("any-laser", ["laser-big", "laser-spare"])
    clinic.pool("everybody", ["ana", "ben", "cleo", "dora"])
    clinic.pool("every-room", ["room-1", "room-2", "room-3", "room-4"])
    for service, pool in (("hair-removal", "big-laser"), ("ipl", "big-laser"), ("ipl-any", "any-laser")):
        clinic.service(
            service,
            45,
            requires("provider", "everybody", (0, 45)),
            requires("room", "every-room", (0, 45), after=10),
            requires("device", pool, (5, 40), before=5, after=5),
        )
    return spa


def devices(booking: dict[str, list[dict[str, str]]]) -> list[str]:
    return [claim["resource_name"] for claim in booking["claims"] if claim["role"] == "device"]


def test_the_worked_case(lasers: House, day: Callable[[], datetime]) -> None:
    """At 1:58 PM a client holds the 2:00 PM laser online; eleven seconds later a walk-in wants IPL on it."""
    two = day()
    online = made(
        lasers.widget.post(
            "/v1/holds", json=visit(two, "hair-removal", surface="widget"), headers={"Holdfast-Visitor": "browser-1"}
        )
    )
    assert devices(online) == ["laser-big"]

    walk_in = visit(two, "ipl", client={"name": "Walk In"}, surface="walk_in")
    refused = assert_problem(lasers.desk.post("/v1/appointments", json=walk_in), 409, "slot-taken")
    assert refused["roles"] == ["device"]
    assert online["id"] not in str(refused)
    assert len(refused["alternatives"]) <= 3
    for each in refused["alternatives"]:
        assert datetime.fromisoformat(each["start"]) != two

    landed = made(lasers.desk.post("/v1/appointments", json=walk_in | {"service": "ipl-any"}))
    assert devices(landed) == ["laser-spare"]

    confirmed = made(lasers.widget.post("/v1/appointments", json={"hold_id": online["id"], "client": ADA}))
    assert confirmed["claims"] == online["claims"]


def test_an_alternative_that_is_offered_can_be_had(lasers: House, day: Callable[[], datetime]) -> None:
    start = day()
    lasers.hold(start, "ipl")
    refused = assert_problem(lasers.desk.post("/v1/holds", json=visit(start, "ipl")), 409, "slot-taken")
    assert refused["alternatives"]
    for each in refused["alternatives"]:
        held = lasers.hold(datetime.fromisoformat(each["start"]), "ipl")
        made(lasers.desk.delete(f"/v1/holds/{held['id']}"))


def test_of_many_one_wins_on_every_slot(lasers: House, day: Callable[[], datetime]) -> None:
    """Contenders of all surfaces, services and ways to ask, at starts that differ but overlap on the one laser."""
    chance = random.Random(SEED)
    start = day()
    gate = Barrier(CONTENDERS, timeout=30)

    def contend(number: int, at: datetime) -> int:
        role = ("widget", "desk", "manager")[number % 3]
        shift = timedelta(minutes=chance.choice([0, 15, 30]) if role != "widget" else 0)
        body = visit(at + shift, chance.choice(["ipl", "hair-removal"]))
        one_step = number % 2 == 0
        gate.wait()
        answer = getattr(lasers, role).post(
            "/v1/appointments" if one_step else "/v1/holds",
            json=body | ({"client": ADA} if one_step else {}),
            headers={"Holdfast-Visitor": f"visitor-{at:%d%H%M}-{number}"},
        )
        if answer.status_code == 409:
            assert "device" in assert_problem(answer, 409, "slot-taken")["roles"]
        return answer.status_code

    with ThreadPoolExecutor(CONTENDERS) as threads:
        for number in range(ROUNDS):
            at = start + timedelta(hours=2 * number)
            answers = Counter(threads.map(contend, range(CONTENDERS), [at] * CONTENDERS))
            assert answers == {201: 1, 409: CONTENDERS - 1}, (SEED, number)
    assert overlaps(lasers) == []


def overlaps(house: House) -> list[dict[str, object]]:
    """I1 without the guard's index: neighbours in order of start, unit by unit."""
    return house.clinic.desk.read(
        """select * from (
             select unit_id, during, max(upper(during)) over earlier > lower(during) as meets_the_one_before
             from holdfast.claim where active and not overbook
             window earlier as (partition by unit_id order by lower(during), upper(during)
                                rows between unbounded preceding and 1 preceding)
           ) claims where meets_the_one_before"""
    )
