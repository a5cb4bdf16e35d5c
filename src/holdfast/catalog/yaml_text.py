"""Write a catalog document as the YAML that ``yaml_file.py`` reads: reading it back gives an equal document."""

from __future__ import annotations

from typing import Any, Final

import yaml

from holdfast.catalog.document import (
    DEFAULT_CATEGORY,
    DEFAULT_GRID_MINUTES,
    DEFAULT_PREFERENCE,
    GROUPS,
    CatalogDocument,
    PoolEntry,
    RequirementEntry,
    ResourceEntry,
    ServiceEntry,
    money,
    standard_hold_policy,
)
from holdfast.catalog.hours import Rules, weekly_in_words
from holdfast.catalog.model import HoldPolicy
from holdfast.catalog.yaml_file import implicit_pool
from holdfast.catalog.yaml_hours import RESOURCE_DATED, WEEKLY

HEADER: Final = """\
# The catalog: what can be booked. Edit it, look at the difference with
#   holdfast catalog import FILE --dry-run
# and put it into force without --dry-run. Lengths are minutes (70, or 1h10); prices are in the organization's currency.
"""
WIDTH: Final = 120


class _Inline(dict[str, Any]):
    """A mapping written in one line."""


class _InlineList(list[Any]):
    """A list written in one line."""


