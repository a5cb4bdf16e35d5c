"""``holdfast webhooks``: where events are sent."""

from __future__ import annotations

import json
from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

from holdfast.cli.keys import AsJson, OrganizationOption
from holdfast.cli.listen import listen
from holdfast.ids import parse_id, public_id

if TYPE_CHECKING:
    from holdfast.webhooks.model import Endpoint, NewSecret

EndpointId = Annotated[str, typer.Argument(help="The endpoint's id (whk_…), from `holdfast webhooks list`.")]
HEADINGS = ("id", "url", "events", "status", "what is wrong")


def register(app: typer.Typer) -> None:
    """Add the commands to the application."""
    group = typer.Typer(no_args_is_help=True, help="Send events to other systems.", rich_markup_mode="markdown")
    group.command("add")(add)
    group.command("list")(list_endpoints)
    group.command("test")(send_test)
    group.command("enable")(enable)
    group.command("rotate")(rotate)
    group.command("replay")(replay)
    group.command("listen")(listen)
    group.command("remove")(remove)
    app.add_typer(group, name="webhooks")


def add(
    url: Annotated[str, typer.Argument(help="An https:// URL on the public internet.")],
    event: Annotated[
        list[str] | None, typer.Option(help="A type of event, 'appointment.*' or '*'. Repeat for several.")
    ] = None,
    organization: OrganizationOption = None,
    as_json: AsJson = False,
) -> None:
    """Send events to a URL, those of appointments unless you say which. The secret is shown this once."""
    from holdfast.cli.record import transact_as_system
    from holdfast.config import load_settings
    from holdfast.webhooks import service
    from holdfast.webhooks.outbound import check_url
    from holdfast.webhooks.signing import SecretBox

    settings = load_settings()
    check_url(url, settings.webhook_allowed_hosts)

    new = transact_as_system(
        organization,
        lambda tx: service.add_endpoint(tx, SecretBox(settings.secret()), url=url, events=event or ["appointment.*"]),
    )
    _show_secret(new, as_json=as_json)


def list_endpoints(organization: OrganizationOption = None, as_json: AsJson = False) -> None:
    """Every endpoint, and what is wrong with it."""
    from rich.console import Console
    from rich.table import Column, Table

    from holdfast.cli.record import transact_as_system
    from holdfast.webhooks import service

    endpoints = transact_as_system(organization, service.list_endpoints)
    if as_json:
        typer.echo(json.dumps([_as_json(each) for each in endpoints]))
        return
    table = Table(*(Column(title, no_wrap=True) for title in HEADINGS), box=None)
    for each in endpoints:
        table.add_row(
            public_id("webhook_endpoint", each.id), each.url, ", ".join(each.events), each.status, _complaint(each)
        )
    Console(width=200, highlight=False, markup=False).print(table)


def send_test(endpoint: EndpointId, organization: OrganizationOption = None) -> None:
    """Send it a test message. `holdfast deliveries show` with the id that is printed tells how it went."""
    from holdfast.cli.record import transact_as_system
    from holdfast.webhooks import service

    id = parse_id("webhook_endpoint", endpoint)

    delivery = transact_as_system(organization, lambda tx: service.test_endpoint(tx, id))
    typer.echo(public_id("delivery", delivery.id))


def enable(endpoint: EndpointId, organization: OrganizationOption = None) -> None:
    """Send to a disabled endpoint again. What it missed meanwhile: `holdfast webhooks replay`."""
    from holdfast.cli.record import transact_as_system
    from holdfast.webhooks import service

    id = parse_id("webhook_endpoint", endpoint)

    enabled = transact_as_system(organization, lambda tx: service.change_endpoint(tx, id, enabled=True))
    typer.echo(f"{endpoint} is {enabled.status}.")


def rotate(
    endpoint: EndpointId,
    overlap_hours: Annotated[int, typer.Option(min=0, max=168, help="How long the old secret signs too.")] = 24,
    organization: OrganizationOption = None,
    as_json: AsJson = False,
) -> None:
    """A new secret, shown this once. Until the old one ends, messages carry signatures by both."""
    from holdfast.cli.record import transact_as_system
    from holdfast.config import load_settings
    from holdfast.webhooks import service
    from holdfast.webhooks.signing import SecretBox

    id, box = parse_id("webhook_endpoint", endpoint), SecretBox(load_settings().secret())

    new = transact_as_system(organization, lambda tx: service.rotate_secret(tx, box, id, overlap_hours=overlap_hours))
    _show_secret(new, as_json=as_json)


def replay(
    endpoint: EndpointId,
    since: Annotated[datetime, typer.Argument(help="From when on, in UTC, such as 2027-03-06T14:00.")],
    until: Annotated[
        datetime | None, typer.Argument(help="Until when, in UTC; without it, until now.", show_default=False)
    ] = None,
    organization: OrganizationOption = None,
) -> None:
    """Send it everything of that time that it has not got."""
    from holdfast.cli.record import since_utc, transact_as_system
    from holdfast.webhooks import service

    id = parse_id("webhook_endpoint", endpoint)

    end = since_utc(until) if until else None
    count = transact_as_system(organization, lambda tx: service.replay(tx, id, since_utc(since), end))
    typer.echo(f"{count} deliveries.")


def remove(endpoint: EndpointId, organization: OrganizationOption = None) -> None:
    """Send nothing there any more, and discard what it was owed."""
    from holdfast.cli.record import transact_as_system
    from holdfast.webhooks import service

    id = parse_id("webhook_endpoint", endpoint)

    transact_as_system(organization, lambda tx: service.remove_endpoint(tx, id))
    typer.echo(f"{endpoint} is removed.")


def _show_secret(new: NewSecret, *, as_json: bool) -> None:
    id = public_id("webhook_endpoint", new.endpoint_id)
    if as_json:
        typer.echo(json.dumps({"id": id, "secret": new.secret}))
    else:
        typer.echo(new.secret)
        typer.echo(f"The secret of {id}. Keep it now: it is not shown again.", err=True)


def _complaint(endpoint: Endpoint) -> str:
    if endpoint.disabled_cause is not None:
        return endpoint.disabled_cause
    said = [f"{endpoint.dead} dead letters"] if endpoint.dead else []
    if endpoint.failing_since:
        said.append(f"failing since {endpoint.failing_since:%Y-%m-%d %H:%M} UTC")
    if endpoint.disables_at:
        said.append(f"disabled on {endpoint.disables_at:%Y-%m-%d %H:%M} UTC unless it answers")
    if endpoint.not_before:
        said.append(f"left in peace until {endpoint.not_before:%H:%M:%S} UTC")
    return "; ".join(said)


def _as_json(endpoint: Endpoint) -> dict[str, object]:
    return {
        "id": public_id("webhook_endpoint", endpoint.id),
        "url": endpoint.url,
        "events": endpoint.events,
        "status": endpoint.status,
        "failing_since": endpoint.failing_since.isoformat() if endpoint.failing_since else None,
        "disables_at": endpoint.disables_at.isoformat() if endpoint.disables_at else None,
        "not_before": endpoint.not_before.isoformat() if endpoint.not_before else None,
        "disabled_cause": endpoint.disabled_cause,
        "dead": endpoint.dead,
    }
