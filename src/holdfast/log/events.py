"""The catalogue of events: everything that can happen, as the log tells it and as webhooks will.

An event says who did what to which subject, and when. Its ``data`` depends on ``type`` and ``version``; the classes in
``facts`` are its documentation. Ids are UUIDs, instants are UTC, ranges are half open, and no event holds a client's
name, address or words: those are read by id, so that they can be erased. A published version never changes; a new shape
is a new version.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from pydantic import ValidationError

from holdfast.log.facts import Facts, access, booking, catalog, deliveries, messages, staff, waitlist

SUBJECTS: Final = (booking, access, deliveries, messages, waitlist, staff, catalog)


class UnknownEvent(ValueError):
    """An event of a type or version that this Holdfast does not know, or whose data breaks its shape."""


def _catalogue() -> dict[tuple[str, int], type[Facts]]:
    known = (facts for subject in SUBJECTS for facts in vars(subject).values())
    return {
        (event_type, facts.version): facts
        for facts in known
        if isinstance(facts, type) and issubclass(facts, Facts)
        for event_type in facts.types
    }


CATALOGUE: Final = _catalogue()


@dataclass(frozen=True, slots=True)
class EventRow:
    """A row of the log as it is stored; ``position`` tells a reader where to go on."""

    id: int
    position: str
    at: datetime
    type: str
    version: int
    subject_id: UUID
    actor: str
    surface: str
    data: Mapping[str, Any]
    epoch: int = 0


@dataclass(frozen=True, slots=True)
class Event:
    """A fact: ``subject_id`` names the row it is about, ``facts`` what happened; ``epoch`` is part of its name."""

    id: int
    position: str
    at: datetime
    type: str
    subject_id: UUID
    actor: str
    surface: str
    facts: Facts
    epoch: int = 0


def decode(row: EventRow) -> Event:
    """The event of a stored row. Raises UnknownEvent where the catalogue has no such type, version or shape."""
    facts = CATALOGUE.get((row.type, row.version))
    if facts is None:
        raise UnknownEvent(f"event {row.id} is {row.type!r} version {row.version}, which is not in the catalogue")
    try:
        decoded = facts.model_validate(row.data)
    except ValidationError as error:
        # only where it is wrong: the values may be anybody's
        where = "; ".join(f"{'.'.join(map(str, fault['loc']))}: {fault['type']}" for fault in error.errors())
        raise UnknownEvent(f"event {row.id} ({row.type}) breaks its shape: {where}") from None
    return Event(row.id, row.position, row.at, row.type, row.subject_id, row.actor, row.surface, decoded, row.epoch)
