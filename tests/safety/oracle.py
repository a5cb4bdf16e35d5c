"""What must hold, checked in Python on rows as they are dumped: no index, no SQL of ours."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import Any

import psycopg

CLAIMS = """
    select k.organization_id, k.unit_id, lower(k.during), upper(k.during), k.hold_id
    from holdfast.claim k where k.active and not k.overbook
"""


def overlaps(connection: psycopg.Connection[Any]) -> int:
    """I1: how many claims begin before another one on their unit has ended."""
    units = defaultdict(list)
    for organization_id, unit_id, start, end, _ in connection.execute(CLAIMS):
        units[organization_id, unit_id].append((start, end))
    found = 0
    for claims in units.values():
        claims.sort()
        until = claims[0][0]
        for start, end in claims:
            found += start < until
            until = max(until, end)
    return found


def partial(connection: psycopg.Connection[Any]) -> int:
    """I2: how often a hold that blocks has not exactly what its service requires, or a settled one has anything."""
    wanted = connection.execute(
        "select h.id, h.blocking, r.role, r.quantity from holdfast.hold h"
        " join holdfast.requirement r on r.service_id = h.service_id"
    ).fetchall()
    have = Counter(
        connection.execute("select hold_id, role from holdfast.claim where active and hold_id is not null").fetchall()
    )
    return sum(have[hold_id, role] != (quantity if blocking else 0) for hold_id, blocking, role, quantity in wanted)
