"""The JSON of the API: what is read from a request, and what is answered.

Instants are written with the offset of the location's zone, and the zone's name stands beside them. Unknown members are
refused, so that a misspelled option cannot be silently ignored.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date, datetime
from typing import Annotated, Any, Final, Literal
from uuid import UUID

import phonenumbers
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, model_validator

from holdfast.booking.model import Appointment, Block, Claim, ClientDetails, Hold
from holdfast.email_address import read_email
from holdfast.ids import public_id
from holdfast.wallclock import FAR, is_sane, to_local

Surface = Literal["desk", "phone", "walk_in", "widget", "calendar", "platform", "assistant", "api", "import"]

# Control characters break lists and logs; overrides of writing direction make one name look like another.
_UNSEEN: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
_UNSEEN_IN_TEXT: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def _readable(text: str) -> str:
    if _UNSEEN.search(text):
        raise ValueError("has control or direction-changing characters")
    return text


def _readable_text(text: str) -> str:
    if _UNSEEN_IN_TEXT.search(text):
        raise ValueError("has control or direction-changing characters")
    return text


def _phone(text: str) -> str:
    try:
        number = phonenumbers.parse(text, None)
    except phonenumbers.NumberParseException:
        raise ValueError("needs a country code, as in +1 512 555 0100") from None
    if not phonenumbers.is_possible_number(number):
        raise ValueError("is not a possible phone number")
    return str(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164))


Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200), AfterValidator(_readable)]
Note = Annotated[str, StringConstraints(max_length=2000), AfterValidator(_readable_text)]
Reason = Annotated[str, StringConstraints(strip_whitespace=True, max_length=500), AfterValidator(_readable_text)]
Reference = Annotated[
    str, StringConstraints(min_length=1, max_length=64, pattern=r"^[a-z0-9_-]+$"), Field(description="An id or a slug.")
]
Role = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,39}$")]
When = Annotated[
    str,
    StringConstraints(min_length=10, max_length=40),
    Field(
        description="ISO 8601 with an offset, or the wall time at the location (refused when it is not one moment).",
        examples=["2027-03-06T14:00:00-06:00"],
    ),
]


def _in_our_time(day: date) -> date:
    if not is_sane(day):
        raise ValueError(FAR)
    return day


Day = Annotated[date, AfterValidator(_in_our_time)]


class Ask(BaseModel):
    """Any request body."""

    model_config = ConfigDict(extra="forbid")


class ClientAsk(Ask):
    """The person who comes: an id, or a name with how to reach them."""

    id: Reference | None = None
    name: Name | None = None
    email: Annotated[str, StringConstraints(max_length=254), AfterValidator(read_email)] | None = None
    phone: Annotated[str, StringConstraints(max_length=40), AfterValidator(_phone)] | None = None

    @model_validator(mode="after")
    def _one_way(self) -> ClientAsk:
        if (self.id is None) == (self.name is None):
            raise ValueError("give either the id of a client or a name")
        return self

    def details(self, id: UUID | None) -> ClientDetails:
        """The client as the booking commands take it."""
        return ClientDetails(id=id, name=self.name, email=self.email, phone=self.phone)

    def echo(self) -> ClientShape:
        """What a stranger may be told of the client: what they said, not whether anybody here knew it."""
        return ClientShape(id=None, name=self.name or "", email=self.email, phone=self.phone)


Resources = Annotated[
    dict[Role, Reference | Annotated[list[Reference], Field(min_length=1, max_length=50)]],
    Field(max_length=20, description="For each role, who or what must serve it. A role left out is assigned."),
]


OutsideRules = Annotated[
    bool, Field(strict=True, description="Staff only: opening hours, breaks, notice, the grid and caps do not count.")
]


class VisitAsk(Ask):
    service: Reference
    location: Reference
    start: When
    resources: Resources = Field(default_factory=dict)
    surface: Surface | None = Field(None, description="Where the request comes from; the key's first when left out.")
    outside_rules: OutsideRules = False


class HoldAsk(VisitAsk):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"service": "ipl", "location": "austin", "start": "2027-03-06T14:00:00-06:00", "surface": "desk"}
            ]
        }
    )
    ttl_seconds: Annotated[int, Field(strict=True, ge=1, le=86400)] | None = None


class ExtendAsk(Ask):
    ttl_seconds: Annotated[int, Field(strict=True, ge=1, le=86400)] | None = None


class OverbookAsk(Ask):
    reason: Annotated[Reason, Field(min_length=3, description="Why, for the record.")]


class AppointmentAsk(Ask):
    """Confirm a hold, or book in one step."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"hold_id": "hld_0193…", "client": {"name": "Ana Ruiz", "email": "ana@example.com"}},
                {
                    "service": "ipl",
                    "location": "austin",
                    "start": "2027-03-06T14:00:00-06:00",
                    "client": {"name": "Ana Ruiz", "phone": "+1 512 555 0100"},
                    "surface": "walk_in",
                },
            ]
        }
    )
    hold_id: Reference | None = None
    service: Reference | None = None
    location: Reference | None = None
    start: When | None = None
    resources: Resources = Field(default_factory=dict)
    client: ClientAsk
    note: Note | None = None
    surface: Surface | None = None
    overbook: OverbookAsk | None = Field(
        None, description="Put it on somebody who is taken, on purpose (scope overbook)."
    )
    outside_rules: OutsideRules = False

    @model_validator(mode="after")
    def _one_way(self) -> AppointmentAsk:
        visit = [self.service, self.location, self.start]
        if self.hold_id is not None:
            if any(visit) or self.resources or self.overbook or self.outside_rules:
                raise ValueError(
                    "with hold_id, the service, location, start, resources, overbook and outside_rules are settled"
                )
        elif not all(visit):
            raise ValueError("give hold_id, or service, location and start")
        return self


