"""What a calendar file would change in the record: pure, so that a dry run and the real one are the same thoughts.

Every occurrence in the file has an ``external_id`` by which it is found again next time: the event's id and which
occurrence of it this is, so an event that was moved in the calendar moves in the record too.
"""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple
from uuid import UUID

from holdfast.booking.model import Busy, Taken
from holdfast.errors import Invalid
from holdfast.insight.calendar_events import Event, Window

# What the record can claim (is_claimable in the SQL), and as long as a block may be.
FIRST: Final = datetime(2000, 1, 1, tzinfo=UTC)
END: Final = datetime(2200, 1, 1, tzinfo=UTC)
LONGEST: Final = timedelta(days=366)
ID_LENGTH_MAX: Final = 900  # the record keeps 1,000 characters
NAMES_SHOWN: Final = 10


class Occurrence(NamedTuple):
    """One time that the outside calendar says is taken."""

    start: datetime
    end: datetime
    external_id: str


@dataclass(frozen=True, slots=True)
class ResourcePlan:
    """What a file changes on one resource. ``moved`` pairs what is known with where it is now."""

    resource_id: UUID
    resource: str
    added: list[Occurrence]
    moved: list[tuple[Busy, Occurrence]]
    unchanged: list[Busy]
    missing: list[Busy]
    collisions: int
    """How many would be found: each new or moved occurrence with everything that stands in its time by then."""


def events_by_resource(events: Iterable[Event], *, all_day: bool) -> tuple[dict[str, list[Event]], Counter[str]]:
    """The events of each resource that the file names, and what cannot or shall not be taken down, with how often."""
    left_out: Counter[str] = Counter()
    found: defaultdict[str, list[Event]] = defaultdict(list)
    for event in events:
        if event.all_day and not all_day:
            left_out["all-day"] += 1
        elif event.start < FIRST or event.end >= END:
            left_out["before 2000 or after 2199"] += 1
        elif event.end - event.start > LONGEST:
            left_out[f"longer than {LONGEST.days} days"] += 1
        else:
            found[event.resource].append(event)
    return dict(found), left_out


def occurrences(events: Iterable[Event]) -> list[Occurrence]:
    """By start, each with an id of its own: a CSV may repeat a booking's id day by day, so those are numbered in order.

    The same event at the same time twice is one.
    """
    times: Counter[str] = Counter()
    found = []
    for start, end, id in sorted({(event.start, event.end, _id(event)) for event in events}):
        times[id] += 1
        found.append(Occurrence(start, end, id if times[id] == 1 else f"{id}#{times[id]}"))
    return found


def slugs_of(names: Iterable[str], resource: str | None, mapping: Mapping[str, str]) -> dict[str, str]:
    """Which resource each name in the file means; a name that is mapped to "" is left out.

    ``resource`` is for the one name that ``mapping`` does not have. Raises Invalid for names that mean nothing.
    """
    known = set(names)
    if unknown := sorted(set(mapping) - known):
        raise Invalid(f"The file names no {unknown[0]!r}; it names {_listed(known)}.")
    left = sorted(known - set(mapping))
    if not known and not mapping and resource is None:
        raise Invalid("Say which resource this calendar is of: --resource SLUG.")
    if len(left) > 1 or (left and resource is None):
        hint = '--resource-map "{}=SLUG"'.format(left[0].replace('"', ""))
        raise Invalid(
            f"Say which resource each of these is: {_listed(left)}. Write {hint} for each; with nothing after the = "
            "it is left out."
            if len(left) > 1
            else "Say which resource this calendar is of: --resource SLUG."
        )
    return {name: mapping.get(name, resource or "") for name in known}


def plan_resource(
    resource_id: UUID,
    resource: str,
    wanted: Sequence[Occurrence],
    known: Sequence[Busy],
    taken: Sequence[Taken],
    *,
    units: int,
    window: Window,
    remove: bool,
) -> ResourcePlan:
    """Compare a file's occurrences with what the same calendar has said before, and with what else is taken.

    ``missing`` is what the calendar said before within the time the file covers (first start to last end, within
    ``window``), and no longer says; ``remove``: it will be taken back.
    """
    before = {busy.external_id: busy for busy in known}
    added = [each for each in wanted if each.external_id not in before]
    pairs = [(before[each.external_id], each) for each in wanted if each.external_id in before]
    moved = [(busy, now) for busy, now in pairs if (busy.starts_at, busy.ends_at) != (now.start, now.end)]
    unchanged = [busy for busy, now in pairs if (busy.starts_at, busy.ends_at) == (now.start, now.end)]
    missing = _missing(wanted, known, window)
    gone = {busy.id for busy in missing if remove}
    gone |= {busy.id for busy, _ in moved}
    stays = [busy for busy in known if busy.id not in gone]
    fixed = [(each.starts_at, each.ends_at, str(each.holder_id)) for each in taken]
    fixed += [(each.starts_at, each.ends_at, str(each.id)) for each in stays]
    collisions = expected_collisions([*(now for _, now in moved), *added], fixed, units)
    return ResourcePlan(resource_id, resource, added, moved, unchanged, missing, collisions)


def expected_collisions(
    recorded: Sequence[Occurrence], fixed: Sequence[tuple[datetime, datetime, str]], units: int
) -> int:
    """How many collisions the record will find when it is told ``recorded`` in this order, beside what is ``fixed``.

    One with everybody in its time, as soon as they are as many as there are units. One pass by start, O(n log n) and
    the pairs that overlap.
    """
    spans = [(start, end, -1, holder) for start, end, holder in fixed]
    spans += [(each.start, each.end, rank, each.external_id) for rank, each in enumerate(recorded)]
    others: defaultdict[int, set[str]] = defaultdict(set)
    running: list[tuple[datetime, datetime, int, str]] = []
    for span in sorted(spans):
        running = [each for each in running if each[1] > span[0]]
        for each in running:
            earlier, later = sorted((each[2:], span[2:]))
            if later[0] >= 0:
                others[later[0]].add(f"{earlier[0] >= 0}{earlier[1]}")
        running.append(span)
    return sum(len(found) for found in others.values() if len(found) >= units)


def _missing(wanted: Sequence[Occurrence], known: Sequence[Busy], window: Window) -> list[Busy]:
    if not wanted:
        return []
    first, last = wanted[0].start, max(each.end for each in wanted)
    first = max(first, window.start) if window.start else first
    last = min(last, window.end) if window.end else last
    said = {each.external_id for each in wanted}
    return [busy for busy in known if busy.external_id not in said and first <= busy.starts_at and busy.ends_at <= last]


def _id(event: Event) -> str:
    if not event.uid:
        return f"{event.start.isoformat()}/{event.end.isoformat()}"
    id = event.uid if event.recurrence_id is None else f"{event.uid}/{event.recurrence_id.isoformat()}"
    if len(id) > ID_LENGTH_MAX or not id.isprintable():
        return "sha256:" + hashlib.sha256(id.encode("utf-8", "surrogatepass")).hexdigest()
    return id


def _listed(names: Iterable[str]) -> str:
    shown = sorted(names)
    more = f" and {len(shown) - NAMES_SHOWN} more" if len(shown) > NAMES_SHOWN else ""
    return ", ".join(map(repr, shown[:NAMES_SHOWN])) + more
