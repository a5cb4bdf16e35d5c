"""The web application."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI

from holdfast.config import load_settings
from holdfast.db.pool import Pool
from holdfast.errors import SetupRefused
from holdfast.logging_setup import set_up_logging


def create_app() -> FastAPI:
    """The application, with its settings from the environment."""
    settings = load_settings()
    set_up_logging(settings.log_level)
    if settings.app_database_url is None:
        raise SetupRefused("The web application needs HOLDFAST_APP_DATABASE_URL; `holdfast serve` sets it.")
    pool = Pool(settings.app_database_url, size=settings.pool_size)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        await pool.open()
        yield
        await pool.close()

    app = FastAPI(title="Holdfast", lifespan=lifespan)

    @app.get("/healthz")
    async def health() -> dict[str, str]:
        return {"status": "ok"}

    return app
