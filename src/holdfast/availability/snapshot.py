"""The record at the moment of asking, in at most three queries whatever the number of resources.

The catalog is asked once per version: every transaction is told the current version as it begins (``Scene``), so a
process knows without asking whether what it remembers still holds. Claims are asked every time. Who was last given a
visit is asked only where turns are taken.
"""

from __future__ import annotations

from collections import OrderedDict, defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final, Literal, NamedTuple
from uuid import UUID

from holdfast.availability.bitmap import Window
from holdfast.availability.catalog import Catalog, read_catalog
from holdfast.availability.model import Claim, Resource, Service, Snapshot
from holdfast.db.queries import load_queries
from holdfast.db.transact import Transaction

QUERIES: Final = load_queries("holdfast.availability")
ORGANIZATIONS_REMEMBERED: Final = 200
# A visit counts on the day it begins, but may take its capped resource up to a day before or after.
CAP_REACH: Final = timedelta(days=2)


class _ClaimRow(NamedTuple):
    unit_id: UUID
    starts_at: datetime
    ends_at: datetime
    kind: Literal["appointment", "hold", "block", "busy"]
    hold_id: UUID | None
    visit_id: UUID | None
    visit_starts_at: datetime | None
    expires_at: datetime | None


_catalogs: OrderedDict[UUID, Catalog] = OrderedDict()


async def current_catalog(tx: Transaction) -> Catalog:
    """The catalog as committed when the transaction began."""
    organization_id = tx.scene.caller.organization_id
    known = _catalogs.get(organization_id)
    if known is not None and known.version == tx.scene.catalog_version:
        _catalogs.move_to_end(organization_id)
        return known
    catalog = await load_catalog(tx)
    # Another version is one that somebody committed meanwhile, or our own change, which may yet be rolled back.
    if catalog.version == tx.scene.catalog_version:
        _catalogs[organization_id] = catalog
        if len(_catalogs) > ORGANIZATIONS_REMEMBERED:
            _catalogs.popitem(last=False)
    return catalog


async def load_catalog(tx: Transaction) -> Catalog:
    """The catalog as this transaction sees it, its own changes included."""
    return read_catalog(await tx.value(QUERIES["catalog"]))


async def load_snapshot(
    tx: Transaction,
    catalog: Catalog,
    services: Iterable[Service],
    locations: Iterable[str],
    window: Window,
    *,
    without_holds: Collection[UUID] = (),
) -> Snapshot:
    """The catalog with the claims of everyone who could serve these services there, around the window.

    ``without_holds`` are holds whose claims do not count, because whoever asks would give them up.
    """
    resources = _serving(catalog, services, locations)
    units = [UUID(unit) for resource in resources.values() for unit in resource.units]
    reach = CAP_REACH if any(resource.visits_per_day is not None for resource in resources.values()) else timedelta()
    rows = await tx.tuples(
        QUERIES["claims_between"],
        unit_ids=units,
        from_at=window.origin - reach,
        to_at=window.instant(window.minutes) + reach,
    )
    # what stays of a visit of which a part is given up does not count as another visit
    own_visits = {row.visit_id for row in map(_ClaimRow._make, rows) if row.hold_id in without_holds}
    claims: dict[str, list[Claim]] = defaultdict(list)
    for row in map(_ClaimRow._make, rows):
        if row.hold_id is None or row.hold_id not in without_holds:
            whole = row.visit_id or row.hold_id
            visit = str(whole) if whole and whole not in own_visits else None
            claims[str(row.unit_id)].append(
                Claim(row.starts_at, row.ends_at, row.kind, visit, row.visit_starts_at, row.expires_at)
            )
    known = catalog.resources
    if catalog.assign == "round_robin":
        known = {**known, **await _with_turns(tx, resources)}
    return Snapshot(tx.scene.began_at, catalog.locations, known, catalog.services, claims)


def _serving(catalog: Catalog, services: Iterable[Service], locations: Iterable[str]) -> dict[str, Resource]:
    places = set(locations)
    members = {member for service in services for need in service.requirements for member in need.pool.members}
    return {
        member: catalog.resources[member]
        for member in members
        if not places.isdisjoint(catalog.resources[member].timetables)
    }


async def _with_turns(tx: Transaction, resources: Mapping[str, Resource]) -> dict[str, Resource]:
    rows = await tx.tuples(QUERIES["last_taken"], resource_ids=[UUID(id) for id in resources])
    return {str(id): replace(resources[str(id)], last_taken_at=taken_at) for id, taken_at in rows}
