"""``holdfast demo``: a running Holdfast with a clinic to try it on."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from holdfast.cli.listen import PORT as LISTEN_PORT
from holdfast.cli.serve import Host, Port, Workers, address, run_server, settings_for
from holdfast.errors import SetupRefused, Unauthorized

if TYPE_CHECKING:
    from holdfast.config import Settings
    from holdfast.db.transact import Record
    from holdfast.db.urls import DatabaseUrls

Keys = Mapping[str, str]  # "api", "desk", "widget" -> API key; "password" -> of the demo's staff


def register(app: typer.Typer) -> None:
    """Add the command to the application."""
    app.command("demo")(demo)


def demo(host: Host = None, port: Port = None, workers: Workers = None) -> None:
    """Run Holdfast with a demo clinic, and say what to open and what to type.

    The clinic is made on the first start, in an empty database; later starts keep what you booked and print the same
    keys. HOLDFAST_PORT and HOLDFAST_DATA_DIR choose where; remove the data directory to begin again.
    """
    # the demo's people have made-up addresses: what they would be sent is kept and shown, and nothing leaves
    os.environ.setdefault("HOLDFAST_MESSAGES_TO", "console")
    # somebody who tries webhooks has a receiver on this machine, and no three days to see what becomes of a dead one
    os.environ.setdefault("HOLDFAST_WEBHOOK_ALLOWED_HOSTS", f"127.0.0.1:{LISTEN_PORT},localhost:{LISTEN_PORT}")
    os.environ.setdefault("HOLDFAST_WEBHOOK_RETRY_SECONDS", "2,5,10")
    # what matters at this terminal is what to open and type
    os.environ.setdefault("HOLDFAST_LOG_LEVEL", "warning")
    settings = settings_for(host=host, port=port, workers=workers)
    # what they are sent has links that work on this machine
    os.environ.setdefault("HOLDFAST_PUBLIC_URL", address(settings))
    run_server(settings, prepare=lambda urls: _announce(settings, asyncio.run(_demo_keys(settings, urls))))


async def _demo_keys(settings: Settings, urls: DatabaseUrls) -> Keys:
    from holdfast.access.service import authenticate
    from holdfast.db.pool import Pool
    from holdfast.db.runtime import worker_url
    from holdfast.db.transact import Record
    from holdfast.demo.load import WORKERS
    from holdfast.demo.staff import seat_staff
    from holdfast.log.relay import pass_over

    file = settings.data_dir / "demo-keys.json"
    pool = Pool(urls.app, size=WORKERS, application_name="holdfast demo")
    await pool.open()
    try:
        record = Record(pool)
        if file.exists():
            keys: Keys = json.loads(file.read_text())
            principal = await authenticate(record, keys["api"])
            if "password" not in keys:  # a demo from before there was a desk to sign in to
                keys = {**keys, "password": await record.transact(principal.caller(), seat_staff)}
                _keep(file, keys)
        else:
            keys = await _load(record)
            # a year of bookings is no news: six thousand clients would be written to
            await pass_over(worker_url(settings, urls))
            _keep(file, keys)
        return keys
    except Unauthorized:
        raise SetupRefused(f"The keys in {file} are not of this database. Remove the file and start again.") from None
    finally:
        await pool.close()


async def _load(record: Record) -> Keys:
    """Make the demo clinic, or finish one that was interrupted. Raises SetupRefused in another's database."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    from holdfast.demo.load import load

    columns = (TextColumn("The demo's year"), BarColumn(), TextColumn("{task.percentage:3.0f} %"))
    with Progress(*columns, TimeElapsedColumn(), TextColumn("{task.description}"), console=Console(stderr=True)) as bar:
        task = bar.add_task("starting", total=None)

        def show(done: int, total: int, what: str) -> None:
            bar.update(task, completed=done, total=total, description=what)

        keys: Keys = dict(await load(record, show))  # type: ignore[arg-type]  # a TypedDict of strings
        return keys


def _keep(file: Path, keys: Keys) -> None:
    # Written aside and moved into place: the file stands for a finished load.
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = file.with_suffix(".new")
    draft.touch(mode=0o600)
    draft.write_text(json.dumps(dict(keys), indent=2) + "\n")
    draft.replace(file)


def _announce(settings: Settings, keys: Keys) -> None:
    from holdfast.demo.staff import STAFF

    url = address(settings)
    key = f"-H 'Authorization: Bearer {keys['api']}'"
    today = datetime.now().astimezone().date()
    tomorrow, in_a_week = today + timedelta(days=1), today + timedelta(days=8)
    window = f"from={tomorrow}T00:00&to={in_a_week}T00:00"
    visit = json.dumps({"service": "ipl", "location": "austin", "start": f"{in_a_week}T20:00", "outside_rules": True})
    typer.echo(
        f"""
Holdfast is running with a demo clinic. Open {url}/ and stop it with Ctrl-C.

Book something as a client would: {url}/b/glow
Work at the desk: {url}/desk, as {", ".join(address for address, _, _ in STAFF.values())},
all with the password below, which was made up for this installation.

Try it from another terminal: what is free for an IPL, hold one (twice: two can, the third cannot), what is booked.
  curl -s {key} '{url}/v1/availability?service=ipl&location=austin&{window}&limit=3'
  curl -s {key} {url}/v1/holds -H 'Content-Type: application/json' -d '{visit}'
  curl -s {key} '{url}/v1/appointments?limit=3'

HOLDFAST_BOOKING_URL={url}/b/glow
HOLDFAST_DESK_URL={url}/desk
HOLDFAST_DESK_EMAIL={STAFF["owner"][0]}
HOLDFAST_DESK_PASSWORD={keys["password"]}
HOLDFAST_URL={url}
HOLDFAST_API_KEY={keys["api"]}
HOLDFAST_DESK_KEY={keys["desk"]}
HOLDFAST_WIDGET_KEY={keys["widget"]}
"""
    )
