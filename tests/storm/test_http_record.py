"""The real application under storm: HTTP, pool, SQL functions and guard together."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import pytest
import uvicorn

from holdfast.access.service import new_api_key
from holdfast.cli.serve import KEEP_ALIVE_SECONDS
from holdfast.db.blocking import BlockingConnection
from holdfast.db.urls import DatabaseUrls
from holdfast.http.app import build_app
from holdfast.insight.storm.http_target import HttpArena
from holdfast.insight.storm.plan import Plan, make_plan, synthetic_slots
from holdfast.insight.storm.record_arena import stock_organization
from holdfast.insight.storm.report import summarize
from holdfast.insight.storm.runner import run_storm
from tests.http.server import patient

SURFACES = ["desk", "phone", "walk_in"]


@contextmanager
def serving(urls: DatabaseUrls) -> Iterator[str]:
    """The application on a free port of 127.0.0.1, in a thread of this process."""
    config = uvicorn.Config(
        build_app(urls.app, secret=b"x" * 32),
        port=0,
        log_level="warning",
        lifespan="on",
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    try:
        with patient():
            thread.start()
            while not server.started:
                assert thread.is_alive()
                thread.join(0.01)
        port = server.servers[0].sockets[0].getsockname()[1]
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join()


@pytest.fixture
def plan() -> Plan:
    start = datetime.now(UTC).replace(hour=9, minute=0, second=0, microsecond=0) + timedelta(days=1)
    return make_plan(synthetic_slots(10, 3, start), clients=16, attempts=160, surfaces=SURFACES, seed=21)


def test_exactly_one_winner_a_slot_through_http(database: DatabaseUrls, plan: Plan) -> None:
    owner = BlockingConnection(database.owner, application_name="test", search_path="holdfast")
    key = new_api_key("storm")
    with owner.transaction():
        catalog = stock_organization(owner, plan)
        owner.rows("select act_as(%s, 'system', 'system')", (catalog.organization_id,))
        owner.rows(
            "select create_api_key('Storm', sha256(%s::text::bytea), %s, '{read,book}', %s)", (key, key[-4:], SURFACES)
        )
    with serving(database) as url:
        arena = HttpArena(url, key, database.owner)
        summary = summarize(run_storm(plan, arena, seconds=240, progress=lambda done, held: None), arena)
        assert (summary.attempts, summary.failed, summary.overlaps, summary.partial_visits) == (160, {}, 0, 0)
        assert summary.slots_contested == summary.slots_with_one_winner == summary.held == 10
        assert summary.refused == {"slot-taken": 150}
        assert summary.overlaps_by_sql == 0
        assert owner.rows("select count(*) from claim where active") == [(30,)]
        assert arena.release() == 10
    assert owner.rows("select count(*) from claim where active") == [(0,)]
    owner.close()
