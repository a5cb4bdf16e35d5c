"""When a failed delivery is tried again."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Final

HOUR: Final = 3600.0
# After the first attempt; ten in all, over some three days (the example schedule of Standard Webhooks).
DELAYS_SECONDS: Final = (
    5.0, 300.0, 1800.0, 2 * HOUR, 5 * HOUR, 10 * HOUR, 14 * HOUR, 20 * HOUR, 24 * HOUR,
)  # fmt: skip
RETRY_AFTER_SECONDS_MAX: Final = 24 * HOUR
JITTER: Final = 0.2


def retry_in_seconds(
    attempts: int, retry_after_seconds: float | None = None, *, delays: Sequence[float] = DELAYS_SECONDS
) -> float | None:
    """How long after failed attempt number ``attempts`` (1, 2, …) to try again; None: no more.

    ``retry_after_seconds``, what the receiver asked for, lengthens the wait, up to a day, and never shortens it. The
    jitter keeps deliveries that failed together from coming back together.
    """
    if attempts > len(delays):
        return None
    return max(_jittered(delays[attempts - 1]), min(retry_after_seconds or 0.0, RETRY_AFTER_SECONDS_MAX))


def pause_seconds(retry_after_seconds: float | None = None, *, delays: Sequence[float] = DELAYS_SECONDS) -> float:
    """How long to send nothing at all to an endpoint that did not answer, at least; longer the longer it fails."""
    first = _jittered(delays[0]) if delays else 0.0
    return max(first, min(retry_after_seconds or 0.0, RETRY_AFTER_SECONDS_MAX))


def _jittered(seconds: float) -> float:
    return seconds * random.uniform(1 - JITTER, 1 + JITTER)  # noqa: S311
