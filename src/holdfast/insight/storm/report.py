"""What came of a storm: one summary for a recipe, and the table that puts them side by side."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from rich.table import Table

from holdfast.insight.storm.arena import Arena, Result
from holdfast.insight.storm.independent_check import Claim, Overlap, overlaps
from holdfast.insight.storm.runner import Ending, Record, Run


@dataclass(frozen=True, slots=True)
class Summary:
    """The figures of one run. Times in milliseconds; ``overlaps_by_sql`` is None where there was no database to ask.

    Slots count as contested once two attempts on them were answered; ``slots_without_winner`` leaves out slots on which
    the end of the storm cut an attempt short.
    """

    recipe: str
    seed: int
    clients: int
    attempts_planned: int
    attempts: int
    held: int
    held_by_surface: dict[str, int]
    refused: dict[str, int]
    failed: dict[str, int]
    deadlocks: int
    retries: int
    slots_contested: int
    slots_with_one_winner: int
    slots_with_several_winners: int
    slots_without_winner: int
    rounds: int
    rounds_double_booked: int
    overlaps: int
    overlaps_by_sql: int | None
    partial_visits: int
    latency_p50_ms: float
    latency_p95_ms: float
    latency_p99_ms: float
    elapsed_seconds: float
    attempts_per_second: float
    client_cpu_ms_per_attempt: float
    ending: Ending

    @property
    def is_safe(self) -> bool:
        """No overlap by either check, no partial visit, no deadlock."""
        return not (self.overlaps or self.overlaps_by_sql or self.partial_visits or self.deadlocks)

    def as_json(self) -> dict[str, Any]:
        return asdict(self) | {"is_safe": self.is_safe}


def summarize(run: Run, arena: Arena) -> Summary:
    """Count the answers, and check what is really held against them."""
    claims = arena.claims()
    answered = [record for record in run.records if record.outcome.result is not Result.STOPPED]
    found = overlaps(claims)
    winners = _winners_by_slot(run.records, claims)
    latencies = sorted(record.latency_seconds * 1000 for record in answered)
    reasons = {
        result: Counter(record.outcome.reason for record in answered if record.outcome.result is result)
        for result in Result
    }
    return Summary(
        recipe=arena.name,
        seed=run.plan.seed,
        clients=run.plan.clients,
        attempts_planned=run.plan.attempts,
        attempts=len(answered),
        held=sum(reasons[Result.HELD].values()),
        held_by_surface=dict(Counter(r.attempt.surface for r in answered if r.outcome.result is Result.HELD)),
        refused=dict(reasons[Result.REFUSED].most_common()),
        failed=dict(reasons[Result.FAILED].most_common()),
        deadlocks=reasons[Result.REFUSED]["deadlock"],
        retries=sum(record.outcome.retries for record in run.records),
        slots_contested=len(winners),
        slots_with_one_winner=sum(count == 1 for count in winners.values()),
        slots_with_several_winners=sum(count > 1 for count in winners.values()),
        slots_without_winner=sum(count == 0 for count in winners.values()),
        rounds=len({record.attempt.round for record in answered}),
        rounds_double_booked=_rounds_double_booked(run.records, found),
        overlaps=len(found),
        overlaps_by_sql=arena.overlaps_by_sql(),
        partial_visits=_partial_visits(run.records, claims),
        latency_p50_ms=percentile(latencies, 50),
        latency_p95_ms=percentile(latencies, 95),
        latency_p99_ms=percentile(latencies, 99),
        elapsed_seconds=round(run.elapsed_seconds, 3),
        attempts_per_second=round(len(answered) / run.elapsed_seconds, 1),
        client_cpu_ms_per_attempt=round(1000 * run.client_cpu_seconds / max(1, len(answered)), 3),
        ending=run.ending,
    )


def percentile(ordered: Sequence[float], percent: int) -> float:
    """The nearest-rank percentile of values in ascending order, to a microsecond of a millisecond; 0 when empty."""
    if not ordered:
        return 0.0
    rank = max(1, -(-len(ordered) * percent // 100))
    return round(ordered[rank - 1], 3)


def _rounds_double_booked(records: Iterable[Record], found: Iterable[Overlap]) -> int:
    """In how many rounds was the second of two overlapping claims taken?"""
    round_of = {str(record.attempt.number): record.attempt.round for record in records}
    owners = ((pair.first.owner, pair.second.owner) for pair in found)
    return len({max(round_of.get(owner, 0) for owner in both) for both in owners})


def _winners_by_slot(records: Iterable[Record], claims: Sequence[Claim]) -> dict[int, int]:
    """For each contested slot, how many attempts own claims in the end, whatever they were told."""
    owners = {claim.owner for claim in claims}
    by_slot: defaultdict[int, list[Record]] = defaultdict(list)
    for record in records:
        by_slot[record.attempt.slot].append(record)
    counted = {}
    for slot, here in by_slot.items():
        winners = sum(str(record.attempt.number) in owners for record in here)
        cut_short = any(record.outcome.result is Result.STOPPED for record in here)
        if len(here) > 1 and (winners or not cut_short):
            counted[slot] = winners
    return counted


def _partial_visits(records: Iterable[Record], claims: Sequence[Claim]) -> int:
    """Attempts that own some of the resources they asked for, but not all; or none, though told that they won."""
    units_of: defaultdict[str, set[str]] = defaultdict(set)
    for claim in claims:
        units_of[claim.owner].add(claim.unit)
    partial = 0
    for record in records:
        owned, wanted = len(units_of[str(record.attempt.number)]), len(record.attempt.ask.resources)
        if 0 < owned < wanted or (owned == 0 and record.outcome.result is Result.HELD):
            partial += 1
    return partial


def table(summaries: Sequence[Summary]) -> Table:
    """One column a recipe, one row a measure."""
    drawn = Table(title=f"seed {summaries[0].seed}, {summaries[0].clients} clients", title_justify="left")
    drawn.add_column("", no_wrap=True)
    for summary in summaries:
        drawn.add_column(summary.recipe.replace("-", "\n"), justify="right", vertical="bottom")
    for label, values in _rows(summaries):
        drawn.add_row(label, *values)
    return drawn


def _rows(summaries: Sequence[Summary]) -> list[tuple[str, list[str]]]:
    refusals = _every_key(summary.refused for summary in summaries)
    failures = _every_key(summary.failed for summary in summaries)
    return [
        ("attempts answered", [str(s.attempts) for s in summaries]),
        ("held", [str(s.held) for s in summaries]),
        *((f"refused: {reason}", [str(s.refused.get(reason, 0)) for s in summaries]) for reason in refusals),
        *((f"failed: {reason}", [str(s.failed.get(reason, 0)) for s in summaries]) for reason in failures),
        ("contested slots", [str(s.slots_contested) for s in summaries]),
        ("  one winner", [str(s.slots_with_one_winner) for s in summaries]),
        ("  several winners", [_bad(s.slots_with_several_winners) for s in summaries]),
        ("  no winner", [_bad(s.slots_without_winner) for s in summaries]),
        ("overlaps (Python)", [_bad(s.overlaps) for s in summaries]),
        ("overlaps (SQL)", ["-" if s.overlaps_by_sql is None else _bad(s.overlaps_by_sql) for s in summaries]),
        ("rounds double-booked", [f"{_bad(s.rounds_double_booked)} of {s.rounds}" for s in summaries]),
        ("partial visits", [_bad(s.partial_visits) for s in summaries]),
        ("deadlocks", [_bad(s.deadlocks) for s in summaries]),
        ("retries", [str(s.retries) for s in summaries]),
        ("p50, ms", [f"{s.latency_p50_ms:.1f}" for s in summaries]),
        ("p95, ms", [f"{s.latency_p95_ms:.1f}" for s in summaries]),
        ("p99, ms", [f"{s.latency_p99_ms:.1f}" for s in summaries]),
        ("attempts a second", [f"{s.attempts_per_second:,.0f}" for s in summaries]),
        ("storm's own CPU, ms each", [f"{s.client_cpu_ms_per_attempt:.2f}" for s in summaries]),
    ]


def _every_key(counts: Iterable[dict[str, int]]) -> list[str]:
    return list(dict.fromkeys(key for count in counts for key in count))


def _bad(count: int) -> str:
    """A number that ought to be zero, marked when it is not."""
    return f"[bold red]{count}[/]" if count else "0"


def verdict(summary: Summary) -> str:
    """One sentence for people."""
    faults = [
        (summary.overlaps or summary.overlaps_by_sql or 0, "overlapping claims"),
        (summary.partial_visits, "partial visits"),
        (summary.deadlocks, "deadlocks"),
        (summary.slots_without_winner, "free slots that nobody got"),
    ]
    said = ", ".join(f"{count} {what}" for count, what in faults if count)
    if not said:
        said = f"nothing overlaps; {summary.slots_with_one_winner} of {summary.slots_contested} slots have one winner"
    cut = "" if summary.ending is Ending.COMPLETE else f" ({summary.ending}: {summary.attempts} attempts were answered)"
    return f"{summary.recipe}: {said}{cut}."
