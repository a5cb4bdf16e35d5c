"""``INSERT … SELECT … WHERE NOT EXISTS (overlap)``: check and insert in one statement, and no constraint.

One statement looks atomic and is not: its snapshot is taken when it starts, and two that start together do not see
each other's rows.
"""

from __future__ import annotations

from holdfast.db.blocking import BlockingConnection
from holdfast.insight.storm.arena import HELD, TAKEN, Outcome
from holdfast.insight.storm.plan import Attempt
from holdfast.insight.storm.recipes.recipe import INSERT_SQL, UNGUARDED_SQL, units

_INSERT_UNLESS_TAKEN_SQL = (
    INSERT_SQL
    + """
where not exists (
    select from claim
    where active and organization_id = 1 and claim.unit_id = any(%s) and during && tstzrange(%s, %s)
)
"""
)


class NotExists:
    name = "not-exists"
    create_sql = UNGUARDED_SQL

    def take(self, connection: BlockingConnection, attempt: Attempt) -> Outcome:
        ask, wanted = attempt.ask, units(attempt)
        written = connection.execute(
            _INSERT_UNLESS_TAKEN_SQL, (attempt.number, ask.start, ask.end, wanted, wanted, ask.start, ask.end)
        )
        return HELD if written else TAKEN
