"""The way Holdfast takes a slot, reduced to its essence: the constraint, one sorted statement, an exact row count.

- The look comes first only so that a refusal writes nothing; it decides nothing.
- All units go in by one statement, in one order for everybody: no cycle of locks can form.
- ``on conflict on constraint … do nothing`` waits for a rival and then skips the row instead of failing half-way;
  the row count then tells whether every unit was won, and if not, nothing stays.

The product's own function does the same on the record, with holds, expiry and pools around it.
"""

from __future__ import annotations

from holdfast.db.blocking import BlockingConnection, ConstraintRefused, Deadlock
from holdfast.insight.storm.arena import DEADLOCK, HELD, TAKEN, Outcome
from holdfast.insight.storm.plan import Attempt
from holdfast.insight.storm.recipes.recipe import GUARDED_SQL, units

# Equality on one unit at a time: `unit_id = any(…)` makes the GiST index read ten times as much.
_TAKE_SQL = """
create function take(p_attempt int, p_units text[], p_during tstzrange) returns boolean language plpgsql as $$
declare
    v_taken int;
begin
    if exists (
        select from unnest(p_units) as wanted (unit_id)
        cross join lateral (
            select from claim
            where active and organization_id = 1 and claim.unit_id = wanted.unit_id and during && p_during
            limit 1
        ) as standing
    ) then
        return false;
    end if;

    insert into claim (attempt, unit_id, during)
    select p_attempt, unit_id, p_during from unnest(p_units) as wanted (unit_id) order by unit_id
    on conflict on constraint claim_no_overlap do nothing;

    get diagnostics v_taken = row_count;
    if v_taken <> cardinality(p_units) then
        raise exception 'a unit was lost to another client' using errcode = 'exclusion_violation';
    end if;
    return true;
end
$$;
"""


class Guarded:
    name = "guarded"
    create_sql = GUARDED_SQL + _TAKE_SQL

    def take(self, connection: BlockingConnection, attempt: Attempt) -> Outcome:
        ask = attempt.ask
        try:
            won = connection.rows(
                "select take(%s, %s, tstzrange(%s, %s))", (attempt.number, units(attempt), ask.start, ask.end)
            )[0][0]
        except ConstraintRefused:
            return TAKEN
        except Deadlock:
            return DEADLOCK
        return HELD if won else TAKEN
