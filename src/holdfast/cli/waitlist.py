"""``holdfast waitlist``: who waits, and what the waitlist brought."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from holdfast.ids import public_id

if TYPE_CHECKING:
    from holdfast.db.transact import Caller, Record
    from holdfast.waitlist.model import Entry, Rate

OrganizationOption = Annotated[
    str | None, typer.Option("--organization", help="The organization's slug; not needed when there is only one.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def register(app: typer.Typer) -> None:
    """Add the commands to the application."""
    waitlist = typer.Typer(no_args_is_help=True, help="Who waits for a time, and what freed times brought.")
    waitlist.command("list")(list_entries)
    waitlist.command("rates")(rates)
    app.add_typer(waitlist, name="waitlist")


def list_entries(
    limit: Annotated[int, typer.Option(min=1, max=1000, help="How many to show.")] = 50,
    organization: OrganizationOption = None,
    as_json: AsJson = False,
) -> None:
    """Everybody who waits or was just offered a time, first come first. Names are left out: see the desk."""
    from holdfast.cli.record import with_record
    from holdfast.waitlist import service

    async def work(record: Record) -> list[Entry]:
        return await record.transact(
            await _caller(record, organization), lambda tx: service.list_entries(tx, limit=limit)
        )

    entries = with_record(work)
    if as_json:
        typer.echo(json.dumps([_entry_json(entry) for entry in entries]))
        return
    headings = ("entry", "state", "since (UTC)", "services", "wants", "priority")
    rows = [
        (
            public_id("waitlist_entry", entry.id),
            entry.state,
            f"{entry.joined_at:%Y-%m-%d %H:%M}",
            str(len(entry.service_ids)),
            _wants(entry),
            str(entry.priority),
        )
        for entry in entries
    ]
    _print(headings, rows, "Nobody waits.")


def rates(
    weeks: Annotated[int, typer.Option(min=1, max=520, help="How many weeks back to look.")] = 12,
    organization: OrganizationOption = None,
    as_json: AsJson = False,
) -> None:
    """What fell free, was offered and filled, how fast, and what it earned; by week, location and service."""
    from holdfast.cli.record import with_record
    from holdfast.waitlist import service

    async def work(record: Record) -> list[Rate]:
        return await record.transact(
            await _caller(record, organization),
            lambda tx: service.rates(tx, tx.scene.began_at - timedelta(weeks=weeks), tx.scene.began_at),
        )

    found = with_record(work)
    if as_json:
        typer.echo(json.dumps([_rate_json(rate) for rate in found]))
        return
    headings = ("week of", "location", "service", "freed", "offered", "filled", "rate", "minutes to fill", "recovered")
    rows = [
        (
            f"{rate.week:%Y-%m-%d}",
            rate.location_name,
            rate.service_name or "(open hours)",
            str(rate.openings),
            str(rate.offered),
            str(rate.filled),
            f"{rate.fill_rate:.0%}",
            "" if rate.median_minutes_to_fill is None else f"{rate.median_minutes_to_fill:.0f}",
            f"{rate.recovered_cents / 100:,.2f}",
        )
        for rate in found
    ]
    _print(headings, rows, "Nothing fell free in these weeks.")


def _wants(entry: Entry) -> str:
    if entry.appointment_starts_at is not None:
        return f"earlier than {entry.appointment_starts_at:%Y-%m-%d %H:%M} UTC"
    days = f"{entry.earliest_on or 'now'} to {entry.latest_on or 'any day'}"
    return f"{days}{', some hours only' if entry.windows else ''}"


def _entry_json(entry: Entry) -> dict[str, object]:
    return {
        "id": public_id("waitlist_entry", entry.id),
        "state": entry.state,
        "joined_at": entry.joined_at.isoformat(),
        "services": [public_id("service", id) for id in entry.service_ids],
        "locations": [public_id("location", id) for id in entry.location_ids],
        "providers": [public_id("resource", id) for id in entry.provider_ids],
        "windows": entry.windows,
        "priority": entry.priority,
        "appointment": entry.appointment_id and public_id("appointment", entry.appointment_id),
    }


def _rate_json(rate: Rate) -> dict[str, object]:
    return {
        "week": rate.week.isoformat(),
        "location": public_id("location", rate.location_id),
        "service": rate.service_id and public_id("service", rate.service_id),
        "openings": rate.openings,
        "offered": rate.offered,
        "filled": rate.filled,
        "fill_rate": rate.fill_rate,
        "median_minutes_to_fill": rate.median_minutes_to_fill,
        "recovered_cents": rate.recovered_cents,
    }


def _print(headings: tuple[str, ...], rows: Sequence[tuple[str, ...]], nothing: str) -> None:
    from rich.console import Console
    from rich.table import Column, Table

    if not rows:
        typer.echo(nothing)
        return
    table = Table(*(Column(title, no_wrap=True) for title in headings), box=None)
    for row in rows:
        table.add_row(*row)
    Console(width=200, highlight=False, markup=False).print(table)


async def _caller(record: Record, organization: str | None) -> Caller:
    from holdfast.access import service
    from holdfast.db.transact import Caller

    return Caller(await service.find_organization(record, organization), "system", "system")
