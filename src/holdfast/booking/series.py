"""Series: visits on many days that are proposed, held, confirmed, moved and called off as a whole.

"Every four weeks, six times, Tuesdays after 15:00." A series is proposed by the search (``availability.series``), held
like one visit with more appointments, and reported as a whole when any part of it cannot be had. Every function takes
the open Transaction of its caller.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time
from itertools import pairwise
from typing import Any, Final, Literal
from uuid import UUID

from holdfast import wallclock
from holdfast.availability.recurrence import Recurrence
from holdfast.availability.series import Occurrence, exact_wishes, propose, wishes_of
from holdfast.availability.snapshot import current_catalog
from holdfast.booking.model import Appointment, ClientDetails, Cursor, Hold, Visitor
from holdfast.booking.service import NOBODY, QUERIES, client_as_json
from holdfast.booking.visits import (
    ATTEMPTS,
    Item,
    VisitAsked,
    WholeVisit,
    asked_again,
    check_preferred,
    item_as_json,
    items_of_slot,
    shifted_items,
)
from holdfast.db.transact import Transaction
from holdfast.errors import Invalid, NotBookable, NotFound, SeriesUnavailable, SlotTaken, said

SeriesState = Literal["held", "ended", "booked", "cancelled"]
_ORDER: Final[tuple[SeriesState, ...]] = ("held", "booked", "cancelled", "ended")


@dataclass(frozen=True, slots=True)
class SeriesAsked:
    """``visit`` is what each of them is (its start is not looked at), ``rule`` says on which days.

    ``part_of_day`` are local times between which each begins. ``starts``, where given, are the very starts to hold
    instead of those the rule would find.
    """

    visit: VisitAsked
    rule: Recurrence
    part_of_day: tuple[time, time] | None = None
    starts: tuple[datetime, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """What is kept of it: enough to ask again, by ids."""
        visit, rule = self.visit, self.rule
        return {
            "services": [str(id) for id in visit.services],
            "party": visit.party,
            "resources": {role: str(id) for role, id in visit.resources.items()},
            "provider": visit.provider and str(visit.provider),
            "prefer": [str(id) for id in visit.prefer],
            "max_wait_minutes": visit.max_wait_minutes,
            "same_provider": visit.same_provider,
            "every_weeks": rule.every_weeks,
            "every_days": rule.every_days,
            "weekdays": sorted(rule.weekdays),
            "at": rule.at and rule.at.isoformat(),
            "part_of_day": self.part_of_day and [each.isoformat() for each in self.part_of_day],
        }


@dataclass(frozen=True, slots=True)
class Change:
    """How a series is to be from now on; what is None stays as it was, ``first`` the day of the next visit."""

    first: date | None = None
    every_weeks: int | None = None
    every_days: int | None = None
    weekdays: frozenset[int] | None = None
    at: time | None = None
    part_of_day: tuple[time, time] | None = None
    starts: tuple[datetime, ...] = ()


@dataclass(frozen=True, slots=True)
class WholeSeries:
    """A series as it stands, with its ``visits`` by number. ``asked`` is what ``SeriesAsked`` keeps of itself.

    ``revision`` is the sum of the appointments' revisions, None while it is only held.
    """

    id: UUID
    location_id: UUID
    time_zone: str
    asked: Mapping[str, Any]
    days_min: int | None
    days_max: int | None
    surface: str
    created_at: datetime
    visits: tuple[WholeVisit, ...] = ()

    @property
    def revision(self) -> int | None:
        return sum(visit.revision or 0 for visit in self.visits) or None

    @property
    def state(self) -> SeriesState:
        """``held``; ``booked`` while anything of it stands; else ``cancelled``, or ``ended`` before it was booked."""
        return min((visit.state for visit in self.visits), key=_ORDER.index, default="ended")


async def propose_series(tx: Transaction, asked: SeriesAsked) -> list[Occurrence]:
    """The starts of the whole series, each a real slot; where there is none, what is nearest instead.

    Raises Invalid for a rule that breaks its own spacing, NotBookable for what is not offered there.
    """
    return await _proposed(tx, asked, ())


async def place_series(
    tx: Transaction, asked: SeriesAsked, *, ttl_seconds: int | None = None, visitor: Visitor = NOBODY
) -> WholeSeries:
    """Hold every visit of the series, or none. In the quota, each of its visits counts.

    Raises SeriesUnavailable (``occurrences``: each that cannot be had, and what could be instead), TooManyHolds,
    NotBookable, Invalid.
    """
    for attempt in range(1, ATTEMPTS + 1):
        occurrences = await _had(tx, asked, ())
        try:
            async with tx.attempt():
                return await _place(tx, asked, occurrences, ttl_seconds, visitor)
        except SlotTaken:
            # somebody was faster: propose anew, and report what cannot be had now
            if attempt == ATTEMPTS:
                raise
    raise AssertionError("the last attempt answers or raises")


async def _place(
    tx: Transaction,
    asked: SeriesAsked,
    occurrences: Sequence[Occurrence],
    ttl_seconds: int | None,
    visitor: Visitor,
) -> WholeSeries:
    items = [await _items(tx, asked.visit, each) for each in occurrences]
    holds = await tx.rows(
        Hold,
        QUERIES["place_series"],
        location_id=asked.visit.location_id,
        visits=json.dumps([[item_as_json(item) for item in each] for each in items]),
        asked=json.dumps(asked.as_json()),
        days_min=asked.rule.days_min,
        days_max=asked.rule.days_max,
        max_wait_minutes=asked.visit.max_wait_minutes,
        same_provider=json.dumps(asked.visit.same_provider),
        ttl_seconds=ttl_seconds,
        visitor=visitor.visitor,
        network=visitor.network,
        outside_rules=False,
    )
    assert holds[0].visit_id is not None
    visit = await tx.one(WholeVisit, QUERIES["visit_by_id"], visit_id=holds[0].visit_id, visitor=None)
    assert visit is not None
    assert visit.series_id is not None
    return await get_series(tx, visit.series_id)


async def _items(tx: Transaction, visit: VisitAsked, occurrence: Occurrence) -> list[Item]:
    assert occurrence.slot is not None
    return await items_of_slot(tx, replace(visit, start=occurrence.slot.start), occurrence.slot)


async def _proposed(tx: Transaction, asked: SeriesAsked, without_holds: Collection[UUID]) -> list[Occurrence]:
    await check_preferred(tx, asked.visit)
    catalog = await current_catalog(tx)
    location = catalog.locations.get(str(asked.visit.location_id))
    if location is None:
        raise NotBookable("There is no such location.", reason="unknown_location")
    if asked.starts and len(asked.starts) != asked.rule.count:
        raise Invalid(
            said(
                "count is {count}, and starts has {starts}: leave starts out, or name as many.",
                count=asked.rule.count,
                starts=len(asked.starts),
            ),
            field="starts",
            errors=[
                {"pointer": f"/{name}", "in": "body", "detail": f"says {number} visits"}
                for name, number in (("count", asked.rule.count), ("starts", len(asked.starts)))
            ],
        )
    wishes = exact_wishes(asked.starts, location.zone) if asked.starts else wishes_of(asked.rule, location.zone)
    if any(not asked.rule.may_follow(one.day, after.day) for one, after in pairwise(wishes)):
        raise NotBookable("These starts are closer together, or further apart, than was asked for.", reason="spacing")
    request = replace(asked.visit.request(), part_of_day=asked.part_of_day)
    try:
        return await propose(tx, request, asked.rule, wishes, location.zone, without_holds=without_holds)
    except NotFound as missing:
        raise NotBookable(missing.detail, reason="not_offered_here") from None


async def _had(tx: Transaction, asked: SeriesAsked, without_holds: Collection[UUID]) -> list[Occurrence]:
    """The whole proposal. Raises SeriesUnavailable where a visit of it has no slot."""
    occurrences = await _proposed(tx, asked, without_holds)
    if any(each.slot is None for each in occurrences):
        unavailable = SeriesUnavailable("Some of these visits cannot be had; choose other starts for them.")
        unavailable.occurrences = occurrences
        raise unavailable
    return occurrences


async def get_series(tx: Transaction, series_id: UUID) -> WholeSeries:
    """The series as it stands. Raises NotFound."""
    found = await tx.one(WholeSeries, QUERIES["series_by_id"], series_id=series_id)
    if found is None:
        raise NotFound("There is no such series.")
    return (await _with_visits(tx, [found]))[0]


async def list_series(
    tx: Transaction, *, limit: int, client_id: UUID | None = None, after: Cursor | None = None
) -> list[WholeSeries]:
    """Up to ``limit`` series, the latest first, after the cursor."""
    found = await tx.rows(
        WholeSeries,
        QUERIES["series"],
        client_id=client_id,
        limit=limit,
        after_at=after and after.at,
        after_id=after and after.id,
    )
    return await _with_visits(tx, found)


async def _with_visits(tx: Transaction, found: Sequence[WholeSeries]) -> list[WholeSeries]:
    ids = [each.id for each in found]
    visits = await tx.rows(WholeVisit, QUERIES["visits_of_series"], series_ids=ids)
    holds = await tx.rows(Hold, QUERIES["holds_of_series"], series_ids=ids)
    appointments = await tx.rows(Appointment, QUERIES["appointments_of_series"], series_ids=ids)
    whole = [
        replace(
            visit,
            appointments=(booked := tuple(each for each in appointments if each.visit_id == visit.id)),
            holds=() if booked else tuple(each for each in holds if each.visit_id == visit.id),
        )
        for visit in visits
    ]
    return [replace(each, visits=tuple(visit for visit in whole if visit.series_id == each.id)) for each in found]


async def confirm_series(
    tx: Transaction, series_id: UUID, client: ClientDetails, *, note: str | None = None
) -> WholeSeries:
    """Turn a held series into its appointments, all or none (I12). Raises HoldExpired, HoldNotLive, NotFound."""
    return await _changed(tx, "confirm_series", series_id, client=client_as_json(client), note=note)


async def extend_series(tx: Transaction, series_id: UUID, *, ttl_seconds: int | None = None) -> WholeSeries:
    """A fresh term for all of it. Raises HoldExpired, HoldNotLive, ExtensionRefused, NotFound."""
    return await _changed(tx, "extend_series", series_id, ttl_seconds=ttl_seconds)


async def release_series(tx: Transaction, series_id: UUID) -> WholeSeries:
    """Give it back; one that has ended already is returned as it is. Raises HoldNotLive once confirmed, NotFound."""
    return await _changed(tx, "release_series", series_id)


async def cancel_series(
    tx: Transaction, series_id: UUID, *, revision: int | None = None, reason: str | None = None
) -> WholeSeries:
    """Cancel every appointment still to come. Raises RevisionMismatch, StateRefused, NotFound."""
    return await _changed(tx, "cancel_series", series_id, revision=revision, reason=reason)


async def reschedule_series(
    tx: Transaction, series_id: UUID, change: Change, *, revision: int | None = None
) -> WholeSeries:
    """Move every visit that is still to come, as the changed rule proposes, or to ``starts``; all of them, or none.

    Raises SeriesUnavailable, RevisionMismatch, StateRefused when nothing is to come, NotFound, Invalid.
    """
    for attempt in range(1, ATTEMPTS + 1):
        series = await get_series(tx, series_id)
        now = tx.scene.began_at
        coming = [(visit, standing) for visit in series.visits if (standing := _still_to_come(visit, now))]
        asked = _changed_ask(series, [standing for _, standing in coming], change)
        moves: list[dict[str, Any]] = []
        if coming:
            given_up = [each.hold_id for _, standing in coming for each in standing]
            occurrences = await _had(tx, asked, given_up)
            for (visit, standing), occurrence in zip(coming, occurrences, strict=True):
                moves += await _moves(tx, asked.visit, visit, standing, occurrence)
        try:
            async with tx.attempt():
                return await _changed(
                    tx,
                    "reschedule_series",
                    series_id,
                    revision=revision,
                    moves=json.dumps(moves),
                    asked=json.dumps(asked.as_json()),
                    outside_rules=False,
                )
        except SlotTaken:
            if attempt == ATTEMPTS:
                raise
    raise AssertionError("the last attempt answers or raises")


def _still_to_come(visit: WholeVisit, now: datetime) -> list[Appointment]:
    return [each for each in visit.appointments if each.state == "confirmed" and each.starts_at > now]


async def _moves(
    tx: Transaction, asked: VisitAsked, visit: WholeVisit, standing: Sequence[Appointment], occurrence: Occurrence
) -> list[dict[str, Any]]:
    """Where each appointment of one visit goes; a visit of which a part was cancelled is shifted as it is."""
    assert occurrence.slot is not None
    again = asked_again(visit, standing, occurrence.slot.start)
    if again is not None and (again.services, again.party) == (asked.services, asked.party):
        items = await _items(tx, asked, occurrence)
    else:
        items = await shifted_items(tx, visit, standing, occurrence.slot.start)
    pairs = zip(standing, items, strict=True)
    return [{"appointment_id": str(each.id)} | item_as_json(item) for each, item in pairs]


def _changed_ask(series: WholeSeries, coming: Sequence[Sequence[Appointment]], change: Change) -> SeriesAsked:
    """What is asked for from now on. Raises Invalid."""
    if change.starts and len(change.starts) != len(coming):
        raise Invalid(said("{count} visits are still to come: give as many starts.", count=len(coming)), field="starts")
    kept = series.asked
    first = min((standing[0].starts_at for standing in coming), default=series.created_at)
    every_days = change.every_days or (None if change.every_weeks else kept["every_days"])
    weekdays = kept["weekdays"] if change.weekdays is None else change.weekdays
    part_of_day = change.part_of_day or (kept["part_of_day"] and _times(kept["part_of_day"]))
    visit = VisitAsked(
        series.location_id,
        tuple(UUID(id) for id in kept["services"]),
        first,
        party=kept["party"],
        max_wait_minutes=kept["max_wait_minutes"],
        same_provider=kept["same_provider"],
        resources={role: UUID(id) for role, id in kept["resources"].items()},
        provider=UUID(kept["provider"]) if kept.get("provider") else None,
        prefer=tuple(UUID(id) for id in kept["prefer"]),
    )
    rule = Recurrence(
        first=change.first or wallclock.local_date(first, series.time_zone),
        count=len(coming) or 1,
        every_weeks=None if every_days else change.every_weeks or kept["every_weeks"],
        every_days=every_days,
        weekdays=frozenset() if every_days else frozenset(weekdays),
        at=change.at or (None if change.part_of_day or not kept["at"] else time.fromisoformat(kept["at"])),
        days_min=series.days_min,
        days_max=series.days_max,
    )
    return SeriesAsked(visit, rule, part_of_day, change.starts)


def _times(kept: Sequence[str]) -> tuple[time, time]:
    low, high = kept
    return time.fromisoformat(low), time.fromisoformat(high)


async def _changed(tx: Transaction, query: str, series_id: UUID, **parameters: Any) -> WholeSeries:
    await tx.run(QUERIES[query], series_id=series_id, **parameters)
    return await get_series(tx, series_id)
