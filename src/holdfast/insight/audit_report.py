"""The figures of ``holdfast audit``: how often the calendars of today double-book, where, when, and what it costs.

Every figure is defined in docs/audit.md, as are the assumptions behind them.
"""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta, tzinfo
from decimal import Decimal
from typing import Final

from holdfast.insight.calendar_events import Event, Reading
from holdfast.insight.overlaps import Collision, Timeline, booking_key, collisions, copy_key, tight_gaps

WORST: Final = 20
PAIRS: Final = 10
BUSIEST_HOURS: Final = 10
WEEK_SECONDS: Final = 7 * 24 * 3600
WEEKS_PER_YEAR: Final = 52


@dataclass(slots=True)
class Tally:
    """Counts over one stretch of time."""

    bookings: int = 0
    collisions: int = 0
    overlap_minutes: int = 0
    near_misses: int = 0
    back_to_back: int = 0

    @property
    def per_1000(self) -> float:
        return round(1000 * self.collisions / self.bookings, 2) if self.bookings else 0.0


@dataclass(slots=True)
class Period(Tally):
    """Counts with the weeks they cover. A collision here is a booking, counted once however many resources it hits."""

    weeks: float = 0.0

    @property
    def per_week(self) -> float:
        return round(self.collisions / self.weeks, 3) if self.weeks else 0.0


@dataclass(slots=True)
class ResourceTally(Tally):
    """Counts of one resource, or of all of one kind."""

    name: str = ""
    kind: str = ""
    coming: int = 0
    """Those of ``collisions`` that have not happened yet."""


@dataclass(frozen=True, slots=True)
class Pair:
    """How often two services, or two sources, met in a collision."""

    one: str
    other: str
    collisions: int


@dataclass(frozen=True, slots=True)
class Worst:
    """One collision. Times are in the report's zone; the titles are "" unless they were asked for."""

    resource: str
    kind: str
    start: datetime
    end: datetime
    overlap_minutes: int
    pile: int
    services: tuple[str, str]
    sources: tuple[str, str]
    titles: tuple[str, str]
    is_coming: bool


@dataclass(slots=True)
class Week:
    """Counts of one week of the report's zone; ``monday`` is its first day."""

    monday: date
    bookings: int = 0
    collisions: int = 0


@dataclass(frozen=True, slots=True)
class Peak:
    """The ten hours of the week with most bookings."""

    bookings: int
    collisions: int
    per_1000: float
    worst_weekday: int | None
    """0 is Monday; the hour of the week with most collisions, None without any."""
    worst_hour: int | None
    worst_collisions: int


@dataclass(frozen=True, slots=True)
class Ticket:
    """What one visit brings in, as the caller wrote it: ``$340``, ``340 EUR``, ``340``."""

    amount: Decimal
    before: str = ""
    after: str = ""

    def times(self, count: Decimal | int) -> str:
        """So many visits' worth, for people: ``$13,600``."""
        product = self.amount * count
        figures = f"{product:,.0f}" if product == product.to_integral() or product >= 100 else f"{product:,.2f}"
        return f"{self.before}{figures}{self.after}"


@dataclass(frozen=True, slots=True)
class Source:
    """One file, and what was made of it."""

    path: str
    events: int
    reading: Reading


