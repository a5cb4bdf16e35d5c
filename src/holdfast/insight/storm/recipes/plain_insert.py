"""The constraint is there, but the claims are inserted one by one in the order of the request.

Correct, and slow exactly when it matters. A client that has the provider waits for one that has the room, who waits for
one that has the provider: PostgreSQL lets the cycle stand for ``deadlock_timeout`` (a second), then kills one of them,
and everybody behind has waited too.
"""

from __future__ import annotations

from holdfast.db.blocking import BlockingConnection, ConstraintRefused, Deadlock
from holdfast.insight.storm.arena import DEADLOCK, HELD, TAKEN, Outcome
from holdfast.insight.storm.plan import Attempt
from holdfast.insight.storm.recipes.recipe import GUARDED_SQL, units

_INSERT_ONE_SQL = "insert into claim (attempt, unit_id, during) values (%s, %s, tstzrange(%s, %s))"


class PlainInsert:
    name = "plain-insert"
    create_sql = GUARDED_SQL

    def take(self, connection: BlockingConnection, attempt: Attempt) -> Outcome:
        ask = attempt.ask
        try:
            with connection.transaction():
                for unit in units(attempt):
                    connection.execute(_INSERT_ONE_SQL, (attempt.number, unit, ask.start, ask.end))
        except ConstraintRefused:
            return TAKEN
        except Deadlock:
            return DEADLOCK
        return HELD
