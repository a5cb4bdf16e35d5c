"""Quiet hours on a location's wall clock."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, time, timedelta

from holdfast.wallclock import resolve_rule, to_local


@dataclass(frozen=True, slots=True)
class QuietHours:
    """From ``begins`` to ``ends`` on the wall clock of the zone, over midnight or not; never when they are equal."""

    begins: time
    ends: time
    zone_name: str

    def cover(self, instant: datetime) -> bool:
        """Whether it is quiet then."""
        clock = to_local(instant, self.zone_name).time()
        if self.begins <= self.ends:
            return self.begins <= clock < self.ends
        return clock >= self.begins or clock < self.ends

    def began(self, instant: datetime) -> datetime:
        """When the quiet spell that covers ``instant`` began (UTC)."""
        local = to_local(instant, self.zone_name)
        day = local.date() if local.time() >= self.begins else local.date() - timedelta(days=1)
        return resolve_rule(datetime.combine(day, self.begins), self.zone_name)

    def over(self, instant: datetime) -> datetime:
        """When the quiet spell that covers ``instant`` ends (UTC)."""
        local = to_local(instant, self.zone_name)
        day = local.date() if local.time() < self.ends else local.date() + timedelta(days=1)
        return resolve_rule(datetime.combine(day, self.ends), self.zone_name)
