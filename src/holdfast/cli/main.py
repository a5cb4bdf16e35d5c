"""The command line. One file a command; a refusal prints one sentence and a hint, never a traceback."""

from __future__ import annotations

import sys
from importlib import import_module
from typing import Final

import typer

from holdfast import __version__
from holdfast.errors import HoldfastError

# In the order of --help: run it, look after it, look into it.
COMMANDS: Final = (
    "demo",
    "serve",
    "worker",
    "migrate",
    "doctor",
    "catalog",
    "import_",
    "dropout",
    "keys",
    "staff",
    "waitlist",
    "webhooks",
    "deliveries",
    "messages",
    "audit",
    "storm",
)

app = typer.Typer(
    name="holdfast",
    help="The calendar that cannot double-book. Start with: holdfast demo",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
)

for command in COMMANDS:
    import_module(f"holdfast.cli.{command}").register(app)


@app.callback(invoke_without_command=True)
def version(
    show: bool = typer.Option(False, "--version", help="Print the version and stop."),
) -> None:
    """The calendar that cannot double-book."""
    if show:
        typer.echo(__version__)
        raise typer.Exit


def run() -> None:
    """The console script: a domain error becomes `holdfast: <sentence>` on stderr and exit code 2."""
    try:
        app()
    except HoldfastError as error:
        typer.echo(f"holdfast: {error.detail}", err=True)
        sys.exit(2)
