"""Fixtures for every test: a server a session, a database a test."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest

from holdfast.db.pool import Pool
from holdfast.db.transact import Record
from holdfast.db.urls import DatabaseUrls
from tests.postgres import PostgresForTests, postgres_for_tests


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresForTests]:
    """The server of this test process (one per xdist worker)."""
    with postgres_for_tests() as server:
        yield server


@pytest.fixture
def database(postgres: PostgresForTests) -> Iterator[DatabaseUrls]:
    """A migrated, empty database of this test's own."""
    with postgres.clone() as urls:
        yield urls


@pytest.fixture(scope="module")
def module_database(postgres: PostgresForTests) -> Iterator[DatabaseUrls]:
    """A migrated, empty database shared by the tests of a module that do not disturb each other."""
    with postgres.clone() as urls:
        yield urls


@pytest.fixture
def owner_url(database: DatabaseUrls) -> str:
    return database.owner


@pytest.fixture
def app_url(database: DatabaseUrls) -> str:
    return database.app


@pytest.fixture
async def record(database: DatabaseUrls) -> AsyncIterator[Record]:
    """The record as the application uses it: the lesser role, through a pool."""
    pool = Pool(database.app, size=4)
    await pool.open()
    yield Record(pool)
    await pool.close()
