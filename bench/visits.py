"""A visit of two services held as one, against the same two services held one after the other."""

from __future__ import annotations

import statistics

import psutil
import psycopg

from bench.clinic import Clinic, clinic
from bench.marks import Mark

ROUNDS = 6
OPERATIONS = 200
HOLD = """
    select id from holdfast.place_hold(
      %(service)s, %(location)s, now()::date + make_interval(days => %(day)s, hours => %(hour)s))
"""
VISIT = """
    select id from holdfast.place_visit(%(location)s, (
      select jsonb_agg(jsonb_build_object(
        'service_id', %(service)s::uuid, 'start', now()::date + make_interval(days => %(day)s, hours => %(hour)s + n)))
      from generate_series(0, 1) n))
"""


def run() -> list[Mark]:
    """Median over rounds of (processor time of two holds) / (of one visit of two), on one database."""
    with clinic(locations=1) as found:
        ratios = []
        for number in range(ROUNDS + 1):
            singly, together = (_work(found, 2 * number + turn, together=bool(turn)) for turn in range(2))
            if number:  # the first round warms the caches
                ratios.append(singly / together)
    return [
        Mark(
            "two services as one visit against two holds",
            statistics.median(ratios),
            reach=0.8,
            note=f"{OPERATIONS} of each, processor time of the server, median of {ROUNDS} rounds in turn",
        )
    ]


def _work(found: Clinic, day: int, *, together: bool) -> float:
    """The processor seconds that the server spends on keeping two hours for somebody."""
    with psycopg.connect(found.app_url, autocommit=True, options="-c synchronous_commit=off") as app:
        backend = psutil.Process(app.info.backend_pid)
        began = 0.0
        for number in range(-10, OPERATIONS):
            if number == 0:
                began = backend.cpu_times().user  # the first ten plan the statements of this session
            asked = {"service": found.service_id, "location": found.location_ids[0], "day": 30 + 20 * day}
            with app.transaction():
                app.execute("select holdfast.act_as(%s, 'key_bench', 'desk')", (found.organization_id,))
                hour = 2 * number + 20
                if together:
                    app.execute(VISIT, asked | {"hour": hour})
                else:
                    app.execute(HOLD, asked | {"hour": hour})
                    app.execute(HOLD, asked | {"hour": hour + 1})
        return float(backend.cpu_times().user - began) / OPERATIONS
