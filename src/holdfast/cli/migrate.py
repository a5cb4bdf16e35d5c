"""``holdfast migrate``: bring the database to this version, or show what that would do."""

from __future__ import annotations

import json
from typing import Annotated

import typer


def register(app: typer.Typer) -> None:
    """Add the command to the application."""
    app.command("migrate")(migrate)


def migrate(
    plan: Annotated[bool, typer.Option("--plan", help="Show the steps and change nothing.")] = False,
    restored: Annotated[
        bool, typer.Option("--restored", help="A copy of the data directory was put back: name new events anew.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the steps as JSON.")] = False,
) -> None:
    """Bring the database to this version of Holdfast. `holdfast serve` does it too; this is for doing it apart.

    Steps run once, in order, each whole or not at all. Run it again after an interruption; two at once are no harm.

    After putting back a copy of the data directory, and before opening, add --restored: event numbers will be given a
    second time, and outsiders must not take new events for ones that they know. Other restores are noticed.
    """
    from holdfast.config import load_settings
    from holdfast.db.migrate import Migrator
    from holdfast.db.runtime import any_database

    settings = load_settings()
    with any_database(settings, make=True) as urls:
        migrator = Migrator(urls.owner, settings.app_database_url, settings.worker_database_url)
        steps = migrator.plan().steps if plan else migrator.apply(on_step=_tell).steps
        if restored and not plan:
            migrator.begin_epoch()
    if as_json:
        typer.echo(json.dumps({"applied": not plan, "steps": steps}))
    elif not steps:
        typer.echo("The database is up to date.")
    elif plan:
        typer.echo("\n".join(steps))
    else:
        typer.echo(f"Done: {len(steps)} step{'s' if len(steps) > 1 else ''}.")


def _tell(step: str) -> None:
    typer.echo(step, err=True)
