"""The record at the moment of asking, in at most three queries whatever the number of resources.

The catalog is asked once per version: every transaction is told the current version as it begins (``Scene``), so a
process knows without asking whether what it remembers still holds. Claims are asked every time. Who was last given a
visit is asked only where turns are taken.
"""

from __future__ import annotations

from collections import OrderedDict, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final, Literal
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


Span = tuple[datetime, datetime]
# unit, start, end, kind, hold, visit, the visit's start, when the hold runs out; a plain tuple, as there are thousands
_ClaimRow = tuple[
    UUID,
    datetime,
    datetime,
    Literal["appointment", "hold", "block", "busy"],
    UUID | None,
    UUID | None,
    datetime | None,
    datetime | None,
]

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
    [snapshot] = await load_snapshots(tx, catalog, services, locations, [window], without_holds=without_holds)
    return snapshot


async def load_snapshots(
    tx: Transaction,
    catalog: Catalog,
    services: Iterable[Service],
    locations: Iterable[str],
    windows: Sequence[Window],
    *,
    without_holds: Collection[UUID] = (),
) -> list[Snapshot]:
    """As ``load_snapshot``, for several windows in the same queries: a snapshot each, in their order."""
    resources = _serving(catalog, services, locations)
    units = [UUID(unit) for resource in resources.values() for unit in resource.units]
    reach = CAP_REACH if any(resource.visits_per_day is not None for resource in resources.values()) else timedelta()
    spans = [(window.origin - reach, window.instant(window.minutes) + reach) for window in windows]
    rows = await _claims_in(tx, units, spans)
    known, turns_change_at = catalog.resources, None
    if catalog.assign == "round_robin":
        turns, turns_change_at = await _with_turns(tx, resources)
        known = {**known, **turns}
    return [
        Snapshot(
            tx.scene.began_at,
            catalog.locations,
            known,
            catalog.services,
            _by_unit(rows, span, without_holds),
            turns_change_at,
        )
        for span in spans
    ]


async def _claims_in(tx: Transaction, units: Sequence[UUID], spans: Sequence[Span]) -> list[_ClaimRow]:
    if len(spans) == 1:
        [(start, end)] = spans
        return await tx.tuples(QUERIES["claims_between"], unit_ids=units, from_at=start, to_at=end)
    times = ",".join(f"[{start.isoformat()},{end.isoformat()})" for start, end in spans)
    found = await tx.tuples(QUERIES["claims_within"], unit_ids=units, during=f"{{{times}}}")
    # a claim that reaches from one span into the next is answered for both
    return list(dict.fromkeys(found))


def _by_unit(rows: Sequence[_ClaimRow], span: Span, without_holds: Collection[UUID]) -> dict[str, list[Claim]]:
    first, last = span
    # what stays of a visit of which a part is given up does not count as another visit
    own_visits = {row[5] for row in rows if row[4] in without_holds} if without_holds else set()
    claims: dict[str, list[Claim]] = defaultdict(list)
    for unit_id, starts_at, ends_at, kind, hold_id, visit_id, visit_starts_at, expires_at in rows:
        if starts_at < last and first < ends_at and (hold_id is None or hold_id not in without_holds):
            whole = visit_id or hold_id
            visit = None if whole is None or whole in own_visits else str(whole)
            claims[str(unit_id)].append(Claim(starts_at, ends_at, kind, visit, visit_starts_at, expires_at))
    return claims


def _serving(catalog: Catalog, services: Iterable[Service], locations: Iterable[str]) -> dict[str, Resource]:
    places = set(locations)
    members = {member for service in services for need in service.requirements for member in need.pool.members}
    return {
        member: catalog.resources[member]
        for member in members
        if not places.isdisjoint(catalog.resources[member].timetables)
    }


async def _with_turns(
    tx: Transaction, resources: Mapping[str, Resource]
) -> tuple[dict[str, Resource], datetime | None]:
    """The resources with when they were last given a visit, and when the first hold that counts for it runs out."""
    rows = await tx.tuples(QUERIES["last_taken"], resource_ids=[UUID(id) for id in resources])
    turns = {str(id): replace(resources[str(id)], last_taken_at=taken_at) for id, taken_at, _ in rows}
    return turns, min((changes_at for _, _, changes_at in rows if changes_at is not None), default=None)
