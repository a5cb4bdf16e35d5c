"""A server that speaks the few routes that a storm needs, in memory: honest, or one that locks by start time only.

The dishonest one is the negative control: a storm that does not convict it proves nothing about Holdfast.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

KEY = "key-of-the-stand-in"
VISIT = timedelta(minutes=60)
ROLES = {"provider": "res_p", "room": "res_r", "device": "res_d"}


@dataclass
class StandIn:
    """``honest`` False: only equal starts exclude each other. ``busy_first``: so many first tries meet a 503.
    ``drop``: leave one claim out of every answer."""

    honest: bool = True
    busy_first: int = 0
    drop: bool = False
    url: str = ""
    held: dict[str, dict[str, Any]] = field(default_factory=dict)
    keys: list[str] = field(default_factory=list)
    surfaces: set[str] = field(default_factory=set)
    _guard: threading.Lock = field(default_factory=threading.Lock)

    def offers(self) -> list[dict[str, Any]]:
        day = datetime.now(UTC).replace(hour=9, minute=0, second=0, microsecond=0) + timedelta(days=2)
        starts = [day + timedelta(days=days, minutes=15 * n) for days in range(3) for n in range(28)]
        resources = [{"role": role, "resource": id_} for role, id_ in ROLES.items()]
        return [
            {"start": at.isoformat(), "end": (at + VISIT).isoformat(), "location": "loc_1", "resources": resources}
            for at in starts
        ]

    def hold(self, key: str, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        start = datetime.fromisoformat(body["start"])
        end = start + VISIT
        with self._guard:
            self.keys.append(key)
            self.surfaces.add(body["surface"])
            if self.busy_first > 0:
                self.busy_first -= 1
                return 503, {"type": "https://holdfast.invalid/problems/busy"}
            if any(self._excludes(hold, start, end) for hold in self.held.values()):
                return 409, {"type": "https://holdfast.invalid/problems/slot-taken"}
            claims = [
                {"role": role, "resource": id_, "unit": f"unt_{id_}", "start": str(start), "end": str(end)}
                for role, id_ in body["resources"].items()
            ]
            granted = {
                "id": f"hld_{len(self.keys)}",
                "expires_at": (datetime.now(UTC) + timedelta(minutes=5)).isoformat(),
                "start": start.isoformat(),
                "end": end.isoformat(),
                "claims": claims[1:] if self.drop else claims,
            }
            self.held[granted["id"]] = granted
            return 201, granted

    def _excludes(self, hold: dict[str, Any], start: datetime, end: datetime) -> bool:
        held_from, held_to = datetime.fromisoformat(hold["start"]), datetime.fromisoformat(hold["end"])
        return held_from < end and start < held_to if self.honest else held_from == start


@contextmanager
def serving(stand_in: StandIn) -> Iterator[StandIn]:
    """The stand-in on a free port of 127.0.0.1 while the block runs."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            path = self.path.split("?")[0]
            bodies = {
                "/v1/locations": {"items": [{"id": "loc_1"}], "next": None},
                "/v1/services": {"items": [{"id": "svc_1"}], "next": None},
                "/v1/availability": {"slots": stand_in.offers()},
            }
            if self.headers["Authorization"] == f"Bearer {KEY}":
                self._answer(200, bodies[path])
            else:
                self._answer(401, {})

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            self._answer(*stand_in.hold(self.headers["Idempotency-Key"], body))

        def do_DELETE(self) -> None:
            gone = stand_in.held.pop(self.path.rsplit("/", 1)[1], None)
            self._answer(204 if gone else 404, None)

        def _answer(self, status: int, body: dict[str, Any] | None) -> None:
            text = b"" if body is None else json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(text)))
            if status == 503:
                self.send_header("Retry-After", "0")
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        stand_in.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield stand_in
        finally:
            server.shutdown()
            thread.join()
