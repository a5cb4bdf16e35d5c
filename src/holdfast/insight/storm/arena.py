"""What the runner needs to know of a place to fight in, whatever stands behind it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from holdfast.insight.storm.independent_check import Claim
from holdfast.insight.storm.plan import Attempt


class Result(StrEnum):
    HELD = "held"
    REFUSED = "refused"
    FAILED = "failed"  # neither yes nor no: a timeout, a broken connection, an answer nobody can read
    STOPPED = "stopped"  # the storm ended first; the attempt counts for nothing


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one attempt. ``reason`` says why it was not held, in one word (``slot-taken``, ``deadlock``)."""

    result: Result
    reason: str = ""
    retries: int = 0


HELD = Outcome(Result.HELD)
TAKEN = Outcome(Result.REFUSED, "slot-taken")
DEADLOCK = Outcome(Result.REFUSED, "deadlock")
STOPPED = Outcome(Result.STOPPED)


class Target(Protocol):
    """One client's way in: its own connection, used by one thread."""

    def attempt(self, attempt: Attempt) -> Outcome: ...

    def close(self) -> None: ...


class Arena(Protocol):
    """A place to fight in. ``open_target`` is called once for every client, before the storm."""

    name: str

    def open_target(self) -> Target: ...

    def interrupt(self) -> None:
        """Make attempts that are under way come back soon; those undone report ``STOPPED``."""

    def claims(self) -> Sequence[Claim]:
        """What is really held after the storm, by attempt number (``Claim.owner``)."""

    def overlaps_by_sql(self) -> int | None:
        """The independent check made by the database itself; None where there is no database to ask."""
