"""Visits of several appointments: services in sequence, a party, or both, held and changed as one.

A visit is asked for in one of two ways. ``VisitAsked``: services and a start, as the search takes them; who
serves and when each service begins is arranged here, by the search itself. ``VisitItems``: each appointment by itself,
its service, start and resources, as a person put them together. Every function takes the Transaction of its caller.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import groupby, pairwise
from typing import Any, Final, Literal
from uuid import UUID

from holdfast.availability.model import Request, SameProvider, Slot
from holdfast.availability.permit import Choices, Day, Wanted, choices_as_json, local_day, permit
from holdfast.availability.service import WantedVisit, arrange
from holdfast.availability.snapshot import current_catalog
from holdfast.availability.together import WantedPart, WantedTogether
from holdfast.booking.model import Appointment, ClientDetails, HeldBefore, Hold, Visitor
from holdfast.booking.service import NOBODY, QUERIES, client_as_json, telling
from holdfast.db.transact import Transaction
from holdfast.errors import Invalid, NotBookable, NotFound, SlotTaken

ATTEMPTS: Final = 3
"""How often a visit is arranged anew when somebody else wins a part of it meanwhile."""
LONGEST: Final = timedelta(hours=24)
LEFT_SECONDS: Final = 20
GONE: Final = frozenset({"released", "expired", "cancelled", "no_show"})

VisitState = Literal["held", "ended", "booked", "cancelled"]


@dataclass(frozen=True, slots=True)
class VisitAsked:
    """Services one after the other, each at most ``max_wait_minutes`` after the one before; ``party`` of each at once.

    ``same_provider``: one provider for all of them, or ``"prefer"`` for one where that can be had. ``resources`` names
    who or what must serve a role, in the services whose pool for it has them; ``provider`` must serve in each service
    that has a role for them; ``prefer`` only prefers. ``outside_rules``: a person decided that opening hours and the
    like do not count this time; then the services follow without a wait, and whoever is free serves.
    """

    location_id: UUID
    services: tuple[UUID, ...]
    start: datetime
    party: int = 1
    max_wait_minutes: int = 0
    same_provider: SameProvider = False
    resources: Mapping[str, UUID] = field(default_factory=dict)
    provider: UUID | None = None
    prefer: tuple[UUID, ...] = ()
    outside_rules: bool = False

    def request(self) -> Request:
        """The question as the search takes it."""
        return Request(
            location=str(self.location_id),
            services=tuple(str(service) for service in self.services),
            start=self.start,
            until=self.start,
            max_wait_minutes=self.max_wait_minutes,
            same_provider=self.same_provider,
            party=self.party,
            resources={role: str(id) for role, id in self.resources.items()},
            provider=str(self.provider) if self.provider else None,
            prefer=tuple(str(id) for id in self.prefer),
        )


@dataclass(frozen=True, slots=True)
class Item:
    """One appointment of a visit; ``choices`` as in ``booking.model.Visit``, ``day``: see ``local_day``."""

    service_id: UUID
    start: datetime
    choices: Choices = field(default_factory=dict)
    day: Day | None = None


@dataclass(frozen=True, slots=True)
class VisitItems:
    """A visit whose appointments were put together by hand. Only its first start has to lie on the grid."""

    location_id: UUID
    items: tuple[Item, ...]
    outside_rules: bool = False


@dataclass(frozen=True, slots=True)
class WholeVisit:
    """A visit as it stands: its ``appointments`` once it is booked, before that its ``holds``; both by start.

    ``revision`` is the sum of the appointments' revisions, None while it is only held; ``number`` is its place in its
    series.
    """

    id: UUID
    location_id: UUID
    time_zone: str
    max_wait_minutes: int
    same_provider: SameProvider
    surface: str
    created_at: datetime
    series_id: UUID | None = None
    number: int | None = None
    holds: tuple[Hold, ...] = ()
    appointments: tuple[Appointment, ...] = ()

    @property
    def revision(self) -> int | None:
        return sum(each.revision for each in self.appointments) or None

    @property
    def state(self) -> VisitState:
        """``held``, ``booked`` while an appointment stands, ``cancelled``, or ``ended`` before it was booked."""
        if self.appointments:
            return "booked" if any(each.state not in GONE for each in self.appointments) else "cancelled"
        return "held" if any(each.state == "live" for each in self.holds) else "ended"

    @property
    def standing(self) -> Sequence[Hold | Appointment]:
        """What of it is still there, by start; all that ever was where nothing is."""
        parts: Sequence[Hold | Appointment] = self.appointments or self.holds
        return [each for each in parts if each.state not in GONE] or parts


async def place_visit(
    tx: Transaction,
    asked: VisitAsked | VisitItems,
    *,
    ttl_seconds: int | None = None,
    visitor: Visitor = NOBODY,
) -> WholeVisit:
    """Hold everything that every appointment of the visit needs, or nothing. Counts as one in the quota.

    Raises SlotTaken (``roles`` lost; ``wanted``, for alternatives of the whole visit), NotBookable, TooManyHolds,
    Invalid.
    """
    if isinstance(asked, VisitAsked) and not asked.outside_rules:
        with telling(WantedVisit(asked.request(), asked.start)):
            return await _place_arranged(tx, asked, ttl_seconds, visitor)
    by_hand = asked if isinstance(asked, VisitItems) else await in_a_row(tx, asked)
    with telling(wanted_together(by_hand)):
        return await _place(tx, asked, await _permitted(tx, by_hand), ttl_seconds, visitor)


def wanted_together(visit: VisitItems, *, without_holds: Collection[UUID] = ()) -> WantedTogether | None:
    """What was put together by hand, for finding it another start; None of nothing."""
    parts = tuple(WantedPart(each.service_id, each.start, each.choices) for each in visit.items)
    return WantedTogether(visit.location_id, parts, tuple(without_holds)) if parts else None


def wanted_of(
    visit: WholeVisit,
    standing: Sequence[Hold | Appointment],
    start: datetime,
    *,
    without_holds: Collection[UUID] = (),
) -> WantedVisit | WantedTogether:
    """What stands of a visit, wanted at ``start``: by what was asked for, or as it is where it is not of one piece."""
    asked = asked_again(visit, standing, start)
    if asked is not None:
        return WantedVisit(asked.request(), start, tuple(without_holds))
    by = start - standing[0].starts_at
    return WantedTogether(
        visit.location_id,
        tuple(WantedPart(each.service_id, each.starts_at + by) for each in standing),
        tuple(without_holds),
    )


async def _place_arranged(tx: Transaction, asked: VisitAsked, ttl_seconds: int | None, visitor: Visitor) -> WholeVisit:
    """Arrange and take; whoever loses a part to somebody else arranges what is left."""
    for attempt in range(1, ATTEMPTS + 1):
        items = await arranged_items(tx, asked)
        try:
            async with tx.attempt():
                return await _place(tx, asked, items, ttl_seconds, visitor)
        except SlotTaken:
            if attempt == ATTEMPTS:
                raise
    raise AssertionError("the last attempt answers or raises")


async def arranged_items(tx: Transaction, asked: VisitAsked, *, without_holds: Collection[UUID] = ()) -> list[Item]:
    """The appointments of the visit, as the search would have them at that start.

    Raises what ``availability.service.arrange`` raises.
    """
    await check_preferred(tx, asked)
    try:
        slot = await arrange(tx, asked.request(), asked.start, without_holds=without_holds)
    except NotFound as missing:
        raise NotBookable(missing.detail, reason="not_offered_here") from None
    return await items_of_slot(tx, asked, slot)


async def check_preferred(tx: Transaction, asked: VisitAsked) -> None:
    """Raises NotBookable where somebody is preferred whom nobody here knows."""
    catalog = await current_catalog(tx)
    if any(str(id) not in catalog.resources for id in asked.prefer):
        raise NotBookable("Nobody and nothing here is called what was preferred.", reason="unknown_reference")


async def items_of_slot(tx: Transaction, asked: VisitAsked, slot: Slot) -> list[Item]:
    """The appointments that a slot of the search stands for, service by service.

    Whom it chose comes first in each role; the rest of the pool stands by, but not for whoever was named, and not for
    the one person who serves throughout. Raises NotBookable.
    """
    catalog = await current_catalog(tx)
    items = []
    for index, part in enumerate(slot.parts):
        service = catalog.service(part.service)
        kept = {pick.role for pick in slot.picks if pick.part == index and pick.resource == slot.with_person}
        fixed = kept.union(asked.resources)
        for person in range(asked.party):
            choices = {
                need.role: _choices(
                    slot, index, need.role, person, need.quantity, need.pool.members, need.role in fixed
                )
                for need in service.requirements
            }
            items.append(Item(UUID(part.service), part.start, choices))
    return await _permitted(tx, VisitItems(asked.location_id, tuple(items)), arranged=True)


def _choices(
    slot: Slot, part: int, role: str, person: int, quantity: int, members: Sequence[str], fixed: bool
) -> list[list[UUID]]:
    """For each unit that one person needs of a role: whom the search chose, then who stands by."""
    picked = [pick.resource for pick in slot.picks if pick.part == part and pick.role == role]
    mine = picked[person * quantity : (person + 1) * quantity]
    standing_by = [] if fixed else list(members)
    return [[UUID(id) for id in dict.fromkeys([chosen, *standing_by])] for chosen in mine]


async def in_a_row(tx: Transaction, asked: VisitAsked) -> VisitItems:
    """The services without a wait between them, nobody chosen."""
    catalog = await current_catalog(tx)
    start, items = asked.start, []
    for service_id in asked.services:
        items += [Item(service_id, start)] * asked.party
        start += timedelta(minutes=catalog.service(str(service_id)).length_minutes)
    return VisitItems(asked.location_id, tuple(items), asked.outside_rules)


async def _permitted(tx: Transaction, visit: VisitItems, *, arranged: bool = False) -> list[Item]:
    """The items with whom the rules permit. The grid is for the first start alone: the others follow from it."""
    if not visit.items:
        raise Invalid("A visit has 1 to 20 appointments.", field="appointments")
    first = min(item.start for item in visit.items)
    if max(item.start for item in visit.items) - first > LONGEST:
        raise Invalid("The appointments of a visit begin within 24 hours; a series is for several days.", field="start")
    if visit.outside_rules:
        return list(visit.items)
    return [
        replace(
            item,
            choices=await permit(
                tx,
                Wanted(item.service_id, visit.location_id, item.start, item.choices),
                arranged=arranged or item.start > first,
                begins=first,
            ),
            day=await local_day(tx, visit.location_id, item.start),
        )
        for item in visit.items
    ]


async def _place(
    tx: Transaction,
    asked: VisitAsked | VisitItems,
    items: Iterable[Item],
    ttl_seconds: int | None,
    visitor: Visitor,
) -> WholeVisit:
    holds = await tx.rows(
        Hold,
        QUERIES["place_visit"],
        location_id=asked.location_id,
        items=json.dumps([item_as_json(item) for item in items]),
        max_wait_minutes=asked.max_wait_minutes if isinstance(asked, VisitAsked) else 0,
        same_provider=json.dumps(isinstance(asked, VisitAsked) and asked.same_provider),
        ttl_seconds=ttl_seconds,
        visitor=visitor.visitor,
        network=visitor.network,
        outside_rules=asked.outside_rules,
    )
    assert holds[0].visit_id is not None
    return replace(await _bare(tx, holds[0].visit_id), holds=tuple(holds))


def item_as_json(item: Item) -> dict[str, Any]:
    """The item as the SQL functions take it."""
    return {
        "service_id": str(item.service_id),
        "start": item.start.isoformat(),
        "choices": choices_as_json(item.choices, item.day),
    }


async def get_visit(tx: Transaction, visit_id: UUID, *, visitor: Visitor = NOBODY) -> WholeVisit:
    """The visit as it stands. Raises NotFound, also for somebody else's where ``visitor`` says whose it must be."""
    visit = await _bare(tx, visit_id, visitor)
    appointments = await tx.rows(Appointment, QUERIES["appointments_of_visit"], visit_id=visit_id)
    if appointments:
        return replace(visit, appointments=tuple(appointments))
    return replace(visit, holds=tuple(await tx.rows(Hold, QUERIES["holds_of_visit"], visit_id=visit_id)))


