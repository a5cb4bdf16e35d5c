"""Receivers that hang, or that nobody could ever reach: nobody else waits for them, and they are left in peace."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import timedelta
from typing import Any

import psycopg
import pytest

from holdfast.db.transact import Record
from holdfast.db.urls import DatabaseUrls
from holdfast.messages.carriers import MessageSettings
from holdfast.webhooks import service as webhooks
from holdfast.webhooks.outbound import Answer, Outbound
from holdfast.worker.queue import REACTIONS
from tests.clinic import Clinic, open_med_spa
from tests.messages.mailbox import mail_server
from tests.waitlist.line import Line
from tests.webhooks.receiver import Receiver, listening
from tests.webhooks.test_delivery import deliveries, until, until_states
from tests.worker.running import endpoint_for, system_of, worker_settings, working

HOUR = 3600.0
SILENT = 4
# As it was: four slots for everything, and an endpoint has one for as long as it likes.
SHARED = {REACTIONS: 4}


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with listening() as one:
        yield one


@pytest.fixture
async def silent() -> AsyncIterator[list[Receiver]]:
    """They take what comes, and never answer."""
    async with AsyncExitStack() as stack:
        found = [await stack.enter_async_context(listening()) for _ in range(SILENT)]
        for each in found:
            each.gate.clear()
        yield found


@pytest.mark.parametrize("url", ["https://example..com/h", "https://.example.com/h", f"https://{'a' * 64}.com/h"])
async def test_a_name_that_nobody_can_resolve_is_an_attempt_that_failed(
    database: DatabaseUrls, record: Record, spa: Clinic, url: str
) -> None:
    """One that was stored before such names were refused."""
    await endpoint_for(record, spa, url)
    async with working(worker_settings(database)):
        spa.book("consult", 0)
        (dead,) = await until_states(record, spa, "dead")
    assert dead.attempts == 3
    assert dead.last_cause is not None
    assert "not a name that can exist" in dead.last_cause


async def test_an_error_of_our_own_is_an_attempt_too_and_is_logged(
    database: DatabaseUrls, record: Record, spa: Clinic, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def break_down(*_: object) -> Answer:
        raise RuntimeError("a fault nobody thought of")

    monkeypatch.setattr(Outbound, "post", break_down)
    await endpoint_for(record, spa, "https://example.com/hook")
    async with working(worker_settings(database)):
        spa.book("consult", 0)
        (dead,) = await until_states(record, spa, "dead")
    assert (dead.attempts, dead.last_status) == (3, None)
    assert dead.last_cause == "It could not be sent, by a fault of Holdfast's own: its log says more."


@pytest.mark.parametrize("shared", [False, True], ids=["slots of their own", "the control: slots for all"])
async def test_silent_receivers_of_one_organization_keep_no_other_waiting(
    database: DatabaseUrls, record: Record, spa: Clinic, admin: psycopg.Connection[Any], app: psycopg.Connection[Any],
    receiver: Receiver, silent: list[Receiver], *, shared: bool,
) -> None:  # fmt: skip
    other = open_med_spa(app, "other")
    other.desk("set_message_policy", policy={"quiet_from": "00:00", "quiet_until": "00:00"})
    line = Line(record, other, admin)
    await line.always_awake()
    await line.join(1, "laser")
    for each in silent:
        await endpoint_for(record, spa, each.url)
    await endpoint_for(record, other, receiver.url)
    settings = replace(
        worker_settings(database, receiver, *silent), timeout_seconds=HOUR, messages=MessageSettings(console=True)
    )
    if shared:
        settings = replace(settings, slots=SHARED, turn_seconds=HOUR)

    async def is_stuck() -> bool:
        """Every slot is taken, and somebody else's job waits for one."""
        doing = admin.execute(
            "select count(*) from procrastinate.procrastinate_jobs"
            " where status = 'doing' and task_name = 'webhooks.send'"
        ).fetchone()
        waits = admin.execute(
            "select count(*) from procrastinate.procrastinate_jobs"
            " where status = 'todo' and args ->> 'organization_id' = %s", [str(other.organization_id)],
        ).fetchone()  # fmt: skip
        return doing == (SILENT,) and waits is not None and waits[0] > 0

    async def is_confirmed() -> bool:
        sent = "select from holdfast.message where organization_id = %s and kind = 'confirmation' and state = 'sent'"
        return admin.execute(sent, [other.organization_id]).fetchone() is not None

    async def is_offered() -> bool:
        made = "select from holdfast.offer where organization_id = %s"
        return admin.execute(made, [other.organization_id]).fetchone() is not None

    async with working(settings):
        for number in range(20):
            spa.book("consult", 30 * number)
        for each in silent:
            await each.wait_for(1)
        booked = other.book("laser", 0)
        if shared:
            await until(is_stuck)
            assert not receiver.received
        else:
            await receiver.wait_for(1)
            await until(is_confirmed)
            other.desk("cancel", appointment_id=booked["id"], revision=None)
            await receiver.wait_for(2)
            await until(is_offered)
        assert await attempts_of(record, spa) == 0, "all that time nobody answered"
        for each in silent:
            each.gate.set()
        await receiver.wait_for(1)


