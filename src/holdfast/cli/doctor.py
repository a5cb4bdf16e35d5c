"""``holdfast doctor``: check the record against its own promises."""

from __future__ import annotations

import json
import sys
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from holdfast.cli.record import require_this_version
from holdfast.config import load_settings
from holdfast.db.runtime import any_database
from holdfast.insight.doctor import CHECKS, Check, Result, examine, warn

EXAMPLES_SHOWN = 10


def register(app: typer.Typer) -> None:
    """Add the command to the application."""
    app.command("doctor")(doctor)


def doctor(as_json: Annotated[bool, typer.Option("--json", help="Print every finding as JSON.")] = False) -> None:
    """Check that nothing is double-booked and every promise about the record holds.

    Reads all organizations' rows, never through the index of the guard that it checks, and changes nothing; it may run
    beside a working Holdfast. Exit code 1: something is wrong, and the lines below the table say what. What only waits
    for a worker or a person is a warning, which changes no exit code.
    """
    settings = load_settings()
    with any_database(settings) as urls:
        require_this_version(settings, urls)
        results = examine(urls, on_check=_tell if sys.stderr.isatty() else None)
        warnings = warn(urls)
    if as_json:
        typer.echo(json.dumps(_as_json(results) | {"warnings": warnings}, indent=2))
    else:
        _print(results)
        for warning in warnings:
            typer.echo(f"Warning: {warning}")
    if any(result.findings for result in results):
        raise typer.Exit(1)


def _tell(check: Check) -> None:
    place = CHECKS.index(check) + 1
    sys.stderr.write(f"\r\033[K{place}/{len(CHECKS)} {check.holds}" + ("\r\033[K" if place == len(CHECKS) else ""))
    sys.stderr.flush()


def _print(results: list[Result]) -> None:
    console = Console(highlight=False)
    table = Table(box=None, pad_edge=False)
    for heading in ("", "check", "what holds"):
        table.add_column(heading)
    for result in results:
        wrong = len(result.findings)
        table.add_row("[red]WRONG[/]" if wrong else "[green]ok[/]", result.check.name, result.check.holds)
    console.print(table)
    for result in results:
        for finding in result.findings[:EXAMPLES_SHOWN]:
            console.print(f"[red]{result.check.name}[/]: ", end="")
            console.print(str(finding), markup=False)
        if len(result.findings) > EXAMPLES_SHOWN:
            console.print(f"[red]{result.check.name}[/]: and {len(result.findings) - EXAMPLES_SHOWN} more; see --json")
    wrong = sum(len(result.findings) for result in results)
    console.print(f"[red]{wrong} findings.[/]" if wrong else "[green]All is well.[/]")


def _as_json(results: list[Result]) -> dict[str, object]:
    return {
        "sound": not any(result.findings for result in results),
        "checks": [
            {
                "check": result.check.name,
                "invariant": result.check.invariant,
                "holds": result.check.holds,
                "findings": [
                    {
                        "organization_id": str(finding.organization_id) if finding.organization_id else None,
                        "kind": finding.kind,
                        "id": finding.name,
                        "detail": finding.detail,
                    }
                    for finding in result.findings
                ],
            }
            for result in results
        ],
    }
