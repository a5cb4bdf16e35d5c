"""A rush is noted by how much the relay reads, makes others rest, and is over by itself."""

from __future__ import annotations

import pytest

from holdfast.log import rush as module
from holdfast.log.rush import EVENTS_A_SECOND, LASTS_SECONDS, REST, REST_SECONDS_MAX, Rush


class Clock:
    """Time that passes when the test says so, and while somebody sleeps."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.slept: list[float] = []

    def monotonic(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(module.time, "monotonic", clock.monotonic)
    monkeypatch.setattr(module.asyncio, "sleep", clock.sleep)
    return clock


async def test_a_usual_day_makes_nobody_wait(clock: Clock) -> None:
    rush = Rush()
    for _ in range(20):
        clock.now += 0.2
        rush.note(int(EVENTS_A_SECOND * 0.2) - 1)
        await rush.let_pass(0.01)
    assert not clock.slept


async def test_in_a_rush_a_tenth_of_the_time_is_left(clock: Clock) -> None:
    rush = Rush()
    clock.now += 0.2
    rush.note(int(EVENTS_A_SECOND * 0.2) + 1)
    await rush.let_pass(0.01)
    assert clock.slept == [pytest.approx(REST * 0.01)]
    await rush.let_pass(5.0)
    assert clock.slept[1] == REST_SECONDS_MAX
    assert rush.is_on is (clock.now < 1000.2 + LASTS_SECONDS)
    clock.now += LASTS_SECONDS
    await rush.let_pass(0.01)
    assert len(clock.slept) == 2, "over by itself"


def test_what_came_in_a_long_pause_is_no_rush(clock: Clock) -> None:
    rush = Rush()
    clock.now += 60
    rush.note(int(EVENTS_A_SECOND) * 10)
    assert not rush.is_on
