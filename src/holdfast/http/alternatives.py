"""What a refusal offers instead. Those who lose the same slot at the same moment share one search."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from holdfast.availability.permit import Wanted
from holdfast.availability.service import WantedVisit, alternatives
from holdfast.availability.snapshot import current_catalog
from holdfast.availability.together import WantedTogether
from holdfast.booking.instead import wanted_again
from holdfast.booking.model import HeldBefore
from holdfast.db.transact import Caller, Record, Transaction
from holdfast.http.slot_shapes import SlotShape

Refused = Wanted | WantedVisit | WantedTogether | HeldBefore
Slots = list[Mapping[str, Any]]


class Alternatives:
    """Finds alternatives on a record. A stampede on one slot costs one search, not one for each who lost."""

    def __init__(self, record: Record) -> None:
        self._record = record
        self._under_way: dict[object, asyncio.Task[Slots]] = {}

    async def find(self, caller: Caller, wanted: Refused) -> Slots:
        """Up to three slots, nearest first, on the location's clock. Raises what a search raises."""
        key = (caller.organization_id, caller.surface, repr(wanted))
        search = self._under_way.get(key)
        if search is None:
            search = asyncio.create_task(self._search(caller, wanted))
            self._under_way[key] = search
            search.add_done_callback(lambda _: self._under_way.pop(key, None))
        # shielded: the one who asked first may hang up while others wait
        return await asyncio.shield(search)

    async def _search(self, caller: Caller, refused: Refused) -> Slots:
        async def work(tx: Transaction) -> Slots:
            wanted = await wanted_again(tx, refused) if isinstance(refused, HeldBefore) else refused
            location_id = str(wanted.location_id)
            zone = (await current_catalog(tx)).locations[location_id].zone
            shapes = [SlotShape.of(location_id, slot, zone) for slot in await alternatives(tx, wanted)]
            return [shape.model_dump(mode="json", exclude={"location"}, exclude_none=True) for shape in shapes]

        return await self._record.transact(caller, work)
