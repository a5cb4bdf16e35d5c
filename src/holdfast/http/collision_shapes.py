"""The JSON of collisions."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from holdfast.booking.model import Collision
from holdfast.http.shapes import Ask, Page, Reason, Surface
from holdfast.ids import public_id


class CollisionShape(BaseModel):
    """An outside event (`busy`, from the calendar `source`) and what stands in its time. Times are in UTC."""

    id: str
    resource: str
    busy: str
    source: str
    other_kind: Literal["appointment", "hold", "block", "busy"]
    other: str
    start: datetime
    end: datetime
    found_at: datetime
    resolved_at: datetime | None
    resolved_by: str | None
    resolution: str | None

    @classmethod
    def of(cls, collision: Collision) -> CollisionShape:
        """The collision as the API shows it."""
        return cls(
            id=public_id("collision", collision.id),
            resource=public_id("resource", collision.resource_id),
            busy=public_id("busy", collision.busy_id),
            source=collision.source,
            other_kind=collision.other_kind,  # type: ignore[arg-type]  # the record's CHECK says the same
            other=public_id(collision.other_kind, collision.other_id),
            start=collision.starts_at,
            end=collision.ends_at,
            found_at=collision.found_at,
            resolved_at=collision.resolved_at,
            resolved_by=collision.resolved_by,
            resolution=collision.resolution,
        )


class CollisionList(Page):
    items: list[CollisionShape]


class ResolveAsk(Ask):
    model_config = ConfigDict(json_schema_extra={"examples": [{"resolution": "Called the client, moved to 3 PM."}]})
    resolution: Annotated[Reason, Field(min_length=1, description="What was decided.")]
    surface: Surface | None = None
