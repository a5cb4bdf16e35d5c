"""From a booking to a receiver: nothing lost, in order for each appointment, and repeats that can be told."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import psycopg
import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from holdfast.db.transact import Record
from holdfast.db.urls import DatabaseUrls
from holdfast.errors import StateRefused
from holdfast.ids import public_id
from holdfast.log.relay import relay_lag
from holdfast.webhooks import service as webhooks
from holdfast.webhooks.model import Delivery
from tests.clinic import CLIENT, Clinic
from tests.webhooks.receiver import PATIENCE_SECONDS, Received, Receiver, listening
from tests.worker.running import SECRET, endpoint_for, missed, system_of, worker_process, worker_settings, working

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with listening() as one:
        yield one


async def deliveries(record: Record, spa: Clinic, state: str | None = None) -> list[Delivery]:
    return await record.transact(system_of(spa), lambda tx: webhooks.list_deliveries(tx, limit=1000, state=state))


async def until(condition: Callable[[], Awaitable[bool]]) -> None:
    """Ask again until it is so."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not await condition():  # noqa: ASYNC110 - nothing tells when a row changes
            await asyncio.sleep(0.02)


async def until_states(record: Record, spa: Clinic, *states: str) -> list[Delivery]:
    """Until the deliveries, oldest event first, are in these states."""
    found: list[Delivery] = []

    async def told() -> bool:
        found[:] = sorted(await deliveries(record, spa), key=lambda one: one.event_id)
        return [one.state for one in found] == list(states)

    await until(told)
    return found


def stories(received: list[Received]) -> dict[str, list[int]]:
    """Subject -> the sequence numbers in order of their first arrival."""
    seen: defaultdict[str, list[int]] = defaultdict(list)
    for one in received:
        story = seen[one.json["data"]["id"]]
        if one.json["sequence"] not in story:
            story.append(one.json["sequence"])
    return dict(seen)


async def test_a_booking_arrives_signed_thin_and_once(
    database: DatabaseUrls, record: Record, spa: Clinic, receiver: Receiver
) -> None:
    made = await endpoint_for(record, spa, receiver.url)
    async with working(worker_settings(database, receiver)):
        booked = spa.book("laser", 0)
        (got,) = await receiver.wait_for(1)
        (delivery,) = await until_states(record, spa, "delivered")

    appointment = public_id("appointment", booked["id"])
    assert Webhook(made.secret).verify(got.body, got.headers) == got.json
    assert got.json | {"data": None} == {
        "type": "appointment.booked", "timestamp": got.json["timestamp"], "version": 1, "sequence": 1, "data": None,
    }  # fmt: skip
    assert got.json["data"]["id"] == appointment
    assert got.json["data"]["revision"] == 1
    assert not any(word in got.body.decode() for word in (*CLIENT.values(), "cli_", "client", "price"))
    assert got.id.startswith("evt_")
    assert (delivery.attempts, delivery.last_status, delivery.last_cause) == (1, 204, None)
    assert len(receiver.received) == 1


async def test_only_what_was_asked_for_is_sent_and_only_to_the_organization_itself(
    database: DatabaseUrls, record: Record, spa: Clinic, receiver: Receiver
) -> None:
    await endpoint_for(record, spa, receiver.url, "appointment.cancelled", "hold.*")
    async with working(worker_settings(database, receiver)):
        booked = spa.book("laser", 0)
        spa.desk("cancel", appointment_id=booked["id"], revision=None)
        await receiver.wait_for(lambda got: any(one.json["type"] == "appointment.cancelled" for one in got))
        await until(lambda: _nothing_pending(record, spa))
    assert {one.json["type"] for one in receiver.received} == {"hold.placed", "hold.released", "appointment.cancelled"}


async def _nothing_pending(record: Record, spa: Clinic) -> bool:
    return not await deliveries(record, spa, "pending")


async def test_each_appointment_is_told_in_order_although_the_receiver_stumbles(
    database: DatabaseUrls, record: Record, spa: Clinic, receiver: Receiver
) -> None:
    await endpoint_for(record, spa, receiver.url)
    stumbles: set[str] = set()

    def every_first_time(got: Received) -> tuple[int, dict[str, str]]:
        if got.id in stumbles:
            return 200, {}
        stumbles.add(got.id)
        return 500, {}

    receiver.answer = every_first_time
    booked = [spa.book("consult", 60 * hour) for hour in range(4)]
    for appointment in booked:
        spa.desk("check_in", appointment_id=appointment["id"], revision=None)
        spa.desk("complete", appointment_id=appointment["id"], revision=None)
    async with working(worker_settings(database, receiver)):
        await until_states(record, spa, *["delivered"] * 12)
    assert stories(receiver.received) == {public_id("appointment", one["id"]): [1, 2, 3] for one in booked}
    assert len(receiver.received) == 24
    assert len({one.id for one in receiver.received}) == 12, "a repeat has the id of the first"


