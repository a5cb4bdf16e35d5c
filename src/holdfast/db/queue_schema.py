"""The job queue's own tables: procrastinate's SQL, taken from the installed package, in a schema of its own.

The package ships its whole schema and one file for every change since. A new database gets the schema; one that an
older version made gets the changes after that version.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path
from typing import Any, Final, TypeAlias

import psycopg

PACKAGE: Final = "procrastinate"
SCHEMA: Final = "procrastinate"
FILE: Final = "queue.sql"

Version: TypeAlias = tuple[int, ...]
Connection = psycopg.Connection[tuple[Any, ...]]


@dataclass(frozen=True)
class QueueSchema:
    """Procrastinate at the installed version, and ``queue.sql``: who may use it."""

    grants: str

    @classmethod
    def in_directory(cls, directory: Path) -> QueueSchema | None:
        """The queue that ``directory/queue.sql`` asks for; None when there is no such file."""
        path = directory / FILE
        return cls(path.read_text("utf-8")) if path.exists() else None

    @property
    def _wanted(self) -> tuple[str, str]:
        return version(PACKAGE), hashlib.sha256(self.grants.encode()).hexdigest()

    def differs(self, connection: Connection) -> bool:
        """Whether ``apply`` would change anything."""
        return _applied(connection) != self._wanted

    def apply(self, connection: Connection) -> None:
        """Install or upgrade, in one transaction."""
        applied = _applied(connection)
        with connection.transaction():
            connection.execute("""
                create table if not exists holdfast.queue_schema (
                  singleton boolean primary key default true check (singleton),
                  version text not null,
                  checksum text not null,
                  applied_at timestamptz not null default clock_timestamp()
                )
            """)
            connection.execute(f"create schema if not exists {SCHEMA}")
            connection.execute(f"set local search_path to {SCHEMA}")
            for script in _whole() if applied is None else _changes_after(_version(applied[0])):
                connection.execute(script.encode())
            connection.execute(self.grants.encode())
            connection.execute(
                "insert into holdfast.queue_schema (version, checksum) values (%s, %s)"
                " on conflict (singleton) do update set version = excluded.version, checksum = excluded.checksum,"
                " applied_at = clock_timestamp()",
                self._wanted,
            )


def _applied(connection: Connection) -> tuple[str, str] | None:
    row = connection.execute("select to_regclass('holdfast.queue_schema')").fetchone()
    if row is None or row[0] is None:
        return None
    found = connection.execute("select version, checksum from holdfast.queue_schema").fetchone()
    return (found[0], found[1]) if found else None


def _whole() -> list[str]:
    return [(files(f"{PACKAGE}.sql") / "schema.sql").read_text("utf-8")]


def _changes_after(applied: Version) -> list[str]:
    # named like 03.04.00_50_post_add_something.sql: version, then place within the version
    directory = files(f"{PACKAGE}.sql") / "migrations"
    found = sorted((entry for entry in directory.iterdir() if re.match(r"\d+\.", entry.name)), key=lambda one: one.name)
    return [entry.read_text("utf-8") for entry in found if _version(entry.name.split("_")[0]) > applied]


def _version(text: str) -> Version:
    return tuple(int(part) for part in re.findall(r"\d+", text)[:3])
