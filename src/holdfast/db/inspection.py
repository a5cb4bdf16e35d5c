"""Reading every organization's rows as the owner, for checks of the record: one moment, read only, without indexes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final, TypeVar

import psycopg
from psycopg.rows import class_row

from holdfast.errors import SetupRefused

T = TypeVar("T")

# A damaged index would hide the very rows that a check looks for, so the planner is kept to the tables themselves.
_WITHOUT_INDEXES: Final = (
    "set local enable_indexscan = off; set local enable_bitmapscan = off; set local enable_indexonlyscan = off"
)
_PAGE_ROWS: Final = 5_000


class Inspection:
    """A transaction that sees the whole record as it was when it began."""

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self._connection = connection

    def rows(self, row_type: type[T], query: str, **parameters: Any) -> list[T]:
        """Every row as a ``row_type``; its field names are the query's column names."""
        with self._connection.cursor(row_factory=class_row(row_type)) as cursor:
            cursor.execute(query, parameters)
            return cursor.fetchall()

    def stream(self, row_type: type[T], query: str, **parameters: Any) -> Iterator[T]:
        """The rows one after the other, a page in memory at a time."""
        with self._connection.cursor("stream", row_factory=class_row(row_type)) as cursor:
            cursor.itersize = _PAGE_ROWS
            yield from cursor.execute(query, parameters)


@contextmanager
def inspect(owner_url: str) -> Iterator[Inspection]:
    """An inspection as the owner. Raises SetupRefused when the database cannot be reached or was never migrated."""
    try:
        connection = psycopg.connect(owner_url, application_name="holdfast doctor", options="-c timezone=UTC")
    except psycopg.OperationalError as error:
        raise SetupRefused(f"The database cannot be reached: {str(error).partition(chr(10))[0]}") from error
    with connection:
        connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        connection.read_only = True
        if connection.execute("select to_regclass('holdfast.event')").fetchone() == (None,):
            raise SetupRefused("The database holds no record yet. Run: holdfast migrate")
        connection.execute(_WITHOUT_INDEXES)
        yield Inspection(connection)