async def test_a_worker_killed_while_it_sends_loses_nothing_and_repeats_carry_the_same_id(
    database: DatabaseUrls, record: Record, spa: Clinic, receiver: Receiver, admin: psycopg.Connection[Any]
) -> None:
    await endpoint_for(record, spa, receiver.url)
    receiver.gate.clear()  # the receiver has the message and has not answered yet
    booked = [spa.book("consult", 60 * hour) for hour in range(3)]
    settings = worker_settings(database, receiver)
    async with worker_process(settings) as doomed:
        await receiver.wait_for(3)
        doomed.kill()
        await doomed.wait()
    missed(admin)
    receiver.gate.set()
    for appointment in booked:
        spa.desk("cancel", appointment_id=appointment["id"], revision=None)
    async with working(settings):
        await until_states(record, spa, *["delivered"] * 6)
    ids = [one.id for one in receiver.received]
    assert len(set(ids)) == 6
    assert sorted(ids.count(one) for one in set(ids)) == [1, 1, 1, 2, 2, 2]
    assert stories(receiver.received) == {public_id("appointment", one["id"]): [1, 2] for one in booked}


async def test_what_fails_for_good_is_a_dead_letter_that_holds_the_later_back_until_it_is_retried(
    database: DatabaseUrls, record: Record, spa: Clinic, receiver: Receiver
) -> None:
    await endpoint_for(record, spa, receiver.url)
    receiver.answer = lambda _: (500, {})
    async with working(worker_settings(database, receiver)):
        booked = spa.book("consult", 0)
        (dead,) = await until_states(record, spa, "dead")
        assert dead.attempts == 3
        assert dead.last_cause == "Their server answered 500: something is broken there."
        assert dead.last_response == "what the receiver said"
        spa.desk("cancel", appointment_id=booked["id"], revision=None)
        _, later = await until_states(record, spa, "dead", "pending")
        assert later.waits_behind_id == dead.id
        assert len(receiver.received) == 3

        receiver.answer = lambda _: (200, {})
        await record.transact(system_of(spa), lambda tx: webhooks.retry_delivery(tx, dead.id))
        await until_states(record, spa, "delivered", "delivered")
    assert [one.json["type"] for one in receiver.received[3:]] == ["appointment.booked", "appointment.cancelled"]
    assert len({one.id for one in receiver.received[:4]}) == 1
    tried = await record.transact(system_of(spa), lambda tx: webhooks.list_attempts(tx, dead.id))
    assert [one.status for one in tried] == [500, 500, 500, 200]


async def test_all_dead_letters_since_are_retried_at_once_and_one_can_be_discarded_for_a_reason(
    database: DatabaseUrls, record: Record, spa: Clinic, receiver: Receiver
) -> None:
    await endpoint_for(record, spa, receiver.url)
    receiver.answer = lambda _: (400, {})
    async with working(worker_settings(database, receiver)):
        for hour in range(3):
            spa.book("consult", 60 * hour)
        dead = await until_states(record, spa, "dead", "dead", "dead")
        await record.transact(system_of(spa), lambda tx: webhooks.discard_delivery(tx, dead[0].id, "they know"))
        with pytest.raises(StateRefused):
            await record.transact(system_of(spa), lambda tx: webhooks.discard_delivery(tx, dead[0].id, "again"))
        receiver.answer = lambda _: (200, {})
        count = await record.transact(system_of(spa), lambda tx: webhooks.retry_since(tx, LONG_AGO))
        assert count == 2
        settled = await until_states(record, spa, "discarded", "delivered", "delivered")
    assert settled[0].discard_reason == "they know"


