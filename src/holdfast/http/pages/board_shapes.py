"""The day as the board's script takes it: columns, and one entry for everything that stands in a column.

All times are those of the location's wall clock, without an offset: the script lays them out and never converts. A key
stays the same when an appointment moves, so that its entry glides to its new place instead of being drawn anew.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache, cached_property
from typing import Any
from uuid import UUID

from holdfast.booking.day import Board, Column, DayVisit, Item, Times
from holdfast.ids import public_id
from holdfast.wallclock import to_local

Entry = dict[str, Any]


@dataclass(frozen=True)
class Picture:
    """One reading of the day, for a script; ``version`` names its content."""

    head: Mapping[str, Any]
    entries: Mapping[str, Entry]

    @cached_property
    def version(self) -> str:
        told = _json([self.head["columns"], self.head["hours"], self.entries])
        return hashlib.blake2s(told.encode(), digest_size=12).hexdigest()

    @cached_property
    def text(self) -> str:
        """The whole as JSON."""
        return _json({"version": self.version, **self.head, "entries": list(self.entries.values())})

    @cached_property
    def known(self) -> frozenset[str]:
        """The public ids of everything in it."""
        return frozenset(id for entry in self.entries.values() for id in (entry["id"], entry.get("hold")) if id)

    def change_to(self, other: Picture) -> str | None:
        """What to put and what to drop, as JSON; None where that would not tell everything."""
        if any(self.head[name] != other.head[name] for name in ("columns", "hours")):
            return None
        put = [entry for key, entry in other.entries.items() if self.entries.get(key) != entry]
        drop = [key for key in self.entries if key not in other.entries]
        return _json({"version": other.version, "put": put, "drop": drop})


def picture_of(board: Board) -> Picture:
    """The picture of a board of one day."""
    frame = board.frame
    local = _clock(frame.time_zone)
    head = {
        "date": frame.first.isoformat(),
        "location": public_id("location", frame.location_id),
        "zone": frame.time_zone,
        "offset": to_local(board.as_of, frame.time_zone).isoformat()[-6:],
        "as_of": board.as_of.isoformat(),
        "hours": _hours(board),
        "columns": [_column(each, local) for each in board.columns],
    }
    shown = {column.id for column in board.columns}
    together: dict[UUID, list[str]] = defaultdict(list)
    for item in board.items:
        name = frame.names.get(item.resource_id)
        if item.kind == "visit" and name and name not in together[item.holder_id]:
            together[item.holder_id].append(name)
    counted: Counter[tuple[UUID, str]] = Counter()
    entries: dict[str, Entry] = {}
    for item in sorted(board.items, key=lambda item: (item.holder_id, item.role, item.starts_at, str(item.unit_id))):
        counted[item.holder_id, item.role] += 1
        if item.resource_id in shown:
            visit = board.visits.get(item.holder_id) if item.kind == "visit" else None
            entry = _entry(item, visit, counted[item.holder_id, item.role], local)
            names = [name for name in together.get(item.holder_id, ()) if name != frame.names.get(item.resource_id)]
            entries[entry["key"]] = entry | ({"with": names} if names else {})
    return Picture(head, entries)


def _entry(item: Item, visit: DayVisit | None, number: int, local: Any) -> Entry:
    id = id_of(item, visit)
    entry: Entry = {
        "key": f"{id}.{item.role}.{number}",
        "id": id,
        "kind": item.kind,
        "column": public_id("resource", item.resource_id),
        "role": item.role,
        "start": local(item.starts_at),
        "end": local(item.ends_at),
        "from": local(item.segment_starts_at),
        "until": local(item.segment_ends_at),
    }
    if item.overbook:
        entry["overbook"] = True
    if item.words:
        entry["words"] = item.words
    if visit is None:
        return entry
    entry |= {
        "kind": "hold" if visit.appointment_id is None else "visit",
        "hold": public_id("hold", visit.hold_id),
        "state": visit.state,
        "revision": visit.revision,
        "service": visit.service_name,
        "service_id": public_id("service", visit.service_id),
        "surface": visit.surface,
        "visit": [local(visit.starts_at), local(visit.ends_at)],
    }
    if visit.client_name:
        entry["client"] = visit.client_name
    if visit.confirmation_code:
        entry["code"] = visit.confirmation_code
    if visit.expires_at:
        entry["expires"] = visit.expires_at.isoformat()
    if visit.overbook_reason:
        entry["reason"] = visit.overbook_reason
    if visit.offer_id:
        entry["offer"] = public_id("offer", visit.offer_id)
    if visit.has_note:
        entry["note"] = True
    return entry


def id_of(item: Item, visit: DayVisit | None) -> str:
    """The public id of what stands there."""
    if item.kind != "visit":
        return public_id(item.kind, item.holder_id)
    if visit is not None and visit.appointment_id is not None:
        return public_id("appointment", visit.appointment_id)
    return public_id("hold", item.holder_id)


def _column(column: Column, local: Any) -> dict[str, Any]:
    def spans(times: Times) -> list[list[str]]:
        return [[local(start), local(end)] for start, end in times]

    return {
        "id": public_id("resource", column.id),
        "name": column.name,
        "kind": column.kind,
        "capacity": column.capacity,
        "open": spans(column.open),
        "breaks": spans(column.breaks),
    }


def _hours(board: Board) -> list[int]:
    """The hours to show: whatever is open or stands somewhere, and an hour around it."""
    frame = board.frame
    edges = [edge for column in board.columns for span in column.open for edge in span]
    edges += [edge for span in frame.open for edge in span]
    edges += [edge for item in board.items if item.kind == "visit" for edge in (item.starts_at, item.ends_at)]
    inside = [min(max(edge, frame.begins_at), frame.ends_at) for edge in edges] or [
        frame.begins_at + timedelta(hours=9),
        frame.begins_at + timedelta(hours=18),
    ]
    last_hour = (frame.ends_at - frame.begins_at) // timedelta(hours=1)
    first = (min(inside) - frame.begins_at) // timedelta(hours=1)
    last = -((frame.begins_at - max(inside)) // timedelta(hours=1))
    return [max(first - 1, 0), max(min(last + 1, last_hour, 24), first + 1)]


def _clock(zone: str) -> Any:
    @cache  # what stands together begins and ends together
    def local(at: datetime) -> str:
        return to_local(at, zone).replace(tzinfo=None).isoformat(timespec="seconds")

    return local


def _json(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)
