"""What the engine is asked and what it is told: plain values, no I/O.

Ids are the text of a row's id. Instants are aware UTC; a visit's start is a whole minute. All lengths are minutes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Final, Literal, NamedTuple

from holdfast import wallclock
from holdfast.availability.rules import Timetable
from holdfast.errors import Invalid, NotFound, said

MAX_WINDOW: Final = timedelta(days=92)

Assignment = Literal["preference", "least_loaded", "round_robin"]
Ranking = Literal["earliest", "tight"]
SameProvider = bool | Literal["prefer"]
"""Whether one provider serves all services of a visit: they must, need not, or should where it is possible."""


class Claim(NamedTuple):
    """A unit taken for ``[start, end)``, buffers included. ``visit`` is the appointment or hold it belongs to."""

    start: datetime
    end: datetime
    kind: Literal["appointment", "hold", "block", "busy"]
    visit: str | None = None
    visit_start: datetime | None = None
    expires_at: datetime | None = None


@dataclass(frozen=True)
class Location:
    id: str
    zone: str
    timetable: Timetable


@dataclass(frozen=True)
class Resource:
    """A provider, a room, a device: ``units`` are what can be claimed, n of them for capacity n.

    ``timetables`` has the locations it serves at, None meaning whenever the location is open. ``attributes`` are what
    pools can ask for: a credential with the last local day on which it is good, a fixed device (None: for good).
    ``visits_per_day`` caps the appointments and live holds of one local day. ``last_taken_at`` serves round robin.
    """

    id: str
    kind: str
    units: tuple[str, ...]
    timetables: Mapping[str, Timetable | None]
    attributes: Mapping[str, date | None] = field(default_factory=dict)
    visits_per_day: int | None = None
    last_taken_at: datetime | None = None


@dataclass(frozen=True)
class Pool:
    """The resources that can serve a role, best first, as long as they have every attribute in ``requires``."""

    members: tuple[str, ...]
    requires: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Requirement:
    """``quantity`` distinct units of a pool for the segment ``[offset, offset + length)`` from the visit's start.
    A negative offset prepares before the client comes.

    The claim is the segment widened by its buffers. Only the segment has to lie in open time, the whole claim must be
    unclaimed: cleaning may go on after closing time, but not into somebody else's visit.
    """

    role: str
    pool: Pool
    length_minutes: int
    offset_minutes: int = 0
    quantity: int = 1
    buffer_before_minutes: int = 0
    buffer_after_minutes: int = 0

    def __post_init__(self) -> None:
        if not self.pool.members:
            raise Invalid(
                said("The pool of role {role!r} is empty: put a resource in it.", role=self.role), field="pool"
            )
        if self.length_minutes < 1 or self.quantity < 1:
            raise Invalid(
                said("Role {role!r} needs at least one unit for at least a minute.", role=self.role),
                field="length_minutes",
            )
        if min(self.buffer_before_minutes, self.buffer_after_minutes) < 0:
            raise Invalid(
                said("A buffer of role {role!r} is negative: write 0 for none.", role=self.role), field="buffer"
            )

    @property
    def segment_ends(self) -> int:
        return self.offset_minutes + self.length_minutes

    def overlaps(self, other: Requirement) -> bool:
        """Two roles of one visit need different units exactly when their segments overlap.

        Buffers do not count among themselves: one unit may treat twice in a visit, and the buffers merge.
        """
        return self.offset_minutes < other.segment_ends and other.offset_minutes < self.segment_ends


@dataclass(frozen=True)
class Lead:
    """How soon and how far ahead one may book: minutes from now, and whole local days after today."""

    notice_minutes: int = 0
    horizon_days: int = 365


@dataclass(frozen=True)
class Service:
    """``grid_minutes``: starts are offered at multiples of it on the wall clock; with ``off_grid_after_claims`` also
    where this visit's claim on one of its candidates begins exactly as an earlier claim there ends.
    """

    id: str
    length_minutes: int
    requirements: tuple[Requirement, ...]
    grid_minutes: int = 15
    off_grid_after_claims: bool = False
    lead: Lead = Lead()
    lead_by_surface: Mapping[str, Lead] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.requirements:
            raise Invalid(
                said("Service {service!r} requires nothing: say who and what it takes.", service=self.id),
                field="requirements",
            )
        if self.length_minutes < 1 or not 1 <= self.grid_minutes <= 1440:
            raise Invalid(
                said("Service {service!r} needs a length, and a grid of 1 to 1440 minutes.", service=self.id),
                field="grid_minutes",
            )
        if len({requirement.role for requirement in self.requirements}) < len(self.requirements):
            raise Invalid(
                said("Service {service!r} names a role twice: use quantity, or another name.", service=self.id),
                field="role",
            )

    def keeps_to_itself(self) -> bool:
        """Whether all its segments lie within its length, so that another service can go before or after it."""
        return all(need.offset_minutes >= 0 and need.segment_ends <= self.length_minutes for need in self.requirements)

    def lead_on(self, surface: str) -> Lead:
        return self.lead_by_surface.get(surface, self.lead)

    def served_by(self, *resources: str) -> list[Requirement]:
        """The roles that any of these can serve, the longest first: which is the one that people have in mind.

        Who asks for Maya means the twenty minutes in which Maya injects, and not the five in which she could assist.
        """
        wanted = set(resources)
        serving = [need for need in self.requirements if not wanted.isdisjoint(need.pool.members)]
        return sorted(serving, key=lambda need: -need.length_minutes)


@dataclass(frozen=True)
class Snapshot:
    """The record at the moment of asking. ``claims`` are the active ones, by unit (see ``search.window_of``).

    ``turns_change_at``: when the first hold that counts in ``Resource.last_taken_at`` runs out, wherever it lies.
    """

    now: datetime
    locations: Mapping[str, Location]
    resources: Mapping[str, Resource]
    services: Mapping[str, Service]
    claims: Mapping[str, Sequence[Claim]]
    turns_change_at: datetime | None = None


@dataclass(frozen=True)
class Request:
    """What a visit should be, and where and when its start may lie: ``[start, until)``.

    Several services follow one another in this order, each at most ``max_wait_minutes`` after the one before;
    ``same_provider`` asks that one provider serve a role in every one of them that has providers. A ``party`` of two
    needs everything twice at the same time. ``resources`` names a resource for a role, in the services whose pool for
    it has the resource. ``provider`` must serve some role of each service that has one for them. ``prefer`` only
    prefers. ``part_of_day`` are local times between which the start lies, ``[from, to)``. ``any_minute`` leaves the
    grid aside.
    """

    location: str
    services: tuple[str, ...]
    start: datetime
    until: datetime
    surface: str = "staff"
    max_wait_minutes: int = 0
    same_provider: SameProvider = False
    party: int = 1
    resources: Mapping[str, str] = field(default_factory=dict)
    provider: str | None = None
    prefer: tuple[str, ...] = ()
    part_of_day: tuple[time, time] | None = None
    any_minute: bool = False
    assign: Assignment = "preference"
    rank: Ranking = "earliest"
    limit: int = 50

    def check(self, snapshot: Snapshot) -> None:
        """Raises Invalid or NotFound, naming the field, for what can have no sensible answer."""
        if self.location not in snapshot.locations:
            raise NotFound("There is no such location.", field="location")
        if not self.services or any(service not in snapshot.services for service in self.services):
            raise NotFound("Name at least one service, and only services that exist.", field="service")
        if self.start.tzinfo is None or self.until.tzinfo is None or self.until <= self.start:
            raise Invalid("The window ends before it begins: give instants, from before to.", field="to")
        if self.until - self.start > MAX_WINDOW:
            raise Invalid(
                said("The window is longer than {days} days: ask for less at a time.", days=MAX_WINDOW.days), field="to"
            )
        if self.party < 1 or self.limit < 1 or not 0 <= self.max_wait_minutes <= 1440:
            raise Invalid("party and limit start at 1, and a wait lies between 0 and 1440 minutes.", field="party")
        if self.part_of_day is not None and time(0) != self.part_of_day[1] <= self.part_of_day[0]:
            raise Invalid(
                "The part of the day ends before it begins: give two times, 00:00 at the end for midnight.",
                field="part_of_day",
            )
        if len(self.services) > 1 and not all(snapshot.services[name].keeps_to_itself() for name in self.services):
            raise Invalid(
                "One of these services works before its start or after its end, so it cannot be part of a sequence.",
                field="service",
            )
        wallclock.zone(snapshot.locations[self.location].zone)
        self._check_names(snapshot)

    def _check_names(self, snapshot: Snapshot) -> None:
        pools: dict[str, set[str]] = {}
        for service in self.services:
            for need in snapshot.services[service].requirements:
                pools.setdefault(need.role, set()).update(need.pool.members)
        for role, resource in self.resources.items():
            if role not in pools:
                raise Invalid(
                    said("No role is called {role!r}; there is {roles}.", role=role, roles=list(pools)),
                    field="resources",
                )
            if resource not in pools[role]:
                raise Invalid(said("What was named for {role!r} is not in its pool.", role=role), field="resources")
        if self.provider is not None and not any(self.provider in members for members in pools.values()):
            raise Invalid("The provider serves nothing of what is asked for.", field="provider")


class Pick(NamedTuple):
    """One unit of a visit: its segment and its claim (buffers included); ``part``: for which of its services."""

    service: str
    role: str
    resource: str
    unit: str
    start: datetime
    end: datetime
    claim_start: datetime
    claim_end: datetime
    part: int = 0


class Part(NamedTuple):
    """One of the services that follow one another in a slot."""

    service: str
    start: datetime
    end: datetime


@dataclass(frozen=True)
class Slot:
    """A start that can be held now, with the units that would serve. ``why`` says what the ranking saw.

    ``with_person`` is who was asked to serve throughout, so that nobody may stand in for them.
    """

    start: datetime
    end: datetime
    picks: tuple[Pick, ...]
    parts: tuple[Part, ...] = ()
    why: str = ""
    with_person: str | None = None

    def claims(self) -> list[tuple[str, datetime, datetime]]:
        """(unit, start, end) to be claimed: what one unit does in this visit merged where it overlaps or touches."""
        merged: list[tuple[str, datetime, datetime]] = []
        for pick in sorted(self.picks, key=lambda pick: (pick.unit, pick.claim_start)):
            if merged and merged[-1][0] == pick.unit and pick.claim_start <= merged[-1][2]:
                unit, start, end = merged.pop()
                merged.append((unit, start, max(end, pick.claim_end)))
            else:
                merged.append((pick.unit, pick.claim_start, pick.claim_end))
        return merged
