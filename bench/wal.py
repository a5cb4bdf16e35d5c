"""Mark 4: the refusal of a taken slot writes nothing, measured as WAL."""

from __future__ import annotations

import psycopg

from bench.clinic import clinic
from bench.marks import Mark

REFUSALS = 200


def run() -> list[Mark]:
    """WAL bytes of one refusal, beside those of one hold."""
    with clinic(locations=1) as found, psycopg.connect(found.owner_url, autocommit=True) as connection:

        def hold(start: str) -> bool:
            try:
                with connection.transaction():
                    connection.execute("select holdfast.act_as(%s, 'key_bench', 'desk')", (found.organization_id,))
                    connection.execute(
                        "select id from holdfast.place_hold(%s, %s, now()::date + %s::interval)",
                        (found.service_id, found.location_ids[0], start),
                    )
                return True
            except psycopg.Error as refused:
                assert refused.diag.constraint_name == "slot_is_free"
                return False

        def position() -> int:
            row = connection.execute("select pg_current_wal_insert_lsn() - '0/0'").fetchone()
            assert row is not None
            return int(row[0])

        assert hold("10 days 10 hours")
        assert not hold("10 days 10 hours")  # sets the hint bits of what the hold wrote
        before = position()
        for _ in range(REFUSALS):
            assert not hold("10 days 10 hours")
        refused = position() - before
        before = position()
        assert hold("11 days 10 hours")
        taken = position() - before
    return [
        Mark("refusal of a taken slot", refused / REFUSALS, "bytes of WAL", "exactly", 0, f"{REFUSALS} refusals"),
        Mark("hold of three units", taken, "bytes of WAL", note="informs"),
    ]
