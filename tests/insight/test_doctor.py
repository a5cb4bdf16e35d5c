"""The doctor finds nothing on a busy day, and finds every damage that is done to it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest
from typer.testing import CliRunner

from holdfast.cli.main import app as cli
from holdfast.db import safety
from holdfast.db.urls import DatabaseUrls
from holdfast.insight.doctor import CHECKS, QUERIES, examine
from tests.busy_day import live_a_busy_day
from tests.clinic import open_clinic, open_med_spa
from tests.postgres import PostgresForTests, superuser_url


@pytest.fixture(scope="module")
def busy_day(postgres: PostgresForTests) -> Iterator[str]:
    """The name of a database with a busy day in it, to be cloned."""
    with postgres.clone() as urls:
        with psycopg.connect(urls.app, autocommit=True) as connection:
            live_a_busy_day(open_med_spa(connection))
            open_clinic(connection, "other")
        yield urls.app.partition("?")[0].rpartition("/")[2]


@pytest.fixture
def patient(postgres: PostgresForTests, busy_day: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[DatabaseUrls]:
    # the server of the tests does not sync, which start-up refuses; test_safety.py sees to that
    settings = {"session_replication_role": safety.SAFE_SETTINGS["session_replication_role"]}
    monkeypatch.setattr(safety, "SAFE_SETTINGS", settings)
    with postgres.clone(busy_day) as urls:
        yield urls


def damage(urls: DatabaseUrls, sql: str) -> None:
    """Do it as a superuser with every trigger and foreign key switched off."""
    with psycopg.connect(superuser_url(urls), autocommit=True) as connection:
        connection.execute("set session_replication_role = replica; set search_path = holdfast, public")
        connection.execute(sql)  # type: ignore[arg-type]


def wrong(urls: DatabaseUrls) -> set[str]:
    return {result.check.name for result in examine(urls) if result.findings}


def test_a_busy_day_is_sound(patient: DatabaseUrls) -> None:
    assert {str(finding) for result in examine(patient) for finding in result.findings} == set()


A_CLAIM = "(select id from claim where active and not overbook and hold_id is not null order by id limit 1)"
DROP_GUARD = "alter table claim drop constraint claim_no_overlap;"
DOUBLE = f"""
    insert into claim (organization_id, unit_id, role, during, segment, hold_id)
    select organization_id, unit_id, 'double', during, segment, hold_id from claim where id = {A_CLAIM};
