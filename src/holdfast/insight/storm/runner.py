"""Lets the clients loose: one thread each, all started together in every round.

Threads, not processes: a client waits for its answer nearly all the time and the interpreter lock is free while it
does. What the kit itself costs is measured with every run (``Run.client_cpu_seconds``): nobody has to believe it.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from enum import StrEnum

from holdfast.insight.storm.arena import Arena, Outcome, Result, Target
from holdfast.insight.storm.plan import Attempt, Plan

_LOOK_SECONDS = 0.1


class Ending(StrEnum):
    COMPLETE = "complete"
    TIME_UP = "time up"
    INTERRUPTED = "interrupted"


@dataclass(frozen=True, slots=True)
class Record:
    """One attempt as its client saw it."""

    attempt: Attempt
    outcome: Outcome
    latency_seconds: float


@dataclass(frozen=True, slots=True)
class Run:
    """All that happened, in no particular order."""

    plan: Plan
    records: tuple[Record, ...]
    elapsed_seconds: float
    client_cpu_seconds: float
    ending: Ending


class _Client:
    """Plays one column of the plan on its own thread, to which ``records`` belongs until it has ended."""

    def __init__(self, index: int, plan: Plan, target: Target, start_line: threading.Barrier) -> None:
        self._index = index
        self._plan = plan
        self._target = target
        self._start_line = start_line
        self.records: list[Record] = []
        self.failure: BaseException | None = None
        # A daemon: a client that hangs must not keep the process from ending.
        self.thread = threading.Thread(target=self._play, name=f"storm-{index}", daemon=True)

    def _play(self) -> None:
        try:
            for round_ in self._plan.rounds:
                self._start_line.wait()
                if self._index < len(round_):
                    self._attempt(round_[self._index])
        except threading.BrokenBarrierError:
            return
        except BaseException as failure:
            # A thread's exception would be lost: the runner raises it again. The others must not wait for this one.
            self.failure = failure
            self._start_line.abort()

    def _attempt(self, attempt: Attempt) -> None:
        began = time.perf_counter()
        outcome = self._target.attempt(attempt)
        self.records.append(Record(attempt, outcome, time.perf_counter() - began))


Progress = Callable[[int, int], None]
"""Called with (attempts answered, of them held) a few times a second."""


def run_storm(plan: Plan, arena: Arena, *, seconds: float, progress: Progress) -> Run:
    """Run the whole plan, or as much of it as ``seconds`` allow; Ctrl-C ends it early with what was done so far.

    Raises whatever an arena raised for a reason of its own (SetupRefused: not enough connections).
    """
    with _targets(arena, plan.clients) as targets:
        start_line = threading.Barrier(plan.clients)
        clients = [_Client(index, plan, target, start_line) for index, target in enumerate(targets)]
        cpu_began, began = time.process_time(), time.perf_counter()
        ending = _run_all(clients, start_line, arena, began + seconds, progress)
        elapsed, cpu = time.perf_counter() - began, time.process_time() - cpu_began
    for client in clients:
        if client.failure is not None:
            raise client.failure
    return Run(plan, tuple(record for client in clients for record in client.records), elapsed, cpu, ending)


@contextmanager
def _targets(arena: Arena, count: int) -> Iterator[list[Target]]:
    with ExitStack() as closing:
        targets = []
        for _ in range(count):
            target = arena.open_target()
            closing.callback(target.close)
            targets.append(target)
        yield targets


def _run_all(
    clients: list[_Client], start_line: threading.Barrier, arena: Arena, deadline: float, progress: Progress
) -> Ending:
    """Start all clients and wait for them; at the deadline or on Ctrl-C, call them back."""
    try:
        for client in clients:
            client.thread.start()
        while alive := [client for client in clients if client.thread.is_alive()]:
            if time.perf_counter() > deadline:
                _call_back(clients, start_line, arena)
                return Ending.TIME_UP
            alive[0].thread.join(_LOOK_SECONDS)
            _tell(clients, progress)
    except KeyboardInterrupt:
        _call_back(clients, start_line, arena)
        return Ending.INTERRUPTED
    return Ending.COMPLETE


def _call_back(clients: list[_Client], start_line: threading.Barrier, arena: Arena) -> None:
    start_line.abort()
    arena.interrupt()
    for client in clients:
        if client.thread.ident is not None:  # Ctrl-C may come before the last has started
            client.thread.join()


def _tell(clients: list[_Client], progress: Progress) -> None:
    done = sum(len(client.records) for client in clients)
    held = sum(record.outcome.result is Result.HELD for client in clients for record in list(client.records))
    progress(done, held)
