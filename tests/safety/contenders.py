"""Many clients at once, in several processes: each does what a front desk does, at random, on too few resources."""

from __future__ import annotations

import random
import threading
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from multiprocessing import get_context
from uuid import UUID

import psycopg

from tests.clinic import CLIENT, Clinic, Desk, Refused, at, open_clinic, requires

PROCESSES = 4
THREADS = 4
SLOTS = 40
SLOT_MINUTES = 15
LENGTHS = {"short": 15, "middle": 30, "long": 50}
START_SECONDS = 120
GATE = 20_261_101  # the key of a lock: whoever waits for a share of it is ready


@dataclass(frozen=True)
class Contest:
    """What the clients fight over, in a form that travels to another process."""

    app_url: str
    organization_id: UUID
    location_id: UUID
    nine: datetime  # said once: another process may begin on another day
    services: tuple[UUID, ...]
    providers: tuple[UUID, ...]

    @classmethod
    def of(cls, app_url: str, clinic: Clinic, providers: list[str]) -> Contest:
        return cls(
            app_url,
            clinic.organization_id,
            clinic.location_id,
            at(0),
            tuple(clinic.services.values()),
            tuple(clinic.resources[name] for name in providers),
        )


def open_contest(app_url: str) -> Contest:
    """Eight units: four providers, two rooms, one device of two units; three services of mixed lengths."""
    with psycopg.connect(app_url, autocommit=True) as connection:
        clinic = open_clinic(connection)
        providers = [f"provider-{n}" for n in range(4)]
        for name in providers:
            clinic.resource(name, "provider")
        for name in ("room-1", "room-2"):
            clinic.resource(name, "room")
        clinic.resource("device", "device", capacity=2)
        clinic.pool("providers", providers)
        clinic.pool("rooms", ["room-2", "room-1"])
        clinic.pool("devices", ["device"])
        for slug, minutes in LENGTHS.items():
            clinic.service(
                slug, minutes,
                requires("room", "rooms", (0, minutes), after=5),
                requires("provider", "providers", (0, minutes)),
                requires("device", "devices", (5, minutes), before=5),
            )  # fmt: skip
        return Contest.of(app_url, clinic, providers)


def contend(contest: Contest, attempts: int, seed: int, *, letting_go: float = 0.7) -> Counter[str]:
    """So many attempts by all clients together; how each ended: ``held``, a rule, or an SQLSTATE.

    ``letting_go``: how often a client gives up or changes something of its own after an attempt.
    """
    share = attempts // (PROCESSES * THREADS)
    with (
        ProcessPoolExecutor(PROCESSES, mp_context=get_context("spawn")) as pool,
        psycopg.connect(contest.app_url, autocommit=True) as starter,
    ):
        starter.execute("select pg_advisory_lock(%s)", [GATE])
        parts = [pool.submit(_process, contest, share, seed + 1000 * n, letting_go) for n in range(PROCESSES)]
        _wait_until_all_are_ready(starter)
        starter.execute("select pg_advisory_unlock(%s)", [GATE])
        return sum((part.result() for part in parts), Counter())


def _wait_until_all_are_ready(starter: psycopg.Connection[tuple[object, ...]]) -> None:
    """Otherwise those whose process is the first to run have taken everything before the others come."""
    waiting = "select count(*) from pg_locks where locktype = 'advisory' and objid = %s and not granted"
    give_up_at = time.monotonic() + START_SECONDS
    while starter.execute(waiting, [GATE]).fetchone() != (PROCESSES * THREADS,):
        assert time.monotonic() < give_up_at, "not all clients came"
        threading.Event().wait(0.01)


def _process(contest: Contest, share: int, seed: int, letting_go: float) -> Counter[str]:
    with ThreadPoolExecutor(THREADS) as pool:
        parts = [pool.submit(_client, contest, share, seed + n, letting_go) for n in range(THREADS)]
        return sum((part.result() for part in parts), Counter())


def _client(contest: Contest, share: int, seed: int, letting_go: float) -> Counter[str]:
    with psycopg.connect(contest.app_url, autocommit=True) as connection:
        connection.execute("select pg_advisory_lock_shared(%s), pg_advisory_unlock_shared(%s)", [GATE, GATE])
        return _Client(contest, Desk(connection, contest.organization_id), random.Random(seed)).run(share, letting_go)


class _Client:
    def __init__(self, contest: Contest, desk: Desk, dice: random.Random) -> None:
        self._contest = contest
        self._desk = desk
        self._dice = dice
        self._holds: list[UUID] = []
        self._visits: list[UUID] = []
        self._ends: Counter[str] = Counter()

    def run(self, share: int, letting_go: float) -> Counter[str]:
        for _ in range(share):
            self._try(self._take)
            # by default nearly everything soon, so that there is always something to win and something in the way
            if self._holds and self._dice.random() < letting_go:
                self._try(self._settle)
            if self._visits and self._dice.random() < letting_go:
                self._try(self._change)
        return self._ends

    def _try(self, step: object) -> None:
        try:
            self._ends[step()] += 1  # type: ignore[operator]
        except Refused as refused:
            self._ends[refused.rule] += 1
        except psycopg.Error as error:
            self._ends[str(error.sqlstate)] += 1

    def _visit(self) -> dict[str, object]:
        providers = [[str(id)] for id in self._dice.sample(self._contest.providers, 1)]
        return {
            "service_id": self._dice.choice(self._contest.services),
            "location_id": self._contest.location_id,
            "start": self._some_start(),
            "choices": {"provider": providers} if self._dice.random() < 0.5 else {},
        }

    def _some_start(self) -> datetime:
        return self._contest.nine + timedelta(minutes=SLOT_MINUTES * self._dice.randrange(SLOTS))

    def _take(self) -> str:
        if self._dice.random() < 0.8:
            # short lives, so that displacing the expired is part of the fight
            self._holds.append(self._desk("place_hold", **self._visit(), ttl_seconds=self._dice.choice([1, 300]))["id"])
            return "held"
        self._visits.append(self._desk("book", **self._visit(), client=CLIENT)["id"])
        return "booked"

    def _settle(self) -> str:
        hold_id = self._holds.pop(self._dice.randrange(len(self._holds)))
        if self._dice.random() < 0.7:
            self._desk("release_hold", hold_id=hold_id)
            return "released"
        self._visits.append(self._desk("confirm_hold", hold_id=hold_id, client=CLIENT)["id"])
        return "confirmed"

    def _change(self) -> str:
        visit_id = self._visits[self._dice.randrange(len(self._visits))]
        if self._dice.random() < 0.3:
            self._desk("reschedule", appointment_id=visit_id, revision=None, start=self._some_start())
            return "moved"
        self._visits.remove(visit_id)
        self._desk("cancel", appointment_id=visit_id, revision=None)
        return "cancelled"
