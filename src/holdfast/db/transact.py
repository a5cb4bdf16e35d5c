"""One command, one transaction: who acts is said first, the commit is done before the answer leaves.

Refusals come out as domain errors. A deadlock or a serialization failure, which mean "nothing was done, try again", is
tried again here; what remains is Busy.
"""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, Final, TypeVar
from uuid import UUID

import psycopg
from psycopg import AsyncConnection, sql
from psycopg.rows import class_row, dict_row

from holdfast.db.constraints import domain_error
from holdfast.db.pool import Pool
from holdfast.errors import Bug, Busy, HoldfastError, Invalid

T = TypeVar("T")

ATTEMPTS: Final = 4
_REFUSED: Final = "HF001"  # raised by refuse() in the SQL
_TRY_AGAIN: Final = frozenset({"40001", "40P01"})  # serialization failure, deadlock
_OVERLOADED: Final = frozenset({"55P03", "57014", "53300", "53400", "25P03", "25P04"})  # timeouts, too many connections


@dataclass(frozen=True, slots=True)
class Caller:
    """Who acts: an organization, an actor within it (``key_…``, ``system``) and the surface the request came in by."""

    organization_id: UUID
    actor: str
    surface: str


@dataclass(frozen=True, slots=True)
class Scene:
    """What a transaction is told as it begins, at no further cost.

    ``catalog_version`` moves with every change of what can be booked; ``began_at`` is the database's clock; ``seen``
    stands for the transactions that had finished (PostgreSQL's pg_snapshot), and is older than anything read later.
    """

    caller: Caller
    catalog_version: int
    began_at: datetime
    seen: str


class Transaction:
    """An open transaction in which a Caller acts. Sees and changes rows of that organization only.

    Queries come from the package's own ``.sql`` files; values always travel as parameters.
    """

    def __init__(self, connection: AsyncConnection[Any], scene: Scene | None = None) -> None:
        self._connection = connection
        self._scene = scene

    @property
    def scene(self) -> Scene:
        """Who acts, and when. Raises Bug in an unscoped transaction, where nobody does."""
        if self._scene is None:
            raise Bug
        return self._scene

    @property
    def connection(self) -> AsyncConnection[Any]:
        """The driver's connection, for a library that takes part in this transaction (the job queue)."""
        return self._connection

    async def rows(self, row_type: type[T], query: str, **parameters: Any) -> list[T]:
        """Every row as a ``row_type``; its field names are the query's column names."""
        with _refusals():
            async with self._connection.cursor(row_factory=class_row(row_type)) as cursor:
                await cursor.execute(query, parameters)
                return await cursor.fetchall()

    async def one(self, row_type: type[T], query: str, **parameters: Any) -> T | None:
        """The first row as a ``row_type``, or None."""
        with _refusals():
            async with self._connection.cursor(row_factory=class_row(row_type)) as cursor:
                await cursor.execute(query, parameters)
                return await cursor.fetchone()

    async def records(self, query: str, **parameters: Any) -> list[dict[str, Any]]:
        """Every row as a dictionary by column name."""
        with _refusals():
            async with self._connection.cursor(row_factory=dict_row) as cursor:
                await cursor.execute(query, parameters)
                return await cursor.fetchall()

    async def tuples(self, query: str, **parameters: Any) -> list[tuple[Any, ...]]:
        """Every row as a plain tuple: for the queries that answer with thousands."""
        with _refusals():
            cursor = await self._connection.execute(query, parameters)
            return await cursor.fetchall()

    async def value(self, query: str, **parameters: Any) -> Any:
        """The first column of the first row, or None."""
        with _refusals():
            cursor = await self._connection.execute(query, parameters)
            row = await cursor.fetchone()
            return row[0] if row else None

    async def run(self, query: str, **parameters: Any) -> None:
        """A command whose answer nobody needs."""
        with _refusals():
            await self._connection.execute(query, parameters)

    @asynccontextmanager
    async def attempt(self) -> AsyncIterator[None]:
        """A part that may fail by itself: an exception undoes what it did, and the transaction can go on."""
        async with self._connection.transaction():
            yield


class Record:
    """The database as the application uses it: through one pool, as the lesser role."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def transact(self, caller: Caller, work: Callable[[Transaction], Awaitable[T]]) -> T:
        """Run ``work`` in a transaction as ``caller`` and commit. ``work`` may run again, so it must not act outside.

        Raises the domain error of whatever the record refused; Busy when the database is overloaded or away.
        """
        for attempt in range(ATTEMPTS):
            try:
                async with self._transaction(caller) as transaction:
                    return await work(transaction)
            except psycopg.Error as error:
                if error.sqlstate not in _TRY_AGAIN:
                    raise _translate(error) from error
            # whoever we met is about to finish; the jitter keeps two losers from meeting again
            await asyncio.sleep(random.uniform(0.002, 0.02) * 2**attempt)  # noqa: S311
        raise Busy(retry_after_seconds=1)

    async def unscoped(self, work: Callable[[Transaction], Awaitable[T]]) -> T:
        """Run ``work`` as nobody: no organization's row is visible. For authentication and creating organizations."""
        try:
            async with self._pool.connection() as connection, connection.transaction():
                return await work(Transaction(connection))
        except psycopg.Error as error:
            raise _translate(error) from error

    @asynccontextmanager
    async def _transaction(self, caller: Caller) -> AsyncIterator[Transaction]:
        async with self._pool.connection() as connection:
            told = await connection.execute(_begin(caller))
            told.nextset()
            version, began_at, seen = await told.fetchone() or (None, None, None)
            yield Transaction(connection, Scene(caller, version or 0, began_at.astimezone(UTC), seen))


@lru_cache(maxsize=1000)
def _begin(caller: Caller) -> str:
    # One message to the server instead of two: without parameters, statements may travel together.
    organization, actor, surface = (
        sql.Literal(each).as_string() for each in (caller.organization_id, caller.actor, caller.surface)
    )
    select = "select catalog_version, at, seen::text from holdfast.act_as"
    return f"begin; {select}({organization}, {actor}, {surface})"


@contextmanager
def _refusals() -> Iterator[None]:
    """Domain errors for what the record refuses; what asks to be tried again is left to ``Record.transact``."""
    try:
        yield
    except psycopg.Error as error:
        if error.sqlstate in _TRY_AGAIN:
            raise
        raise _translate(error) from error


def _translate(error: psycopg.Error) -> HoldfastError:
    state, name = error.sqlstate, error.diag.constraint_name
    if state == _REFUSED and name:
        return domain_error(name, json.loads(error.diag.message_detail or "{}"))
    if name and state and state.startswith("23"):
        return domain_error(name, {})
    if isinstance(error, psycopg.DataError):  # with a state from the server, or without one from the driver (a NUL)
        return Invalid("A value is out of range or has characters that cannot be stored.")
    lost = state is None and isinstance(error, psycopg.OperationalError | psycopg.InterfaceError)
    if lost or state in _OVERLOADED or (state and state.startswith(("08", "57P"))):
        return Busy(retry_after_seconds=1)
    return Bug(sqlstate=state)
