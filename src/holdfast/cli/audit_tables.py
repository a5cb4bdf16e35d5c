"""The audit on a terminal."""

from __future__ import annotations

from typing import Final

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from holdfast.insight import audit_words as words
from holdfast.insight.audit_report import Report, ResourceTally, duration_words

RESOURCES_SHOWN: Final = 15
RESOURCE_COLUMNS: Final = ("Kind", "Bookings", "Collisions", "Per 1,000", "To come", "Overlap", "Near misses")
WIDE: Final = 100
PROBLEMS_SHOWN: Final = 5
_SHADES: Final = " ░▒▓█"


def print_report(report: Report, console: Console) -> None:
    """Print the report, most important first."""
    console.print(_summary(report))
    if report.collisions:
        if any(tally.collisions for tally in report.resources):
            console.print(_resources(report, is_wide=console.width >= WIDE))
        _print_pairs(report, console)
        _print_heat(report, console)
        console.print(_worst(report))
    for sentence in (words.near_misses(report), words.left_out(report), *words.assumptions(report)):
        if sentence:
            console.print(escape(sentence), highlight=False)
    _print_problems(report, console)
    if report.ticket is None and report.collisions:
        console.print("--ticket 340 shows what this costs, --html audit.html draws it.", style="dim", highlight=False)


def _summary(report: Report) -> Panel:
    period = report.headline
    text = Text(words.headline(report), style="bold red" if period.collisions else "bold green")
    if period.bookings:
        text.append(
            f"\n{words.rate(period.per_1000)} per 1,000 bookings · {words.rate(period.per_week)} a week"
            f" · {duration_words(period.overlap_minutes)} of overlap",
            style="not bold default",
        )
    for line in (words.coming(report), *words.money(report), words.peak(report)):
        if line:
            text.append(f"\n{line}", style="not bold default")
    files = words.counted(len(report.sources), "file")
    subtitle = f"{files} · {words.span(report)}" if report.first else files
    return Panel(text, title="Double-booking audit", subtitle=subtitle, padding=(1, 2), border_style="dim")


def _table(title: str) -> Table:
    return Table(
        title=title, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD, padding=(0, 1), pad_edge=False
    )


def _resources(report: Report, is_wide: bool) -> Table:
    """A narrow terminal goes without the kinds and the near misses."""
    table = _table("Where it happens")
    table.add_column("Resource", overflow="fold")
    for header in _columns(is_wide, RESOURCE_COLUMNS):
        table.add_column(header, justify="left" if header == "Kind" else "right", no_wrap=True)
    shown = [tally for tally in report.resources if tally.collisions or len(report.resources) <= RESOURCES_SHOWN]
    for tally in shown[:RESOURCES_SHOWN]:
        table.add_row(escape(words.resource_name(tally)), *_columns(is_wide, _figures(tally)))
    rest = len(report.resources) - len(shown[:RESOURCES_SHOWN])
    if rest:
        table.add_row(f"and {rest:,} more", style="dim")
    if len(report.kinds) > 1:
        table.add_section()
        for total in report.kinds:
            table.add_row(f"All {total.kind}s", *_columns(is_wide, _figures(total)), style="bold")
    return table


def _columns(is_wide: bool, cells: tuple[str, ...]) -> tuple[str, ...]:
    return cells if is_wide else cells[1:-1]


def _figures(tally: ResourceTally) -> tuple[str, ...]:
    return (
        tally.kind,
        f"{tally.bookings:,}",
        f"{tally.collisions:,}",
        words.rate(tally.per_1000),
        f"{tally.coming:,}",
        duration_words(tally.overlap_minutes),
        f"{tally.near_misses:,}",
    )


def _print_pairs(report: Report, console: Console) -> None:
    for title, pairs in (("What meets what", report.service_pairs), ("Booked through", report.source_pairs)):
        if pairs:
            table = _table(title)
            table.add_column("Pair", overflow="fold")
            table.add_column("Collisions", justify="right")
            for pair in pairs[:5]:
                table.add_row(escape(f"{pair.one} × {pair.other}"), f"{pair.collisions:,}")
            console.print(table)


def _print_heat(report: Report, console: Console) -> None:
    """Shades of the hours in which collisions start; the hours before and after business are not drawn."""
    rows = report.heat_collisions
    hours = [hour for hour in range(24) if any(row[hour] for row in report.heat_bookings)]
    shown = slice(min(hours), max(hours) + 1)
    most = max(max(row) for row in rows)
    console.print(f"When it happens [dim](collisions by hour of the week, █ up to {most:,})[/dim]", style="bold")
    table = Table(box=box.SIMPLE_HEAD, padding=0, pad_edge=False)
    table.add_column("")
    for hour in range(24)[shown]:
        table.add_column(f"{hour:02d}", no_wrap=True)
    for name, row in zip(words.WEEKDAYS, rows, strict=True):
        table.add_row(name[:3], *(_SHADES[-(-count * (len(_SHADES) - 1) // most)] * 2 for count in row[shown]))
    console.print(table)


def _worst(report: Report) -> Table:
    table = _table(f"The {words.counted(len(report.worst), 'worst case')}" if len(report.worst) > 1 else "The one case")
    table.add_column("When", no_wrap=True)
    table.add_column("Resource", overflow="fold")
    table.add_column("Overlap", justify="right", no_wrap=True)
    table.add_column("At once", justify="right")
    has_services = any(any(worst.services) for worst in report.worst)
    has_titles = any(any(worst.titles) for worst in report.worst)
    for wanted, header in ((has_services, "Services"), (has_titles, "Titles")):
        if wanted:
            table.add_column(header, overflow="fold")
    for worst in report.worst:
        row = [words.moment(worst.start), escape(words.resource_name(worst)), duration_words(worst.overlap_minutes)]
        row.append(str(worst.pile))
        row += [escape(words.pair(worst.services))] if has_services else []
        row += [escape(words.pair(worst.titles))] if has_titles else []
        table.add_row(*row, style="bold" if worst.is_coming else "")
    if any(worst.is_coming for worst in report.worst):
        table.caption = "bold: still to come"
    return table


def _print_problems(report: Report, console: Console) -> None:
    for source in report.sources:
        reading = source.reading
        if not reading.problem_count:
            continue
        found = words.counted(reading.problem_count, "problem")
        console.print(f"\n{escape(source.path)}: {found}; everything else was read.", style="yellow", highlight=False)
        for problem in reading.problems[:PROBLEMS_SHOWN]:
            console.print(f"  line {problem.line}: {escape(problem.what)}", highlight=False)
        if reading.problem_count > PROBLEMS_SHOWN:
            console.print(
                f"  and {reading.problem_count - PROBLEMS_SHOWN:,} more (--json lists them)",
                style="dim",
                highlight=False,
            )
