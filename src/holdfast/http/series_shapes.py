"""The JSON of series: what is asked for, what is proposed, what is held."""

from __future__ import annotations

from datetime import date, datetime, time
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from holdfast.availability.series import Occurrence
from holdfast.booking.series import WholeSeries
from holdfast.http.shapes import Ask, Day, Page, Reference, Role, Surface, When
from holdfast.http.slot_shapes import SlotShape
from holdfast.http.visit_shapes import OneProvider, Provider, Services, VisitShape
from holdfast.ids import public_id
from holdfast.wallclock import to_local

Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
WEEKDAYS: Final[tuple[Weekday, ...]] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

WallTime = Annotated[str, StringConstraints(pattern=r"^([01]\d|2[0-3]):[0-5]\d$"), Field(examples=["15:00"])]
PartOfDay = Annotated[
    str,
    StringConstraints(max_length=11),
    Field(description="`morning`, `afternoon`, `evening`, or two times as in `15:00-18:30`."),
]
Every = Annotated[int, Field(strict=True, ge=1, le=366)]
Apart = Annotated[int, Field(strict=True, ge=1, le=1096, description="Local days between two visits.")]
Starts = Annotated[
    list[When],
    Field(min_length=1, max_length=52, description="These very starts, instead of what the rule would find."),
]


class RuleAsk(Ask):
    """On which days, and when on each: on the wall clock of the location."""

    first: Day | None = Field(None, description="The first day; weeks are counted from its week.")
    every_weeks: Every | None = None
    every_days: Every | None = None
    weekdays: Annotated[list[Weekday], Field(max_length=7)] | None = None
    at: WallTime | None = Field(None, description="As near to this time of day as the day allows.")
    part_of_day: PartOfDay | None = None


class SeriesAsk(Ask):
    """One visit again and again: services as in `POST /v1/visits`, and on which days."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "location": "austin",
                    "services": ["laser"],
                    "rule": {
                        "first": "2027-03-02",
                        "every_weeks": 4,
                        "weekdays": ["tue"],
                        "part_of_day": "15:00-19:00",
                    },
                    "count": 6,
                    "days_min": 21,
                    "days_max": 42,
                }
            ]
        }
    )
    location: Reference
    services: Services
    rule: RuleAsk
    count: Annotated[int, Field(strict=True, ge=1, le=52)]
    days_min: Apart | None = None
    days_max: Apart | None = None
    party: Annotated[int, Field(strict=True, ge=1, le=20)] = 1
    max_wait_minutes: Annotated[int, Field(strict=True, ge=0, le=1440)] = 0
    same_provider: OneProvider = False
    provider: Provider | None = None
    resources: Annotated[dict[Role, Reference], Field(max_length=20)] = Field(default_factory=dict)
    prefer: Annotated[list[Reference], Field(max_length=20)] = Field(default_factory=list)
    surface: Surface | None = None

    @model_validator(mode="after")
    def _one_rule(self) -> SeriesAsk:
        if self.rule.first is None or (self.rule.every_weeks is None) == (self.rule.every_days is None):
            raise ValueError("rule has first, and either every_weeks or every_days")
        return self


class SeriesHoldAsk(SeriesAsk):
    starts: Starts | None = None
    ttl_seconds: Annotated[int, Field(strict=True, ge=1, le=86400)] | None = None


class SeriesRescheduleAsk(Ask):
    """What of the rule is different from now on; or the `starts` of all visits that are still to come."""

    rule: RuleAsk | None = None
    starts: Starts | None = None
    surface: Surface | None = None


class OccurrenceShape(BaseModel):
    """One visit of a series: its `slot`; or none, and what is nearest to `wanted` `instead`."""

    number: int
    day: date
    wanted: datetime
    slot: SlotShape | None
    instead: list[SlotShape]

    @classmethod
    def of(cls, occurrence: Occurrence, location_id: str, zone: str) -> OccurrenceShape:
        """The occurrence on the clock of that zone."""
        return cls(
            number=occurrence.number,
            day=occurrence.day,
            wanted=to_local(occurrence.wanted_at, zone),
            slot=SlotShape.of(location_id, occurrence.slot, zone) if occurrence.slot else None,
            instead=[SlotShape.of(location_id, slot, zone) for slot in occurrence.instead],
        )


class ProposalShape(BaseModel):
    """A series as a whole. `complete`: every visit has a slot, so that it can be held as it stands."""

    complete: bool
    occurrences: list[OccurrenceShape]
    as_of: datetime
    time_zone: str


class RuleShape(BaseModel):
    """By what a series is moved as one."""

    every_weeks: int | None
    every_days: int | None
    weekdays: list[Weekday]
    at: str | None
    part_of_day: str | None

    @classmethod
    def of(cls, kept: Any) -> RuleShape:
        """The rule as the record keeps it."""
        return cls(
            every_weeks=kept["every_weeks"],
            every_days=kept["every_days"],
            weekdays=[WEEKDAYS[day] for day in kept["weekdays"]],
            at=kept["at"] and kept["at"][:5],
            part_of_day=kept["part_of_day"] and "-".join(each[:5] for each in kept["part_of_day"]),
        )


class SeriesShape(BaseModel):
    id: str
    state: Literal["held", "ended", "booked", "cancelled"]
    revision: int | None
    location: str
    time_zone: str
    rule: RuleShape
    days_min: int | None
    days_max: int | None
    expires_at: datetime | None
    surface: str
    created_at: datetime
    visits: list[VisitShape]

    @classmethod
    def of(cls, series: WholeSeries) -> SeriesShape:
        """The series as the API shows it."""
        zone = series.time_zone
        visits = [VisitShape.of(visit) for visit in series.visits]
        return cls(
            id=public_id("series", series.id),
            state=series.state,
            revision=series.revision,
            location=public_id("location", series.location_id),
            time_zone=zone,
            rule=RuleShape.of(series.asked),
            days_min=series.days_min,
            days_max=series.days_max,
            expires_at=next((visit.expires_at for visit in visits if visit.expires_at), None),
            surface=series.surface,
            created_at=to_local(series.created_at, zone),
            visits=visits,
        )


class SeriesList(Page):
    items: list[SeriesShape]


def weekday_numbers(weekdays: list[Weekday]) -> frozenset[int]:
    """Monday is 0."""
    return frozenset(WEEKDAYS.index(day) for day in weekdays)


def wall_time(text: str | None) -> time | None:
    """The time of day that a request writes."""
    return time.fromisoformat(text) if text else None
