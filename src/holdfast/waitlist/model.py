"""What the waitlist takes and gives. Instants are aware, in UTC; days and times are on a location's clock."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time
from typing import Any, Literal
from uuid import UUID

Mode = Literal["first_in_line", "best_value", "priority", "all_at_once"]
EVERY_DAY = frozenset(range(7))


@dataclass(frozen=True, slots=True)
class TimeWindow:
    """Wall times ``[starts, ends)`` on some weekdays (Monday is 0) between which a visit may begin."""

    starts: time
    ends: time
    weekdays: frozenset[int] = EVERY_DAY

    def as_json(self) -> dict[str, Any]:
        return {"weekdays": sorted(self.weekdays), "from": f"{self.starts:%H:%M}", "to": f"{self.ends:%H:%M}"}

    @classmethod
    def of(cls, stored: Mapping[str, Any]) -> TimeWindow:
        return cls(time.fromisoformat(stored["from"]), time.fromisoformat(stored["to"]), frozenset(stored["weekdays"]))


@dataclass(frozen=True, slots=True)
class Wish:
    """What a client waits for. No ``providers``: anyone. No ``windows``: any time of day.

    A party of more than one is never offered anything by itself: the desk sees it, and offers by hand.
    """

    services: Sequence[UUID] = ()
    locations: Sequence[UUID] = ()
    providers: Sequence[UUID] = ()
    windows: Sequence[TimeWindow] = ()
    earliest_on: date | None = None
    latest_on: date | None = None
    notice_minutes: int = 0
    party_size: int = 1
    priority: int = 0


@dataclass(frozen=True, slots=True)
class Entry:
    """A place in the line. ``appointment_starts_at``: they are booked for then, and would come earlier."""

    id: UUID
    state: str
    client_id: UUID
    service_ids: list[UUID]
    provider_ids: list[UUID]
    location_ids: list[UUID]
    windows: list[dict[str, Any]]
    earliest_on: date | None
    latest_on: date | None
    notice_minutes: int
    party_size: int
    priority: int
    appointment_id: UUID | None
    appointment_starts_at: datetime | None
    joined_at: datetime


@dataclass(frozen=True, slots=True)
class Policy:
    """How freed times of one service are offered; ``partial_fit_min_cents`` None: no shorter service takes them.

    ``revision`` changes with any of it.
    """

    service_id: UUID
    mode: Mode = "first_in_line"
    offer_minutes_max: int = 120
    offer_minutes_min: int = 10
    answer_percent: int = 10
    cut_off_minutes: int = 60
    quiet_from: time = time(21)
    quiet_until: time = time(8)
    offers_per_slot_max: int = 10
    offers_per_client_and_day_max: int = 3
    partial_fit_min_cents: int | None = 1
    revision: int = 0


@dataclass(frozen=True, slots=True)
class Opening:
    """Time that fell free. ``service_id`` and ``client_id`` are of the visit that went, where it was a visit."""

    id: UUID
    location_id: UUID
    cause: str
    service_id: UUID | None
    client_id: UUID | None
    starts_at: datetime
    ends_at: datetime
    resource_ids: list[UUID]
    freed_at: datetime
    due_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Offer:
    """A visit that is held for an entry until ``expires_at``. ``why`` says why this entry, in words for the desk."""

    id: UUID
    entry_id: UUID
    opening_id: UUID | None
    hold_id: UUID
    client_id: UUID
    service_id: UUID
    location_id: UUID
    time_zone: str
    starts_at: datetime
    ends_at: datetime
    state: str
    why: str
    sent_at: datetime
    expires_at: datetime
    settled_at: datetime | None
    appointment_id: UUID | None


@dataclass(frozen=True, slots=True)
class Place:
    """A place in the line as the desk sees it: with names, and every offer that the entry was made, newest first.

    ``reachable``: they left an address, and take messages there.
    """

    entry: Entry
    client_name: str
    service_names: list[str]
    provider_names: list[str]
    location_names: list[str]
    reachable: bool
    offers: list[Offer]


@dataclass(frozen=True, slots=True)
class NamedOffer:
    """An offer for whoever stands before it at the desk. ``told``: the state of its message; None: none is owed yet."""

    id: UUID
    entry_id: UUID
    client_id: UUID
    client_name: str
    service_id: UUID
    service_name: str
    location_id: UUID
    location_name: str
    time_zone: str
    starts_at: datetime
    ends_at: datetime
    state: str
    expires_at: datetime
    hold_id: UUID
    told: str | None


@dataclass(frozen=True, slots=True)
class FellFree:
    """An opening as the desk sees it. ``offer_id``: the offer that is open now, to ``client_name``."""

    id: UUID
    cause: str
    location_name: str
    time_zone: str
    service_name: str | None
    resource_names: list[str]
    starts_at: datetime
    ends_at: datetime
    freed_at: datetime
    due_at: datetime | None
    now: datetime
    offers: int
    accepted: int
    offer_id: UUID | None
    client_name: str | None
    expires_at: datetime | None

    @property
    def came_of_it(self) -> str:
        """``offered``, ``filled``, ``waits`` (until ``due_at``), ``asking``, or ``nobody`` fits."""
        if self.offer_id is not None:
            return "offered"
        if self.accepted:
            return "filled"
        if self.due_at is None:
            return "nobody"
        return "waits" if self.due_at > self.now else "asking"


@dataclass(frozen=True, slots=True)
class Rate:
    """One local week (its Monday), service and location. ``service_id`` None: longer hours, a removed block.

    ``filled`` openings have an accepted offer; ``recovered_cents`` leaves out clients who only came earlier, and visits
    that were cancelled after all.
    """

    week: date
    service_id: UUID | None
    service_name: str | None
    location_id: UUID
    location_name: str
    openings: int
    offered: int
    filled: int
    median_minutes_to_fill: float | None
    recovered_cents: int

    @property
    def fill_rate(self) -> float:
        return self.filled / self.openings if self.openings else 0.0


@dataclass(frozen=True, slots=True)
class Asked:
    """A visit of an opening that an entry was offered before, and the units it would have taken."""

    entry_id: UUID
    starts_at: datetime
    ends_at: datetime
    unit_ids: list[UUID]


@dataclass(frozen=True, slots=True)
class Visits:
    """What matching knows beside the engine: prices by service id, when each client is somewhere else already, and
    what was offered of the opening before."""

    prices_cents: Mapping[UUID, int]
    elsewhere: Mapping[UUID, Sequence[tuple[datetime, datetime, UUID]]] = field(default_factory=dict)
    asked: Sequence[Asked] = ()
