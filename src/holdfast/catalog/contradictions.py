"""Rules of a catalog that contradict each other: what can never be met is refused, what looks wrong is remarked on."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

from holdfast.catalog.document import CatalogDocument, LocationEntry, ResourceEntry
from holdfast.catalog.hours import DatedEntry, Rules, WeeklyEntry

DAY: Final = timedelta(days=1)
DAY_MINUTES: Final = 1440
WEEK_MINUTES: Final = 7 * DAY_MINUTES
# Of a long exception its first days tell enough.
LOOKED_AT: Final = timedelta(days=31)

Span = tuple[datetime, datetime]


def can_be_met(notice_minutes: int, horizon_days: int) -> bool:
    """Whether there is a moment between the notice and the end of the last day (as service_lead_can_be_met)."""
    return notice_minutes < (horizon_days + 1) * DAY_MINUTES


@dataclass(frozen=True, slots=True)
class NeverMeets:
    """A resource's hours at a location, or extra ones (``when``), of which no minute lies in that location's."""

    resource: ResourceEntry
    location: LocationEntry
    when: str = ""

    def __str__(self) -> str:
        if self.when:
            return (
                f"{self.resource.slug} has extra hours on {self.when}, when {self.location.slug} is closed: "
                f"give {self.location.slug} the same extra hours, or nobody can book them."
            )
        return (
            f"{self.resource.slug} never works while {self.location.slug} is open, so nobody can book "
            f"{self.resource.slug} there: change the hours of one of them."
        )


def contradictions(document: CatalogDocument) -> Iterator[NeverMeets]:
    """Where a resource is given hours that its location does not have. Public holidays are not looked at."""
    for resource in document.resources.values():
        own_at = dict(resource.rules_at)
        for slug in resource.locations:
            location, own = document.locations[slug], own_at.get(slug, Rules())
            if not any(rule.kind == "hours" for rule in location.rules.weekly):
                continue  # never closed
            hours = _hours(own) or _hours(resource.rules)
            if hours and not _opens_on_days_of_its_own(location) and not _meet(hours, _hours(location.rules)):
                yield NeverMeets(resource, location)
            for rule in (*resource.rules.dated, *own.dated):
                if rule.kind == "extra" and not _is_open(location.rules, rule):
                    yield NeverMeets(resource, location, rule.when)


def _opens_on_days_of_its_own(location: LocationEntry) -> bool:
    """Then whoever works only on those may be meant."""
    return any(rule.kind == "extra" for rule in location.rules.dated)


def _hours(rules: Rules) -> list[WeeklyEntry]:
    return [rule for rule in rules.weekly if rule.kind == "hours"]


def _meet(one: Iterable[WeeklyEntry], other: Iterable[WeeklyEntry]) -> bool:
    """Whether two weeks share a minute, whatever the weeks in which each rule holds."""
    theirs = [_of_week(rule) for rule in other]
    return any(
        low < end + shift and start + shift < high
        for rule in one
        for low, high in [_of_week(rule)]
        for start, end in theirs
        for shift in (-WEEK_MINUTES, 0, WEEK_MINUTES)
    )


def _of_week(rule: WeeklyEntry) -> tuple[int, int]:
    starts, ends = (each.hour * 60 + each.minute for each in (rule.starts, rule.ends))
    low = rule.weekday * DAY_MINUTES + starts
    return low, low + (ends - starts if ends > starts else ends - starts + DAY_MINUTES)


def _is_open(rules: Rules, extra: DatedEntry) -> bool:
    """Whether the location is open for any minute of the extra hours."""
    last = min(extra.ends, extra.starts + LOOKED_AT)
    opened = [(rule.starts, rule.ends) for rule in rules.dated if rule.kind == "extra"]
    closed = [(rule.starts, rule.ends) for rule in rules.dated if rule.kind == "closure"]
    usual = [span for rule in _hours(rules) for span in _on_days(rule, extra.starts.date() - DAY, last.date())]
    return any(_overlap((extra.starts, last), span) for span in opened) or any(
        _left((max(start, extra.starts), min(end, last)), closed) for start, end in usual
    )


def _on_days(rule: WeeklyEntry, first: date, last: date) -> Iterator[Span]:
    for number in range((last - first).days + 1):
        day = first + DAY * number
        valid = (rule.valid_from or str(day)) <= str(day) <= (rule.valid_until or str(day))
        if valid and day.weekday() == rule.weekday:
            starts, ends = datetime.combine(day, rule.starts), datetime.combine(day, rule.ends)
            yield starts, ends if ends > starts else ends + DAY


def _overlap(one: Span, other: Span) -> bool:
    return one[0] < other[1] and other[0] < one[1]


def _left(span: Span, closed: Iterable[Span]) -> bool:
    """Whether anything of the span is left when what is closed is taken away."""
    at, end = span
    for low, high in sorted(closed):
        if low > at:
            break
        at = max(at, high)
    return at < end
