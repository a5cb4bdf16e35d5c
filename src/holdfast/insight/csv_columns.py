"""Which column of a CSV export is what: the headers that booking systems use, and what the caller says instead."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from holdfast.errors import Invalid

RESOURCE_HEADERS: Final[Mapping[str, str]] = {
    "provider": "provider, service provider, staff, staff member, staff name, team member, employee, practitioner, "
    "therapist, stylist, barber, clinician, doctor, physician, nurse, injector, technician, esthetician, aesthetician, "
    "instructor, teacher, assigned to, booked with, with, resource provider",
    "room": "room, room name, treatment room, resource room, chair, station, bay, bed, cabin, suite",
    "device": "device, device name, equipment, machine, laser, resource device",
    "resource": "resource, resource name, resources, resource id, asset",
    "calendar": "calendar, calendar name",
}
_HEADERS: Final[Mapping[str, str]] = {
    "start": "start, starts, starts at, start at, start datetime, start date time, start date and time, begin, begins, "
    "begins at, begin datetime, dtstart, scheduled at, scheduled start, appointment start, appointment start time, "
    "booking start, appointment date time, appointment datetime, appointment date and time, datetime, date time, "
    "date and time, from",
    "start_date": "start date, appointment date, visit date, service date, scheduled date, begin date, day, date, "
    "appt date, booking date",
    "start_time": "start time, begin time, appointment time, scheduled time, visit time, appt time, from time, time",
    "end": "end, ends, ends at, end at, end datetime, end date time, end date and time, finish, finishes, dtend, "
    "scheduled end, appointment end, appointment end time, booking end, until, to",
    "end_date": "end date, finish date",
    "end_time": "end time, finish time, to time",
    "duration": "duration, duration minutes, duration mins, duration min, length, length minutes, minutes, mins, "
    "appointment length, appointment duration, service duration, total duration",
    "status": "status, appointment status, booking status, appt status, state, visit status",
    "cancelled": "cancelled, canceled, is cancelled, is canceled",
    "kind": "service, services, service name, treatment, appointment type, visit type, type, event type, class, "
    "procedure, service type, item, categories, category",
    "id": "id, uid, appointment id, booking id, ref, reference, booking reference, booking ref, appointment ref, "
    "appt id, event id, visit id, confirmation, confirmation number, booking number, appointment number",
    "title": "title, subject, summary, client, client name, customer, customer name, patient, patient name, guest, "
    "guest name, name, event",
    "location": "location, location name, site, branch, clinic, store, business location, studio",
    "source": "source, booking source, booked via, booked through, channel, booked by, created by, booking channel, "
    "booking method, origin, surface, appointment source",
    "all_day": "all day, all day event, is all day",
    "busy": "show time as, show as, free busy, busy status, availability",
}
FIELDS: Final = (*_HEADERS, *RESOURCE_HEADERS)


@dataclass(frozen=True, slots=True)
class Columns:
    """Positions in a row. ``resources`` are (kind, position), most specific kinds first."""

    at: Mapping[str, int]
    resources: tuple[tuple[str, int], ...]
    headers: tuple[str, ...]

    def cell(self, row: Sequence[str], field: str) -> str:
        """The cell of that field, "" where there is no such column or the row is short."""
        position = self.at.get(field)
        return row[position].strip() if position is not None and position < len(row) else ""

    @property
    def dated(self) -> str:
        """The field whose cells carry the dates."""
        return "start" if "start" in self.at else "start_date"


def plain(header: str) -> str:
    """A header without case, marks and spelling of words in one: ``"Start_Time*"`` and ``startTime`` are one."""
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", header.strip().lstrip("﻿"))
    return re.sub(r"[^a-z0-9]+", " ", spaced.lower().replace("&", " and ")).strip()


def is_header(row: Sequence[str], mapping: Mapping[str, str]) -> bool:
    """Whether this row names a start; reports put titles and blank lines above it."""
    return len(row) > 1 and _positions(row, mapping).keys() & {"start", "start_date", "start_time"} != set()


def columns_of(path: Path, row: Sequence[str], mapping: Mapping[str, str]) -> Columns:
    """Find the columns in a header row. Raises Invalid naming what is missing and how to say it."""
    at = _positions(row, mapping)
    if at.keys() & {"start_time", "start_date"} == {"start_time"}:
        # "Start Time" alone holds date and time together in Acuity-like exports; likewise "End Time".
        at["start"] = at.pop("start_time")
    if "end" not in at and "end_time" in at and "start" in at:
        at["end"] = at.pop("end_time")
    if "start" in at and "start_time" in at and "start_date" not in at:
        at["start_date"] = at.pop("start")
    shown = ", ".join(header.strip() or "(blank)" for header in row[:20])
    if "start" not in at and "start_date" not in at:
        raise Invalid(f'{path} has no column for the start. Say which one: --map start="…" (its columns: {shown}).')
    if not at.keys() & {"end", "end_time", "end_date", "duration"}:
        raise Invalid(
            f'{path} has no column for the end or the duration. Say which one: --map end="…" or --map duration="…" '
            f"(its columns: {shown})."
        )
    resources = tuple((kind, at[kind]) for kind in RESOURCE_HEADERS if kind in at)
    return Columns(at, resources, tuple(row))


def check_fields(mapping: Mapping[str, str]) -> None:
    """Refuse a field nobody knows. Raises Invalid."""
    for name in mapping:
        if name not in FIELDS:
            raise Invalid(f"--map {name}=…: there is no field {name!r}. The fields: {', '.join(FIELDS)}.")


def check_headers(path: Path, row: Sequence[str], mapping: Mapping[str, str]) -> None:
    """Refuse a header the file does not have. Raises Invalid."""
    known = {plain(header) for header in row}
    for header in mapping.values():
        if plain(header) not in known:
            shown = ", ".join(cell.strip() for cell in row[:20])
            raise Invalid(f"{path} has no column {header!r}. Its columns: {shown}.")


def _positions(row: Sequence[str], mapping: Mapping[str, str]) -> dict[str, int]:
    headers = [plain(header) for header in row]
    at: dict[str, int] = {}
    for field, header in mapping.items():
        if plain(header) in headers:
            at[field] = headers.index(plain(header))
    said = set(at.values())
    for field, names in {**_HEADERS, **RESOURCE_HEADERS}.items():
        if field not in at and (found := _first(headers, names.split(", "), said)) is not None:
            at[field] = found
    return at


def _first(headers: Sequence[str], names: Iterable[str], taken: set[int]) -> int | None:
    """The column of the earliest name that is there: names are listed from the surest to the vaguest."""
    for name in names:
        if name in headers and headers.index(name) not in taken:
            return headers.index(name)
    return None