async def confirm_visit(
    tx: Transaction, visit_id: UUID, client: ClientDetails, *, note: str | None = None
) -> WholeVisit:
    """Turn a held visit into its appointments, all or none (I12). Raises HoldExpired, HoldNotLive, NotFound."""
    with telling(HeldBefore(visit_id=visit_id)):
        return await _booked(tx, "confirm_visit", visit_id, client=client_as_json(client), note=note)


async def extend_visit(tx: Transaction, visit_id: UUID, *, ttl_seconds: int | None = None) -> WholeVisit:
    """A fresh term for all of it. Raises HoldExpired, HoldNotLive, ExtensionRefused, NotFound."""
    return await _held(tx, "extend_visit", visit_id, ttl_seconds=ttl_seconds)


async def release_visit(tx: Transaction, visit_id: UUID) -> WholeVisit:
    """Give it back; one that has ended already is returned as it is. Raises HoldNotLive once confirmed, NotFound."""
    return await _held(tx, "release_visit", visit_id)


async def leave_visit(tx: Transaction, visit_id: UUID) -> None:
    """The page was closed, or is being loaded again: all of it lasts LEFT_SECONDS more."""
    await tx.run(QUERIES["leave_visit"], visit_id=visit_id, seconds=LEFT_SECONDS)


