"""A mail server on loopback that keeps what it was given, and says what it is told to."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any, cast

from aiosmtpd.smtp import SMTP
from icalendar import Calendar, Event

from tests.webhooks.receiver import PATIENCE_SECONDS


@dataclass
class Mailbox:
    """``answer``: from a mail to the server's reply. It says nothing while ``gate`` is closed."""

    port: int = 0
    answer: Callable[[EmailMessage], str] = lambda _: "250 taken"
    received: list[EmailMessage] = field(default_factory=list)
    gate: asyncio.Event = field(default_factory=asyncio.Event)
    _changed: asyncio.Condition = field(default_factory=asyncio.Condition)

    def __post_init__(self) -> None:
        self.gate.set()

    @property
    def url(self) -> str:
        return f"smtp://127.0.0.1:{self.port}"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        mail = cast(EmailMessage, message_from_bytes(envelope.original_content, policy=policy.default))
        self.received.append(mail)
        async with self._changed:
            self._changed.notify_all()
        await self.gate.wait()
        return self.answer(mail)

    async def wait_for(self, count: int) -> list[EmailMessage]:
        async with asyncio.timeout(PATIENCE_SECONDS), self._changed:
            await self._changed.wait_for(lambda: len(self.received) >= count)
        return self.received


@asynccontextmanager
async def mail_server() -> AsyncIterator[Mailbox]:
    mailbox = Mailbox()
    server = await asyncio.get_running_loop().create_server(
        lambda: SMTP(mailbox, hostname="mail.test", enable_SMTPUTF8=True), "127.0.0.1", 0
    )
    mailbox.port = server.sockets[0].getsockname()[1]
    try:
        yield mailbox
    finally:
        mailbox.gate.set()
        server.close()


def part(mail: EmailMessage, content_type: str) -> str:
    """The decoded text of the only part of this type."""
    (found,) = [one for one in mail.walk() if one.get_content_type() == content_type]
    payload = found.get_payload(decode=True)
    assert isinstance(payload, bytes)
    return payload.decode()


def event_in(mail: EmailMessage) -> tuple[str, Event]:
    """METHOD and the event of a mail's calendar part; the MIME parameter must agree."""
    (found,) = [one for one in mail.walk() if one.get_content_type() == "text/calendar"]
    calendar = Calendar.from_ical(part(mail, "text/calendar"))
    (event,) = calendar.walk("VEVENT")
    assert found.get_param("method") == str(calendar["METHOD"])
    assert found.get_param("charset") == "utf-8"
    return str(calendar["METHOD"]), cast(Event, event)
