"""R5: a request that is sent once or five times, together or cut off, has one effect and one answer."""

from __future__ import annotations

import asyncio
import os
import random
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import httpx
import psycopg
import pytest
from fastapi import Request, Response

from holdfast.db.transact import Caller, Record
from holdfast.db.urls import DatabaseUrls
from holdfast.http import commands
from holdfast.http.api import holds
from holdfast.http.app import build_app
from tests.clinic import NINE
from tests.http.conftest import SECRET, opened
from tests.http.houses import ADA, House, assert_problem, made, visit
from tests.http.server import served
from tests.postgres import PostgresForTests, superuser_url

# The mark is 50,000; each takes some 15 ms. HOLDFAST_R5_REQUESTS sets it.
REQUESTS = int(os.environ.get("HOLDFAST_R5_REQUESTS", "90"))
SEED = 20_260_306
SENDS_MAX = 5
PATIENCE_SECONDS = 60


@dataclass(frozen=True)
class Logical:
    """One thing that a client wants done once."""

    house: House
    key: str
    path: str
    body: dict[str, Any]
    sends: int
    together: bool
    cut: bool

    def send(self) -> httpx.Response:
        return self.house.desk.post(self.path, json=self.body, headers={"Idempotency-Key": self.key})

    def send_and_hang_up(self) -> None:
        """The whole request leaves, and nobody waits for the answer."""
        request = self.house.desk.build_request(
            "POST", self.path, json=self.body, headers={"Idempotency-Key": self.key}
        )
        lines = [f"POST {self.path} HTTP/1.1", *(f"{name}: {value}" for name, value in request.headers.items())]
        address = httpx.URL(self.house.url)
        with socket.create_connection((address.host, address.port or 80)) as connection:
            connection.sendall("\r\n".join([*lines, "", ""]).encode() + request.content)


@pytest.fixture(scope="module")
def houses(module_database: DatabaseUrls, server: str) -> Iterator[list[House]]:
    """Three organizations on one server."""
    with (
        opened(module_database, server, "north") as north,
        opened(module_database, server, "south") as south,
        opened(module_database, server, "west") as west,
    ):
        yield [north, south, west]


