"""The catalog as one YAML file that a clinic manager can read and edit: read it here, write it in ``yaml_text.py``.

What can be guessed safely need not be written: docs/catalog.md has the ten-line clinic and every key.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterable
from dataclasses import dataclass, fields, replace
from typing import Any, Final

import yaml

from holdfast import wallclock
from holdfast.catalog import yaml_hours, yaml_nodes
from holdfast.catalog.contradictions import can_be_met, contradictions
from holdfast.catalog.document import (
    DEFAULT_CATEGORY,
    DEFAULT_GRID_MINUTES,
    DEFAULT_PREFERENCE,
    GROUPS,
    PUBLIC_SURFACES,
    CatalogDocument,
    LocationEntry,
    OrganizationEntry,
    PoolEntry,
    RequirementEntry,
    ResourceEntry,
    ServiceEntry,
    in_order,
    preferred_first,
    shortages,
    standard_hold_policy,
)
from holdfast.catalog.hours import NO_RULES
from holdfast.catalog.model import SLUG, HoldPolicy
from holdfast.catalog.public_holidays import check_holidays
from holdfast.catalog.yaml_nodes import Mapping, Remark, Remarks, line_of, near
from holdfast.errors import Invalid

SURFACES: Final = (
    *("desk", "phone", "walk_in", "widget", "calendar"),
    *("platform", "assistant", "api", "import", "system"),
)
_ATTRIBUTE: Final = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}", re.ASCII)
_ROLE: Final = re.compile(r"[a-z][a-z0-9_]{0,39}")
_POLICY_BOUNDS: Final = {
    "ttl_seconds": (1, 86_400),
    "ttl_seconds_max": (1, 86_400),
    "extensions_max": (0, 20),
    "grace_seconds": (0, 3600),
}
_POLICY_LIMITS: Final = tuple(
    field.name for field in fields(HoldPolicy) if field.name != "surface" and field.name not in _POLICY_BOUNDS
)


@dataclass(frozen=True, slots=True)
class CatalogFile:
    """What a file says. ``lines`` = where each (section, slug) stands, for remarks that come later."""

    document: CatalogDocument
    lines: dict[tuple[str, str], int]
    warnings: list[Remark]


def parse_catalog(text: str) -> CatalogFile:
    """Read a catalog file. Raises FileInvalid with every problem found: line, what is wrong, what to write instead."""
    return _Reader().read(yaml_nodes.compose(text.removeprefix("\ufeff")))


def slugify(name: str) -> str:
    """``"José Álvarez, RN"`` -> ``"jose-alvarez-rn"``; a slug stays itself; empty when no letter has a Latin form."""
    if SLUG.fullmatch(name):
        return name
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]+", "-", plain.lower()).strip("-")[:64].strip("-")


class _Reader:
    """One pass over one file. Sections are read in an order in which each finds what it refers to."""

    def __init__(self) -> None:
        self._remarks = Remarks()
        self._lines: dict[tuple[str, str], int] = {}
        self._locations: dict[str, LocationEntry] = {}
        self._resources: dict[str, ResourceEntry] = {}
        self._pools: dict[str, PoolEntry] = {}

    def read(self, root: yaml.Node) -> CatalogFile:
        top = Mapping(root, "a catalog", self._remarks)
        organization = self._organization(top)
        policies = self._hold_policies(top.take("hold_policies"))
        for name, node in self._entries(top.take("locations"), "locations", "locations"):
            self._location(name, node)
        if not self._locations:
            self._remarks.add(root, "there is no location: write one under `locations:`, with its time_zone.")
        for kind, group in GROUPS.items():
            for name, node in self._entries(top.take(group), group, "resources"):
                self._resource(name, node, kind)
        for name, node in self._entries(top.take("pools"), "pools", "pools"):
            self._pool(name, node)
        services = {
            entry.slug: entry
            for name, node in self._entries(top.take("services"), "services", "services")
            if (entry := self._service(name, node))
        }
        top.finish()
        self._remarks.stop_if_any()
        document = CatalogDocument(organization, policies, self._locations, self._resources, self._pools, services)
        return CatalogFile(document, self._lines, self._warnings(document))

    def _organization(self, top: Mapping) -> OrganizationEntry:
        node = top.take("organization")
        if node is None:
            self._remarks.add(top.node, "the organization is missing: write `organization:` and the business's name.")
            return OrganizationEntry("", "")
        if isinstance(node, yaml.ScalarNode):
            name = yaml_nodes.text(node, "the organization's name", self._remarks)
            return OrganizationEntry(self._slug(node, name), name)
        keys = Mapping(node, "the organization", self._remarks)
        name_node = keys.take("name")
        if name_node is None:
            self._remarks.add(node, "the organization lacks its `name`.")
            return OrganizationEntry("", "")
        name = yaml_nodes.text(name_node, "name", self._remarks)
        slug_node = keys.take("slug") or name_node
        currency = keys.text("currency", "USD")
        if not re.fullmatch(r"[A-Z]{3}", currency, re.ASCII):
            self._remarks.add(node, f"the currency is {currency[:20]!r}; write three letters such as USD or EUR.")
        assign = self._one_of(keys, "assign", ("preference", "least_loaded", "round_robin"))
        rank = self._one_of(keys, "rank", ("earliest", "tight"))
        keys.finish()
        slug = self._slug(slug_node, yaml_nodes.text(slug_node, "slug", self._remarks))
        return OrganizationEntry(slug, name, currency, assign, rank)

    def _one_of(self, keys: Mapping, key: str, choices: tuple[str, ...]) -> str:
        """One of these words, the first when nothing is said."""
        said = keys.text(key, choices[0])
        if said not in choices:
            self._remarks.add(keys.node, f"{key} is {said[:40]!r}.{near(said, choices)}")
        return said

    def _hold_policies(self, node: yaml.Node | None) -> dict[str, HoldPolicy]:
        policies: dict[str, HoldPolicy] = {}
        if node is None:
            return policies
        for name, value in yaml_nodes.pairs(node, "hold_policies", self._remarks):
            surface = name.value
            if surface not in SURFACES:
                self._remarks.add(name, f"there is no surface {surface[:40]!r}.{near(surface, SURFACES)}")
                continue
            keys = Mapping(value, f"the hold policy of {surface}", self._remarks)
            policy = standard_hold_policy(surface)
            bounded: dict[str, Any] = {
                key: keys.integer(key, getattr(policy, key), least=least, most=most)
                for key, (least, most) in _POLICY_BOUNDS.items()
            }
            limits: dict[str, Any] = {key: self._limit(keys, key, getattr(policy, key)) for key in _POLICY_LIMITS}
            keys.finish()
            policies[surface] = replace(policy, **bounded, **limits)
            if bounded["ttl_seconds"] > bounded["ttl_seconds_max"]:
                self._remarks.add(name, f"on {surface} ttl_seconds is larger than ttl_seconds_max.")
        return policies

    def _limit(self, keys: Mapping, key: str, standard: int | None) -> int | None:
        node = keys.take(key)
        if node is None:
            return standard
        if isinstance(node, yaml.ScalarNode) and node.value == "none":
            return None
        return yaml_nodes.integer(node, f"{key} (or none)", self._remarks, least=1, most=1_000_000)

    def _entries(
        self, node: yaml.Node | None, group: str, section: str
    ) -> list[tuple[yaml.ScalarNode, yaml.Node | None]]:
        """The named things of a section, each once; a plain list names things that need nothing more said."""
        if node is None:
            return []
        found: Iterable[tuple[yaml.ScalarNode, yaml.Node | None]]
        if isinstance(node, yaml.SequenceNode):
            found = [(name, None) for name in yaml_nodes.words(node, group, self._remarks)]
        else:
            found = yaml_nodes.pairs(node, group, self._remarks)
        entries = []
        for name, value in found:
            slug = self._slug(name, yaml_nodes.text(name, "a name", self._remarks))
            if (section, slug) in self._lines:
                line = self._lines[section, slug]
                self._remarks.add(name, f"{slug!r} is here twice, first in line {line}: give one another name.")
            else:
                self._lines[section, slug] = line_of(name)
                entries.append((name, value))
        return entries

    def _location(self, name: yaml.ScalarNode, node: yaml.Node | None) -> None:
        slug = slugify(name.value)
        title, zone, address, holidays, rules = _title(name.value), node, None, None, NO_RULES
        # `main: America/Chicago` says all that is needed
        if isinstance(node, yaml.MappingNode):
            keys = Mapping(node, f"the location {slug}", self._remarks)
            title = keys.text("name", title)
            zone = keys.take("time_zone")
            if (line := keys.take("address")) is not None:
                address = yaml_nodes.text(line, "address", self._remarks, most=500)
            holidays = self._holidays(keys.take("holidays"))
            rules = yaml_hours.rules(keys, yaml_hours.LOCATION_DATED, self._remarks)
            keys.finish()
        if zone is None or yaml_nodes.is_empty(zone):
            self._remarks.add(name, f"the location {slug} lacks its time_zone: write one such as America/Chicago.")
            return
        self._locations[slug] = LocationEntry(slug, title, self._time_zone(zone), address, holidays, rules)

    def _holidays(self, node: yaml.Node | None) -> str | None:
        """``US`` or ``US-TX``, if the holidays of that place are known."""
        if node is None:
            return None
        place = yaml_nodes.text(node, "holidays", self._remarks).upper()
        try:
            check_holidays(place)
        except ValueError as error:
            self._remarks.add(node, f"{error}.")
        return place

    def _time_zone(self, node: yaml.Node) -> str:
        name = yaml_nodes.text(node, "time_zone", self._remarks)
        try:
            wallclock.zone(name)
        except Invalid as error:
            self._remarks.add(node, error.detail)
        return name

    def _resource(self, name: yaml.ScalarNode, node: yaml.Node | None, kind: str) -> None:
        slug = slugify(name.value)
        keys = Mapping(node, f"the {kind} {slug}", self._remarks) if node is not None else None
        title = keys.text("name", _title(name.value)) if keys else _title(name.value)
        capacity = keys.integer("capacity", 1, least=1, most=500) if keys else 1
        locations_node = keys.take("locations") if keys else None
        if locations_node is not None:
            locations = self._known_locations(locations_node)
        else:
            locations = tuple(self._locations)
            if len(locations) > 1:
                self._remarks.add(
                    name, f"where is {slug}? Write {slug}: {{locations: [{', '.join(sorted(self._locations))}]}}"
                )
        entry = ResourceEntry(slug, title, kind, locations, capacity)
        if keys:
            entry = self._resource_rules(entry, keys)
            keys.finish()
        self._resources[slug] = entry

    def _resource_rules(self, entry: ResourceEntry, keys: Mapping) -> ResourceEntry:
        cap = keys.take("visits_per_day")
        has: dict[str, str] = {}
        node = keys.take("has")
        if isinstance(node, yaml.MappingNode):
            for name, until in yaml_nodes.pairs(node, "has", self._remarks):
                good = "" if yaml_nodes.is_empty(until) else yaml_hours.day(until, name.value, self._remarks)
                has[name.value] = good
        elif node is not None:
            has = {word.value: "" for word in yaml_nodes.words(node, "has", self._remarks)}
        rules_at = {}
        at = keys.take("at")
        for name, value in yaml_nodes.pairs(at, "at", self._remarks) if at else ():
            if location := self._existing(name, "location", entry.locations):
                there = Mapping(value, f"{entry.slug} at {location}", self._remarks)
                rules_at[location] = yaml_hours.rules(there, yaml_hours.RESOURCE_DATED, self._remarks)
                there.finish()
        return replace(
            entry,
            visits_per_day=yaml_nodes.integer(cap, "visits_per_day", self._remarks, least=0, most=1000)
            if cap
            else None,
            has=tuple(sorted((self._attribute(node or keys.node, name), day) for name, day in has.items())),
            rules=yaml_hours.rules(keys, yaml_hours.RESOURCE_DATED, self._remarks),
            rules_at=tuple((slug, rules_at[slug]) for slug in self._locations if rules_at.get(slug)),
        )

    def _attribute(self, node: yaml.Node, name: str) -> str:
        if not _ATTRIBUTE.fullmatch(name):
            self._remarks.add(node, f"{name[:50]!r} has lower-case letters, digits, - and _, at most 40.")
        return name

    def _known_locations(self, node: yaml.Node) -> tuple[str, ...]:
        return self._known(node, "locations", "location", self._locations)

    def _known(self, node: yaml.Node, what: str, kind: str, known: Collection[str]) -> tuple[str, ...]:
        """A list of slugs that exist, in order of slug."""
        found = set()
        for word in yaml_nodes.words(node, what, self._remarks):
            if slug := self._existing(word, kind, known):
                found.add(slug)
        return tuple(sorted(found))

    def _existing(self, node: yaml.Node, kind: str, known: Collection[str]) -> str | None:
        """The slug of something in this file, written as its slug or its name; None after a remark."""
        value = yaml_nodes.text(node, kind, self._remarks)
        if slugify(value) in known:
            return slugify(value)
        self._remarks.add(node, f"there is no {kind} {value[:60]!r} in this file.{near(value, known)}")
        return None

    def _pool(self, name: yaml.ScalarNode, node: yaml.Node | None) -> None:
        slug = slugify(name.value)
        title, members_node = _title(name.value), node
        requires: tuple[str, ...] = ()
        if isinstance(node, yaml.MappingNode):
            keys = Mapping(node, f"the pool {slug}", self._remarks)
            title = keys.text("name", title)
            members_node = keys.take("members")
            if (wanted := keys.take("requires")) is not None:
                listed = yaml_nodes.words(wanted, "requires", self._remarks)
                requires = tuple(sorted({self._attribute(word, word.value) for word in listed}))
            keys.finish()
        members: dict[str, int] = {}
        for item in yaml_nodes.items(members_node, "members", self._remarks) if members_node else []:
            preference, member = DEFAULT_PREFERENCE, item
            if isinstance(item, yaml.MappingNode):
                keys = Mapping(item, f"a member of {slug}", self._remarks)
                preference = keys.integer("preference", DEFAULT_PREFERENCE, least=0, most=1_000_000)
                member = keys.take("resource") or item
                keys.finish()
            if resource := self._existing(member, "resource", self._resources):
                members[resource] = preference
        self._pools[slug] = PoolEntry(slug, title, preferred_first(list(members.items())), requires)

    def _service(self, name: yaml.ScalarNode, node: yaml.Node | None) -> ServiceEntry | None:
        slug = slugify(name.value)
        # `Check-up: 30` says all that is needed
        keys = Mapping(node, f"the service {slug}", self._remarks) if isinstance(node, yaml.MappingNode) else None
        duration_node = keys.take("duration") if keys else node
        if duration_node is None or yaml_nodes.is_empty(duration_node):
            self._remarks.add(name, f"the service {slug} lacks its duration: write minutes such as 45, or 1h10.")
            return None
        duration = yaml_nodes.minutes(duration_node, "duration", self._remarks, least=1, most=1440)
        entry = ServiceEntry(slug, _title(name.value), duration, tuple(sorted(self._locations)), ())
        requires = None
        if keys:
            price, locations = keys.take("price"), keys.take("locations")
            requires = keys.take("requires")
            entry = replace(
                entry,
                name=keys.text("name", entry.name),
                category=keys.text("category", DEFAULT_CATEGORY),
                price_cents=yaml_nodes.cents(price, "price", self._remarks) if price else 0,
                locations=self._known_locations(locations) if locations else entry.locations,
                grid_minutes=keys.minutes("grid", DEFAULT_GRID_MINUTES, least=1, most=1440),
                off_grid_after_claims=self._one_of(keys, "off_grid_after_claims", ("no", "yes")) == "yes",
                leads=self._leads(keys.take("lead")),
            )
            keys.finish()
        return replace(entry, requirements=self._requirements(name, requires, duration))

    def _leads(self, node: yaml.Node | None) -> tuple[tuple[str, int, int], ...]:
        """Notice and horizon by surface; `public` means every surface on which strangers book."""
        leads: dict[str, tuple[int, int]] = {}
        for name, value in yaml_nodes.pairs(node, "lead", self._remarks) if node else ():
            keys = Mapping(value, f"the lead of {name.value}", self._remarks)
            lead = (
                keys.minutes("notice", 0, least=0, most=525_600),
                keys.integer("horizon_days", 365, least=0, most=1096),
            )
            keys.finish()
            if not can_be_met(*lead):
                self._remarks.add(
                    name,
                    f"nobody could ever book on {name.value}: the notice reaches beyond the {lead[1]} days of "
                    "horizon_days. Shorten notice, or raise horizon_days.",
                )
            if name.value == "public":
                leads |= dict.fromkeys(sorted(PUBLIC_SURFACES), lead)
            elif name.value in SURFACES:
                leads[name.value] = lead
            else:
                self._remarks.add(name, f"there is no surface {name.value[:40]!r}.{near(name.value, SURFACES)}")
        return tuple(sorted((surface, *lead) for surface, lead in leads.items()))

    def _requirements(
        self, service: yaml.ScalarNode, node: yaml.Node | None, duration: int
    ) -> tuple[RequirementEntry, ...]:
        if node is None:
            # any provider, for the whole visit
            pool = self._pool_of(service, GROUPS["provider"])
            return (RequirementEntry("provider", pool, duration),) if pool else ()
        requirements: dict[str, RequirementEntry] = {}
        for item in yaml_nodes.items(node, "requires", self._remarks):
            requirement = self._requirement(item, duration)
            if requirement is None:
                continue
            if requirement.role in requirements:
                self._remarks.add(
                    item, f"the role {requirement.role!r} is here twice: use quantity, or name a role for each."
                )
            requirements[requirement.role] = requirement
        return in_order(list(requirements.values()))

    def _requirement(self, node: yaml.Node, duration: int) -> RequirementEntry | None:
        if not isinstance(node, yaml.MappingNode):
            pool = self._pool_of(node, yaml_nodes.text(node, "a pool", self._remarks))
            return RequirementEntry(_role(pool), pool, duration) if pool else None
        keys = Mapping(node, "a requirement", self._remarks)
        pool_node = keys.take("pool")
        if pool_node is None:
            self._remarks.add(node, "a requirement lacks its pool: who or what can serve it?")
            pool = None
        else:
            pool = self._pool_of(pool_node, yaml_nodes.text(pool_node, "pool", self._remarks))
        role = keys.text("role", _role(pool or "role"))
        if not _ROLE.fullmatch(role):
            self._remarks.add(
                node, f"the role {role[:50]!r} has lower-case letters, digits and underscores, at most 40."
            )
        start = keys.minutes("from", 0, least=-1440, most=1440)
        rest = duration - start
        if rest < 1 and keys.take("minutes") is None:
            self._remarks.add(
                node, f"{role} starts at minute {start}, when the visit is over: say for how many minutes."
            )
        requirement = RequirementEntry(
            role,
            pool or "",
            keys.minutes("minutes", max(rest, 1), least=1, most=1440),
            start,
            keys.integer("quantity", 1, least=1, most=50),
            keys.minutes("buffer_before", 0, least=0, most=480),
            keys.minutes("buffer_after", 0, least=0, most=480),
        )
        keys.finish()
        return requirement if pool else None

    def _pool_of(self, node: yaml.Node, name: str) -> str | None:
        """The slug of a pool; one that is called like a kind of resource exists by itself, with all of that kind."""
        slug = slugify(name)
        if slug not in self._pools:
            for kind, group in GROUPS.items():
                if slug == slugify(group):
                    members = [
                        (each.slug, DEFAULT_PREFERENCE) for each in self._resources.values() if each.kind == kind
                    ]
                    if members:
                        self._pools[slug] = implicit_pool(kind, members)
                        return slug
            groups = {slugify(GROUPS[each.kind]) for each in self._resources.values()}
            self._remarks.add(
                node, f"there is no pool {name[:60]!r} in this file.{near(slug, self._pools.keys() | groups)}"
            )
            return None
        return slug

    def _slug(self, node: yaml.Node, name: str) -> str:
        slug = slugify(name)
        if not SLUG.fullmatch(slug):
            self._remarks.add(
                node,
                f"{name[:60]!r} has no letter for a slug: write a short-word and put the name under it as `name:`.",
            )
        return slug

    def _warnings(self, document: CatalogDocument) -> list[Remark]:
        found = [Remark(self._lines["services", slug], f"{slug} {message}") for slug, message in shortages(document)]
        found += [Remark(self._lines["resources", each.resource.slug], str(each)) for each in contradictions(document)]
        return sorted(found, key=lambda remark: remark.line)


def implicit_pool(kind: str, members: list[tuple[str, int]]) -> PoolEntry:
    """The pool of everything of one kind, which a file need not write."""
    slug = slugify(GROUPS[kind])
    return PoolEntry(slug, _title(slug), preferred_first(members))


def _title(written: str) -> str:
    """A key that is a slug becomes a name; a key that is a name stays as it is."""
    return written.replace("-", " ").capitalize() if SLUG.fullmatch(written) else written


def _role(pool: str | None) -> str:
    """What one of the pool is called: ``providers`` -> ``provider``."""
    words = (pool or "").replace("-", "_").removesuffix("s")
    return words if _ROLE.fullmatch(words) else "role"
