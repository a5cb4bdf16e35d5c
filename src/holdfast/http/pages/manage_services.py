"""Manage: services, what a visit requires and for which part of it, where and how soon they can be booked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from fastapi import Request, Response
from fastapi.responses import HTMLResponse

from holdfast.access.model import SURFACES
from holdfast.catalog.contradictions import can_be_met
from holdfast.catalog.document import (
    DEFAULT_CATEGORY,
    DEFAULT_GRID_MINUTES,
    CatalogDocument,
    RequirementEntry,
    ServiceEntry,
    in_order,
    money,
    read_document,
    shortages,
)
from holdfast.http.pages.manage_entries import EntryForm, entry_routes, put_entry
from holdfast.http.pages.manage_form import Fields, Reader, chosen, set_chosen, set_rows, typed_in
from holdfast.http.pages.manage_picture import Bar, segments_picture
from holdfast.http.pages.pages import language_of, record_of
from holdfast.http.pages.staff_session import Desk
from holdfast.web.languages import Language

DAY_MINUTES: Final = 1440
BUFFER_MAX: Final = 480
QUANTITY_MAX: Final = 50
NOTICE_MAX: Final = 525_600
HORIZON_MAX: Final = 1096


def _fields(document: CatalogDocument, slug: str | None) -> Fields:
    if slug is None:
        fields: Fields = {"category": DEFAULT_CATEGORY, "duration": "30", "grid": str(DEFAULT_GRID_MINUTES)}
        set_chosen(fields, "location", document.locations)
        return fields
    entry = document.services[slug]
    fields = {
        "name": entry.name,
        "category": entry.category,
        "duration": str(entry.duration_minutes),
        "price": money(entry.price_cents),
        "grid": str(entry.grid_minutes),
    }
    if entry.off_grid_after_claims:
        fields["off_grid"] = "1"
    set_chosen(fields, "location", entry.locations)
    set_rows(
        fields,
        "need",
        (
            {
                "role": need.role,
                "pool": need.pool,
                "quantity": need.quantity,
                "start": need.segment_start_minutes,
                "minutes": need.segment_minutes,
                "before": need.buffer_before_minutes,
                "after": need.buffer_after_minutes,
            }
            for need in entry.requirements
        ),
    )
    for surface, notice, horizon in entry.leads:
        fields |= {f"notice-{surface}": str(notice), f"horizon-{surface}": str(horizon)}
    return fields


def _read(reader: Reader, document: CatalogDocument, slug: str) -> CatalogDocument:
    duration = reader.integer("duration", 1, DAY_MINUTES)
    locations = chosen(reader.fields, "location", document.locations)
    if not locations:
        reader.wrong("locations", "Where is it offered? Tick at least one location.")
    entry = ServiceEntry(
        slug,
        reader.text("name"),
        duration,
        locations,
        in_order(list(_needs(reader, document, duration).values())),
        reader.text("category", required=False) or DEFAULT_CATEGORY,
        reader.cents("price"),
        reader.integer("grid", 1, DAY_MINUTES, empty=DEFAULT_GRID_MINUTES),
        reader.checked("off_grid"),
        _leads(reader),
    )
    if not entry.requirements:
        reader.wrong("needs", "Who or what does a visit need? Without that it cannot be booked.")
    return put_entry(document, "services", entry)


def _needs(reader: Reader, document: CatalogDocument, duration: int) -> dict[str, RequirementEntry]:
    needs: dict[str, RequirementEntry] = {}
    for row in reader.rows("need", "role", "pool"):
        pool = reader.choice(f"{row}pool", document.pools)
        role = reader.text(f"{row}role", required=False).lower().replace(" ", "_").replace("-", "_")
        role = role or pool.replace("-", "_").removesuffix("s")
        if role in needs:
            reader.wrong(f"{row}role", "This role is here twice: give it another name, or a larger number.")
        start = reader.integer(f"{row}start", -DAY_MINUTES, DAY_MINUTES, empty=0)
        needs[role] = RequirementEntry(
            role,
            pool,
            reader.integer(f"{row}minutes", 1, DAY_MINUTES, empty=max(1, duration - start)),
            start,
            reader.integer(f"{row}quantity", 1, QUANTITY_MAX, empty=1),
            reader.integer(f"{row}before", 0, BUFFER_MAX, empty=0),
            reader.integer(f"{row}after", 0, BUFFER_MAX, empty=0),
        )
    return needs


def _leads(reader: Reader) -> tuple[tuple[str, int, int], ...]:
    for surface in SURFACES:
        notice, horizon = (reader.fields.get(f"{name}-{surface}", "") for name in ("notice", "horizon"))
        if notice.isdigit() and horizon.isdigit() and not can_be_met(int(notice[:9]), int(horizon[:9])):
            reader.wrong(f"horizon-{surface}", "Nobody could ever book: the notice reaches beyond these days.")
    said = [each for each in SURFACES if reader.fields.get(f"notice-{each}") or reader.fields.get(f"horizon-{each}")]
    return tuple(
        sorted(
            (
                surface,
                reader.integer(f"notice-{surface}", 0, NOTICE_MAX, empty=0),
                reader.integer(f"horizon-{surface}", 0, HORIZON_MAX, empty=365),
            )
            for surface in said
        )
    )


def _around(document: CatalogDocument, fields: Fields, language: Language) -> Mapping[str, Any]:
    lacking: dict[str, list[str]] = {}
    for slug, what in shortages(document):
        lacking.setdefault(slug, []).append(what)
    return {
        "surfaces": SURFACES,
        "categories": sorted({each.category for each in document.services.values()}),
        "by_category": _by_category(document),
        "leads_said": any(fields.get(f"notice-{each}") or fields.get(f"horizon-{each}") for each in SURFACES),
        "picture": _picture(document, fields, language) if fields else "",
        "picture_of": lambda slug: _picture(document, _fields(document, slug), language, small=True),
        "lacking": lacking,
        "price": lambda each: language.money(each.price_cents, document.organization.currency),
    }


def _by_category(document: CatalogDocument) -> dict[str, list[ServiceEntry]]:
    found: dict[str, list[ServiceEntry]] = {}
    for each in sorted(document.services.values(), key=lambda each: (each.category, each.name)):
        found.setdefault(each.category, []).append(each)
    return found


def _picture(document: CatalogDocument, fields: Fields, language: Language, *, small: bool = False) -> str:
    """The segments as far as they can be read: while a number is being typed, the rest is still drawn."""
    reader = Reader(fields, language)
    duration = reader.integer("duration", 1, DAY_MINUTES)
    names = {slug: pool.name for slug, pool in document.pools.items()}
    bars = [
        Bar(
            each.role,
            names.get(each.pool, ""),
            each.quantity,
            each.segment_start_minutes,
            each.segment_minutes,
            each.buffer_before_minutes,
            each.buffer_after_minutes,
        )
        for each in in_order(list(_needs(reader, document, duration).values()))
    ]
    return segments_picture(duration, bars, language, small=small)


router = entry_routes(
    EntryForm("services", "manage/services.html", "manage/service.html", fields=_fields, read=_read, around=_around)
)


@router.post("/-/picture")
async def picture(request: Request, staff: Desk) -> Response:
    """The picture of what is typed, while it is being typed."""
    staff.require("manage")
    document = await record_of(request).transact(staff.caller(), read_document)
    return HTMLResponse(str(_picture(document, await typed_in(request), language_of(request))))