async def return_to_visit(tx: Transaction, visit_id: UUID) -> WholeVisit:
    """They are back: all of it has its term again. Raises HoldExpired, HoldNotLive, NotFound."""
    return await _held(tx, "return_to_visit", visit_id)


async def cancel_visit(
    tx: Transaction, visit_id: UUID, *, revision: int | None = None, reason: str | None = None
) -> WholeVisit:
    """Cancel every appointment that has not happened yet. Raises RevisionMismatch, StateRefused, NotFound."""
    return await _booked(tx, "cancel_visit", visit_id, revision=revision, reason=reason)


async def reschedule_visit(
    tx: Transaction, visit_id: UUID, start: datetime, *, revision: int | None = None, outside_rules: bool = False
) -> WholeVisit:
    """Move every appointment that still stands, in one transaction: the visit begins at ``start``, or stays as it was.

    It is arranged anew by what was asked for (the longest wait, one provider); the same people are preferred. A visit
    that is no longer of one piece, as after one person of two has cancelled, is shifted as it is. Raises SlotTaken,
    NotBookable, RevisionMismatch, StateRefused, NotFound.
    """
    visit = await get_visit(tx, visit_id)
    standing = [each for each in visit.appointments if each.state == "confirmed"]
    given_up = tuple(each.hold_id for each in standing)
    asked = asked_again(visit, standing, start)
    with telling(wanted_of(visit, standing, start, without_holds=given_up) if standing else None):
        if asked is None or outside_rules:
            items = await shifted_items(tx, visit, standing, start, outside_rules=outside_rules)
        else:
            items = await arranged_items(tx, asked, without_holds=given_up)
        moves = moves_as_json(standing, items)
        return await _booked(
            tx, "reschedule_visit", visit_id, revision=revision, moves=moves, outside_rules=outside_rules
        )


