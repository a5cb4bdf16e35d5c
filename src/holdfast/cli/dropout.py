"""``holdfast dropout``: a provider is ill or a device broke; who takes over, and then do it."""

from __future__ import annotations

import json
from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

from holdfast.ids import public_id

if TYPE_CHECKING:
    from holdfast.booking.dropout import DropoutPlan
    from holdfast.db.transact import Record


def register(app: typer.Typer) -> None:
    """Add the command to the application."""
    app.command("dropout")(dropout)


def dropout(
    resource: Annotated[str, typer.Argument(help="Its slug or id, such as laser-austin.")],
    start: Annotated[datetime, typer.Option("--from", help="Out from then on; UTC unless it has an offset.")],
    end: Annotated[datetime, typer.Option("--to", help="Back then.")],
    approve: Annotated[
        str | None, typer.Option(help="Carry out the plan with this fingerprint, all or nothing.")
    ] = None,
    organization: Annotated[str | None, typer.Option(help="The organization's slug, where there are several.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Show who would take over the visits of a resource that is out, at their own times; `--approve` does it.

    Exit code 1 when visits are left that nobody else can take.
    """
    from holdfast.booking.dropout import apply_dropout, plan_dropout
    from holdfast.catalog import service as catalog
    from holdfast.cli.record import since_utc, system_caller, with_record

    async def work(record: Record) -> DropoutPlan:
        caller = await system_caller(record, organization)
        found = await record.transact(caller, lambda tx: catalog.get_resource(tx, resource))
        first, last = since_utc(start), since_utc(end)
        if approve is None:
            return await plan_dropout(record, caller, found.id, first, last)
        return await record.transact(caller, lambda tx: apply_dropout(tx, found.id, first, last, approved=approve))

    plan = with_record(work)
    typer.echo(_as_json(plan) if as_json else _as_text(plan, applied=approve is not None))
    if plan.stranded:
        raise typer.Exit(1)


def _as_text(plan: DropoutPlan, *, applied: bool) -> str:
    lines = [f"{each.starts_at:%Y-%m-%d %H:%M} UTC  {each.role} -> {each.resource_name}" for each in plan.moves]
    lines += [
        f"{each.starts_at:%Y-%m-%d %H:%M} UTC  {public_id('appointment', each.appointment_id)}"
        f"  nobody else can take it ({each.reason})"
        for each in plan.stranded
    ]
    if not lines:
        return "No visit is affected."
    told = "Done." if applied else f"Nothing was changed. To do it: --approve {plan.fingerprint}"
    return "\n".join([*lines, told])


def _as_json(plan: DropoutPlan) -> str:
    return json.dumps(
        {
            "fingerprint": plan.fingerprint,
            "moves": [
                {
                    "appointment": public_id("appointment", each.appointment_id),
                    "start": each.starts_at.isoformat(),
                    "role": each.role,
                    "resource": public_id("resource", each.resource_id),
                }
                for each in plan.moves
            ],
            "stranded": [
                {
                    "appointment": public_id("appointment", each.appointment_id),
                    "start": each.starts_at.isoformat(),
                    "reason": each.reason,
                }
                for each in plan.stranded
            ],
        }
    )
