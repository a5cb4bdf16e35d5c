"""Bring a catalog document into the record: show exactly what would change, then do exactly that, or nothing."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Final
from uuid import UUID

from holdfast.catalog import service
from holdfast.catalog.document import (
    CatalogDocument,
    Change,
    LocationEntry,
    OrganizationEntry,
    PoolEntry,
    ResourceEntry,
    ServiceEntry,
    changes_between,
    read_document,
)
from holdfast.catalog.hours import NO_RULES
from holdfast.catalog.model import HoldPolicy, PoolMember, Requirement
from holdfast.db.transact import Caller, Record, Transaction
from holdfast.errors import ClaimsInTheWay, HoldfastError, Invalid, StateRefused, said

ACTOR: Final = "system"
SURFACE: Final = "import"


@dataclass(frozen=True, slots=True)
class Plan:
    """What an import would do. ``left`` is in the record, not in the file, and stays.

    ``organization_id`` None: the organization is created as well.
    """

    organization_id: UUID | None
    before: CatalogDocument | None
    changes: Sequence[Change]
    left: Sequence[Change]


@dataclass(frozen=True, slots=True)
class Conflict:
    """Bookings that stand in the way of a change: ``bookings`` have kind, id, resource_id, starts_at, ends_at."""

    change: Change
    bookings: list[dict[str, str]]


class BookingsInTheWay(ClaimsInTheWay):
    """What would be retired or shrunk is booked. Nothing was changed."""

    def __init__(self, conflicts: list[Conflict]) -> None:
        self.conflicts = conflicts
        bookings = [booking for conflict in conflicts for booking in conflict.bookings]
        super().__init__(conflicts=bookings)


async def plan_import(
    record: Record, organization_id: UUID | None, document: CatalogDocument, *, retire_missing: bool = False
) -> Plan:
    """Compare the document with the record of that organization (None: one that does not exist yet).

    Raises Invalid for a resource that was merged into another and cannot come back.
    """
    if organization_id is None:
        return Plan(None, None, list(changes_between(None, document)), [])

    async def read(tx: Transaction) -> CatalogDocument:
        await _refuse_merged(tx, document)
        return await read_document(tx)

    before = await record.transact(_caller(organization_id), read)
    changes = list(changes_between(before, document))
    if retire_missing:
        return Plan(organization_id, before, changes, [])
    return Plan(
        organization_id,
        before,
        [change for change in changes if change.action != "retire"],
        [change for change in changes if change.action == "retire"],
    )


Inspect = Callable[[Transaction], Awaitable[object]]


async def carry_out(record: Record, plan: Plan, *, dry_run: bool = False, inspect: Inspect | None = None) -> None:
    """Do everything in one transaction. A dry run does it too, and takes it back, so that it finds the same conflicts.

    ``inspect`` looks at what a dry run did before it is taken back; what met conflicts was left out.
    Raises BookingsInTheWay with every conflict; StateRefused when the catalog changed since the plan was made; Invalid,
    naming the thing. Then nothing was changed.
    """
    conflicts: list[Conflict] = []
    changes = list(plan.changes)
    while True:
        attempt = _Attempt(plan, changes, undo=dry_run or bool(conflicts), inspect=inspect)
        try:
            await attempt.run(record)
        except _Undone:
            break
        except ClaimsInTheWay as error:
            if attempt.current is None:
                raise
            # Look for what else is in the way, without this change and without keeping anything.
            conflicts.append(Conflict(attempt.current, error.facts.get("conflicts", [])))
            changes.remove(attempt.current)
        except HoldfastError as error:
            if attempt.current is not None:
                error.detail = f"{attempt.current.kind} {attempt.current.slug}: {error.detail}"
            raise
        else:
            return
    if conflicts:
        raise BookingsInTheWay(conflicts)


async def make_changes(tx: Transaction, changes: Sequence[Change]) -> None:
    """Do these in the open transaction, in the order that ``changes_between`` gives.

    Raises ClaimsInTheWay (``conflicts`` listed); Invalid, StateRefused.
    """
    await _Maker().make(tx, changes)


class _Undone(Exception):
    """Everything was possible, and was taken back."""


@dataclass
class _Maker:
    """Makes changes one by one; ``current`` is the one it is at."""

    current: Change | None = None
    ids: dict[str, dict[str, UUID]] = field(default_factory=dict)

    async def make(self, tx: Transaction, changes: Sequence[Change]) -> None:
        self.ids = {
            "locations": {each.slug: each.id for each in await service.list_locations(tx)},
            "resources": {each.slug: each.id for each in await service.list_resources(tx)},
            "pools": {each.slug: each.id for each in await service.list_pools(tx)},
            "services": {each.slug: each.id for each in await service.list_services(tx)},
        }
        for change in changes:
            self.current = change
            await (self._put(tx, change) if change.new is not None else self._retire(tx, change))
        self.current = None

    async def _put(self, tx: Transaction, change: Change) -> None:
        match change.new:
            case OrganizationEntry() as organization:
                await service.set_organization(tx, name=organization.name, currency=organization.currency)
                await service.set_policy(tx, assign=organization.assign, rank=organization.rank)
            case HoldPolicy() as policy:
                await service.set_hold_policy(tx, policy.surface, _limits(policy))
            case LocationEntry() as location:
                await self._put_location(tx, location)
            case ResourceEntry() as resource:
                await self._put_resource(tx, resource)
            case PoolEntry() as pool:
                await self._put_pool(tx, pool)
            case ServiceEntry() as entry:
                await self._put_service(tx, entry)

    async def _put_location(self, tx: Transaction, location: LocationEntry) -> None:
        id = self.ids["locations"][location.slug] = await service.put_location(
            tx, slug=location.slug, name=location.name, time_zone=location.time_zone, address=location.address
        )
        await service.set_holidays(tx, id, location.holidays)
        await service.set_rules(tx, location.rules, location_id=id)

    async def _put_resource(self, tx: Transaction, resource: ResourceEntry) -> None:
        id = self.ids["resources"][resource.slug] = await service.put_resource(
            tx,
            slug=resource.slug,
            name=resource.name,
            kind=resource.kind,
            capacity=resource.capacity,
            location_ids=self._ids("locations", resource.locations),
        )
        await service.set_resource_rules(tx, id, visits_per_day=resource.visits_per_day, has=resource.has)
        await service.set_rules(tx, resource.rules, resource_id=id)
        rules_at = dict(resource.rules_at)
        for slug, location_id in self.ids["locations"].items():
            await service.set_rules(tx, rules_at.get(slug, NO_RULES), location_id=location_id, resource_id=id)

    async def _put_pool(self, tx: Transaction, pool: PoolEntry) -> None:
        members = [PoolMember(self.ids["resources"][slug], preference) for slug, preference in pool.members]
        id = await service.put_pool(tx, slug=pool.slug, name=pool.name, members=members)
        self.ids["pools"][pool.slug] = id
        await service.set_pool_requires(tx, id, pool.requires)

    async def _put_service(self, tx: Transaction, entry: ServiceEntry) -> None:
        id = await service.put_service(
            tx,
            slug=entry.slug,
            name=entry.name,
            category=entry.category,
            duration_minutes=entry.duration_minutes,
            price_cents=entry.price_cents,
            location_ids=self._ids("locations", entry.locations),
            requirements=[
                Requirement(
                    role=each.role,
                    pool_id=self.ids["pools"][each.pool],
                    quantity=each.quantity,
                    segment_start_minutes=each.segment_start_minutes,
                    segment_minutes=each.segment_minutes,
                    buffer_before_minutes=each.buffer_before_minutes,
                    buffer_after_minutes=each.buffer_after_minutes,
                )
                for each in entry.requirements
            ],
        )
        await service.set_service_rules(
            tx,
            id,
            grid_minutes=entry.grid_minutes,
            off_grid_after_claims=entry.off_grid_after_claims,
            leads=entry.leads,
        )

    async def _retire(self, tx: Transaction, change: Change) -> None:
        retire: dict[str, Callable[[Transaction, UUID], Awaitable[None]]] = {
            "services": service.retire_service,
            "pools": _remove_pool,
            "resources": service.retire_resource,
            "locations": service.retire_location,
        }
        await retire[change.section](tx, self.ids[change.section][change.slug])

    def _ids(self, section: str, slugs: Sequence[str]) -> list[UUID]:
        return [self.ids[section][slug] for slug in slugs]


@dataclass
class _Attempt:
    plan: Plan
    changes: Sequence[Change]
    undo: bool
    inspect: Inspect | None = None
    maker: _Maker = field(default_factory=_Maker)

    @property
    def current(self) -> Change | None:
        """What was being changed when it failed."""
        return self.maker.current

    async def run(self, record: Record) -> None:
        if self.plan.organization_id is None:
            await record.unscoped(self._found_and_work)
        else:
            await record.transact(_caller(self.plan.organization_id), self._check_and_work)

    async def _found_and_work(self, tx: Transaction) -> None:
        organization = self.changes[0].new
        assert isinstance(organization, OrganizationEntry)
        named = {"slug": organization.slug, "name": organization.name, "currency": organization.currency}
        await service.found_organization(tx, **named, actor=ACTOR, surface=SURFACE)
        await service.set_policy(tx, assign=organization.assign, rank=organization.rank)
        await self._work(tx, self.changes[1:])

    async def _check_and_work(self, tx: Transaction) -> None:
        if await read_document(tx) != self.plan.before:
            raise StateRefused("Somebody changed the catalog since the difference was shown. Look at it again.")
        await self._work(tx, self.changes)

    async def _work(self, tx: Transaction, changes: Sequence[Change]) -> None:
        await self.maker.make(tx, changes)
        if self.undo:
            if self.inspect is not None:
                await self.inspect(tx)
            raise _Undone


async def _remove_pool(tx: Transaction, pool_id: UUID) -> None:
    # The requirements of a service no longer sold are kept, and so is their pool; it has left the document with them.
    if pool_id not in await service.pools_of_retired_services(tx):
        await service.remove_pool(tx, pool_id)


async def _refuse_merged(tx: Transaction, document: CatalogDocument) -> None:
    resources = {each.id: each for each in await service.list_resources(tx, retired=True)}
    for each in resources.values():
        if each.merged_into_id is not None and each.slug in document.resources:
            into = resources[each.merged_into_id].slug
            raise Invalid(
                said("{name} was merged into {into}, for good: take {name} out of the file.", name=each.slug, into=into)
            )


def _limits(policy: HoldPolicy) -> dict[str, Any]:
    return {name: value for name, value in asdict(policy).items() if name != "surface"}


def _caller(organization_id: UUID) -> Caller:
    return Caller(organization_id, ACTOR, SURFACE)
