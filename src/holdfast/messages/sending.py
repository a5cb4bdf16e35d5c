"""Sending what is due: leased, judged at the last moment, rendered, handed to a carrier, written down.

The rows are the truth about what is owed; a job only says "look at this organization". An attempt is counted before it
is made, so a sender that dies in between leaves a message that is due again, marked as maybe sent: a mail is repeated
with the same Message-ID, and for a text the carrier's list is asked first. No transaction is open while a carrier is
waited for.
"""

from __future__ import annotations

import asyncio
import json
import random
import time
import traceback
from collections.abc import AsyncIterator, Awaitable, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass, replace
from typing import Final
from uuid import UUID

import structlog

from holdfast.booking.visitors import VisitTokens
from holdfast.db.queries import load_queries
from holdfast.db.transact import Caller, Record
from holdfast.errors import HoldfastError
from holdfast.log.rush import Rush
from holdfast.messages.carriers import Carrier, Console, MessageSettings, NotSent, Outgoing
from holdfast.messages.invitation import Invitation, invitation
from holdfast.messages.links import PATH, LinkSigner, PreferenceLink
from holdfast.messages.mail import Mailer, sender_address
from holdfast.messages.model import Channel, Context
from holdfast.messages.moment import Postpone, Send, judge
from holdfast.messages.templates import Rendered, render
from holdfast.messages.twilio import Twilio
from holdfast.waitlist import service as waitlist
from holdfast.waitlist.tokens import OfferTokens

QUERIES: Final = load_queries("holdfast.messages")
PAGE: Final = 30  # leased at once: with all carriers hanging, as many as can be tried within the lease
AT_A_TIME: Final = 5
RETRY_AFTER_SECONDS_MAX: Final = 6 * 3600.0
JITTER: Final = 0.2
LINKED: Final = frozenset({"confirmation", "change", "reminder", "link"})
CONSOLE_ADDRESS: Final = "messages@localhost"
BROKEN: Final = "This message could not be made or handed over, and the log says where: call the client."

logger = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class _Lease:
    id: UUID
    attempts: int
    late: bool


@dataclass(frozen=True, slots=True)
class _Outcome:
    """How an attempt went, as the record takes it; see settle_messages()."""

    id: UUID
    outcome: str
    reason: str | None = None
    channel: Channel | None = None
    provider_id: str | None = None
    subject: str | None = None
    body: str | None = None
    retry_in_seconds: float | None = None
    told_starts: Sequence[str] | None = None  # of a text that an answer can mean


