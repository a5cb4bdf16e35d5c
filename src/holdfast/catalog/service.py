"""Read the catalog, and change it. One command is one SQL function, and every change is an event.

Every function takes the open Transaction of its caller. A ``reference`` is a row's UUID, its public id (``svc_…``) or
its slug. Lists come in order of slug: ``after`` is the last slug of the page before, ``limit`` None means all of them.
Putting the same thing twice changes nothing.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any, Final, TypeVar
from uuid import UUID

from holdfast.catalog.hours import Rules
from holdfast.catalog.model import (
    SLUG,
    HoldPolicy,
    Location,
    Organization,
    Pool,
    PoolMember,
    Requirement,
    Resource,
    Service,
)
from holdfast.db.queries import load_queries
from holdfast.db.transact import Transaction
from holdfast.errors import Bug, NotFound, said
from holdfast.ids import parse_id

QUERIES: Final = load_queries("holdfast.catalog")

Reference = UUID | str
T = TypeVar("T")


async def get_organization(tx: Transaction) -> Organization:
    """The caller's organization."""
    organization = await tx.one(Organization, QUERIES["organization"])
    if organization is None:
        raise Bug
    return organization


async def list_hold_policies(tx: Transaction) -> list[HoldPolicy]:
    """What a hold may be, surface by surface."""
    return await tx.rows(HoldPolicy, QUERIES["hold_policies"])


async def list_locations(
    tx: Transaction, *, after: str | None = None, limit: int | None = None, retired: bool = False
) -> list[Location]:
    """Locations by slug; with ``retired``, those that were closed as well."""
    return await tx.rows(Location, QUERIES["locations"], **_page(after, limit), retired=retired)


async def get_location(tx: Transaction, reference: Reference) -> Location:
    """One location, retired or not. Raises NotFound."""
    found = await tx.one(Location, QUERIES["locations"], **_one("location", reference), retired=True)
    return _found("location", reference, found)


async def list_resources(
    tx: Transaction,
    *,
    kind: str | None = None,
    location_id: UUID | None = None,
    after: str | None = None,
    limit: int | None = None,
    retired: bool = False,
) -> list[Resource]:
    """Resources by slug, of one kind or at one location if wanted."""
    wanted = {"kind": kind, "location_id": location_id, "retired": retired}
    return await tx.rows(Resource, QUERIES["resources"], **_page(after, limit), **wanted)


async def get_resource(tx: Transaction, reference: Reference) -> Resource:
    """One resource, retired or not. Raises NotFound."""
    anywhere = {"kind": None, "location_id": None, "retired": True}
    found = await tx.one(Resource, QUERIES["resources"], **_one("resource", reference), **anywhere)
    return _found("resource", reference, found)


async def time_zone_of(tx: Transaction, resource_id: UUID) -> str | None:
    """The zone of the locations where a resource is; None where they have several, or there are none."""
    zone: str | None = await tx.value(QUERIES["resource_time_zone"], id=resource_id)
    return zone


async def list_pools(tx: Transaction, *, after: str | None = None, limit: int | None = None) -> list[Pool]:
    """Pools by slug, with their members in service by preference."""
    return [_pool(row) for row in await tx.records(QUERIES["pools"], **_page(after, limit))]


async def get_pool(tx: Transaction, reference: Reference) -> Pool:
    """One pool. Raises NotFound."""
    found = await tx.records(QUERIES["pools"], **_one("pool", reference))
    return _found("pool", reference, _pool(found[0]) if found else None)


async def pools_of_retired_services(tx: Transaction) -> set[UUID]:
    """Pools that stay for the history alone: every service that requires them is retired."""
    return {row["id"] for row in await tx.records(QUERIES["pools_of_retired_services"])}


async def list_services(
    tx: Transaction,
    *,
    location_id: UUID | None = None,
    after: str | None = None,
    limit: int | None = None,
    retired: bool = False,
) -> list[Service]:
    """Services by slug, with what a visit requires in order of time."""
    wanted = {"location_id": location_id, "retired": retired}
    return [_service(row) for row in await tx.records(QUERIES["services"], **_page(after, limit), **wanted)]


async def get_service(tx: Transaction, reference: Reference) -> Service:
    """One service, retired or not. Raises NotFound."""
    anywhere = {"location_id": None, "retired": True}
    found = await tx.records(QUERIES["services"], **_one("service", reference), **anywhere)
    return _found("service", reference, _service(found[0]) if found else None)


