"""The catalog as one document: by slugs instead of ids, only what is in service. Two documents compare exactly."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, Final, Literal
from uuid import UUID

from holdfast.catalog import service
from holdfast.catalog.hours import NO_RULES, Rules, read_rules
from holdfast.catalog.model import HoldPolicy, Service
from holdfast.db.transact import Transaction
from holdfast.errors import said

DEFAULT_PREFERENCE: Final = 100
DEFAULT_CATEGORY: Final = "Services"
DEFAULT_GRID_MINUTES: Final = 15
# What a difference need not tell.
_GOES_UNSAID: Final = {"assign": "preference", "rank": "earliest"}
PUBLIC_SURFACES: Final = frozenset({"widget", "assistant"})
# Where each kind of resource is written, which is also the pool that all of them make.
GROUPS: Final = {"provider": "providers", "room": "rooms", "device": "devices", "other": "other_resources"}


@dataclass(frozen=True, slots=True)
class OrganizationEntry:
    slug: str
    name: str
    currency: str = "USD"
    assign: str = "preference"
    rank: str = "earliest"


@dataclass(frozen=True, slots=True)
class LocationEntry:
    slug: str
    name: str
    time_zone: str
    address: str | None = None
    holidays: str | None = None
    rules: Rules = NO_RULES


@dataclass(frozen=True, slots=True)
class ResourceEntry:
    """``has``: (attribute, last good day or empty). ``rules_at``: (location, rules) where they differ by location."""

    slug: str
    name: str
    kind: str
    locations: tuple[str, ...]
    capacity: int = 1
    visits_per_day: int | None = None
    has: tuple[tuple[str, str], ...] = ()
    rules: Rules = NO_RULES
    rules_at: tuple[tuple[str, Rules], ...] = ()


@dataclass(frozen=True, slots=True)
class PoolEntry:
    """``members`` are (resource, preference), the preferred first."""

    slug: str
    name: str
    members: tuple[tuple[str, int], ...]
    requires: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RequirementEntry:
    role: str
    pool: str
    segment_minutes: int
    segment_start_minutes: int = 0
    quantity: int = 1
    buffer_before_minutes: int = 0
    buffer_after_minutes: int = 0


@dataclass(frozen=True, slots=True)
class ServiceEntry:
    """``requirements`` in order of time; ``leads`` are (surface, notice_minutes, horizon_days)."""

    slug: str
    name: str
    duration_minutes: int
    locations: tuple[str, ...]
    requirements: tuple[RequirementEntry, ...]
    category: str = DEFAULT_CATEGORY
    price_cents: int = 0
    grid_minutes: int = DEFAULT_GRID_MINUTES
    off_grid_after_claims: bool = False
    leads: tuple[tuple[str, int, int], ...] = ()


Section = Literal["locations", "resources", "pools", "services"]
# Each refers only to those before it.
SECTIONS: Final[tuple[Section, ...]] = ("locations", "resources", "pools", "services")

Entry = OrganizationEntry | HoldPolicy | LocationEntry | ResourceEntry | PoolEntry | ServiceEntry


@dataclass(frozen=True, slots=True)
class CatalogDocument:
    """Everything that can be booked, by slug; ``hold_policies``, by surface, where they differ from the standard."""

    organization: OrganizationEntry
    hold_policies: Mapping[str, HoldPolicy]
    locations: Mapping[str, LocationEntry]
    resources: Mapping[str, ResourceEntry]
    pools: Mapping[str, PoolEntry]
    services: Mapping[str, ServiceEntry]


@dataclass(frozen=True, slots=True)
class FieldChange:
    """``name`` in the words of the file; a value of None means that there is none."""

    name: str
    old: str | None
    new: str | None


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that differs: ``old`` is None when it is new, ``new`` when the file no longer has it."""

    section: Section | Literal["organization", "hold_policies"]
    old: Entry | None
    new: Entry | None

    @property
    def action(self) -> Literal["add", "change", "retire"]:
        return "add" if self.old is None else "retire" if self.new is None else "change"

    @property
    def kind(self) -> str:
        """What it is, in one word: a resource says its kind."""
        entry = self.new or self.old
        if isinstance(entry, ResourceEntry):
            return "resource" if entry.kind == "other" else entry.kind
        return {"organization": "organization", "hold_policies": "hold policy"}.get(self.section, self.section[:-1])

    @property
    def slug(self) -> str:
        entry = self.new or self.old
        assert entry is not None
        return entry.surface if isinstance(entry, HoldPolicy) else entry.slug

    @property
    def field_changes(self) -> tuple[FieldChange, ...]:
        """Every field that differs, with its value before and after."""
        old = dict(_words(self.old)) if self.old else {}
        new = dict(_words(self.new)) if self.new else {}
        return tuple(
            FieldChange(name, old.get(name), new.get(name))
            for name in dict.fromkeys([*old, *new])
            if old.get(name) != new.get(name)
        )


