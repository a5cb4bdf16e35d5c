"""The refusal of a taken slot writes 0 bytes to the write-ahead log: a queue at a hot slot costs no disk."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest

from tests.clinic import CLIENT, Clinic, Refused, at

REPEATS = 20


def wal_position(admin: psycopg.Connection[Any]) -> int:
    row = admin.execute("select (pg_current_wal_insert_lsn() - '0/0')::bigint").fetchone()
    assert row is not None
    return int(row[0])


def bytes_written(admin: psycopg.Connection[Any], spa: Clinic, function: str, **parameters: Any) -> list[int]:
    """By each of several refusals, sorted. The server's own notes of its running transactions fall between a few."""
    # settle the pages first: whoever reads a row first may have to note that its transaction committed
    admin.execute("vacuum; ")
    admin.execute("checkpoint")
    written = []
    for _ in range(REPEATS):
        before = wal_position(admin)
        with pytest.raises(Refused):
            spa.desk(function, **parameters)
        written.append(wal_position(admin) - before)
    return sorted(written)


@pytest.mark.parametrize("function", ["place_hold", "book", "reschedule"])
def test_a_taken_slot_is_refused_without_a_byte(spa: Clinic, admin: psycopg.Connection[Any], function: str) -> None:
    for _ in range(2):
        spa.book("laser", 0)
    mine = spa.book("laser", 300)
    visit = {"service_id": spa.services["laser"], "location_id": spa.location_id, "start": at(0)}
    parameters = {
        "place_hold": visit,
        "book": visit | {"client": CLIENT},
        "reschedule": {"appointment_id": mine["id"], "revision": None, "start": at(0)},
    }[function]
    written = bytes_written(admin, spa, function, **parameters)
    # a move locks its appointment before it looks, which is a note in that row
    allowed = 200 if function == "reschedule" else 0
    assert written[REPEATS // 2] <= allowed, written


def test_control_a_refusal_that_tried_first_writes(spa: Clinic, admin: psycopg.Connection[Any]) -> None:
    spa.book("laser", 0)
    written = bytes_written(
        admin, spa, "place_block", resource_id=spa.resources["ana"], start=at(0), end=at(60), reason=""
    )
    assert written[0] > 0, written