async def attempts_of(record: Record, clinic: Clinic) -> int:
    return sum(one.attempts for one in await deliveries(record, clinic))


async def test_a_mail_server_that_hangs_keeps_no_webhook_waiting(
    database: DatabaseUrls, record: Record, app: psycopg.Connection[Any], receiver: Receiver
) -> None:
    clinics = [open_med_spa(app, f"clinic-{number}") for number in range(6)]
    for each in clinics:
        each.desk("set_message_policy", policy={"quiet_from": "00:00", "quiet_until": "00:00"})
    await endpoint_for(record, clinics[-1], receiver.url)
    async with mail_server() as mailbox:
        mailbox.gate.clear()
        settings = replace(
            worker_settings(database, receiver),
            messages=MessageSettings(smtp_url=mailbox.url, mail_from="visits@spa.example"),
        )
        async with working(settings):
            for each in clinics[:-1]:
                each.book("laser", 0)
            await mailbox.wait_for(4)  # every slot for messages is taken
            clinics[-1].book("laser", 0)
            await receiver.wait_for(1)
            mailbox.gate.set()


async def test_an_endpoint_that_wants_to_be_left_in_peace_is_and_one_delivery_finds_out_when_it_is_back(
    database: DatabaseUrls, record: Record, spa: Clinic, receiver: Receiver, admin: psycopg.Connection[Any]
) -> None:
    made = await endpoint_for(record, spa, receiver.url)
    receiver.answer = lambda _: (503, {"retry-after": "7200"})
    for number in range(20):
        spa.book("consult", 30 * number)

    async def attempts() -> int:
        return await attempts_of(record, spa)

    def the_time_has_come() -> None:
        admin.execute("update holdfast.webhook_endpoint set not_before = now()")
        admin.execute("update holdfast.delivery set next_attempt_at = now() where state = 'pending'")

    async with working(worker_settings(database, receiver, delays_seconds=(60.0, 60.0))) as means:

        async def is_quiet() -> bool:
            return await attempts() == len(receiver.received) > 0 and await means.queue.waiting() == 0

        await until(is_quiet)
        first = len(receiver.received)
        assert first <= 8, "what was under way, and nothing after"
        endpoint = await record.transact(system_of(spa), lambda tx: webhooks.get_endpoint(tx, made.endpoint_id))
        assert endpoint.not_before is not None
        waiting = await deliveries(record, spa, "pending")
        assert {one.next_attempt_at >= endpoint.not_before for one in waiting if one.next_attempt_at} == {True}

        receiver.answer = lambda _: (503, {})
        admin.execute("update holdfast.webhook_endpoint set failing_since = now() - interval '2 hours'")
        the_time_has_come()
        await receiver.wait_for(first + 1)
        await until(is_quiet)
        assert len(receiver.received) == first + 1, "one delivery tries"
        (pause,) = admin.execute("select not_before - now() from holdfast.webhook_endpoint").fetchone() or (None,)
        assert timedelta(minutes=20) < pause < timedelta(minutes=31), "the longer it fails, the longer"

        receiver.answer = lambda _: (204, {})
        the_time_has_come()
        await until_states(record, spa, *["delivered"] * 20)
    assert len(receiver.received) == first + 21
    endpoint = await record.transact(system_of(spa), lambda tx: webhooks.get_endpoint(tx, made.endpoint_id))
    assert (endpoint.not_before, endpoint.failing_since) == (None, None)


async def test_a_person_who_retries_does_not_wait_for_the_pause(
    database: DatabaseUrls, record: Record, spa: Clinic, receiver: Receiver
) -> None:
    made = await endpoint_for(record, spa, receiver.url)
    receiver.answer = lambda _: (429, {})
    async with working(worker_settings(database, receiver, delays_seconds=(600.0,))):
        spa.book("consult", 0)
        pauses: list[timedelta] = []

        async def is_paused() -> bool:
            found = await record.transact(system_of(spa), lambda tx: webhooks.get_endpoint(tx, made.endpoint_id))
            pauses.extend([found.not_before - found.failing_since] if found.not_before and found.failing_since else [])
            return bool(pauses)

        await until(is_paused)
        assert pauses[0] < timedelta(minutes=13), "the first time it is short"
        receiver.answer = lambda _: (204, {})
        await record.transact(system_of(spa), lambda tx: webhooks.test_endpoint(tx, made.endpoint_id))
        await receiver.wait_for(2)