"""
DAMAGES = {
    "a claim booked twice": ("overlaps", DROP_GUARD + DOUBLE),
    "a claim booked twice is used twice": ("capacity", DROP_GUARD + DOUBLE),
    "an empty claim": (
        "ranges",
        "alter table claim drop constraint claim_during_is_claimable, drop constraint claim_segment_is_inside;"
        f"update claim set during = 'empty' where id = {A_CLAIM}",
    ),
    "no guard": ("rules", DROP_GUARD),
    "no guard at start-up": ("start-up", DROP_GUARD),
    "a guard that skips": (
        "start-up",
        DROP_GUARD + "delete from claim; alter table claim add constraint claim_no_overlap exclude using gist ("
        "organization_id with =, unit_id with =, during with &&) where (active and not overbook and role <> 'probe')",
    ),
    "a guard that lets a half overlap through": (
        "start-up",
        DROP_GUARD + "delete from claim; alter table claim add constraint claim_no_overlap exclude using gist ("
        "organization_id with =, unit_id with =, during with =) where (active and not overbook)",
    ),
    "a guard that leaves out what holds take": (
        "start-up",
        DROP_GUARD + "delete from claim; alter table claim add constraint claim_no_overlap exclude using gist ("
        "organization_id with =, unit_id with =, during with &&) where (active and not overbook and hold_id is null)",
    ),
    "a rule that says something else": (
        "rules",
        "alter table claim drop constraint claim_during_is_claimable,"
        " add constraint claim_during_is_claimable check (during is not null)",
    ),
    "triggers switched off": ("rules", "alter table claim disable trigger all"),
    "a log that is switched off": ("rules", "alter table location disable trigger record_change"),
    "a claim is gone": ("holds", f"delete from claim where id = {A_CLAIM}"),
    "a claim ended early": ("holders", f"update claim set active = false where id = {A_CLAIM}"),
    "a claim shortened": (
        "holds",
        "update claim set during = segment where id = (select id from claim where active and hold_id is not null"
        " and during <> segment limit 1)",
    ),
    "a hold let go, its claims did not": ("holders", "update hold set state = 'released' where state = 'confirmed'"),
    "an orphan claim": ("holders", "delete from hold where state = 'live'"),
    "an appointment called off, its hold was not": (
        "appointments", "update appointment set state = 'cancelled' where state = 'confirmed'",
    ),
    "an appointment without its hold": (
        "appointments", "delete from hold where id in (select hold_id from appointment where state = 'confirmed')",
    ),
    "an appointment moved alone": (
        "appointments", "update appointment set starts_at = starts_at - interval '5 minutes' where blocking",
    ),
    "a visit half confirmed": (
        "visits",
        "update hold set state = 'confirmed' where id = (select min(id::text)::uuid from hold"
        " where visit_id is not null and state = 'live')",
    ),
    "a visit that does not end together": (
        "visits",
        "update hold set expires_at = expires_at + interval '1 second' where id = (select min(id::text)::uuid from hold"
        " where visit_id is not null and state = 'live')",
    ),
    "a visit of nothing": (
        "visits", "update hold set visit_id = null where visit_id = (select visit_id from hold"
        " where visit_id is not null limit 1)",
    ),
    "a block with a hole": (
        "blocks", "delete from claim where block_id in (select id from block where blocking)",
    ),
    "an overbook behind nobody": (
        "overbooks",
        "update claim set active = false from claim o where o.overbook and o.active and not claim.overbook"
        " and o.unit_id = claim.unit_id and o.during && claim.during",
    ),
    "an outside event that did not take its place": (
        "busy times", "delete from claim where active and busy_id is not null",
    ),
    "a unit retired under a booking": (
        "retired",
        f"update unit set retired_at = clock_timestamp()"
        f" where id = (select unit_id from claim where id = {A_CLAIM})",
    ),
    "two answers to one request": (
        "answers",
        "alter table idempotency drop constraint idempotency_pkey; insert into idempotency"
        " select o.id, 'key', 'POST /v1/holds', 'k', '', 201, '{}', '' from organization o, generate_series(1, 2)"
        " where slug = 'spa'",
    ),
    "an event is gone": ("log", "delete from event where type = 'hold.extended'"),
    "a beginning is gone": (
        "log", "delete from event where id = (select max(id) from event where type = 'hold.placed')",
    ),
    "an event nobody knows": ("log", "update event set type = 'hold.eaten' where type = 'hold.extended'"),
    "an event with another shape": ("log", "update event set data = '{}' where type = 'hold.extended'"),
    "a table changed behind the log": ("log", "update busy set ends_at = ends_at + interval '1 hour'"),
    "a claim on another's unit": (
        "organizations",
        f"update claim set organization_id = (select id from organization where slug = 'other') where id = {A_CLAIM}",
    ),
    "somebody else's client": (
        "organizations", "update client set organization_id = (select id from organization where slug = 'other')",
    ),
    "a policy dropped": ("row security", "drop policy own_organization on client"),
    "a policy that lets all through": (
        "row security",
        "drop policy own_organization on client;"
        "create policy own_organization on client for select to holdfast_app using (true)",
    ),
    "a second policy that lets all through": (
        "row security", "create policy for_reports on client for select to holdfast_app using (true)",
    ),
    "row security off": ("row security", "alter table event disable row level security"),
    "row security not forced": ("row security", "alter table event no force row level security"),
    "a way to write": ("rights", "grant update on claim to holdfast_app"),
    "a way to write for the worker": ("rights", "grant insert on claim to holdfast_worker"),
    "a way to read for everybody": ("rights", "grant select on client to public"),
    "a way to write one column": ("rights", "grant update (active) on claim to holdfast_app"),
    "an internal function open": ("rights", "grant execute on function let_go(uuid, text, jsonb) to holdfast_app"),
    "a search path open": ("rights", "alter function cancel(uuid, integer, text) reset search_path"),
    "a late confirm": (
        "late confirms",
        "update hold set expires_at = created_at + interval '1 millisecond' where state = 'confirmed';"
        "update event set at = at + interval '1 hour' where type = 'hold.confirmed'",
    ),
    "a zone that changed": ("wall times", "update location set time_zone = 'Europe/Berlin'"),
    "a zone that nobody knows": ("wall times", "update location set time_zone = 'Mars/Olympus'"),
    "a wall time that moved": (
        "wall times", "update appointment set local_start = local_start + interval '1 hour' where blocking",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("check", "sql"), DAMAGES.values(), ids=DAMAGES)
def test_damage_is_found(patient: DatabaseUrls, check: str, sql: str) -> None:
    damage(patient, sql)
    assert check in wrong(patient)


def test_every_check_has_a_damage_that_it_finds() -> None:
    assert {check for check, _ in DAMAGES.values()} == {check.name for check in CHECKS}


def test_the_guard_s_index_is_not_used(patient: DatabaseUrls) -> None:
    with psycopg.connect(patient.owner) as connection:
        connection.execute("set enable_indexscan = off; set enable_bitmapscan = off; set enable_indexonlyscan = off")
        for name in ("claims_overlap", "use_exceeds_capacity"):
            plan = "\n".join(row[0] for row in connection.execute("explain " + QUERIES[name]))  # type: ignore[arg-type]
            assert "claim_no_overlap" not in plan


@contextmanager
def environment(urls: DatabaseUrls, monkeypatch: pytest.MonkeyPatch) -> Iterator[CliRunner]:
    monkeypatch.setenv("HOLDFAST_DATABASE_URL", urls.owner)
    monkeypatch.setenv("HOLDFAST_APP_DATABASE_URL", urls.app)
    yield CliRunner()


def test_the_command_says_that_all_is_well(patient: DatabaseUrls, monkeypatch: pytest.MonkeyPatch) -> None:
    with environment(patient, monkeypatch) as runner:
        answer = runner.invoke(cli, ["doctor"])
    assert answer.exit_code == 0, answer.output
    assert "All is well." in answer.stdout


def test_the_command_names_what_is_wrong(patient: DatabaseUrls, monkeypatch: pytest.MonkeyPatch) -> None:
    damage(patient, f"delete from claim where id = {A_CLAIM}")
    with environment(patient, monkeypatch) as runner:
        shown, told = runner.invoke(cli, ["doctor"]), runner.invoke(cli, ["doctor", "--json"])
    assert (shown.exit_code, told.exit_code) == (1, 1)
    report = json.loads(told.stdout)
    assert report["sound"] is False
    (holds,) = [check for check in report["checks"] if check["check"] == "holds"]
    assert holds["findings"][0]["id"].startswith("hld_")
    assert holds["findings"][0]["id"] in shown.stdout.replace("\n", "")
