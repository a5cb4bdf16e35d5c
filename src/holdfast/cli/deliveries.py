"""``holdfast deliveries``: what is owed outside, what is stuck, and what to do about it."""

from __future__ import annotations

import json
import sys
from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

from holdfast.cli.keys import AsJson, OrganizationOption
from holdfast.errors import Invalid
from holdfast.ids import parse_id, public_id

if TYPE_CHECKING:
    from holdfast.db.transact import Record
    from holdfast.webhooks.model import Attempt, Delivery

DeliveryId = Annotated[str, typer.Argument(help="The delivery's id (dlv_…), from `holdfast deliveries list`.")]
HEADINGS = ("id", "event", "to", "state", "tries", "why")


def register(app: typer.Typer) -> None:
    """Add the commands to the application."""
    group = typer.Typer(
        no_args_is_help=True, help="See what could not be sent, and settle it.", rich_markup_mode="markdown"
    )
    group.command("list")(list_deliveries)
    group.command("show")(show)
    group.command("retry")(retry)
    group.command("fail")(fail)
    group.command("discard")(discard)
    app.add_typer(group, name="deliveries")


def list_deliveries(
    state: Annotated[str, typer.Option(help="pending, delivered, dead, discarded, or all.")] = "dead",
    limit: Annotated[int, typer.Option(min=1, max=1000)] = 50,
    organization: OrganizationOption = None,
    as_json: AsJson = False,
) -> None:
    """What needs a person (dead letters), newest first. Exit code 1 when there is any: a cron job can ask."""
    from rich.console import Console
    from rich.table import Column, Table

    from holdfast.cli.record import transact_as_system
    from holdfast.webhooks import service

    if state not in (*service.STATES, "all"):
        raise Invalid(f"There is no state {state[:40]!r}: use pending, delivered, dead, discarded or all.")
    wanted = None if state == "all" else state

    found = transact_as_system(organization, lambda tx: service.list_deliveries(tx, limit=limit, state=wanted))
    if as_json:
        typer.echo(json.dumps([_as_json(each) for each in found]))
    elif not found:
        typer.echo("Nothing is stuck." if state == "dead" else "There are none.")
    else:
        table = Table(*(Column(title, no_wrap=True) for title in HEADINGS), box=None)
        for each in found:
            id = public_id("delivery", each.id)
            table.add_row(id, each.type, each.url, each.state, str(each.attempts), each.why)
        Console(width=240, highlight=False, markup=False).print(table)
        if state == "dead":
            typer.echo("Repair their side, then: holdfast deliveries retry ID (or retry --all-since TIME)", err=True)
    if state == "dead" and found:
        sys.exit(1)


def show(delivery: DeliveryId, organization: OrganizationOption = None) -> None:
    """One delivery and every attempt: what was sent, and the beginning of what they answered."""
    from holdfast.cli.record import transact_as_system
    from holdfast.db.transact import Transaction
    from holdfast.webhooks import service
    from holdfast.webhooks.message import message_of

    id = parse_id("delivery", delivery)

    async def both(tx: Transaction) -> tuple[Delivery, list[Attempt]]:
        return await service.get_delivery(tx, id), await service.list_attempts(tx, id)

    found, attempts = transact_as_system(organization, both)
    typer.echo(f"{found.type} to {found.url}: {found.state}. {found.why}".rstrip())
    typer.echo(f"\n{message_of(found).decode()}\n")
    for each in attempts:
        answered = f"answered {each.status}" if each.status else "no answer"
        typer.echo(
            f"  {each.at:%Y-%m-%d %H:%M:%S} UTC  {answered} in {each.latency_ms} ms  {each.cause or ''}".rstrip()
        )
        for arrow, headers in (("->", each.request_headers), ("<-", each.response_headers)):
            for name, value in (headers or {}).items():
                typer.echo(f"    {arrow} {name}: {value}")
        if each.response:
            typer.echo(f"    <- {each.response[:200]!r}")


def retry(
    delivery: Annotated[str | None, typer.Argument(help="The delivery's id (dlv_…).")] = None,
    all_since: Annotated[
        datetime | None, typer.Option(help="Instead: every dead letter since then, in UTC, such as 2027-03-06T14:00.")
    ] = None,
    organization: OrganizationOption = None,
) -> None:
    """Try again now. The receiver sees the id that it saw before, so it can tell a repeat."""
    from holdfast.cli.record import since_utc, system_caller, with_record
    from holdfast.webhooks import service

    if (delivery is None) == (all_since is None):
        raise Invalid("Name one delivery, or --all-since a time.")

    async def work(record: Record) -> int:
        caller = await system_caller(record, organization)
        if all_since is not None:
            return await record.transact(caller, lambda tx: service.retry_since(tx, since_utc(all_since)))
        id = parse_id("delivery", delivery or "")
        await record.transact(caller, lambda tx: service.retry_delivery(tx, id))
        return 1

    typer.echo(f"{with_record(work)} to be tried again now.")


def fail(delivery: DeliveryId, organization: OrganizationOption = None) -> None:
    """Make no more attempts: it is a dead letter now. For when you know that it will not get through."""
    from holdfast.cli.record import transact_as_system
    from holdfast.webhooks import service

    id = parse_id("delivery", delivery)

    transact_as_system(organization, lambda tx: service.fail_delivery(tx, id))
    typer.echo(f"{delivery} is a dead letter.")


def discard(
    delivery: DeliveryId,
    reason: Annotated[str, typer.Argument(help="Why it need not be sent; kept with the delivery.")],
    organization: OrganizationOption = None,
) -> None:
    """Give it up, for a reason. Later news about the same appointment, which waited behind it, is sent."""
    from holdfast.cli.record import transact_as_system
    from holdfast.webhooks import service

    id = parse_id("delivery", delivery)

    transact_as_system(organization, lambda tx: service.discard_delivery(tx, id, reason))
    typer.echo(f"{delivery} is discarded.")


def _as_json(delivery: Delivery) -> dict[str, object]:
    return {
        "id": public_id("delivery", delivery.id),
        "webhook": public_id("webhook_endpoint", delivery.endpoint_id),
        "type": delivery.type,
        "url": delivery.url,
        "state": delivery.state,
        "attempts": delivery.attempts,
        "cause": delivery.why,
        "created_at": delivery.created_at.isoformat(),
        "next_attempt_at": delivery.next_attempt_at.isoformat() if delivery.next_attempt_at else None,
    }
