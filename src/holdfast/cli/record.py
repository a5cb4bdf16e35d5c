"""How a command reaches the record: beside a Holdfast that runs, or alone."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import TypeVar

from holdfast.access.service import find_organization
from holdfast.config import Settings, load_settings
from holdfast.db.migrate import Migrator
from holdfast.db.pool import Pool
from holdfast.db.runtime import any_database
from holdfast.db.transact import Caller, Record, Transaction
from holdfast.db.urls import DatabaseUrls
from holdfast.errors import SetupRefused

T = TypeVar("T")


def with_record(work: Callable[[Record], Awaitable[T]]) -> T:
    """Run ``work`` on the record that the settings name, and close everything after it.

    Raises SetupRefused when the database cannot be reached or is not at this version.
    """
    settings = load_settings()
    with any_database(settings) as urls:
        require_this_version(settings, urls)
        return asyncio.run(_with_pool(urls.app, work))


def require_this_version(settings: Settings, urls: DatabaseUrls) -> None:
    """Return when the schema is this version's. Raises SetupRefused."""
    if Migrator(urls.owner, settings.app_database_url, settings.worker_database_url).plan().steps:
        raise SetupRefused("The database is not at this version of Holdfast. Run: holdfast migrate")


async def system_caller(record: Record, organization: str | None) -> Caller:
    """Holdfast itself acting in an organization: the one with that slug, or the only one. Raises NotFound."""
    return Caller(await find_organization(record, organization), "system", "system")


def transact_as_system(organization: str | None, work: Callable[[Transaction], Awaitable[T]]) -> T:
    """Run ``work`` in one transaction of ``system_caller``. Raises what ``with_record`` raises, and NotFound."""

    async def transact(record: Record) -> T:
        return await record.transact(await system_caller(record, organization), work)

    return with_record(transact)


def since_utc(instant: datetime) -> datetime:
    """A time typed at a command line, which is in UTC unless it says otherwise."""
    return instant if instant.tzinfo else instant.replace(tzinfo=UTC)


async def _with_pool(app_url: str, work: Callable[[Record], Awaitable[T]]) -> T:
    pool = Pool(app_url, size=2, application_name="holdfast command")
    await pool.open()
    try:
        return await work(Record(pool))
    finally:
        await pool.close()
