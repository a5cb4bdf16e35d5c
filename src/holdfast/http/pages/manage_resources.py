"""Manage: providers, rooms, devices and other things; where they serve, what they have, when they are away."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from holdfast.catalog.document import DEFAULT_PREFERENCE, CatalogDocument, ResourceEntry, preferred_first
from holdfast.catalog.hours import Rules
from holdfast.catalog.model import KINDS
from holdfast.http.pages.manage_entries import EntryForm, entry_routes, put_entry
from holdfast.http.pages.manage_form import Fields, Reader, chosen, set_chosen, set_rows
from holdfast.http.pages.manage_hours import RESOURCE_DATED, hours_fields, read_hours
from holdfast.web.languages import Language

CAPACITY_MAX: Final = 500
VISITS_MAX: Final = 1000


def _fields(document: CatalogDocument, slug: str | None) -> Fields:
    if slug is None:
        fields: Fields = {"kind": "provider", "capacity": "1"}
        if len(document.locations) == 1:
            set_chosen(fields, "location", document.locations)
        return fields
    entry = document.resources[slug]
    fields = {
        "name": entry.name,
        "kind": entry.kind,
        "capacity": str(entry.capacity),
        "visits_per_day": "" if entry.visits_per_day is None else str(entry.visits_per_day),
        **hours_fields(entry.rules),
    }
    set_chosen(fields, "location", entry.locations)
    set_chosen(fields, "pool", pools_of(document, slug))
    set_rows(fields, "has", ({"name": name, "until": until} for name, until in entry.has))
    for location, rules in entry.rules_at:
        fields |= hours_fields(rules, f"at-{location}-")
    return fields


def _read(reader: Reader, document: CatalogDocument, slug: str) -> CatalogDocument:
    locations = chosen(reader.fields, "location", document.locations)
    if not locations:
        reader.wrong("locations", "Where does it serve? Tick at least one location.")
    entry = ResourceEntry(
        slug,
        reader.text("name"),
        reader.choice("kind", KINDS),
        locations,
        reader.integer("capacity", 1, CAPACITY_MAX),
        reader.optional("visits_per_day", 0, VISITS_MAX),
        tuple(sorted(dict(_attributes(reader)).items())),
        read_hours(reader, RESOURCE_DATED),
        _rules_at(reader, document),
    )
    return _in_pools(put_entry(document, "resources", entry), slug, chosen(reader.fields, "pool", document.pools))


def _attributes(reader: Reader) -> list[tuple[str, str]]:
    return [
        (reader.text(f"{row}name").lower().replace(" ", "-"), reader.day(f"{row}until"))
        for row in reader.rows("has", "name", "until")
    ]


def _rules_at(reader: Reader, document: CatalogDocument) -> tuple[tuple[str, Rules], ...]:
    # in the order in which the record is read, so that nothing looks changed that is not
    found = ((slug, read_hours(reader, RESOURCE_DATED, f"at-{slug}-")) for slug in document.locations)
    return tuple((slug, rules) for slug, rules in found if rules)


def pools_of(document: CatalogDocument, slug: str | None) -> tuple[str, ...]:
    """The slugs of the pools that a resource is in; of a new one, none."""
    return tuple(pool.slug for pool in document.pools.values() if slug in dict(pool.members))


def _in_pools(document: CatalogDocument, slug: str, pools: tuple[str, ...]) -> CatalogDocument:
    """The resource is a member of these pools and no others; where it was before, its preference stays."""
    for pool in document.pools.values():
        members = dict(pool.members)
        if (slug in members) != (pool.slug in pools):
            if pool.slug in pools:
                members[slug] = DEFAULT_PREFERENCE
            else:
                del members[slug]
            document = put_entry(document, "pools", replace(pool, members=preferred_first(list(members.items()))))
    return document


def _around(document: CatalogDocument, fields: Fields, _language: Language) -> Mapping[str, Any]:
    return {
        "kinds": KINDS,
        "dated_kinds": RESOURCE_DATED,
        "attributes": sorted(
            {name for each in document.resources.values() for name, _ in each.has}
            | {name for pool in document.pools.values() for name in pool.requires}
        ),
        "pools_of": lambda slug: [document.pools[each].name for each in pools_of(document, slug)],
        # at a shared resource's locations, hours of their own; one that is not shared needs none
        "own_hours_at": [
            slug
            for slug in document.locations
            if fields.get(f"location-{slug}") and sum(f"location-{each}" in fields for each in document.locations) > 1
        ],
    }


router = entry_routes(
    EntryForm(
        "resources",
        "manage/resources.html",
        "manage/resource.html",
        fields=_fields,
        read=_read,
        around=_around,
        also=pools_of,
    )
)