class _Dumper(yaml.SafeDumper):
    """Lists indented below their key; no anchors, which a manager would have to look up."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002
        return True

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:  # noqa: ARG002
        super().increase_indent(flow, False)


def _inline_mapping(dumper: yaml.SafeDumper, data: _Inline) -> yaml.Node:
    return dumper.represent_mapping("tag:yaml.org,2002:map", data.items(), flow_style=True)


def _inline_list(dumper: yaml.SafeDumper, data: _InlineList) -> yaml.Node:
    return dumper.represent_sequence("tag:yaml.org,2002:seq", data, flow_style=True)


_Dumper.add_representer(_Inline, _inline_mapping)
_Dumper.add_representer(_InlineList, _inline_list)


def dump_catalog(document: CatalogDocument) -> str:
    """The whole file. What the reader would assume anyway is left out, so that what stands there matters."""
    organization = document.organization
    sections: dict[str, Any] = {
        "organization": {
            "name": organization.name,
            "slug": organization.slug,
            "currency": organization.currency,
            **({"assign": organization.assign} if organization.assign != "preference" else {}),
            **({"rank": organization.rank} if organization.rank != "earliest" else {}),
        },
        "hold_policies": {surface: _policy(policy) for surface, policy in document.hold_policies.items()},
        "locations": {
            each.slug: {"name": each.name, "time_zone": each.time_zone}
            | ({"address": each.address} if each.address else {})
            | ({"holidays": each.holidays} if each.holidays else {})
            | _rules(each.rules)
            for each in document.locations.values()
        },
    }
    for kind, group in GROUPS.items():
        sections[group] = {
            each.slug: _Inline(
                {"name": each.name}
                | ({"capacity": each.capacity} if each.capacity != 1 else {})
                | _locations(each.locations, document)
                | _resource_rules(each)
            )
            for each in document.resources.values()
            if each.kind == kind
        }
    sections["pools"] = {each.slug: _pool(each) for each in document.pools.values() if not _goes_unsaid(each, document)}
    sections["services"] = {each.slug: _service(each, document) for each in document.services.values()}
    return HEADER + "".join("\n" + _dump({name: section}) for name, section in sections.items() if section)


def _dump(section: dict[str, Any]) -> str:
    return yaml.dump(
        section, Dumper=_Dumper, sort_keys=False, allow_unicode=True, default_flow_style=False, width=WIDTH
    )


def _locations(slugs: tuple[str, ...], document: CatalogDocument) -> dict[str, Any]:
    """Where there is only one place, everything is there."""
    return {} if len(document.locations) == 1 == len(slugs) else {"locations": _InlineList(slugs)}


def _rules(rules: Rules) -> dict[str, Any]:
    """Hours and exceptions, each kind under its key."""
    words: dict[str, Any] = {}
    for key, kind in WEEKLY.items():
        if weekly := weekly_in_words([rule for rule in rules.weekly if rule.kind == kind]):
            words[key] = _inline(weekly)
    for key, kind in RESOURCE_DATED.items():
        if dated := [rule for rule in rules.dated if rule.kind == kind]:
            words[key] = _InlineList(
                _Inline(when=rule.when, reason=rule.reason) if rule.reason else rule.when for rule in dated
            )
    return words


def _resource_rules(entry: ResourceEntry) -> dict[str, Any]:
    words: dict[str, Any] = {}
    if entry.visits_per_day is not None:
        words["visits_per_day"] = entry.visits_per_day
    if entry.has:
        words["has"] = _Inline((name, day or None) for name, day in entry.has)
    words |= _rules(entry.rules)
    if entry.rules_at:
        words["at"] = _Inline((slug, _Inline(_rules(rules))) for slug, rules in entry.rules_at)
    return words


def _inline(value: Any) -> Any:
    if isinstance(value, dict):
        return _Inline((name, _inline(each)) for name, each in value.items())
    return _InlineList(map(_inline, value)) if isinstance(value, list) else value


def _policy(policy: HoldPolicy) -> _Inline:
    standard = standard_hold_policy(policy.surface)
    return _Inline(
        (name, "none" if getattr(policy, name) is None else getattr(policy, name))
        for name in HoldPolicy.__slots__
        if getattr(policy, name) != getattr(standard, name)
    )


def _goes_unsaid(pool: PoolEntry, document: CatalogDocument) -> bool:
    """Whether the reader makes this very pool by itself."""
    required = {each.pool for entry in document.services.values() for each in entry.requirements}
    if pool.slug not in required or not pool.members:
        return False
    return any(
        pool
        == implicit_pool(
            kind, [(each.slug, DEFAULT_PREFERENCE) for each in document.resources.values() if each.kind == kind]
        )
        for kind in GROUPS
    )


def _pool(pool: PoolEntry) -> _Inline:
    members = _InlineList(
        slug if preference == DEFAULT_PREFERENCE else _Inline(resource=slug, preference=preference)
        for slug, preference in pool.members
    )
    requires = {"requires": _InlineList(pool.requires)} if pool.requires else {}
    return _Inline(name=pool.name, members=members, **requires)


def _service(entry: ServiceEntry, document: CatalogDocument) -> dict[str, Any]:
    words: dict[str, Any] = {"name": entry.name}
    if entry.category != DEFAULT_CATEGORY:
        words["category"] = entry.category
    words["duration"] = entry.duration_minutes
    if entry.price_cents:
        price = money(entry.price_cents)
        words["price"] = float(price) if "." in price else int(price)
    if entry.locations != tuple(sorted(document.locations)):
        words["locations"] = _InlineList(entry.locations)
    if entry.grid_minutes != DEFAULT_GRID_MINUTES:
        words["grid"] = entry.grid_minutes
    if entry.off_grid_after_claims:
        words["off_grid_after_claims"] = "yes"
    if entry.leads:
        words["lead"] = {
            surface: _Inline(notice=notice, horizon_days=horizon) for surface, notice, horizon in entry.leads
        }
    words["requires"] = [_requirement(each, entry.duration_minutes) for each in entry.requirements]
    return words


def _requirement(each: RequirementEntry, duration: int) -> _Inline:
    words = _Inline(role=each.role, pool=each.pool)
    if each.quantity != 1:
        words["quantity"] = each.quantity
    if each.segment_start_minutes:
        words["from"] = each.segment_start_minutes
    if each.segment_minutes != duration - each.segment_start_minutes:
        words["minutes"] = each.segment_minutes
    if each.buffer_before_minutes:
        words["buffer_before"] = each.buffer_before_minutes
    if each.buffer_after_minutes:
        words["buffer_after"] = each.buffer_after_minutes
    return words
