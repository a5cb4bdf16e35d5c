"""What a visitor of the booking page may do with their own: their live holds, and the private link to a visit.

A visitor is the keyed hash of a random id in their browser (``Visitor``); a link's token is random, or
derived from the server's secret, and kept as a hash.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from holdfast.booking.model import Hold, Visitor
from holdfast.db.queries import load_queries
from holdfast.db.transact import Caller, Record, Transaction
from holdfast.errors import LinkSpent, NotFound

QUERIES: Final = load_queries("holdfast.booking")
# Long enough for a page to be loaded again on a slow phone, short enough that a closed page keeps nobody waiting.
LEFT_SECONDS: Final = 20


@dataclass(frozen=True, slots=True)
class LinkedVisit:
    """Which visit a private link is to, and where."""

    organization_id: UUID
    organization_slug: str
    appointment_id: UUID


@dataclass(frozen=True, slots=True)
class Suspicion:
    """``level``: from 0, as people are, to 5; ``last_hold_id``: what this visitor held last, in the last minutes."""

    level: int
    last_hold_id: UUID | None


@dataclass(frozen=True, slots=True)
class _Booked:
    id: UUID


@dataclass(frozen=True, slots=True)
class _Generation:
    number: int


async def live_holds(tx: Transaction, visitor: Visitor) -> list[Hold]:
    """What this visitor holds now, the latest first."""
    return await tx.rows(Hold, QUERIES["live_holds_of_visitor"], visitor=visitor.visitor)


async def suspicion(tx: Transaction, visitor: Visitor) -> Suspicion:
    """How far the visitor and their network are beyond what people do.

    Until the end of the transaction no other one of the same visitor is answered, so that a proof is used once.
    """
    seen = await tx.one(Suspicion, QUERIES["suspicion"], visitor=visitor.visitor, network=visitor.network)
    return seen or Suspicion(0, None)


async def own_hold(tx: Transaction, hold_id: UUID, visitor: Visitor) -> Hold:
    """The visitor's hold, whatever its state. Raises NotFound, also for somebody else's."""
    hold = await tx.one(Hold, QUERIES["hold_of_visitor"], hold_id=hold_id, visitor=visitor.visitor)
    if hold is None:
        raise NotFound("There is no such hold in this browser.")
    return hold


async def booked_by(tx: Transaction, hold_id: UUID, visitor: Visitor) -> UUID | None:
    """The appointment that came of the visitor's hold, also when it ran out and they took the same time again."""
    found = await tx.one(_Booked, QUERIES["booked_by_visitor"], hold_id=hold_id, visitor=visitor.visitor)
    return found.id if found else None


async def leave_hold(tx: Transaction, hold_id: UUID) -> None:
    """The page was closed, or is being loaded again: the hold lasts LEFT_SECONDS more. No error when it has ended."""
    await tx.run(QUERIES["leave_hold"], hold_id=hold_id, seconds=LEFT_SECONDS)


async def return_to_hold(tx: Transaction, hold_id: UUID) -> Hold:
    """They are back: the hold has its term again. Raises HoldExpired, HoldNotLive."""
    hold = await tx.one(Hold, QUERIES["return_to_hold"], hold_id=hold_id)
    if hold is None:
        raise NotFound("There is no such hold.")
    return hold


class VisitTokens:
    """The token of the link that messages carry: the appointment's id under the server's secret.

    The record keeps only hashes, so a message could not repeat a random token; one that is derived is the same however
    often the message is tried, and lies in no job and no row.
    """

    def __init__(self, secret: bytes) -> None:
        self._key = hashlib.sha256(b"holdfast visit tokens\0" + secret).digest()

    def token(self, appointment_id: UUID, generation: int = 1) -> str:
        """128 bits in URL-safe base64: short enough for a text, too many to guess. Another for each ``generation``."""
        said = appointment_id.bytes + (generation.to_bytes(4) if generation > 1 else b"")
        digest = hmac.digest(self._key, said, "sha256")[:16]
        return base64.urlsafe_b64encode(digest).decode().rstrip("=")

    async def issue(self, tx: Transaction, appointment_id: UUID) -> str:
        """The token of the link, issued: that of before, unless links were ended meanwhile. Raises NotFound."""
        found = await tx.one(_Generation, QUERIES["visit_link_generation"], appointment_id=appointment_id)
        assert found is not None
        return await issue_link(tx, appointment_id, self.token(appointment_id, found.number))


async def issue_link(tx: Transaction, appointment_id: UUID, token: str | None = None) -> str:
    """The token of a private link, good until 30 days after the visit: a new one, or ``token``.

    Issuing the same one again changes nothing. Raises NotFound.
    """
    token = token or secrets.token_urlsafe(32)
    await tx.run(QUERIES["issue_visit_link"], appointment_id=appointment_id, token_hash=_hash(token))
    return token


async def replace_link(tx: Transaction, appointment_id: UUID) -> str:
    """The token of a new private link; every link to the visit that was issued before is good no more."""
    token = secrets.token_urlsafe(32)
    await tx.run(QUERIES["replace_visit_link"], appointment_id=appointment_id, token_hash=_hash(token))
    return token


async def visit_of_link(record: Record, token: str) -> LinkedVisit:
    """Which visit it is to; looking changes nothing. Raises LinkSpent."""
    found = await record.unscoped(lambda tx: tx.one(LinkedVisit, QUERIES["visit_of_link"], token_hash=_hash(token)))
    if found is None:
        raise LinkSpent("This link has expired, or was not copied whole.")
    return found


async def send_link(record: Record, token: str) -> None:
    """Owe the client of the visit that this is or was a link to a message with a link that is good.

    It goes to the address on record and nowhere else. Asked for too often, or with no link of ours, nothing happens.
    """
    found = await record.unscoped(lambda tx: tx.one(LinkedVisit, QUERIES["visit_of_any_link"], token_hash=_hash(token)))
    if found is None:
        return
    visit = found
    caller = Caller(visit.organization_id, "visitor", "widget")
    await record.transact(caller, lambda tx: tx.run(QUERIES["ask_for_visit_link"], appointment_id=visit.appointment_id))


def _hash(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