class MessageSender:
    """Works through what an organization owes. ``record`` reads as the application, ``back_record`` keeps the books."""

    def __init__(
        self,
        record: Record,
        back_record: Record,
        settings: MessageSettings,
        carriers: Mapping[Channel, Carrier],
        secret: bytes,
        rush: Rush | None = None,
    ) -> None:
        self._rush = rush or Rush()
        self._record = record
        self._back_record = back_record
        self._settings = settings
        self._carriers = carriers
        self._links = LinkSigner(secret)
        self._visit_tokens, self._offer_tokens = VisitTokens(secret), OfferTokens(secret)
        self._address = sender_address(settings.mail_from) if settings.mail_from else CONSOLE_ADDRESS

    @property
    def channels(self) -> Collection[Channel]:
        """The channels that are set up."""
        return self._carriers.keys()

    async def send_due(self, organization_id: UUID) -> bool:
        """Attempt what is due there now, page by page, as long as a turn lasts; whether more may be due."""
        caller, gate = Caller(organization_id, "system", "system"), asyncio.Semaphore(AT_A_TIME)
        ends_at = time.monotonic() + self._settings.turn_seconds
        while leases := await self._lease(caller):
            await self._attend(gate, caller, {lease.id: lease for lease in leases})
            if time.monotonic() >= ends_at:
                return True
        return False

    async def _lease(self, caller: Caller) -> list[_Lease]:
        return await self._back_record.transact(
            caller,
            lambda tx: tx.rows(_Lease, QUERIES["lease"], limit=PAGE, lease_seconds=self._settings.lease_seconds),
        )

    async def _attend(self, gate: asyncio.Semaphore, caller: Caller, leases: Mapping[UUID, _Lease]) -> None:
        """Send what makes sense now, several at a time; the rest is written down at once.

        All of them end by themselves, whatever becomes of one: a message cut off while its carrier has it would go out
        twice.
        """
        idle: list[_Outcome] = []
        sending: list[Awaitable[None]] = []
        unsent: list[Context] = []
        for context in await self._contexts(caller, list(leases)):
            decision = judge(context, self._carriers.keys())
            if isinstance(decision, Send):
                sending.append(self._send(gate, caller, leases[context.id], context, decision))
            elif isinstance(decision, Postpone):
                wait = max(1.0, (decision.until - context.now).total_seconds())
                idle.append(_Outcome(context.id, "postponed", "It is quiet there now.", retry_in_seconds=wait))
            else:
                idle.append(_Outcome(context.id, "skipped", decision.reason))
                unsent.append(context)
        ended = await asyncio.gather(self._settle_unsent(caller, idle, unsent), *sending, return_exceptions=True)
        if error := next((one for one in ended if isinstance(one, BaseException)), None):
            raise error  # the books could not be kept: what was left open is due again after its lease

    async def _contexts(self, caller: Caller, ids: list[UUID]) -> list[Context]:
        return await self._record.transact(
            caller, lambda tx: tx.rows(Context, QUERIES["contexts"], ids=ids, appointment_id=None, kind=None)
        )

    async def _send(self, gate: asyncio.Semaphore, caller: Caller, lease: _Lease, context: Context, send: Send) -> None:
        async with gate:
            begun = time.monotonic()
            try:
                outcome = await self._attempt(caller, lease, context, send)
            except HoldfastError:  # our own record did not answer: nothing is wrong with the message
                raise
            except Exception as error:
                # the kind of mistake and where it was made; its words may have the client's data
                logger.error("message_broken", kind=context.kind, error=type(error).__name__, at=_place_of(error))
                outcome = _Outcome(lease.id, "failed", BROKEN, send.channel)
            await self._settle(caller, [outcome])
            await self._rush.let_pass(time.monotonic() - begun)
        if outcome.outcome == "failed" and outcome.retry_in_seconds is None:
            await self._give_up_telling(caller, context)

    async def _settle_unsent(self, caller: Caller, idle: Sequence[_Outcome], unsent: Sequence[Context]) -> None:
        await self._settle(caller, idle)
        for context in unsent:
            await self._give_up_telling(caller, context)

    async def _give_up_telling(self, caller: Caller, context: Context) -> None:
        """Nobody keeps a time for somebody who will not hear of it. Where no channel is set up, the desk tells them."""
        offer_id = context.offer_id
        if offer_id is not None and not self._carriers.keys().isdisjoint(context.channels):
            await self._record.transact(caller, lambda tx: waitlist.give_up_telling(tx, offer_id))

    async def _attempt(self, caller: Caller, lease: _Lease, context: Context, send: Send) -> _Outcome:
        link = await self._link(caller, context)
        outgoing, rendered = self._outgoing(caller.organization_id, lease, context, send, link)
        try:
            provider_id = await self._carriers[send.channel].send(outgoing)
        except NotSent as error:
            if error.refused:
                await self._note_refusal(caller, context)
            retry = self._retry_in(lease.attempts, error)
            return _Outcome(lease.id, "failed", str(error), send.channel, retry_in_seconds=retry)
        # Where nothing leaves, the page that shows what was sent is the client's mailbox too.
        words = rendered if self._settings.console else _without_token(rendered, link)
        is_mail = send.channel == "email"
        return _Outcome(
            lease.id,
            "sent",
            channel=send.channel,
            provider_id=provider_id,
            subject=words.subject if is_mail else None,
            body=words.text if is_mail else words.sms,
            told_starts=None if is_mail else _told_starts(context),
        )

    def _outgoing(
        self, organization_id: UUID, lease: _Lease, context: Context, send: Send, link: str
    ) -> tuple[Outgoing, Rendered]:
        unsubscribe_url = self._preferences_url(organization_id, context, send.channel)
        rendered = render(
            context,
            link=link,
            preferences_url=unsubscribe_url,
            # nobody is asked for an answer that could not be understood
            can_reply=self._settings.twilio_from is not None
            and self._settings.public_url is not None
            and context.is_one_visit,
        )
        mail = send.channel == "email"
        outgoing = Outgoing(
            key=context.key,
            to=send.to,
            sender_name=context.organization_name,
            reply_to=context.reply_to,
            subject=rendered.subject,
            text=rendered.text if mail else rendered.sms,
            html=rendered.html,
            invitation=self._invitation(context, send.to) if mail else None,
            unsubscribe_url=unsubscribe_url,
            due_at=context.due_at,
            maybe_sent=lease.attempts > 1 or lease.late,
        )
        return outgoing, rendered

    async def _link(self, caller: Caller, context: Context) -> str:
        """Where the client answers the offer, or sees to the visit; the same for every attempt, until links end."""
        if self._settings.public_url is None:
            return ""
        base = self._settings.public_url.rstrip("/")
        if context.offer_id is not None:
            return f"{base}/o/{self._offer_tokens.token(context.offer_id)}"
        appointment_id = context.appointment_id
        if context.kind not in LINKED or appointment_id is None:
            return ""
        token = await self._record.transact(caller, lambda tx: self._visit_tokens.issue(tx, appointment_id))
        return f"{base}/v/{token}"

    def _preferences_url(self, organization_id: UUID, context: Context, channel: Channel) -> str | None:
        if self._settings.public_url is None:
            return None
        token = self._links.token(PreferenceLink(organization_id, context.client_id, channel))
        return self._settings.public_url.rstrip("/") + PATH + token

    def _invitation(self, context: Context, attendee: str) -> Invitation | None:
        if context.kind in ("follow_up", "waitlist_offer", "link"):
            return None
        whole = context.visit_id is not None
        gone = context.visit_starts_at is None if whole else context.kind == "cancellation"
        return invitation(
            method="CANCEL" if gone else "REQUEST",
            # the parts of a visit are one event: a part that moves or goes changes it
            uid=str(context.visit_id or context.appointment_id),
            sequence=context.visit_revision or 0 if whole else context.revision,
            at=context.due_at,
            starts_at=context.visit_starts_at or context.starts_at if whole else context.starts_at,
            ends_at=context.visit_ends_at or context.ends_at if whole else context.ends_at,
            summary=context.service_name if context.say_service else context.organization_name,
            location=", ".join(filter(None, (context.location_name, context.address))),
            organizer=(context.organization_name, self._address),
            attendee=attendee,
        )

    async def _note_refusal(self, caller: Caller, context: Context) -> None:
        await self._record.transact(
            caller,
            lambda tx: tx.run(
                QUERIES["set_preference"], client_id=context.client_id, channel="sms", allowed=False, source="carrier"
            ),
        )

    def _retry_in(self, attempts: int, error: NotSent) -> float | None:
        """Seconds to the next attempt, None for no more. A refused channel gives way at once to the next one."""
        if error.refused:
            return 0.0
        if error.final or attempts > len(self._settings.delays_seconds):
            return None
        delay = self._settings.delays_seconds[attempts - 1] * random.uniform(1 - JITTER, 1 + JITTER)  # noqa: S311
        return max(delay, min(error.retry_after_seconds or 0.0, RETRY_AFTER_SECONDS_MAX))

    async def _settle(self, caller: Caller, outcomes: Sequence[_Outcome]) -> None:
        if outcomes:
            told = json.dumps([asdict(outcome) for outcome in outcomes], default=str)
            await self._back_record.transact(caller, lambda tx: tx.run(QUERIES["settle"], outcomes=told))


