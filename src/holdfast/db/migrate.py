"""Bring a database to this version: forward only, one runner at a time, and again from where it stopped.

``migrations/NNNN_name.sql`` run once each, in one transaction each. A file that begins with ``-- not in a transaction``
runs one statement after the other and starts over when it was interrupted, so each of its statements must stand being
run twice; they end with a semicolon at the end of a line. ``functions/*.sql`` are all ``create or replace``: the set
runs again, in one transaction, whenever any of them changed.

``queue.sql``, where there is one, says that the job queue's own schema belongs here too (db/queue_schema.py).

The files speak of the owner as ``current_user``, of the application as ``holdfast_app`` and of the worker as
``holdfast_worker``; unqualified names are looked up in schema ``holdfast``, then ``public``.
"""

from __future__ import annotations

import hashlib
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

import psycopg
from psycopg import errors, sql

from holdfast.db.binaries import OLDEST_MAJOR
from holdfast.db.queue_schema import QueueSchema
from holdfast.db.urls import APP_ROLE, WORKER_ROLE, derive_url, role_password
from holdfast.errors import SetupRefused

HERE: Final = Path(__file__).parent
LOCK_KEY: Final = int.from_bytes(b"holdfast")
LOCK_TIMEOUT: Final = "3s"  # a migration that waits for a lock makes everyone behind it wait too, so it steps aside
LOCK_ATTEMPTS: Final = 10
URL_OF_ROLE: Final = {APP_ROLE: "HOLDFAST_APP_DATABASE_URL", WORKER_ROLE: "HOLDFAST_WORKER_DATABASE_URL"}
OUTSIDE_TRANSACTION: Final = "-- not in a transaction"

OnStep = Callable[[str], None]
Connection = psycopg.Connection[tuple[Any, ...]]


@dataclass(frozen=True)
class Migration:
    version: int
    name: str
    sql: str

    @property
    def label(self) -> str:
        return f"{self.version:04d}_{self.name}"

    @property
    def checksum(self) -> str:
        return _digest(self.sql)


# Everything that the lesser roles, and everybody, may do in the schema, as one fingerprint. By names, which a backup
# that was restored still has, and without what the search path would leave out of them.
GRANTED: Final = """
    select coalesce(md5(string_agg(entry, ',' order by entry collate "C")), '')
    from (
      select concat_ws(' ', thing, pg_get_userbyid(nullif(grantee, 0)), privilege_type) as entry
      from (
        select p.proname || array(
                 select t.typname from unnest(p.proargtypes) with ordinality a (id, n) join pg_type t on t.oid = a.id
                 order by a.n)::text as thing, acl.grantee, acl.privilege_type
        from pg_proc p cross join lateral aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) acl
        where p.pronamespace = to_regnamespace('holdfast')
        union all
        select c.relname, acl.grantee, acl.privilege_type
        from pg_class c cross join lateral aclexplode(c.relacl) acl
        where c.relnamespace = to_regnamespace('holdfast')
        union all
        select concat_ws('.', c.relname, k.attname), acl.grantee, acl.privilege_type
        from pg_class c join pg_attribute k on k.attrelid = c.oid cross join lateral aclexplode(k.attacl) acl
        where c.relnamespace = to_regnamespace('holdfast')
      ) every
      where grantee = 0 or pg_get_userbyid(grantee) in ('holdfast_app', 'holdfast_worker')
    ) entries
"""


@dataclass(frozen=True)
class Plan:
    """What is left to do: migrations in order, and whether the functions or the queue differ from the database's."""

    migrations: tuple[Migration, ...]
    functions_changed: bool
    queue_changed: bool

    @property
    def steps(self) -> tuple[str, ...]:
        """The steps by name, in the order they run; empty when the database is up to date."""
        last = [
            name for name, changed in (("functions", self.functions_changed), ("queue", self.queue_changed)) if changed
        ]
        return (*(migration.label for migration in self.migrations), *last)


def _say_nothing(step: str) -> None:
    del step


