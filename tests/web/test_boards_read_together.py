"""Live boards read the record: many days in one transaction, and what only the catalog changes once a version of it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from typing import Any, TypeVar
from uuid import uuid4

import pytest

from holdfast.booking.day import Sight
from holdfast.db.pool import Pool
from holdfast.db.transact import Caller, Record, Transaction
from holdfast.db.urls import DatabaseUrls
from holdfast.errors import Busy, NotFound
from holdfast.http.pages.board_live import Boards, View
from holdfast.log.feed import Feed
from holdfast.log.public import EventNames
from holdfast.wallclock import local_date
from tests.clinic import Clinic, at

T = TypeVar("T")
DAY = local_date(at(0), "America/Chicago")


class Counting(Record):
    """A record that counts its transactions, and says when the first begins."""

    def __init__(self, pool: Pool) -> None:
        super().__init__(pool)
        self.count = 0
        self.begun = asyncio.Event()

    async def transact(self, caller: Caller, work: Callable[[Transaction], Awaitable[T]]) -> T:
        self.count += 1
        self.begun.set()
        return await super().transact(caller, work)


@pytest.fixture
async def pool(module_database: DatabaseUrls) -> AsyncIterator[Pool]:
    pool = Pool(module_database.app, size=2)
    await pool.open()
    yield pool
    await pool.close()


@pytest.fixture
def record(pool: Pool) -> Counting:
    return Counting(pool)


@pytest.fixture
def boards(record: Counting) -> Boards:
    return Boards(record, Feed(record, EventNames(b"x" * 32)))


def view(glow: Clinic, days: int = 0, location_id: Any = None) -> View:
    return View(glow.organization_id, location_id or glow.location_id, DAY + timedelta(days=days), Sight())


async def test_days_that_are_asked_for_at_once_are_read_in_one_transaction(
    boards: Boards, record: Counting, glow: Clinic
) -> None:
    first = asyncio.create_task(boards.read(view(glow), None))
    await record.begun.wait()  # its transaction takes no other along
    found = await asyncio.gather(first, *(boards.read(view(glow, days), None) for days in range(1, 6)))
    assert [board.frame.first for board in found] == [DAY + timedelta(days=days) for days in range(6)]
    assert record.count == 2
    await boards.read(view(glow), None)
    assert record.count == 3


async def test_a_day_that_cannot_be_read_hurts_no_other(boards: Boards, record: Counting, glow: Clinic) -> None:
    gone = view(glow, location_id=uuid4())
    found = await asyncio.gather(
        boards.read(gone, None), boards.read(view(glow), None), boards.read(gone, None), return_exceptions=True
    )
    assert record.count == 1
    assert isinstance(found[0], NotFound)
    assert isinstance(found[2], NotFound)
    assert not isinstance(found[1], BaseException)


async def test_whoever_stops_waiting_stops_nobody(boards: Boards, glow: Clinic) -> None:
    left, stays = (asyncio.create_task(boards.read(view(glow, days), None)) for days in (0, 1))
    await asyncio.sleep(0)
    left.cancel()
    assert (await stays).frame.first == DAY + timedelta(days=1)


async def test_everybody_hears_that_the_record_is_away(boards: Boards, pool: Pool, glow: Clinic) -> None:
    await pool.close()
    found = await asyncio.gather(*(boards.read(view(glow, days), None) for days in (0, 1)), return_exceptions=True)
    assert [type(each) for each in found] == [Busy, Busy]


async def test_a_frame_holds_until_the_catalog_changes(boards: Boards, glow: Clinic) -> None:
    before = await boards.read(view(glow), None)
    glow.book("botox", 60)
    again = await boards.read(view(glow), before.frame)
    assert again.frame is before.frame, "a booking changes nothing of it"
    assert len(again.items) > len(before.items)
    glow.desk(
        "put_resource", slug="ana", name="Ana Ortiz", kind="provider", location_ids=[glow.location_id], capacity=1
    )
    after = await boards.read(view(glow), again.frame)
    assert after.frame.names[glow.resources["ana"]] == "Ana Ortiz"
