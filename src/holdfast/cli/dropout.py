"""``holdfast dropout``: a provider is ill or a device broke; who takes over, and then do it."""

from __future__ import annotations

import json
from datetime import datetime
from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import typer

from holdfast.ids import public_id
from holdfast.wallclock import parse_instant, to_local

if TYPE_CHECKING:
    from holdfast.booking.dropout import DropoutPlan
    from holdfast.db.transact import Record, Transaction


def register(app: typer.Typer) -> None:
    """Add the command to the application."""
    app.command("dropout")(dropout)


def dropout(
    resource: Annotated[str, typer.Argument(help="Its slug or id, such as laser-austin.")],
    start: Annotated[str, typer.Option("--from", help="Out from then on: 2027-03-01T09:00, on its location's clock.")],
    end: Annotated[str, typer.Option("--to", help="Back then.")],
    approve: Annotated[
        str | None, typer.Option(help="Carry out the plan with this fingerprint, all or nothing.")
    ] = None,
    organization: Annotated[str | None, typer.Option(help="The organization's slug, where there are several.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Show who would take over the visits of a resource that is out, at their own times; `--approve` does it.

    The plan leaves as few visits as possible without anybody, and moves as few as possible for that; those that are
    left are shown with the nearest times at which they could be held instead. Exit code 1 when visits are left.

    With `--approve` the time is also recorded as time off, so that nobody books the resource then.
    """
    from holdfast.booking.dropout import apply_dropout, plan_dropout
    from holdfast.catalog import service as catalog
    from holdfast.cli.record import system_caller, with_record

    async def work(record: Record) -> tuple[DropoutPlan, str]:
        caller = await system_caller(record, organization)

        async def look_up(tx: Transaction) -> tuple[UUID, str | None]:
            found = await catalog.get_resource(tx, resource)
            return found.id, await catalog.time_zone_of(tx, found.id)

        id, zone = await record.transact(caller, look_up)
        first, last = parse_instant(start, zone, field="--from"), parse_instant(end, zone, field="--to")
        shown_in = zone or "UTC"
        if approve is None:
            return await plan_dropout(record, caller, id, first, last), shown_in
        return await record.transact(caller, lambda tx: apply_dropout(tx, id, first, last, approved=approve)), shown_in

    plan, zone = with_record(work)
    if not as_json:
        # beside the plan, which a script reads line by line
        typer.echo(_absence_as_text(resource, plan, zone, applied=approve is not None), err=True)
    typer.echo(_as_json(plan) if as_json else _as_text(plan, applied=approve is not None))
    if plan.stranded:
        raise typer.Exit(1)


def _as_text(plan: DropoutPlan, *, applied: bool) -> str:
    lines = [
        f"{_local(each.starts_at, each.time_zone)}  {public_id('appointment', each.appointment_id)}"
        f"  {each.role} -> {each.resource_name}{' (makes way)' if each.makes_way else ''}"
        for each in plan.moves
    ]
    for each in plan.stranded:
        id = public_id("appointment", each.appointment_id)
        lines.append(f"{_local(each.starts_at, each.time_zone)}  {id}  nobody else can take it ({each.reason})")
        lines += [f"    instead: {_local(slot.start, each.time_zone)}" for slot in each.alternatives]
    if not lines and (applied or plan.absence.known):
        return "No visit is affected."
    lines = lines or ["No visit is affected."]
    how = "" if plan.absence.known and not plan.moves else f" To do it: --approve {plan.fingerprint}"
    return "\n".join([*lines, "Done." if applied else f"Nothing was changed.{how}"])


def _absence_as_text(resource: str, plan: DropoutPlan, zone: str, *, applied: bool) -> str:
    absence = plan.absence
    span = f"{resource}, {_local(absence.start, zone)} to {_local(absence.end, zone)}"
    if absence.known:
        said = f"Time off is on record already: {span}."
    else:
        said = f"Time off is {'now' if applied else 'to be'} recorded: {span}."
    if absence.held:
        said += f" Live holds in it: {absence.held}; plan once more when they have ended."
    return said


def _local(instant: datetime, zone: str) -> str:
    return f"{to_local(instant, zone):%Y-%m-%d %H:%M} {zone}"


def _as_json(plan: DropoutPlan) -> str:
    return json.dumps(
        {
            "fingerprint": plan.fingerprint,
            "absence": {
                "resource": public_id("resource", plan.absence.resource_id),
                "start": plan.absence.start.isoformat(),
                "end": plan.absence.end.isoformat(),
                "known": plan.absence.known,
                "held": plan.absence.held,
            },
            "moves": [
                {
                    "appointment": public_id("appointment", each.appointment_id),
                    "start": each.starts_at.isoformat(),
                    "role": each.role,
                    "resource": public_id("resource", each.resource_id),
                    "makes_way": each.makes_way,
                }
                for each in plan.moves
            ],
            "stranded": [
                {
                    "appointment": public_id("appointment", each.appointment_id),
                    "start": each.starts_at.isoformat(),
                    "reason": each.reason,
                    "alternatives": [slot.start.isoformat() for slot in each.alternatives],
                }
                for each in plan.stranded
            ],
        }
    )
