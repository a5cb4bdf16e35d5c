"""What outside calendars say: busy times as they are found over there, and the collisions that they reveal.

An outside event cannot be refused, because it has already happened: the record takes it, claims what is still free of
its time, and notes a collision with everything that stands there already. Functions as in ``booking.service``.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from holdfast.booking.model import Busy, Collision, CollisionFilter, CollisionTold, Cursor, Recorded, Taken
from holdfast.booking.service import QUERIES
from holdfast.db.transact import Transaction
from holdfast.errors import Bug, NotFound


async def record_busy(
    tx: Transaction, resource_id: UUID, *, source: str, external_id: str, start: datetime, end: datetime
) -> Recorded:
    """Take down one occurrence of an event; one that is known by its ``external_id`` and has moved, moves.

    Saying it twice changes nothing. Raises NotFound, StateRefused for a retired resource, Invalid for a time outside
    2000 to 2199.
    """
    recorded = await tx.one(
        Recorded,
        QUERIES["record_busy"],
        resource_id=resource_id,
        source=source,
        external_id=external_id,
        start=start,
        end=end,
    )
    if recorded is None:
        raise Bug
    return recorded


async def remove_busy(tx: Transaction, busy_id: UUID) -> None:
    """The event is gone over there: its time is free, its open collisions are settled."""
    await tx.run(QUERIES["remove_busy"], busy_id=busy_id)


async def list_busy(
    tx: Transaction, resource_id: UUID, *, source: str, from_at: datetime, to_at: datetime
) -> list[Busy]:
    """What a source has said of a resource and not taken back, where it overlaps [from_at, to_at), by start."""
    return await tx.rows(
        Busy, QUERIES["busy_of_source"], resource_id=resource_id, source=source, from_at=from_at, to_at=to_at
    )


async def list_taken(
    tx: Transaction, resource_id: UUID, *, other_than: str, from_at: datetime, to_at: datetime
) -> list[Taken]:
    """Bookings, blocks and what other sources say, where they overlap [from_at, to_at). To look, not to decide by."""
    return await tx.rows(
        Taken, QUERIES["taken_times"], resource_id=resource_id, source=other_than, from_at=from_at, to_at=to_at
    )


async def list_collisions(
    tx: Transaction, wanted: CollisionFilter, *, limit: int, after: Cursor | None = None
) -> list[Collision]:
    """Up to ``limit`` collisions by start, after the cursor."""
    return await _collisions(
        tx,
        is_open=wanted.is_open,
        from_at=wanted.from_at,
        to_at=wanted.to_at,
        resource_id=wanted.resource_id,
        after_at=after and after.at,
        after_id=after and after.id,
        limit=limit,
    )


async def count_collisions(tx: Transaction) -> int:
    """How many wait for a decision."""
    return int(await tx.value(QUERIES["collisions_to_decide"]))


async def tell_collisions(
    tx: Transaction, *, is_open: bool, limit: int, after: Cursor | None = None
) -> list[CollisionTold]:
    """Collisions with names: open ones by start; decided ones, the latest first. ``after``: in that order."""
    return await _told(tx, is_open=is_open, limit=limit, after_at=after and after.at, after_id=after and after.id)


async def tell_collision(tx: Transaction, collision_id: UUID) -> CollisionTold:
    """One collision with names. Raises NotFound."""
    found = await _told(tx, id=collision_id, is_open=True, limit=1)
    if not found:
        raise NotFound("There is no such collision.")
    return found[0]


async def _told(tx: Transaction, **wanted: Any) -> list[CollisionTold]:
    anything = dict.fromkeys(("id", "after_at", "after_id"))
    return await tx.rows(CollisionTold, QUERIES["collisions_in_words"], **(anything | wanted))


async def resolve_collision(tx: Transaction, collision_id: UUID, resolution: str) -> Collision:
    """Note what was decided; the first decision stands. Raises NotFound."""
    await tx.run(QUERIES["resolve_collision"], collision_id=collision_id, resolution=resolution)
    found = await _collisions(tx, id=collision_id, limit=1)
    if not found:
        raise NotFound("There is no such collision.")
    return found[0]


async def _collisions(tx: Transaction, **wanted: Any) -> list[Collision]:
    anything = dict.fromkeys(("id", "is_open", "from_at", "to_at", "resource_id", "after_at", "after_id"))
    return await tx.rows(Collision, QUERIES["collisions"], **(anything | wanted))
