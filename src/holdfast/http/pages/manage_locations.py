"""Manage: locations, their clock, opening hours, closures and holidays."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from holdfast import wallclock
from holdfast.catalog.document import CatalogDocument, LocationEntry
from holdfast.catalog.public_holidays import check_holidays, holiday_countries
from holdfast.http.pages.manage_entries import EntryForm, entry_routes, put_entry
from holdfast.http.pages.manage_form import Fields, Reader
from holdfast.http.pages.manage_hours import LOCATION_DATED, hours_fields, read_hours
from holdfast.web.languages import Language


def _fields(document: CatalogDocument, slug: str | None) -> Fields:
    if slug is None:
        zone = next((each.time_zone for each in document.locations.values()), "")
        return {"time_zone": zone} | {f"hours-{weekday}": "09:00-18:00" for weekday in range(5)}
    entry = document.locations[slug]
    return {
        "name": entry.name,
        "time_zone": entry.time_zone,
        "address": entry.address or "",
        "holidays": entry.holidays or "",
        **hours_fields(entry.rules),
    }


def _read(reader: Reader, document: CatalogDocument, slug: str) -> CatalogDocument:
    zone = reader.text("time_zone")
    if zone:
        reader.attempt("time_zone", wallclock.zone)
    if reader.fields.get("holidays"):
        reader.attempt("holidays", lambda place: check_holidays(place.upper()))
    entry = LocationEntry(
        slug,
        reader.text("name"),
        zone,
        reader.text("address", required=False) or None,
        reader.text("holidays", required=False).upper() or None,
        read_hours(reader, LOCATION_DATED),
    )
    return put_entry(document, "locations", entry)


def _around(_document: CatalogDocument, _typed: Fields, language: Language) -> Mapping[str, Any]:
    countries = sorted((language.country(code), code) for code in holiday_countries())
    return {"zones": sorted(wallclock.zone_names()), "countries": countries, "dated_kinds": LOCATION_DATED}


router = entry_routes(
    EntryForm("locations", "manage/locations.html", "manage/location.html", fields=_fields, read=_read, around=_around)
)
