"""A session that is alone: one connection that holds one advisory lock, for work that only one may do at a time.

Lock and work share the connection, so whoever lost the lock has lost the means to work. A holder that stops asking (its
machine hangs, the network is cut) is dropped by the server after SILENCE_SECONDS, and the lock with it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Final, TypeVar

import psycopg
from psycopg import AsyncConnection

from holdfast.db.pool import WORKER_SETTINGS, session_options
from holdfast.db.transact import Transaction
from holdfast.errors import Busy

T = TypeVar("T")

SILENCE_SECONDS: Final = 10


class LoneSession:
    """A connection that may hold the lock. Its methods raise Busy when the connection is lost; then open a new one."""

    def __init__(self, connection: AsyncConnection[Any], key: int) -> None:
        self._connection = connection
        self._key = key

    @classmethod
    async def open(cls, url: str, *, key: int, application_name: str, search_path: str = "public") -> LoneSession:
        """Connect; nothing is locked yet. Raises Busy when the database cannot be reached."""
        settings = WORKER_SETTINGS | {"search_path": search_path, "idle_session_timeout": f"{SILENCE_SECONDS}s"}
        try:
            connection = await AsyncConnection.connect(
                url, autocommit=True, options=session_options(settings), application_name=application_name
            )
        except psycopg.Error as error:
            raise Busy("The database does not answer.", retry_after_seconds=1) from error
        return cls(connection, key)

    async def close(self) -> None:
        """Disconnect, which gives back the lock."""
        await self._connection.close()

    async def try_lock(self) -> bool:
        """Take the lock if nobody has it. Taking it once is enough: it lasts as long as the session."""
        return bool(await self.transact(lambda tx: tx.value("select pg_try_advisory_lock(%(key)s)", key=self._key)))

    async def transact(self, work: Callable[[Transaction], Awaitable[T]]) -> T:
        """Run ``work`` in a transaction of this session and commit."""
        try:
            async with self._connection.transaction():
                return await work(Transaction(self._connection))
        except psycopg.Error as error:
            raise Busy("The session was lost.", retry_after_seconds=1) from error
