"""The day board's reading of the record: who and what serves at a location, when they are open, what stands on them.

At most four queries whatever the number of resources: where the catalog changed, the catalog and the resources; what
stands on them, and what those visits are. Open time is read by the same rules as every search.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Final
from uuid import UUID

from holdfast import wallclock
from holdfast.availability import bitmap
from holdfast.availability.bitmap import MINUTE, Bits, Window
from holdfast.availability.masks import Masks
from holdfast.availability.model import Snapshot
from holdfast.availability.snapshot import current_catalog
from holdfast.booking.service import QUERIES
from holdfast.db.transact import Transaction
from holdfast.errors import Invalid, NotFound

DAYS_MAX: Final = 7
Times = tuple[tuple[datetime, datetime], ...]


@dataclass(frozen=True, slots=True)
class Sight:
    """What a reader gets to see: one resource's own day, or everybody's; the names of clients or none."""

    resource_id: UUID | None = None
    everybody: bool = True
    names: bool = True


@dataclass(frozen=True, slots=True)
class Item:
    """What stands on a resource: ``kind`` is visit, block or busy, ``holder_id`` the hold, block or busy time.

    From ``starts_at`` to ``ends_at`` it is claimed, in the segment it is worked: the rest are buffers. ``words``: the
    block's reason, the outside calendar's name.
    """

    resource_id: UUID
    kind: str
    holder_id: UUID
    unit_id: UUID | None
    role: str
    starts_at: datetime
    ends_at: datetime
    segment_starts_at: datetime
    segment_ends_at: datetime
    overbook: bool
    words: str


@dataclass(frozen=True, slots=True)
class DayVisit:
    """A hold or an appointment. ``state`` is held or the appointment's; ``expires_at`` is a live hold's.

    ``offer_id``: the time is kept for somebody on the waitlist, who is its client here.
    """

    hold_id: UUID
    location_id: UUID
    starts_at: datetime
    ends_at: datetime
    service_id: UUID
    service_name: str
    expires_at: datetime | None
    surface: str
    overbook_reason: str | None
    appointment_id: UUID | None
    state: str
    revision: int
    confirmation_code: str | None
    client_id: UUID | None
    client_name: str | None
    has_note: bool
    offer_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Column:
    """A resource with the times at which it serves here; ``breaks`` lie between them."""

    id: UUID
    slug: str
    name: str
    kind: str
    capacity: int
    open: Times
    breaks: Times


@dataclass(frozen=True, slots=True)
class Frame:
    """A location before anything stands on it, from ``begins_at`` to ``ends_at``: ``days`` local days from ``first``.

    ``columns`` and ``names`` have every resource, those that were ``retired`` as well. Instants are UTC. It holds for
    one version of the catalog, so whoever looks at a day again and again need not have it read each time.
    """

    catalog_version: int
    location_id: UUID
    time_zone: str
    first: date
    days: int
    begins_at: datetime
    ends_at: datetime
    open: Times
    columns: Sequence[Column]
    retired: frozenset[UUID]
    names: Mapping[UUID, str]


@dataclass(frozen=True, slots=True)
class Board:
    """What stands in a frame at the instant ``as_of``, as much of it as the reader gets to see."""

    frame: Frame
    as_of: datetime
    columns: Sequence[Column]
    items: Sequence[Item]
    visits: Mapping[UUID, DayVisit]


@dataclass(frozen=True, slots=True)
class _Resource:
    id: UUID
    slug: str
    name: str
    kind: str
    retired: bool


async def read_board(
    tx: Transaction, location_id: UUID, first: date, sight: Sight, *, days: int = 1, known: Frame | None = None
) -> Board:
    """What the location looks like on those local days. ``known``: their frame, as it was last time.

    Raises NotFound, Invalid.
    """
    if known is None or known.catalog_version != tx.scene.catalog_version:
        known = await _frame(tx, location_id, first, days)
    items = await tx.rows(
        Item, QUERIES["day_items"], resource_ids=list(known.names), from_at=known.begins_at, to_at=known.ends_at
    )
    items = _seen(items, sight)
    hold_ids = {item.holder_id for item in items if item.kind == "visit"}
    visits = await tx.rows(DayVisit, QUERIES["day_visits"], hold_ids=list(hold_ids))
    gone = known.retired - {item.resource_id for item in items}
    return Board(
        frame=known,
        as_of=tx.scene.began_at,
        columns=[
            each for each in known.columns if each.id not in gone and (sight.everybody or each.id == sight.resource_id)
        ],
        items=items,
        visits={visit.hold_id: visit if sight.names else _nameless(visit) for visit in visits},
    )


async def _frame(tx: Transaction, location_id: UUID, first: date, days: int) -> Frame:
    if not 1 <= days <= DAYS_MAX or not wallclock.FIRST_YEAR < first.year < wallclock.LAST_YEAR:
        raise Invalid("There is no board for these days.", field="date")
    catalog = await current_catalog(tx)
    location = catalog.locations.get(str(location_id))
    if location is None:
        raise NotFound("There is no such location.", field="location")
    begins_at = wallclock.day_start(first, location.zone)
    ends_at = wallclock.day_start(first + timedelta(days=days), location.zone)
    window = Window(begins_at, (ends_at - begins_at) // MINUTE)
    bare = Snapshot(tx.scene.began_at, catalog.locations, catalog.resources, catalog.services, {})
    masks = Masks(bare, location, window)
    resources = await tx.rows(_Resource, QUERIES["day_resources"], location_id=location_id)
    return Frame(
        # what was read may be newer, if somebody has just committed; by this number it is read again next time
        catalog_version=tx.scene.catalog_version,
        location_id=location_id,
        time_zone=location.zone,
        first=first,
        days=days,
        begins_at=begins_at,
        ends_at=ends_at,
        open=_times(window, masks.location_open),
        columns=[_column(masks, each) for each in resources],
        retired=frozenset(each.id for each in resources if each.retired),
        names={each.id: each.name for each in resources},
    )


def _seen(items: Iterable[Item], sight: Sight) -> list[Item]:
    """Somebody's own day has their visits whole, room and device included, and nothing else of anybody's."""
    if sight.everybody:
        return list(items)
    items = list(items)
    own = {item.holder_id for item in items if item.resource_id == sight.resource_id}
    return [item for item in items if item.holder_id in own]


def _nameless(visit: DayVisit) -> DayVisit:
    return replace(visit, client_id=None, client_name=None)


def _column(masks: Masks, resource: _Resource) -> Column:
    known = masks.snapshot.resources.get(str(resource.id))
    if known is None or masks.location.id not in known.timetables:
        return Column(resource.id, resource.slug, resource.name, resource.kind, 0, (), ())
    own = known.timetables[masks.location.id]
    breaks = masks.open_time(masks.location.timetable).breaks | (masks.open_time(own).breaks if own else 0)
    return Column(
        resource.id,
        resource.slug,
        resource.name,
        resource.kind,
        len(known.units),
        _times(masks.window, masks.open(known)),
        _times(masks.window, breaks & masks.full),
    )


def _times(window: Window, minutes: Bits) -> Times:
    return tuple((window.instant(low), window.instant(high)) for low, high in bitmap.spans(minutes))
