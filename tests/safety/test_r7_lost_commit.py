"""R7, the quiet phase: one commit, and the server is killed at once. What was acknowledged is there afterwards."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

import psycopg
import pytest

from holdfast.db.embedded import EmbeddedServer
from holdfast.db.migrate import Migrator
from holdfast.db.urls import DatabaseUrls
from tests.clinic import Desk, at, call, open_med_spa
from tests.postgres import data_directory, superuser_url

KILLS = int(os.environ.get("HOLDFAST_R7_KILLS", "10"))
CONTROL_KILLS = 3


def kill(urls: DatabaseUrls, directory: Path) -> None:
    """SIGKILL of the postmaster, by the number in its own file."""
    pid_file = (directory / "postgres").resolve() / "cluster" / "postmaster.pid"
    os.kill(int(pid_file.read_text().split("\n", 1)[0]), signal.SIGKILL)


def hold_and_kill(urls: DatabaseUrls, directory: Path, service_id: Any, location_id: Any, desk: Desk, n: int) -> Any:
    """The id of a hold whose commit was acknowledged right before the kill."""
    with psycopg.connect(urls.app, autocommit=True) as connection:
        with connection.transaction():
            Desk(connection, desk.organization_id).act()
            (held,) = call(connection, "place_hold", service_id=service_id, location_id=location_id, start=at(n * 120))
        kill(urls, directory)  # acknowledged: within microseconds
        return held["id"]


def lost_after_kills(settings: dict[str, str], kills: int) -> int:
    """How many acknowledged holds are gone after as many kills and restarts."""
    acknowledged = []
    with data_directory() as directory:
        server = EmbeddedServer(directory, settings=settings)
        urls = server.start()
        try:
            Migrator(urls.owner).apply()
            with psycopg.connect(urls.app, autocommit=True) as connection:
                spa = open_med_spa(connection)
            with psycopg.connect(superuser_url(urls), autocommit=True) as admin:
                admin.execute("checkpoint")  # so that what is asked about is the one commit, not the set-up
            for n in range(kills):
                acknowledged.append(hold_and_kill(urls, directory, spa.services["laser"], spa.location_id, spa.desk, n))
                server.stop()
                urls = server.start()
            with psycopg.connect(superuser_url(urls), autocommit=True) as admin:
                there = {row[0] for row in admin.execute("select id from holdfast.hold")}
        finally:
            server.stop()
    return len(set(acknowledged) - there)


@pytest.mark.timeout(900)
def test_no_acknowledged_hold_is_lost() -> None:
    assert lost_after_kills({}, KILLS) == 0


@pytest.mark.timeout(900)
def test_control_with_asynchronous_commit_holds_are_lost() -> None:
    lost = lost_after_kills({"synchronous_commit": "off", "wal_writer_delay": "10s"}, CONTROL_KILLS)
    assert lost > 0
