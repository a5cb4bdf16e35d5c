"""Whether bookings pour in: then what can wait leaves the machine to them.

Whoever reads the log notes how much it is. Whoever sends rests after each piece of work as long as that is much: nine
times as long as the work took, so that a tenth of the time is left to it. What waits goes out when the rush is over.
"""

from __future__ import annotations

import asyncio
import time
from typing import Final

EVENTS_A_SECOND: Final = 200.0  # of a hundred bookings
LASTS_SECONDS: Final = 1.0
REST: Final = 9
REST_SECONDS_MAX: Final = 0.1  # work that took longer than some milliseconds waited for somebody outside


class Rush:
    """Noted by whoever reads the log in this process; where nobody does, it is never on."""

    def __init__(self, events_a_second: float = EVENTS_A_SECOND) -> None:
        self._events_a_second = events_a_second
        self._noted_at = time.monotonic()
        self._over_at = 0.0
        self._resting = asyncio.Lock()

    @property
    def is_on(self) -> bool:
        """Whether so much was noted within the last second."""
        return time.monotonic() < self._over_at

    def note(self, events: int) -> None:
        """So many events were read since the last time."""
        now = time.monotonic()
        if events >= self._events_a_second * max(now - self._noted_at, 0.1):
            self._over_at = now + LASTS_SECONDS
        self._noted_at = now

    async def let_pass(self, took_seconds: float) -> None:
        """Rest after work that took so long, if there is a rush: one after the other, so all together do little."""
        if not self.is_on:
            return
        async with self._resting:
            if self.is_on:
                await asyncio.sleep(min(REST * took_seconds, REST_SECONDS_MAX))
