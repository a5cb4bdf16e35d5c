"""Fold the log into the rows it tells of (I5). Pure: events in the order of their ids, rows out.

Left out are what the log does not tell: a person's words (notes, reasons), codes, and times that follow from others.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import singledispatchmethod
from typing import Literal
from uuid import UUID

from holdfast.log.events import Event
from holdfast.log.facts import Facts, booking


class Impossible(ValueError):
    """An event about something that, by the log so far, is not there: an earlier event is missing."""


@dataclass(frozen=True, slots=True)
class Hold:
    id: UUID
    state: str
    service_id: UUID
    location_id: UUID
    starts_at: datetime
    ends_at: datetime
    expires_at: datetime
    extensions: int
    surface: str
    actor: str
    overbook: bool
    visit_id: UUID | None


@dataclass(frozen=True, slots=True)
class Visit:
    id: UUID
    location_id: UUID
    max_wait_minutes: int
    same_provider: bool | Literal["prefer"]
    surface: str
    series_id: UUID | None
    number: int | None


@dataclass(frozen=True, slots=True)
class Series:
    id: UUID
    location_id: UUID
    days_min: int | None
    days_max: int | None
    surface: str


@dataclass(frozen=True, slots=True)
class Appointment:
    id: UUID
    state: str
    revision: int
    hold_id: UUID
    client_id: UUID
    service_id: UUID
    location_id: UUID
    starts_at: datetime
    ends_at: datetime
    price_cents: int
    surface: str


@dataclass(frozen=True, slots=True)
class Block:
    id: UUID
    resource_id: UUID
    starts_at: datetime
    ends_at: datetime
    removed: bool


@dataclass(frozen=True, slots=True)
class Busy:
    id: UUID
    resource_id: UUID
    source: str
    starts_at: datetime
    ends_at: datetime
    removed: bool


@dataclass(frozen=True, slots=True)
class Claim:
    """``holder_id`` is the hold, block or busy time; the three together are the key."""

    holder_id: UUID
    unit_id: UUID
    starts_at: datetime
    ends_at: datetime
    segment_starts_at: datetime
    segment_ends_at: datetime
    role: str
    active: bool
    overbook: bool


Row = Hold | Visit | Series | Appointment | Block | Busy | Claim


@dataclass
class Replay:
    """The rows as the events so far tell them."""

    holds: dict[UUID, Hold] = field(default_factory=dict)
    visits: dict[UUID, Visit] = field(default_factory=dict)
    series: dict[UUID, Series] = field(default_factory=dict)
    appointments: dict[UUID, Appointment] = field(default_factory=dict)
    blocks: dict[UUID, Block] = field(default_factory=dict)
    busies: dict[UUID, Busy] = field(default_factory=dict)
    claims: dict[UUID, list[Claim]] = field(default_factory=dict)  # by holder

    def apply(self, event: Event) -> None:
        """Take in the next event. Raises Impossible when an earlier one is missing."""
        try:
            self._apply(event.facts, event)
        except KeyError:
            raise Impossible(
                f"event {event.id} ({event.type}) tells of {event.subject_id}, which never began"
            ) from None

    def rows(self) -> set[Row]:
        """Every row that the log tells of."""
        whole: Iterable[Iterable[Row]] = (
            self.holds.values(), self.visits.values(), self.series.values(), self.appointments.values(),
            self.blocks.values(), self.busies.values(), *self.claims.values(),
        )  # fmt: skip
        return {row for rows in whole for row in rows}

    @singledispatchmethod
    def _apply(self, _: Facts, event: Event) -> None:
        """Events of the catalog, of clients and keys tell of no booking."""

    @_apply.register
    def _(self, facts: booking.HoldPlaced, event: Event) -> None:
        id = event.subject_id
        self.holds[id] = Hold(
            id, facts.state, facts.service_id, facts.location_id, facts.starts_at, facts.ends_at, facts.expires_at, 0,
            event.surface, event.actor, facts.overbook, facts.visit_id,
        )  # fmt: skip
        self.claims[id] = [
            Claim(
                id, claim.unit_id, claim.starts_at, claim.ends_at, claim.segment_starts_at, claim.segment_ends_at,
                claim.role, active=True, overbook=claim.overbook,
            )
            for claim in facts.claims
        ]  # fmt: skip

    @_apply.register
    def _(self, facts: booking.HoldExtended, event: Event) -> None:
        hold = self.holds[event.subject_id]
        self.holds[hold.id] = replace(hold, expires_at=facts.expires_at, extensions=hold.extensions + 1)

    @_apply.register(booking.HoldLeft)
    @_apply.register(booking.HoldReturnedTo)
    def _(self, facts: booking.HoldLeft | booking.HoldReturnedTo, event: Event) -> None:
        self.holds[event.subject_id] = replace(self.holds[event.subject_id], expires_at=facts.expires_at)

    @_apply.register
    def _(self, facts: booking.HoldConfirmed, event: Event) -> None:
        hold = self.holds[event.subject_id]
        self.holds[hold.id] = replace(hold, state="confirmed", visit_id=facts.visit_id or hold.visit_id)

    @_apply.register
    def _(self, facts: booking.VisitPlaced, event: Event) -> None:
        id = event.subject_id
        self.visits[id] = Visit(
            id, facts.location_id, facts.max_wait_minutes, facts.same_provider, event.surface, facts.series_id,
            facts.number,
        )  # fmt: skip

    @_apply.register
    def _(self, facts: booking.SeriesPlaced, event: Event) -> None:
        id = event.subject_id
        self.series[id] = Series(id, facts.location_id, facts.days_min, facts.days_max, event.surface)

    @_apply.register(booking.HoldReleased)
    def _(self, _: Facts, event: Event) -> None:
        self.holds[event.subject_id] = replace(self.holds[event.subject_id], state="released")
        self._let_go(event.subject_id)

    @_apply.register(booking.HoldExpired)
    def _(self, _: Facts, event: Event) -> None:
        self.holds[event.subject_id] = replace(self.holds[event.subject_id], state="expired")
        self._let_go(event.subject_id)

    @_apply.register
    def _(self, facts: booking.ClaimPromoted, event: Event) -> None:
        for claim in self._taken(event.subject_id, facts.unit_id, facts.starts_at):
            self.claims[event.subject_id].append(replace(claim, overbook=False))

    @_apply.register
    def _(self, facts: booking.ClaimMoved, event: Event) -> None:
        for claim in self._taken(event.subject_id, facts.from_unit_id, facts.starts_at):
            moved = replace(claim, unit_id=facts.unit_id, overbook=facts.overbook)
            self.claims[event.subject_id].append(moved)

    @_apply.register
    def _(self, facts: booking.AppointmentBooked, event: Event) -> None:
        id = event.subject_id
        self.appointments[id] = Appointment(
            id, "confirmed", facts.revision, facts.hold_id, facts.client_id, facts.service_id, facts.location_id,
            facts.starts_at, facts.ends_at, facts.price_cents, event.surface,
        )  # fmt: skip

    @_apply.register
    def _(self, facts: booking.AppointmentRescheduled, event: Event) -> None:
        self.appointments[event.subject_id] = replace(
            self.appointments[event.subject_id],
            revision=facts.revision,
            hold_id=facts.hold_id,
            location_id=facts.location_id,
            starts_at=facts.starts_at,
            ends_at=facts.ends_at,
        )

    @_apply.register
    def _(self, facts: booking.AppointmentStepped, event: Event) -> None:
        self.appointments[event.subject_id] = replace(
            self.appointments[event.subject_id], state=event.type.partition(".")[2], revision=facts.revision
        )

    @_apply.register
    def _(self, facts: booking.AppointmentNoteChanged, event: Event) -> None:
        self.appointments[event.subject_id] = replace(self.appointments[event.subject_id], revision=facts.revision)

    @_apply.register
    def _(self, facts: booking.BlockPlaced, event: Event) -> None:
        id = event.subject_id
        self.blocks[id] = Block(id, facts.resource_id, facts.starts_at, facts.ends_at, removed=False)
        self._claim(id, facts.claims)

    @_apply.register(booking.BlockRemoved)
    def _(self, _: Facts, event: Event) -> None:
        self.blocks[event.subject_id] = replace(self.blocks[event.subject_id], removed=True)
        self._let_go(event.subject_id)

    @_apply.register
    def _(self, facts: booking.Moved, event: Event) -> None:
        id = event.subject_id
        if id in self.blocks:
            self.blocks[id] = replace(self.blocks[id], resource_id=facts.resource_id)
        else:
            self.busies[id] = replace(self.busies[id], resource_id=facts.resource_id)

    @_apply.register
    def _(self, facts: booking.BusyRecorded, event: Event) -> None:
        id = event.subject_id
        self.busies[id] = Busy(id, facts.resource_id, facts.source, facts.starts_at, facts.ends_at, removed=False)
        self._claim(id, facts.claims)

    @_apply.register
    def _(self, facts: booking.BusyClaimed, event: Event) -> None:
        before = self.claims[event.subject_id]
        self._claim(event.subject_id, facts.claims)
        self.claims[event.subject_id] += before

    @_apply.register(booking.BusyRemoved)
    def _(self, _: Facts, event: Event) -> None:
        self.busies[event.subject_id] = replace(self.busies[event.subject_id], removed=True)
        self._let_go(event.subject_id)

    def _claim(self, holder_id: UUID, claims: Iterable[booking.Claim]) -> None:
        self.claims[holder_id] = [
            Claim(
                holder_id, claim.unit_id, claim.starts_at, claim.ends_at, claim.starts_at, claim.ends_at, claim.role,
                active=True, overbook=False,
            )
            for claim in claims
        ]  # fmt: skip

    def _let_go(self, holder_id: UUID) -> None:
        self.claims[holder_id] = [replace(claim, active=False) for claim in self.claims[holder_id]]

    def _taken(self, holder_id: UUID, unit_id: UUID, starts_at: datetime) -> list[Claim]:
        """Take out the claim with this key, to be put back changed."""
        claims = self.claims[holder_id]
        taken = [claim for claim in claims if (claim.unit_id, claim.starts_at) == (unit_id, starts_at)]
        if not taken:
            raise KeyError(holder_id)
        self.claims[holder_id] = [claim for claim in claims if claim not in taken]
        return taken
