"""Start-up refuses what may lose or double a booking. Every refusal is seen, beside the state that passes."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest

from holdfast.db.embedded import EmbeddedServer
from holdfast.db.safety import (
    SAFE_SETTINGS,
    guard_faults,
    probe_faults,
    require_safe,
    role_faults,
    setting_faults,
)
from holdfast.db.urls import DatabaseUrls
from holdfast.errors import SetupRefused
from tests.postgres import PostgresForTests, data_directory

UNSAFE = {
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "off",
    "zero_damaged_pages": "on",
    "ignore_checksum_failure": "on",
    "session_replication_role": "replica",
    "default_transaction_read_only": "on",
}
TABLE = (
    "create table holdfast.claim (organization_id int, unit_id int, during tstzrange, active boolean, overbook boolean"
)
EXCLUDE = "exclude using gist (organization_id with =, unit_id with =, during with &&) where (active and not overbook)"
PROBE = """
create function holdfast.guard_probe() returns boolean language plpgsql as $$
begin
  insert into holdfast.claim
  select 1, 1, '[2026-01-01, 2026-01-02)', true, false from generate_series(1, 2);
  return false;
exception when exclusion_violation then
  return true;
end $$
"""


@pytest.fixture
def safe_server() -> Iterator[psycopg.Connection]:
    with data_directory() as path, EmbeddedServer(path) as urls, psycopg.connect(urls.owner) as connection:
        yield connection


@pytest.fixture
def scratch(postgres: PostgresForTests) -> Iterator[psycopg.Connection]:
    """An administrator in a database that has schema holdfast and nothing in it."""
    with postgres.clone("template0") as urls:
        database = psycopg.conninfo.conninfo_to_dict(urls.owner)["dbname"]
        with postgres.administrator(str(database)) as connection:
            connection.execute("create schema holdfast; create extension btree_gist")
            yield connection


def test_our_own_server_is_safe(safe_server: psycopg.Connection) -> None:
    assert setting_faults(safe_server) == []


def test_every_setting_has_its_control() -> None:
    assert UNSAFE.keys() == SAFE_SETTINGS.keys()


@pytest.mark.parametrize("name", sorted(UNSAFE.keys() - {"fsync", "full_page_writes"}))
def test_an_unsafe_session_setting_is_named(scratch: psycopg.Connection, name: str) -> None:
    before = setting_faults(scratch)
    scratch.execute(f"set {name} = {UNSAFE[name]}")
    wanted = f"{name}={SAFE_SETTINGS[name][0]}."
    assert [fault for fault in setting_faults(scratch) if fault.endswith(wanted)]
    scratch.execute(f"set {name} = {SAFE_SETTINGS[name][0]}")
    assert not [fault for fault in setting_faults(scratch) if fault.endswith(wanted)]
    assert len(before) <= 3  # the test server's own: it runs without syncing


@pytest.mark.parametrize("name", ["fsync", "full_page_writes"])
def test_an_unsafe_server_setting_is_named(scratch: psycopg.Connection, name: str) -> None:
    """The server of the tests runs like this."""
    assert f"PostgreSQL runs with {name}=off, which can lose bookings: set {name}=on." in setting_faults(scratch)


def test_the_application_s_role_is_bound_by_the_rules(database: DatabaseUrls, scratch: psycopg.Connection) -> None:
    with psycopg.connect(database.app) as app:
        assert role_faults(app) == []
    with psycopg.connect(database.owner) as owner:
        assert "owns Holdfast's tables" in role_faults(owner)[0]
    assert "is a superuser" in role_faults(scratch)[0]
    scratch.execute("create role passes bypassrls")
    try:
        scratch.execute("set role passes")
        assert "bypasses row-level security" in role_faults(scratch)[0]
    finally:
        scratch.execute("reset role; drop role passes")


def test_the_worker_s_role_is_bound_too(scratch: psycopg.Connection) -> None:
    before = role_faults(scratch)
    with scratch.transaction(force_rollback=True):  # a role is the whole server's, and other tests need it as it is
        scratch.execute("alter role holdfast_worker bypassrls")
        assert [fault for fault in role_faults(scratch) if "holdfast_worker bypasses" in fault]
    assert role_faults(scratch) == before


def test_a_guard_that_bites_passes(scratch: psycopg.Connection) -> None:
    scratch.execute(f"{TABLE}, constraint claim_no_overlap {EXCLUDE}); {PROBE}")
    assert guard_faults(scratch) == []
    assert probe_faults(scratch) == []
    assert scratch.execute("select count(*) from holdfast.claim").fetchone() == (0,)


@pytest.mark.parametrize(
    ("claim", "complaint"),
    [
        ("select 1", "is missing"),
        (f"{TABLE})", "is missing"),
        (f"{TABLE}, constraint other_name {EXCLUDE})", "is missing"),
        (f"{TABLE}, constraint claim_no_overlap unique (unit_id))", "is not an exclusion constraint"),
        (
            f"{TABLE}, constraint claim_no_overlap {EXCLUDE});"
            "update pg_constraint set convalidated = false where conname = 'claim_no_overlap'",
            "is not validated",
        ),
        (f"{TABLE}, constraint claim_no_overlap {EXCLUDE} deferrable)", "is deferrable"),
        (
            f"{TABLE}, constraint claim_no_overlap {EXCLUDE});"
            "update pg_index set indisvalid = false where indexrelid = 'holdfast.claim_no_overlap'::regclass",
            "index that is not valid",
        ),
        (f"{TABLE}, constraint claim_no_overlap {EXCLUDE.replace('&&', '=')})", "lets through"),
        (f"{TABLE}, constraint claim_no_overlap {EXCLUDE.replace('active and', 'false and')})", "lets through"),
    ],
)
def test_a_guard_that_is_missing_or_weak_is_refused(scratch: psycopg.Connection, claim: str, complaint: str) -> None:
    scratch.execute(claim)
    assert any(complaint in fault for fault in guard_faults(scratch))


def test_a_guard_that_is_not_enforced_is_refused(scratch: psycopg.Connection) -> None:
    if scratch.info.server_version < 18_00_00:
        pytest.skip("NOT ENFORCED came with PostgreSQL 18")
    scratch.execute(f"{TABLE}, constraint claim_no_overlap {EXCLUDE})")
    scratch.execute("update pg_constraint set conenforced = false where conname = 'claim_no_overlap'")
    assert any("not enforced" in fault for fault in guard_faults(scratch))


def test_a_guard_that_exists_and_does_not_bite_is_refused(scratch: psycopg.Connection) -> None:
    scratch.execute(f"{TABLE}, constraint claim_no_overlap {EXCLUDE.replace('active and', 'false and')}); {PROBE}")
    assert "does not bite" in probe_faults(scratch)[0]
    assert scratch.execute("select count(*) from holdfast.claim").fetchone() == (0,)


def test_a_missing_probe_is_refused(scratch: psycopg.Connection) -> None:
    assert "holdfast.guard_probe() is missing" in probe_faults(scratch)[0]


def test_the_check_refuses_the_server_of_the_tests_with_every_reason(database: DatabaseUrls) -> None:
    with pytest.raises(SetupRefused) as refused:
        require_safe(database)
    assert "fsync=off" in refused.value.detail
    assert "full_page_writes=off" in refused.value.detail
    assert "synchronous_commit=off" in refused.value.detail
