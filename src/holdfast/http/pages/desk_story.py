"""The story of a visit in plain words: who did what, when, on which surface."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from holdfast.access import service as access
from holdfast.access.staff import list_staff
from holdfast.db.transact import Transaction
from holdfast.ids import KINDS, public_id
from holdfast.log.events import Event
from holdfast.log.facts import booking
from holdfast.web.languages import Language

# What changed when somebody else was faster: the last event of the visit itself that moved its revision.
_MOVES_REVISION: Final = (
    "appointment.rescheduled", "appointment.checked_in", "appointment.completed", "appointment.cancelled",
    "appointment.no_show", "appointment.note_changed",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Told:
    """One line of a story; ``revision`` where it moved that of the visit."""

    at: datetime
    who: str
    what: str
    surface: str
    type: str
    revision: int | None


@dataclass(frozen=True, slots=True)
class Actors:
    """The names behind the actors of events: ``stf_…``, ``key_…``, ``visitor``, ``system``."""

    names: Mapping[str, str]
    language: Language

    def name(self, actor: str) -> str:
        gettext = self.language.gettext
        if actor in self.names:
            return self.names[actor]
        if actor == "visitor" or actor.startswith((KINDS["offer"], KINDS["client"])):
            return gettext("The client")
        return gettext("Holdfast") if actor == "system" else gettext("Somebody who left")


async def load_actors(tx: Transaction, language: Language) -> Actors:
    """Everybody who could have acted here, and every program that could."""
    names = {public_id("staff", each.id): each.name for each in await list_staff(tx)}
    keys = {public_id("api_key", each.id): each.name for each in await access.list_api_keys(tx)}
    return Actors(names | keys, language)


def tell(events: list[Event], zone: str, actors: Actors) -> list[Told]:
    """The events that a person at the desk wants to know of, in order; times on the clock of the zone."""
    said = [(event, _sentence(event, zone, actors.language)) for event in events]
    return [
        Told(
            event.at,
            actors.name(event.actor),
            what,
            surface_name(event.surface, actors.language),
            event.type,
            getattr(event.facts, "revision", None),
        )
        for event, what in said
        if what
    ]


def last_change(story: list[Told], since_revision: int) -> Told | None:
    """What somebody did to the visit after that revision, the latest of it."""
    later = (
        told
        for told in reversed(story)
        if told.type in _MOVES_REVISION and told.revision and told.revision > since_revision
    )
    return next(later, None)


def surface_name(surface: str, language: Language) -> str:
    """Where something was done: at the desk, on the phone, …"""
    gettext = language.gettext
    names = {
        "desk": gettext("desk"),
        "phone": gettext("phone"),
        "walk_in": gettext("walk-in"),
        "widget": gettext("online"),
        "calendar": gettext("calendar"),
        "platform": gettext("booking platform"),
        "assistant": gettext("assistant"),
        "api": gettext("program"),
        "import": gettext("import"),
    }
    return names.get(surface, "")


def _sentence(event: Event, zone: str, language: Language) -> str:
    gettext, facts = language.gettext, event.facts

    def when(at: datetime) -> str:
        return day_and_time(at, zone, language)

    if isinstance(facts, booking.HoldPlaced):
        # a visit that is booked in one step, or moved, says so itself
        return gettext("held %(when)s") % {"when": when(facts.starts_at)} if facts.state == "live" else ""
    if isinstance(facts, booking.AppointmentBooked):
        words = gettext("booked %(when)s, on top of somebody else") if facts.overbook else gettext("booked %(when)s")
        return words % {"when": when(facts.starts_at)}
    if isinstance(facts, booking.AppointmentRescheduled):
        times = {"before": when(facts.from_starts_at), "after": when(facts.starts_at)}
        return gettext("moved it from %(before)s to %(after)s") % times
    return {
        "hold.extended": gettext("kept the time longer"),
        "claim.promoted": gettext("gave it a place of its own: whoever stood there left"),
        "claim.moved": gettext("gave it another room, device or provider"),
        "appointment.checked_in": gettext("checked the client in"),
        "appointment.completed": gettext("marked it as done"),
        "appointment.cancelled": gettext("cancelled it"),
        "appointment.no_show": gettext("noted that nobody came"),
        "appointment.note_changed": gettext("changed the note"),
        "appointment.link_issued": gettext("made a private link"),
    }.get(event.type, "")


def day_and_time(at: datetime, zone: str, language: Language) -> str:
    """``Tue, Mar 3, 2:00 PM``."""
    return f"{language.short_day_of(at, zone)}, {language.time(at, zone)}"
