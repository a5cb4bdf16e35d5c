"""Two transactions side by side, stepped: a statement runs in a thread, and pg_stat_activity tells whether it waits."""

from __future__ import annotations

import time
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any
from uuid import UUID

import psycopg

from tests.clinic import call, refusal

PATIENCE_SECONDS = 90
_WAITS = "select wait_event_type = 'Lock' and state = 'active' from pg_stat_activity where pid = %s"


class Stepper:
    """One connection in a transaction of its own. ``run`` starts a command; it finishes, or waits for a lock."""

    def __init__(self, app_url: str) -> None:
        self._connection = psycopg.connect(app_url, autocommit=True)
        self._watcher = psycopg.connect(app_url, autocommit=True)
        self._thread = ThreadPoolExecutor(1)
        self._running: Future[str] | None = None
        self.answer: list[dict[str, Any]] = []

    def __enter__(self) -> Stepper:
        return self

    def __exit__(self, *exception: object) -> None:
        self._connection.cancel()
        self._thread.shutdown()
        self._connection.close()
        self._watcher.close()

    def begin(self, organization_id: UUID, isolation: str = "read committed") -> None:
        self._connection.execute(f"begin isolation level {isolation}")  # type: ignore[arg-type]
        self._connection.execute("select holdfast.act_as(%s, 'key_desk', 'desk')", (organization_id,))

    def run(self, function: str, **parameters: Any) -> None:
        """Start a command of the record; do not wait for it."""
        self._running = self._thread.submit(self._run, function, parameters)

    def _run(self, function: str, parameters: dict[str, Any]) -> str:
        try:
            self.answer = call(self._connection, function, **parameters)
        except psycopg.Error as error:
            refused = refusal(error)
            return refused.rule if refused else str(error.sqlstate)
        return "done"

    def blocked(self) -> bool:
        """True when the command waits for somebody's lock now."""
        row = self._watcher.execute(_WAITS, (self._connection.info.backend_pid,)).fetchone()
        return bool(row and row[0])

    def finished(self) -> bool:
        return not self.finished_or_blocked()

    def finished_or_blocked(self) -> bool:
        """Wait until the command has finished (False) or stands waiting for a lock (True)."""
        assert self._running is not None
        give_up_at = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < give_up_at:
            if self._running.done():
                return False
            if self.blocked():
                return True
            time.sleep(0.001)
        raise TimeoutError("the command neither finished nor waited for a lock")

    def outcome(self) -> str:
        """``done``, the rule that refused it, or the SQLSTATE."""
        assert self._running is not None
        return self._running.result(PATIENCE_SECONDS)

    def commit(self) -> str:
        """``done`` or the SQLSTATE that the commit met."""
        return self._end("commit")

    def rollback(self) -> None:
        self._end("rollback")

    def _end(self, how: str) -> str:
        try:
            self._connection.execute(how)  # type: ignore[arg-type]
        except psycopg.Error as error:
            refused = refusal(error)
            return refused.rule if refused else str(error.sqlstate)
        return "done"
