"""``holdfast messages``: what clients were told, what is stuck, and how the words look."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from holdfast.cli.keys import AsJson, OrganizationOption
from holdfast.errors import Invalid
from holdfast.ids import parse_id, public_id

if TYPE_CHECKING:
    from holdfast.messages.model import Message

MessageId = Annotated[str, typer.Argument(help="The message's id (msg_…), from `holdfast messages list`.")]
HEADINGS = ("id", "kind", "appointment", "by", "state", "tries", "due (UTC)", "why")


def register(app: typer.Typer) -> None:
    """Add the commands to the application."""
    group = typer.Typer(
        no_args_is_help=True, help="See what clients were told, and settle what is stuck.", rich_markup_mode="markdown"
    )
    group.command("list")(list_messages)
    group.command("preview")(preview)
    group.command("retry")(retry)
    group.command("discard")(discard)
    app.add_typer(group, name="messages")


def list_messages(
    state: Annotated[str, typer.Option(help="pending, sent, dead, skipped, or all.")] = "dead",
    limit: Annotated[int, typer.Option(min=1, max=1000)] = 50,
    organization: OrganizationOption = None,
    as_json: AsJson = False,
) -> None:
    """What needs a person (dead letters), newest first. Exit code 1 when there is any: a cron job can ask."""
    from rich.console import Console
    from rich.table import Column, Table

    from holdfast.cli.record import transact_as_system
    from holdfast.messages import service
    from holdfast.messages.model import STATES

    if state not in (*STATES, "all"):
        raise Invalid(f"There is no state {state[:40]!r}: use pending, sent, dead, skipped or all.")
    wanted = None if state == "all" else state

    found = transact_as_system(organization, lambda tx: service.list_messages(tx, limit=limit, state=wanted))
    if as_json:
        typer.echo(json.dumps([_as_json(each) for each in found]))
    elif not found:
        typer.echo("Nothing is stuck." if state == "dead" else "There are none.")
    else:
        table = Table(*(Column(title, no_wrap=True) for title in HEADINGS), box=None)
        for each in found:
            shown = _as_json(each)
            cells = ("id", "kind", "appointment", "channel", "state", "attempts")
            table.add_row(
                *(str(shown[cell] or "") for cell in cells), f"{each.due_at:%Y-%m-%d %H:%M}", each.reason or ""
            )
        Console(width=240, highlight=False, markup=False).print(table)
        if state == "dead":
            typer.echo("Put the cause right, then: holdfast messages retry ID. Or tell the client yourself.", err=True)
    if state == "dead" and found:
        sys.exit(1)


def preview(
    kind: Annotated[
        str, typer.Argument(help="confirmation, change, cancellation, reminder, follow_up, waitlist_offer or link.")
    ],
    language: Annotated[str | None, typer.Option(help="en or es; otherwise the client's.")] = None,
    appointment: Annotated[str | None, typer.Option(help="An appointment's id; otherwise the next one.")] = None,
    html: Annotated[
        bool, typer.Option("--html", help="Print the HTML of the e-mail, to look at in a browser.")
    ] = False,
    organization: OrganizationOption = None,
) -> None:
    """Show what a client would be sent, with the data of a real appointment. Nothing is sent."""
    from holdfast.cli.record import transact_as_system
    from holdfast.messages import service
    from holdfast.messages.model import KINDS

    if kind not in KINDS:
        raise Invalid(f"There is no kind {kind[:40]!r}: use {', '.join(KINDS)}.")
    appointment_id = None if appointment is None else parse_id("appointment", appointment)

    shown = transact_as_system(
        organization, lambda tx: service.preview(tx, kind, appointment_id=appointment_id, language=language)
    )
    if html:
        typer.echo(shown.html)
        return
    typer.echo(f"Subject: {shown.subject}\n\n{shown.text}\n\nAs a text ({len(shown.sms)} characters):\n{shown.sms}")


def retry(message: MessageId, organization: OrganizationOption = None) -> None:
    """Send a dead or skipped message now, if it still makes sense then."""
    from holdfast.cli.record import transact_as_system
    from holdfast.messages import service

    id = parse_id("message", message)

    transact_as_system(organization, lambda tx: service.retry_message(tx, id))
    typer.echo(f"{message} is to be sent now.")


def discard(
    message: MessageId,
    reason: Annotated[str, typer.Argument(help="Why it need not be sent; kept with the message.")],
    organization: OrganizationOption = None,
) -> None:
    """Give a pending or dead message up, for a reason: the client was called, say."""
    from holdfast.cli.record import transact_as_system
    from holdfast.messages import service

    id = parse_id("message", message)

    transact_as_system(organization, lambda tx: service.discard_message(tx, id, reason))
    typer.echo(f"{message} is discarded.")


def _as_json(message: Message) -> dict[str, object]:
    return {
        "id": public_id("message", message.id),
        "appointment": message.appointment_id and public_id("appointment", message.appointment_id),
        "offer": message.offer_id and public_id("offer", message.offer_id),
        "kind": message.kind,
        "state": message.state,
        "channel": message.channel,
        "attempts": message.attempts,
        "due_at": message.due_at.isoformat(),
        "reason": message.reason,
    }
