"""The application's connections: few, with short limits, so that one stuck session cannot stop the desk."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final, TypeAlias

from psycopg import AsyncConnection
from psycopg_pool import AsyncConnectionPool, PoolTimeout, TooManyRequests

from holdfast.errors import Busy

# Sent with the connection request rather than by SET, so RESET and DISCARD ALL go back to these and not to none.
SESSION_SETTINGS: Final = {
    "lock_timeout": "2s",
    "statement_timeout": "5s",
    "idle_in_transaction_session_timeout": "5s",
    "timezone": "UTC",
}
# The worker's role does not wait for the disk. What a crash takes back is the end of the log, whole: a job goes with
# the relay's position, an attempt with the job's end, and all of it is done again. Bookings, which wait, share the
# disk.
WORKER_SETTINGS: Final = SESSION_SETTINGS | {"synchronous_commit": "off"}
WAIT_SECONDS: Final = 2.0
OPEN_SECONDS: Final = 10.0
# Beyond this many waiters each would outlast WAIT_SECONDS, so they are refused at once instead of after a wait.
WAITERS_PER_CONNECTION: Final = 20

AnyConnection: TypeAlias = AsyncConnection[tuple[Any, ...]]


def session_options(settings: dict[str, str] = SESSION_SETTINGS) -> str:
    """The libpq ``options`` string that sets these for a session."""
    return " ".join(f"-c {name}={value}" for name, value in settings.items())


class Pool:
    """Connections as the application's role. Open it inside the event loop that uses it; close it at the end."""

    def __init__(
        self,
        app_url: str,
        *,
        size: int,
        application_name: str = "holdfast",
        settings: dict[str, str] = SESSION_SETTINGS,
    ) -> None:
        self._pool: AsyncConnectionPool[AnyConnection] = AsyncConnectionPool(
            app_url,
            min_size=min(size, 2),
            max_size=size,
            open=False,
            timeout=WAIT_SECONDS,
            max_waiting=size * WAITERS_PER_CONNECTION,
            kwargs={"options": session_options(settings), "application_name": application_name, "autocommit": True},
        )

    async def open(self) -> None:
        """Connect; returns when the first connections stand. Raises Busy when the database does not answer."""
        try:
            await self._pool.open(wait=True, timeout=OPEN_SECONDS)
        except PoolTimeout:
            await self._pool.close()
            raise Busy("The database does not answer.", retry_after_seconds=5) from None

    async def close(self) -> None:
        """Give back every connection; waits for those in use."""
        await self._pool.close()

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[AnyConnection]:
        """A connection in autocommit. A transaction begun on it is committed at the end, rolled back on an exception.

        Raises Busy, with ``retry_after_seconds``, when none is free in time; nothing was done then.
        """
        try:
            async with self._pool.connection() as connection:
                yield connection
        except (PoolTimeout, TooManyRequests):
            raise Busy(retry_after_seconds=1) from None
