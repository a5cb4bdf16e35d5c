"""I11 as a machine: whatever was done before, what is offered can be held, and what is not offered is refused.

``HOLDFAST_AGREEMENT_RUNS`` makes it longer. The machine itself is in ``agreement.py``.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Final

import psycopg
import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from holdfast.availability import masks, permit
from holdfast.availability import service as availability
from holdfast.availability.bitmap import MINUTE
from holdfast.booking import visits
from holdfast.booking.visits import VisitAsked
from holdfast.db.pool import Pool
from holdfast.db.transact import Record
from holdfast.db.urls import DatabaseUrls
from holdfast.errors import Invalid, NotBookable, SlotTaken
from holdfast.wallclock import local_date
from tests.postgres import superuser_url
from tests.rules.agreement import CLOCK, STEPS, Agreement
from tests.rules.clinic import ZONE, Clinic, next_monday, wall

RUNS = int(os.environ.get("HOLDFAST_AGREEMENT_RUNS", "12"))


@pytest.fixture(scope="module")
def machine(module_database: DatabaseUrls) -> Iterator[type[Agreement]]:
    """The machine on a database whose clock is the test's."""
    with asyncio.Runner() as runner, psycopg.connect(superuser_url(module_database), autocommit=True) as admin:
        admin.execute(CLOCK)
        pool = Pool(module_database.app, size=2)
        runner.run(pool.open())
        Agreement.runner, Agreement.record, Agreement.admin = runner, Record(pool), admin
        yield Agreement
        runner.run(pool.close())


def run(machine: type[Agreement], runs: int) -> None:
    run_state_machine_as_test(  # type: ignore[no-untyped-call]
        machine,
        settings=settings(
            max_examples=runs,
            stateful_step_count=STEPS,
            deadline=None,
            derandomize=True,
            database=None,
            report_multiple_bugs=False,
            phases=(Phase.generate,),
            suppress_health_check=list(HealthCheck),
        ),
    )


def test_search_and_hold_agree_whatever_was_done_before(machine: type[Agreement]) -> None:
    run(machine, RUNS)


# -- negative controls: one broken part at a time, in the search or in the rules of the take


def permit_forgets_hours(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(permit, "resource_reason", lambda *_: None)


def permit_forgets_notice_and_horizon(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(permit, "_check_lead", lambda *_: None)


def search_forgets_caps(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(masks.Masks, "below_cap", lambda self, _: self.full)


PYTHON: Final = [permit_forgets_hours, permit_forgets_notice_and_horizon, search_forgets_caps]


def complaints(machine: type[Agreement]) -> list[object]:
    """What the machine finds in at most so many runs, however hypothesis shows it."""
    machine.complaints.clear()
    with pytest.raises(Exception) as shown:  # noqa: PT011
        run(machine, 200)
    assert machine.complaints, repr(shown.value)
    return machine.complaints


@pytest.mark.skipif("HOLDFAST_AGREEMENT_RUNS" not in os.environ, reason="minutes: set HOLDFAST_AGREEMENT_RUNS")
@pytest.mark.parametrize("mutant", PYTHON, ids=lambda mutant: mutant.__name__)
def test_the_machine_catches(
    machine: type[Agreement], mutant: Callable[[pytest.MonkeyPatch], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    mutant(monkeypatch)
    assert complaints(machine)


# -- what was wrong once


async def test_one_name_in_several_pools(record: Record) -> None:
    """Whoever is named for a role serves it in every service that has it, or nothing is offered."""
    clinic = await Clinic.open(record)
    for slug in ("ana", "bo"):
        await clinic.resource(slug)
        await clinic.pool(f"only-{slug}", [slug])
        await clinic.service(f"with-{slug}", 30, {"nurse": {"pool": f"only-{slug}"}})
    ids = clinic.ids
    visit = VisitAsked(ids["austin"], (ids["with-bo"], ids["with-ana"]), wall(next_monday(), "10:00"),
                       resources={"nurse": ids["ana"]})  # fmt: skip
    await both_say_the_same(clinic, visit)


async def test_a_horizon_that_ends_within_a_visit(record: Record) -> None:
    clinic = await Clinic.open(record)
    await clinic.resource("ana")
    await clinic.pool("nurses", ["ana"])
    lead = {"surface": "widget", "notice_minutes": 0, "horizon_days": 3}
    await clinic.service("talk", 60, {"nurse": {"pool": "nurses"}}, grid=30, leads=[lead])
    last = local_date(datetime.now(UTC), ZONE) + timedelta(days=3)
    talk = clinic.ids["talk"]
    await both_say_the_same(clinic, VisitAsked(clinic.ids["austin"], (talk, talk), wall(last, "23:30")))


async def both_say_the_same(clinic: Clinic, visit: VisitAsked) -> None:
    """What is offered is held, and what is not offered is refused."""
    try:
        request = replace(visit.request(), until=visit.start + MINUTE)
        found = await clinic.as_("widget", lambda tx: availability.search(tx, request, [request.location]))
        offered = bool(found.slots)
    except Invalid:
        offered = False
    held = False
    with suppress(SlotTaken, NotBookable, Invalid):
        held = bool(await clinic.as_("widget", lambda tx: visits.place_visit(tx, visit)))
    assert offered == held
