"""A schema that lives as long as a ``with`` block, for experiments beside the record and never in it."""

from __future__ import annotations

import secrets
from types import TracebackType

import psycopg

from holdfast.db.blocking import BlockingConnection, Interrupted, first_line
from holdfast.errors import SetupRefused


class ScratchSchema:
    """Creates a schema of a random name on entry and drops it with all that is in it on exit, whatever ended the block.

    Raises SetupRefused when the database cannot be reached or does not let the role create a schema.
    """

    def __init__(self, database_url: str, create_sql: str) -> None:
        self._database_url = database_url
        self._create_sql = create_sql
        self.name = f"holdfast_scratch_{secrets.token_hex(4)}"

    def __enter__(self) -> ScratchSchema:
        self._owner = self.connect()
        try:
            self._owner.execute(f"create schema {self.name}")
            self._owner.execute(self._create_sql)
        except psycopg.Error as error:
            self._drop()
            raise SetupRefused(
                f"The scratch schema could not be created: {first_line(error)}. "
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

    def connect(self) -> BlockingConnection:
        """A connection for one thread; its search path starts with the scratch schema. Raises SetupRefused."""
        return BlockingConnection(self._database_url, application_name=self.name, search_path=f"{self.name},public")

    def interrupt(self) -> None:
        """Cut every connection of this schema but the owner's: what was under way there raises Interrupted."""
        self._owner.rows(
            "select pg_terminate_backend(pid) from pg_stat_activity where application_name = %s and pid <> %s",
            (self.name, self._owner.backend_pid),
        )

    def _drop(self) -> None:
        try:
            # A client's open transaction would keep its locks on the tables, and the drop waiting.
            self.interrupt()
            self._owner.execute(f"drop schema if exists {self.name} cascade")
        except Interrupted as error:
            raise SetupRefused(
                f"The connection to the database was lost: drop the schema {self.name} by hand."
            ) from error
        finally:
            self._owner.close()
