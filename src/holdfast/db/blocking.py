"""Plain blocking connections, one for each thread, for tools that stand beside the application (which is async).

The few driver errors that such a tool wants to tell apart come out as the exceptions below; a rule of the record that
said no comes out as its domain error.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import psycopg

from holdfast.db.constraints import domain_error
from holdfast.errors import SetupRefused

# A client that dies must not leave the others waiting behind its locks.
_IDLE_IN_TRANSACTION_LIMIT = "10s"
_RULE_REFUSED = "HF001"
# Connection trouble, a transaction that idled too long, an operator (or the storm) that cancelled or shut down.
_CUT_SHORT = ("08", "25P", "57")


Parameters = Sequence[Any] | Mapping[str, Any] | None


class Deadlock(Exception):
    """The database chose this transaction as the victim of a cycle of locks (40P01)."""


class ConstraintRefused(Exception):
    """A constraint said no (23P01, 23505)."""


class Interrupted(Exception):
    """The statement was cancelled, or the connection is gone."""


class BlockingConnection:
    """One thread's connection. A statement outside of ``transaction()`` commits by itself, at READ COMMITTED."""

    def __init__(self, url: str, *, application_name: str, search_path: str) -> None:
        """Raises SetupRefused when the database does not let us in."""
        options = f"-c search_path={search_path} -c idle_in_transaction_session_timeout={_IDLE_IN_TRANSACTION_LIMIT}"
        try:
            self._connection = psycopg.connect(url, autocommit=True, application_name=application_name, options=options)
        except psycopg.Error as error:
            raise SetupRefused(
                f"The database did not let us in: {first_line(error)}. "
                "Check the address, and that max_connections leaves room for one connection a client."
            ) from error

    @property
    def backend_pid(self) -> int:
        return self._connection.info.backend_pid

    def rows(self, statement: str, parameters: Parameters = None) -> list[tuple[Any, ...]]:
        """Run one statement and return its rows. Raises Deadlock, ConstraintRefused, Interrupted, a domain error."""
        with _translated():
            return self._connection.execute(statement.encode(), parameters).fetchall()

    def execute(self, statement: str, parameters: Parameters = None) -> int:
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


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except psycopg.errors.DeadlockDetected as error:
        raise Deadlock from error
    except (psycopg.errors.ExclusionViolation, psycopg.errors.UniqueViolation) as error:
        raise ConstraintRefused from error
    except psycopg.OperationalError as error:
        # The driver files a state that it does not know, ours among them, under OperationalError.
        if error.sqlstate == _RULE_REFUSED and error.diag.constraint_name:
            facts = json.loads(error.diag.message_detail or "{}")
            raise domain_error(error.diag.constraint_name, facts) from error
        if error.sqlstate is None or error.sqlstate.startswith(_CUT_SHORT):
            raise Interrupted from error
        raise


def first_line(error: Exception) -> str:
    """What the driver said, without the statement and the hints below it."""
    return (str(error).strip() or "no reason given").splitlines()[0]