@dataclass(frozen=True, slots=True)
class Report:
    """All figures of an audit. ``heat`` lists are [weekday][hour] in the report's zone, Monday first."""

    made_at: datetime
    zone: tzinfo
    zone_is_assumed: bool
    buffer_minutes: int
    first: datetime | None
    last: datetime | None
    sources: list[Source]
    all_day: int
    """All-day events that were left out of the overlaps."""
    duplicates: int
    past: Period
    coming: Period
    resources: list[ResourceTally]
    kinds: list[ResourceTally]
    service_pairs: list[Pair]
    source_pairs: list[Pair]
    heat_bookings: list[list[int]]
    heat_collisions: list[list[int]]
    weeks: list[Week]
    """Every week from the first booking's to the last one's."""
    peak: Peak
    worst: list[Worst]
    ticket: Ticket | None

    @property
    def headline(self) -> Period:
        """The period the rate is taken from: what has happened, or what is booked when nothing has."""
        return self.past if self.past.bookings else self.coming

    @property
    def collisions(self) -> int:
        return self.past.collisions + self.coming.collisions

    @property
    def cost(self) -> str:
        """Collisions of the past × ticket."""
        return self.ticket.times(self.past.collisions) if self.ticket else ""

    @property
    def cost_per_year(self) -> str:
        """Collisions a week × 52 × ticket."""
        if self.ticket is None or not self.headline.weeks:
            return ""
        per_year = Decimal(self.headline.collisions * WEEKS_PER_YEAR) / Decimal(str(self.headline.weeks))
        return self.ticket.times(per_year)

    @property
    def avoidable(self) -> str:
        """Collisions to come × ticket: these can still be moved."""
        return self.ticket.times(self.coming.collisions) if self.ticket else ""


@dataclass(slots=True)
class _Place:
    """A resource and its bookings."""

    name: str
    kind: str
    timeline: Timeline = field(default_factory=Timeline)


class Audit:
    """Takes events one by one, in any order, and keeps of each what the figures need."""

    def __init__(self, *, include_all_day: bool = False, keep_titles: bool = False) -> None:
        self._include_all_day = include_all_day
        self._keep_titles = keep_titles
        self._places: dict[tuple[str, str], _Place] = {}
        self._labels: dict[tuple[str, str, str], int] = {}
        self._serial = 0
        self.all_day = 0
        self.sources: list[Source] = []

    def add_file(self, path: str, events: Iterable[Event], reading: Reading) -> None:
        """Take all events of a file."""
        count, line = 0, -1
        for event in events:
            if event.line != line or event.recurrence_id is not None:
                self._serial += 1
                count += 1
                line = event.line
            self._add(event, reading.id_scope)
        reading.problems.sort()
        self.sources.append(Source(path, count, reading))

    def _add(self, event: Event, scope: str) -> None:
        if event.all_day and not self._include_all_day:
            self.all_day += 1
            return
        key = (event.resource_kind, event.resource)
        place = self._places.get(key)
        if place is None:
            place = self._places[key] = _Place(event.resource, event.resource_kind)
        texts = (event.kind, event.source, event.summary if self._keep_titles else "")
        label = self._labels.setdefault(texts, len(self._labels))
        start, end = int(event.start.timestamp()), int(event.end.timestamp())
        booking, copy = booking_key(event, scope, self._serial), copy_key(event, self._serial)
        place.timeline.add(start, end, booking, label, copy=copy)

    def report(
        self, *, now: datetime, zone: tzinfo | None = None, buffer_minutes: int, ticket: Ticket | None = None
    ) -> Report:
        """All figures. ``now`` parts the past from what is coming; ``zone`` is for display."""
        known = next((source.reading for source in self.sources if source.reading.zone_source != "assumed"), None)
        shown_zone = zone or (known.zone if known else UTC)
        figures = _Figures(list(self._labels), shown_zone, now, buffer_minutes)
        for place in self._places.values():
            figures.take(place)
        return figures.report(self.sources, self.all_day, zone is None and known is None, ticket)


