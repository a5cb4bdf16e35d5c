"""A restore, an upgrade of PostgreSQL, a promoted standby: the relay's position, and the names of events."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Any

import psycopg
import pytest

from holdfast.db.migrate import Migrator
from holdfast.db.urls import DatabaseUrls
from holdfast.log.public import EventNames
from holdfast.log.relay import Relay
from tests.clinic import Clinic
from tests.log.test_relay import ALL, Heard, drain, worker_url, write_event

NAMES = EventNames(b"secret")


class Log:
    """The log of a spa, with a relay whose sessions begin when a test says so."""

    def __init__(self, database: DatabaseUrls, spa: Clinic, admin: psycopg.Connection[Any]) -> None:
        self.database, self.spa, self.admin, self.heard = database, spa, admin, Heard()
        self.relay = Relay(worker_url(database), [ALL], self.heard.defer)

    def write(self) -> int:
        return write_event(self.admin, self.spa)

    def name(self, id: int) -> str:
        (epoch,) = self.admin.execute("select holdfast.event_epoch(%s)", [id]).fetchone() or (0,)
        return NAMES.event(self.spa.organization_id, id, epoch)

    async def hand_on(self) -> None:
        await drain(self.database, self.relay)

    async def start_and_hear(self, ids: list[int]) -> None:
        """As a worker starts: it looks whether the database was restored, then hands on."""
        task = asyncio.create_task(self.relay.run())
        try:
            await self.relay.active.wait()
            if ids:
                await self.heard.wait_for(ids)
            while self.admin.execute("select waiting from holdfast.relay_lag()").fetchone() != (0,):  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    def bring_back(self, *, cluster_id: int | None = None) -> None:
        """The position as a dump brings it: a row that this transaction inserts, with the values of before."""
        self.admin.execute(
            "with old as (delete from holdfast.relay_position returning *)"
            " insert into holdfast.relay_position select * from old"
        )
        if cluster_id is not None:
            self.admin.execute("update holdfast.relay_position set cluster_id = %s", [cluster_id])


@pytest.fixture
def log(database: DatabaseUrls, spa: Clinic, admin: psycopg.Connection[Any]) -> Log:
    return Log(database, spa, admin)


async def test_an_upgrade_of_postgresql_hands_nothing_on_again(log: Log) -> None:
    """pg_upgrade takes rows and numbers along as they are; only the cluster has another name."""
    old = [log.write() for _ in range(3)]
    names = [log.name(id) for id in old]
    await log.hand_on()
    log.heard.handoffs.clear()
    waiting = log.write()
    (written_by,) = log.admin.execute("select written_by::text from holdfast.relay_position").fetchone() or ("",)
    log.admin.execute("update holdfast.relay_position set cluster_id = 1, written_by = pg_current_xact_id()")
    assert written_by
    fresh = log.write()
    await log.start_and_hear([waiting, fresh])
    assert [log.name(id) for id in old] == names


async def test_nothing_at_or_before_the_position_is_handed_on_again_whatever_the_rows_look_like(log: Log) -> None:
    """Its rows seem to be of this cluster, and its position of another."""
    [log.write() for _ in range(3)]
    await log.hand_on()
    log.heard.handoffs.clear()
    log.bring_back(cluster_id=1)
    fresh = log.write()
    await log.start_and_hear([fresh])


async def test_an_ordinary_start_renames_nothing(log: Log) -> None:
    ids = [log.write()]
    await log.start_and_hear(ids)
    names = [log.name(id) for id in ids]
    ids.append(log.write())
    names.append(log.name(ids[1]))
    await log.start_and_hear(ids)
    assert [log.name(id) for id in ids] == names
    assert log.admin.execute("select count(*) from holdfast.log_epoch").fetchone() == (0,)


@pytest.mark.parametrize("cluster_id", [None, 1], ids=["into the same cluster", "into another"])
async def test_after_a_restore_a_number_that_is_drawn_again_has_another_name(log: Log, cluster_id: int | None) -> None:
    kept = log.write()
    await log.hand_on()
    kept_name = log.name(kept)
    lost = log.write()  # after the backup; somebody was told of it
    lost_name = log.name(lost)
    log.admin.execute("delete from holdfast.event where id = %s", [lost])
    log.admin.execute("select setval(pg_get_serial_sequence('holdfast.event', 'id'), %s)", [kept])
    log.bring_back(cluster_id=cluster_id)
    again = log.write()  # before a worker runs
    assert again == lost
    log.heard.handoffs.clear()
    await log.start_and_hear([again])
    assert log.name(again) != lost_name, "another event"
    assert log.name(kept) == kept_name, "a repeat of what was told before the restore is still known"


async def test_another_timeline_is_another_epoch(log: Log) -> None:
    """A standby was promoted, or the server recovered to a moment: what came after it is written anew."""
    kept = log.write()
    await log.hand_on()
    name, next_name = log.name(kept), log.name(kept + 1)
    log.admin.execute("update holdfast.relay_position set timeline = '0000000F', written_by = pg_current_xact_id()")
    await log.start_and_hear([])
    assert log.name(kept) == name
    assert log.name(kept + 1) != next_name


def test_the_operator_can_say_that_a_copy_was_put_back(log: Log) -> None:
    kept = log.write()
    name, next_name = log.name(kept), log.name(kept + 1)
    Migrator(log.database.owner).begin_epoch()
    assert log.name(kept) == name
    assert log.name(kept + 1) != next_name
