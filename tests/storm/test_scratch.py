"""A scratch schema leaves nothing behind, whatever ended its block."""

from __future__ import annotations

import threading

import pytest

from holdfast.db.blocking import BlockingConnection, ConstraintRefused, Interrupted
from holdfast.db.scratch import ScratchSchema
from holdfast.errors import SetupRefused

TABLE = "create table thing (id int primary key)"


def schemas(connection: BlockingConnection) -> set[str]:
    return {
        name for (name,) in connection.rows("select nspname from pg_namespace where nspname like 'holdfast_scratch%'")
    }


@pytest.mark.parametrize("end", [None, ValueError, KeyboardInterrupt])
def test_dropped_at_the_end(storm_url: str, end: type[BaseException] | None) -> None:
    with ScratchSchema(storm_url, TABLE) as witness:
        watch = witness.connect()
        try:
            with ScratchSchema(storm_url, TABLE) as schema:
                schema.connect().execute("insert into thing values (1)")
                assert schema.name in schemas(watch)
                if end is not None:
                    raise end
        except (ValueError, KeyboardInterrupt):
            pass
        assert schemas(watch) == {witness.name}


def test_dropped_while_a_client_holds_locks(storm_url: str) -> None:
    with ScratchSchema(storm_url, TABLE) as schema:
        connection = schema.connect()
        connection.execute("begin")
        connection.execute("insert into thing values (1)")
    with pytest.raises(Interrupted):
        connection.execute("commit")


def test_nothing_is_left_when_creating_fails(storm_url: str) -> None:
    with pytest.raises(SetupRefused, match="scratch schema could not be created"), ScratchSchema(storm_url, "nonsense"):
        pass
    with ScratchSchema(storm_url, TABLE) as witness:
        assert schemas(witness.connect()) == {witness.name}


def test_no_database_is_one_sentence() -> None:
    with (
        pytest.raises(SetupRefused, match="did not let us in"),
        ScratchSchema("postgresql://nobody@/x?host=/nonexistent", TABLE),
    ):
        pass


def test_interrupt_ends_a_wait(storm_url: str) -> None:
    with ScratchSchema(storm_url, TABLE) as schema:
        # Not one of the schema's connections: cut with the others, it would let the second insert through.
        first = BlockingConnection(storm_url, application_name="in the way", search_path=schema.name)
        first.execute("begin")
        first.execute("insert into thing values (1)")
        second = schema.connect()
        raised: list[BaseException] = []

        def wait_for_first() -> None:
            try:
                second.execute("insert into thing values (1)")
            except Interrupted as interrupted:
                raised.append(interrupted)

        waiting = threading.Thread(target=wait_for_first)
        waiting.start()
        waits = "select from pg_stat_activity where pid = %s and wait_event_type = 'Lock'"
        watch = schema.connect()
        while not watch.rows(waits, (second.backend_pid,)):
            assert waiting.is_alive(), "the second insert waits for the first"
        schema.interrupt()
        waiting.join()
        assert len(raised) == 1
        first.close()


def insert_two_and_one(connection: BlockingConnection) -> None:
    with connection.transaction():
        connection.execute("insert into thing values (2)")
        connection.execute("insert into thing values (1)")


def test_a_constraint_has_a_name_of_its_own(storm_url: str) -> None:
    with ScratchSchema(storm_url, TABLE) as schema:
        connection = schema.connect()
        connection.execute("insert into thing values (1)")
        with pytest.raises(ConstraintRefused):
            insert_two_and_one(connection)
        assert connection.rows("select count(*) from thing") == [(1,)]
