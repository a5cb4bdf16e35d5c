"""Events of holds, visits, appointments, claims, blocks, busy times and collisions."""

from __future__ import annotations

from typing import Literal
from uuid import UUID

from holdfast.log.facts import Facts, Instant


class Claim(Facts):
    """One unit for one time, buffers included."""

    unit_id: UUID
    role: str
    starts_at: Instant
    ends_at: Instant


class VisitClaim(Claim):
    """A visit's claim: the segment is what is worked; ``overbook``: put there on purpose, behind somebody else."""

    segment_starts_at: Instant
    segment_ends_at: Instant
    overbook: bool


# -- holds: the subject is the hold


class HoldPlaced(Facts):
    """A visit is held: ``live`` until ``expires_at``, or ``confirmed`` at once when it was booked in one step."""

    types = ("hold.placed",)
    state: str
    service_id: UUID
    location_id: UUID
    starts_at: Instant
    ends_at: Instant
    expires_at: Instant
    overbook: bool = False
    """A person put it on somebody who is taken. Why is with the hold: people's words about people are not logged."""
    outside_rules: bool
    visit_id: UUID | None = None
    claims: tuple[VisitClaim, ...]


class HoldExtended(Facts):
    """A live hold got a fresh term."""

    types = ("hold.extended",)
    expires_at: Instant


class HoldLeft(Facts):
    """The visitor closed the booking page: the hold ends soon, unless they come back."""

    types = ("hold.left",)
    expires_at: Instant


class HoldReturnedTo(Facts):
    """The visitor is back in time: the hold has its term again."""

    types = ("hold.returned_to",)
    expires_at: Instant


class HoldConfirmed(Facts):
    """A live hold became (or was put under) an appointment; ``visit_id``: it joined this visit with it."""

    types = ("hold.confirmed",)
    visit_id: UUID | None = None


class HoldReleased(Facts):
    """A hold let go of its claims: given back, or its appointment was cancelled, missed, or (``moved``) moved."""

    types = ("hold.released",)
    moved: bool = False


class HoldExpired(Facts):
    """A hold ran out and let go of its claims; ``displaced``: because somebody needed the place."""

    types = ("hold.expired",)
    displaced: bool = False


# -- visits of several appointments: the subject is the visit; what becomes of it is told by its holds


class VisitPlaced(Facts):
    """Several holds are one visit, and are settled together; each of them names it as its ``visit_id``."""

    types = ("visit.placed",)
    location_id: UUID
    max_wait_minutes: int
    same_provider: bool | Literal["prefer"]
    series_id: UUID | None = None
    number: int | None = None


class SeriesPlaced(Facts):
    """Several visits are one series, and are settled together; each of them names it as its ``series_id``."""

    types = ("series.placed",)
    location_id: UUID
    days_min: int | None
    days_max: int | None


# -- claims: the subject is the hold, block or busy time that they belong to


class ClaimPromoted(Facts):
    """The place behind which an overbook stood became free, and it took it: it is an ordinary claim now."""

    types = ("claim.promoted",)
    unit_id: UUID
    role: str
    starts_at: Instant


class ClaimMoved(Facts):
    """A claim went to another unit at the same time: a capacity shrank, or two resources were merged."""

    types = ("claim.moved",)
    role: str
    starts_at: Instant
    from_unit_id: UUID
    unit_id: UUID
    overbook: bool


# -- appointments: the subject is the appointment


class AppointmentBooked(Facts):
    """A visit is agreed, for this client, on the claims of this hold."""

    types = ("appointment.booked",)
    hold_id: UUID
    client_id: UUID
    service_id: UUID
    location_id: UUID
    starts_at: Instant
    ends_at: Instant
    price_cents: int
    revision: int
    overbook: bool


class AppointmentRescheduled(Facts):
    """The same appointment at another time or place, on the claims of another hold."""

    types = ("appointment.rescheduled",)
    hold_id: UUID
    location_id: UUID
    starts_at: Instant
    ends_at: Instant
    from_hold_id: UUID
    from_starts_at: Instant
    from_location_id: UUID
    revision: int


class AppointmentStepped(Facts):
    """The appointment took a step: the client arrived, was served, called it off, or did not come."""

    types = ("appointment.checked_in", "appointment.completed", "appointment.cancelled", "appointment.no_show")
    from_state: str
    revision: int


class AppointmentNoteChanged(Facts):
    """What staff wrote about the visit was changed; the words are read by id."""

    types = ("appointment.note_changed",)
    revision: int


class AppointmentLinkIssued(Facts):
    """Whoever has the private link may see, move and cancel the visit."""

    types = ("appointment.link_issued",)


# -- blocks and busy times: the subject is the block or the busy time


class BlockPlaced(Facts):
    """Staff closed a resource, all its units, for a time."""

    types = ("block.placed",)
    resource_id: UUID
    starts_at: Instant
    ends_at: Instant
    claims: tuple[Claim, ...]


class BlockRemoved(Facts):
    """Staff opened it again."""

    types = ("block.removed",)


class Moved(Facts):
    """The record of its resource was merged into another's."""

    types = ("block.moved", "busy.moved")
    resource_id: UUID
    from_resource_id: UUID


class BusyRecorded(Facts):
    """An outside calendar says that a resource is busy; ``claims``: the part that was still free, now taken.

    Told again, with the new times, when the event over there moves.
    """

    types = ("busy.recorded",)
    resource_id: UUID
    source: str
    starts_at: Instant
    ends_at: Instant
    claims: tuple[Claim, ...]


class BusyClaimed(Facts):
    """The outside event took time that was not free when it was told, and now is: ``claims``, beside those it had."""

    types = ("busy.claimed",)
    claims: tuple[Claim, ...]


class BusyRemoved(Facts):
    """The outside event is gone, or is about to be told with new times."""

    types = ("busy.removed",)


class CollisionFound(Facts):
    """An outside event and something else are in one place: the measured double-booking."""

    types = ("collision.found",)
    resource_id: UUID
    busy_id: UUID
    other_kind: str
    other_id: UUID
    starts_at: Instant
    ends_at: Instant


class CollisionResolved(Facts):
    """Somebody decided, or the outside event went away. The subject is the collision."""

    types = ("collision.resolved",)