class RescheduleAsk(Ask):
    hold_id: Reference | None = None
    start: When | None = None
    location: Reference | None = None
    resources: Resources = Field(default_factory=dict)
    surface: Surface | None = None
    overbook: OverbookAsk | None = None
    outside_rules: OutsideRules = False

    @model_validator(mode="after")
    def _one_way(self) -> RescheduleAsk:
        if (self.hold_id is None) == (self.start is None):
            raise ValueError("give either hold_id or start")
        if self.hold_id is not None and (self.location or self.resources or self.overbook or self.outside_rules):
            raise ValueError("with hold_id, the location, resources, overbook and outside_rules are settled already")
        return self


class CancelAsk(Ask):
    reason: Reason | None = None
    surface: Surface | None = None


class StepAsk(Ask):
    surface: Surface | None = None


class BlockAsk(Ask):
    resource: Reference
    start: When
    end: When
    reason: Reason = ""
    surface: Surface | None = None


class ClaimShape(BaseModel):
    """A unit that is kept for a role; start and end include buffers, the segment is what is worked."""

    role: str
    kind: str
    resource: str
    resource_name: str
    unit: str
    start: datetime
    end: datetime
    segment_start: datetime
    segment_end: datetime
    overbook: bool


class HoldShape(BaseModel):
    id: str
    state: Literal["live", "confirmed", "released", "expired"]
    service: str
    location: str
    time_zone: str
    start: datetime
    end: datetime
    expires_at: datetime
    extensions: int
    surface: str
    visit: str | None
    claims: list[ClaimShape]

    @classmethod
    def of(cls, hold: Hold) -> HoldShape:
        """The hold as the API shows it."""
        zone = hold.time_zone
        return cls(
            id=public_id("hold", hold.id),
            state=hold.state,  # type: ignore[arg-type]  # the record's CHECK says the same
            service=public_id("service", hold.service_id),
            location=public_id("location", hold.location_id),
            time_zone=zone,
            start=to_local(hold.starts_at, zone),
            end=to_local(hold.ends_at, zone),
            expires_at=to_local(hold.expires_at, zone),
            extensions=hold.extensions,
            surface=hold.surface,
            visit=public_id("visit", hold.visit_id) if hold.visit_id else None,
            claims=_claims(hold.claims, zone),
        )