class Migrator:
    """Compares the files below ``directory`` (``migrations/`` and ``functions/``) with a database.

    With ``app_url`` None the role ``holdfast_app`` gets the password that ``derive_url`` uses; with a URL of its own,
    its password is left alone. Likewise ``worker_url`` and ``holdfast_worker``.
    """

    def __init__(
        self, owner_url: str, app_url: str | None = None, worker_url: str | None = None, *, directory: Path = HERE
    ) -> None:
        self._owner_url = owner_url
        self._roles = {
            role: role_password(owner_url, role) if url is None else None
            for role, url in ((APP_ROLE, app_url), (WORKER_ROLE, worker_url))
        }
        self._queue = QueueSchema.in_directory(directory)
        self._migrations = _read_migrations(directory / "migrations")
        self._functions = "\n".join(path.read_text("utf-8") for path in sorted((directory / "functions").glob("*.sql")))

    def plan(self) -> Plan:
        """What ``apply`` would do now; changes nothing.

        Raises SetupRefused where ``apply`` would refuse: an applied file was edited, or the database is newer.
        """
        with _connect(self._owner_url) as connection:
            return self._compare(connection)

    def begin_epoch(self) -> None:
        """A copy was put back in place, which nothing else tells: events from now on are named anew."""
        with _connect(self._owner_url) as connection:
            connection.execute("select holdfast.begin_epoch()")

    def apply(self, on_step: OnStep = _say_nothing) -> Plan:
        """Do it, and return what was done. ``on_step`` is told each step's name as it begins.

        A second runner waits for the first and then finds nothing to do. Raises SetupRefused, naming the file and the
        reason; the steps before it stay done, the failed one left nothing behind.
        """
        with _connect(self._owner_url) as connection:
            _require_server(connection)
            with _alone(connection, on_step):
                _prepare(connection)
                for role, password in self._roles.items():
                    self._ensure_role(connection, role, password)
                plan = self._compare(connection)
                for migration in plan.migrations:
                    on_step(migration.label)
                    _run_migration(connection, migration)
                if plan.functions_changed:
                    on_step("functions")
                    _run_functions(connection, self._functions)
                if self._queue is not None and plan.queue_changed:
                    on_step("queue")
                    with _explained("The job queue's schema"):
                        self._queue.apply(connection)
                return plan

    def _compare(self, connection: Connection) -> Plan:
        applied = _applied(connection)
        known = {migration.version: migration for migration in self._migrations}
        for version, (name, checksum) in applied.items():
            if version not in known:
                raise SetupRefused(
                    f"The database holds migration {version:04d}_{name}, which this Holdfast does not know: "
                    "a newer one made it. Start that version."
                )
            if known[version].checksum != checksum:
                raise SetupRefused(
                    f"Migration {known[version].label} was changed after it was applied. "
                    "Restore the file, and write the change as a new migration."
                )
        last = max(applied, default=0)
        pending = tuple(migration for migration in self._migrations if migration.version not in applied)
        if pending and pending[0].version < last:
            raise SetupRefused(f"Migration {pending[0].label} comes before {last:04d}, which is applied: renumber it.")
        return Plan(
            pending,
            functions_changed=_applied_functions(connection) != _state(connection, self._functions),
            queue_changed=self._queue is not None and self._queue.differs(connection),
        )

    def _ensure_role(self, connection: Connection, role: str, password: str | None) -> None:
        exists = _value(connection, "select count(*) from pg_roles where rolname = %s", role)
        if exists and (password is None or _answers(derive_url(self._owner_url, role))):
            return
        command = sql.SQL("alter role {} login" if exists else "create role {} login").format(sql.Identifier(role))
        if password is not None:
            # Hashed here: a password inside a statement can end up in the server's log.
            verifier = connection.pgconn.encrypt_password(password.encode(), role.encode(), b"scram-sha-256").decode()
            command += sql.SQL(" password {}").format(sql.Literal(verifier))
        try:
            connection.execute(command)
        except errors.DuplicateObject:
            pass  # roles belong to the whole server: a runner on another database of it was faster
        except errors.InsufficientPrivilege as error:
            raise SetupRefused(
                f"The role in HOLDFAST_DATABASE_URL may not set up the role {role}. Let an administrator run "
                f"`create role {role} login password '…'`, and set {URL_OF_ROLE[role]} to its URL."
            ) from error


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _read_migrations(directory: Path) -> tuple[Migration, ...]:
    migrations: dict[int, Migration] = {}
    for path in sorted(directory.glob("*.sql")):
        shape = re.fullmatch(r"(\d{4})_([a-z0-9_]+)", path.stem)
        if shape is None:
            raise SetupRefused(f"{path.name} is not the name of a migration: one looks like 0001_first_tables.sql.")
        migration = Migration(int(shape[1]), shape[2], path.read_text("utf-8"))
        if migration.version in migrations:
            raise SetupRefused(f"Two migrations have the number {shape[1]}: {path.stem} and another.")
        migrations[migration.version] = migration
    return tuple(migrations.values())


def _connect(owner_url: str) -> Connection:
    try:
        return psycopg.connect(owner_url, autocommit=True, application_name="holdfast migrate")
    except psycopg.OperationalError as error:
        raise SetupRefused(f"The database cannot be reached: {_first_line(error)}") from error


def _answers(url: str) -> bool:
    try:
        psycopg.connect(url).close()
    except psycopg.OperationalError:
        return False
    return True


def _require_server(connection: Connection) -> None:
    major = connection.info.server_version // 10_000
    if major < OLDEST_MAJOR:
        raise SetupRefused(f"This is PostgreSQL {major}; Holdfast needs {OLDEST_MAJOR} or newer.")
    offered = connection.execute("select from pg_available_extensions where name = 'btree_gist'").fetchone()
    if offered is None:
        raise SetupRefused(
            "This PostgreSQL lacks the extension btree_gist, which the guard against double-booking needs. "
            "Install PostgreSQL's contrib package on the database server."
        )


