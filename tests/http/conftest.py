"""A server a module, with two organizations on it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

import psycopg
import pytest

from holdfast.db.urls import DatabaseUrls
from holdfast.http.app import build_app
from tests.clinic import open_med_spa
from tests.http.houses import House, days_of_their_own, give_keys
from tests.http.server import served

SECRET = b"s" * 32


@pytest.fixture(scope="module")
def server(module_database: DatabaseUrls) -> Iterator[str]:
    with served(build_app(module_database.app, secret=SECRET, pool_size=8)) as url:
        yield url


@contextmanager
def opened(database: DatabaseUrls, url: str, slug: str) -> Iterator[House]:
    with psycopg.connect(database.app, autocommit=True) as connection:
        clinic = open_med_spa(connection, slug)
        house = House(clinic, url, give_keys(clinic))
        yield house
        house.close()


@pytest.fixture(scope="module")
def spa(module_database: DatabaseUrls, server: str) -> Iterator[Any]:
    """The organization that the tests act for."""
    with opened(module_database, server, "spa") as house:
        yield house


@pytest.fixture(scope="module")
def rival(module_database: DatabaseUrls, server: str) -> Iterator[House]:
    """Another organization on the same server, with the same slugs."""
    with opened(module_database, server, "rival") as house:
        yield house


@pytest.fixture(scope="module")
def day() -> Callable[[], datetime]:
    return days_of_their_own()
