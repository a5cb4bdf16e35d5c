"""API keys: shown once, stored as a hash, scoped, revocable; organizations found by slug."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from typing import Any

import psycopg
import pytest

from holdfast.access.model import Principal
from holdfast.access.service import (
    authenticate,
    create_api_key,
    create_organization,
    find_organization,
    list_api_keys,
    revoke_api_key,
)
from holdfast.db.transact import Caller, Record
from holdfast.db.urls import DatabaseUrls
from holdfast.errors import Forbidden, Invalid, NotFound, Unauthorized
from holdfast.ids import public_id


@pytest.fixture
async def system(record: Record) -> Caller:
    return Caller(await create_organization(record, slug="glow", name="Glow"), "system", "system")


async def test_a_key_opens_what_it_names_and_nothing_else(record: Record, system: Caller) -> None:
    made = await record.transact(
        system, lambda t: create_api_key(t, name="Front desk", scopes=["read", "book"], surfaces=["desk", "phone"])
    )
    principal = await authenticate(record, made.key)
    assert principal == Principal(system.organization_id, made.id, ["read", "book"], ["desk", "phone"])
    assert principal.caller() == Caller(system.organization_id, public_id("api_key", made.id), "desk")
    assert principal.caller("phone").surface == "phone"
    principal.require("book")
    with pytest.raises(Forbidden, match="manage"):
        principal.require("manage")
    with pytest.raises(Forbidden, match="widget"):
        principal.caller("widget")


async def test_only_the_hash_and_a_hint_are_kept(record: Record, system: Caller, database: DatabaseUrls) -> None:
    made = await record.transact(system, lambda t: create_api_key(t, name="Desk", scopes=["read"], surfaces=["desk"]))
    assert made.key.startswith("hf_desk_")
    assert made.key not in repr(made)
    with psycopg.connect(database.owner) as connection:
        stored = connection.execute("select key_hash, key_hint, k::text from holdfast.api_key k").fetchall()
        events = connection.execute("select e::text from holdfast.event e").fetchall()
    assert [row[:2] for row in stored] == [(hashlib.sha256(made.key.encode()).digest(), made.key[-4:])]
    assert made.key[-64:] not in repr(stored) + repr(events)


@pytest.mark.parametrize(
    "key",
    ["", "hf_desk_", "hf_desk_" + "0" * 64, "x" * 10_000, "hf_desk_" + "é" * 64, "\0", "Bearer hf_a_" + "0" * 64],
)
async def test_an_unknown_key_opens_nothing(record: Record, system: Caller, key: str) -> None:
    with pytest.raises(Unauthorized):
        await authenticate(record, key)


async def test_a_revoked_key_opens_nothing_and_is_listed_last(record: Record, system: Caller) -> None:
    first, second = [
        await record.transact(system, lambda t: create_api_key(t, name="Desk", scopes=["read"], surfaces=["desk"]))
        for _ in range(2)
    ]
    await record.transact(system, lambda t: revoke_api_key(t, second.id))
    await record.transact(system, lambda t: revoke_api_key(t, second.id))
    with pytest.raises(Unauthorized):
        await authenticate(record, second.key)
    assert (await authenticate(record, first.key)).api_key_id == first.id
    keys = await record.transact(system, list_api_keys)
    assert [(key.id, key.revoked_at is not None) for key in keys] == [(first.id, False), (second.id, True)]


async def test_another_organizations_keys_do_not_exist(record: Record, system: Caller) -> None:
    made = await record.transact(system, lambda t: create_api_key(t, name="Desk", scopes=["read"], surfaces=["desk"]))
    other = Caller(await create_organization(record, slug="other", name="Other"), "system", "system")
    assert await record.transact(other, list_api_keys) == []
    with pytest.raises(NotFound):
        await record.transact(other, lambda t: revoke_api_key(t, made.id))
    assert (await authenticate(record, made.key)).organization_id == system.organization_id


@pytest.mark.parametrize(
    ("scopes", "surfaces"), [(["root"], ["desk"]), ([], ["desk"]), (["read"], []), (["read"], ["system"])]
)
async def test_unknown_scopes_and_surfaces_are_refused(
    record: Record, system: Caller, scopes: list[str], surfaces: list[str]
) -> None:
    with pytest.raises(Invalid):
        await record.transact(system, lambda t: create_api_key(t, name="Desk", scopes=scopes, surfaces=surfaces))


async def test_an_organization_is_found_by_slug_or_by_being_the_only_one(record: Record, system: Caller) -> None:
    assert await find_organization(record) == system.organization_id
    assert await find_organization(record, "glow") == system.organization_id
    with pytest.raises(NotFound, match="nope"):
        await find_organization(record, "nope")
    await create_organization(record, slug="other", name="Other")
    with pytest.raises(NotFound, match="2 organizations"):
        await find_organization(record)


async def test_without_an_organization_the_error_says_what_to_do(record: Record) -> None:
    with pytest.raises(NotFound, match="holdfast catalog import"):
        await find_organization(record)


async def test_the_day_of_a_key_s_last_use_is_noted_once_a_day(
    record: Record, system: Caller, admin: psycopg.Connection[Any]
) -> None:
    made = await record.transact(system, lambda tx: create_api_key(tx, name="Desk", scopes=["read"], surfaces=["desk"]))
    (key,) = await record.transact(system, list_api_keys)
    assert key.last_used_on is None
    today = datetime.now(UTC).date()
    await authenticate(record, made.key)
    (key,) = await record.transact(system, list_api_keys)
    assert key.last_used_on in {today, datetime.now(UTC).date()}  # midnight may have passed
    version = "select xmin::text from holdfast.api_key"
    written = admin.execute(version).fetchone()
    await authenticate(record, made.key)
    assert admin.execute(version).fetchone() == written
    admin.execute("update holdfast.api_key set last_used_on = '2020-01-01'")  # the control: another day is written anew
    await authenticate(record, made.key)
    (key,) = await record.transact(system, list_api_keys)
    assert key.last_used_on in {today, datetime.now(UTC).date()}  # midnight may have passed
