"""What merging two records of one thing would do, found before it is done.

The command itself is carried out, what it did is read, and everything is taken back: what would move is counted from
the events that it wrote, and what it refuses is what it would refuse.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final, Literal
from uuid import UUID

from holdfast.availability.catalog import Catalog
from holdfast.availability.snapshot import load_catalog
from holdfast.availability.standing import Effect, Reading
from holdfast.booking.affected import AffectedAppointment, standing_visit, try_out
from holdfast.booking.day import DayVisit, Item
from holdfast.booking.model import Appointment
from holdfast.booking.service import QUERIES
from holdfast.catalog.document import CatalogDocument, ResourceEntry, read_document
from holdfast.catalog.model import Resource
from holdfast.catalog.service import list_locations, merge_resources
from holdfast.db.transact import Transaction
from holdfast.errors import ClaimsInTheWay

CLASHES_MAX: Final = 100


@dataclass(frozen=True, slots=True)
class Moved:
    """What goes from one record to the other, in numbers; ``staff`` are the names of whoever signs in as that person.

    ``told_of_both``: outside events that both records have, and that are kept once.
    """

    visits: int
    holds: int
    blocks: int
    busy: int
    told_of_both: int
    staff: list[str]

    @property
    def counts(self) -> dict[str, int]:
        """How many there are by kind, of those of which there are any."""
        counts = {"appointment": self.visits, "hold": self.holds, "block": self.blocks, "busy": self.busy}
        return {kind: count for kind, count in counts.items() if count}


@dataclass(frozen=True, slots=True)
class Joined:
    """What the record that stays has then and has not now, by name; ``time_off`` is a number."""

    pools: list[str]
    locations: list[str]
    has: list[str]
    time_off: int


@dataclass(frozen=True, slots=True)
class Standing:
    """What keeps one of the two from ``starts_at`` to ``ends_at``, buffers included; ``id`` is of its ``kind``.

    ``visit`` is that of an appointment or a hold; ``words``: a block's reason, an outside calendar's name.
    """

    kind: Literal["appointment", "hold", "block", "busy"]
    id: UUID
    resource_id: UUID
    starts_at: datetime
    ends_at: datetime
    time_zone: str
    visit: DayVisit | None
    words: str

    def meets(self, other: Standing) -> bool:
        """Whether they share a moment."""
        return self.starts_at < other.ends_at and other.starts_at < self.ends_at


@dataclass(frozen=True, slots=True)
class Clash:
    """What finds no place on the record that stays, and what it would meet."""

    one: Standing
    others: list[Standing]


@dataclass(frozen=True, slots=True)
class Merge:
    """What would move, and the visits that would lie outside the rules of the record that stays, by start."""

    moved: Moved
    joined: Joined
    affected: list[AffectedAppointment]


@dataclass(frozen=True, slots=True)
class MergeRefused:
    """Why it cannot be done yet: the first of ``count`` clashes, by start."""

    clashes: list[Clash]
    count: int


async def preview_merge(tx: Transaction, goes: Resource, stays: Resource) -> Merge | MergeRefused:
    """What merging ``goes`` into ``stays`` would do. Nothing is changed. Raises Invalid, NotFound, StateRefused."""
    document, catalog = await read_document(tx), await load_catalog(tx)
    before = _effects(catalog, await _visits_of(tx, goes, stays), tx.scene.began_at)

    async def look(tx: Transaction) -> Merge:
        moved = await tx.one(Moved, QUERIES["moved_by_this_transaction"])
        assert moved is not None  # it counts, so there is a row
        joined = _joined(stays.slug, document, await read_document(tx))
        visits = await _visits_of(tx, goes, stays)
        after = _effects(await load_catalog(tx), visits, tx.scene.began_at)
        known = {id: [_of_other(effect, goes, stays) for effect in effects] for id, effects in before.items()}
        return Merge(moved, joined, list(_newly_affected(visits, known, after)))

    try:
        return await try_out(tx, lambda tx: merge_resources(tx, goes.id, stays.id), look)
    except ClaimsInTheWay as refusal:
        return await _refused(tx, refusal, goes, stays)


async def _visits_of(tx: Transaction, goes: Resource, stays: Resource) -> list[Appointment]:
    return await tx.rows(
        Appointment,
        QUERIES["appointments_to_come"],
        location_ids=[],
        service_ids=[],
        resource_ids=[goes.id, stays.id],
    )


def _effects(catalog: Catalog, appointments: Iterable[Appointment], now: datetime) -> dict[UUID, list[Effect]]:
    visits = {each.id: standing_visit(each) for each in appointments}
    reading = Reading(catalog, visits.values(), now)
    return {id: reading.effects(visit) for id, visit in visits.items()}


def _of_other(effect: Effect, goes: Resource, stays: Resource) -> Effect:
    """What was so of the one before is nothing new of the other."""
    return replace(effect, resource=str(stays.id)) if effect.resource == str(goes.id) else effect


def _newly_affected(
    visits: Iterable[Appointment], known: Mapping[UUID, list[Effect]], after: Mapping[UUID, list[Effect]]
) -> Iterable[AffectedAppointment]:
    for visit in sorted(visits, key=lambda each: (each.starts_at, each.id)):
        if new := dict.fromkeys(effect for effect in after[visit.id] if effect not in known.get(visit.id, ())):
            yield AffectedAppointment(visit, tuple(new))


def _joined(slug: str, before: CatalogDocument, after: CatalogDocument) -> Joined:
    was, becomes = before.resources[slug], after.resources[slug]
    pools_before = _pools_of(slug, before)
    return Joined(
        pools=[name for each, name in _pools_of(slug, after).items() if each not in pools_before],
        locations=[after.locations[each].name for each in becomes.locations if each not in was.locations],
        has=[name for name, _ in becomes.has if name not in dict(was.has)],
        time_off=_time_off(becomes) - _time_off(was),
    )


def _pools_of(slug: str, document: CatalogDocument) -> dict[str, str]:
    return {pool.slug: pool.name for pool in document.pools.values() if slug in dict(pool.members)}


def _time_off(entry: ResourceEntry) -> int:
    rules = (entry.rules, *(rules for _, rules in entry.rules_at))
    return sum(dated.kind == "time_off" for each in rules for dated in each.dated)


async def _refused(tx: Transaction, refusal: ClaimsInTheWay, goes: Resource, stays: Resource) -> MergeRefused:
    """What stands in the way, with what it meets: on the other record or, of a thing of several units, beside it."""
    conflicts = sorted(refusal.facts["conflicts"], key=lambda each: datetime.fromisoformat(each["starts_at"]))
    ids = list(dict.fromkeys(UUID(each["id"]) for each in conflicts))
    shown = set(ids[:CLASHES_MAX])
    times = [
        datetime.fromisoformat(each[name])
        for each in conflicts
        for name in ("starts_at", "ends_at")
        if UUID(each["id"]) in shown
    ]
    standing = await _standing_on(tx, (goes, stays), min(times), max(times))
    clashes = [
        Clash(one, [other for other in standing if other.id != one.id and other.meets(one)])
        for one in standing
        if one.resource_id == goes.id and one.id in shown
    ]
    return MergeRefused(clashes, len(ids))


async def _standing_on(
    tx: Transaction, resources: tuple[Resource, ...], from_at: datetime, to_at: datetime
) -> list[Standing]:
    """What keeps these resources in the window, each thing once for each of them, by start."""
    items = await tx.rows(
        Item, QUERIES["day_items"], resource_ids=[each.id for each in resources], from_at=from_at, to_at=to_at
    )
    hold_ids = {item.holder_id for item in items if item.kind == "visit"}
    visits = {each.hold_id: each for each in await tx.rows(DayVisit, QUERIES["day_visits"], hold_ids=list(hold_ids))}
    zones = {each.id: each.time_zone for each in await list_locations(tx, retired=True)}
    own_zones = {each.id: next((zones[id] for id in each.location_ids), "UTC") for each in resources}
    found: dict[tuple[UUID, UUID], Standing] = {}
    for item in items:
        visit = visits.get(item.holder_id)
        zone = zones[visit.location_id] if visit else own_zones[item.resource_id]
        each = _standing(item, visit, zone)
        known = found.get((each.resource_id, each.id), each)
        found[each.resource_id, each.id] = replace(
            known, starts_at=min(known.starts_at, each.starts_at), ends_at=max(known.ends_at, each.ends_at)
        )
    return sorted(found.values(), key=lambda each: (each.starts_at, each.id))


def _standing(item: Item, visit: DayVisit | None, zone: str) -> Standing:
    kind: Literal["appointment", "hold", "block", "busy"]
    id = item.holder_id
    if visit is not None and visit.appointment_id is not None:
        kind, id = "appointment", visit.appointment_id
    else:
        kind = "hold" if visit is not None else "block" if item.kind == "block" else "busy"
    return Standing(kind, id, item.resource_id, item.starts_at, item.ends_at, zone, visit, item.words)
