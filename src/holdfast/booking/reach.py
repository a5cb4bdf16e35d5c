"""What a hold, a block or an outside event touches: when it is, and at which locations somebody could miss it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal
from uuid import UUID

from holdfast.db.queries import load_queries
from holdfast.db.transact import Transaction

QUERIES: Final = load_queries("holdfast.booking")

Holder = Literal["hold", "block", "busy"]


@dataclass(frozen=True, slots=True)
class Reach:
    """``starts_at`` and ``ends_at`` are None where they may change; a provider of two locations is missed at both."""

    starts_at: datetime | None
    ends_at: datetime | None
    location_ids: Sequence[UUID]

    def meets(self, location_id: UUID, start: datetime | None, until: datetime | None) -> bool:
        """Whether somebody who looks at that location, from ``start`` to ``until``, sees a difference."""
        if location_id not in self.location_ids:
            return False
        if self.starts_at is None or self.ends_at is None:
            return True
        return (until is None or self.starts_at < until) and (start is None or start < self.ends_at)


async def reach_of(tx: Transaction, holder: Holder, id: UUID) -> Reach | None:
    """The reach of it, whatever its state; None for what is not there."""
    return await tx.one(Reach, QUERIES[f"reach_of_{holder}"], id=id)
