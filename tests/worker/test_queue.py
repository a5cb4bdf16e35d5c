"""The job queue: lanes in order, failures before what comes after them, and no waiting between the jobs of a lane."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

import pytest

from holdfast.db.urls import WORKER_ROLE, DatabaseUrls, derive_url
from holdfast.worker import queue as queue_module
from holdfast.worker.queue import GATHERED_MAX, REACTIONS, JobOrder, Queue
from tests.webhooks.receiver import PATIENCE_SECONDS


@pytest.fixture
async def queue(database: DatabaseUrls) -> AsyncIterator[Queue]:
    one = Queue(derive_url(database.owner, WORKER_ROLE), slots={REACTIONS: 2})
    await one.open()
    yield one
    await one.close()


async def run_until(queue: Queue, done: asyncio.Event, left: int | None = None) -> None:
    """Until it is ``done`` and so many jobs are ``left``: what a job did is seen before its own end is written down."""
    running = asyncio.create_task(queue.run())
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            await done.wait()
            while left is not None and await queue.waiting() != left:  # noqa: ASYNC110 - nothing tells when a job ends
                await asyncio.sleep(0.02)
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def test_a_lane_runs_in_order_and_a_failure_before_what_comes_after_it(queue: Queue) -> None:
    ran: list[tuple[str, int]] = []
    done = asyncio.Event()

    async def note(lane: str, number: int) -> None:
        ran.append((lane, number))
        if ran.count(("a", 1)) == 1 and (lane, number) == ("a", 1):
            raise RuntimeError("the first time")
        if len(ran) == 7:
            done.set()

    queue.add("note", note)
    for number in range(3):
        for lane in ("a", "b"):
            await queue.defer(JobOrder("note", lane, {"lane": lane, "number": number}))
    await run_until(queue, done)
    assert [number for lane, number in ran if lane == "a"] == [0, 1, 1, 2]
    assert [number for lane, number in ran if lane == "b"] == [0, 1, 2]


async def test_the_next_job_of_a_lane_begins_when_the_one_before_ends(
    queue: Queue, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not when somebody looks again: with that an hour away, only the end of one job can begin the next."""
    monkeypatch.setattr(queue_module, "POLL_SECONDS", 3600.0)
    ran: list[int] = []
    done = asyncio.Event()

    async def note(number: int) -> None:
        ran.append(number)
        if number == 9:
            done.set()

    queue.add("note", note)
    for number in range(10):
        await queue.defer(JobOrder("note", "lane", {"number": number}))
    await run_until(queue, done)
    assert ran == list(range(10))


async def test_once_means_that_one_waiting_is_enough(queue: Queue) -> None:
    ran = 0
    done = asyncio.Event()

    async def note() -> None:
        nonlocal ran
        ran += 1
        done.set()

    queue.add("note", note, until_done=False)
    for _ in range(5):
        await queue.defer(JobOrder("note", "lane", once=True))
    assert await queue.waiting() == 1
    await run_until(queue, done)
    assert ran == 1


async def test_what_waits_in_a_lane_is_done_together_as_far_as_there_is_room(queue: Queue) -> None:
    calls: list[list[int]] = []
    done = asyncio.Event()

    async def react(gathered: Sequence[Mapping[str, Any]]) -> float:
        calls.append([len(job["event_ids"]) for job in gathered])
        if sum(map(len, calls)) == 4:
            done.set()
        return 0.0

    queue.add_gathered("react", react)
    most = GATHERED_MAX - 100
    for count in (1, 2, most, 200):
        await queue.defer(JobOrder("react", "lane", {"event_ids": list(range(count))}))
    await run_until(queue, done)
    assert calls == [[1, 2, most], [200]]


async def test_a_gathered_job_that_fails_is_done_again_with_all_that_it_took_along(queue: Queue) -> None:
    calls: list[list[int]] = []
    done = asyncio.Event()

    async def react(gathered: Sequence[Mapping[str, Any]]) -> float:
        calls.append([id for job in gathered for id in job["event_ids"]])
        if len(calls) == 1:
            raise RuntimeError("the first time")
        done.set()
        return 0.0

    queue.add_gathered("react", react)
    for id in range(3):
        await queue.defer(JobOrder("react", "lane", {"event_ids": [id]}))
    await run_until(queue, done, left=0)
    assert calls == [[0, 1, 2], [0, 1, 2]]


async def test_a_lane_that_rests_has_no_slot(queue: Queue) -> None:
    """Two slots, three lanes that rest for an hour: what another lane has to do is done at once."""
    rested: list[str] = []
    done = asyncio.Event()

    async def react(gathered: Sequence[Mapping[str, Any]]) -> float:
        rested.append(gathered[0]["lane"])
        if len(rested) < 4:  # the job that comes meanwhile waits for the end of the rest
            await queue.defer(JobOrder("react", gathered[0]["lane"], {"lane": "again", "event_ids": [1]}))
        if len(rested) == 3:
            await queue.defer(JobOrder("other", "other"))
        return 3600.0

    async def other() -> None:
        done.set()

    queue.add_gathered("react", react)
    queue.add("other", other)
    for lane in ("a", "b", "c"):
        await queue.defer(JobOrder("react", lane, {"lane": lane, "event_ids": [1]}))
    await run_until(queue, done, left=3)
    assert sorted(rested) == ["a", "b", "c"]
