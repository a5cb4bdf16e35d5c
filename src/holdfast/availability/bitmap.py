"""Time as one Python integer: bit ``i`` is the minute ``[origin + i, origin + i + 1)`` of a window.

A day is 1,440 bits and sixty days are 86,400: 11 kB, on which one AND, OR or shift takes about two microseconds. So
"free for 45 minutes from here" is asked of every minute at once, in six shifts, instead of of every minute in turn.

What takes time away (a claim that ends at an odd second) is rounded outwards to whole minutes. For starts and lengths
in whole minutes that loses nothing: such a visit overlaps the claim exactly when it overlaps the rounded one.
Beyond its ends a window knows nothing, and answers "not free": give it a margin.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import chain
from typing import Final

Bits = int
Span = tuple[int, int]
"""Minutes of a window, ``[low, high)``."""

MINUTE: Final = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Window:
    """``minutes`` minutes from ``origin``, an instant in UTC on a whole minute."""

    origin: datetime
    minutes: int

    @property
    def full(self) -> Bits:
        """Every minute of the window."""
        return (1 << self.minutes) - 1

    def index(self, instant: datetime) -> int:
        """The minute that contains the instant; negative before the origin."""
        return (instant - self.origin) // MINUTE

    def instant(self, index: int) -> datetime:
        return self.origin + index * MINUTE

    def outward(self, start: datetime, end: datetime) -> Span:
        """Every minute that ``[start, end)`` touches.

        Days and seconds instead of a division by MINUTE: every claim comes through here, and this takes a third less.
        """
        low, high = start - self.origin, end - self.origin
        odd = 59 + (high.microseconds > 0)
        return low.days * 1440 + low.seconds // 60, high.days * 1440 + (high.seconds + odd) // 60

    def between(self, start: datetime, end: datetime) -> Bits:
        """The whole minutes that begin in ``[start, end)``."""
        low, high = -((self.origin - start) // MINUTE), -((self.origin - end) // MINUTE)
        return mask([(low, high)], self.minutes)


class Lookup:
    """Set minutes to be looked at one by one: text copies nothing where a shift would copy the whole window."""

    def __init__(self, bits: Bits) -> None:
        self._text = f"{bits:b}"[::-1]

    def has(self, index: int) -> bool:
        return 0 <= index < len(self._text) and self._text[index] == "1"

    def first_from(self, index: int) -> int:
        """The first set minute from there on; -1 when there is none."""
        return self._text.find("1", index)


def mask(covered: Iterable[Span], minutes: int) -> Bits:
    """The minutes covered by any of the spans, cut to the window; they may overlap and come in any order.

    A span is ``2**high - 2**low``, and disjoint spans add up: all of them cost one subtraction of "a bit at every
    end" and "a bit at every start". Or-ing them in one by one would copy the whole window for every claim.
    """
    starts, ends = bytearray(minutes // 8 + 1), bytearray(minutes // 8 + 1)
    reached = 0
    for low, high in sorted(covered):
        begin = low if low > reached else reached  # comparisons: max() and min() would double the loop's time
        end = high if high < minutes else minutes
        if begin < end:
            starts[begin >> 3] |= 1 << (begin & 7)
            ends[end >> 3] |= 1 << (end & 7)
            reached = end
    return int.from_bytes(ends, "little") - int.from_bytes(starts, "little")


def runs(bits: Bits, length: int) -> Bits:
    """Where ``length`` set minutes in a row begin: the run known so far doubles with every shift."""
    known = 1
    while known < length:
        step = min(known, length - known)
        bits &= bits >> step
        known += step
    return bits


def within(bits: Bits, length: int) -> Bits:
    """Where at least one of the next ``length`` minutes is set (this one counts)."""
    known = 1
    while known < length:
        step = min(known, length - known)
        bits |= bits >> step
        known += step
    return bits


def earlier(bits: Bits, minutes: int) -> Bits:
    """The same pattern, that many minutes earlier (or later, when negative)."""
    return bits >> minutes if minutes >= 0 else bits << -minutes


def at_least(count: int, masks: Iterable[Bits], full: Bits) -> Bits:
    """The minutes at which ``count`` or more of the masks are set.

    ``reached[k]`` holds the minutes where k of the masks seen so far are set; each mask lifts them by one.
    """
    reached = [full] + [0] * count
    for bits in masks:
        for k in range(count, 0, -1):
            reached[k] |= reached[k - 1] & bits
    return reached[count]


def spans(bits: Bits) -> Iterator[Span]:
    """The unbroken stretches of set minutes, ascending. Text finds the next edge without copying the window."""
    text = f"{bits:b}"[::-1]
    low = text.find("1")
    while low >= 0:
        high = text.find("0", low)
        if high < 0:
            high = len(text)
        yield low, high
        low = text.find("1", high)


def set_minutes(bits: Bits) -> Iterator[int]:
    """The indexes of the set bits, ascending."""
    return chain.from_iterable(range(low, high) for low, high in spans(bits))


def nearest(bits: Bits, index: int, count: int) -> list[int]:
    """Up to ``count`` set minutes, nearest to ``index`` first, the later one first where two are equally near."""
    minutes: Sequence[int] = list(set_minutes(bits))
    return sorted(minutes, key=lambda minute: (abs(minute - index), -minute))[:count]
