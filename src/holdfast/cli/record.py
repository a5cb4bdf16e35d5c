"""How a command reaches the record: beside a Holdfast that runs, or alone."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from holdfast.config import load_settings
from holdfast.db.migrate import Migrator
from holdfast.db.pool import Pool
from holdfast.db.runtime import any_database
from holdfast.db.transact import Record
from holdfast.errors import SetupRefused

T = TypeVar("T")


def with_record(work: Callable[[Record], Awaitable[T]]) -> T:
    """Run ``work`` on the record that the settings name, and close everything after it.

    Raises SetupRefused when the database cannot be reached or is not at this version.
    """
    settings = load_settings()
    with any_database(settings) as urls:
        if Migrator(urls.owner, settings.app_database_url).plan().steps:
            raise SetupRefused("The database is not at this version of Holdfast. Run: holdfast migrate")
        return asyncio.run(_with_pool(urls.app, work))


async def _with_pool(app_url: str, work: Callable[[Record], Awaitable[T]]) -> T:
    pool = Pool(app_url, size=2, application_name="holdfast command")
    await pool.open()
    try:
        return await work(Record(pool))
    finally:
        await pool.close()