def _told_starts(context: Context) -> list[str] | None:
    if context.appointment_id is None or not context.is_one_visit:
        return None
    return [start.isoformat() for start in context.part_starts]


def _place_of(error: Exception) -> str:
    frames = traceback.extract_tb(error.__traceback__)
    return f"{frames[-1].name}:{frames[-1].lineno}" if frames else ""


def _without_token(rendered: Rendered, link: str) -> Rendered:
    """The words as they are kept: whoever reads them later must not be able to act for the client."""
    if not link:
        return rendered
    told = link.rpartition("/")[0] + "/…"
    return replace(rendered, text=rendered.text.replace(link, told), sms=rendered.sms.replace(link, told))


@asynccontextmanager
async def open_sender(
    record: Record, back_record: Record, settings: MessageSettings, secret: bytes, rush: Rush | None = None
) -> AsyncIterator[MessageSender]:
    """A sender with the carriers that the settings name. Raises SetupRefused for settings that cannot be meant."""
    carriers: dict[Channel, Carrier] = {}
    twilio: Twilio | None = None
    if settings.console:
        carriers = {"email": Console(), "sms": Console()}
    else:
        if settings.smtp_url and settings.mail_from:
            carriers["email"] = Mailer(settings.smtp_url, settings.mail_from)
        if settings.twilio_account_sid and settings.twilio_auth_token and settings.twilio_from:
            twilio = Twilio(
                settings.twilio_account_sid,
                settings.twilio_auth_token,
                settings.twilio_from,
                api_url=settings.twilio_api_url,
                public_url=settings.public_url,
            )
            carriers["sms"] = twilio
    try:
        yield MessageSender(record, back_record, settings, carriers, secret, rush)
    finally:
        if twilio is not None:
            await twilio.close()
