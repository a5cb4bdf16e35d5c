"""What clients answer by text, and what it does.

The carrier answers STOP, START and HELP by itself (and has opted the client out by then), so they get no second answer
from us; the words are theirs, which is why nobody is asked to reply CANCEL or YES.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final, Literal
from uuid import UUID

import structlog

from holdfast.booking import service as booking
from holdfast.db.queries import load_queries
from holdfast.db.transact import Caller, Record, Transaction
from holdfast.errors import HoldfastError
from holdfast.ids import public_id

QUERIES: Final = load_queries("holdfast.messages")

# Twilio's words on a long number, and those that regulators name.
STOP: Final = frozenset(
    {"stop", "stopall", "unsubscribe", "cancel", "end", "quit", "revoke", "optout", "opt out", "alto"}
)
START: Final = frozenset({"start", "yes", "unstop"})
HELP: Final = frozenset({"help", "info"})
CONFIRM: Final = frozenset({"c"})
CANCEL: Final = frozenset({"x"})

Meaning = Literal["stop", "start", "help", "confirm", "cancel", "unknown"]

logger = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class _VisitTexted:
    organization_id: UUID
    message_id: UUID
    appointment_id: UUID
    revision: int
    client_id: UUID


def meaning(text: str) -> Meaning:
    """What a text means; case, spaces and a full stop aside."""
    word = " ".join(text.lower().strip(" .!\t\r\n").split())
    meanings: tuple[tuple[frozenset[str], Meaning], ...] = (
        (STOP, "stop"), (START, "start"), (HELP, "help"), (CONFIRM, "confirm"), (CANCEL, "cancel"),
    )  # fmt: skip
    return next((means for words, means in meanings if word in words), "unknown")


async def receive(record: Record, phone: str, text: str) -> str | None:
    """Do what a text from ``phone`` (E.164) says; the answer to send back, None for none.

    STOP and START hold for every organization on this line. C and X are about the one visit to come that this number
    was sent a text about; where there is none, or more than one, nothing is done and the answer says so.
    """
    means = meaning(text)
    if means in ("stop", "start"):
        allowed = means == "start"
        await record.unscoped(
            lambda tx: tx.value(QUERIES["set_text_preference"], phone=phone, allowed=allowed, source="reply")
        )
        return None
    if means == "help":
        return None
    if means == "unknown":
        return "Nobody reads answers to this number. Please call us."
    visits = await record.unscoped(lambda tx: tx.rows(_VisitTexted, QUERIES["visits_texted"], phone=phone))
    if len(visits) != 1:
        return "We could not tell which appointment you mean. Please call us."
    return await (_confirm if means == "confirm" else _cancel)(record, visits[0])


async def _confirm(record: Record, visit: _VisitTexted) -> str:
    await _as_client(record, visit, lambda tx: tx.run(QUERIES["answer"], message_id=visit.message_id, answer="confirm"))
    return "Thank you. See you then."


async def _cancel(record: Record, visit: _VisitTexted) -> str | None:
    async def work(tx: Transaction) -> None:
        await tx.run(QUERIES["answer"], message_id=visit.message_id, answer="cancel")
        # the revision they were read at: a visit moved meanwhile is not the one they were told of
        await booking.cancel(tx, visit.appointment_id, revision=visit.revision, reason="The client cancelled by text.")

    try:
        await _as_client(record, visit, work)
    except HoldfastError as error:
        logger.info("text_cancel_refused", reason=error.code)
        return "We could not cancel this appointment. Please call us."
    return None  # the cancellation is told like every other


async def _as_client(record: Record, visit: _VisitTexted, work: Callable[[Transaction], Awaitable[None]]) -> None:
    await record.transact(Caller(visit.organization_id, public_id("client", visit.client_id), "phone"), work)
