"""Whom to offer a freed time: pure. The engine says where a visit fits; this says whose, and in which order.

An entry qualifies when one of its services can begin at a concrete start, with provider, room and device, by every rule
of the clinic; when the start is in its windows, after its notice and before the visit it would come earlier than; when
its client is nowhere else then; and when the visit uses what fell free, so that filling it counts.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import islice
from typing import Any, Final
from uuid import UUID

from holdfast import wallclock
from holdfast.availability import bitmap
from holdfast.availability.bitmap import Window
from holdfast.availability.model import Request, Service, Slot, Snapshot
from holdfast.availability.permit import Choices
from holdfast.availability.search import Search, window_of
from holdfast.waitlist.model import Entry, Opening, Policy, TimeWindow, Visits

MINUTE: Final = timedelta(minutes=1)
LOOK_AHEAD: Final = timedelta(days=30)
"""Of a longer opening (a block of months that was removed) the first days are offered."""


@dataclass(frozen=True, slots=True)
class Match:
    """An entry, and the visit it could have now."""

    entry: Entry
    service_id: UUID
    slot: Slot
    why: str

    def choices(self) -> Choices:
        """The resources of the slot, as a command takes them: one for each unit."""
        chosen: dict[str, list[list[UUID]]] = {}
        for pick in self.slot.picks:
            chosen.setdefault(pick.role, []).append([UUID(pick.resource)])
        return chosen


def term_seconds(policy: Policy, now: datetime, start: datetime, notice_minutes: int = 0) -> int:
    """How long an offer of this start stands: a share of the time left until the cut-off, within bounds.

    Never longer than there is time left, until the cut-off or the notice that the client needs; 0: it is too late.
    """
    left = (start - now).total_seconds() - max(policy.cut_off_minutes, notice_minutes) * 60
    share = left * policy.answer_percent / 100
    wanted = min(max(share, policy.offer_minutes_min * 60), policy.offer_minutes_max * 60)
    return max(0, int(min(wanted, left)))


class Matching:
    """One opening against one snapshot, which covers ``window()`` of it for every service in ``services``."""

    def __init__(
        self,
        opening: Opening,
        snapshot: Snapshot,
        policies: Mapping[UUID, Policy],
        visits: Visits,
    ) -> None:
        self._opening = opening
        self._snapshot = snapshot
        self._policies = policies
        self._visits = visits
        self._zone = snapshot.locations[str(opening.location_id)].zone
        self._searches: dict[tuple[UUID, UUID | None], list[tuple[datetime, Search]]] = {}

    def matches(self, entries: Iterable[Entry]) -> Iterator[Match]:
        """Those who can have it, best first; each entry with the first of its services that fits best."""
        wanted = [
            (self._key(entry, service_id), entry, service_id)
            for entry in entries
            if self._may_ask(entry)
            for service_id in entry.service_ids
            if self._may_take(service_id)
        ]
        wanted.sort(key=lambda one: one[0])
        matched: set[UUID] = set()
        for _, entry, service_id in wanted:
            if entry.id not in matched and (slot := self._slot(entry, service_id)) is not None:
                matched.add(entry.id)
                yield Match(entry, service_id, slot, self._why(entry, service_id, slot))

    def alike(self, best: Match, entries: Iterable[Entry], count: int) -> list[Match]:
        """Up to ``count`` others, in line order, who could have the very visit that ``best`` was matched with."""
        start = best.slot.start
        others = (
            entry
            for entry in sorted(entries, key=lambda one: (one.joined_at, one.id))
            if entry.id != best.entry.id
            and entry.client_id != best.entry.client_id
            and best.service_id in entry.service_ids
            and self._may_ask(entry)
            and self._suits(entry, best.service_id, start, best.slot.end)
            and self._may_be_asked_for(entry, best.service_id, best.slot)
            and _has_one_of(best.slot, entry.provider_ids)
        )
        return [replace(best, entry=entry, why="all at once: the first to accept") for entry in islice(others, count)]

    @property
    def mode(self) -> str:
        """The mode of the service whose visit went; where no visit went, first in line."""
        return self._freed_policy.mode if self._freed_policy else "first_in_line"

    @property
    def _freed_policy(self) -> Policy | None:
        return self._policies.get(self._opening.service_id) if self._opening.service_id else None

    def _may_ask(self, entry: Entry) -> bool:
        return (
            self._opening.location_id in entry.location_ids
            and entry.client_id != self._opening.client_id
            and entry.party_size == 1
        )

    def _may_take(self, service_id: UUID) -> bool:
        if str(service_id) not in self._snapshot.services or service_id not in self._policies:
            return False
        if not self._is_partial(service_id):
            return True
        least = self._freed_policy.partial_fit_min_cents if self._freed_policy else None
        return least is not None and self._visits.prices_cents.get(service_id, 0) >= least

    def _is_partial(self, service_id: UUID) -> bool:
        """Whether the service leaves some of the freed visit empty."""
        if self._opening.service_id is None:
            return False
        freed = self._opening.ends_at - self._opening.starts_at
        return self._snapshot.services[str(service_id)].length_minutes * MINUTE < freed

    def _key(self, entry: Entry, service_id: UUID) -> tuple[Any, ...]:
        line = (entry.joined_at, entry.id, entry.service_ids.index(service_id))
        partial = self._is_partial(service_id)
        if self.mode == "best_value":
            # who only comes earlier brings nothing new
            brings = 0 if entry.appointment_id else self._visits.prices_cents.get(service_id, 0)
            return (partial, -brings, *line)
        if self.mode == "priority":
            return (partial, -entry.priority, *line)
        return (partial, *line)

    def _slot(self, entry: Entry, service_id: UUID) -> Slot | None:
        length = self._snapshot.services[str(service_id)].length_minutes * MINUTE
        anyone: Sequence[UUID | None] = [None]
        for provider in entry.provider_ids or anyone:
            for start, search in self._starts(service_id, provider):
                if self._suits(entry, service_id, start, start + length):
                    slot = search.slot(search.masks.window.index(start))
                    if self._uses_what_fell_free(slot) and self._may_be_asked_for(entry, service_id, slot):
                        return slot
        return None

    def _may_be_asked_for(self, entry: Entry, service_id: UUID, slot: Slot) -> bool:
        """Nobody is asked twice for the same time, nor too many for one slot; other times of the opening are open."""
        at_once = [one for one in self._visits.asked if one.starts_at < slot.end and slot.start < one.ends_at]
        if any(one.entry_id == entry.id for one in at_once):
            return False
        units = {UUID(pick.unit) for pick in slot.picks}
        for_slot = sum(not units.isdisjoint(one.unit_ids) for one in at_once)
        return for_slot < self._policies[service_id].offers_per_slot_max

    def _suits(self, entry: Entry, service_id: UUID, start: datetime, end: datetime) -> bool:
        policy = self._policies[service_id]
        soonest = max(entry.notice_minutes, policy.cut_off_minutes + policy.offer_minutes_min) * MINUTE
        if start < self._snapshot.now + soonest:
            return False
        if entry.appointment_starts_at is not None and start >= entry.appointment_starts_at:
            return False
        elsewhere = self._visits.elsewhere.get(entry.client_id, ())
        if any(begins < end and start < ends and id != entry.appointment_id for begins, ends, id in elsewhere):
            return False
        return self._in_windows(entry, start)

    def _in_windows(self, entry: Entry, start: datetime) -> bool:
        local = wallclock.to_local(start, self._zone)
        day, clock = local.date(), local.time()
        if (entry.earliest_on and day < entry.earliest_on) or (entry.latest_on and day > entry.latest_on):
            return False
        windows = [TimeWindow.of(stored) for stored in entry.windows]
        return not windows or any(
            day.weekday() in window.weekdays and window.starts <= clock < window.ends for window in windows
        )

    def _uses_what_fell_free(self, slot: Slot) -> bool:
        freed = {str(id) for id in self._opening.resource_ids}
        if not freed:
            return True
        return any(
            pick.resource in freed and pick.start < self._opening.ends_at and self._opening.starts_at < pick.end
            for pick in slot.picks
        )

    def _starts(self, service_id: UUID, provider: UUID | None) -> list[tuple[datetime, Search]]:
        """The starts at which the service fits with that provider, those nearest to what fell free first."""
        key = service_id, provider
        if key not in self._searches:
            found: dict[datetime, Search] = {}
            for request in self._requests(service_id, provider):
                search = Search(self._snapshot, request)
                for minute in bitmap.set_minutes(search.starts):
                    found.setdefault(search.masks.window.instant(minute), search)
            opens = max(self._opening.starts_at, self._snapshot.now)
            self._searches[key] = sorted(found.items(), key=lambda one: (abs(one[0] - opens), one[0]))
        return self._searches[key]

    def _requests(self, service_id: UUID, provider: UUID | None) -> list[Request]:
        """On the grid anywhere around what fell free; and exactly where the visit was that went, on the grid or not."""
        service = self._snapshot.services[str(service_id)]
        if provider and not service.served_by(str(provider)):
            return []
        around = request_around(self._opening, service, self._snapshot.now)
        if around is None:
            return []
        named = replace(around, provider=str(provider) if provider else None)
        exact = replace(named, start=self._opening.starts_at, until=self._opening.starts_at + MINUTE, any_minute=True)
        return [exact, named] if self._opening.starts_at >= around.start else [named]

    def _why(self, entry: Entry, service_id: UUID, slot: Slot) -> str:
        since = f"{wallclock.to_local(entry.joined_at, self._zone):%Y-%m-%d %H:%M}"
        price = self._visits.prices_cents.get(service_id, 0) / 100
        reason = {
            "best_value": f"best value ({price:,.2f})",
            "priority": f"priority {entry.priority}",
            "all_at_once": "all at once: the first to accept",
        }.get(self.mode, "first in line")
        parts = [reason, f"waiting since {since}"]
        if self._is_partial(service_id):
            parts.append("a shorter visit than the one that went")
        if slot.start == self._opening.starts_at:
            parts.append("at the very time that fell free")
        if entry.appointment_id:
            parts.append("comes earlier than booked")
        return "; ".join(parts)


def request_around(opening: Opening, service: Service, now: datetime) -> Request | None:
    """The starts at which the service could use the opening; None when it is over."""
    start = max(opening.starts_at - service.length_minutes * MINUTE, now)
    if start >= opening.ends_at:
        return None
    return Request(
        location=str(opening.location_id),
        services=(service.id,),
        start=start,
        until=min(opening.ends_at, start + LOOK_AHEAD),
        surface="system",
        prefer=tuple(str(id) for id in opening.resource_ids),
    )


def window_around(opening: Opening, services: Sequence[Service], now: datetime) -> Window | None:
    """The window whose claims a snapshot needs for matching these services; None when the opening is over."""
    windows = [
        window_of(request, [service]) for service in services if (request := request_around(opening, service, now))
    ]
    if not windows:
        return None
    origin = min(window.origin for window in windows)
    end = max(window.instant(window.minutes) for window in windows)
    return Window(origin, (end - origin) // MINUTE)


def _has_one_of(slot: Slot, providers: Sequence[UUID]) -> bool:
    wanted = {str(id) for id in providers}
    return not wanted or any(pick.resource in wanted for pick in slot.picks)
