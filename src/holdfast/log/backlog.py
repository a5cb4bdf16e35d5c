"""What waits behind the bookings, and how long: for metrics, the doctor and a person who wonders."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from holdfast.db.queries import load_queries
from holdfast.db.transact import Transaction

QUERIES: Final = load_queries("holdfast.log")
LATE_SECONDS: Final = 300.0


@dataclass(frozen=True, slots=True)
class Backlog:
    """``waiting``: due now; ``seconds``: how long the first has waited; ``stuck``: dead letters, for a person."""

    what: str
    waiting: int
    seconds: float
    stuck: int


async def read_backlog(tx: Transaction) -> list[Backlog]:
    """Events for the relay, deliveries, messages, freed times to offer; of every organization. The worker's role."""
    return await tx.rows(Backlog, QUERIES["backlog"])


def warnings(backlogs: list[Backlog]) -> list[str]:
    """What somebody should look at, in plain words; empty when all is well."""
    told: list[str] = []
    for each in backlogs:
        noun, command = WORDS[each.what]
        if each.seconds > LATE_SECONDS:
            minutes = round(each.seconds / 60)
            told.append(f"{each.waiting} {noun} wait, the first for {minutes} minutes. Does `holdfast worker` run?")
        if each.stuck:
            told.append(f"{each.stuck} {noun} could not be sent, and need a person: `{command}` says why.")
    return told


WORDS: Final = {
    "events": ("events that others are to be told of", ""),
    "deliveries": ("webhook deliveries", "holdfast deliveries list"),
    "messages": ("messages to clients", "holdfast messages list"),
    "offers": ("freed times for the waitlist", ""),
}
