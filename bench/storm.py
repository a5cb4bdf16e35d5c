"""Hot slots: how much faster the guarded ways are than constraint + plain INSERT, and how often the naive ways fail.

    python bench/storm.py [--json]

All recipes run one after the other on one temporary PostgreSQL with its durable settings, 50 clients and 3 resources a
visit. Plain INSERT is given a minute: it does not come to an end in a time that anybody would wait.
"""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path

from bench.marks import Mark
from holdfast.db.embedded import EmbeddedServer
from holdfast.insight.storm.campaign import Settings, storm_recipe, storm_record
from holdfast.insight.storm.recipes.redis_lock import redis_is_installed
from holdfast.insight.storm.report import Summary

SEED = 20
SPEED = Settings(seed=SEED, clients=50, attempts=2000, resources=3, seconds=60)
TWENTY_ROUNDS = replace(SPEED, attempts=20 * SPEED.clients)


def storms() -> list[Summary]:
    """Every recipe's storm: the naive ones over 20 rounds, the others over 2,000 attempts or a minute."""
    naive = ["check-then-insert", "not-exists", *(["redis-lock"] if redis_is_installed() else [])]
    with tempfile.TemporaryDirectory(prefix="holdfast-bench-") as directory, EmbeddedServer(Path(directory)) as urls:
        return [
            *(storm_recipe(name, urls.owner, TWENTY_ROUNDS, _say_nothing) for name in naive),
            *(storm_recipe(name, urls.owner, SPEED, _say_nothing) for name in ("guarded", "plain-insert")),
            storm_record(urls, SPEED, _say_nothing),
        ]


def run() -> list[Mark]:
    """Measure now; takes about a minute and a half, most of it plain INSERT."""
    by_name = {summary.recipe: summary for summary in storms()}
    plain = by_name["plain-insert"]
    marks = [
        Mark(
            f"{name}: rounds that double-book",
            by_name[name].rounds_double_booked,
            "of 20",
            note="informs; a usual recipe",
        )
        for name in ("check-then-insert", "not-exists", "redis-lock")
        if name in by_name
    ]
    marks.append(
        Mark("plain-insert: deadlocks", plain.deadlocks, "", note="informs; a constraint and one INSERT a resource")
    )
    how = (
        f"{SPEED.clients} clients, {SPEED.resources} units each, up to {SPEED.attempts:,} attempts or {SPEED.seconds} s"
    )
    for name, reach in (("guarded", None), ("holdfast", 100.0)):
        ours = by_name[name]
        ratio = ours.attempts_per_second / plain.attempts_per_second
        marks += [
            Mark(f"hot slots: {name} against constraint + plain INSERT", ratio, reach=reach, note=how),
            Mark(f"hot slots: {name}: overlaps", ours.overlaps, "", "exactly", 0, how),
            Mark(f"hot slots: {name}: partial visits", ours.partial_visits, "", "exactly", 0, how),
            Mark(f"hot slots: {name}: deadlocks", ours.deadlocks, "", "exactly", 0, how),
            Mark(
                f"hot slots: {name}: slots without exactly one winner",
                ours.slots_contested - ours.slots_with_one_winner,
                "",
                "exactly",
                0,
                how,
            ),
        ]
    return marks


def _say_nothing(done: int, held: int) -> None:
    """A benchmark has no progress to show."""
