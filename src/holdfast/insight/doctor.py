"""Is the record sound? Every invariant that is a stored fact, checked without the guard's index, across organizations.

I3, I6, I7, I10, I11 and I13 are not facts of the tables: tests and other checks are for them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from importlib.resources import files
from typing import Any, Final
from uuid import UUID

from holdfast import wallclock
from holdfast.db.inspection import Inspection, inspect
from holdfast.db.queries import load_queries
from holdfast.db.safety import require_safe
from holdfast.db.urls import DatabaseUrls
from holdfast.errors import Invalid, SetupRefused
from holdfast.ids import KINDS, public_id
from holdfast.log import backlog, replay
from holdfast.log.events import EventRow, UnknownEvent, decode

QUERIES: Final = load_queries("holdfast.insight")

# Without one of these, what the other checks find sound today can break tomorrow.
CONSTRAINTS: Final = (
    "appointment_blocks_as_its_hold",
    "claim_active_as_its_block",
    "claim_active_as_its_busy",
    "claim_active_as_its_hold",
    "claim_during_is_claimable",
    "claim_has_one_holder",
    "claim_no_overlap",
    "claim_segment_is_inside",
    "claim_unit_exists",
    "idempotency_pkey",
)


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is wrong, in a sentence, with the public id of what it is about."""

    organization_id: UUID | None
    kind: str
    id: str
    detail: str

    def __str__(self) -> str:
        return f"{self.kind} {self.name}: {self.detail}"

    @property
    def name(self) -> str:
        """The public id, or the name of a table, setting or rule."""
        try:
            return public_id(self.kind, UUID(self.id)) if self.kind in KINDS else self.id
        except ValueError:
            return self.id


Findings = Iterable[Finding]


@dataclass(frozen=True)
class Check:
    """One question about the record. ``holds`` is the true statement that it tests."""

    name: str
    invariant: str
    holds: str
    look: Callable[[Inspection, DatabaseUrls], Findings]


@dataclass(frozen=True)
class Result:
    check: Check
    findings: tuple[Finding, ...]


def examine(urls: DatabaseUrls, on_check: Callable[[Check], None] | None = None) -> list[Result]:
    """Run every check, all against one moment. ``on_check`` is told each as it begins. Changes nothing.

    Raises SetupRefused when the database cannot be reached, or holds no record of this version.
    """
    results = []
    with inspect(urls.owner) as inspection:
        for check in CHECKS:
            if on_check is not None:
                on_check(check)
            results.append(Result(check, tuple(check.look(inspection, urls))))
    return results


def warn(urls: DatabaseUrls) -> list[str]:
    """What is not wrong, but waits for somebody, in plain words. Raises SetupRefused like ``examine``."""
    with inspect(urls.owner) as inspection:
        return backlog.warnings(list(inspection.rows(backlog.Backlog, backlog.QUERIES["backlog"])))


def _ask(query: str, **parameters: Any) -> Callable[[Inspection, DatabaseUrls], Findings]:
    return lambda inspection, _: inspection.rows(Finding, QUERIES[query], **parameters)


def _start_up(_: Inspection, urls: DatabaseUrls) -> Findings:
    try:
        require_safe(urls)
    except SetupRefused as refused:
        for fault in refused.facts.get("faults", [refused.detail]):
            yield Finding(None, "server", "start-up", fault)


@dataclass(frozen=True, slots=True)
class _Rule:
    name: str
    definition: str


def _rules(inspection: Inspection, _: DatabaseUrls) -> Findings:
    """What is switched off, and what says something else than the schema that this version comes with."""
    names = list(CONSTRAINTS)
    yield from inspection.rows(Finding, QUERIES["rules_are_switched_off"], constraints=names)
    schema = _in_one_line(files("holdfast.db").joinpath("schema.sql").read_text())
    for rule in inspection.rows(_Rule, QUERIES["rule_definitions"], constraints=names):
        if _in_one_line(f"CONSTRAINT {rule.name} {rule.definition}") not in schema:
            yield Finding(None, "constraint", rule.name, f"it was changed and is now: {rule.definition}")


def _in_one_line(sql: str) -> str:
    return " ".join(sql.replace(",\n", " \n").split())


@dataclass(frozen=True, slots=True)
class _Coming:
    organization_id: UUID
    id: UUID
    starts_at: datetime
    local_start: datetime
    time_zone: str
    location_time_zone: str


def _wall_times(inspection: Inspection, _: DatabaseUrls) -> Findings:
    for visit in inspection.stream(_Coming, QUERIES["coming_appointments"]):
        try:
            shown = wallclock.to_local(visit.starts_at, visit.location_time_zone).replace(tzinfo=None)
        except Invalid as error:
            shown, why = None, error.detail
        else:
            why = f"{visit.location_time_zone} has {shown:%H:%M} then: rules or the location's zone changed"
        if shown != visit.local_start:
            yield Finding(
                visit.organization_id,
                "appointment",
                str(visit.id),
                f"the client was told {visit.local_start}, but {why}",
            )