class ClientShape(BaseModel):
    """`id` is null for a key that may not read: it would tell whether the client was known."""

    id: str | None
    name: str
    email: str | None
    phone: str | None


class AppointmentShape(BaseModel):
    id: str
    confirmation_code: str
    state: Literal["confirmed", "checked_in", "completed", "cancelled", "no_show"]
    revision: int
    service: str
    service_name: str
    location: str
    time_zone: str
    start: datetime
    end: datetime
    client: ClientShape
    price_cents: int
    currency: str
    surface: str
    note: str | None
    cancel_reason: str | None
    overbook_reason: str | None
    created_at: datetime
    visit: str | None
    claims: list[ClaimShape]

    @classmethod
    def of(cls, appointment: Appointment) -> AppointmentShape:
        """The appointment as the API shows it."""
        zone = appointment.time_zone
        return cls(
            id=public_id("appointment", appointment.id),
            confirmation_code=appointment.confirmation_code,
            state=appointment.state,  # type: ignore[arg-type]  # the record's CHECK says the same
            revision=appointment.revision,
            service=public_id("service", appointment.service_id),
            service_name=appointment.service_name,
            location=public_id("location", appointment.location_id),
            time_zone=zone,
            start=to_local(appointment.starts_at, zone),
            end=to_local(appointment.ends_at, zone),
            client=ClientShape(
                id=public_id("client", appointment.client_id),
                name=appointment.client_name,
                email=appointment.client_email,
                phone=appointment.client_phone,
            ),
            price_cents=appointment.price_cents,
            currency=appointment.currency,
            surface=appointment.surface,
            note=appointment.note,
            cancel_reason=appointment.cancel_reason,
            overbook_reason=appointment.overbook_reason,
            created_at=to_local(appointment.created_at, zone),
            visit=public_id("visit", appointment.visit_id) if appointment.visit_id else None,
            claims=_claims(appointment.claims, zone),
        )


class BlockShape(BaseModel):
    id: str
    resource: str
    start: datetime
    end: datetime
    reason: str
    removed_at: datetime | None

    @classmethod
    def of(cls, block: Block) -> BlockShape:
        """The block as the API shows it; a resource has no zone of its own, so times are in UTC."""
        return cls(
            id=public_id("block", block.id),
            resource=public_id("resource", block.resource_id),
            start=block.starts_at,
            end=block.ends_at,
            reason=block.reason,
            removed_at=block.removed_at,
        )


class Page(BaseModel):
    """A page of a list: ask again with ``cursor=next`` until ``next`` is null."""

    items: Sequence[Any]
    next: str | None


class AppointmentList(Page):
    items: list[AppointmentShape]


class BlockList(Page):
    items: list[BlockShape]


class ProblemShape(BaseModel):
    """RFC 9457. Further members depend on the type; its page says which."""

    model_config = ConfigDict(extra="allow")
    type: str
    title: str
    status: int
    detail: str


def _claims(claims: list[Claim], zone: str) -> list[ClaimShape]:
    return [
        ClaimShape(
            role=claim["role"],
            kind=claim["kind"],
            resource=public_id("resource", UUID(claim["resource_id"])),
            resource_name=claim["resource_name"],
            unit=public_id("unit", UUID(claim["unit_id"])),
            start=_local(claim["starts_at"], zone),
            end=_local(claim["ends_at"], zone),
            segment_start=_local(claim["segment_starts_at"], zone),
            segment_end=_local(claim["segment_ends_at"], zone),
            overbook=claim["overbook"],
        )
        for claim in claims
    ]


def _local(text: str, zone: str) -> datetime:
    return to_local(datetime.fromisoformat(text), zone)
