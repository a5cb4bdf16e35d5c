"""``holdfast import``: a calendar that exists today becomes busy times in the record."""

from __future__ import annotations

import json
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from holdfast.cli.calendar_options import columns_of, window_of
from holdfast.errors import Invalid

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from holdfast.db.transact import Record
    from holdfast.insight.calendar_events import Event, Reading, Window
    from holdfast.insight.imports import ImportPlan, Progress, Wish

# As far as the record takes bookings: what lies beyond can collide with none.
PAST = timedelta(days=366)
FUTURE = timedelta(days=1096)
SOURCE_LENGTH_MAX = 200
PROBLEMS_SHOWN = 20


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command("import")(import_)


def import_(
    file: Path = typer.Argument(help="A calendar as .ics or .csv.", metavar="FILE"),
    *,
    resource: str | None = typer.Option(None, metavar="SLUG", help="Whose calendar this is: a resource's slug."),
    resource_map: list[str] = typer.Option(
        [],
        "--resource-map",
        metavar="NAME=SLUG",
        help='For a CSV that names several: which resource a name means, such as --resource-map "Dr. A=ana-ruiz". '
        "With nothing after the = it is left out. Repeat for each.",
    ),
    organization: str | None = typer.Option(
        None, "--organization", help="The organization's slug; not needed when there is only one."
    ),
    source: str | None = typer.Option(
        None,
        metavar="NAME",
        help="What this calendar is called: under the same name its events are found again. The calendar's own name, "
        "or the file's, when left out.",
    ),
    mapping: list[str] = typer.Option(
        [],
        "--map",
        metavar="FIELD=HEADER",
        help='Which CSV column is what, as for audit: --map start="Begin Time".',
    ),
    tz: str | None = typer.Option(None, "--tz", metavar="ZONE", help="Time zone of times that carry none."),
    since: datetime | None = typer.Option(
        None, "--from", formats=["%Y-%m-%d"], help="First day; a year ago when left out."
    ),
    until: datetime | None = typer.Option(
        None, "--to", formats=["%Y-%m-%d"], help="Last day; in three years when left out."
    ),
    day_first: bool | None = typer.Option(
        None, "--dayfirst/--monthfirst", help="How 03/04/2026 reads; found out from the column when not said."
    ),
    all_day: bool = typer.Option(True, "--all-day/--no-all-day", help="Whether all-day events that block time count."),
    remove_missing: bool = typer.Option(
        False, help="Take back what this calendar said before and no longer says, within the time the file covers."
    ),
    dry_run: bool = typer.Option(False, help="Show what would change, and change nothing."),
    as_json: bool = typer.Option(False, "--json", help="Print the outcome as JSON."),
) -> None:
    """Take a calendar into the record: its events become busy times that nobody can be booked into.

    Nothing is dropped and nothing is doubled: an event that meets a booking, or another event, is recorded as a
    collision for a person to decide about (GET /v1/collisions). Running it again changes only what has changed in the
    calendar; an event that was moved there moves here.

    Only times are kept, never titles or names.

    Examples:

        holdfast import ana.ics --resource ana-ruiz --dry-run

        holdfast import bookings.csv --tz America/Chicago --resource-map "Dr. A=ana-ruiz" --resource-map "Room 1=room-1"
    """
    from holdfast.insight.calendar_events import Hints, zone_of_option
    from holdfast.insight.calendar_files import read_calendar
    from holdfast.insight.imports import Wish

    zone = zone_of_option(tz) if tz else None
    window = _window(window_of(since, until, zone or UTC))
    found = read_calendar(file, tz=zone, window=window, hints=Hints(columns_of(mapping), day_first))
    if remove_missing and found.reading.problem_count:
        raise Invalid(
            f"{file} has {found.reading.problem_count} events that cannot be read (holdfast audit lists them), so what "
            "is missing cannot be told. Repair the file, or leave --remove-missing out."
        )
    wish = Wish(
        source=_source(source or found.reading.name),
        resource=resource,
        mapping=_mapping(resource_map),
        window=window,
        all_day=all_day,
        remove_missing=remove_missing,
    )
    plan, collisions = _import(found.events, wish, organization, dry_run=dry_run)
    if as_json:
        typer.echo(json.dumps(_as_json(plan, found.reading, collisions, dry_run=dry_run), ensure_ascii=False))
    else:
        _say(plan, found.reading, collisions, dry_run=dry_run)


