"""The application's pool: its limits, and what a caller hears when it is exhausted."""

from __future__ import annotations

from datetime import UTC

import pytest

from holdfast.db import pool as pool_module
from holdfast.db.pool import SESSION_SETTINGS, Pool
from holdfast.errors import Busy


async def test_sessions_have_short_limits_that_a_reset_does_not_lift(app_url: str) -> None:
    pool = Pool(app_url, size=1)
    await pool.open()
    async with pool.connection() as connection:
        await connection.rollback()
        await connection.set_autocommit(True)
        await connection.execute("set statement_timeout = 0")
        await connection.execute("discard all")
        await connection.set_autocommit(False)
        for name, value in SESSION_SETTINGS.items():
            row = await (await connection.execute("select current_setting(%s)", [name])).fetchone()
            assert row == (value,)
        now = await (await connection.execute("select clock_timestamp()")).fetchone()
        assert now is not None
        assert now[0].utcoffset() == UTC.utcoffset(None)
    await pool.close()


async def test_a_change_is_kept_at_the_end_and_dropped_on_an_exception(owner_url: str) -> None:
    pool = Pool(owner_url, size=1)
    await pool.open()
    async with pool.connection() as connection:
        await connection.execute("begin")
        await connection.execute("create table public.kept (n int)")
    with pytest.raises(ZeroDivisionError):
        await write_and_fail(pool)
    async with pool.connection() as connection:
        assert await (await connection.execute("select count(*) from public.kept")).fetchone() == (0,)
    await pool.close()


async def write_and_fail(pool: Pool) -> None:
    async with pool.connection() as connection:
        await connection.execute("begin")
        await connection.execute("insert into public.kept values (1)")
        raise ZeroDivisionError


async def test_an_exhausted_pool_says_when_to_come_back(app_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pool_module, "WAIT_SECONDS", 0.05)
    pool = Pool(app_url, size=1)
    await pool.open()
    async with pool.connection():
        with pytest.raises(Busy) as busy:
            async with pool.connection():
                pytest.fail("there was no second connection to give")
    assert busy.value.facts == {"retry_after_seconds": 1}
    await pool.close()


async def test_a_database_that_is_away_is_busy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pool_module, "OPEN_SECONDS", 0.05)
    with pytest.raises(Busy):
        await Pool("postgresql://holdfast_app@/holdfast?host=/nonexistent", size=1).open()