def moves_as_json(appointments: Sequence[Appointment], items: Sequence[Item]) -> str:
    """Each appointment with where it goes, as the SQL functions take it."""
    pairs = zip(appointments, items, strict=True)
    return json.dumps([{"appointment_id": str(each.id)} | item_as_json(item) for each, item in pairs])


def asked_again(visit: WholeVisit, standing: Sequence[Hold | Appointment], start: datetime) -> VisitAsked | None:
    """What was asked for, at another start; None when what still stands is not a sequence of whole parties."""
    parts = [list(group) for _, group in groupby(standing, key=lambda each: each.starts_at)]
    parties = {len(part) for part in parts}
    in_turn = all(one[0].ends_at <= after[0].starts_at for one, after in pairwise(parts))
    if len(parties) != 1 or not in_turn or any(len({each.service_id for each in part}) > 1 for part in parts):
        return None
    return VisitAsked(
        visit.location_id,
        tuple(part[0].service_id for part in parts),
        start,
        party=parties.pop(),
        max_wait_minutes=visit.max_wait_minutes,
        same_provider=visit.same_provider,
        prefer=tuple({UUID(claim["resource_id"]) for each in standing for claim in each.claims}),
    )


async def shifted_items(
    tx: Transaction,
    visit: WholeVisit,
    standing: Sequence[Appointment],
    start: datetime,
    *,
    outside_rules: bool = False,
) -> list[Item]:
    """What stands of a visit, all of it moved by as much as makes it begin at ``start``. Raises NotBookable."""
    by = start - standing[0].starts_at if standing else timedelta()
    items = tuple(Item(each.service_id, each.starts_at + by) for each in standing)
    return await _permitted(tx, VisitItems(visit.location_id, items, outside_rules)) if items else []


async def _held(tx: Transaction, query: str, visit_id: UUID, **parameters: Any) -> WholeVisit:
    with telling(HeldBefore(visit_id=visit_id)):
        holds = await tx.rows(Hold, QUERIES[query], visit_id=visit_id, **parameters)
    return replace(await _bare(tx, visit_id), holds=tuple(holds))


async def _booked(tx: Transaction, query: str, visit_id: UUID, **parameters: Any) -> WholeVisit:
    appointments = await tx.rows(Appointment, QUERIES[query], visit_id=visit_id, **parameters)
    return replace(await _bare(tx, visit_id), appointments=tuple(appointments))


async def _bare(tx: Transaction, visit_id: UUID, visitor: Visitor = NOBODY) -> WholeVisit:
    visit = await tx.one(WholeVisit, QUERIES["visit_by_id"], visit_id=visit_id, visitor=visitor.visitor)
    if visit is None:
        raise NotFound("There is no such visit.")
    return visit
