"""What staff do with messages. Every function takes the open Transaction of its caller."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import datetime, time
from typing import Final
from uuid import UUID

from holdfast.booking.model import Cursor
from holdfast.db.queries import load_queries
from holdfast.db.transact import Transaction
from holdfast.email_address import is_email
from holdfast.errors import Invalid, NotFound
from holdfast.messages.model import Channel, Context, Kind, Message, Policy, ReminderRule, Wording
from holdfast.messages.templates import Rendered, all_wordings, built_in, check, render, render_wording

QUERIES: Final = load_queries("holdfast.messages")
DEFAULT_POLICY: Final = Policy(
    sender_name=None,
    reply_to=None,
    language="en",
    notice_channels=["email", "sms"],
    reminder_channels=["sms", "email"],
    quiet_from=time(21),
    quiet_until=time(8),
    say_service=False,
    say_provider=False,
)
# A preview shows where a link would stand, and never one that works.
EXAMPLE_LINK: Final = "https://www.example.com/…"
DEFAULT_RULE: Final = ReminderRule(None, [3 * 24 * 60, 2 * 60], None)


async def list_messages(
    tx: Transaction,
    *,
    limit: int,
    state: str | None = None,
    appointment_id: UUID | None = None,
    after: Cursor | None = None,
) -> list[Message]:
    """Messages, newest first, after the cursor."""
    return await _messages(tx, limit=limit, state=state, appointment_id=appointment_id, after=after)


async def get_message(tx: Transaction, message_id: UUID) -> Message:
    """One message, with its words. Raises NotFound."""
    found = await _messages(tx, limit=1, id=message_id)
    if not found:
        raise NotFound("There is no such message.")
    return found[0]


async def _messages(
    tx: Transaction,
    *,
    limit: int,
    id: UUID | None = None,
    state: str | None = None,
    appointment_id: UUID | None = None,
    after: Cursor | None = None,
) -> list[Message]:
    return await tx.rows(
        Message,
        QUERIES["messages"],
        id=id,
        state=state,
        appointment_id=appointment_id,
        after_at=after and after.at,
        after_id=after and after.id,
        limit=limit,
    )


async def retry_message(tx: Transaction, message_id: UUID) -> Message:
    """Send a dead or skipped message now, if it still makes sense. Raises NotFound, StateRefused."""
    await tx.run(QUERIES["retry"], id=message_id)
    return await get_message(tx, message_id)


async def retry_since(tx: Transaction, since: datetime) -> int:
    """Send every message that died since then now, if it still makes sense; how many."""
    return int(await tx.value(QUERIES["retry_since"], since=since))


async def discard_message(tx: Transaction, message_id: UUID, reason: str) -> Message:
    """Give a pending or dead message up for a reason. Raises NotFound, StateRefused, Invalid."""
    await tx.run(QUERIES["discard"], id=message_id, reason=reason)
    return await get_message(tx, message_id)


async def get_policy(tx: Transaction) -> Policy:
    """How the organization speaks to its clients."""
    return await tx.one(Policy, QUERIES["policy"]) or DEFAULT_POLICY


async def set_policy(tx: Transaction, policy: Policy) -> Policy:
    """Replace it; reminders to come are planned anew. Raises Invalid."""
    if policy.reply_to is not None and not is_email(policy.reply_to):
        raise Invalid("The address for answers does not look like an e-mail address.", field="reply_to")
    await tx.run(QUERIES["set_policy"], policy=json.dumps(asdict(policy), default=str))
    return await get_policy(tx)


async def set_quiet_hours(
    tx: Transaction, location_id: UUID, quiet_from: time | None, quiet_until: time | None
) -> None:
    """Quiet hours of one location; None: as the organization has them. Raises NotFound."""
    await tx.run(QUERIES["set_quiet_hours"], location_id=location_id, quiet_from=quiet_from, quiet_until=quiet_until)


async def list_reminder_rules(tx: Transaction) -> list[ReminderRule]:
    """When clients are reminded: the rule for every service first, which always exists."""
    rules = await tx.rows(ReminderRule, QUERIES["reminder_rules"])
    return rules if rules and rules[0].service_id is None else [DEFAULT_RULE, *rules]


async def set_reminder_rule(
    tx: Transaction,
    service_id: UUID | None,
    before_minutes: list[int] | None,
    follow_up_after_minutes: int | None = None,
) -> None:
    """Remind clients of a service (None: of every other) then; None: as for every other. Raises Invalid, NotFound."""
    await tx.run(
        QUERIES["set_reminder_rule"],
        service_id=service_id,
        before_minutes=None if before_minutes is None else sorted(set(before_minutes), reverse=True),
        follow_up_after_minutes=follow_up_after_minutes,
    )


async def list_wordings(tx: Transaction) -> list[Wording]:
    """The words in force, by kind and language."""
    return all_wordings(await tx.rows(Wording, QUERIES["templates"]))


async def set_wording(tx: Transaction, wording: Wording) -> None:
    """Use these words. They are checked and filled in first. Raises Invalid that names part and mistake."""
    check(wording)
    await tx.run(
        QUERIES["set_template"],
        kind=wording.kind,
        language=wording.language,
        subject=wording.subject,
        email=wording.email,
        sms=wording.sms,
    )


async def remove_wording(tx: Transaction, kind: Kind, language: str) -> None:
    """Use the built-in words again."""
    await tx.run(QUERIES["set_template"], kind=kind, language=language, subject=None, email=None, sms=None)


async def preview(
    tx: Transaction,
    kind: Kind,
    *,
    appointment_id: UUID | None = None,
    language: str | None = None,
    wording: Wording | None = None,
) -> Rendered:
    """What the client of this appointment (None: of the next one) would be sent, or would be in these words.

    Raises NotFound where there is no appointment to show it with, Invalid for words that are not sound.
    """
    appointment_id = appointment_id or await tx.value(QUERIES["some_appointment"])
    context = await tx.one(Context, QUERIES["contexts"], ids=[], appointment_id=appointment_id, kind=kind)
    if context is None:
        raise NotFound("There is no appointment to preview this with.")
    if wording is not None:
        return render_wording(wording, context, link=EXAMPLE_LINK, can_reply=True)
    if language is not None and language != context.language:
        own = {(one.kind, one.language): one for one in await list_wordings(tx)}
        return render_wording(
            own.get((kind, language)) or built_in(language)[kind], context, link=EXAMPLE_LINK, can_reply=True
        )
    return render(context, link=EXAMPLE_LINK, can_reply=True)


async def preview_message(tx: Transaction, message_id: UUID) -> Rendered:
    """One message as it would go out now: for one that was not sent yet, or whose words are forgotten by now.

    What was sent is in the message itself, as it was sent. Raises NotFound.
    """
    context = await tx.one(Context, QUERIES["contexts"], ids=[message_id], appointment_id=None, kind=None)
    if context is None:
        raise NotFound("There is no such message.")
    return render(context, link=EXAMPLE_LINK, can_reply=True)


async def set_preference(tx: Transaction, client_id: UUID, channel: Channel, *, allowed: bool, source: str) -> None:
    """A client's word about a channel, for everybody at the same address. Raises NotFound."""
    await tx.run(QUERIES["set_preference"], client_id=client_id, channel=channel, allowed=allowed, source=source)


async def takes_messages(tx: Transaction, client_id: UUID, channel: Channel) -> bool:
    """Whether the client takes messages by this channel. Raises NotFound."""
    allowed = await tx.value(QUERIES["preference"], client_id=client_id, channel=channel)
    if allowed is None:
        raise NotFound("There is no such client.")
    return bool(allowed)


async def set_client_language(tx: Transaction, client_id: UUID, language: str | None) -> None:
    """Write to the client in this language; None: in the organization's. Raises NotFound, Invalid."""
    if language is not None and len(language) != 2:
        raise Invalid("A language is a two-letter code such as en or es.", field="language")
    await tx.run(QUERIES["set_client_language"], client_id=client_id, language=language)
