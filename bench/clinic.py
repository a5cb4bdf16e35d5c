"""A clinic to measure on: a durable PostgreSQL of its own, one service that needs a provider, a room and a device."""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from socket import socket
from typing import Any

import psycopg

from holdfast.db.embedded import EmbeddedServer
from holdfast.db.migrate import Migrator

WEB_PROCESSES = 2


@dataclass(frozen=True)
class Clinic:
    """``location_ids[i]`` has a provider, a room and a device of its own: as many independent clinics as there are."""

    owner_url: str
    app_url: str
    organization_id: str
    service_id: str
    location_ids: list[str]
    api_key: str


@contextmanager
def clinic(locations: int = 16) -> Iterator[Clinic]:
    """A migrated database with the settings that production has, dropped at the end."""
    with tempfile.TemporaryDirectory(prefix="holdfast-bench-", ignore_cleanup_errors=True) as name:
        Path(name).chmod(0o711)
        with EmbeddedServer(Path(name)) as urls:
            Migrator(urls.owner).apply()
            with psycopg.connect(urls.owner, autocommit=True) as connection:
                yield _fill(connection, urls.owner, urls.app, locations)


def _fill(connection: psycopg.Connection[Any], owner_url: str, app_url: str, locations: int) -> Clinic:
    def one(query: str, *values: Any) -> Any:
        row = connection.execute(query, values).fetchone()
        assert row is not None
        return row[0]

    key = "hf_bench_" + secrets.token_hex(32)
    organization_id = one("select holdfast.create_organization('bench', 'Bench')")
    with connection.transaction():
        connection.execute("select holdfast.act_as(%s, 'system', 'system')", (organization_id,))
        members: dict[str, list[dict[str, str]]] = {"provider": [], "room": [], "device": []}
        location_ids = []
        for number in range(locations):
            location_id = one("select holdfast.put_location(%s, %s, 'America/Chicago')", f"l{number}", f"L{number}")
            location_ids.append(str(location_id))
            for kind, found in members.items():
                resource_id = one(
                    "select holdfast.put_resource(%s, %s, %s, %s::uuid[])",
                    f"{kind}-{number}",
                    f"{kind} {number}",
                    kind,
                    [location_id],
                )
                found.append({"resource_id": str(resource_id)})
        requirements = [
            {
                "role": kind,
                "pool_id": str(one("select holdfast.put_pool(%s, %s, %s)", kind, kind, json.dumps(found))),
                "quantity": 1,
                "segment_start_minutes": 0,
                "segment_minutes": 45,
                "buffer_before_minutes": 0,
                "buffer_after_minutes": 15,
            }
            for kind, found in members.items()
        ]
        service_id = one(
            "select holdfast.put_service('ipl', 'IPL', 'Laser', 45, 34000, %s::uuid[], %s)",
            location_ids,
            json.dumps(requirements),
        )
        one(
            "select holdfast.create_api_key('bench', %s, 'none', array['read', 'book'], array['desk', 'walk_in'])",
            sha256(key.encode()).digest(),
        )
    return Clinic(owner_url, app_url, str(organization_id), str(service_id), location_ids, key)


@contextmanager
def web(found: Clinic, processes: int = WEB_PROCESSES) -> Iterator[int]:
    """The web application as `holdfast serve` runs it with so many processes; its port on 127.0.0.1."""
    with socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    served = [sys.executable, "-m", "uvicorn", "--factory", "holdfast.http.app:create_app", "--port", str(port)]
    served += ["--workers", str(processes), "--log-level", "warning", "--no-access-log"]
    settings = {"HOLDFAST_APP_DATABASE_URL": found.app_url, "HOLDFAST_SECRET_KEY": "bench" * 8}
    with subprocess.Popen(served, env={**os.environ, **settings}) as process:
        try:
            for _ in range(1200):
                try:
                    urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=1)
                    break
                except OSError:
                    time.sleep(0.05)
            yield port
        finally:
            process.terminate()
