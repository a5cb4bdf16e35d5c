"""The audit as plain data for other programs. The schema is in docs/audit.md and changes only with its number."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any, Final

from holdfast.insight.audit_report import Period, Report, ResourceTally, Source, Worst
from holdfast.insight.calendar_events import zone_name

SCHEMA: Final = "holdfast.audit/1"


def as_json(report: Report) -> dict[str, Any]:
    """The report with every instant in ISO 8601 with offset; ready for ``json.dumps``."""
    return {
        "schema": SCHEMA,
        "made_at": report.made_at.isoformat(),
        "zone": zone_name(report.zone),
        "zone_is_assumed": report.zone_is_assumed,
        "buffer_minutes": report.buffer_minutes,
        "from": report.first.isoformat() if report.first else None,
        "to": report.last.isoformat() if report.last else None,
        "files": [_file(source) for source in report.sources],
        "all_day_left_out": report.all_day,
        "duplicates_left_out": report.duplicates,
        "past": _period(report.past),
        "coming": _period(report.coming),
        "resources": [_tally(tally) for tally in report.resources],
        "kinds": [_tally(tally) for tally in report.kinds],
        "service_pairs": [asdict(pair) for pair in report.service_pairs],
        "source_pairs": [asdict(pair) for pair in report.source_pairs],
        "heat": {"bookings": report.heat_bookings, "collisions": report.heat_collisions},
        "weeks": [{**asdict(week), "monday": week.monday.isoformat()} for week in report.weeks],
        "peak": asdict(report.peak),
        "worst": [_worst(worst) for worst in report.worst],
        "money": _money(report),
    }


def _file(source: Source) -> dict[str, Any]:
    reading = source.reading
    return {
        "path": source.path,
        "name": reading.name,
        "zone": zone_name(reading.zone),
        "zone_source": reading.zone_source,
        "events": source.events,
        "left_out": {reason.replace(" ", "_"): count for reason, count in sorted(reading.left_out.items())},
        "problem_count": reading.problem_count,
        "problems": [{"line": problem.line, "what": problem.what} for problem in reading.problems],
        "notes": reading.notes,
    }


def _period(period: Period) -> dict[str, Any]:
    return {**asdict(period), "per_week": period.per_week, "per_1000": period.per_1000}


def _tally(tally: ResourceTally) -> dict[str, Any]:
    return {**asdict(tally), "per_1000": tally.per_1000}


def _worst(worst: Worst) -> dict[str, Any]:
    plain = {**asdict(worst), "start": worst.start.isoformat(), "end": worst.end.isoformat()}
    if not any(worst.titles):
        del plain["titles"]
    return plain


def _money(report: Report) -> dict[str, str] | None:
    if report.ticket is None:
        return None
    return {
        "ticket": report.ticket.times(1),
        "past": report.cost,
        "coming": report.avoidable,
        "per_year": report.cost_per_year,
    }