async def found_organization(tx: Transaction, *, slug: str, name: str, currency: str, actor: str, surface: str) -> None:
    """Create an organization inside an unscoped transaction, which acts for it from then on. Raises Invalid."""
    await tx.run(QUERIES["found_organization"], slug=slug, name=name, currency=currency, actor=actor, surface=surface)


async def set_organization(tx: Transaction, *, name: str, currency: str) -> None:
    """The organization's name and currency. Raises Invalid."""
    await tx.run(QUERIES["set_organization"], name=name, currency=currency)


async def set_hold_policy(tx: Transaction, surface: str, changes: Mapping[str, int | None]) -> HoldPolicy:
    """Change some of a surface's limits (the fields of HoldPolicy). Raises Invalid, NotBookable for no such surface."""
    policy = await tx.one(HoldPolicy, QUERIES["set_hold_policy"], surface=surface, changes=json.dumps(dict(changes)))
    if policy is None:
        raise Bug
    return policy


async def put_location(tx: Transaction, *, slug: str, name: str, time_zone: str, address: str | None = None) -> UUID:
    """Add or change; a retired one opens again. Its id. Raises Invalid; the caller knows that the zone exists."""
    return await _id(tx, "put_location", slug=slug, name=name, time_zone=time_zone, address=address)


async def retire_location(tx: Transaction, location_id: UUID) -> None:
    """Nothing new is booked there; what is booked stays. Raises NotFound."""
    await tx.run(QUERIES["retire_location"], location_id=location_id)


async def put_resource(
    tx: Transaction, *, slug: str, name: str, kind: str, location_ids: Sequence[UUID], capacity: int = 1
) -> UUID:
    """Add or change; a retired one is in service again. Its id.

    Raises ClaimsInTheWay when a smaller capacity leaves bookings without a unit; Invalid, NotFound, StateRefused.
    """
    return await _id(
        tx, "put_resource", slug=slug, name=name, kind=kind, location_ids=list(location_ids), capacity=capacity
    )


async def set_capacity(tx: Transaction, resource_id: UUID, capacity: int) -> None:
    """So many units. Raises ClaimsInTheWay (``conflicts`` listed, nothing changed), Invalid, NotFound, StateRefused."""
    await tx.run(QUERIES["set_capacity"], resource_id=resource_id, capacity=capacity)


async def retire_resource(tx: Transaction, resource_id: UUID) -> None:
    """Out of service. Raises ClaimsInTheWay (``conflicts`` listed, nothing changed), NotFound, StateRefused."""
    await tx.run(QUERIES["retire_resource"], resource_id=resource_id)


async def merge_resources(tx: Transaction, from_id: UUID, into_id: UUID) -> Resource:
    """Two records are one thing: everything of the first moves to the second, which is returned.

    Raises ClaimsInTheWay (``conflicts`` listed, nothing changed), Invalid, NotFound, StateRefused.
    """
    await tx.run(QUERIES["merge_resources"], from_id=from_id, into_id=into_id)
    return await get_resource(tx, into_id)


async def put_pool(tx: Transaction, *, slug: str, name: str, members: Sequence[PoolMember]) -> UUID:
    """Add or change: these members and no others. Its id. Raises Invalid, NotFound."""
    return await _id(tx, "put_pool", slug=slug, name=name, members=_json(members))


async def remove_pool(tx: Transaction, pool_id: UUID) -> None:
    """Remove a pool that no service, sold or retired, requires. Raises NotFound."""
    await tx.run(QUERIES["remove_pool"], pool_id=pool_id)


async def put_service(
    tx: Transaction,
    *,
    slug: str,
    name: str,
    category: str,
    duration_minutes: int,
    price_cents: int,
    location_ids: Sequence[UUID],
    requirements: Sequence[Requirement],
) -> UUID:
    """Add or change; a retired one is sold again. Its id. Bookings keep the claims they were made with.

    Raises Invalid, NotFound.
    """
    return await _id(
        tx,
        "put_service",
        slug=slug,
        name=name,
        category=category,
        duration_minutes=duration_minutes,
        price_cents=price_cents,
        location_ids=list(location_ids),
        requirements=_json(requirements),
    )


async def retire_service(tx: Transaction, service_id: UUID) -> None:
    """No longer sold; what is booked stays. Raises NotFound."""
    await tx.run(QUERIES["retire_service"], service_id=service_id)


def _page(after: str | None, limit: int | None) -> dict[str, Any]:
    return {"id": None, "slug": None, "after": after, "limit": limit}


