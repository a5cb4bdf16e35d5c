"""Morning, afternoon and evening on a location's clock: the same for every form, list and question."""

from __future__ import annotations

from collections.abc import Collection
from datetime import time
from typing import Final

from holdfast.waitlist.model import EVERY_DAY, TimeWindow

NOON: Final = 12
EVENING: Final = 17
# From which hour up to which; 24 is the end of the day.
PARTS_OF_DAY: Final = {"morning": (0, NOON), "afternoon": (NOON, EVENING), "evening": (EVENING, 24)}


def windows_of(parts: Collection[str], weekdays: Collection[int]) -> list[TimeWindow]:
    """When somebody can come, as they ticked it: no part of the day is any, no weekday is any."""
    days = frozenset(weekdays) & EVERY_DAY or EVERY_DAY
    chosen = [hours for part, hours in PARTS_OF_DAY.items() if part in parts]
    if not chosen and days == EVERY_DAY:
        return []
    return [TimeWindow(time(first), _until(last), days) for first, last in chosen or [(0, 24)]]


def _until(hour: int) -> time:
    return time(hour) if hour < 24 else time(23, 59)