@contextmanager
def _alone(connection: Connection, on_step: OnStep) -> Iterator[None]:
    # Asked again and again rather than waited for: a session that waits inside pg_advisory_lock holds a snapshot, and
    # the runner in front of it would wait for that snapshot in CREATE INDEX CONCURRENTLY: a deadlock.
    waiting = False
    while not _value(connection, "select pg_try_advisory_lock(%s)", LOCK_KEY):
        if not waiting:
            on_step("waiting for another Holdfast that is migrating")
            waiting = True
        time.sleep(0.1)
    try:
        yield
    finally:
        if not connection.closed:
            connection.execute("select pg_advisory_unlock(%s)", [LOCK_KEY])


def _prepare(connection: Connection) -> None:
    connection.execute("set client_min_messages to warning")
    try:
        connection.execute("""
            create schema if not exists holdfast;
            create extension if not exists btree_gist;
            create table if not exists holdfast.migration (
              version integer primary key,
              name text not null,
              checksum text not null,
              applied_at timestamptz not null default clock_timestamp()
            );
            create table if not exists holdfast.function_set (
              singleton boolean primary key default true check (singleton),
              checksum text not null,
              applied_at timestamptz not null default clock_timestamp()
            );
        """)
    except errors.InsufficientPrivilege as error:
        raise SetupRefused(f"The role in HOLDFAST_DATABASE_URL must own its database: {_first_line(error)}") from error
    connection.execute("select set_config('search_path', 'holdfast, public', false)")
    connection.execute("select set_config('lock_timeout', %s, false)", [LOCK_TIMEOUT])


def _applied(connection: Connection) -> dict[int, tuple[str, str]]:
    if _value(connection, "select to_regclass('holdfast.migration')") is None:
        return {}
    rows = connection.execute("select version, name, checksum from holdfast.migration order by version")
    return {version: (name, checksum) for version, name, checksum in rows}


def _applied_functions(connection: Connection) -> str:
    if _value(connection, "select to_regclass('holdfast.function_set')") is None:
        return ""
    row = connection.execute("select checksum from holdfast.function_set").fetchone()
    return str(row[0]) if row else ""


def _state(connection: Connection, functions: str) -> str:
    """What the functions are, and what is granted: a grant that came in by another way is a difference too."""
    return f"{_digest(functions)} {_value(connection, GRANTED)}"


def _run_migration(connection: Connection, migration: Migration) -> None:
    with _explained(f"Migration {migration.label}"):
        if migration.sql.startswith(OUTSIDE_TRANSACTION):
            for statement in re.split(r";[ \t]*$", migration.sql, flags=re.MULTILINE):
                if re.sub(r"--.*", "", statement).strip():
                    _retrying(partial(connection.execute, statement))
            _record(connection, migration)
        else:
            _retrying(lambda: _run_in_transaction(connection, migration))


def _run_in_transaction(connection: Connection, migration: Migration) -> None:
    with connection.transaction():
        connection.execute(migration.sql)
        _record(connection, migration)


def _record(connection: Connection, migration: Migration) -> None:
    connection.execute(
        "insert into holdfast.migration (version, name, checksum) values (%s, %s, %s)",
        [migration.version, migration.name, migration.checksum],
    )


def _run_functions(connection: Connection, functions: str) -> None:
    def run() -> None:
        with connection.transaction():
            # the files are ordered for the reader, so a function may call one that a later file defines
            connection.execute("set local check_function_bodies to off")
            connection.execute(functions)
            connection.execute(
                "insert into holdfast.function_set (checksum) values (%s)"
                " on conflict (singleton) do update set checksum = excluded.checksum, applied_at = clock_timestamp()",
                [_state(connection, functions)],
            )

    with _explained("The set of functions"):
        _retrying(run)


def _retrying(step: Callable[[], Any]) -> None:
    for attempt in range(1, LOCK_ATTEMPTS + 1):
        try:
            step()
            return
        except (errors.LockNotAvailable, errors.DeadlockDetected):
            if attempt == LOCK_ATTEMPTS:
                raise
            time.sleep(0.1 * attempt)


@contextmanager
def _explained(what: str) -> Iterator[None]:
    try:
        yield
    except psycopg.Error as error:
        at = f" (character {error.diag.statement_position})" if error.diag.statement_position else ""
        raise SetupRefused(f"{what} failed{at}: {_first_line(error)}") from error


def _value(connection: Connection, query: str, *values: Any) -> Any:
    row = connection.execute(query, values).fetchone()
    return row[0] if row else None


def _first_line(error: psycopg.Error) -> str:
    return str(error).partition("\n")[0]
