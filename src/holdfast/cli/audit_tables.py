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
WORST_SHOWN: Final = 20
PROBLEMS_SHOWN: Final = 5
_SHADES: Final = " ░▒▓█"


def print_report(report: Report, console: Console) -> None:
    """Print the report, most important first."""
    console.print(_summary(report))
    if report.collisions:
        if any(tally.collisions for tally in report.resources):
            console.print(_resources(report))
        _print_pairs(report, console)
        console.print(_heat(report))
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
            f"\n{period.per_1000:,.1f} per 1,000 bookings · {period.per_week:,.1f} a week"
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


def _resources(report: Report) -> Table:
    table = _table("Where it happens")
    table.add_column("Resource", overflow="fold")
    table.add_column("Kind")
    for header in ("Bookings", "Collisions", "Per 1,000", "To come", "Overlap", "Near misses"):
        table.add_column(header, justify="right")
    shown = [tally for tally in report.resources if tally.collisions or len(report.resources) <= RESOURCES_SHOWN]
    for tally in shown[:RESOURCES_SHOWN]:
        table.add_row(*_row(words.resource_name(tally), tally))
    rest = len(report.resources) - len(shown[:RESOURCES_SHOWN])
    if rest:
        table.add_row(f"and {rest:,} more", style="dim")
    if len(report.kinds) > 1:
        table.add_section()
        for total in report.kinds:
            table.add_row(*_row(f"All {total.kind}s", total), style="bold")
    return table


def _row(name: str, tally: ResourceTally) -> tuple[str, ...]:
    return (
        escape(name),
        tally.kind,
        f"{tally.bookings:,}",
        f"{tally.collisions:,}",
        f"{tally.per_1000:,.1f}",
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


def _heat(report: Report) -> Table:
    """Shades of the hours in which collisions start; an empty hour outside business is not drawn."""
    rows = report.heat_collisions
    hours = [hour for hour in range(24) if any(row[hour] for row in report.heat_bookings)]
    most = max(max(row) for row in rows)
    table = _table("When it happens (collisions by hour of the week)")
    table.add_column("")
    for hour in range(min(hours), max(hours) + 1):
        table.add_column(f"{hour:02d}", justify="center", no_wrap=True)
    for name, row in zip(words.WEEKDAYS, rows, strict=True):
        shades = (_SHADES[-(-count * (len(_SHADES) - 1) // most)] * 2 for count in row[min(hours) : max(hours) + 1])
        table.add_row(name[:3], *shades)
    table.padding = (0, 0, 0, 0)
    table.caption = f"█ is {words.counted(most, 'collision')}"
    return table


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
