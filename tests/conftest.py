"""Fixtures for every test: a server a session, a database a test."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Any

import psycopg
import pytest
from hypothesis import settings

from holdfast.db.pool import Pool
from holdfast.db.transact import Record
from holdfast.db.urls import DatabaseUrls
from tests.clinic import Clinic, open_med_spa
from tests.postgres import PostgresForTests, postgres_for_tests, superuser_url
from tests.size import FULL_SIZE

# Everywhere as hypothesis does by itself where CI says so: the same examples in every run, however long each takes,
# which says how busy the machine is. To look for others: --hypothesis-profile=default.
settings.load_profile("ci")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """At full size (``make proof``) a test takes as long as it takes."""
    if FULL_SIZE:
        for item in items:
            item.add_marker(pytest.mark.timeout(0), append=False)


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


@pytest.fixture
def app(database: DatabaseUrls) -> Iterator[psycopg.Connection[Any]]:
    """A connection as the application's role."""
    with psycopg.connect(database.app, autocommit=True) as connection:
        yield connection


@pytest.fixture
def admin(database: DatabaseUrls) -> Iterator[psycopg.Connection[Any]]:
    """A superuser's connection to the test's database: for planting damage, and for seeing behind every policy."""
    with psycopg.connect(superuser_url(database), autocommit=True) as connection:
        yield connection


@pytest.fixture
def spa(app: psycopg.Connection[Any]) -> Clinic:
    return open_med_spa(app)