@dataclass(frozen=True, slots=True)
class _Organization:
    id: UUID
    slug: str
    events: int


_TABLES: Final[dict[str, type[replay.Row]]] = {
    "replayed_holds": replay.Hold,
    "replayed_visits": replay.Visit,
    "replayed_series": replay.Series,
    "replayed_appointments": replay.Appointment,
    "replayed_blocks": replay.Block,
    "replayed_busies": replay.Busy,
    "replayed_claims": replay.Claim,
}


def _log_tells_the_tables(inspection: Inspection, _: DatabaseUrls) -> Findings:
    yield from inspection.rows(Finding, QUERIES["event_organizations_unknown"])
    for organization in inspection.rows(_Organization, QUERIES["organizations"]):
        told = replay.Replay()
        for row in inspection.stream(EventRow, QUERIES["log"], organization_id=organization.id):
            try:
                told.apply(decode(row))
            except (UnknownEvent, replay.Impossible) as error:
                yield Finding(organization.id, "event", str(row.id), str(error))
        stored: set[replay.Row] = set()
        for query, row_type in _TABLES.items():
            stored.update(inspection.rows(row_type, QUERIES[query], organization_id=organization.id))
        yield from _differences(organization.id, told.rows(), stored)


def _differences(organization_id: UUID, told: set[replay.Row], stored: set[replay.Row]) -> Iterator[Finding]:
    for rows, detail in (
        (told - stored, "the log tells of it so, and the table does not have it so"),
        (stored - told, "the table has it so, and the log does not tell of it so"),
    ):
        for row in rows:
            kind = "hold or block of a claim" if isinstance(row, replay.Claim) else type(row).__name__.lower()
            id = row.holder_id if isinstance(row, replay.Claim) else row.id
            yield Finding(organization_id, kind, str(id), f"{detail}: {_short(row)}")


def _short(row: replay.Row) -> str:
    if isinstance(row, replay.Visit | replay.Series):
        return f"at location {row.location_id}"
    if isinstance(row, replay.Claim):
        state = "active" if row.active else "ended"
        return f"unit {row.unit_id} as {row.role}, {row.starts_at} to {row.ends_at}, {state}"
    state = row.state if isinstance(row, replay.Hold | replay.Appointment) else "removed" if row.removed else "standing"
    return f"{row.starts_at} to {row.ends_at}, {state}"


CHECKS: Final = (
    Check("start-up", "I3", "The server keeps what it commits, and the guard bites.", _start_up),
    Check("rules", "I1", "Every rule of the record is in force.", _rules),
    Check("overlaps", "I1", "No two claims overlap on a unit.", _ask("claims_overlap")),
    Check("ranges", "I1", "Every claim is for a time that can be guarded.", _ask("claims_cannot_be_guarded")),
    Check("capacity", "I8", "No resource is used more often than it has units.", _ask("use_exceeds_capacity")),
    Check("holds", "I2", "Every hold that blocks has exactly its claims.", _ask("holds_lack_their_claims")),
    Check("holders", "I2", "Claims end with what they belong to.", _ask("claims_outlive_their_holder")),
    Check("appointments", "I2", "Every appointment stands on its hold.", _ask("appointments_lack_their_hold")),
    Check("visits", "I2", "What one visit holds ends and is confirmed together.", _ask("visits_are_torn")),
    Check("blocks", "I2", "Every block closes what it closed.", _ask("closed_without_claims")),
    Check("overbooks", "I1", "Every overbook stands behind somebody.", _ask("overbooks_behind_nobody")),
    Check("busy times", "I1", "Every outside event has all its time that is free.", _ask("busy_times_wait_for_nobody")),
    Check("retired", "I8", "Nothing is booked on what is retired.", _ask("retired_but_claimed")),
    Check("answers", "I4", "Every request was answered once.", _ask("answered_twice")),
    Check("log", "I5", "Replaying the log gives the tables.", _log_tells_the_tables),
    Check("organizations", "I9", "Nothing belongs to two organizations.", _ask("crosses_organizations")),
    Check("row security", "I9", "No organization sees another's rows.", _ask("rows_are_not_kept_apart")),
    Check("rights", "R20", "The application writes through commands alone.", _ask("ways_round_the_commands")),
    Check("late confirms", "I12", "No hold was confirmed after its time.", _ask("confirmed_too_late")),
    Check("wall times", "time", "Coming visits are when the client was told.", _wall_times),
)  # fmt: skip