def standard_hold_policy(surface: str) -> HoldPolicy:
    """What a new organization's hold may be on that surface (SQL ``create_organization``): strangers are limited."""
    public = surface in PUBLIC_SURFACES
    return HoldPolicy(
        surface=surface,
        ttl_seconds=300,
        ttl_seconds_max=900,
        extensions_max=1 if public else 5,
        grace_seconds=60,
        live_holds_per_visitor_max=3 if public else None,
        live_holds_per_network_max=30 if public else None,
        live_holds_per_actor_max=None,
        bookings_per_visitor_and_day_max=10 if public else None,
        bookings_per_network_and_day_max=100 if public else None,
    )


def changes_between(old: CatalogDocument | None, new: CatalogDocument) -> Iterator[Change]:
    """What turns ``old`` (None: nothing yet) into ``new``, in an order in which it can be done.

    Added and changed first, then retired. A hold policy that ``new`` does not speak of stays as it is.
    """
    if old is None or old.organization != new.organization:
        yield Change("organization", old.organization if old else None, new.organization)
    for surface, policy in new.hold_policies.items():
        before = old.hold_policies.get(surface) if old else None
        if (before or standard_hold_policy(surface)) != policy:
            yield Change("hold_policies", before or standard_hold_policy(surface), policy)
    for section in SECTIONS:
        previous = _section(old, section)
        for slug, entry in _section(new, section).items():
            if previous.get(slug) != entry:
                yield Change(section, previous.get(slug), entry)
    for section in reversed(SECTIONS):
        for slug, entry in _section(old, section).items():
            if slug not in _section(new, section):
                yield Change(section, entry, None)


async def read_document(tx: Transaction) -> CatalogDocument:
    """The catalog of the caller's organization as it stands."""
    organization = await service.get_organization(tx)
    locations = await service.list_locations(tx)
    resources = await service.list_resources(tx)
    services = await service.list_services(tx)
    historic = await service.pools_of_retired_services(tx)
    pools = [pool for pool in await service.list_pools(tx) if pool.id not in historic]
    policies = await service.list_hold_policies(tx)
    said = _Said(await service.get_rules(tx))

    location_slugs = {location.id: location.slug for location in locations}
    resource_slugs = {resource.id: resource.slug for resource in resources}
    pool_slugs = {pool.id: pool.slug for pool in pools}
    return CatalogDocument(
        OrganizationEntry(organization.slug, organization.name, organization.currency, said.assign, said.rank),
        {policy.surface: policy for policy in policies if policy != standard_hold_policy(policy.surface)},
        {
            each.slug: LocationEntry(
                each.slug, each.name, each.time_zone, each.address, said.holidays(each.id), said.rules(each.id, None)
            )
            for each in locations
        },
        {
            each.slug: ResourceEntry(
                each.slug,
                each.name,
                each.kind,
                _slugs(each.location_ids, location_slugs),
                each.capacity,
                said.visits_per_day(each.id),
                said.has(each.id),
                said.rules(None, each.id),
                tuple((slug, rules) for id, slug in location_slugs.items() if (rules := said.rules(id, each.id))),
            )
            for each in resources
        },
        {
            each.slug: PoolEntry(
                each.slug,
                each.name,
                preferred_first([(resource_slugs[m.resource_id], m.preference) for m in each.members]),
                said.requires(each.id),
            )
            for each in pools
        },
        {
            each.slug: replace(_service_entry(each, location_slugs, pool_slugs), **said.of_service(each.id))
            for each in services
        },
    )