async def test_gone_disables_the_endpoint_and_enabling_and_replaying_sends_what_it_missed(
    database: DatabaseUrls, record: Record, spa: Clinic, receiver: Receiver
) -> None:
    made = await endpoint_for(record, spa, receiver.url)
    receiver.answer = lambda _: (410, {})

    async def status() -> str:
        endpoint = await record.transact(system_of(spa), lambda tx: webhooks.get_endpoint(tx, made.endpoint_id))
        return endpoint.status

    async def is_disabled() -> bool:
        return await status() == "disabled"

    async with working(worker_settings(database, receiver)) as means:

        async def all_reacted_to() -> bool:
            lag = await record.unscoped(relay_lag)
            return lag.waiting == 0 and await means.queue.waiting() == 0

        spa.book("consult", 0)
        await until(is_disabled)
        spa.book("consult", 60)
        await until(all_reacted_to)
        with pytest.raises(StateRefused):
            await record.transact(system_of(spa), lambda tx: webhooks.test_endpoint(tx, made.endpoint_id))
        receiver.answer = lambda _: (200, {})
        await record.transact(system_of(spa), lambda tx: webhooks.change_endpoint(tx, made.endpoint_id, enabled=True))
        await until_states(record, spa, "delivered")
        since = datetime.now(UTC) - timedelta(hours=1)
        count = await record.transact(system_of(spa), lambda tx: webhooks.replay(tx, made.endpoint_id, since))
        assert count == 1
        await until_states(record, spa, "delivered", "delivered")
    assert [one.json["sequence"] for one in receiver.received] == [1, 1, 1]


async def test_while_a_secret_is_rotated_either_verifies_and_a_test_message_says_so(
    database: DatabaseUrls, record: Record, spa: Clinic, receiver: Receiver, admin: psycopg.Connection[Any]
) -> None:
    old = await endpoint_for(record, spa, receiver.url)
    box = webhooks.SecretBox(SECRET)
    new = await record.transact(system_of(spa), lambda tx: webhooks.rotate_secret(tx, box, old.endpoint_id))
    async with working(worker_settings(database, receiver)):
        await record.transact(system_of(spa), lambda tx: webhooks.test_endpoint(tx, old.endpoint_id))
        (both,) = await receiver.wait_for(1)
        admin.execute("update holdfast.webhook_former_secret set ends_at = now() - interval '1 second'")
        await record.transact(system_of(spa), lambda tx: webhooks.test_endpoint(tx, old.endpoint_id))
        _, alone = await receiver.wait_for(2)
    assert both.json["type"] == "webhook_endpoint.tested"
    assert both.json["data"] == {}
    for made in (old, new):
        Webhook(made.secret).verify(both.body, both.headers)
    Webhook(new.secret).verify(alone.body, alone.headers)
    assert len(alone.headers["webhook-signature"].split()) == 1
    stored = admin.execute("select secret from holdfast.webhook_endpoint").fetchone()
    assert stored is not None
    assert box.open(stored[0], old.endpoint_id) not in stored[0]


