"""From events to what is owed: reads each appointment as it is now, plans, and makes the record agree."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from holdfast.db.queries import load_queries
from holdfast.db.transact import Caller, Record
from holdfast.messages.model import NOTICES, Notice, Owed, PlanFacts
from holdfast.messages.plan import plan

QUERIES: Final = load_queries("holdfast.messages")
PAGE: Final = 500


@dataclass(frozen=True, slots=True)
class _Told:
    id: int
    type: str
    appointment_id: UUID
    revision: int
    at: datetime
    surface: str


class Planner:
    """Plans one organization's messages. ``record`` reads as the application, ``back_record`` writes as the worker."""

    def __init__(self, record: Record, back_record: Record, organization_id: UUID) -> None:
        self._record = record
        self._back_record = back_record
        self._caller = Caller(organization_id, "system", "system")

    async def plan_events(self, event_ids: Sequence[int]) -> None:
        """Plan for the appointments that these events are about. Doing so again changes nothing."""
        notices: dict[UUID, list[Notice]] = {}
        for told in await self._record.transact(
            self._caller, lambda tx: tx.rows(_Told, QUERIES["notices"], event_ids=list(event_ids))
        ):
            # an appointment that took another step is planned anew, too
            of_appointment = notices.setdefault(told.appointment_id, [])
            if told.type in NOTICES:
                of_appointment.append(Notice(told.type, told.revision, told.at, told.surface))
        ids = list(notices)
        for start in range(0, len(ids), PAGE):
            page = await self._facts(ids[start : start + PAGE])
            await self._write((facts.id, plan(facts, notices[facts.id])) for facts in page)

    async def plan_offers(self, event_ids: Sequence[int]) -> None:
        """Owe the offers that these events made, and withdraw those that they ended. Doing so again changes nothing."""
        await self._back_record.transact(
            self._caller, lambda tx: tx.run(QUERIES["plan_offers"], event_ids=list(event_ids))
        )

    async def plan_all(self) -> None:
        """Plan every visit to come anew, after the rules changed."""
        after: tuple[datetime, UUID] | None = None
        while page := await self._facts(None, after):
            await self._write((facts.id, plan(facts)) for facts in page)
            after = (page[-1].starts_at, page[-1].id)

    async def _facts(self, ids: list[UUID] | None, after: tuple[datetime, UUID] | None = None) -> list[PlanFacts]:
        after_at, after_id = after or (None, None)
        return await self._record.transact(
            self._caller,
            lambda tx: tx.rows(PlanFacts, QUERIES["facts"], ids=ids, after_at=after_at, after_id=after_id, limit=PAGE),
        )

    async def _write(self, owed: Iterable[tuple[UUID, Sequence[Owed]]]) -> None:
        plans = json.dumps([{"appointment_id": str(id), "plan": [_as_json(one) for one in each]} for id, each in owed])
        await self._back_record.transact(self._caller, lambda tx: tx.run(QUERIES["plan"], plans=plans))


def _as_json(owed: Owed) -> dict[str, object]:
    return {
        "kind": owed.kind,
        "lead_minutes": owed.lead_minutes,
        "occasion": owed.occasion,
        "due_at": owed.due_at.isoformat(),
    }
