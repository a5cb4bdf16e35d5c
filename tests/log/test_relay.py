"""The relay: every event once, in commit order, whoever dies and whoever commits late."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import psycopg
import pytest

from holdfast.db.session import LoneSession
from holdfast.db.transact import Record, Transaction
from holdfast.db.urls import WORKER_ROLE, DatabaseUrls, derive_url
from holdfast.errors import Bug
from holdfast.log.relay import LOCK_KEY, Handoff, Interest, Lag, Relay, pass_over, relay_lag
from holdfast.worker.reactions import Means, Reaction
from tests.clinic import Clinic, open_clinic
from tests.webhooks.receiver import PATIENCE_SECONDS
from tests.worker.running import worker_settings, working

ALL = Interest("all", frozenset({"appointment.booked", "appointment.cancelled", "test.thing"}))


def worker_url(database: DatabaseUrls) -> str:
    return derive_url(database.owner, WORKER_ROLE)


@asynccontextmanager
async def session(database: DatabaseUrls) -> AsyncIterator[LoneSession]:
    opened = await LoneSession.open(worker_url(database), key=LOCK_KEY, application_name="test")
    try:
        yield opened
    finally:
        await opened.close()


class Heard:
    """Stands where the queue is: notes what it is handed."""

    def __init__(self) -> None:
        self.handoffs: list[Handoff] = []
        self.changed = asyncio.Condition()

    async def defer(self, tx: Transaction, handoffs: Sequence[Handoff]) -> None:
        self.handoffs += handoffs
        async with self.changed:
            self.changed.notify_all()

    @property
    def ids(self) -> list[int]:
        return [id for handoff in self.handoffs for id in handoff.event_ids]

    async def wait_for(self, ids: list[int]) -> None:
        async with asyncio.timeout(PATIENCE_SECONDS), self.changed:
            await self.changed.wait_for(lambda: self.ids == ids)


def write_event(connection: psycopg.Connection[Any], clinic: Clinic, type: str = "test.thing") -> int:
    row = connection.execute(
        "insert into holdfast.event (organization_id, at, type, subject_id, actor, surface, data)"
        " values (%s, clock_timestamp(), %s, gen_random_uuid(), 'system', 'system', '{}') returning id",
        [clinic.organization_id, type],
    ).fetchone()
    assert row is not None
    return int(row[0])


async def drain(database: DatabaseUrls, relay: Relay) -> None:
    async with session(database) as one:
        while await one.transact(relay.hand_on):
            pass


async def test_a_transaction_that_commits_late_is_not_passed_over(database: DatabaseUrls, spa: Clinic) -> None:
    heard = Heard()
    relay = Relay(worker_url(database), [ALL], heard.defer)
    by_id_alone: list[int] = []
    with psycopg.connect(database.owner) as slow, psycopg.connect(database.owner, autocommit=True) as quick:

        def read_by_id() -> None:
            after = by_id_alone[-1] if by_id_alone else 0
            query = "select id from holdfast.event where type = 'test.thing' and id > %s order by id"
            by_id_alone.extend(row[0] for row in quick.execute(query, [after]))

        late = write_event(slow, spa)
        early = write_event(quick, spa)
        await drain(database, relay)
        read_by_id()
        assert heard.ids == []
        slow.commit()
        await drain(database, relay)
        read_by_id()
    assert heard.ids == [late, early]
    assert by_id_alone == [early], "the negative control: a reader by id alone loses the late one"


async def test_handing_on_and_moving_on_are_one(database: DatabaseUrls, spa: Clinic) -> None:
    heard = Heard()
    with psycopg.connect(database.owner, autocommit=True) as owner:
        ids = [write_event(owner, spa) for _ in range(3)]

    async def fail_after(tx: Transaction, handoffs: Sequence[Handoff]) -> None:
        await heard.defer(tx, handoffs)
        raise Bug

    with pytest.raises(Bug):
        await drain(database, Relay(worker_url(database), [ALL], fail_after))
    heard.handoffs.clear()
    await drain(database, Relay(worker_url(database), [ALL], heard.defer))
    await drain(database, Relay(worker_url(database), [ALL], heard.defer))
    assert heard.ids == ids


async def test_a_batch_is_one_handoff_for_each_reaction_and_organization(
    database: DatabaseUrls, spa: Clinic, app: psycopg.Connection[Any]
) -> None:
    other = open_clinic(app, "other")
    with psycopg.connect(database.owner, autocommit=True) as owner:
        ids = [write_event(owner, clinic) for clinic in (spa, other, spa, other)]
        write_event(owner, spa, "nobody.cares")
    heard = Heard()
    only = Interest("only", frozenset({"test.thing"}))
    await drain(database, Relay(worker_url(database), [ALL, only], heard.defer))
    assert {(one.reaction, one.organization_id): one.event_ids for one in heard.handoffs} == {
        (name, clinic.organization_id): tuple(ids[at::2])
        for name in ("all", "only")
        for at, clinic in ((0, spa), (1, other))
    }


async def test_of_two_relays_one_is_active_and_the_other_takes_over_when_it_dies(
    database: DatabaseUrls, spa: Clinic, admin: psycopg.Connection[Any], record: Record
) -> None:
    heard = Heard()

    async def committed(ids: list[int]) -> None:
        await heard.wait_for(ids)
        while (await record.unscoped(relay_lag)).waiting:  # noqa: ASYNC110 - nothing tells when it has committed
            await asyncio.sleep(0.01)

    first, second = (Relay(worker_url(database), [ALL], heard.defer) for _ in range(2))
    tasks = [asyncio.create_task(first.run())]
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            await first.active.wait()
            tasks.append(asyncio.create_task(second.run()))
            with psycopg.connect(database.owner, autocommit=True) as owner:
                ids = [write_event(owner, spa)]
                await committed(ids)
                assert not second.active.is_set()
                tasks[0].cancel()
                await second.active.wait()
                ids.append(write_event(owner, spa))
                await committed(ids)
                # its connection is cut, for good before there is anything to hand on: it notices, and begins again
                admin.execute(
                    "select pg_terminate_backend(pid, 60000) from pg_stat_activity"
                    " where application_name = 'holdfast relay' and datname = current_database()"
                )
                ids.append(write_event(owner, spa))
                await committed(ids)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def test_after_a_restore_into_another_cluster_old_events_are_not_handed_on_again_and_new_ones_are(
    database: DatabaseUrls, spa: Clinic, admin: psycopg.Connection[Any]
) -> None:
    heard = Heard()
    relay = Relay(worker_url(database), [ALL], heard.defer)
    write_event(admin, spa)
    await drain(database, relay)
    waiting = write_event(admin, spa)
    # as the restored rows look over here: numbers of transactions that are yet to come, in another cluster's name
    admin.execute("update holdfast.event set transaction_id = (transaction_id::text::bigint + 1000000)::text::xid8")
    admin.execute(
        "update holdfast.relay_position set cluster_id = 1,"
        " transaction_id = (transaction_id::text::bigint + 1000000)::text::xid8"
    )
    heard.handoffs.clear()
    fresh = write_event(admin, spa)
    await drain(database, relay)
    assert heard.ids == [], "the negative control: the numbers of the old cluster hide everything"
    task = asyncio.create_task(relay.run())
    try:
        await heard.wait_for([waiting, fresh])
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_a_reaction_that_fails_is_called_again_before_the_next_events(
    database: DatabaseUrls, spa: Clinic
) -> None:
    calls: list[list[int]] = []
    done = asyncio.Event()

    async def react(means: Means, organization_id: UUID, event_ids: Sequence[int]) -> None:
        assert organization_id == spa.organization_id
        calls.append(list(event_ids))
        if len(calls) == 1:
            raise RuntimeError("the first time it fails")
        if len({id for call in calls for id in call}) == 2:
            done.set()

    reaction = Reaction("test.react", frozenset({"appointment.booked"}), react)
    async with working(worker_settings(database), [reaction]):
        spa.book("consult", 0)
        spa.book("consult", 60)
        async with asyncio.timeout(PATIENCE_SECONDS):
            await done.wait()
    assert calls[0] == calls[1]
    flat = [id for call in calls[1:] for id in call]
    assert flat == sorted(set(flat))


@pytest.mark.parametrize(
    "query",
    [
        "select * from holdfast.events_to_relay(10)",
        "select * from holdfast.deliveries_due(gen_random_uuid(), 0, 10)",
        "select holdfast.owe_deliveries(array[1::bigint])",
        "select secret from holdfast.webhook_endpoint",
        "select * from procrastinate.procrastinate_jobs",
    ],
)
def test_the_web_servers_role_can_do_none_of_the_workers_work(app: psycopg.Connection[Any], query: str) -> None:
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        app.execute(query)  # type: ignore[arg-type]


@pytest.mark.parametrize("table", ["event", "webhook_endpoint", "delivery", "client", "appointment", "api_key"])
def test_the_workers_role_reads_no_table_of_the_record(database: DatabaseUrls, table: str) -> None:
    with (
        psycopg.connect(worker_url(database)) as worker,
        pytest.raises(psycopg.errors.InsufficientPrivilege),
    ):
        worker.execute(f"select from holdfast.{table}")  # type: ignore[arg-type]


async def test_the_lag_says_how_much_waits_and_for_how_long(
    database: DatabaseUrls, spa: Clinic, record: Record
) -> None:
    await drain(database, Relay(worker_url(database), [], Heard().defer))
    assert await record.unscoped(relay_lag) == Lag(0, 0.0)
    spa.book("consult", 0)
    lag = await record.unscoped(relay_lag)
    assert lag.waiting > 0
    assert lag.seconds > 0


async def test_nothing_is_queued_that_nobody_heeds(database: DatabaseUrls, record: Record) -> None:
    with (
        psycopg.connect(database.owner, autocommit=True) as admin,
        psycopg.connect(database.app, autocommit=True) as app,
    ):
        told, untold = open_clinic(app, "told"), open_clinic(app, "untold")
        heard = Heard()

        async def heeded(_: Transaction, organization_ids: Sequence[UUID]) -> dict[UUID, frozenset[str]]:
            assert untold.organization_id in organization_ids
            return {told.organization_id: frozenset({"test.thing"})}

        narrowed = Interest("narrowed", ALL.types, heeded)
        wanted = write_event(admin, told)
        for clinic, type in ((untold, "test.thing"), (told, "appointment.booked")):
            write_event(admin, clinic, type)
        await drain(database, Relay(worker_url(database), [narrowed], heard.defer))
    assert heard.ids == [wanted]


async def test_old_news_is_passed_over_and_what_comes_after_is_not(database: DatabaseUrls) -> None:
    with (
        psycopg.connect(database.owner, autocommit=True) as admin,
        psycopg.connect(database.app, autocommit=True) as app,
    ):
        clinic = open_clinic(app, "studio")
        for _ in range(3):
            write_event(admin, clinic)
        await pass_over(worker_url(database))
        fresh, heard = write_event(admin, clinic), Heard()
        await drain(database, Relay(worker_url(database), [ALL], heard.defer))
    assert heard.ids == [fresh]
