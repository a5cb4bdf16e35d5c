"""What a recipe is, and the tables they share."""

from __future__ import annotations

from typing import Final, Protocol

from holdfast.db.blocking import BlockingConnection
from holdfast.insight.storm.arena import Outcome
from holdfast.insight.storm.plan import Attempt


class Recipe(Protocol):
    """A way to write a booking. One instance serves all clients; each call comes with its own connection."""

    name: str
    create_sql: str

    def take(self, connection: BlockingConnection, attempt: Attempt) -> Outcome: ...


# The extension goes to public and stays: dropping it with the scratch schema would, by cascade, take with it any
# constraint that was meanwhile built on it elsewhere in this database.
_CLAIM_SQL: Final = """
create extension if not exists btree_gist schema public;
create table claim (
    organization_id int not null default 1,
    attempt int not null,
    unit_id text not null,
    during tstzrange not null,
    active boolean not null default true,
    overbook boolean not null default false
);
"""

UNGUARDED_SQL: Final = (
    _CLAIM_SQL
    + "create index on claim using gist (organization_id, unit_id, during) where (active and not overbook);\n"
)
"""A claim table with the index that a careful author would add for the look-up, and nothing that refuses."""

GUARDED_SQL: Final = (
    _CLAIM_SQL
    + """
alter table claim add constraint claim_no_overlap
    exclude using gist (organization_id with =, unit_id with =, during with &&) where (active and not overbook);
"""
)
"""A claim table that cannot hold an overlap."""

IS_TAKEN_SQL: Final = """
select exists (
    select from claim
    where active and organization_id = 1 and unit_id = any(%s) and during && tstzrange(%s, %s)
)
"""

INSERT_SQL: Final = """
insert into claim (attempt, unit_id, during)
select %s, unit_id, tstzrange(%s, %s) from unnest(%s::text[]) as wanted (unit_id)
"""


def units(attempt: Attempt) -> list[str]:
    """The resources asked for, in the order of the request."""
    return [resource for _, resource in attempt.ask.resources]


def is_taken(connection: BlockingConnection, attempt: Attempt) -> bool:
    """The look that so many bookings begin with. Whatever it says was true a moment ago."""
    ask = attempt.ask
    return bool(connection.rows(IS_TAKEN_SQL, (units(attempt), ask.start, ask.end))[0][0])


def insert(connection: BlockingConnection, attempt: Attempt) -> None:
    """Write all claims of the visit in one statement."""
    ask = attempt.ask
    connection.execute(INSERT_SQL, (attempt.number, ask.start, ask.end, units(attempt)))
