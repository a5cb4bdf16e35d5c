"""A schema that lives as long as a ``with`` block, for experiments beside the record and never in it.

Connections are plain and blocking: one for each thread. The few driver errors that an experiment wants to tell
apart come out as the exceptions below.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import TracebackType
from typing import Any

import psycopg
from psycopg import sql

from holdfast.errors import SetupRefused

# A client that dies must not leave the others waiting behind its locks.
_IDLE_IN_TRANSACTION_LIMIT = "10s"


class Deadlock(Exception):
    """The database chose this transaction as the victim of a cycle of locks (40P01)."""


class ConstraintRefused(Exception):
    """A constraint said no (23P01, 23505)."""


class Interrupted(Exception):
    """``ScratchSchema.interrupt`` cancelled the statement, or cut the connection."""


class ScratchConnection:
    """One thread's connection; its search path starts with the scratch schema. Every statement outside of
    ``transaction()`` commits by itself, at READ COMMITTED."""

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self._connection = connection

    def rows(self, statement: str, parameters: Sequence[Any] | None = None) -> list[tuple[Any, ...]]:
        """Run one statement and return its rows. Raises Deadlock, ConstraintRefused, Interrupted."""
        with _translated():
            return self._connection.execute(statement.encode(), parameters).fetchall()

    def execute(self, statement: str, parameters: Sequence[Any] | None = None) -> int:
        """Run one statement and return how many rows it wrote. Raises like ``rows``."""
        with _translated():
            return self._connection.execute(statement.encode(), parameters).rowcount

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Commit at the end of the block; roll back when it raises."""
        with _translated(), self._connection.transaction():
            yield

    def close(self) -> None:
        self._connection.close()


class ScratchSchema:
    """Creates a schema of a random name on entry and drops it with all that is in it on exit, whatever ended the block.

    Raises SetupRefused when the database cannot be reached or does not let the role create a schema.
    """

    def __init__(self, database_url: str, create_sql: str) -> None:
        self._database_url = database_url
        self._create_sql = create_sql
        self.name = f"holdfast_scratch_{secrets.token_hex(4)}"

    def __enter__(self) -> ScratchSchema:
        self._owner = self._open()
        try:
            self._owner.execute(sql.SQL("create schema {}").format(sql.Identifier(self.name)))
            self._owner.execute(self._create_sql.encode())
        except psycopg.Error as error:
            self._drop()
            raise SetupRefused(
                f"The scratch schema could not be created: {_first_line(error)}. "
                "Use a role that may create schemas and the extension btree_gist in this database."
            ) from error
        except BaseException:
            self._drop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._drop()

    def connect(self) -> ScratchConnection:
        """A connection for one thread. Raises SetupRefused."""
        return ScratchConnection(self._open())

    def interrupt(self) -> None:
        """Cut every connection of this schema but the owner's: what was under way there raises Interrupted."""
        self._owner.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity where application_name = %s and pid <> %s",
            (self.name, self._owner.info.backend_pid),
        )

    def _open(self) -> psycopg.Connection[Any]:
        options = (
            f"-c search_path={self.name},public -c idle_in_transaction_session_timeout={_IDLE_IN_TRANSACTION_LIMIT}"
        )
        try:
            return psycopg.connect(self._database_url, autocommit=True, application_name=self.name, options=options)
        except psycopg.Error as error:
            raise SetupRefused(
                f"The database did not let us in: {_first_line(error)}. "
                "Check the address; every client of the storm needs one connection below max_connections."
            ) from error

    def _drop(self) -> None:
        self.interrupt()
        self._owner.execute(sql.SQL("drop schema if exists {} cascade").format(sql.Identifier(self.name)))
        self._owner.close()


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except psycopg.errors.DeadlockDetected as error:
        raise Deadlock from error
    except (psycopg.errors.ExclusionViolation, psycopg.errors.UniqueViolation) as error:
        raise ConstraintRefused from error
    except psycopg.OperationalError as error:
        raise Interrupted from error


def _first_line(error: psycopg.Error) -> str:
    return (str(error).strip() or "no reason given").splitlines()[0]
