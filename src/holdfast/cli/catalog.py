"""``holdfast catalog``: what can be booked, as a file to read, edit and bring back."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def register(app: typer.Typer) -> None:
    """Add the commands to the application."""
    catalog = typer.Typer(
        no_args_is_help=True,
        rich_markup_mode="markdown",
        help="Locations, providers, rooms, devices and services, as one YAML file.",
    )
    catalog.command("export")(export)
    catalog.command("import")(import_file)
    app.add_typer(catalog, name="catalog")


def export(
    output: Annotated[Path | None, typer.Option(help="The file to write; without it, to the screen.")] = None,
    organization: Annotated[
        str | None, typer.Option(help="The organization's slug; not needed when there is only one.")
    ] = None,
) -> None:
    """Write the catalog as it stands: what is in service, none of the bookings."""
    from holdfast.cli.catalog_transfer import export_catalog

    export_catalog(output, organization)


def import_file(
    file: Annotated[Path, typer.Argument(help="A catalog file, as `holdfast catalog export` writes it.")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show the difference and change nothing.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask before changing something.")] = False,
    retire_missing: Annotated[
        bool, typer.Option("--retire-missing", help="Take out of service what the file no longer has.")
    ] = False,
    new_organization: Annotated[
        bool, typer.Option("--new-organization", help="Add the file's organization beside those that exist.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the difference as JSON; asks nothing.")] = False,
) -> None:
    """Bring a catalog file into force: show exactly what would change, ask, and do all of it or nothing.

    Running it again changes nothing. What the file lacks stays in service unless `--retire-missing` is said. Where
    future bookings stand in the way they are listed, and nothing is changed. Exit code 1: the file has mistakes, or
    bookings are in the way.
    """
    from holdfast.cli.catalog_transfer import ImportOptions, import_catalog

    import_catalog(
        file,
        ImportOptions(
            dry_run=dry_run,
            sure=yes or as_json,
            retire_missing=retire_missing,
            new_organization=new_organization,
            as_json=as_json,
        ),
    )
