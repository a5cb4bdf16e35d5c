"""The JSON of the waitlist: what one waits for, who was offered what and why, and what came of it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, time
from typing import Annotated, Literal, Self
from uuid import UUID

from pydantic import BaseModel, Field, StringConstraints, model_validator

from holdfast.booking.model import Appointment
from holdfast.http.message_shapes import WallTime
from holdfast.http.shapes import Ask, ClientAsk, Day, Note, Reference, Resources, Surface, VisitAsk, When
from holdfast.ids import public_id
from holdfast.waitlist.model import EVERY_DAY, Entry, Mode, Offer, Policy, Rate, TimeWindow
from holdfast.wallclock import to_local

Clock = Annotated[str, StringConstraints(pattern=r"^([01]\d|2[0-3]):[0-5]\d$"), Field(examples=["09:00"])]
Weekday = Annotated[int, Field(ge=0, le=6)]
EntryState = Literal["waiting", "offered", "booked", "left", "expired"]
OfferState = Literal["open", "accepted", "declined", "lapsed", "overridden", "lost", "untold"]


class WindowAsk(Ask):
    """Wall times between which the visit may begin. No weekdays: every day; Monday is 0."""

    weekdays: Annotated[list[Weekday], Field(max_length=7)] = Field(default_factory=list)
    from_: Clock = Field("00:00", alias="from")
    to: Clock = "23:59"

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.to <= self.from_:
            raise ValueError("a window ends after it begins, on the same day")
        return self

    def window(self) -> TimeWindow:
        return TimeWindow(
            time.fromisoformat(self.from_), time.fromisoformat(self.to), frozenset(self.weekdays) or EVERY_DAY
        )


class WaitAsk(Ask):
    """Wait for a time; with `appointment` (scope read): for an earlier time of that visit."""

    services: Annotated[list[Reference], Field(max_length=20)] = Field(default_factory=list)
    locations: Annotated[list[Reference], Field(max_length=50)] = Field(default_factory=list)
    providers: Annotated[list[Reference], Field(max_length=50, description="None: anyone.")] = Field(
        default_factory=list
    )
    windows: Annotated[list[WindowAsk], Field(max_length=21)] = Field(default_factory=list)
    earliest_on: Day | None = None
    latest_on: Day | None = None
    notice_minutes: Annotated[int, Field(ge=0, le=43200)] = 0
    party_size: Annotated[int, Field(ge=1, le=20)] = 1
    priority: Annotated[int, Field(ge=-100, le=100, description="Scope read: staff say who comes first.")] = 0
    client: ClientAsk | None = None
    appointment: Reference | None = None
    surface: Surface | None = None

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if self.appointment is None and not (self.client and self.services and self.locations):
            raise ValueError("give client, services and locations, or an appointment that would come earlier")
        if self.appointment is not None and (self.client or self.services):
            raise ValueError("with appointment, the client and the service are known already")
        return self


class OfferAsk(VisitAsk):
    """Offer this visit to the entry by hand."""


class OverrideAsk(Ask):
    """Book an offered time for somebody else; without `start`, the very visit that was offered."""

    client: ClientAsk
    service: Reference | None = None
    location: Reference | None = None
    start: When | None = None
    resources: Resources = Field(default_factory=dict)
    note: Note | None = None
    surface: Surface | None = None

    @model_validator(mode="after")
    def _whole(self) -> Self:
        given = [self.service, self.location, self.start]
        if any(given) and not all(given):
            raise ValueError("give service, location and start together, or none of them")
        return self


class TokenAsk(Ask):
    """The token at the end of the link in the message."""

    token: Annotated[str, StringConstraints(max_length=100)]


class EntryShape(BaseModel):
    id: str
    state: EntryState
    client: str
    services: list[str]
    locations: list[str]
    providers: list[str]
    windows: list[dict[str, object]]
    earliest_on: date | None
    latest_on: date | None
    notice_minutes: int
    party_size: int
    priority: int
    appointment: str | None
    joined_at: datetime

    @classmethod
    def of(cls, entry: Entry) -> EntryShape:
        """The entry as the API shows it; instants in UTC, because it may wait at several locations."""
        return cls(
            id=public_id("waitlist_entry", entry.id),
            state=entry.state,  # type: ignore[arg-type]  # the record's CHECK says the same
            client=public_id("client", entry.client_id),
            services=_all("service", entry.service_ids),
            locations=_all("location", entry.location_ids),
            providers=_all("resource", entry.provider_ids),
            windows=[dict(window) for window in entry.windows],
            earliest_on=entry.earliest_on,
            latest_on=entry.latest_on,
            notice_minutes=entry.notice_minutes,
            party_size=entry.party_size,
            priority=entry.priority,
            appointment=_maybe("appointment", entry.appointment_id),
            joined_at=entry.joined_at,
        )


class EntryList(BaseModel):
    items: list[EntryShape]
    next: str | None


class OfferShape(BaseModel):
    """An offer as the desk sees it; `why` says why this entry."""

    id: str
    entry: str
    client: str
    state: OfferState
    why: str
    service: str
    location: str
    time_zone: str
    start: datetime
    end: datetime
    sent_at: datetime
    expires_at: datetime
    settled_at: datetime | None
    appointment: str | None

    @classmethod
    def of(cls, offer: Offer) -> OfferShape:
        """The offer on the clock of its location."""
        local = _on(offer.time_zone)
        return cls(
            id=public_id("offer", offer.id),
            entry=public_id("waitlist_entry", offer.entry_id),
            client=public_id("client", offer.client_id),
            state=offer.state,  # type: ignore[arg-type]  # the record's CHECK says the same
            why=offer.why,
            service=public_id("service", offer.service_id),
            location=public_id("location", offer.location_id),
            time_zone=offer.time_zone,
            start=local(offer.starts_at),
            end=local(offer.ends_at),
            sent_at=local(offer.sent_at),
            expires_at=local(offer.expires_at),
            settled_at=offer.settled_at and local(offer.settled_at),
            appointment=_maybe("appointment", offer.appointment_id),
        )


class OfferList(BaseModel):
    items: list[OfferShape]
    next: str | None


class OfferAnswerShape(BaseModel):
    """What whoever holds the link is told: the visit and what became of the offer. Nothing about anybody else."""

    state: OfferState
    service: str
    location: str
    time_zone: str
    start: datetime
    end: datetime
    expires_at: datetime
    confirmation_code: str | None = None

    @classmethod
    def of(cls, offer: Offer, appointment: Appointment | None = None) -> OfferAnswerShape:
        """The offer, with the code of the appointment that it became."""
        local = _on(offer.time_zone)
        return cls(
            state=offer.state,  # type: ignore[arg-type]  # the record's CHECK says the same
            service=public_id("service", offer.service_id),
            location=public_id("location", offer.location_id),
            time_zone=offer.time_zone,
            start=local(offer.starts_at),
            end=local(offer.ends_at),
            expires_at=local(offer.expires_at),
            confirmation_code=appointment.confirmation_code if appointment else None,
        )


class RateShape(BaseModel):
    """One week (its Monday), service that went (null: longer hours, a removed block) and location."""

    week: date
    service: str | None
    location: str
    openings: int
    offered: int
    filled: int
    fill_rate: float
    median_minutes_to_fill: float | None
    recovered_cents: int

    @classmethod
    def of(cls, rate: Rate) -> RateShape:
        return cls(
            week=rate.week,
            service=_maybe("service", rate.service_id),
            location=public_id("location", rate.location_id),
            openings=rate.openings,
            offered=rate.offered,
            filled=rate.filled,
            fill_rate=round(rate.fill_rate, 4),
            median_minutes_to_fill=rate.median_minutes_to_fill,
            recovered_cents=rate.recovered_cents,
        )


class RateList(BaseModel):
    items: list[RateShape]


class WaitlistPolicyAsk(Ask):
    """How freed times of a service are offered. What is left out takes its default."""

    mode: Mode = "first_in_line"
    offer_minutes_max: Annotated[int, Field(ge=1, le=1440)] = 120
    offer_minutes_min: Annotated[int, Field(ge=1, le=1440)] = 10
    answer_percent: Annotated[int, Field(ge=1, le=100, description="Of the time left until the cut-off.")] = 10
    cut_off_minutes: Annotated[int, Field(ge=0, le=10080)] = 60
    quiet_from: WallTime = time(21)
    quiet_until: WallTime = time(8)
    offers_per_slot_max: Annotated[int, Field(ge=1, le=1000)] = 10
    offers_per_client_and_day_max: Annotated[int, Field(ge=1, le=100)] = 3
    partial_fit_min_cents: Annotated[
        int | None,
        Field(ge=0, le=2**31 - 1, description="A shorter service from this price takes the time; null: none."),
    ] = 1

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.offer_minutes_min > self.offer_minutes_max:
            raise ValueError("offer_minutes_min is not more than offer_minutes_max")
        return self


class WaitlistPolicyShape(WaitlistPolicyAsk):
    """How freed times of a service are offered. Its ETag is for `If-Match`."""

    service: str

    @classmethod
    def of(cls, policy: Policy) -> WaitlistPolicyShape:
        fields = {name: getattr(policy, name) for name in WaitlistPolicyAsk.model_fields}
        return cls(service=public_id("service", policy.service_id), **fields)


def _all(kind: str, ids: list[UUID]) -> list[str]:
    return [public_id(kind, id) for id in ids]


def _maybe(kind: str, id: UUID | None) -> str | None:
    return None if id is None else public_id(kind, id)


def _on(zone: str) -> Callable[[datetime], datetime]:
    return lambda instant: to_local(instant, zone)
