"""Which bookings of a resource overlap: one pass over them by start, O(n log n), whatever the pile.

Ranges are ``[start, end)``: bookings that touch do not overlap. A **collision** is a booking that starts while an
earlier one on the same resource is still running, so three bookings at once are two collisions. A booking never
collides with itself: the same event exported twice, or two lines of one visit, share their ``booking`` key.
"""

from __future__ import annotations

import heapq
from array import array
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from holdfast.insight.calendar_events import Event


class Collision(NamedTuple):
    """Positions in a ``Timeline``: the ``later`` booking starts while ``earlier`` runs.

    Of several that run, ``earlier`` is the one that shares most of the later one's time. ``pile`` counts all bookings
    running at that moment, the later one included.
    """

    later: int
    earlier: int
    pile: int


class TightGap(NamedTuple):
    """The booking at position ``later`` starts ``gap_seconds`` after everything before it has ended."""

    later: int
    gap_seconds: int


@dataclass(slots=True)
class Timeline:
    """The bookings of one resource, as columns: some 40 bytes each, since there may be millions.

    ``starts`` and ``ends`` are seconds since 1970 (UTC), ``labels`` whatever number the owner finds its texts by.
    """

    starts: array[int] = field(default_factory=lambda: array("q"))
    ends: array[int] = field(default_factory=lambda: array("q"))
    bookings: array[int] = field(default_factory=lambda: array("q"))
    copies: array[int] = field(default_factory=lambda: array("q"))
    labels: array[int] = field(default_factory=lambda: array("q"))

    def add(self, start: int, end: int, booking: int, label: int = 0, *, copy: int | None = None) -> None:
        """``copy`` is a number that only the same booking in another file has too; by default there is none."""
        self.starts.append(start)
        self.ends.append(end)
        self.bookings.append(booking)
        self.copies.append(booking if copy is None else copy)
        self.labels.append(label)

    def in_order(self) -> list[int]:
        """Positions by start, and of those that start together the first added first; repeats of a booking left out."""
        order: list[int] = []
        at_this_start: set[int] = set()
        this_start: int | None = None
        for position in sorted(range(len(self.starts)), key=self.starts.__getitem__):
            if self.starts[position] != this_start:
                this_start = self.starts[position]
                at_this_start.clear()
            known = {self.bookings[position], self.copies[position]}
            if at_this_start.isdisjoint(known):
                order.append(position)
            at_this_start |= known
        return order


def booking_key(event: Event, scope: str, serial: int) -> int:
    """A number that two events share when they are one booking.

    The same id and occurrence; without an occurrence the same id on the same day (ids of some exports name a whole
    course of treatment); without an id the same title, service and time. Where the file gives no title either, every
    line is a booking of its own, and ``serial`` keeps it apart. ``scope`` is where ids mean one thing: two systems
    that count from 1 both have a booking 1.
    """
    if event.uid:
        return hash((scope, event.uid, event.recurrence_id or event.start.date()))
    return copy_key(event, serial)


def copy_key(event: Event, serial: int) -> int:
    """A number that an event shares with its copy in another export of the same system: the same to the last word."""
    if event.uid or event.summary:
        return hash((event.uid, event.summary, event.kind, event.start, event.end))
    return hash(("line", serial))


def collisions(timeline: Timeline, order: list[int]) -> Iterator[Collision]:
    """Every collision of the resource, by start."""
    starts, ends, bookings = timeline.starts, timeline.ends, timeline.bookings
    running: list[tuple[int, int]] = []
    parts: dict[int, int] = {}
    """How many parts of each booking are running."""
    longest = runner_up = -1
    """The position that ends last so far, and the one that ends last among those of other bookings than that."""
    for position in order:
        start, end, booking = starts[position], ends[position], bookings[position]
        while running and running[0][0] <= start:
            _, over = heapq.heappop(running)
            parts[over] -= 1
            if not parts[over]:
                del parts[over]
        others = len(parts) - (booking in parts)
        if others:
            yield Collision(position, longest if bookings[longest] != booking else runner_up, others + 1)
        heapq.heappush(running, (end, booking))
        parts[booking] = parts.get(booking, 0) + 1
        if longest < 0 or end > ends[longest]:
            if longest >= 0 and bookings[longest] != booking:
                runner_up = longest
            longest = position
        elif bookings[longest] != booking and (runner_up < 0 or end > ends[runner_up]):
            runner_up = position


def tight_gaps(timeline: Timeline, order: list[int], buffer_seconds: int) -> Iterator[TightGap]:
    """Bookings that start less than the buffer after all before them have ended; 0 is back to back."""
    starts, ends, bookings = timeline.starts, timeline.ends, timeline.bookings
    last = -1
    for position in order:
        if last >= 0:
            gap = starts[position] - ends[last]
            if 0 <= gap < buffer_seconds and bookings[position] != bookings[last]:
                yield TightGap(position, gap)
        if last < 0 or ends[position] > ends[last]:
            last = position
