"""What carries a message to a client, and what it says when it does not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Protocol
from uuid import UUID

import structlog

from holdfast.config import Settings
from holdfast.messages.invitation import Invitation

HOUR: Final = 3600.0
# After the first attempt; nine in all, over some 16 hours. A reminder stops at the visit's start anyhow.
DELAYS_SECONDS: Final = (30.0, 120.0, 600.0, 1800.0, HOUR, 2 * HOUR, 4 * HOUR, 8 * HOUR)

logger = structlog.get_logger()


@dataclass(frozen=True)
class MessageSettings:
    """How messages leave. A channel without its settings does not work; ``console``: none leaves, and all are kept."""

    smtp_url: str | None = None
    mail_from: str | None = None
    twilio_account_sid: str | None = None
    twilio_auth_token: str | None = None
    twilio_from: str | None = None
    twilio_api_url: str = "https://api.twilio.com"
    public_url: str | None = None
    console: bool = False
    lease_seconds: float = 120.0
    turn_seconds: float = 5.0  # then whoever else owes something has the slot
    delays_seconds: Sequence[float] = DELAYS_SECONDS

    def __repr__(self) -> str:
        return "MessageSettings(…)"


def message_settings(settings: Settings) -> MessageSettings:
    """As the operator chose."""
    return MessageSettings(
        smtp_url=settings.smtp_url,
        mail_from=settings.mail_from,
        twilio_account_sid=settings.twilio_account_sid,
        twilio_auth_token=settings.twilio_auth_token,
        twilio_from=settings.twilio_from,
        twilio_api_url=settings.twilio_api_url,
        public_url=settings.public_url,
        console=settings.messages_to == "console",
    )


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One message on its way. ``key`` names it for ever; ``maybe_sent``: an earlier attempt may have got through."""

    key: UUID
    to: str
    sender_name: str
    reply_to: str | None
    subject: str
    text: str
    html: str
    invitation: Invitation | None
    unsubscribe_url: str | None
    due_at: datetime
    maybe_sent: bool


class NotSent(Exception):
    """It was not taken; the message says why in a plain sentence, without the client's data.

    ``final``: trying again is no use. ``refused``: the client opted out with the carrier.
    """

    def __init__(
        self, cause: str, *, final: bool = False, refused: bool = False, retry_after_seconds: float | None = None
    ) -> None:
        super().__init__(cause)
        self.final = final
        self.refused = refused
        self.retry_after_seconds = retry_after_seconds


class Carrier(Protocol):
    """Hands a message over. ``send`` answers with the carrier's name for it; raises NotSent."""

    async def send(self, outgoing: Outgoing) -> str: ...


class Console:
    """Nothing leaves: for the demo. The words are kept with the message; the log says only that there was one."""

    async def send(self, outgoing: Outgoing) -> str:
        """The message's own key, as no carrier names it."""
        logger.info("message_to_console", key=str(outgoing.key))
        return f"console:{outgoing.key}"
