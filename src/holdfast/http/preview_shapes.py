"""The JSON of what a change of the catalog would do."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Final, Literal
from uuid import UUID

from pydantic import BaseModel, Field

from holdfast.availability.standing import Effect
from holdfast.booking.affected import AffectedAppointment, Preview
from holdfast.catalog.document import Change
from holdfast.catalog.transfer import Plan
from holdfast.catalog.yaml_nodes import Remark
from holdfast.http.shapes import Ask
from holdfast.ids import public_id

FILE_LENGTH_MAX: Final = 60_000


class PreviewAsk(Ask):
    """A catalog file as `holdfast catalog export` writes it, edited."""

    file: Annotated[str, Field(min_length=1, max_length=FILE_LENGTH_MAX, description="The whole file, as YAML text.")]
    retire_missing: Annotated[
        bool, Field(description="What the file lacks goes out of service; otherwise it stays.")
    ] = False


class FieldShape(BaseModel):
    """A field before and after, in the words of the file."""

    name: str
    old: str | None
    new: str | None


class ChangeShape(BaseModel):
    """One thing that would differ."""

    action: Literal["add", "change", "retire"]
    kind: str
    slug: str
    fields: list[FieldShape]

    @classmethod
    def of(cls, change: Change) -> ChangeShape:
        """The change as the API shows it."""
        fields = [FieldShape(name=each.name, old=each.old, new=each.new) for each in change.field_changes]
        return cls(action=change.action, kind=change.kind, slug=change.slug, fields=fields)


class EffectShape(BaseModel):
    """What the change does to a visit; `start` and `end` are where the rules would have it, in UTC."""

    reason: str
    role: str | None
    resource: str | None
    start: datetime | None
    end: datetime | None

    @classmethod
    def of(cls, effect: Effect) -> EffectShape:
        """The effect as the API shows it."""
        resource = public_id("resource", UUID(effect.resource)) if effect.resource else None
        return cls(reason=effect.reason, role=effect.role, resource=resource, start=effect.start, end=effect.end)


class AffectedShape(BaseModel):
    """A booked visit that would no longer be as the rules say. It stays as booked. Times are in UTC."""

    appointment: str
    service: str
    location: str
    start: datetime
    end: datetime
    time_zone: str
    effects: list[EffectShape]
    sentences: Annotated[list[str], Field(description="The effects in words, on the location's clock.")]

    @classmethod
    def of(cls, affected: AffectedAppointment) -> AffectedShape:
        """The visit as the API shows it."""
        visit = affected.appointment
        return cls(
            appointment=public_id("appointment", visit.id),
            service=public_id("service", visit.service_id),
            location=public_id("location", visit.location_id),
            start=visit.starts_at,
            end=visit.ends_at,
            time_zone=visit.time_zone,
            effects=[EffectShape.of(each) for each in affected.effects],
            sentences=affected.sentences,
        )


class WarningShape(BaseModel):
    """What can be imported but is likely not meant; `line` counts from 1."""

    line: int
    message: str


class PreviewShape(BaseModel):
    """What bringing the file into force would do. `possible` is false while bookings stand in its way."""

    possible: bool
    changes: list[ChangeShape]
    left: Annotated[list[ChangeShape], Field(description="In service, not in the file, and staying.")]
    warnings: list[WarningShape]
    affected: list[AffectedShape]

    @classmethod
    def of(cls, plan: Plan, warnings: Sequence[Remark], preview: Preview) -> PreviewShape:
        """The preview as the API shows it."""
        return cls(
            possible=preview.refusal is None,
            changes=[ChangeShape.of(each) for each in plan.changes],
            left=[ChangeShape.of(each) for each in plan.left],
            warnings=[WarningShape(line=each.line, message=each.message) for each in warnings],
            affected=[AffectedShape.of(each) for each in preview.affected],
        )
