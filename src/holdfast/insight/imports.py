"""Take a calendar file into the record as busy times: plan by reading, then carry out in small transactions.

Safe to run twice and safe to interrupt: what is known already is left alone, so a second run finishes the first.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, TypeVar
from uuid import UUID

from holdfast.booking import outside
from holdfast.catalog.service import get_resource
from holdfast.db.transact import Caller, Record, Transaction
from holdfast.errors import StateRefused
from holdfast.insight.calendar_events import WHOLE, Event, Window
from holdfast.insight.import_plan import (
    END,
    FIRST,
    Occurrence,
    ResourcePlan,
    events_by_resource,
    occurrences,
    plan_resource,
    slugs_of,
)

BATCH: Final = 100  # locks on the resource are held for some 100 ms, so that a desk does not notice

T = TypeVar("T")
Progress = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class Wish:
    """What is asked of an import. ``source`` names the calendar: under the same name its events are found again."""

    source: str
    resource: str | None = None
    mapping: Mapping[str, str] = field(default_factory=dict)
    window: Window = WHOLE
    all_day: bool = True
    remove_missing: bool = False


@dataclass(frozen=True, slots=True)
class ImportPlan:
    """What an import would do, or did. ``changes`` counts what has to be written."""

    source: str
    resources: list[ResourcePlan]
    left_out: Counter[str]
    remove_missing: bool

    @property
    def changes(self) -> int:
        return sum(
            len(each.added) + len(each.moved) + (len(each.missing) if self.remove_missing else 0)
            for each in self.resources
        )


async def plan_import(record: Record, caller: Caller, events: Sequence[Event], wish: Wish) -> ImportPlan:
    """Compare the file with the record; writes nothing.

    Raises Invalid for names that are mapped to nothing, NotFound for no such resource, StateRefused for a retired one.
    """
    named, left_out = events_by_resource(events, all_day=wish.all_day)
    slugs = slugs_of(named, wish.resource, wish.mapping)
    of_resource: dict[str, list[Event]] = {}
    for name, found in named.items():
        if slugs[name]:
            of_resource.setdefault(slugs[name], []).extend(found)
        else:
            left_out[f"of {name!r}"] += len(found)

    async def work(tx: Transaction) -> list[ResourcePlan]:
        for slug in filter(None, {wish.resource, *wish.mapping.values()} - of_resource.keys()):
            await get_resource(tx, slug)  # a misspelled name is told also when the file has nothing for it
        return [await _plan(tx, slug, occurrences(of_resource[slug]), wish) for slug in sorted(of_resource)]

    return ImportPlan(wish.source, await record.transact(caller, work), left_out, wish.remove_missing)


async def carry_out(record: Record, caller: Caller, plan: ImportPlan, progress: Progress = lambda _: None) -> int:
    """Bring a plan into force; how many collisions were found. ``progress`` hears how many changes were made."""
    collisions = 0
    for each in plan.resources:
        missing = [busy.id for busy in each.missing] if plan.remove_missing else []
        for going in _batches(missing):
            collisions += await _write(record, caller, plan.source, each.resource_id, going, [])
            progress(len(going))
        # What moves is taken back and put down in one transaction: nobody can be booked in between, and two that swap
        # their times never meet.
        if gone := [busy.id for busy, _ in each.moved]:
            arrived = [now for _, now in each.moved]
            collisions += await _write(record, caller, plan.source, each.resource_id, gone, arrived)
            progress(len(gone))
        for coming in _batches(each.added):
            collisions += await _write(record, caller, plan.source, each.resource_id, [], coming)
            progress(len(coming))
    return collisions


def _batches(every: Sequence[T]) -> Iterator[Sequence[T]]:
    return (every[start : start + BATCH] for start in range(0, len(every), BATCH))


async def _plan(tx: Transaction, slug: str, wanted: Sequence[Occurrence], wish: Wish) -> ResourcePlan:
    resource = await get_resource(tx, slug)
    if resource.retired_at is not None:
        raise StateRefused(f"The resource {slug!r} was retired.")
    known = await outside.list_busy(tx, resource.id, source=wish.source, from_at=FIRST, to_at=END)
    taken = await outside.list_taken(tx, resource.id, other_than=wish.source, from_at=FIRST, to_at=END)
    return plan_resource(
        resource.id,
        slug,
        wanted,
        known,
        taken,
        units=resource.capacity,
        window=wish.window,
        remove=wish.remove_missing,
    )


async def _write(
    record: Record, caller: Caller, source: str, resource_id: UUID, gone: Sequence[UUID], found: Sequence[Occurrence]
) -> int:
    async def work(tx: Transaction) -> int:
        for id in gone:
            await outside.remove_busy(tx, id)
        told = [
            await outside.record_busy(
                tx, resource_id, source=source, external_id=each.external_id, start=each.start, end=each.end
            )
            for each in found
        ]
        return sum(each.collisions for each in told)

    return await record.transact(caller, work)
