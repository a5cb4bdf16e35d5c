"""On public surfaces nobody can hoard; staff are not limited."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta

import httpx
import psycopg
import pytest

from holdfast.db.urls import DatabaseUrls
from holdfast.http.app import build_app
from tests.clinic import NINE
from tests.http.conftest import SECRET, opened
from tests.http.houses import ADA, House, assert_problem, made, visit
from tests.postgres import PostgresForTests

PER_VISITOR, PER_NETWORK = 3, 30


def held_online(house: House, minutes: int, visitor: str | None) -> httpx.Response:
    body = visit(NINE + timedelta(days=40, minutes=30 * minutes), "consult", surface="widget")
    return house.widget.post("/v1/holds", json=body, headers={"Holdfast-Visitor": visitor} if visitor else {})


@pytest.fixture
def fresh(module_database: DatabaseUrls, server: str, request: pytest.FixtureRequest) -> Iterator[House]:
    """An organization in which nobody holds anything yet."""
    slug = re.sub(r"[^a-z0-9]+", "-", f"quota-{request.node.name}".lower())[:60].strip("-")
    with opened(module_database, server, slug) as house:
        yield house


def test_a_visitor(fresh: House) -> None:
    holds = [made(held_online(fresh, n, "one")) for n in range(PER_VISITOR)]
    refused = assert_problem(held_online(fresh, 10, "one"), 429, "too-many-holds")
    assert refused["limits"] == ["visitor"]
    made(held_online(fresh, 10, "two"))
    made(fresh.widget.delete(f"/v1/holds/{holds[0]['id']}"))
    made(fresh.widget.post("/v1/appointments", json={"hold_id": holds[1]["id"], "client": ADA}))
    made(held_online(fresh, 11, "one"))
    made(held_online(fresh, 12, "one"))
    assert_problem(held_online(fresh, 13, "one"), 429, "too-many-holds")


def test_a_network_whatever_the_visitor_says(fresh: House) -> None:
    for number in range(PER_NETWORK):
        made(held_online(fresh, number, f"visitor-{number}" if number % 2 else None))
    for visitor in ("somebody-new", None):
        refused = assert_problem(held_online(fresh, PER_NETWORK, visitor), 429, "too-many-holds")
        assert refused["limits"] == ["network"]
    staff = visit(NINE + timedelta(days=40, minutes=30 * PER_NETWORK), "consult")
    made(fresh.desk.post("/v1/holds", json=staff))


def test_a_day_counts_what_was_booked_too(fresh: House) -> None:
    fresh.clinic.desk(
        "set_hold_policy",
        surface="widget",
        changes={"bookings_per_visitor_and_day_max": 4, "bookings_per_network_and_day_max": 6},
    )

    def booked(minutes: int, visitor: str) -> httpx.Response:
        body = visit(NINE + timedelta(days=40, minutes=30 * minutes), "consult", surface="widget", client=ADA)
        return fresh.widget.post("/v1/appointments", json=body, headers={"Holdfast-Visitor": visitor})

    first = [made(booked(n, "one")) for n in range(4)]
    refused = assert_problem(booked(5, "one"), 429, "too-many-holds")
    assert refused["limits"] == ["visitor and day"]
    made(held_online(fresh, 5, "two"))
    made(booked(6, "three"))
    assert assert_problem(held_online(fresh, 7, "four"), 429, "too-many-holds")["limits"] == ["network and day"]
    made(fresh.desk.post(f"/v1/appointments/{first[0]['id']}/cancel", json={}))
    made(held_online(fresh, 7, "four"))


def test_staff_are_not_limited(fresh: House) -> None:
    for number in range(PER_NETWORK + 2):
        body = visit(NINE + timedelta(days=40, minutes=30 * number), "consult")
        made(fresh.desk.post("/v1/holds", json=body, headers={"Holdfast-Visitor": "one"}))


def test_visitor_and_network_are_kept_as_keyed_hashes(fresh: House, module_database: DatabaseUrls) -> None:
    made(held_online(fresh, 0, "browser-4711"))
    with psycopg.connect(module_database.owner) as owner:
        owner.execute("select set_config('holdfast.organization_id', %s, false)", (str(fresh.clinic.organization_id),))
        kept = owner.execute(
            "select visitor, network from holdfast.hold where organization_id = %s", (fresh.clinic.organization_id,)
        ).fetchone()
    assert kept is not None
    assert [len(each) for each in kept] == [16, 16]
    assert b"4711" not in b"".join(kept)


@pytest.mark.parametrize("visitor", ["x" * 129, "tab\there"])
def test_visitors_that_cannot_be_kept(fresh: House, visitor: str) -> None:
    assert_problem(held_online(fresh, 0, visitor), 422, "invalid")


async def test_networks_are_told_apart_by_their_prefix(postgres: PostgresForTests) -> None:
    """One /24 or /56 is one network; an IPv4 address mapped into IPv6 is itself."""
    groups = [
        ["192.0.2.1", "192.0.2.250", "::ffff:192.0.2.9"],
        ["198.51.100.1"],
        ["2001:db8:1:2::1", "2001:db8:1:ff::1"],
    ]
    with postgres.clone() as database:
        app = build_app(database.app, secret=SECRET, pool_size=2)
        with opened(database, "http://test", "networks") as house:
            async with app.router.lifespan_context(app):
                minutes = 0
                for group in groups:
                    for address in group:
                        transport = httpx.ASGITransport(app, client=(address, 1234))
                        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
                            minutes += 30
                            body = visit(NINE + timedelta(minutes=minutes), "consult")
                            key = {"Authorization": f"Bearer {house.keys['widget']}"}
                            assert (await client.post("/v1/holds", json=body, headers=key)).status_code == 201
            with psycopg.connect(database.owner) as owner:
                counted = owner.execute("select count(*) from holdfast.hold group by network order by 1").fetchall()
    assert [count for (count,) in counted] == [1, 2, 3]
