"""What a change of the catalog would do, in words: the visits that it touches, and what forbids it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Final

from holdfast.availability.standing import SENTENCES
from holdfast.booking.affected import AffectedAppointment, Preview, affected_by
from holdfast.booking.model import Appointment
from holdfast.catalog.document import Change, FieldChange
from holdfast.catalog.transfer import make_changes
from holdfast.db.transact import Transaction
from holdfast.errors import Sentence, said
from holdfast.web.languages import Language

SHOWN_MAX: Final = 100
# The fields of the catalog's file, as people say them.
FIELDS: Final = {
    "name": said("Name"),
    "time_zone": said("Time zone"),
    "address": said("Address"),
    "holidays": said("Public holidays"),
    "hours": said("Hours"),
    "breaks": said("Breaks"),
    "closures": said("Closures"),
    "extra": said("Open as well"),
    "time_off": said("Time off"),
    "kind": said("Kind"),
    "locations": said("Locations"),
    "capacity": said("How many at once"),
    "visits_per_day": said("Visits a day, at most"),
    "has": said("Has"),
    "members": said("Members"),
    "requires": said("Requires"),
    "category": said("Category"),
    "duration": said("Length in minutes"),
    "price": said("Price"),
    "grid": said("Starts every … minutes"),
    "off_grid_after_claims": said("Also right after another visit"),
}


@dataclass(frozen=True, slots=True)
class Told:
    """A visit, and what would become of it."""

    visit: Appointment
    sentences: list[str]


@dataclass(frozen=True, slots=True)
class Outlook:
    """``visits`` are the first of ``count``. Nothing can be done while anything is ``in_the_way`` (by kind)."""

    visits: list[Told]
    count: int
    in_the_way: dict[str, int]


async def look_ahead(tx: Transaction, changes: list[Change], language: Language) -> Outlook:
    """Try the changes, see what they touch, and take them back. Raises what making them raises."""
    preview: Preview = await affected_by(tx, lambda tx: make_changes(tx, changes))
    conflicts = preview.refusal.facts["conflicts"] if preview.refusal else []
    in_the_way = dict(Counter(each["kind"] for each in conflicts))
    return Outlook(tell_affected(preview.affected, language), len(preview.affected), in_the_way)


def tell_affected(affected: list[AffectedAppointment], language: Language) -> list[Told]:
    """The first of the visits that a change touches, each with what it does to it in words."""
    return [Told(each.appointment, _sentences(language, each)) for each in affected[:SHOWN_MAX]]


def field_changes(change: Change, language: Language) -> list[FieldChange]:
    """What differs, field by field, in the words of the page. What somebody named stays as they wrote it."""

    def words(text: str | None) -> str | None:
        return language.said(text) if isinstance(text, Sentence) else text

    return [
        FieldChange(
            words(FIELDS.get(each.name, each.name)) or "", words(each.old), words(each.new)
        ) for each in change.field_changes
    ]  # fmt: skip


def _sentences(language: Language, affected: AffectedAppointment) -> list[str]:
    """The effects in the language of the page, times on the clock of the visit's location."""
    visit = affected.appointment
    names = {claim["resource_id"]: claim["resource_name"] for claim in visit.claims}
    told = []
    for effect in affected.effects:
        start, end = (at and language.time(at, effect.zone or visit.time_zone) for at in (effect.start, effect.end))
        values = {"role": effect.role, "start": start, "end": end, "count": effect.count, "limit": effect.limit}
        name = names.get(effect.resource or "", "")
        told.append(language.gettext(SENTENCES[effect.reason]).format(resource=name, **values))
    return list(dict.fromkeys(told))
