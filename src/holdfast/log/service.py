"""Reading the log: the story of one appointment, and everything since a position."""

from __future__ import annotations

import re
from typing import Final
from uuid import UUID

from holdfast.db.queries import load_queries
from holdfast.db.transact import Transaction
from holdfast.errors import Invalid, NotFound
from holdfast.log.events import Event, EventRow, decode

QUERIES: Final = load_queries("holdfast.log")
BEGINNING: Final = "0.0"
_POSITION: Final = re.compile(r"(\d{1,19})\.(\d{1,18})", re.ASCII)


async def history(tx: Transaction, appointment_id: UUID) -> list[Event]:
    """What happened to an appointment, from the first hold to now: who did it, on which surface, when.

    Raises NotFound when there is no such appointment.
    """
    rows = await tx.rows(EventRow, QUERIES["history"], appointment_id=appointment_id)
    if not rows:
        raise NotFound("There is no such appointment.")
    return [decode(row) for row in rows]


async def events_after(tx: Transaction, position: str = BEGINNING, limit: int = 100) -> list[Event]:
    """Up to ``limit`` events after ``position`` (opaque; each event has its own). An empty list: nothing yet.

    A reader that goes on from the last event's position meets each event once and misses none, however long a
    transaction took; an event waits until every transaction that began before its own has ended. The events of one
    appointment come in the order in which they happened. Raises Invalid for what is no position.
    """
    match = _POSITION.fullmatch(position)
    if match is None:
        raise Invalid("This is not a position in the log: use one that came with an event.")
    rows = await tx.rows(EventRow, QUERIES["events_after"], transaction_id=match[1], id=int(match[2]), limit=limit)
    return [decode(row) for row in rows]


async def position_now(tx: Transaction) -> str:
    """Where a reader starts who wants only what is still to come."""
    return str(await tx.value(QUERIES["position_now"]))
