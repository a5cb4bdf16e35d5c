"""The web application: one pool, one router a domain, refusals as problems."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI, Response

from holdfast import __version__
from holdfast.access.staff import Doorkeeper
from holdfast.config import load_settings
from holdfast.db.pool import Pool
from holdfast.db.transact import Record
from holdfast.errors import SetupRefused
from holdfast.http.api import appointments, availability, blocks, catalog, holds
from holdfast.http.callers import KeyRing
from holdfast.http.freshness import Tags
from holdfast.http.limits import BodyLimit
from holdfast.http.pages import assets, desk, setup, sign_in
from holdfast.http.problems import install_problems
from holdfast.logging_setup import set_up_logging
from holdfast.web.assets import Assets

DESCRIPTION = """The calendar that cannot double-book.

A visit keeps a provider, a room and a device together. **Hold** it, then **confirm** it; or book in one step. Whatever
is free at that instant is yours; whatever is not is refused with the role that was lost.

Send `Authorization: Bearer <key>`. Every POST takes an `Idempotency-Key`: repeat a request with the same key and you
get the first answer again, byte for byte, for 24 hours. Refusals are problem details (RFC 9457); each `type` is a page.
"""


def create_app() -> FastAPI:
    """The application as the environment configures it, for a server process. Raises SetupRefused."""
    settings = load_settings()
    set_up_logging(settings.log_level)
    if settings.app_database_url is None:
        raise SetupRefused("Start Holdfast with `holdfast serve`, or set HOLDFAST_APP_DATABASE_URL.")
    return build_app(settings.app_database_url, secret=settings.secret(), pool_size=settings.pool_size)


def build_app(app_url: str, *, secret: bytes, pool_size: int = 10) -> FastAPI:
    """The application on the database at ``app_url`` (the lesser role). ``secret`` keys the hashes of visitors."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        pool = Pool(app_url, size=pool_size)
        await pool.open()
        app.state.record = Record(pool)
        app.state.keys = KeyRing(app.state.record)
        app.state.tags = Tags()
        app.state.secret = secret
        app.state.doorkeeper = Doorkeeper(app.state.record, secret)
        app.state.assets = Assets()
        try:
            yield
        finally:
            await pool.close()

    app = FastAPI(
        title="Holdfast",
        version=__version__,
        description=DESCRIPTION,
        lifespan=lifespan,
        docs_url="/docs",
        redoc_url=None,
        openapi_url="/openapi.json",
    )
    app.add_middleware(BodyLimit)
    install_problems(app)
    for router in (catalog.router, availability.router, holds.router, appointments.router, blocks.router):
        app.include_router(router)
    for pages in (assets.router, sign_in.router, setup.router, desk.router):
        app.include_router(pages)
    app.add_api_route("/healthz", _healthy, methods=["GET"], include_in_schema=False)
    return app


async def _healthy() -> Response:
    return Response(b"ok\n", media_type="text/plain")
