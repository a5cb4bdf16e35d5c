"""Each operation against the sentence that defines it, on random bitmaps."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta

import pytest

from holdfast.availability import bitmap
from holdfast.availability.bitmap import Window

MINUTES = 300
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


@pytest.fixture(params=range(30))
def rng(request: pytest.FixtureRequest) -> random.Random:
    return random.Random(request.param)


def some_bits(rng: random.Random) -> int:
    return rng.getrandbits(MINUTES) | (rng.getrandbits(MINUTES) if rng.random() < 0.7 else 0)


def members(bits: int) -> set[int]:
    return {i for i in range(bits.bit_length()) if bits >> i & 1}


def test_a_mask_is_the_union_of_its_spans(rng: random.Random) -> None:
    spans = [(low := rng.randint(-50, 350), low + rng.randint(-5, 60)) for _ in range(rng.randint(0, 12))]
    covered = {i for low, high in spans for i in range(max(low, 0), min(high, MINUTES))}
    assert members(bitmap.mask(spans, MINUTES)) == covered


def test_touching_spans_leave_no_seam() -> None:
    assert bitmap.mask([(3, 5), (5, 9), (0, 3)], 20) == (1 << 9) - 1


def test_runs_and_within_look_at_the_next_minutes(rng: random.Random) -> None:
    bits, length = some_bits(rng), rng.randint(1, 70)
    minutes = members(bits)
    assert members(bitmap.runs(bits, length)) == {i for i in minutes if all(i + k in minutes for k in range(length))}
    near = {i - k for i in minutes for k in range(length) if i >= k}
    assert members(bitmap.within(bits, length)) == near


def test_at_least_counts(rng: random.Random) -> None:
    masks = [some_bits(rng) for _ in range(rng.randint(0, 7))]
    count = rng.randint(1, 5)
    enough = {i for i in range(MINUTES) if sum(bits >> i & 1 for bits in masks) >= count}
    assert members(bitmap.at_least(count, masks, (1 << MINUTES) - 1)) == enough


def test_set_minutes_and_nearest(rng: random.Random) -> None:
    bits, index = some_bits(rng), rng.randrange(MINUTES)
    assert set(bitmap.set_minutes(bits)) == members(bits)
    assert list(bitmap.set_minutes(0)) == []
    nearest = bitmap.nearest(bits, index, 3)
    assert [abs(i - index) for i in nearest] == sorted(abs(i - index) for i in members(bits))[:3]


@pytest.mark.parametrize(
    ("seconds", "minutes"),
    [((0, 60), (0, 1)), ((0, 61), (0, 2)), ((59, 60), (0, 1)), ((-1, 0), (-1, 0)), ((-61, 119.5), (-2, 2))],
)
def test_claims_at_odd_seconds_are_rounded_outwards(seconds: tuple[float, float], minutes: tuple[int, int]) -> None:
    start, end = (NOON + timedelta(seconds=second) for second in seconds)
    assert Window(NOON, MINUTES).outward(start, end) == minutes


def test_starts_between_two_instants_are_whole_minutes_inside() -> None:
    window = Window(NOON, MINUTES)
    assert members(window.between(NOON + timedelta(seconds=1), NOON + timedelta(seconds=181))) == {1, 2, 3}
    assert members(window.between(NOON, NOON + timedelta(minutes=2))) == {0, 1}
