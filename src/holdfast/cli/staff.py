"""``holdfast staff``: who signs in at the desk, and a way back in for whoever lost theirs."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated

import typer

from holdfast.cli.keys import AsJson, OrganizationOption
from holdfast.errors import Invalid
from holdfast.ids import public_id

if TYPE_CHECKING:
    from holdfast.access.staff import Staff
    from holdfast.db.transact import Transaction

HEADINGS = ("id", "name", "e-mail", "role", "second factor", "now")
Email = Annotated[str, typer.Argument(help="The e-mail address that they sign in with.")]


def register(app: typer.Typer) -> None:
    """Add the commands to the application."""
    staff = typer.Typer(
        no_args_is_help=True, help="List staff, let somebody in, or let them in again.", rich_markup_mode="markdown"
    )
    staff.command("list")(list_staff)
    staff.command("invite")(invite)
    staff.command("reset")(reset)
    app.add_typer(staff, name="staff")


def list_staff(organization: OrganizationOption = None, as_json: AsJson = False) -> None:
    """Who signs in at the desk, those who left last."""
    from rich.console import Console
    from rich.table import Column, Table

    from holdfast.access import staff as people
    from holdfast.cli.record import transact_as_system

    found = transact_as_system(organization, people.list_staff)
    if as_json:
        typer.echo(json.dumps([_as_json(each) for each in found]))
        return
    if not found:
        typer.echo("Nobody yet. Let the owner in: holdfast staff invite EMAIL --name NAME --role owner")
        return
    table = Table(*(Column(title, no_wrap=True) for title in HEADINGS), box=None)
    for each in found:
        factor = "on" if each.has_second_factor else ""
        table.add_row(public_id("staff", each.id), each.name, each.email, each.role, factor, _state(each))
    Console(width=200, highlight=False, markup=False).print(table)


def invite(
    email: Email,
    name: Annotated[str, typer.Option(help="Their name, as the desk shows it.")],
    role: Annotated[str, typer.Option(help="owner, manager, desk or provider.")] = "desk",
    provider: Annotated[
        str | None, typer.Option(help="The slug of the provider that they are; a provider needs one.")
    ] = None,
    organization: OrganizationOption = None,
    as_json: AsJson = False,
) -> None:
    """Add somebody to the staff, and print the link by which they set their password: this once, good for seven days.

    The first owner of an organization that came from a file: `--role owner`.
    """
    from holdfast.access import staff as people
    from holdfast.catalog import service as catalog
    from holdfast.cli.record import transact_as_system

    known = next((each for each in people.PERMISSIONS if each == role), None)
    if known is None:
        raise Invalid(f"There is no role {role[:40]!r}: use {', '.join(people.PERMISSIONS)}.")

    async def work(tx: Transaction) -> str:
        resource_id = (await catalog.get_resource(tx, provider)).id if provider else None
        id = await people.create_staff(tx, email=email, name=name, role=known, resource_id=resource_id)
        return await people.issue_link(tx, id, "invitation")

    _show(transact_as_system(organization, work), "within seven days", as_json=as_json)


def reset(
    email: Email,
    second_factor: Annotated[
        bool,
        typer.Option("--second-factor", help="Take the second factor away too: phone and codes are gone."),
    ] = False,
    organization: OrganizationOption = None,
    as_json: AsJson = False,
) -> None:
    """Print a link by which somebody sets a new password: this once, good for an hour.

    Whoever was invited and has not come yet gets a fresh invitation, good for seven days. Until the link is used the
    old password stays. `--second-factor` signs them out everywhere at once.
    """
    from holdfast.access import staff as people
    from holdfast.cli.record import transact_as_system

    async def work(tx: Transaction) -> tuple[str, bool]:
        found = await people.find_staff(tx, email)
        if second_factor:
            await people.reset_second_factor(tx, found.id)
        token = await people.issue_link(tx, found.id, "reset" if found.has_password else "invitation")
        return token, found.has_password

    token, had_password = transact_as_system(organization, work)
    _show(token, "within an hour" if had_password else "within seven days", as_json=as_json)


def _show(token: str, when: str, *, as_json: bool) -> None:
    from holdfast.cli.serve import address
    from holdfast.config import load_settings

    settings = load_settings()
    url = f"{(settings.public_url or address(settings)).rstrip('/')}/welcome/{token}"
    if as_json:
        typer.echo(json.dumps({"url": url}))
        return
    typer.echo(url)
    typer.echo(f"It works once, {when}, and is not shown again. Whoever has it can sign in as them.", err=True)


def _state(each: Staff) -> str:
    if each.retired_at:
        return "left"
    if not each.has_password:
        return "invited"
    return "signed in" if each.signed_in else ""


def _as_json(each: Staff) -> dict[str, object]:
    return {
        "id": public_id("staff", each.id),
        "name": each.name,
        "email": each.email,
        "role": each.role,
        "second_factor": each.has_second_factor,
        "invited": not each.has_password and each.retired_at is None,
        "signed_in": each.signed_in,
        "retired_at": each.retired_at.isoformat() if each.retired_at else None,
    }
