"""A storm from its settings to its summary: the one path that the command, the benchmark and the tests share."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from holdfast.db.migrate import Migrator
from holdfast.db.urls import DatabaseUrls
from holdfast.errors import Invalid
from holdfast.insight.storm.http_target import HttpArena, discover_slots
from holdfast.insight.storm.plan import HotSlot, Plan, make_plan, rounds_needed, synthetic_slots
from holdfast.insight.storm.recipes.check_then_insert import CheckThenInsert
from holdfast.insight.storm.recipes.guarded import Guarded
from holdfast.insight.storm.recipes.not_exists import NotExists
from holdfast.insight.storm.recipes.plain_insert import PlainInsert
from holdfast.insight.storm.recipes.recipe import Recipe
from holdfast.insight.storm.recipes.redis_lock import RedisLock, temporary_redis
from holdfast.insight.storm.record_arena import RecordArena
from holdfast.insight.storm.report import Summary, summarize
from holdfast.insight.storm.runner import Progress, run_storm
from holdfast.insight.storm.scratch_arena import scratch_arena

HOLDFAST: Final = "holdfast"
RECIPES: Final = ("check-then-insert", "redis-lock", "not-exists", "plain-insert", "guarded")


@dataclass(frozen=True, slots=True)
class Settings:
    """How big a storm. ``slots`` None: a fresh hot slot for every round, so that every round is a race."""

    seed: int
    clients: int = 50
    attempts: int = 2000
    surfaces: tuple[str, ...] = ("desk", "phone", "walk_in")
    slots: int | None = None
    resources: int = 3
    seconds: float = 30

    def slot_count(self) -> int:
        return self.slots or rounds_needed(self.attempts, self.clients)


def _plan(slots: Sequence[HotSlot], settings: Settings) -> Plan:
    return make_plan(
        slots, clients=settings.clients, attempts=settings.attempts, surfaces=settings.surfaces, seed=settings.seed
    )


def storm_recipe(name: str, database_url: str, settings: Settings, progress: Progress) -> Summary:
    """One recipe of RECIPES on a scratch schema in that database. Raises Invalid, SetupRefused."""
    plan = _plan(synthetic_slots(settings.slot_count(), settings.resources), settings)
    with ExitStack() as stack:
        arena = stack.enter_context(scratch_arena(database_url, _recipe(name, stack)))
        run = run_storm(plan, arena, seconds=settings.seconds, progress=progress)
        return summarize(run, arena)


def _recipe(name: str, stack: ExitStack) -> Recipe:
    match name:
        case "check-then-insert":
            return CheckThenInsert()
        case "redis-lock":
            return RedisLock(stack.enter_context(temporary_redis()))
        case "not-exists":
            return NotExists()
        case "plain-insert":
            return PlainInsert()
        case "guarded":
            return Guarded()
    raise Invalid(f"There is no recipe {name!r}: choose from {', '.join(RECIPES)}.")


def storm_record(urls: DatabaseUrls, settings: Settings, progress: Progress) -> Summary:
    """Holdfast's own SQL functions, in a database that is thrown away afterwards: migrates it, adds an organization.

    Raises SetupRefused.
    """
    Migrator(urls.owner).apply()
    tomorrow = datetime.now(UTC).replace(hour=9, minute=0, second=0, microsecond=0) + timedelta(days=1)
    plan = _plan(synthetic_slots(settings.slot_count(), settings.resources, tomorrow), settings)
    arena = RecordArena(urls, plan)
    try:
        run = run_storm(plan, arena, seconds=settings.seconds, progress=progress)
        return summarize(run, arena)
    finally:
        arena.close()


def storm_holdfast(
    url: str, key: str, settings: Settings, progress: Progress, *, database_url: str = "", keep: bool = False
) -> Summary:
    """A running Holdfast, over HTTP; with ``database_url`` (its owner's) checked by SQL too.

    The holds are given back afterwards unless ``keep``, even when the run fails.
    Raises Unauthorized, SetupRefused, Invalid (no free time to fight for), Busy (holds could not be given back).
    """
    plan = _plan(discover_slots(url, key, count=settings.slot_count(), resources=settings.resources), settings)
    arena = HttpArena(url, key, database_url)
    try:
        run = run_storm(plan, arena, seconds=settings.seconds, progress=progress)
        return summarize(run, arena)
    finally:
        if not keep:
            arena.release()
