"""Mark 9: the same holds and reads with row-level security on and off, in turn."""

from __future__ import annotations

import statistics

import psutil
import psycopg

from bench.clinic import Clinic, clinic
from bench.marks import Mark

ROUNDS = 8
OPERATIONS = 300


def run() -> list[Mark]:
    """Median over rounds of (processor time without RLS) / (with it), on one database."""
    with clinic(locations=1) as found, psycopg.connect(found.owner_url, autocommit=True) as owner:
        tables = [row[0] for row in owner.execute("select relname from pg_class where relrowsecurity")]
        ratios = []
        for number in range(ROUNDS + 1):
            spent = {}
            # By turns the one and the other goes first: the second finds more rows, and the caches warm.
            for turn, state in enumerate(("enable", "disable") if number % 2 else ("disable", "enable")):
                _switch(owner, tables, state)
                spent[state] = _work(found, number * 2 + turn)
            if number:  # the first round warms the caches
                ratios.append(spent["disable"] / spent["enable"])
    return [
        Mark(
            "row-level security on against off",
            statistics.median(ratios),
            reach=0.9,
            note=f"{OPERATIONS} holds and reads, processor time of the server, median of {ROUNDS} rounds in turn",
        )
    ]


def _switch(owner: psycopg.Connection[tuple[object, ...]], tables: list[str], state: str) -> None:
    with owner.transaction():
        for table in tables:
            owner.execute(f"alter table holdfast.{table} {state} row level security")


def _work(found: Clinic, day: int) -> float:
    """The processor seconds that the server spends on one operation: the only cost there is, and free of noise."""
    # A round trip to the disk says nothing about row-level security, so commits do not wait for it here.
    with psycopg.connect(found.app_url, autocommit=True, options="-c synchronous_commit=off") as app:
        backend = psutil.Process(app.info.backend_pid)
        began = 0.0
        for number in range(-10, OPERATIONS):
            if number == 0:
                began = backend.cpu_times().user  # the first ten plan the statements of this session
            with app.transaction():
                app.execute("select holdfast.act_as(%s, 'key_bench', 'desk')", (found.organization_id,))
                row = app.execute(
                    "select id from holdfast.place_hold(%s, %s, now()::date + make_interval(days => %s, hours => %s))",
                    (found.service_id, found.location_ids[0], 30 + 20 * day, number + 10),
                ).fetchone()
                assert row is not None
                app.execute("select id, claims from holdfast.hold_detail where id = %s", row).fetchone()
        return float(backend.cpu_times().user - began) / OPERATIONS
