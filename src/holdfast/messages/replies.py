"""What clients answer by text, and what it does.

The carrier answers STOP, START and HELP by itself (and has opted the client out by then), so they get no second answer
from us; the words are theirs, which is why nobody is asked to reply CANCEL or YES. A YES that answers an offer is
understood all the same.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final, Literal, TypeVar
from uuid import UUID

import structlog

from holdfast.booking import service as booking
from holdfast.db.queries import load_queries
from holdfast.db.transact import Caller, Record, Transaction
from holdfast.errors import HoldfastError, OfferEnded
from holdfast.ids import public_id
from holdfast.messages.templates import answers
from holdfast.waitlist import service as waitlist

T = TypeVar("T")
QUERIES: Final = load_queries("holdfast.messages")

# Twilio's words on a long number, and those that regulators name.
STOP: Final = frozenset(
    {"stop", "stopall", "unsubscribe", "cancel", "end", "quit", "revoke", "optout", "opt out", "alto"}
)
START: Final = frozenset({"start", "yes", "unstop"})
HELP: Final = frozenset({"help", "info"})
CONFIRM: Final = frozenset({"c"})
CANCEL: Final = frozenset({"x"})
ACCEPT: Final = frozenset({"y", "yes", "s", "si", "sí"})
DECLINE: Final = frozenset({"n", "no"})

Meaning = Literal["stop", "start", "help", "confirm", "cancel", "unknown"]

logger = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class _VisitTexted:
    organization_id: UUID
    message_id: UUID
    appointment_id: UUID
    revision: int
    client_id: UUID


@dataclass(frozen=True, slots=True)
class _OfferTexted:
    organization_id: UUID
    message_id: UUID
    offer_id: UUID
    state: str
    client_id: UUID


def meaning(text: str) -> Meaning:
    """What a text means; case, spaces and a full stop aside."""
    word = _word(text)
    meanings: tuple[tuple[frozenset[str], Meaning], ...] = (
        (STOP, "stop"), (START, "start"), (HELP, "help"), (CONFIRM, "confirm"), (CANCEL, "cancel"),
    )  # fmt: skip
    return next((means for words, means in meanings if word in words), "unknown")


def _word(text: str) -> str:
    return " ".join(text.lower().strip(" .!\t\r\n").split())


async def receive(record: Record, phone: str, text: str, *, taken_for: str | None = None) -> str | None:
    """Do what a text from ``phone`` (E.164) says; the answer to send back, None for none.

    ``taken_for``: the word that the carrier took it for, when it answers STOP, START or HELP itself. STOP and START
    hold for every organization on this line. Yes and no are about the one open offer that this number was texted;
    C and X about the one visit to come. Where there is none, or more than one, nothing is done and the answer says so.
    """
    means = meaning(taken_for or text)
    if means in ("stop", "start"):
        allowed = means == "start"
        await record.unscoped(
            lambda tx: tx.value(QUERIES["set_text_preference"], phone=phone, allowed=allowed, source="reply")
        )
    if means in ("stop", "help"):
        return None
    language = await record.unscoped(lambda tx: tx.value(QUERIES["text_language"], phone=phone)) or "en"
    if (word := _word(text)) in ACCEPT | DECLINE:
        offers = await record.unscoped(lambda tx: tx.rows(_OfferTexted, QUERIES["offers_texted"], phone=phone))
        if offers:
            return answers(language)[await _answer_offer(record, offers, yes=word in ACCEPT)]
    if means == "start":
        return None
    if means == "unknown":
        return answers(language)["unread"]
    visits = await record.unscoped(lambda tx: tx.rows(_VisitTexted, QUERIES["visits_texted"], phone=phone))
    if len(visits) != 1:
        return answers(language)["which_visit"]
    said = await (_confirm if means == "confirm" else _cancel)(record, visits[0])
    return said and answers(language)[said]


async def _confirm(record: Record, visit: _VisitTexted) -> str:
    await _as_client(record, visit, lambda tx: tx.run(QUERIES["answer"], message_id=visit.message_id, answer="confirm"))
    return "confirmed"


async def _cancel(record: Record, visit: _VisitTexted) -> str | None:
    async def work(tx: Transaction) -> None:
        await tx.run(QUERIES["answer"], message_id=visit.message_id, answer="cancel")
        # the revision they were read at: a visit moved meanwhile is not the one they were told of
        await booking.cancel(tx, visit.appointment_id, revision=visit.revision, reason="The client cancelled by text.")

    try:
        await _as_client(record, visit, work)
    except HoldfastError as error:
        logger.info("text_cancel_refused", reason=error.code)
        return "not_cancelled"
    return None  # the cancellation is told like every other


async def _answer_offer(record: Record, offers: list[_OfferTexted], *, yes: bool) -> str:
    """What to say: to the one that is open; where none is, what became of the last one. Open ones come first."""
    still_open = [offer for offer in offers if offer.state == "open"]
    if len(still_open) > 1:
        return "which_offer"
    offer = offers[0]

    async def work(tx: Transaction) -> str:
        if not yes:
            ended = await waitlist.decline(tx, offer.offer_id)
            if ended.state != "declined" or offer.state != "open":
                return f"offer_{ended.state}"
        else:
            await waitlist.accept(tx, offer.offer_id)
        await tx.run(QUERIES["answer"], message_id=offer.message_id, answer="accept" if yes else "decline")
        return "accepted" if yes else "declined"

    try:
        return await _as_client(record, offer, work)
    except OfferEnded as ended:
        return f"offer_{ended.facts['state']}"
    except HoldfastError as error:
        logger.info("text_accept_refused", reason=error.code)
        return "not_accepted"


async def _as_client(
    record: Record, about: _VisitTexted | _OfferTexted, work: Callable[[Transaction], Awaitable[T]]
) -> T:
    caller = Caller(about.organization_id, public_id("client", about.client_id), "phone")
    return await record.transact(caller, work)
