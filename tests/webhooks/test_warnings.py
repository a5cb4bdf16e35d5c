"""Managers hear of an endpoint that fails for days, before it is disabled and when it is."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import psycopg
import pytest

from holdfast.db.transact import Record
from holdfast.db.urls import DatabaseUrls
from holdfast.messages.carriers import MessageSettings
from holdfast.webhooks import service as webhooks
from holdfast.webhooks.model import how_long
from tests.clinic import Clinic
from tests.messages.mailbox import mail_server, part
from tests.webhooks.receiver import Receiver, listening
from tests.worker.running import endpoint_for, system_of, worker_settings, working

PUBLIC_URL = "https://book.example.org"


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with listening() as one:
        yield one


async def test_managers_are_mailed_in_their_language_with_the_date_and_the_cause(
    database: DatabaseUrls, record: Record, spa: Clinic, receiver: Receiver, admin: psycopg.Connection[Any]
) -> None:
    for role in ("owner", "manager", "desk"):
        spa.desk("create_staff", email=f"{role}@spa.example", name=role.title(), role=role, resource_id=None)
    admin.execute("update holdfast.staff set language = 'es' where role = 'manager'")
    made = await endpoint_for(record, spa, receiver.url)
    receiver.answer = lambda _: (503, {})

    async def fail_after(**age: int) -> None:
        admin.execute(
            "update holdfast.webhook_endpoint set failing_since = coalesce(failing_since, now()) - %(age)s,"
            " warned_at = warned_at - %(age)s",
            {"age": timedelta(**age)},
        )
        await record.transact(system_of(spa), lambda tx: webhooks.test_endpoint(tx, made.endpoint_id))

    async with mail_server() as mailbox:
        mail = MessageSettings(smtp_url=mailbox.url, mail_from="visits@spa.example", public_url=PUBLIC_URL)
        settings = replace(worker_settings(database, receiver, delays_seconds=()), messages=mail)
        async with working(settings):
            await fail_after(days=3)
            await mailbox.wait_for(2)
            endpoint = await record.transact(system_of(spa), lambda tx: webhooks.get_endpoint(tx, made.endpoint_id))
            await fail_after(days=3)
            await mailbox.wait_for(4)
    assert endpoint.disables_at is not None
    warned, disabled = mailbox.received[:2], mailbox.received[2:]
    for mails in (warned, disabled):
        assert sorted(one["To"] for one in mails) == ["manager@spa.example", "owner@spa.example"]
    by_role = {one["To"].partition("@")[0]: part(one, "text/plain") for one in warned}
    text = by_role["owner"]
    assert receiver.url in text
    assert f"{endpoint.disables_at:%B} {endpoint.disables_at.day}" in text
    assert "Their server answered 503" in text
    assert f"{PUBLIC_URL}/desk/deliveries" in text
    assert "se desactiva" in by_role["manager"], "each reads it in their own language"
    assert f"{endpoint.disables_at.day} de " in by_role["manager"]
    by_role = {one["To"].partition("@")[0]: part(one, "text/plain") for one in disabled}
    assert "switched off" in by_role["owner"]
    assert "se desactivó" in by_role["manager"]


@pytest.mark.parametrize(
    ("hours", "words"), [(0.2, ""), (1, "1 hour"), (20, "20 hours"), (36, "2 days"), (72, "3 days")]
)
def test_how_long_it_has_been(hours: float, words: str) -> None:
    assert how_long(timedelta(hours=hours)) == words
