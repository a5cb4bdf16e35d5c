"""``holdfast keys``: the API keys by which desks, widgets and integrations act."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated

import typer

from holdfast.ids import parse_id, public_id

if TYPE_CHECKING:
    from holdfast.access.model import ApiKey, NewApiKey
    from holdfast.db.transact import Caller, Record

HEADINGS = ("id", "name", "ends in", "scopes", "surfaces", "made", "last used", "revoked")
OrganizationOption = Annotated[
    str | None, typer.Option("--organization", help="The organization's slug; not needed when there is only one.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def register(app: typer.Typer) -> None:
    """Add the commands to the application."""
    keys = typer.Typer(no_args_is_help=True, help="Create, list and revoke API keys.", rich_markup_mode="markdown")
    keys.command("create")(create)
    keys.command("list")(list_keys)
    keys.command("revoke")(revoke)
    app.add_typer(keys, name="keys")


def create(
    name: Annotated[str, typer.Argument(help="What the key is for, such as 'Front desk Austin'.")],
    scope: Annotated[list[str], typer.Option(help="What it may do: read, book, manage, overbook. Repeat for several.")],
    surface: Annotated[
        list[str],
        typer.Option(
            help="Where it acts: desk, phone, walk_in, widget, calendar, platform, assistant, api, import. "
            "The first is the usual one."
        ),
    ],
    organization: OrganizationOption = None,
    as_json: AsJson = False,
) -> None:
    """Make a key and show it, this once: only its hash is kept.

    A booking widget on a public page gets `--scope book --surface widget` and nothing else.
    """
    from holdfast.access import service
    from holdfast.cli.record import with_record

    async def work(record: Record) -> NewApiKey:
        caller = await _caller(record, organization)
        return await record.transact(
            caller, lambda tx: service.create_api_key(tx, name=name, scopes=scope, surfaces=surface)
        )

    made = with_record(work)
    key_id = public_id("api_key", made.id)
    if as_json:
        typer.echo(json.dumps({"id": key_id, "key": made.key}))
    else:
        typer.echo(made.key)
        typer.echo(f"Keep it now: it is not shown again. To take it back: holdfast keys revoke {key_id}", err=True)


def list_keys(organization: OrganizationOption = None, as_json: AsJson = False) -> None:
    """The keys of the organization, newest first, revoked ones last."""
    from rich.console import Console
    from rich.table import Column, Table

    from holdfast.access import service
    from holdfast.cli.record import with_record

    async def work(record: Record) -> list[ApiKey]:
        return await record.transact(await _caller(record, organization), service.list_api_keys)

    keys = with_record(work)
    if as_json:
        typer.echo(json.dumps([_as_json(key) for key in keys]))
        return
    table = Table(*(Column(title, no_wrap=True) for title in HEADINGS), box=None)
    for key in keys:
        table.add_row(
            public_id("api_key", key.id),
            key.name,
            key.key_hint,
            ", ".join(key.scopes),
            ", ".join(key.surfaces),
            f"{key.created_at:%Y-%m-%d}",
            f"{key.last_used_on}" if key.last_used_on else "never",
            f"{key.revoked_at:%Y-%m-%d}" if key.revoked_at else "",
        )
    # wide enough for whole ids, which are to be copied; a narrow terminal wraps the lines
    Console(width=200, highlight=False, markup=False).print(table)


def revoke(
    key_id: Annotated[str, typer.Argument(help="The key's id (key_…), from `holdfast keys list`.")],
    organization: OrganizationOption = None,
) -> None:
    """End a key. A server that has just seen it may honour it for two more seconds; then it opens nothing."""
    from holdfast.access import service
    from holdfast.cli.record import with_record

    api_key_id = parse_id("api_key", key_id)

    async def work(record: Record) -> None:
        await record.transact(await _caller(record, organization), lambda tx: service.revoke_api_key(tx, api_key_id))

    with_record(work)
    typer.echo(f"{key_id} is revoked.")


async def _caller(record: Record, organization: str | None) -> Caller:
    from holdfast.access import service
    from holdfast.db.transact import Caller

    return Caller(await service.find_organization(record, organization), "system", "system")


def _as_json(key: ApiKey) -> dict[str, object]:
    return {
        "id": public_id("api_key", key.id),
        "name": key.name,
        "hint": key.key_hint,
        "scopes": key.scopes,
        "surfaces": key.surfaces,
        "created_at": key.created_at.isoformat(),
        "last_used_on": key.last_used_on.isoformat() if key.last_used_on else None,
        "revoked_at": key.revoked_at.isoformat() if key.revoked_at else None,
    }
