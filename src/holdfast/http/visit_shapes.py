"""The JSON of visits of several appointments."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from holdfast.booking.visits import WholeVisit
from holdfast.http.shapes import (
    AppointmentShape,
    Ask,
    ClientAsk,
    HoldShape,
    Note,
    OutsideRules,
    Reason,
    Reference,
    Resources,
    Role,
    Surface,
    When,
)
from holdfast.ids import public_id
from holdfast.wallclock import to_local

Services = Annotated[list[Reference], Field(min_length=1, max_length=6, description="In this order.")]
OneProvider = Annotated[
    Annotated[bool, Field(strict=True)] | Literal["prefer"],
    Field(description="One provider for all services; `prefer`: where that can be had."),
]
Provider = Annotated[
    Reference, Field(description="Only with them: they serve in each service that has a role for them.")
]


class VisitItemAsk(Ask):
    """One appointment of a visit."""

    service: Reference
    start: When
    resources: Resources = Field(default_factory=dict)


class VisitHoldAsk(Ask):
    """Services in sequence from `start`, `party` of each at once; or each of the `appointments` as it should be."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "location": "austin",
                    "services": ["facial", "peel"],
                    "start": "2027-03-06T14:00:00-06:00",
                    "max_wait_minutes": 20,
                    "same_provider": True,
                }
            ]
        }
    )
    location: Reference
    services: Services | None = None
    start: When | None = None
    party: Annotated[int, Field(strict=True, ge=1, le=20)] = 1
    max_wait_minutes: Annotated[int, Field(strict=True, ge=0, le=1440)] = 0
    same_provider: OneProvider = False
    provider: Provider | None = None
    resources: Annotated[dict[Role, Reference], Field(max_length=20)] = Field(default_factory=dict)
    prefer: Annotated[list[Reference], Field(max_length=20)] = Field(default_factory=list)
    appointments: Annotated[list[VisitItemAsk], Field(min_length=1, max_length=20)] | None = None
    ttl_seconds: Annotated[int, Field(strict=True, ge=1, le=86400)] | None = None
    surface: Surface | None = None
    outside_rules: OutsideRules = False

    @model_validator(mode="after")
    def _one_way(self) -> VisitHoldAsk:
        if (self.services is None) == (self.appointments is None) or (self.services is None) != (self.start is None):
            raise ValueError("give services and start, or appointments")
        whole = self.resources or self.provider or self.prefer or self.party > 1 or self.same_provider
        if self.appointments is not None and whole:
            raise ValueError("with appointments, say of each which resources serve it")
        return self


class VisitConfirmAsk(Ask):
    client: ClientAsk
    note: Note | None = None
    surface: Surface | None = None


class VisitRescheduleAsk(Ask):
    start: When
    surface: Surface | None = None
    outside_rules: OutsideRules = False


class VisitCancelAsk(Ask):
    reason: Reason | None = None
    surface: Surface | None = None


class VisitShape(BaseModel):
    """Several appointments of one coming: `appointments` once it is booked, before that `holds`; both by start."""

    id: str
    state: Literal["held", "ended", "booked", "cancelled"]
    revision: int | None
    series: str | None
    number: int | None
    location: str
    time_zone: str
    start: datetime
    end: datetime
    expires_at: datetime | None
    surface: str
    created_at: datetime
    holds: list[HoldShape]
    appointments: list[AppointmentShape]

    @classmethod
    def of(cls, visit: WholeVisit) -> VisitShape:
        """The visit as the API shows it. Its times are those of what of it still stands, if anything does."""
        zone = visit.time_zone
        parts = visit.standing
        return cls(
            id=public_id("visit", visit.id),
            state=visit.state,
            revision=visit.revision,
            series=public_id("series", visit.series_id) if visit.series_id else None,
            number=visit.number,
            location=public_id("location", visit.location_id),
            time_zone=zone,
            start=to_local(min(each.starts_at for each in parts), zone),
            end=to_local(max(each.ends_at for each in parts), zone),
            expires_at=to_local(visit.holds[0].expires_at, zone) if visit.state == "held" else None,
            surface=visit.surface,
            created_at=to_local(visit.created_at, zone),
            holds=[HoldShape.of(hold) for hold in visit.holds],
            appointments=[AppointmentShape.of(each) for each in visit.appointments],
        )
