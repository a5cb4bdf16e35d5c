"""Carriers on loopback, a spa where it is never quiet, and a worker that sends there."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace

import psycopg
import pytest

from holdfast.db.transact import Record
from holdfast.db.urls import DatabaseUrls
from holdfast.messages import service
from holdfast.messages.carriers import MessageSettings
from holdfast.messages.model import Message
from holdfast.worker.run import WorkerSettings
from tests.clinic import Clinic
from tests.messages.mailbox import Mailbox, mail_server
from tests.messages.twilio_stand_in import ACCOUNT, NUMBER, TOKEN, TwilioStandIn, twilio
from tests.webhooks.test_delivery import until
from tests.worker.running import LEASE_SECONDS, system_of, worker_settings

PUBLIC_URL = "https://book.example.org"


@pytest.fixture
async def mailbox() -> AsyncIterator[Mailbox]:
    async with mail_server() as one:
        yield one


@pytest.fixture
async def line() -> AsyncIterator[TwilioStandIn]:
    async with twilio() as one:
        yield one


@pytest.fixture
def settings(database: DatabaseUrls, mailbox: Mailbox, line: TwilioStandIn) -> WorkerSettings:
    """Retries in no time, two of them."""
    return replace(
        worker_settings(database),
        messages=MessageSettings(
            smtp_url=mailbox.url,
            mail_from="Visits <visits@spa.example>",
            twilio_account_sid=ACCOUNT,
            twilio_auth_token=TOKEN,
            twilio_from=NUMBER,
            twilio_api_url=line.url,
            public_url=PUBLIC_URL,
            lease_seconds=LEASE_SECONDS,
            delays_seconds=(0.05, 0.05),
        ),
    )


@dataclass
class Office:
    """A spa whose messages a test looks at. It is never quiet there, whenever the test runs."""

    clinic: Clinic
    record: Record
    admin: psycopg.Connection[tuple[object, ...]]

    async def messages(self, kind: str | None = None) -> list[Message]:
        """Oldest first."""
        found = await self.record.transact(system_of(self.clinic), lambda tx: service.list_messages(tx, limit=1000))
        return [one for one in reversed(found) if kind in (None, one.kind)]

    async def until_states(self, kind: str, *states: str) -> list[Message]:
        """Until the messages of a kind, by due time, are in these states."""
        found: list[Message] = []

        async def told() -> bool:
            found[:] = sorted(await self.messages(kind), key=lambda one: one.due_at)
            return [one.state for one in found] == list(states)

        await until(told)
        return found

    def make_due(self, kind: str = "reminder", lead_minutes: int | None = None) -> None:
        """The time of pending messages has come."""
        self.admin.execute(
            "update holdfast.message set next_attempt_at = now(), due_at = now() where state = 'pending' and kind = %s"
            " and coalesce(lead_minutes = %s, true)",
            [kind, lead_minutes],
        )

    def later(self, minutes: int) -> None:
        """Everything sent so far was sent so many minutes earlier."""
        self.admin.execute("update holdfast.message set settled_at = settled_at - make_interval(mins => %s)", [minutes])


@pytest.fixture
def office(spa: Clinic, record: Record, admin: psycopg.Connection[tuple[object, ...]]) -> Office:
    spa.desk("set_message_policy", policy={"quiet_from": "00:00", "quiet_until": "00:00"})
    return Office(spa, record, admin)
