"""Who asks for what, and when: the whole storm from one seed, before a single byte is sent. Pure.

The hot slots are built to defeat the usual recipes. Contenders for one slot want the same resources, but start and end
at different minutes, so a lock named after the start time does not see them coming; and each lists its resources in an
order of its own, so row locks taken in request order form cycles. Any two contenders for a slot still overlap, so
exactly one of them can win.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from holdfast.errors import Invalid

RESOURCE_SETS = 4
START_OFFSETS_MINUTES = (0, 2, 5, 7, 10, 12, 15)
LENGTHS_MINUTES = (30, 45, 60)
LOCATION = "here"
ROLES = ("provider", "room", "device")
FIRST_START = datetime(2031, 3, 3, 9, tzinfo=UTC)
# Longer than the last offset and the longest visit together: two slots never touch.
_BETWEEN_STARTS = timedelta(minutes=90)


@dataclass(frozen=True, slots=True)
class Ask:
    """One visit that can be asked for: ``resources`` are (role, resource) pairs in the order in which they are sent."""

    service: str
    location: str
    start: datetime
    length_minutes: int
    resources: tuple[tuple[str, str], ...]

    @property
    def end(self) -> datetime:
        return self.start + timedelta(minutes=self.length_minutes)


@dataclass(frozen=True, slots=True)
class HotSlot:
    """A time that many want at once: of any two of its asks, only one can be granted."""

    asks: tuple[Ask, ...]


@dataclass(frozen=True, slots=True)
class Attempt:
    """What one client does in one round. ``slot`` is an index into the plan's slots."""

    number: int
    round: int
    slot: int
    surface: str
    ask: Ask


@dataclass(frozen=True, slots=True)
class Plan:
    """``rounds[r][c]`` is what client ``c`` does in round ``r``; the last round may be short of some clients."""

    seed: int
    clients: int
    slots: tuple[HotSlot, ...]
    rounds: tuple[tuple[Attempt, ...], ...]

    @property
    def attempts(self) -> int:
        return sum(len(round_) for round_ in self.rounds)


def rounds_needed(attempts: int, clients: int) -> int:
    """How many rounds it takes when every client makes one attempt a round."""
    return -(-attempts // clients)


def synthetic_slots(count: int, resources: int, first_start: datetime = FIRST_START) -> tuple[HotSlot, ...]:
    """``count`` hot slots over a few sets of ``resources`` resources each, for an arena with no catalogue of its own.

    Slots that share resources are far enough apart that none of their asks overlap.
    """
    return tuple(_synthetic_slot(index, resources, first_start) for index in range(count))


def _synthetic_slot(index: int, resources: int, first_start: datetime) -> HotSlot:
    which = index % RESOURCE_SETS
    start = first_start + _BETWEEN_STARTS * (index // RESOURCE_SETS)
    named = tuple((_role(n), f"{_role(n)}-{which}") for n in range(resources))
    return HotSlot(
        tuple(
            Ask(service_for(length), LOCATION, start + timedelta(minutes=offset), length, named)
            for offset in START_OFFSETS_MINUTES
            for length in LENGTHS_MINUTES
        )
    )


def service_for(length_minutes: int) -> str:
    return f"visit-{length_minutes}"


def _role(n: int) -> str:
    return ROLES[n] if n < len(ROLES) else f"extra_{n}"


def make_plan(slots: Sequence[HotSlot], *, clients: int, attempts: int, surfaces: Sequence[str], seed: int) -> Plan:
    """The storm for these slots: ``attempts`` in all, every client once a round, the slots shared out over the rounds.

    The same arguments give the same plan on every machine. Raises Invalid when there is nothing to fight for.
    """
    if not slots:
        raise Invalid("There is no free time to fight for: give the storm a location with open hours and free slots.")
    # A scenario has to be repeatable, not unguessable.
    chance = random.Random(seed)  # noqa: S311
    total = rounds_needed(attempts, clients)
    rounds = []
    for number in range(total):
        here = _slots_of_round(number, total, len(slots))
        size = min(clients, attempts - number * clients)
        wanted = [here[n % len(here)] for n in range(size)]
        chance.shuffle(wanted)
        rounds.append(
            tuple(
                Attempt(number * clients + n, number, slot, chance.choice(surfaces), _one_ask(slots[slot], chance))
                for n, slot in enumerate(wanted)
            )
        )
    return Plan(seed, clients, tuple(slots), tuple(rounds))


def _slots_of_round(number: int, rounds: int, slots: int) -> range:
    """Fresh slots in every round while they last: a race for a slot is only a race until somebody has it."""
    first = number * slots // rounds
    return range(first, max(first + 1, (number + 1) * slots // rounds))


def _one_ask(slot: HotSlot, chance: random.Random) -> Ask:
    ask = chance.choice(slot.asks)
    return replace(ask, resources=tuple(chance.sample(ask.resources, len(ask.resources))))
