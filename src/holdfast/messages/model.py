"""Messages as they are planned, sent and read. Instants are aware, in UTC; ids are UUIDs."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, time
from typing import Final, Literal
from uuid import NAMESPACE_URL, UUID, uuid5

from holdfast.wallclock import to_local

Kind = Literal["confirmation", "change", "cancellation", "reminder", "follow_up", "waitlist_offer", "link"]
Channel = Literal["email", "sms"]

NOTICES: Final[dict[str, Kind]] = {
    "appointment.booked": "confirmation",
    "appointment.rescheduled": "change",
    "appointment.cancelled": "cancellation",
}
KINDS: Final[tuple[Kind, ...]] = (
    "confirmation",
    "change",
    "cancellation",
    "reminder",
    "follow_up",
    "waitlist_offer",
    "link",
)
STATES: Final = ("pending", "sent", "dead", "skipped")


@dataclass(frozen=True, slots=True)
class Owed:
    """A message to be. ``occasion``: the revision a notice is about, the start (Unix seconds) a reminder is about."""

    kind: Kind
    lead_minutes: int
    occasion: int
    due_at: datetime


@dataclass(frozen=True, slots=True)
class Notice:
    """Something that happened to an appointment and that its client is told."""

    type: str
    revision: int
    at: datetime
    surface: str


@dataclass(frozen=True, slots=True)
class PlanFacts:
    """What planning needs to know of an appointment. ``agreed_at``: when its present time was booked or moved to."""

    id: UUID
    state: str
    starts_at: datetime
    ends_at: datetime
    time_zone: str
    agreed_at: datetime
    quiet_from: time
    quiet_until: time
    before_minutes: list[int]
    follow_up_after_minutes: int | None
    now: datetime


@dataclass(frozen=True, slots=True)
class Message:
    """A message as staff see it, about an appointment or about an offer of the waitlist.

    ``subject`` and ``body`` are what was sent, but for the token of a private link; they are kept for 90 days.
    """

    id: UUID
    appointment_id: UUID | None
    offer_id: UUID | None
    client_id: UUID
    client_name: str
    kind: Kind
    lead_minutes: int
    state: str
    due_at: datetime
    created_at: datetime
    next_attempt_at: datetime | None
    settled_at: datetime | None
    attempts: int
    reason: str | None
    channel: Channel | None
    provider_id: str | None
    delivered: str | None
    subject: str | None
    body: str | None
    answer: str | None


@dataclass(frozen=True, slots=True)
class Context:
    """Everything that decides whether, how and in which words a message goes out now.

    ``state`` is that of the appointment or the offer; ``expires_at``: until when the offer stands.
    """

    id: UUID
    kind: Kind
    lead_minutes: int
    occasion: int
    due_at: datetime
    superseded: bool
    appointment_id: UUID | None
    offer_id: UUID | None
    state: str
    surface: str
    revision: int
    starts_at: datetime
    ends_at: datetime
    confirmation_code: str
    expires_at: datetime | None
    time_zone: str
    location_name: str
    address: str | None
    service_name: str
    provider_name: str | None
    organization_name: str
    reply_to: str | None
    client_id: UUID
    client_name: str
    email: str | None
    phone: str | None
    email_refused: bool
    sms_refused: bool
    language: str
    channels: list[Channel]
    quiet_from: time
    quiet_until: time
    say_service: bool
    say_provider: bool
    own_subject: str | None
    own_email: str | None
    own_sms: str | None
    now: datetime
    # of a visit of several parts, and of a series that was booked, moved or cancelled: when each part begins, and what
    # it is; ``told_elsewhere``: the message about another part tells it
    told_elsewhere: bool = False
    part_starts: list[datetime] = field(default_factory=list)
    part_services: list[str] = field(default_factory=list)
    # the visit of several parts that it belongs to, from the first to the last that stands; none stands any more: None
    visit_id: UUID | None = None
    visit_starts_at: datetime | None = None
    visit_ends_at: datetime | None = None
    visit_revision: int | None = None

    @property
    def is_one_visit(self) -> bool:
        """Whether it is about one coming, so that an answer can mean it: not about a series."""
        return len({to_local(start, self.time_zone).date() for start in self.part_starts}) <= 1

    @property
    def key(self) -> UUID:
        """The same for the same message for ever, also when its row was lost and is made again after a restore."""
        about = self.appointment_id or self.offer_id
        return uuid5(NAMESPACE_URL, f"{about}/{self.kind}/{self.lead_minutes}/{self.occasion}")

    def address_of(self, channel: Channel) -> str | None:
        """Where the client is reached by ``channel``; None where they are not, or do not want to be."""
        if channel == "email":
            return None if self.email_refused else self.email
        return None if self.sms_refused else self.phone


@dataclass(frozen=True, slots=True)
class Policy:
    """How an organization speaks to its clients."""

    sender_name: str | None
    reply_to: str | None
    language: str
    notice_channels: list[Channel]
    reminder_channels: list[Channel]
    quiet_from: time
    quiet_until: time
    say_service: bool
    say_provider: bool


@dataclass(frozen=True, slots=True)
class ReminderRule:
    """When clients are reminded; ``service_id`` None: of every service without a rule of its own."""

    service_id: UUID | None
    before_minutes: list[int]
    follow_up_after_minutes: int | None


@dataclass(frozen=True, slots=True)
class Wording:
    """The templates of one kind in one language. ``own``: the organization's, instead of the built-in ones."""

    kind: Kind
    language: str
    subject: str
    email: str
    sms: str
    own: bool = False