async def test_a_secret_rotated_twice_cuts_nobody_off_and_every_one_signs_until_its_own_end(
    database: DatabaseUrls, record: Record, spa: Clinic, receiver: Receiver, admin: psycopg.Connection[Any]
) -> None:
    """The answer with the new secret was lost, so it is rotated again: the receiver still has the first."""
    made = [await endpoint_for(record, spa, receiver.url)]
    box, endpoint_id = webhooks.SecretBox(SECRET), made[0].endpoint_id
    for hours in (1, 48):
        made.append(
            await record.transact(
                system_of(spa), lambda tx, h=hours: webhooks.rotate_secret(tx, box, endpoint_id, overlap_hours=h)
            )
        )
    async with working(worker_settings(database, receiver)):
        spa.book("consult", 0)
        await receiver.wait_for(1)
        admin.execute("update holdfast.webhook_former_secret set ends_at = ends_at - interval '2 hours'")
        spa.book("consult", 60)
        every, later = await receiver.wait_for(2)
    for each in made:
        Webhook(each.secret).verify(every.body, every.headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(made[0].secret).verify(later.body, later.headers)
    for each in made[1:]:
        Webhook(each.secret).verify(later.body, later.headers)


async def test_ten_secrets_at_once_are_enough(record: Record, spa: Clinic) -> None:
    made = await endpoint_for(record, spa, "https://example.com/hook")
    box = webhooks.SecretBox(SECRET)
    for _ in range(10):
        await record.transact(system_of(spa), lambda tx: webhooks.rotate_secret(tx, box, made.endpoint_id))
    with pytest.raises(StateRefused, match="ten new secrets"):
        await record.transact(system_of(spa), lambda tx: webhooks.rotate_secret(tx, box, made.endpoint_id))


async def test_what_happened_before_an_endpoint_was_there_is_sent_on_request_alone(
    database: DatabaseUrls, record: Record, spa: Clinic, receiver: Receiver
) -> None:
    spa.book("consult", 0)
    made = await endpoint_for(record, spa, receiver.url)
    spa.book("consult", 60)
    async with working(worker_settings(database, receiver)):
        (only,) = await until_states(record, spa, "delivered")
        await record.transact(system_of(spa), lambda tx: webhooks.replay(tx, made.endpoint_id, LONG_AGO, only.event_at))
        before, after = await until_states(record, spa, "delivered", "delivered")
    assert after.id == only.id
    assert before.event_at < only.event_at
    assert [one.attempts for one in (before, after)] == [1, 1]


async def test_a_person_declares_it_failed_and_the_endpoint_counts_its_dead_letters(
    database: DatabaseUrls, record: Record, spa: Clinic, receiver: Receiver
) -> None:
    made = await endpoint_for(record, spa, receiver.url)
    hostile = {f"x-{number}" + "h" * 300: '"' * 1000 for number in range(40)}
    receiver.answer = lambda _: (500, {"x-trace": "abc", "set-cookie": "theirs"} | hostile)
    async with working(worker_settings(database, receiver, delays_seconds=(3600.0,))):
        spa.book("consult", 0)
        await receiver.wait_for(1)

        async def is_tried() -> bool:
            return [one.attempts for one in await deliveries(record, spa)] == [1]

        await until(is_tried)
        (waiting,) = await deliveries(record, spa, "pending")
        dead = await record.transact(system_of(spa), lambda tx: webhooks.fail_delivery(tx, waiting.id))
        assert (dead.state, dead.last_status) == ("dead", 500)
        with pytest.raises(StateRefused):
            await record.transact(system_of(spa), lambda tx: webhooks.fail_delivery(tx, waiting.id))
        endpoint = await record.transact(system_of(spa), lambda tx: webhooks.get_endpoint(tx, made.endpoint_id))
        assert endpoint.dead == 1
        (tried,) = await record.transact(system_of(spa), lambda tx: webhooks.list_attempts(tx, waiting.id))
    assert tried.request_headers == {
        name: value for name, value in receiver.received[0].headers.items()
        if name.startswith("webhook-") or name in ("content-type", "user-agent")
    }  # fmt: skip
    assert tried.response_headers is not None
    assert tried.response_headers["x-trace"] == "abc"
    assert "set-cookie" not in tried.response_headers


async def test_days_of_failure_warn_first_and_then_disable(
    database: DatabaseUrls, record: Record, spa: Clinic, receiver: Receiver, admin: psycopg.Connection[Any]
) -> None:
    made = await endpoint_for(record, spa, receiver.url)
    receiver.answer = lambda _: (503, {})

    async def fail_after(**age: int) -> list[str]:
        before = len(receiver.received)
        admin.execute(
            "update holdfast.webhook_endpoint"
            " set failing_since = failing_since - %(age)s, warned_at = warned_at - %(age)s",
            {"age": timedelta(**age)},
        )
        await record.transact(system_of(spa), lambda tx: webhooks.test_endpoint(tx, made.endpoint_id))
        await receiver.wait_for(before + 1)
        await until(lambda: _nothing_pending(record, spa))
        return _told(admin, made.endpoint_id)

    async with working(worker_settings(database, receiver, delays_seconds=())):
        assert await fail_after() == []
        assert await fail_after(days=1) == []
        assert await fail_after(days=2) == ["webhook_endpoint.failing"]
        assert await fail_after(hours=20) == ["webhook_endpoint.failing"]
        assert await fail_after(days=3) == ["webhook_endpoint.failing", "webhook_endpoint.disabled"]
    endpoint = await record.transact(system_of(spa), lambda tx: webhooks.get_endpoint(tx, made.endpoint_id))
    assert (endpoint.status, endpoint.disabled_cause) == (
        "disabled", "Their server answered 503: something is broken there.",
    )  # fmt: skip


def _told(admin: psycopg.Connection[Any], endpoint_id: UUID) -> list[str]:
    rows = admin.execute(
        "select type from holdfast.event where subject_id = %s and type ~ 'failing|disabled' order by id", [endpoint_id]
    )
    return [row[0] for row in rows]
