"""Several spells of quiet: the stricter one counts."""

from __future__ import annotations

from datetime import UTC, datetime, time

import pytest

from holdfast.quiet_hours import QuietHours, quiet_until


@pytest.mark.parametrize(
    ("now", "until"),
    [("20:30", "09:30"), ("22:00", "09:30"), ("08:30", "09:30"), ("09:30", None), ("12:00", None), ("20:00", "09:30")],
)
def test_the_later_end_of_spells_that_overlap(now: str, until: str | None) -> None:
    hours = [QuietHours(time(21), time(8), "UTC"), QuietHours(time(20), time(9, 30), "UTC")]
    found = quiet_until(datetime.fromisoformat(f"2027-03-06T{now}").replace(tzinfo=UTC), hours)
    assert (found and f"{found:%H:%M}") == until


def test_spells_that_follow_one_another_are_one_and_equal_times_are_none() -> None:
    hours = [QuietHours(time(12), time(13), "UTC"), QuietHours(time(13), time(14), "UTC")]
    assert quiet_until(datetime(2027, 3, 6, 12, 30, tzinfo=UTC), hours) == datetime(2027, 3, 6, 14, tzinfo=UTC)
    assert quiet_until(datetime(2027, 3, 6, 12, tzinfo=UTC), [QuietHours(time(0), time(0), "UTC")]) is None
