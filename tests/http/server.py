"""The application behind a real web server, in a thread, for tests that speak HTTP."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

import pytest
import uvicorn
from fastapi import FastAPI

from holdfast.cli.serve import KEEP_ALIVE_SECONDS
from holdfast.db import pool


class _Announcing(uvicorn.Server):
    """Says when it listens, so that nobody has to poll."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.listens = threading.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.listens.set()


@contextmanager
def patient() -> Iterator[None]:
    """Pools that are made meanwhile have limits that no busy machine reaches, only what never ends."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pool, "WAIT_SECONDS", 60.0)
        for name in ("lock_timeout", "statement_timeout", "idle_in_transaction_session_timeout"):
            patch.setitem(pool.SESSION_SETTINGS, name, "60s")
        yield


@contextmanager
def served(app: FastAPI, *, short_limits: bool = False, **options: Any) -> Iterator[str]:
    """The URL of ``app`` on a free port, as ``holdfast serve`` would run it.

    But for its patience: what takes too long is refused only with ``short_limits``, for the tests of that.
    """
    with socket.create_server(("127.0.0.1", 0), backlog=2048) as listener:
        config = uvicorn.Config(
            app, lifespan="on", log_config=None, access_log=False, server_header=False, loop="asyncio",
            timeout_keep_alive=KEEP_ALIVE_SECONDS, **options,
        )  # fmt: skip
        server = _Announcing(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        with nullcontext() if short_limits else patient():
            thread.start()
            assert server.listens.wait(90), "the server did not start"
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join(30)


def raw(url: str, request: bytes) -> bytes:
    """Send these bytes and read until the server closes: for requests that no client library would send."""
    host, port = url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=60) as connection:
        connection.sendall(request)
        answer = b""
        while chunk := connection.recv(65536):
            answer += chunk
        return answer
