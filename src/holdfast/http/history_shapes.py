"""The JSON of an appointment's story."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import BaseModel

from holdfast.ids import public_id
from holdfast.log.events import Event
from holdfast.log.public import EventNames, public_facts, public_subject
from holdfast.wallclock import to_local


class StoryEvent(BaseModel):
    """Something that happened: who did it, on which surface, when."""

    id: str
    type: str
    at: datetime
    subject: str
    actor: str
    surface: str
    data: dict[str, Any]


class Story(BaseModel):
    """What happened to an appointment, from the first hold to now, in order."""

    time_zone: str
    items: list[StoryEvent]

    @classmethod
    def of(cls, events: list[Event], names: EventNames, organization_id: UUID, zone: str) -> Story:
        """The events as the API shows them, on the location's clock."""
        return cls(
            time_zone=zone,
            items=[
                StoryEvent(
                    id=names.event(organization_id, event.id, event.epoch),
                    type=event.type,
                    at=to_local(event.at, zone),
                    subject=_subject(event),
                    actor=event.actor,
                    surface=event.surface,
                    data=public_facts(event.facts.model_dump(mode="json")),
                )
                for event in events
            ],
        )


def _subject(event: Event) -> str:
    # the claims of a visit are told under its hold
    if event.type.startswith("claim."):
        return public_id("hold", event.subject_id)
    return public_subject(event.type, event.subject_id)
