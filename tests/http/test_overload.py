"""More than can be done: refused at once with Retry-After, never queued without end, nothing half-done (R12)."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest

from holdfast.db.pool import WAITERS_PER_CONNECTION
from holdfast.db.urls import DatabaseUrls
from holdfast.http.app import build_app
from tests.clinic import NINE
from tests.http.conftest import SECRET, opened
from tests.http.houses import House, assert_problem, made, visit
from tests.http.server import served
from tests.http.test_idempotency import effects, wait_for_a_blocked_session
from tests.postgres import superuser_url

TOO_MANY = 6


@pytest.fixture
def narrow(database: DatabaseUrls) -> Iterator[House]:
    """A server with a single connection."""
    with narrow_house(database) as house:
        yield house


@contextmanager
def narrow_house(database: DatabaseUrls, *, short_limits: bool = False) -> Iterator[House]:
    app = build_app(database.app, secret=SECRET, pool_size=1)
    with served(app, short_limits=short_limits) as url, opened(database, url, "narrow") as house:
        made(house.desk.get("/v1/locations"))  # the key is known from now on
        yield house


@contextmanager
def stuck(database: DatabaseUrls, house: House, threads: ThreadPoolExecutor) -> Iterator[tuple[Any, Any]]:
    """The only connection stands in a lock: (the request that waits, a session of the superuser)."""
    with (
        psycopg.connect(superuser_url(database), autocommit=True) as watcher,
        psycopg.connect(superuser_url(database)) as locker,
    ):
        locker.execute("select from holdfast.unit for update")
        waits = threads.submit(house.desk.post, "/v1/holds", json=visit(NINE, "consult"))
        wait_for_a_blocked_session(watcher)
        yield waits, watcher
        locker.rollback()


def test_the_queue_has_an_end(database: DatabaseUrls, narrow: House) -> None:
    count = WAITERS_PER_CONNECTION + TOO_MANY
    with ThreadPoolExecutor(count + 1) as threads:
        with stuck(database, narrow, threads) as (waits, _):
            asked = {threads.submit(narrow.desk.get, "/v1/locations") for _ in range(count)}
            refused = set[Any]()
            while len(refused) < TOO_MANY:
                refused, asked = (refused | (done := wait(asked, 20, FIRST_COMPLETED).done), asked - done)
            assert not waits.done(), "the refusals came while the connection was still taken"
        for each in refused:
            assert assert_problem(each.result(), 503, "busy")["retry_after_seconds"] == 1
        assert [each.result().status_code for each in asked] == [200] * WAITERS_PER_CONNECTION
        made(waits.result())


def test_a_lock_that_is_not_given_back(database: DatabaseUrls) -> None:
    with narrow_house(database, short_limits=True) as house:
        with ThreadPoolExecutor(1) as threads, stuck(database, house, threads) as (waits, _):
            assert_problem(waits.result(), 503, "busy")
        assert effects(house) == 0


def test_a_connection_that_is_lost(database: DatabaseUrls, narrow: House) -> None:
    with ThreadPoolExecutor(1) as threads, stuck(database, narrow, threads) as (waits, watcher):
        watcher.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity "
            "where datname = current_database() and application_name = 'holdfast' and wait_event_type = 'Lock'"
        )
        assert_problem(waits.result(), 503, "busy")
    made(narrow.desk.post("/v1/holds", json=visit(NINE, "consult")))
    assert effects(narrow) == 1
