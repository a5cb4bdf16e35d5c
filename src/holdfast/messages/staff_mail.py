"""Mail to staff about their account. It goes out at once and once: a link lives an hour, so retrying is no use."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import uuid4

import structlog

from holdfast.messages.carriers import MessageSettings, NotSent, Outgoing
from holdfast.messages.mail import Mailer
from holdfast.messages.templates import mail_html

logger = structlog.get_logger()


def can_mail_staff(settings: MessageSettings) -> bool:
    """Whether a link can be mailed: there is a mail server, and an address of ours that no request made up."""
    return not settings.console and all((settings.smtp_url, settings.mail_from, settings.public_url))


async def mail_staff(
    settings: MessageSettings, *, to: str, sender_name: str, language: str, subject: str, text: str
) -> None:
    """Send it. A mail server that does not take it is noted in the log, without the address."""
    if settings.smtp_url is None or settings.mail_from is None:
        return
    outgoing = Outgoing(
        key=uuid4(),
        to=to,
        sender_name=sender_name,
        reply_to=None,
        subject=subject,
        text=text,
        html=mail_html(language, subject, text),
        invitation=None,
        unsubscribe_url=None,
        due_at=datetime.now(UTC),
        maybe_sent=False,
    )
    try:
        await Mailer(settings.smtp_url, settings.mail_from).send(outgoing)
    except NotSent as error:
        logger.warning("staff_mail_not_sent", cause=str(error))
