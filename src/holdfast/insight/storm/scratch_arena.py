"""A recipe on a scratch schema: the table is made for the storm and gone after it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from holdfast.db.blocking import BlockingConnection, Interrupted
from holdfast.db.scratch import ScratchSchema
from holdfast.insight.storm.arena import STOPPED, Outcome
from holdfast.insight.storm.independent_check import OVERLAPS_SQL, Claim, rows_without_index
from holdfast.insight.storm.plan import Attempt
from holdfast.insight.storm.recipes.recipe import Recipe


class ScratchArena:
    def __init__(self, schema: ScratchSchema, recipe: Recipe) -> None:
        self.name = recipe.name
        self._schema = schema
        self._recipe = recipe

    def open_target(self) -> ScratchTarget:
        return ScratchTarget(self._schema.connect(), self._recipe)

    def interrupt(self) -> None:
        self._schema.interrupt()

    def claims(self) -> Sequence[Claim]:
        rows = self._read("select unit_id, lower(during), upper(during), attempt from claim where active")
        return [Claim(unit, start, end, str(attempt)) for unit, start, end, attempt in rows]

    def overlaps_by_sql(self) -> int:
        return len(self._read(OVERLAPS_SQL))

    def _read(self, statement: str) -> list[tuple[Any, ...]]:
        connection = self._schema.connect()
        try:
            return rows_without_index(connection, statement)
        finally:
            connection.close()


class ScratchTarget:
    def __init__(self, connection: BlockingConnection, recipe: Recipe) -> None:
        self._connection = connection
        self._recipe = recipe

    def attempt(self, attempt: Attempt) -> Outcome:
        try:
            return self._recipe.take(self._connection, attempt)
        except Interrupted:
            return STOPPED

    def close(self) -> None:
        self._connection.close()


@contextmanager
def scratch_arena(database_url: str, recipe: Recipe) -> Iterator[ScratchArena]:
    """The recipe's arena on a schema of its own in that database. Raises SetupRefused."""
    with ScratchSchema(database_url, recipe.create_sql) as schema:
        yield ScratchArena(schema, recipe)