class _Figures:
    """One pass over every resource, in which all figures grow together."""

    def __init__(self, labels: list[tuple[str, str, str]], zone: tzinfo, now: datetime, buffer_minutes: int) -> None:
        self.labels, self.zone, self.now, self.buffer_minutes = labels, zone, now, buffer_minutes
        self.now_seconds = int(now.timestamp())
        self.past, self.coming = Period(), Period()
        self.first: int | None = None
        self.last: int | None = None
        self.duplicates = 0
        self.resources: list[ResourceTally] = []
        self.service_pairs: Counter[tuple[str, str]] = Counter()
        self.source_pairs: Counter[tuple[str, str]] = Counter()
        self.heat_bookings = [[0] * 24 for _ in range(7)]
        self.heat_collisions = [[0] * 24 for _ in range(7)]
        self._worst: list[tuple[tuple[int, int, int, int], Worst]] = []
        self._seen: set[int] = set()
        self._hit: set[int] = set()
        self._slots: dict[int, tuple[Week, int, int]] = {}
        self._weeks: dict[date, Week] = {}

    def take(self, place: _Place) -> None:
        """Add the figures of one resource."""
        timeline = place.timeline
        order = timeline.in_order()
        self.duplicates += len(timeline.starts) - len(order)
        tally = ResourceTally(name=place.name, kind=place.kind, bookings=len(order))
        for position in order:
            self._count_booking(timeline, position)
        for collision in collisions(timeline, order):
            self._count_collision(place, collision, tally)
        for gap in tight_gaps(timeline, order, self.buffer_minutes * 60):
            period = self._period(timeline.starts[gap.later])
            for counted in (period, tally):
                counted.near_misses += 1
                counted.back_to_back += gap.gap_seconds == 0
        self.resources.append(tally)

    def _count_booking(self, timeline: Timeline, position: int) -> None:
        start, end, booking = timeline.starts[position], timeline.ends[position], timeline.bookings[position]
        self.first = start if self.first is None else min(self.first, start)
        self.last = end if self.last is None else max(self.last, end)
        if booking not in self._seen:
            self._seen.add(booking)
            self._period(start).bookings += 1
            week, weekday, hour = self._slot(start)
            week.bookings += 1
            self.heat_bookings[weekday][hour] += 1

    def _count_collision(self, place: _Place, collision: Collision, tally: ResourceTally) -> None:
        timeline = place.timeline
        start = timeline.starts[collision.later]
        end = min(timeline.ends[collision.later], timeline.ends[collision.earlier])
        minutes = max(1, (end - start) // 60)
        period = self._period(start)
        tally.collisions += 1
        tally.overlap_minutes += minutes
        tally.coming += period is self.coming
        rank = (minutes, collision.pile, -len(self.resources), -collision.later)
        if len(self._worst) < WORST or rank > self._worst[0][0]:
            entry = (rank, self._describe(place, collision, start, end, minutes))
            (heapq.heappush if len(self._worst) < WORST else heapq.heapreplace)(self._worst, entry)
        booking = timeline.bookings[collision.later]
        if booking in self._hit:
            return
        self._hit.add(booking)
        period.collisions += 1
        period.overlap_minutes += minutes
        week, weekday, hour = self._slot(start)
        week.collisions += 1
        self.heat_collisions[weekday][hour] += 1
        one, other = self.labels[timeline.labels[collision.earlier]], self.labels[timeline.labels[collision.later]]
        for counter, text in ((self.service_pairs, 0), (self.source_pairs, 1)):
            if one[text] and other[text]:
                counter[min(one[text], other[text]), max(one[text], other[text])] += 1

    def _describe(self, place: _Place, collision: Collision, start: int, end: int, minutes: int) -> Worst:
        labels = place.timeline.labels
        one, other = self.labels[labels[collision.earlier]], self.labels[labels[collision.later]]
        return Worst(
            resource=place.name,
            kind=place.kind,
            start=datetime.fromtimestamp(start, self.zone),
            end=datetime.fromtimestamp(end, self.zone),
            overlap_minutes=minutes,
            pile=collision.pile,
            services=(one[0], other[0]),
            sources=(one[1], other[1]),
            titles=(one[2], other[2]),
            is_coming=start >= self.now_seconds,
        )

    def _period(self, start: int) -> Period:
        return self.coming if start >= self.now_seconds else self.past

    def _slot(self, start: int) -> tuple[Week, int, int]:
        """Week, weekday and hour on the wall; worked out once a quarter hour: offsets are multiples of it."""
        quarter = start // 900
        slot = self._slots.get(quarter)
        if slot is None:
            local = datetime.fromtimestamp(start, self.zone)
            monday = local.date() - timedelta(days=local.weekday())
            slot = self._slots[quarter] = (self._week(monday), local.weekday(), local.hour)
        return slot

    def _week(self, monday: date) -> Week:
        week = self._weeks.get(monday)
        if week is None:
            week = self._weeks[monday] = Week(monday)
        return week

    def _every_week(self) -> list[Week]:
        if not self._weeks:
            return []
        first, last = min(self._weeks), max(self._weeks)
        count = (last - first).days // 7 + 1
        return [self._week(first + timedelta(weeks=number)) for number in range(count)]

    def report(self, sources: list[Source], all_day: int, zone_is_assumed: bool, ticket: Ticket | None) -> Report:
        if self.first is not None and self.last is not None:
            self.past.weeks = _weeks(self.first, min(self.now_seconds, self.last)) if self.past.bookings else 0.0
            self.coming.weeks = _weeks(max(self.now_seconds, self.first), self.last) if self.coming.bookings else 0.0
        self.resources.sort(key=lambda tally: (-tally.collisions, -tally.per_1000, tally.kind, tally.name))
        worst = [entry[1] for entry in sorted(self._worst, key=lambda entry: entry[0], reverse=True)]
        return Report(
            made_at=self.now,
            zone=self.zone,
            zone_is_assumed=zone_is_assumed,
            buffer_minutes=self.buffer_minutes,
            first=None if self.first is None else datetime.fromtimestamp(self.first, self.zone),
            last=None if self.last is None else datetime.fromtimestamp(self.last, self.zone),
            sources=sources,
            all_day=all_day,
            duplicates=self.duplicates,
            past=self.past,
            coming=self.coming,
            resources=self.resources,
            kinds=_by_kind(self.resources),
            service_pairs=_pairs(self.service_pairs),
            source_pairs=_pairs(self.source_pairs),
            heat_bookings=self.heat_bookings,
            heat_collisions=self.heat_collisions,
            weeks=self._every_week(),
            peak=self._peak(),
            worst=worst,
            ticket=ticket,
        )

    def _peak(self) -> Peak:
        hours = [(weekday, hour) for weekday in range(7) for hour in range(24)]
        busiest = sorted(hours, key=lambda at: -self.heat_bookings[at[0]][at[1]])[:BUSIEST_HOURS]
        bookings = sum(self.heat_bookings[weekday][hour] for weekday, hour in busiest)
        hits = sum(self.heat_collisions[weekday][hour] for weekday, hour in busiest)
        weekday, hour = max(hours, key=lambda at: self.heat_collisions[at[0]][at[1]])
        worst = self.heat_collisions[weekday][hour]
        rate = Tally(bookings=bookings, collisions=hits).per_1000
        return Peak(bookings, hits, rate, weekday if worst else None, hour if worst else None, worst)


def _weeks(first: int, last: int) -> float:
    """At least one: a rate per week from two days' data would be a guess."""
    return max(1.0, round((last - first) / WEEK_SECONDS, 2))


def _by_kind(resources: Iterable[ResourceTally]) -> list[ResourceTally]:
    kinds: dict[str, ResourceTally] = {}
    for tally in resources:
        total = kinds.setdefault(tally.kind, ResourceTally(kind=tally.kind))
        for name in ("bookings", "collisions", "overlap_minutes", "near_misses", "back_to_back", "coming"):
            setattr(total, name, getattr(total, name) + getattr(tally, name))
    return sorted(kinds.values(), key=lambda total: (-total.collisions, total.kind))


def _pairs(counter: Counter[tuple[str, str]]) -> list[Pair]:
    ranked = sorted(counter.items(), key=lambda item: (-item[1], item[0]))
    return [Pair(one, other, count) for (one, other), count in ranked[:PAIRS]]


def duration_words(minutes: int) -> str:
    """``45 min``, ``1 h 30 min``, ``1,040 h``."""
    hours, rest = divmod(minutes, 60)
    if not hours:
        return f"{rest} min"
    return f"{hours} h {rest} min" if rest and hours < 24 else f"{hours:,} h"
