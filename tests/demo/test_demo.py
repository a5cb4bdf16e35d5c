"""The demo: what it promises (counts, money, days), that it can be interrupted, and that it books like everybody."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from datetime import date
from importlib.resources import files
from itertools import islice
from typing import Any

import psycopg
import pytest

from holdfast.access.service import authenticate, create_organization, find_organization
from holdfast.access.staff import Doorkeeper, authenticate_session
from holdfast.catalog.document import CatalogDocument
from holdfast.catalog.yaml_file import parse_catalog
from holdfast.db.pool import Pool
from holdfast.db.transact import Record
from holdfast.db.urls import DatabaseUrls
from holdfast.demo.load import WORKERS, load
from holdfast.demo.people import CLIENT_COUNT, client
from holdfast.demo.plan import AHEAD_DAYS, HISTORY_DAYS, SERVICE_SHARES, opening_hours, visits_by_day, wishes
from holdfast.demo.staff import STAFF
from holdfast.errors import SetupRefused, SignInRefused

TODAY = date(2026, 3, 11)


@pytest.fixture
async def record(database: DatabaseUrls) -> AsyncIterator[Record]:
    pool = Pool(database.app, size=WORKERS)
    await pool.open()
    yield Record(pool)
    await pool.close()


@pytest.fixture
def document() -> CatalogDocument:
    return parse_catalog(files("holdfast.demo").joinpath("catalog.yaml").read_text("utf-8")).document


def query(urls: DatabaseUrls, sql: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(urls.owner) as connection:
        return connection.execute(sql).fetchall()


def test_the_clinic_is_the_one_that_is_promised(document: CatalogDocument) -> None:
    kinds = Counter(each.kind for each in document.resources.values())
    assert kinds["provider"] == 14
    assert len(document.locations) == 3
    assert {each.time_zone for each in document.locations.values()} == {"America/Chicago", "America/Denver"}
    assert len(document.pools["lasers"].members) == 3
    assert len(document.services) >= 12
    assert set(SERVICE_SHARES) == set(document.services)
    assert document.services["couples-massage"].requirements[1].quantity == 2
    assert document.resources["laser-mobile"].locations == ("austin", "round-rock")


def test_a_years_visits_add_up_and_keep_to_the_week() -> None:
    counts = visits_by_day(TODAY, 6200)
    assert sum(counts.values()) == 6200
    assert len(counts) == HISTORY_DAYS + AHEAD_DAYS
    by_weekday = Counter(dict.fromkeys(range(7), 0))
    for day, count in counts.items():
        by_weekday[day.weekday()] += count
    assert by_weekday[6] == 0
    assert by_weekday.most_common(1)[0][0] == 5
    assert sum(visits_by_day(TODAY, 37).values()) == 37


def test_the_average_ticket_is_about_340(document: CatalogDocument) -> None:
    asked = islice(wishes(TODAY, document, share=0, shares=1), 4000)
    prices = [document.services[wish.service].price_cents for wish in asked]
    assert 330_00 < sum(prices) / len(prices) < 350_00


def test_wishes_are_the_same_for_the_same_day_and_inside_opening_hours(document: CatalogDocument) -> None:
    first, again = [list(islice(wishes(TODAY, document, share=2, shares=6), 300)) for _ in range(2)]
    assert first == again
    hours = opening_hours(TODAY)
    assert hours is not None
    for wish in first:
        assert hours[0] <= wish.local_start.time() < hours[1]
        assert wish.location in document.services[wish.service].locations


def test_clients_are_different_people() -> None:
    everyone = [client(number) for number in range(CLIENT_COUNT)]
    assert len({each.email for each in everyone}) == len({each.phone for each in everyone}) == CLIENT_COUNT


async def test_loading_books_what_was_asked_and_settles_the_past(record: Record, database: DatabaseUrls) -> None:
    told: list[tuple[int, int, str]] = []
    keys = await load(record, lambda *step: told.append(step), appointments=200)
    assert told[-1] == (200, 200, "done")

    desk = await authenticate(record, keys["desk"])
    assert (desk.scopes, desk.surfaces) == (["read", "book", "overbook"], ["desk", "phone", "walk_in"])
    assert (await authenticate(record, keys["widget"])).scopes == ["book"]
    assert set((await authenticate(record, keys["api"])).scopes) == {"read", "book", "manage", "overbook"}

    ((ordinary, overbooked),) = query(
        database,
        "select count(*) filter (where h.overbook_reason is null), count(h.overbook_reason)"
        " from holdfast.appointment a join holdfast.hold h on h.id = a.hold_id",
    )
    assert ordinary == 200
    assert 0 < overbooked <= 2
    past = dict(query(database, "select state, count(*) from holdfast.appointment where ends_at < now() group by 1"))
    assert "confirmed" not in past
    assert past["completed"] > past["no_show"] > 0
    assert len(query(database, "select distinct surface from holdfast.appointment")) >= 4
    assert query(database, "select count(*) from holdfast.hold where state = 'live'") == [(2,)]
    assert query(database, "select count(*) > 100 from holdfast.block") == [(True,)]
    ((overlaps,),) = query(
        database,
        "select count(*) from holdfast.claim a join holdfast.claim b on a.unit_id = b.unit_id and a.id < b.id"
        " and a.during && b.during where a.active and b.active and not a.overbook and not b.overbook",
    )
    assert overlaps == 0


async def test_an_interrupted_load_is_finished_by_the_next(record: Record, database: DatabaseUrls) -> None:
    reached = asyncio.Event()
    first = asyncio.create_task(load(record, lambda done, *_: reached.set() if done > 50 else None, appointments=200))
    await reached.wait()
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    ((some,),) = query(database, "select count(*) from holdfast.appointment")
    assert 50 < some < 200
    await load(record, appointments=200)
    assert query(
        database,
        "select count(*) from holdfast.appointment a join holdfast.hold h on h.id = a.hold_id"
        " where h.overbook_reason is null",
    ) == [(200,)]
    before = query(database, "select * from holdfast.appointment order by id")
    again = await load(record, appointments=200)  # and a finished one is left as it is
    assert query(database, "select * from holdfast.appointment order by id") == before
    assert query(database, "select count(*) from holdfast.api_key where revoked_at is null") == [(3,)]
    assert (await authenticate(record, again["desk"])).organization_id == await find_organization(record, "glow")


async def test_its_staff_sign_in_with_the_password_of_this_installation(record: Record) -> None:
    keys = await load(record, appointments=5)
    organization_id = await find_organization(record, "glow")
    keeper = Doorkeeper(record, b"a secret of thirty-two bytes ...")
    for role, (email, _, _) in STAFF.items():
        session = await keeper.sign_in(organization_id, email, keys["password"], "127.0.0.1")
        staff = await authenticate_session(record, session.token)
        assert staff is not None
        assert (staff.role, staff.complete) == (role, True)
    with pytest.raises(SignInRefused):
        await keeper.sign_in(organization_id, STAFF["owner"][0], "not the password", "127.0.0.1")
    again = await load(record, appointments=5)
    assert again["password"] != keys["password"], "each installation has its own"


async def test_anothers_database_is_left_alone(record: Record, database: DatabaseUrls) -> None:
    await create_organization(record, slug="real-clinic", name="A real clinic")
    with pytest.raises(SetupRefused, match="another organization"):
        await load(record, appointments=10)
    assert query(database, "select count(*) from holdfast.organization") == [(1,)]