class _Said:
    """What the record says about time, as the query ``rules`` answers: one document, by ids."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        self._document = document
        self.assign: str = document["assign"]
        self.rank: str = document["rank"]

    def rules(self, location_id: UUID | None, resource_id: UUID | None) -> Rules:
        owner = (location_id and str(location_id), resource_id and str(resource_id))
        weekly, dated = (
            [row for row in self._document[table] if (row["location_id"], row["resource_id"]) == owner]
            for table in ("weekly", "dated")
        )
        return read_rules(weekly, dated)

    def holidays(self, location_id: UUID) -> str | None:
        found: str | None = self._document["holidays"].get(str(location_id))
        return found

    def visits_per_day(self, resource_id: UUID) -> int | None:
        found: int | None = self._document["visits_per_day"].get(str(resource_id))
        return found

    def has(self, resource_id: UUID) -> tuple[tuple[str, str], ...]:
        return tuple(sorted((n, day or "") for n, day in self._document["has"].get(str(resource_id), {}).items()))

    def requires(self, pool_id: UUID) -> tuple[str, ...]:
        return tuple(self._document["requires"].get(str(pool_id), ()))

    def of_service(self, service_id: UUID) -> dict[str, Any]:
        grid, off_grid = self._document["grids"][str(service_id)]
        leads = self._document["leads"].get(str(service_id), {})
        return {
            "grid_minutes": grid,
            "off_grid_after_claims": off_grid,
            "leads": tuple(sorted((surface, notice, horizon) for surface, (notice, horizon) in leads.items())),
        }


def in_order(requirements: list[RequirementEntry]) -> tuple[RequirementEntry, ...]:
    """By time, then role: the record keeps no other order."""
    return tuple(sorted(requirements, key=lambda each: (each.segment_start_minutes, each.role)))


def preferred_first(members: list[tuple[str, int]]) -> tuple[tuple[str, int], ...]:
    """By preference, then slug: the order in which they are tried."""
    return tuple(sorted(members, key=lambda member: (member[1], member[0])))


def money(cents: int) -> str:
    """``35000`` -> ``"350"``, ``4950`` -> ``"49.50"``."""
    return f"{cents // 100}.{cents % 100:02}" if cents % 100 else str(cents // 100)


def _section(document: CatalogDocument | None, section: Section) -> Mapping[str, Entry]:
    found: Mapping[str, Entry] = getattr(document, section) if document else {}
    return found


def _slugs(ids: list[UUID], slugs: Mapping[UUID, str]) -> tuple[str, ...]:
    # a closed location is left out: nothing is booked there
    return tuple(sorted(slugs[id] for id in ids if id in slugs))


def _service_entry(row: Service, location_slugs: Mapping[UUID, str], pool_slugs: Mapping[UUID, str]) -> ServiceEntry:
    return ServiceEntry(
        row.slug,
        row.name,
        row.duration_minutes,
        _slugs(row.location_ids, location_slugs),
        in_order(
            [
                RequirementEntry(
                    each.role,
                    pool_slugs[each.pool_id],
                    each.segment_minutes,
                    each.segment_start_minutes,
                    each.quantity,
                    each.buffer_before_minutes,
                    each.buffer_after_minutes,
                )
                for each in row.requirements
            ]
        ),
        row.category,
        row.price_cents,
    )


def _words(entry: Entry) -> Iterator[tuple[str, str]]:
    """Each field in the words of the file, whole: two entries are equal exactly when these are."""
    match entry:
        case ServiceEntry():
            yield "name", entry.name
            yield "category", entry.category
            yield "duration", str(entry.duration_minutes)
            yield "price", money(entry.price_cents)
            yield "locations", ", ".join(entry.locations)
            if entry.grid_minutes != DEFAULT_GRID_MINUTES:
                yield "grid", str(entry.grid_minutes)
            if entry.off_grid_after_claims:
                yield "off_grid_after_claims", said("yes")
            for surface, notice, horizon in entry.leads:
                yield (
                    said("lead on {surface}", surface=surface),
                    said("notice {notice} min, horizon {horizon} days", notice=notice, horizon=horizon),
                )
            for requirement in entry.requirements:
                yield said("requires {role}", role=requirement.role), requirement_in_words(requirement)
        case PoolEntry():
            yield "name", entry.name
            yield (
                "members",
                _listed(
                    slug
                    if preference == DEFAULT_PREFERENCE
                    else said("{name} (preference {preference})", name=slug, preference=preference)
                    for slug, preference in entry.members
                ),
            )
            if entry.requires:
                yield "requires", ", ".join(entry.requires)
        case _:
            for field in fields(entry):
                yield from _field_in_words(field.name, getattr(entry, field.name))


def _field_in_words(name: str, value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, Rules):
        yield from value.words()
    elif name == "rules_at":
        for location, rules in value:
            yield from (
                (said("{kind} at {location}", kind=kind, location=location), words) for kind, words in rules.words()
            )
    elif name == "has":
        if value:
            yield "has", _listed(said("{name} until {day}", name=each, day=day) if day else each for each, day in value)
    elif value is not None and value != _GOES_UNSAID.get(name) and name not in ("slug", "surface"):
        text = ", ".join(value) if isinstance(value, tuple) else str(value)
        yield name, said(text) if name == "kind" else text


def _listed(parts: Iterable[str]) -> str:
    return said("{listed}", listed=list(parts))


def requirement_in_words(requirement: RequirementEntry) -> str:
    """``"injectors for 30 min from 20, buffer after 10"``: as exact as the entry without its role."""
    words = said(
        "{pool} for {minutes} min from {start}",
        pool=requirement.pool,
        minutes=requirement.segment_minutes,
        start=requirement.segment_start_minutes,
    )
    if requirement.quantity > 1:
        words = said("{quantity} of {pools}", quantity=requirement.quantity, pools=words)
    if requirement.buffer_before_minutes:
        words = said("{words}, buffer before {minutes}", words=words, minutes=requirement.buffer_before_minutes)
    if requirement.buffer_after_minutes:
        words = said("{words}, buffer after {minutes}", words=words, minutes=requirement.buffer_after_minutes)
    return words


def shortages(document: CatalogDocument) -> Iterator[tuple[str, str]]:
    """(service, what it lacks) for every role that cannot be served at a location where the service is offered."""
    for entry in document.services.values():
        for requirement in entry.requirements:
            pool = document.pools.get(requirement.pool)
            members = (
                [document.resources[slug] for slug, _ in pool.members if slug in document.resources] if pool else []
            )
            for location in entry.locations:
                units = sum(member.capacity for member in members if location in member.locations)
                if units < requirement.quantity:
                    has = f"has only {units}" if units else "has nobody and nothing"
                    yield (
                        entry.slug,
                        (
                            f"cannot be booked at {location}: it needs {requirement.quantity} of the pool "
                            f"{requirement.pool} as {requirement.role}, and {location} {has} of it."
                        ),
                    )
