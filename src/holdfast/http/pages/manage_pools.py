"""Manage: pools, the resources that can serve a role."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import groupby
from typing import Any

from holdfast.catalog.document import DEFAULT_PREFERENCE, CatalogDocument, PoolEntry, preferred_first
from holdfast.catalog.model import KINDS
from holdfast.http.pages.manage_entries import EntryForm, entry_routes, put_entry
from holdfast.http.pages.manage_form import Fields, Reader, chosen, set_chosen
from holdfast.web.languages import Language

PREFERENCE_MAX = 1_000_000


def _fields(document: CatalogDocument, slug: str | None) -> Fields:
    if slug is None:
        return {}
    entry = document.pools[slug]
    fields = {"name": entry.name, "requires": ", ".join(entry.requires)}
    set_chosen(fields, "member", (resource for resource, _ in entry.members))
    fields |= {f"preference-{resource}": str(n) for resource, n in entry.members if n != DEFAULT_PREFERENCE}
    return fields


def _read(reader: Reader, document: CatalogDocument, slug: str) -> CatalogDocument:
    members = [
        (resource, reader.integer(f"preference-{resource}", 0, PREFERENCE_MAX, empty=DEFAULT_PREFERENCE))
        for resource in chosen(reader.fields, "member", document.resources)
    ]
    requires = {each.strip().lower().replace(" ", "-") for each in reader.text("requires", required=False).split(",")}
    entry = PoolEntry(slug, reader.text("name"), preferred_first(members), tuple(sorted(requires - {""})))
    return put_entry(document, "pools", entry)


def _around(document: CatalogDocument, _typed: Fields, _language: Language) -> Mapping[str, Any]:
    resources = sorted(document.resources.values(), key=lambda each: (KINDS.index(each.kind), each.name))
    return {
        "by_kind": [(kind, list(found)) for kind, found in groupby(resources, key=lambda each: each.kind)],
        "services_of": lambda slug: [
            each for each in document.services.values() if slug in {need.pool for need in each.requirements}
        ],
    }


router = entry_routes(
    EntryForm("pools", "manage/pools.html", "manage/pool.html", fields=_fields, read=_read, around=_around)
)
