"""The figures for a monitor: numbers, and on this machine's own address."""

from __future__ import annotations

from dataclasses import replace

import httpx
import psycopg
import pytest

from holdfast.db.urls import DatabaseUrls
from holdfast.errors import SetupRefused
from holdfast.insight.doctor import warn
from holdfast.log.backlog import Backlog, warnings
from holdfast.worker.chores import measure
from holdfast.worker.metrics import Metrics, serve_metrics
from holdfast.worker.run import open_means
from tests.cli.test_serve import free_port
from tests.clinic import CLIENT, Clinic
from tests.worker.running import worker_settings


async def test_what_waits_is_counted_without_a_name(spa: Clinic, database: DatabaseUrls) -> None:
    spa.book("laser", 0)
    async with open_means(worker_settings(database)) as means:
        await measure(means)
        port = free_port()
        with serve_metrics(means.metrics, "127.0.0.1", port):
            async with httpx.AsyncClient(trust_env=False) as client:
                text = (await client.get(f"http://127.0.0.1:{port}/metrics")).text
            with (
                pytest.raises(SetupRefused, match="HOLDFAST_METRICS_PORT"),
                serve_metrics(Metrics(), "127.0.0.1", port),
            ):
                pass
    lines = dict(line.rsplit(" ", 1) for line in text.splitlines() if not line.startswith("#"))
    assert float(lines['holdfast_backlog_waiting{what="events"}']) > 0
    assert lines['holdfast_backlog_stuck{what="messages"}'] == "0.0"
    for private in (CLIENT["name"], CLIENT["email"], str(spa.organization_id)):
        assert private not in text


def test_nothing_is_served_unless_it_is_asked_for() -> None:
    with serve_metrics(Metrics(), "127.0.0.1", None):
        pass


def test_what_waits_long_or_is_stuck_is_said_in_plain_words() -> None:
    well = Backlog("messages", 3, 20.0, 0)
    assert warnings([well]) == []
    assert warnings([replace(well, seconds=660.0)]) == [
        "3 messages to clients wait, the first for 11 minutes. Does `holdfast worker` run?"
    ]
    assert warnings([replace(well, stuck=2)]) == [
        "2 messages to clients could not be sent, and need a person: `holdfast messages list` says why."
    ]


def test_the_record_tells_what_waits(spa: Clinic, database: DatabaseUrls) -> None:
    spa.book("laser", 0)
    assert warn(database) == []
    with psycopg.connect(database.owner, autocommit=True) as owner:
        owner.execute("update holdfast.event set at = at - interval '1 hour'")
    assert [warning for warning in warn(database) if "60 minutes" in warning]
