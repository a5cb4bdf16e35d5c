"""``holdfast audit``: the double-booking rate of calendars that exist today. No server, no database."""

from __future__ import annotations

import json
import re
import sys
from datetime import UTC, datetime, tzinfo
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from holdfast.cli.calendar_options import columns_of, window_of
from holdfast.errors import Invalid

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from rich.progress import Progress

    from holdfast.insight.audit_report import Audit, Report, Ticket
    from holdfast.insight.calendar_events import Event, Hints, Window

PROGRESS_EVERY = 1000


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command("audit")(audit)


def audit(
    files: list[Path] = typer.Argument(
        help="Calendars as .ics or .csv; each .ics file is one resource.", metavar="FILE…"
    ),
    *,
    tz: str | None = typer.Option(
        None,
        "--tz",
        metavar="ZONE",
        help="Time zone of times that carry none, and of the report, such as Europe/Berlin.",
    ),
    since: datetime | None = typer.Option(
        None, "--from", formats=["%Y-%m-%d"], help="First day (of --tz, else of UTC)."
    ),
    until: datetime | None = typer.Option(None, "--to", formats=["%Y-%m-%d"], help="Last day."),
    mapping: list[str] = typer.Option(
        [],
        "--map",
        metavar="FIELD=HEADER",
        help='Which CSV column is what, such as --map start="Begin Time". Fields: start, end, duration, start_date, '
        "start_time, end_date, end_time, provider, room, device, resource, status, kind, id, title, location, source.",
    ),
    day_first: bool | None = typer.Option(
        None, "--dayfirst/--monthfirst", help="How 03/04/2026 reads; found out from the column when not said."
    ),
    all_day: bool = typer.Option(False, "--all-day", help="Let all-day events that block time count too."),
    buffer: int = typer.Option(5, min=0, max=240, help="Minutes between bookings below which it is a near miss."),
    ticket: str | None = typer.Option(
        None, metavar="AMOUNT", help="What a visit brings in (340, $340, '340 EUR'): shows what double-booking costs."
    ),
    html: Path | None = typer.Option(None, metavar="PAGE", help="Also write the report as one self-contained page."),
    as_json: bool = typer.Option(False, "--json", help="Print the figures as JSON instead of tables."),
    show_titles: bool = typer.Option(False, "--show-titles", help="Show titles and clients' names of the worst cases."),
) -> None:
    """Point it at the calendars you use today and see your double-booking rate.

    Nothing is sent anywhere and nothing is changed. A collision is a booking that starts while an earlier one on the
    same provider, room or device is still running; bookings that touch do not collide.

    Cancelled, declined and free events are left out. Rules that repeat for ever are followed to one year from now;
    in an old export, to its last dated event. --from and --to say otherwise.

    Examples:

        holdfast audit anna.ics ben.ics room-1.ics --ticket 340

        holdfast audit appointments.csv --tz America/New_York --html audit.html
    """
    from holdfast.insight.audit_json import as_json as plain
    from holdfast.insight.audit_report import Audit
    from holdfast.insight.calendar_events import Hints, zone_of_option

    zone = zone_of_option(tz) if tz else None
    window = window_of(since, until, zone or UTC)
    hints = Hints(columns_of(mapping), day_first)
    price = _ticket(ticket) if ticket else None
    if html is not None:
        _check_target(html, files)
    gathered = Audit(include_all_day=all_day, keep_titles=show_titles)
    _read(files, gathered, zone, window, hints)
    report = gathered.report(now=datetime.now(UTC), zone=zone, buffer_minutes=buffer, ticket=price)
    if html is not None:
        _write_page(report, html)
    if as_json:
        typer.echo(json.dumps(plain(report), ensure_ascii=False, indent=2))
    else:
        _print(report, html)


def _read(files: list[Path], gathered: Audit, zone: tzinfo | None, window: Window, hints: Hints) -> None:
    """Draw every file through the audit, with a line of progress for whoever watches."""
    from rich.console import Console
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    from holdfast.insight.calendar_files import open_calendar

    watched = Console(stderr=True)
    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with Progress(*columns, console=watched, transient=True, disable=not watched.is_terminal) as progress:
        for path in dict.fromkeys(files):
            opened = open_calendar(path, tz=zone, window=window, hints=hints)
            gathered.add_file(str(path), _counted(opened.events, progress, path), opened.reading)
        progress.add_task("looking for overlaps")


def _counted(events: Iterable[Event], progress: Progress, path: Path) -> Iterator[Event]:
    task = progress.add_task(f"reading {path.name}")
    for number, event in enumerate(events, start=1):
        yield event
        if number % PROGRESS_EVERY == 0:
            progress.update(task, description=f"reading {path.name}: {number:,} events")


def _ticket(text: str) -> Ticket:
    """``$1,340.50`` and ``340 EUR`` keep their sign. Raises Invalid."""
    from holdfast.insight.audit_report import Ticket

    match = re.fullmatch(r"(\D*?)(\d[\d,]*(?:\.\d+)?)(\D*)", text.strip())
    try:
        if match is None or len(text) > 30 or "-" in match[1]:
            raise InvalidOperation
        return Ticket(Decimal(match[2].replace(",", "")), match[1], match[3])
    except InvalidOperation:
        raise Invalid(f"--ticket {text[:30]!r} is not an amount. Write it like 340, $340 or '340 EUR'.") from None


def _check_target(page: Path, files: list[Path]) -> None:
    """Refuse to write the page over a calendar, or over anything that is no report. Raises Invalid."""
    from holdfast.insight.audit_page import is_report

    if page.suffix.lower() not in (".html", ".htm"):
        raise Invalid(f"--html {page} is where the page is written, and its name has to end in .html.")
    if any(page.resolve() == file.resolve() for file in files):
        raise Invalid(f"{page} is one of the calendars. Name another file for the page.")
    if page.is_file() and page.stat().st_size and not is_report(page):
        raise Invalid(f"{page} is there already and is not an audit. Name another file for the page.")


def _write_page(report: Report, target: Path) -> None:
    from holdfast.insight.audit_page import render

    try:
        target.write_text(render(report), encoding="utf-8")
    except OSError as refused:
        raise Invalid(
            f"{target} cannot be written: {refused.strerror}. Name a file in a folder you may write to."
        ) from refused


def _print(report: Report, page: Path | None) -> None:
    from rich.console import Console

    from holdfast.cli.audit_tables import print_report

    print_report(report, Console(file=sys.stdout))
    if page is not None:
        typer.echo(f"The report as a page: {page}")
