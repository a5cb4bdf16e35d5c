"""``holdfast storm``: see for yourself which ways of booking double-book, and that Holdfast does not."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from holdfast.errors import Invalid

if TYPE_CHECKING:
    from holdfast.db.urls import DatabaseUrls
    from holdfast.insight.storm.campaign import Settings
    from holdfast.insight.storm.report import Summary
    from holdfast.insight.storm.runner import Progress


def register(app: typer.Typer) -> None:
    """Add the command to the application."""
    app.command("storm")(storm)


def storm(
    *,
    url: Annotated[str, typer.Option(help="A running Holdfast, such as http://127.0.0.1:8000.")] = "",
    key: Annotated[str, typer.Option(envvar="HOLDFAST_API_KEY", help="An API key that may read and book.")] = "",
    database_url: Annotated[
        str,
        typer.Option(
            help="A PostgreSQL for the recipes, in a scratch schema (default: a temporary one). "
            "With --url: the record behind it, to check that by SQL too."
        ),
    ] = "",
    recipe: Annotated[
        str,
        typer.Option(help="check-then-insert, redis-lock, not-exists, plain-insert, guarded, holdfast, or all."),
    ] = "",
    clients: Annotated[int, typer.Option(min=2, max=500, help="How many ask at the same moment.")] = 50,
    attempts: Annotated[int, typer.Option(min=2, max=200_000, help="How many requests in all.")] = 2000,
    seconds: Annotated[float, typer.Option(min=0.1, max=3600, help="The longest that one recipe may take.")] = 30,
    slots: Annotated[
        int, typer.Option(min=0, max=10_000, help="How many hot slots to share. 0: a fresh one for each round.")
    ] = 0,
    resources: Annotated[int, typer.Option(min=1, max=20, help="Resources that one visit needs at once.")] = 3,
    surfaces: Annotated[str, typer.Option(help="Where the requests say they come from.")] = "desk,phone,walk_in",
    seed: Annotated[int | None, typer.Option(help="Repeat a storm: the same seed asks for the same things.")] = None,
    keep: Annotated[bool, typer.Option("--keep", help="Leave the holds on the running Holdfast.")] = False,
    fail: Annotated[bool, typer.Option("--fail", help="Exit with 1 when a recipe, too, went wrong.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the figures as JSON.")] = False,
) -> None:
    """Let many clients fight for the same few times, and check independently who really got them.

    **Without options** it runs the usual recipes, and Holdfast's own functions, on a temporary PostgreSQL, and shows
    which of them double-book or stall. **With --url and --key** it storms a running Holdfast: use an organization made
    for tests, since the storm holds real free time (and gives it back at the end).

    Each client asks for a provider, a room and a device at once. Contenders start at different minutes and list the
    resources in different orders. Exit code 1: Holdfast was seen to overlap, to book a part of a visit, or to deadlock.
    """
    from holdfast.insight.storm.campaign import HOLDFAST, Settings

    named = tuple(surface.strip() for surface in surfaces.split(",") if surface.strip())
    if not named:
        raise Invalid("Name at least one surface, such as --surfaces desk,phone.")
    settings = Settings(
        seed=secrets.randbelow(2**32) if seed is None else seed,
        clients=clients,
        attempts=attempts,
        surfaces=named,
        slots=slots or None,
        resources=resources,
        seconds=seconds,
    )
    if url:
        summaries = [_storm_running(url, key, database_url, recipe, settings, keep)]
    else:
        summaries = _storm_recipes(_names(recipe or "all", database_url), database_url, settings)
    _print(summaries, settings, as_json)
    if any(not summary.is_safe for summary in summaries if fail or summary.recipe == HOLDFAST):
        raise typer.Exit(1)


def _names(recipe: str, database_url: str) -> list[str]:
    from holdfast.insight.storm.campaign import HOLDFAST, RECIPES
    from holdfast.insight.storm.recipes.redis_lock import HOW_TO_GET_REDIS, redis_is_installed

    if recipe not in (*RECIPES, HOLDFAST, "all"):
        raise Invalid(f"There is no recipe {recipe!r}: choose from {', '.join(RECIPES)}, {HOLDFAST} or all.")
    if recipe == HOLDFAST and database_url:
        raise Invalid(
            "Holdfast's bookings leave a history that nothing deletes, so it is not stormed in your database. "
            "Leave --database-url out for a temporary one, or storm a running Holdfast with --url and --key."
        )
    if recipe != "all":
        return [recipe]
    names = list(RECIPES) if database_url else [*RECIPES, HOLDFAST]
    if not redis_is_installed():
        typer.echo(HOW_TO_GET_REDIS, err=True)
        names.remove("redis-lock")
    return names


def _storm_running(url: str, key: str, database_url: str, recipe: str, settings: Settings, keep: bool) -> Summary:
    from holdfast.insight.storm.campaign import HOLDFAST, storm_holdfast

    if recipe not in ("", HOLDFAST):
        raise Invalid(f"The recipe {recipe!r} runs on a database, not over HTTP: leave --url out.")
    if not key:
        raise Invalid("Say with which key: --key hf_…, or HOLDFAST_API_KEY. It needs the scopes read and book.")
    with _progress(HOLDFAST, settings) as progress:
        return storm_holdfast(url, key, settings, progress, database_url=database_url, keep=keep)


def _storm_recipes(names: list[str], database_url: str, settings: Settings) -> list[Summary]:
    """Until all are done or the user has had enough: then the summaries so far."""
    from holdfast.insight.storm.campaign import HOLDFAST, storm_recipe, storm_record
    from holdfast.insight.storm.runner import Ending

    summaries: list[Summary] = []
    with _database(database_url) as urls:
        for name in names:
            with _progress(name, settings) as progress:
                if name == HOLDFAST:
                    summaries.append(storm_record(urls, settings, progress))
                else:
                    summaries.append(storm_recipe(name, urls.owner, settings, progress))
            if summaries[-1].ending is Ending.INTERRUPTED:
                break
    return summaries


@contextmanager
def _database(url: str) -> Iterator[DatabaseUrls]:
    import tempfile
    from pathlib import Path

    from holdfast.db.embedded import EmbeddedServer
    from holdfast.db.urls import DatabaseUrls

    if url:
        # Only the recipes run in a database that was given to us, and they have no second role.
        yield DatabaseUrls(owner=url, app=url)
        return
    with tempfile.TemporaryDirectory(prefix="holdfast-storm-") as directory, EmbeddedServer(Path(directory)) as urls:
        yield urls


@contextmanager
def _progress(name: str, settings: Settings) -> Iterator[Progress]:
    """A line on a terminal's stderr that moves while the storm does."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    console = Console(stderr=True)
    columns = (
        TextColumn("{task.description:<18}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[held]} held"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task(name, total=settings.attempts, held=0)
        yield lambda done, held: bar.update(task, completed=done, held=held)


def _print(summaries: list[Summary], settings: Settings, as_json: bool) -> None:
    import json

    from rich.console import Console

    from holdfast.insight.storm.report import table, verdict

    if as_json:
        typer.echo(json.dumps({"seed": settings.seed, "storms": [s.as_json() for s in summaries]}, indent=2))
        return
    Console().print(table(summaries))
    for summary in summaries:
        typer.echo(verdict(summary))
    typer.echo(f"The same storm again: the same options and --seed {settings.seed}")
