"""What clients answer by text, and what it does.

The carrier answers STOP, START and HELP by itself (and has opted the client out by then), so they get no second answer
from us; the words are theirs, which is why nobody is asked to reply CANCEL or YES. A YES that answers an offer is
understood all the same.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal, TypeVar
from uuid import UUID

import structlog

from holdfast.booking import service as booking
from holdfast.booking import visits as visits_of
from holdfast.db.queries import load_queries
from holdfast.db.transact import Caller, Record, Transaction
from holdfast.errors import HoldfastError, OfferEnded
from holdfast.ids import public_id
from holdfast.messages.templates import answers, when_of
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

# Two texts so close to each other cannot be told apart by what comes back.
AT_THE_SAME_TIME: Final = timedelta(minutes=10)
CANCELLED: Final = "The client cancelled by text."

Meaning = Literal["stop", "start", "help", "confirm", "cancel", "unknown"]

logger = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class _VisitTexted:
    """``told_starts``: when it begins, part by part, as the last text about it said; ``now_starts``: as it stands."""

    organization_id: UUID
    message_id: UUID
    appointment_id: UUID
    visit_id: UUID | None
    client_id: UUID
    texted_at: datetime
    told_starts: list[datetime] | None
    now_starts: list[datetime] | None
    stands: bool
    revision: int
    time_zone: str


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


async def receive(
    record: Record, phone: str, text: str, *, taken_for: str | None = None, provider_id: str | None = None
) -> str | None:
    """Do what a text from ``phone`` (E.164) says; the answer to send back, None for none.

    ``provider_id``: the carrier's name for the text, which it may hand over twice; the second time gets the first one's
    answer, and nothing is done. ``taken_for``: the word that the carrier took it for, when it answers STOP, START or
    HELP itself. STOP and START hold for every organization on this line. Yes and no are about the one open offer that
    this number was texted; C and X about the visit of the last text. Where that is not clear, or the visit has moved
    since, nothing is done and the answer says so.
    """
    if provider_id is None:
        return await _read(record, phone, text, taken_for)
    taken = (await record.unscoped(lambda tx: tx.records(QUERIES["take_text"], provider_id=provider_id)))[0]
    if not taken["fresh"]:
        return taken["answer"] and str(taken["answer"])
    try:
        said = await _read(record, phone, text, taken_for)
    except Exception:
        await record.unscoped(lambda tx: tx.run(QUERIES["release_text"], provider_id=provider_id))
        raise
    await record.unscoped(lambda tx: tx.run(QUERIES["answer_text"], provider_id=provider_id, answer=said))
    return said


async def _read(record: Record, phone: str, text: str, taken_for: str | None) -> str | None:
    means, word = meaning(taken_for or text), _word(text)
    if means == "stop":
        await _set_preference(record, phone, allowed=False)
    if means in ("stop", "help"):
        return None
    language = await record.unscoped(lambda tx: tx.value(QUERIES["text_language"], phone=phone)) or "en"
    offers: list[_OfferTexted] = []
    if word in ACCEPT | DECLINE:
        offers = await record.unscoped(lambda tx: tx.rows(_OfferTexted, QUERIES["offers_texted"], phone=phone))
    if means == "start" and (taken_for or not offers):
        # a YES that answers an offer opts nobody in, unless the carrier says that it took it so
        await _set_preference(record, phone, allowed=True)
    if offers:
        return answers(language)[await _answer_offer(record, offers, yes=word in ACCEPT)]
    if means == "start":
        return None
    if means == "unknown":
        return answers(language)["unread"]
    return await _about_visit(record, phone, language, means, word)


async def _about_visit(record: Record, phone: str, language: str, means: Meaning, word: str) -> str | None:
    visits = await record.unscoped(lambda tx: tx.rows(_VisitTexted, QUERIES["visits_texted"], phone=phone))
    visit = _meant(visits)
    if visit is None:
        return answers(language)["which_visit"]
    if visit.told_starts != visit.now_starts:
        return await _moved(record, visit, language, word)
    said = await (_confirm if means == "confirm" else _cancel)(record, visit)
    return said and answers(language)[said]


async def _set_preference(record: Record, phone: str, *, allowed: bool) -> None:
    await record.unscoped(
        lambda tx: tx.value(QUERIES["set_text_preference"], phone=phone, allowed=allowed, source="reply")
    )


def _meant(visits: Sequence[_VisitTexted]) -> _VisitTexted | None:
    """The visit of the last text; None when it does not take place, or another was texted about at the same time."""
    if not visits or not visits[0].stands or visits[0].told_starts is None:
        return None
    last, *others = visits
    if any(other.stands and last.texted_at - other.texted_at < AT_THE_SAME_TIME for other in others):
        return None
    return last


async def _moved(record: Record, visit: _VisitTexted, language: str, word: str) -> str:
    """They answer what they were told, and it is not so any more: say how it is, and let them answer that."""
    starts = visit.now_starts or []
    await _as_client(record, visit, lambda tx: tx.run(QUERIES["tell_anew"], message_id=visit.message_id, starts=starts))
    now = when_of(starts[0], visit.time_zone, language)
    return answers(language)["moved"].format(when=now, word=word.upper())


async def _confirm(record: Record, visit: _VisitTexted) -> str:
    await _as_client(record, visit, lambda tx: tx.run(QUERIES["answer"], message_id=visit.message_id, answer="confirm"))
    return "confirmed"


async def _cancel(record: Record, visit: _VisitTexted) -> str | None:
    async def work(tx: Transaction) -> None:
        await tx.run(QUERIES["answer"], message_id=visit.message_id, answer="cancel")
        # at the revision that was compared with what they were told: one that moves meanwhile is not meant
        if visit.visit_id is not None:
            await visits_of.cancel_visit(tx, visit.visit_id, revision=visit.revision, reason=CANCELLED)
        else:
            await booking.cancel(tx, visit.appointment_id, revision=visit.revision, reason=CANCELLED)

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