def _import(events: Sequence[Event], wish: Wish, organization: str | None, *, dry_run: bool) -> tuple[ImportPlan, int]:
    from holdfast.cli.record import system_caller, with_record
    from holdfast.insight.imports import carry_out, plan_import

    async def work(record: Record) -> tuple[ImportPlan, int]:
        caller = replace(await system_caller(record, organization), surface="import")
        plan = await plan_import(record, caller, events, wish)
        if dry_run:
            return plan, sum(each.collisions for each in plan.resources)
        with _progress(plan.changes) as progress:
            return plan, await carry_out(record, caller, plan, progress)

    return with_record(work)


@contextmanager
def _progress(total: int) -> Iterator[Progress]:
    from rich.console import Console
    from rich.progress import Progress as Bar

    watched = Console(stderr=True)
    with Bar(console=watched, transient=True, disable=not watched.is_terminal) as bar:
        task = bar.add_task("importing", total=total)
        yield lambda count: bar.advance(task, count)


def _window(asked: Window) -> Window:
    from holdfast.insight.calendar_events import Window

    now = datetime.now(UTC)
    return Window(asked.start or now - PAST, asked.end or now + FUTURE)


def _source(name: str) -> str:
    readable = "".join(each if each.isprintable() else " " for each in name).strip()[:SOURCE_LENGTH_MAX]
    if not readable:
        raise Invalid("Say what this calendar is called: --source NAME.")
    return readable


def _mapping(pairs: list[str]) -> dict[str, str]:
    """``["Dr. A=ana-ruiz"]`` → ``{"Dr. A": "ana-ruiz"}``. Raises Invalid."""
    mapping: dict[str, str] = {}
    for pair in pairs:
        name, equals, slug = pair.rpartition("=")
        if not equals or not name.strip():
            raise Invalid(f'--resource-map {pair!r} names no resource. Write it like --resource-map "Dr. A=ana-ruiz".')
        mapping[name.strip()] = slug.strip()
    return mapping


def _say(plan: ImportPlan, reading: Reading, collisions: int, *, dry_run: bool) -> None:
    for note in reading.notes:
        typer.echo(note, err=True)
    for problem in reading.problems[:PROBLEMS_SHOWN]:
        typer.echo(f"line {problem.line}: {problem.what}", err=True)
    if reading.problem_count > PROBLEMS_SHOWN:
        typer.echo(f"… and {reading.problem_count - PROBLEMS_SHOWN} more problems", err=True)
    for each in plan.resources:
        missing = "removed" if plan.remove_missing else "no longer in the file (kept; --remove-missing removes)"
        counts = [
            (len(each.added), "new"),
            (len(each.moved), "moved"),
            (len(each.unchanged), "unchanged"),
            (len(each.missing), missing),
        ]
        typer.echo(f"{each.resource}: " + (_counted(counts) or "nothing in this time"))
    left_out = [(count, reason) for reason, count in (reading.left_out + plan.left_out).items()]
    if left_out:
        typer.echo(f"Left out: {_counted(left_out)}")
    typer.echo(_outcome(plan, collisions, dry_run=dry_run))


def _outcome(plan: ImportPlan, collisions: int, *, dry_run: bool) -> str:
    if not plan.changes:
        return "Nothing to change."
    times = f"{plan.changes:,} time{'s' if plan.changes > 1 else ''}"
    found = f"{collisions:,} collision{'s' if collisions != 1 else ''}"
    if dry_run:
        return f"{times} would change with {found}; nothing was written."
    where = " Decide about them: GET /v1/collisions." if collisions else ""
    return f"Done: {times} changed, {found} found.{where}"


def _counted(counts: list[tuple[int, str]]) -> str:
    return ", ".join(f"{count:,} {what}" for count, what in counts if count)


def _as_json(plan: ImportPlan, reading: Reading, collisions: int, *, dry_run: bool) -> dict[str, Any]:
    return {
        "source": plan.source,
        "dry_run": dry_run,
        "resources": [
            {
                "resource": each.resource,
                "added": len(each.added),
                "moved": len(each.moved),
                "unchanged": len(each.unchanged),
                "missing": len(each.missing),
                "missing_removed": plan.remove_missing and not dry_run,
            }
            for each in plan.resources
        ],
        "changes": plan.changes,
        "collisions": collisions,
        "left_out": dict(reading.left_out + plan.left_out),
        "problem_count": reading.problem_count,
        "problems": [{"line": each.line, "what": each.what} for each in reading.problems],
        "notes": reading.notes,
    }
