"""Where this Holdfast keeps its record: in the operator's own PostgreSQL, or in the embedded server."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from holdfast.config import Settings
from holdfast.db.embedded import EmbeddedServer, has_cluster, running_server
from holdfast.db.urls import WORKER_ROLE, DatabaseUrls, derive_app_url, derive_url
from holdfast.errors import SetupRefused


@contextmanager
def serving_database(settings: Settings) -> Iterator[DatabaseUrls]:
    """The database for the one process that serves; the embedded server runs as long as the block.

    Raises SetupRefused when another Holdfast already serves from this data directory.
    """
    if settings.database_url is not None:
        yield _external(settings, settings.database_url)
        return
    with EmbeddedServer(settings.data_dir) as urls:
        yield urls


@contextmanager
def any_database(settings: Settings, *, make: bool = False) -> Iterator[DatabaseUrls]:
    """The database for a command that runs beside the serving process, or alone: it joins a server that runs.

    Only with ``make`` is a database made where there is none yet; otherwise that raises SetupRefused, since a command
    in the wrong directory would find an empty one.
    """
    if settings.database_url is None and not make and not has_cluster(settings.data_dir):
        raise SetupRefused(
            f"There is no Holdfast in {settings.data_dir}. Start one with: holdfast serve. Or say where yours is, with "
            "HOLDFAST_DATA_DIR or HOLDFAST_DATABASE_URL."
        )
    running = running_server(settings.data_dir) if settings.database_url is None else None
    if running is not None:
        yield running
        return
    with serving_database(settings) as urls:
        yield urls


def _external(settings: Settings, owner_url: str) -> DatabaseUrls:
    return DatabaseUrls(owner=owner_url, app=settings.app_database_url or derive_app_url(owner_url))


def worker_url(settings: Settings, urls: DatabaseUrls) -> str:
    """The worker role's URL of the same database. Raises SetupRefused for an owner's URL that is none."""
    return settings.worker_database_url or derive_url(urls.owner, WORKER_ROLE)
