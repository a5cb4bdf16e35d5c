"""Hot slots: how much faster the guarded ways are than constraint + plain INSERT, and how often the naive ways fail.

    python bench/storm.py [--json]

All recipes run one after the other on one temporary PostgreSQL with its durable settings, 50 clients and 3 resources a
visit. Plain INSERT is given a minute: it does not come to an end in a time that anybody would wait.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

from rich.console import Console

from holdfast.db.embedded import EmbeddedServer
from holdfast.insight.storm.campaign import Settings, storm_recipe, storm_record
from holdfast.insight.storm.recipes.redis_lock import redis_is_installed
from holdfast.insight.storm.report import Summary, table

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


def figures(summaries: list[Summary]) -> dict[str, float]:
    """The named figures: rates in attempts a second, ratios without a unit, rounds out of 20."""
    by_name = {summary.recipe: summary for summary in summaries}
    plain = by_name["plain-insert"].attempts_per_second
    named: dict[str, float] = {"plain_insert_attempts_per_second": plain}
    for name in ("guarded", "holdfast"):
        summary = by_name[name]
        named[f"{name}_attempts_per_second"] = summary.attempts_per_second
        named[f"{name}_over_plain_insert"] = round(summary.attempts_per_second / plain, 1)
        named[f"{name}_overlaps"] = summary.overlaps
        named[f"{name}_partial_visits"] = summary.partial_visits
        named[f"{name}_deadlocks"] = summary.deadlocks
        named[f"{name}_slots_without_exactly_one_winner"] = summary.slots_contested - summary.slots_with_one_winner
    for name in ("check-then-insert", "not-exists", "redis-lock"):
        if name in by_name:
            named[f"{name.replace('-', '_')}_rounds_double_booked_of_20"] = by_name[name].rounds_double_booked
    return named


def run() -> dict[str, float]:
    """Measure now; takes about a minute and a half, most of it plain INSERT."""
    return figures(storms())


def _say_nothing(done: int, held: int) -> None:
    """A benchmark has no progress to show."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--json", action="store_true", help="only the figures")
    only_figures = parser.parse_args().json
    summaries = storms()
    if not only_figures:
        Console().print(table(summaries))
    json.dump(figures(summaries), sys.stdout, indent=2)
    sys.stdout.write("\n")


if __name__ == "__main__":
    main()
