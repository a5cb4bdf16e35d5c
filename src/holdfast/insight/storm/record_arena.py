"""Holdfast's own functions on a record of the storm's own, without HTTP: one SQL call a hold, as the server makes it.

Bookings leave a history that nothing can delete, so this is for a database that is thrown away afterwards.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from holdfast.booking.service import QUERIES
from holdfast.db.blocking import BlockingConnection, Deadlock, Interrupted
from holdfast.db.urls import DatabaseUrls
from holdfast.errors import HoldfastError
from holdfast.insight.storm.arena import DEADLOCK, HELD, Outcome, Result
from holdfast.insight.storm.independent_check import OVERLAPS_SQL, Claim, rows_without_index
from holdfast.insight.storm.plan import LOCATION, Ask, Attempt, Plan

_ACT_AS_SQL = "select holdfast.act_as(%s, 'storm', %s)"
_CLAIMS_SQL = """
select unit_id, lower(during), upper(during), hold_id from claim where organization_id = %s and active
"""


class RecordArena:
    """A new organization with just what the plan fights for. The database must be migrated."""

    name = "holdfast"

    def __init__(self, urls: DatabaseUrls, plan: Plan) -> None:
        """Raises SetupRefused when the database cannot be reached."""
        self._urls = urls
        self._owner = BlockingConnection(urls.owner, application_name="holdfast storm", search_path="holdfast")
        self._catalog = stock_organization(self._owner, plan)
        self._attempt_of: dict[UUID, int] = {}

    def open_target(self) -> RecordTarget:
        connection = BlockingConnection(self._urls.app, application_name="holdfast storm", search_path="holdfast")
        return RecordTarget(connection, self._catalog, self._attempt_of)

    def interrupt(self) -> None:
        """A hold is a matter of milliseconds: what is under way is waited for."""

    def claims(self) -> Sequence[Claim]:
        """What the record says, not what the clients were told; the claims of a hold that nobody was told of count."""
        rows = rows_without_index(self._owner, _CLAIMS_SQL, (self._catalog.organization_id,))
        return [Claim(str(unit), start, end, self._owner_of(hold_id)) for unit, start, end, hold_id in rows]

    def _owner_of(self, hold_id: UUID) -> str:
        return str(self._attempt_of.get(hold_id, hold_id))

    def overlaps_by_sql(self) -> int:
        return len(rows_without_index(self._owner, OVERLAPS_SQL))

    def close(self) -> None:
        self._owner.close()


class RecordTarget:
    def __init__(self, connection: BlockingConnection, catalog: Catalog, attempt_of: dict[UUID, int]) -> None:
        self._connection = connection
        self._catalog = catalog
        self._attempt_of = attempt_of

    def attempt(self, attempt: Attempt) -> Outcome:
        try:
            with self._connection.transaction():
                self._connection.rows(_ACT_AS_SQL, (self._catalog.organization_id, attempt.surface))
                hold_id = self._connection.rows(QUERIES["place_hold"], self._catalog.arguments(attempt.ask))[0][0]
        except Deadlock:
            return DEADLOCK
        except Interrupted:
            return Outcome(Result.FAILED, "connection-lost")
        except HoldfastError as refusal:
            return Outcome(Result.REFUSED, refusal.code)
        self._attempt_of[hold_id] = attempt.number
        return HELD

    def close(self) -> None:
        self._connection.close()


class Catalog:
    """The ids behind the plan's names."""

    def __init__(self, organization_id: UUID, location_id: UUID) -> None:
        self.organization_id = organization_id
        self.location_id = location_id
        self.resources: dict[str, UUID] = {}
        self.services: dict[str, UUID] = {}

    def arguments(self, ask: Ask) -> dict[str, Any]:
        """The parameters of the booking query ``place_hold``: as the server fills them for a surface of the house."""
        return {
            "service_id": self.services[ask.service],
            "location_id": self.location_id,
            "start": ask.start,
            "choices": json.dumps({role: [[str(self.resources[resource])]] for role, resource in ask.resources}),
            "ttl_seconds": None,
            "visitor": None,
            "network": None,
            "outside_rules": False,
        }


def stock_organization(owner: BlockingConnection, plan: Plan) -> Catalog:
    """A new organization with the locations, resources and services of the plan, under the plan's names as slugs."""
    asks = {(ask.service, ask.length_minutes): ask for slot in plan.slots for ask in slot.asks}
    roles: dict[str, set[str]] = {}
    for slot in plan.slots:
        for role, resource in slot.asks[0].resources:
            roles.setdefault(role, set()).add(resource)
    with owner.transaction():
        slug = f"storm-{secrets.token_hex(4)}"
        organization_id = _id(owner, "create_organization(%s, 'Storm')", slug)
        owner.rows(_ACT_AS_SQL, (organization_id, "system"))
        catalog = Catalog(organization_id, _id(owner, "put_location(%s, 'Here', 'UTC')", LOCATION))
        pools = {role: _stock_pool(owner, catalog, role, sorted(names)) for role, names in sorted(roles.items())}
        for service, length_minutes in asks:
            requirements = [_requirement(role, pool, length_minutes) for role, pool in pools.items()]
            catalog.services[service] = _id(
                owner,
                "put_service(%s, 'Visit', 'Storm', %s, 0, array[%s]::uuid[], %s)",
                *(service, length_minutes, catalog.location_id, json.dumps(requirements)),
            )
    return catalog


def _stock_pool(owner: BlockingConnection, catalog: Catalog, role: str, names: Sequence[str]) -> UUID:
    kind = role if role in ("provider", "room", "device") else "other"
    for name in names:
        catalog.resources[name] = _id(
            owner, "put_resource(%s, %s, %s, array[%s]::uuid[])", *(name, name, kind, catalog.location_id)
        )
    members = json.dumps([{"resource_id": str(catalog.resources[name])} for name in names])
    return _id(owner, "put_pool(%s, %s, %s)", *(role.replace("_", "-"), role, members))


def _requirement(role: str, pool_id: UUID, length_minutes: int) -> dict[str, Any]:
    return {
        "role": role,
        "pool_id": str(pool_id),
        "quantity": 1,
        "segment_start_minutes": 0,
        "segment_minutes": length_minutes,
        "buffer_before_minutes": 0,
        "buffer_after_minutes": 0,
    }


def _id(owner: BlockingConnection, call: str, *parameters: Any) -> UUID:
    found = owner.rows(f"select holdfast.{call}", parameters)[0][0]
    assert isinstance(found, UUID)
    return found
