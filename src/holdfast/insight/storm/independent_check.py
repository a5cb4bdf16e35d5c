"""Do two active claims overlap on a unit (I1)? Asked twice, and never through the index that is meant to prevent it.

A check that reads by the guarding index would believe that index. So the SQL switches index scans off and walks every
claim in time order, and the Python walks the same rows again without the database.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from holdfast.db.blocking import BlockingConnection


@dataclass(frozen=True, slots=True)
class Claim:
    """A unit held for ``[start, end)``; ``owner`` is whatever the claim was taken for (a hold, an attempt)."""

    unit: str
    start: datetime
    end: datetime
    owner: str


@dataclass(frozen=True, slots=True)
class Overlap:
    """``second`` starts (or, starting together, is listed) before ``first`` has ended, on the same unit."""

    first: Claim
    second: Claim


def overlaps(claims: Iterable[Claim]) -> list[Overlap]:
    """Every claim that starts before an earlier claim on its unit has ended, with the one it runs into.

    n claims piled on one moment give n - 1 overlaps: the number that would have to go.
    """
    found = []
    last: Claim | None = None
    for claim in sorted(claims, key=lambda claim: (claim.unit, claim.start, claim.end, claim.owner)):
        if last is None or claim.unit != last.unit:
            last = claim
            continue
        if claim.start < last.end:
            found.append(Overlap(last, claim))
        if claim.end > last.end:
            last = claim
    return found


WITHOUT_INDEX_SQL: Final = (
    "set local enable_indexscan = off",
    "set local enable_indexonlyscan = off",
    "set local enable_bitmapscan = off",
)
"""Run these first, in the same transaction as ``OVERLAPS_SQL``."""

OVERLAPS_SQL: Final = """
with in_time_order as (
    select organization_id, unit_id, during,
           max(upper(during)) over (
               partition by organization_id, unit_id
               order by lower(during), upper(during)
               rows between unbounded preceding and 1 preceding
           ) as taken_until
    from claim
    where active and not overbook
)
select organization_id, unit_id, during, taken_until
from in_time_order
where lower(during) < taken_until
"""
"""One row for every active claim that starts before an earlier one on its unit has ended; none when I1 holds.

Claims that a person put there on purpose (``overbook``) are outside the guard and outside this check.

``claim`` is found by the search path; the caller's role must see every organization's rows.
"""


def rows_without_index(
    connection: BlockingConnection, statement: str, parameters: Sequence[Any] | None = None
) -> list[tuple[Any, ...]]:
    """The rows of a query that was kept from reading by any index."""
    with connection.transaction():
        for setting in WITHOUT_INDEX_SQL:
            connection.execute(setting)
        return connection.rows(statement, parameters)
