"""A PostgreSQL for tests: one server a test process, and a fresh copy of the migrated database for whoever asks.

The server does not sync to disk, which start-up refuses outside of tests; nothing here tests durability.
"""

from __future__ import annotations

import itertools
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import psycopg

from holdfast.db.embedded import OWNER_ROLE, SUPERUSER, EmbeddedServer
from holdfast.db.migrate import Migrator
from holdfast.db.urls import DatabaseUrls

FAST_AND_UNSAFE = {"fsync": "off", "full_page_writes": "off", "synchronous_commit": "off", "autovacuum": "off"}
TEMPLATE = "holdfast"
DROP_SECONDS = 60


@contextmanager
def data_directory() -> Iterator[Path]:
    """An empty directory with a short path, which PostgreSQL's account can pass through when the tests run as root."""
    with tempfile.TemporaryDirectory(prefix="holdfast-test-", ignore_cleanup_errors=True) as name:
        path = Path(name)
        path.chmod(0o711)
        try:
            yield path
        finally:
            link = path / "postgres"
            if link.is_symlink():
                shutil.rmtree(link.resolve(), ignore_errors=True)


@dataclass
class PostgresForTests:
    """The running server: its template database is migrated; ``clone`` copies it in some 50 ms."""

    template: DatabaseUrls
    _numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    @contextmanager
    def clone(self, source: str = TEMPLATE) -> Iterator[DatabaseUrls]:
        """A database of its own, dropped at the end. ``template0`` gives an empty one."""
        name = f"test_{next(self._numbers)}"
        with self.administrator() as admin:
            admin.execute(f"create database {name} template {source} owner holdfast_owner")
        try:
            yield DatabaseUrls(_in_database(self.template.owner, name), _in_database(self.template.app, name))
        finally:
            self._drop(name)

    def _drop(self, name: str) -> None:
        give_up_at = time.monotonic() + DROP_SECONDS
        with self.administrator() as admin:
            while True:
                try:
                    admin.execute(f"drop database {name} with (force)")
                    return
                except psycopg.errors.ObjectInUse:
                    # it gives the sessions that it ends five seconds; on a busy machine they take longer to notice
                    if time.monotonic() > give_up_at:
                        raise

    @contextmanager
    def administrator(self, database: str = "postgres") -> Iterator[psycopg.Connection]:
        """A superuser's connection, in autocommit."""
        urls = DatabaseUrls(_in_database(self.template.owner, database), self.template.app)
        with psycopg.connect(superuser_url(urls), autocommit=True) as connection:
            yield connection


@contextmanager
def postgres_for_tests() -> Iterator[PostgresForTests]:
    with data_directory() as directory, EmbeddedServer(directory, settings=FAST_AND_UNSAFE) as urls:
        Migrator(urls.owner).apply()
        yield PostgresForTests(urls)


def superuser_url(urls: DatabaseUrls) -> str:
    """The same database as its superuser."""
    return urls.owner.replace(OWNER_ROLE, SUPERUSER)


def _in_database(url: str, database: str) -> str:
    return urlsplit(url)._replace(path=f"/{database}").geturl()
