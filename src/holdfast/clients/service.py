"""The people who book: found as they are typed, added, changed. Every function takes its caller's open Transaction.

Phone numbers are E.164, e-mail addresses lower case. What is searched for is somebody's data: it belongs in the body of
a request and nowhere else.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from holdfast.db.queries import load_queries
from holdfast.db.transact import Transaction
from holdfast.errors import NotFound

QUERIES: Final = load_queries("holdfast.clients")


@dataclass(frozen=True, slots=True)
class Client:
    """``near_at`` is the start of their last visit, past or to come; ``revision`` goes up with every change."""

    id: UUID
    name: str
    email: str | None
    phone: str | None
    language: str | None
    revision: int
    created_at: datetime
    near_at: datetime | None


async def find_clients(tx: Transaction, text: str, *, limit: int) -> list[Client]:
    """Up to ``limit`` clients that what was typed fits: beginnings of names, of an e-mail address, any end of a phone
    number. Accents and case do not count; of several words each must fit. Whoever comes or came last is first.
    """
    return await tx.rows(Client, QUERIES["find"], text=text, limit=limit)


async def list_clients(tx: Transaction, *, limit: int, before: tuple[datetime, UUID] | None = None) -> list[Client]:
    """Up to ``limit`` clients, the latest to join first, after the last of the page before (``created_at``, id)."""
    at, id = before or (None, None)
    return await tx.rows(Client, QUERIES["clients"], id=None, before_at=at, before_id=id, limit=limit)


async def get_client(tx: Transaction, client_id: UUID) -> Client:
    """One client. Raises NotFound."""
    client = await tx.one(Client, QUERIES["clients"], id=client_id, before_at=None, before_id=None, limit=1)
    if client is None:
        raise NotFound("There is no such client.")
    return client


async def add_client(tx: Transaction, name: str, *, email: str | None, phone: str | None) -> UUID:
    """Add somebody; whoever has this name at this address already is not made twice. Raises Invalid."""
    id: UUID = await tx.value(QUERIES["add"], name=name, email=email, phone=phone)
    return id


async def change_client(
    tx: Transaction, client_id: UUID, *, revision: int, name: str, email: str | None, phone: str | None
) -> None:
    """Replace name and contact. Raises RevisionMismatch when somebody did so since ``revision``, NotFound, Invalid."""
    await tx.run(QUERIES["change"], client_id=client_id, revision=revision, name=name, email=email, phone=phone)