def planned(houses: list[House], count: int, chance: random.Random) -> list[Logical]:
    """``count`` requests; the organizations use the same key strings, each at times of its own."""
    requests = []
    for number in range(count):
        start = NINE + timedelta(days=1, minutes=30 * (number // len(houses)))
        asked = visit(start, "consult")
        books = chance.random() < 0.5
        requests.append(
            Logical(
                houses[number % len(houses)],
                f"key-{number // len(houses)}",
                "/v1/appointments" if books else "/v1/holds",
                asked | {"client": ADA} if books else asked,
                sends=chance.randint(1, SENDS_MAX),
                together=chance.random() < 0.3,
                cut=chance.random() < 0.2,
            )
        )
    return requests


def carried_out(request: Logical, threads: ThreadPoolExecutor) -> list[httpx.Response]:
    """Every answer but those that say "still being worked on"; at least one."""
    if request.cut:
        request.send_and_hang_up()
    if request.together:
        sent = [each.result() for each in [threads.submit(request.send) for _ in range(request.sends)]]
    else:
        sent = [request.send() for _ in range(request.sends)]
    answers = [each for each in sent if not in_progress(each)]
    give_up_at = time.monotonic() + PATIENCE_SECONDS
    while not answers:
        assert time.monotonic() < give_up_at
        answers = [each for each in [request.send()] if not in_progress(each)]
    return answers


def in_progress(response: httpx.Response) -> bool:
    if response.status_code != 409:
        return False
    assert_problem(response, 409, "request-in-progress")
    return True


def essence(response: httpx.Response) -> tuple[int, bytes, list[tuple[str, str]]]:
    """What a replay must repeat, byte for byte."""
    own = ("date", "idempotent-replayed")
    return response.status_code, response.content, [pair for pair in response.headers.items() if pair[0] not in own]


def effects(house: House) -> int:
    return int(house.clinic.desk.read("select count(*) as n from holdfast.hold")[0]["n"])


def test_one_effect_and_one_answer(houses: list[House]) -> None:
    chance = random.Random(SEED)
    requests = planned(houses, REQUESTS, chance)
    with ThreadPoolExecutor(SENDS_MAX) as threads:
        for request in requests:
            answers = carried_out(request, threads)
            first = answers[0]
            assert first.status_code == 201, (SEED, request, first.text)
            assert len({str(essence(each)) for each in answers}) == 1, (SEED, request)
            assert sum("idempotent-replayed" not in each.headers for each in answers) <= 1
            other = request.body | {"resources": {"provider": "ben"}}
            refused = request.house.desk.post(request.path, json=other, headers={"Idempotency-Key": request.key})
            assert_problem(refused, 422, "idempotency-key-reused")
    for house in houses:
        assert effects(house) == sum(request.house is house for request in requests), SEED


def test_a_key_may_be_quoted(houses: list[House]) -> None:
    body = visit(NINE + timedelta(days=200), "consult")
    bare = houses[0].desk.post("/v1/holds", json=body, headers={"Idempotency-Key": "quoted"})
    quoted = houses[0].desk.post("/v1/holds", json=body, headers={"Idempotency-Key": '"quoted"'})
    assert essence(bare) == essence(quoted)
    assert quoted.headers["idempotent-replayed"] == "true"


@pytest.mark.parametrize("key", ["", '""', "x" * 256, "caf\xe9", "tab\there"])
def test_keys_that_cannot_be_kept(houses: list[House], key: str) -> None:
    body = visit(NINE + timedelta(days=200), "consult")
    headers = {"Idempotency-Key": key.encode("latin-1")}
    assert_problem(houses[0].desk.post("/v1/holds", json=body, headers=headers), 422, "invalid")


def test_each_route_and_each_actor_has_keys_of_its_own(houses: list[House]) -> None:
    house, at = houses[0], NINE + timedelta(days=201)
    headers = {"Idempotency-Key": "everywhere"}
    answers = [
        house.desk.post("/v1/holds", json=visit(at, "consult"), headers=headers),
        house.manager.post("/v1/holds", json=visit(at, "consult"), headers=headers),
        house.desk.post(
            "/v1/appointments", json=visit(at + timedelta(hours=1), "consult", client=ADA), headers=headers
        ),
    ]
    assert len({made(each)["id"] for each in answers}) == 3
    one = made(answers[2])["id"]
    cancelled = house.desk.post(f"/v1/appointments/{one}/cancel", headers=headers)
    assert made(cancelled)["state"] == "cancelled"
    again = house.desk.post(f"/v1/appointments/{one}/cancel", headers=headers)
    assert essence(again) == essence(cancelled)


def test_a_refusal_is_not_kept_so_asking_again_asks_anew(houses: list[House]) -> None:
    house, at = houses[1], NINE + timedelta(days=202)
    ana = {"resources": {"provider": "ana"}}
    first = house.hold(at, "consult", **ana)
    headers = {"Idempotency-Key": "second-in-line"}
    refused = house.desk.post("/v1/holds", json=visit(at, "consult", **ana), headers=headers)
    assert_problem(refused, 409, "slot-taken")
    made(house.desk.delete(f"/v1/holds/{first['id']}"))
    assert made(house.desk.post("/v1/holds", json=visit(at, "consult", **ana), headers=headers))["state"] == "live"


def test_a_twin_in_flight_is_told_at_once(module_database: DatabaseUrls, houses: list[House]) -> None:
    house = houses[2]
    body, headers = visit(NINE + timedelta(days=203), "consult"), {"Idempotency-Key": "twins"}
    with (
        psycopg.connect(superuser_url(module_database), autocommit=True) as watcher,
        psycopg.connect(superuser_url(module_database)) as standing_in_the_way,
        ThreadPoolExecutor(1) as thread,
    ):
        standing_in_the_way.execute("select from holdfast.unit for update")
        first = thread.submit(house.desk.post, "/v1/holds", json=body, headers=headers)
        wait_for_a_blocked_session(watcher)
        twin = house.manager  # another connection of another client, with the desk's key
        told = twin.post("/v1/holds", json=body, headers=headers | {"Authorization": f"Bearer {house.keys['desk']}"})
        standing_in_the_way.rollback()
        assert_problem(told, 409, "request-in-progress")
        answered = first.result()
        assert answered.status_code == 201
        assert essence(house.desk.post("/v1/holds", json=body, headers=headers)) == essence(answered)


def wait_for_a_blocked_session(watcher: psycopg.Connection[Any]) -> None:
    give_up_at = time.monotonic() + PATIENCE_SECONDS
    waiting = "select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'"
    while time.monotonic() < give_up_at:
        if watcher.execute(waiting).fetchone() != (0,):  # type: ignore[call-overload]
            return
        threading.Event().wait(0.002)
    raise TimeoutError("nobody waited for the lock")


def test_control_a_key_kept_outside_the_transaction_doubles(
    postgres: PostgresForTests, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The usual recipe: look the key up, do the work, then keep the answer. Two that meet in between both book."""
    kept: dict[str, bytes] = {}
    meeting = asyncio.Barrier(2)

    async def naive(request: Request, caller: Caller, work: commands.Work) -> Response:
        key = request.headers["idempotency-key"]
        if key in kept:
            return Response(kept[key], 201)
        await asyncio.wait_for(meeting.wait(), PATIENCE_SECONDS)
        record: Record = request.app.state.record
        answer = await record.transact(caller, work)
        kept[key] = answer.body
        return Response(answer.body, answer.status)

    monkeypatch.setattr(holds, "run_command", naive)
    with (
        postgres.clone() as database,
        served(build_app(database.app, secret=SECRET, pool_size=4)) as url,
        opened(database, url, "naive") as house,
        ThreadPoolExecutor(2) as threads,
    ):
        for number in range(3):
            body = visit(NINE + timedelta(hours=number), "consult")
            headers = {"Idempotency-Key": f"key-{number}"}
            twins = [threads.submit(house.desk.post, "/v1/holds", json=body, headers=headers) for _ in range(2)]
            assert [each.result().status_code for each in twins] == [201, 201]
        assert effects(house) == 6, "the control must double, or the test above proves nothing"
