"""``holdfast serve``: the database, its schema, its safety check and the web server, in one process tree."""

from __future__ import annotations

import os
import signal
import socket
import sys
from collections.abc import Callable
from contextlib import nullcontext
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

from holdfast.errors import SetupRefused

if TYPE_CHECKING:
    from holdfast.config import Settings
    from holdfast.db.urls import DatabaseUrls

APPLICATION = "holdfast.http.app:create_app"
GRACE_SECONDS = 10  # live feeds never end by themselves; requests are over long before
# A worker that does not answer for so long is taken for dead, and another is started. After the five seconds that are
# usual, a busy machine would kill its workers while they still start, and those that follow, for ever.
WORKER_ANSWERS_SECONDS = 60
# How long an idle connection stays open. Whoever keeps connections must be the first to close one, or a request that
# was just sent on it is lost: reverse proxies do so after 60 s (nginx) to 120 s (Caddy), client libraries sooner.
KEEP_ALIVE_SECONDS = 125

Host = Annotated[str | None, typer.Option(help="Address to listen on (HOLDFAST_HOST; 127.0.0.1).")]
Port = Annotated[int | None, typer.Option(help="Port to listen on (HOLDFAST_PORT; 8000).")]
NoWorker = Annotated[
    bool, typer.Option("--no-worker", help="Only the web server: workers run elsewhere (`holdfast worker`).")
]
Workers = Annotated[int | None, typer.Option(help="Web worker processes (HOLDFAST_WORKERS; 1).")]


def register(app: typer.Typer) -> None:
    """Add the command to the application."""
    app.command("serve")(serve)


def serve(host: Host = None, port: Port = None, workers: Workers = None, no_worker: NoWorker = False) -> None:
    """Run Holdfast: its own PostgreSQL unless HOLDFAST_DATABASE_URL names yours, the web server, and a worker.

    The schema is brought up to date first, and nothing starts where a booking could be lost or doubled. Data is kept
    in HOLDFAST_DATA_DIR (`.data`). Stop it with Ctrl-C; a killed Holdfast starts again without help.
    """
    settings = settings_for(host=host, port=port, workers=workers)
    run_server(settings, lambda urls: _say_where(settings, urls), with_worker=not no_worker)


def settings_for(**options: Any) -> Settings:
    """The settings with the command-line options that were given on top."""
    from holdfast.config import load_settings

    return load_settings(**{name: value for name, value in options.items() if value is not None})


def run_server(
    settings: Settings, prepare: Callable[[DatabaseUrls], None] = lambda _: None, *, with_worker: bool = True
) -> None:
    """Serve until Ctrl-C or SIGTERM, then stop everything in order. ``prepare`` runs before the first request.

    Raises SetupRefused when the port is taken, or the database will not do.
    """
    # Imported here, as in every command: the driver and the web server cost half a second, and --help needs neither.
    from holdfast.cli.worker_process import worker_process
    from holdfast.config import PREFIX
    from holdfast.db.migrate import Migrator
    from holdfast.db.runtime import serving_database, worker_url
    from holdfast.db.safety import require_safe
    from holdfast.logging_setup import set_up_logging

    set_up_logging(settings.log_level)
    signal.signal(signal.SIGTERM, _leave)
    try:
        with _listen(settings.host, settings.port) as listener, serving_database(settings) as urls:
            Migrator(urls.owner, settings.app_database_url, settings.worker_database_url).apply(on_step=_tell)
            require_safe(urls)
            prepare(urls)
            _set_environment(settings, urls)
            of_worker = {PREFIX + "WORKER_DATABASE_URL": worker_url(settings, urls)}
            with worker_process(of_worker) if with_worker else nullcontext():
                _serve(settings, listener)
    except KeyboardInterrupt:
        pass  # how one stops it


def address(settings: Settings) -> str:
    """Where a browser on this machine finds the server."""
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    return f"http://{host}:{settings.port}"


def _say_where(settings: Settings, urls: DatabaseUrls) -> None:
    """The address to open: the desk, or the first step of setting up, which only whoever reads this may take."""
    import asyncio

    from holdfast.access.founding import awaits_owner
    from holdfast.db.pool import Pool
    from holdfast.db.transact import Record
    from holdfast.http.pages.setup import setup_token

    async def is_new() -> bool:
        pool = Pool(urls.app, size=1, application_name="holdfast serve")
        await pool.open()
        try:
            return await awaits_owner(Record(pool))
        finally:
            await pool.close()

    url = address(settings)
    if asyncio.run(is_new()):
        typer.echo(f"Set up your business here: {url}/setup?token={setup_token(settings.secret())}")
    else:
        typer.echo(f"Holdfast is running. The desk: {url}/desk")


def _leave(*_: object) -> NoReturn:
    # uvicorn raises the signal again when it is done; as an exception it lets the database stop in order.
    sys.exit(0)


def _tell(step: str) -> None:
    typer.echo(f"Database: {step}", err=True)


def _listen(host: str, port: int) -> socket.socket:
    # Before the database starts: the commonest mistake should answer at once.
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        return socket.create_server((host, port), family=family, backlog=2048)
    except OSError as error:
        raise SetupRefused(
            f"Port {port} on {host} cannot be used ({os.strerror(error.errno or 0).lower()}): "
            f"another program may have it. Choose another one, such as HOLDFAST_PORT={port % 65535 + 1}."
        ) from error


def _set_environment(settings: Settings, urls: DatabaseUrls) -> None:
    from holdfast.config import PREFIX

    # The application reads its settings from the environment, in this process and in every other alike.
    given = {"HOST": settings.host, "PORT": str(settings.port), "WORKERS": str(settings.workers)}
    given |= {"DATA_DIR": str(settings.data_dir), "APP_DATABASE_URL": urls.app}
    os.environ.update({PREFIX + name: value for name, value in given.items()})


def _serve(settings: Settings, listener: socket.socket) -> None:
    import uvicorn
    from uvicorn.supervisors import Multiprocess

    config = uvicorn.Config(
        APPLICATION,
        factory=True,
        workers=settings.workers,
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=bool(settings.trusted_proxies),
        forwarded_allow_ips=[str(network) for network in settings.trusted_proxies],
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=GRACE_SECONDS,
        timeout_worker_healthcheck=WORKER_ANSWERS_SECONDS,
    )
    if settings.workers > 1:
        Multiprocess(config, sockets=[listener]).run()
        return
    server = uvicorn.Server(config)
    server.run(sockets=[listener])
    if not server.started:
        raise SetupRefused("The web server did not start; the lines above say why.")
