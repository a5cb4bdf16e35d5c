"""Look for an overlap; when there is none, insert. What most booking code does.

Two clients look before either has committed, both see a free slot, and both insert. A transaction around the two
statements changes nothing: READ COMMITTED does not show what others have not committed yet.
"""

from __future__ import annotations

from holdfast.db.blocking import BlockingConnection
from holdfast.insight.storm.arena import HELD, TAKEN, Outcome
from holdfast.insight.storm.plan import Attempt
from holdfast.insight.storm.recipes.recipe import UNGUARDED_SQL, insert, is_taken


class CheckThenInsert:
    name = "check-then-insert"
    create_sql = UNGUARDED_SQL

    def take(self, connection: BlockingConnection, attempt: Attempt) -> Outcome:
        with connection.transaction():
            if is_taken(connection, attempt):
                return TAKEN
            insert(connection, attempt)
        return HELD
