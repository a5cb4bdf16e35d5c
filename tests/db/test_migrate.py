"""The migration runner, on scratch files of its own."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from holdfast.db.migrate import GRANTED, LOCK_KEY, Migrator
from holdfast.db.urls import DatabaseUrls, derive_app_url
from holdfast.errors import SetupRefused
from tests.postgres import PostgresForTests

FIRST = "create table holdfast.thing (id integer primary key);"
SECOND = "alter table thing add column name text; insert into thing values (1, 'one');"
COUNT = (
    "create or replace function holdfast.things() returns bigint language sql as 'select count(*) from holdfast.thing';"
)


@pytest.fixture
def empty(postgres: PostgresForTests) -> Iterator[DatabaseUrls]:
    with postgres.clone("template0") as urls:
        yield urls


@pytest.fixture
def files(tmp_path: Path) -> Path:
    (tmp_path / "migrations").mkdir()
    (tmp_path / "functions").mkdir()
    write(tmp_path, "0001_thing", FIRST)
    write(tmp_path, "0002_name", SECOND)
    (tmp_path / "functions" / "count.sql").write_text(COUNT)
    return tmp_path


def write(directory: Path, name: str, sql: str) -> None:
    (directory / "migrations" / f"{name}.sql").write_text(sql)


def fetch(url: str, query: str) -> list[tuple[object, ...]]:
    with psycopg.connect(url) as connection:
        return connection.execute(query).fetchall()


def test_steps_run_in_order_once_and_the_plan_says_so_before(empty: DatabaseUrls, files: Path) -> None:
    migrator = Migrator(empty.owner, directory=files)
    steps: list[str] = []

    assert migrator.plan().steps == ("0001_thing", "0002_name", "functions")
    migrator.apply(on_step=steps.append)

    assert steps == ["0001_thing", "0002_name", "functions"]
    assert fetch(empty.owner, "select * from holdfast.thing") == [(1, "one")]
    assert migrator.plan().steps == ()
    assert migrator.apply().steps == ()


def test_an_applied_file_that_was_edited_is_refused_by_name(empty: DatabaseUrls, files: Path) -> None:
    Migrator(empty.owner, directory=files).apply()
    write(files, "0001_thing", FIRST + " -- a harmless remark")

    with pytest.raises(SetupRefused, match="0001_thing was changed after it was applied"):
        Migrator(empty.owner, directory=files).apply()


def test_a_newer_database_is_refused(empty: DatabaseUrls, files: Path) -> None:
    Migrator(empty.owner, directory=files).apply()
    (files / "migrations" / "0002_name.sql").unlink()

    with pytest.raises(SetupRefused, match="0002_name, which this Holdfast does not know"):
        Migrator(empty.owner, directory=files).plan()


def test_a_file_numbered_below_an_applied_one_is_refused(empty: DatabaseUrls, files: Path) -> None:
    (files / "migrations" / "0001_thing.sql").rename(files / "migrations" / "0003_thing.sql")
    write(files, "0002_name", "create table holdfast.other ()")
    Migrator(empty.owner, directory=files).apply()
    write(files, "0001_late", "create table holdfast.late ()")

    with pytest.raises(SetupRefused, match="0001_late comes before 0003"):
        Migrator(empty.owner, directory=files).apply()


def test_a_failed_migration_leaves_nothing_and_is_taken_up_again(empty: DatabaseUrls, files: Path) -> None:
    write(files, "0002_name", "create table holdfast.half (); select 1/0;")
    with pytest.raises(SetupRefused, match="Migration 0002_name failed: division by zero"):
        Migrator(empty.owner, directory=files).apply()
    assert fetch(empty.owner, "select to_regclass('holdfast.half')") == [(None,)]

    write(files, "0002_name", SECOND)
    assert Migrator(empty.owner, directory=files).apply().steps == ("0002_name", "functions")


def test_statements_outside_a_transaction_start_over_after_an_interruption(empty: DatabaseUrls, files: Path) -> None:
    index = "drop index if exists thing_name;\ncreate index concurrently thing_name on thing (name);\n"
    write(files, "0003_index", "-- not in a transaction\n" + index + "select 1/0;\n")
    with pytest.raises(SetupRefused, match="0003_index failed: division by zero"):
        Migrator(empty.owner, directory=files).apply()
    assert fetch(empty.owner, "select to_regclass('holdfast.thing_name')") == [("holdfast.thing_name",)]

    write(files, "0003_index", "-- not in a transaction\n" + index)
    assert Migrator(empty.owner, directory=files).apply().steps == ("0003_index", "functions")


def test_changed_functions_run_again(empty: DatabaseUrls, files: Path) -> None:
    Migrator(empty.owner, directory=files).apply()
    (files / "functions" / "count.sql").write_text(COUNT.replace("count(*)", "count(*) + 100"))

    assert Migrator(empty.owner, directory=files).apply().steps == ("functions",)
    assert fetch(empty.owner, "select holdfast.things()") == [(101,)]


STRAYS = {
    "a function that is no command": "grant execute on function holdfast.open_units(uuid) to holdfast_app",
    "a function for everybody": "grant execute on function holdfast.let_go(uuid, text, jsonb) to public",
    "a command of the worker's": "grant execute on function holdfast.waitlists_due() to holdfast_app",
    "a table to write": "grant insert on holdfast.claim to holdfast_app",
    "a column to write": "grant update (state) on holdfast.hold to holdfast_worker",
    "a command taken away": "revoke execute on function holdfast.sweep_holds(integer) from holdfast_app",
}


@pytest.mark.parametrize("stray", STRAYS.values(), ids=list(STRAYS))
def test_a_stray_grant_is_seen_and_taken_away(database: DatabaseUrls, stray: str) -> None:
    migrator = Migrator(database.owner, database.app)
    assert migrator.plan().steps == ()  # the control: nothing to do until somebody meddles
    granted = fetch(database.owner, GRANTED)
    with psycopg.connect(database.owner) as owner:
        owner.execute(stray)
    assert fetch(database.owner, GRANTED) != granted
    assert migrator.plan().steps == ("functions",)
    migrator.apply()
    assert fetch(database.owner, GRANTED) == granted
    assert migrator.plan().steps == ()


def test_of_two_runners_one_does_the_work(empty: DatabaseUrls, files: Path) -> None:
    steps: list[list[str]] = [[], []]
    barrier = threading.Barrier(2)

    def run(who: int) -> None:
        migrator = Migrator(empty.owner, directory=files)
        barrier.wait()
        steps[who].extend(migrator.apply().steps)

    runners = [threading.Thread(target=run, args=[who]) for who in range(2)]
    for runner in runners:
        runner.start()
    for runner in runners:
        runner.join()

    assert sorted(map(len, steps)) == [0, 3]


def test_a_runner_waits_for_the_lock_and_says_so(empty: DatabaseUrls, files: Path) -> None:
    told = threading.Event()
    steps: list[str] = []

    def hear(step: str) -> None:
        steps.append(step)
        told.set()

    with psycopg.connect(empty.owner, autocommit=True) as other:
        other.execute("select pg_advisory_lock(%s)", [LOCK_KEY])
        runner = threading.Thread(target=Migrator(empty.owner, directory=files).apply, kwargs={"on_step": hear})
        runner.start()
        assert told.wait(timeout=30)
        assert fetch(empty.owner, "select to_regclass('holdfast.migration')") == [(None,)]
    runner.join()

    assert steps == ["waiting for another Holdfast that is migrating", "0001_thing", "0002_name", "functions"]


def test_a_migration_steps_aside_for_a_lock_and_tries_again(
    empty: DatabaseUrls, files: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("holdfast.db.migrate.LOCK_TIMEOUT", "20ms")
    (files / "migrations" / "0002_name.sql").rename(files / "later")
    Migrator(empty.owner, directory=files).apply()
    (files / "later").rename(files / "migrations" / "0002_name.sql")
    with psycopg.connect(empty.owner) as reader:
        reader.execute("select * from holdfast.thing")
        runner = threading.Thread(target=Migrator(empty.owner, directory=files).apply)
        runner.start()
        reader.commit()
    runner.join()

    assert fetch(empty.owner, "select name from holdfast.thing") == [("one",)]


@pytest.mark.parametrize("name", ["1_short", "0001-dash", "readme"])
def test_a_wrong_file_name_is_refused(files: Path, name: str) -> None:
    write(files, name, "select 1")
    with pytest.raises(SetupRefused, match="is not the name of a migration"):
        Migrator("postgresql:///unused", directory=files)


def test_two_files_with_one_number_are_refused(files: Path) -> None:
    write(files, "0002_again", "select 1")
    with pytest.raises(SetupRefused, match="Two migrations have the number 0002"):
        Migrator("postgresql:///unused", directory=files)


def test_an_unreachable_database_is_one_sentence() -> None:
    with pytest.raises(SetupRefused, match="The database cannot be reached"):
        Migrator("postgresql://nobody@/nothing?host=/nonexistent").plan()


def test_what_is_no_url_is_one_sentence() -> None:
    with pytest.raises(SetupRefused, match="HOLDFAST_DATABASE_URL is not a PostgreSQL URL"):
        Migrator("secret words")


def test_the_owner_may_have_any_name_and_its_password_gives_the_application_s(
    postgres: PostgresForTests, files: Path
) -> None:
    with postgres.administrator() as admin, postgres.clone("template0") as urls:
        admin.execute("create role clinic login createrole password 'a:b@c'")
        database = psycopg.conninfo.conninfo_to_dict(urls.owner)["dbname"]
        admin.execute(f"alter database {database} owner to clinic")
        admin.execute("grant holdfast_app to clinic with admin option")
        owner = psycopg.conninfo.make_conninfo(urls.owner, user="clinic", password="a:b@c")
        try:
            Migrator(owner, directory=files).apply()
            app = psycopg.conninfo.conninfo_to_dict(derive_app_url(owner))
            assert app["user"] == "holdfast_app"
            assert app["password"] != "a:b@c"
            assert len(str(app["password"])) == 64
            assert fetch(derive_app_url(owner), "select current_user") == [("holdfast_app",)]
        finally:
            admin.execute(f"alter database {database} owner to holdfast_owner")
            with postgres.administrator(str(database)) as inside:
                inside.execute("drop owned by clinic cascade; drop role clinic")


def test_an_owner_that_may_not_create_roles_is_told_what_to_run(postgres: PostgresForTests, files: Path) -> None:
    with postgres.administrator() as admin, postgres.clone("template0") as urls:
        admin.execute("create role plain login password 'secret'")
        database = psycopg.conninfo.conninfo_to_dict(urls.owner)["dbname"]
        admin.execute(f"alter database {database} owner to plain")
        admin.execute("alter role holdfast_app nologin")
        owner = psycopg.conninfo.make_conninfo(urls.owner, user="plain", password="secret")
        try:
            with pytest.raises(SetupRefused, match="create role holdfast_app login password"):
                Migrator(owner, directory=files).apply()
        finally:
            admin.execute("alter role holdfast_app login")
            admin.execute(f"alter database {database} owner to holdfast_owner")
            with postgres.administrator(str(database)) as inside:
                inside.execute("drop owned by plain cascade; drop role plain")