def _one(kind: str, reference: Reference) -> dict[str, Any]:
    wanted: dict[str, Any] = {"id": None, "slug": None, "after": None, "limit": 1}
    if isinstance(reference, UUID):
        return wanted | {"id": reference}
    # a slug has no underscore, so a public id cannot be taken for one
    if "_" in reference:
        return wanted | {"id": parse_id(kind, reference)}
    if not SLUG.fullmatch(reference):
        raise NotFound(said("{name!r} is neither the slug nor the id of a {kind}.", name=reference[:80], kind=kind))
    return wanted | {"slug": reference}


def _found(kind: str, reference: Reference, row: T | None) -> T:
    if row is None:
        raise NotFound(said("There is no {kind} {name!r} here.", name=str(reference)[:80], kind=kind))
    return row


def _pool(row: dict[str, Any]) -> Pool:
    members = [PoolMember(UUID(member["resource_id"]), member["preference"]) for member in row.pop("members")]
    return Pool(**row, members=members)


def _service(row: dict[str, Any]) -> Service:
    requirements = [
        Requirement(**(requirement | {"pool_id": UUID(requirement["pool_id"])}))
        for requirement in row.pop("requirements")
    ]
    return Service(**row, requirements=requirements)


def _json(rows: Sequence[PoolMember] | Sequence[Requirement]) -> str:
    return json.dumps([asdict(row) for row in rows], default=str)


async def _id(tx: Transaction, query: str, **parameters: Any) -> UUID:
    id: UUID = await tx.value(QUERIES[query], **parameters)
    return id


async def get_rules(tx: Transaction) -> dict[str, Any]:
    """What the record says about time, by ids: see ``document.py``, which gives it a shape."""
    rules: dict[str, Any] = await tx.value(QUERIES["rules"])
    return rules


async def set_policy(tx: Transaction, *, assign: str, rank: str) -> None:
    """Who is chosen among the free, and which slot is shown first. Raises Invalid."""
    await tx.run(QUERIES["set_organization_policy"], assign=assign, rank=rank)


async def set_holidays(tx: Transaction, location_id: UUID, holidays: str | None) -> None:
    """The public holidays of ``US`` or ``US-TX`` are closures; None: of nowhere. Raises Invalid."""
    country, _, region = (holidays or "").partition("-")
    await tx.run(
        QUERIES["set_location_holidays"], location_id=location_id, country=country or None, region=region or None
    )


async def set_rules(
    tx: Transaction, rules: Rules, *, location_id: UUID | None = None, resource_id: UUID | None = None
) -> None:
    """Exactly these rules of time for a location, a resource, or a resource at a location. Raises Invalid, NotFound."""
    owner = {"location_id": location_id, "resource_id": resource_id}
    await tx.run(QUERIES["set_weekly_rules"], **owner, rules=json.dumps([each.facts() for each in rules.weekly]))
    await tx.run(QUERIES["set_dated_rules"], **owner, rules=json.dumps([each.facts() for each in rules.dated]))


async def set_resource_rules(
    tx: Transaction, resource_id: UUID, *, visits_per_day: int | None, has: Sequence[tuple[str, str]]
) -> None:
    """The cap of visits a day, and the attributes (name, last good day or empty). Raises Invalid, NotFound."""
    attributes = json.dumps([{"name": name, "good_until": day or None} for name, day in has])
    await tx.run(
        QUERIES["set_resource_rules"], resource_id=resource_id, visits_per_day=visits_per_day, attributes=attributes
    )


async def set_pool_requires(tx: Transaction, pool_id: UUID, requires: Sequence[str]) -> None:
    """The attributes that a resource must have for this pool to lend it. Raises Invalid, NotFound."""
    await tx.run(QUERIES["set_pool_requires"], pool_id=pool_id, requires=list(requires))


async def set_service_rules(
    tx: Transaction,
    service_id: UUID,
    *,
    grid_minutes: int,
    off_grid_after_claims: bool,
    leads: Sequence[tuple[str, int, int]],
) -> None:
    """Where strangers may start, and (surface, notice_minutes, horizon_days). Raises Invalid, NotFound."""
    listed = [{"surface": s, "notice_minutes": notice, "horizon_days": horizon} for s, notice, horizon in leads]
    await tx.run(
        QUERIES["set_service_rules"],
        service_id=service_id,
        grid_minutes=grid_minutes,
        off_grid_after_claims=off_grid_after_claims,
        leads=json.dumps(listed),
    )
