"""Quiet hours on a location's wall clock: when clients are not written to, and not offered anything."""

from __future__ import annotations

from collections.abc import Sequence
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


def quiet_until(now: datetime, hours: Sequence[QuietHours]) -> datetime | None:
    """When the last of the spells is over that cover ``now``, or the end of one before; None outside of them."""
    until = now
    # at most once a spell: hours that cover the whole day between them never end
    for _ in hours:
        until = max([until, *(each.over(until) for each in hours if each.cover(until))])
    return until if until > now else None
