"""A small clinic for tests, and a desk that calls the command functions directly, as the application's role."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import psycopg
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb

Row = dict[str, Any]
JSON = {
    "asked", "attributes", "changes", "choices", "client", "headers", "items", "leads", "members", "moves", "policy",
    "requirements", "rules", "visits",
}  # fmt: skip
# Two years ahead of any test run would be out of reach some day; a Monday of the coming weeks never is.
NINE = (datetime.now(UTC) + timedelta(days=14)).replace(hour=9, minute=0, second=0, microsecond=0)


def at(minutes: float) -> datetime:
    """So many minutes after nine o'clock (UTC) of the test's day."""
    return NINE + timedelta(minutes=minutes)


class Refused(Exception):
    """A rule that the record named."""

    def __init__(self, rule: str, facts: Mapping[str, Any]) -> None:
        super().__init__(rule, facts)
        self.rule = rule
        self.facts = facts


def refusal(error: psycopg.Error) -> Refused | None:
    """The rule behind a database error, or None when it is no refusal."""
    if error.sqlstate == "HF001":
        return Refused(error.diag.constraint_name or "", json.loads(error.diag.message_detail or "{}"))
    if error.sqlstate and error.sqlstate.startswith("23") and error.diag.constraint_name:
        return Refused(error.diag.constraint_name, {})
    return None


def call(connection: psycopg.Connection[Any], function: str, **parameters: Any) -> list[Row]:
    """``select * from holdfast.function(…)`` by parameter name, in whatever transaction is open."""
    arguments = ", ".join(f"p_{name} => %({name})s" for name in parameters)
    values = {name: Jsonb(value) if name in JSON else value for name, value in parameters.items()}
    with connection.cursor(row_factory=dict_row) as cursor:
        cursor.execute(f"select * from holdfast.{function}({arguments})", values)  # type: ignore[arg-type]
        return cursor.fetchall()


@dataclass
class Desk:
    """One connection; every call is one transaction as one caller."""

    connection: psycopg.Connection[Any]
    organization_id: UUID | None
    actor: str = "key_desk"
    surface: str = "desk"

    def __call__(self, function: str, **parameters: Any) -> Row:
        """The first row of the answer. Raises Refused; other database errors come out as they are."""
        return self.all(function, **parameters)[0]

    def all(self, function: str, **parameters: Any) -> list[Row]:
        try:
            with self.connection.transaction():
                self.act()
                return call(self.connection, function, **parameters)
        except psycopg.Error as error:
            if refused := refusal(error):
                raise refused from error
            raise

    def act(self) -> None:
        """Say who acts in the open transaction."""
        self.connection.execute("select holdfast.act_as(%s, %s, %s)", (self.organization_id, self.actor, self.surface))

    def read(self, query: str, **parameters: Any) -> list[Row]:
        with self.connection.transaction(), self.connection.cursor(row_factory=dict_row) as cursor:
            self.act()
            cursor.execute(query, parameters)  # type: ignore[arg-type]
            return cursor.fetchall()


@dataclass
class Clinic:
    """An organization with one location; names to ids."""

    organization_id: UUID
    location_id: UUID
    desk: Desk
    resources: dict[str, UUID] = field(default_factory=dict)
    pools: dict[str, UUID] = field(default_factory=dict)
    services: dict[str, UUID] = field(default_factory=dict)

    def resource(self, slug: str, kind: str = "other", capacity: int = 1) -> UUID:
        self.resources[slug] = self.desk(
            "put_resource", slug=slug, name=slug, kind=kind, location_ids=[self.location_id], capacity=capacity
        )["put_resource"]
        return self.resources[slug]

    def pool(self, slug: str, members: Iterable[str]) -> UUID:
        """A pool that prefers its members in the order given."""
        listed = [
            {"resource_id": str(self.resources[member]), "preference": place} for place, member in enumerate(members)
        ]
        self.pools[slug] = self.desk("put_pool", slug=slug, name=slug, members=listed)["put_pool"]
        return self.pools[slug]

    def service(self, slug: str, duration_minutes: int, *requirements: Row) -> UUID:
        """A service; see ``requires``."""
        listed = [requirement | {"pool_id": str(self.pools[requirement["pool_id"]])} for requirement in requirements]
        self.services[slug] = self.desk(
            "put_service",
            slug=slug,
            name=slug,
            category="Tests",
            duration_minutes=duration_minutes,
            price_cents=34000,
            location_ids=[self.location_id],
            requirements=listed,
        )["put_service"]
        return self.services[slug]

    def units(self, resource: str) -> list[UUID]:
        """The open units of a resource, by ordinal."""
        rows = self.desk.read(
            "select id from holdfast.unit where resource_id = %(id)s and retired_at is null order by ordinal",
            id=self.resources[resource],
        )
        return [row["id"] for row in rows]

    def hold(self, service: str, minutes: float, desk: Desk | None = None, **more: Any) -> Row:
        return (desk or self.desk)(
            "place_hold", service_id=self.services[service], location_id=self.location_id, start=at(minutes), **more
        )

    def book(self, service: str, minutes: float, desk: Desk | None = None, **more: Any) -> Row:
        return (desk or self.desk)(
            "book",
            service_id=self.services[service],
            location_id=self.location_id,
            start=at(minutes),
            **({"client": CLIENT} | more),
        )


CLIENT = {"name": "Ada Byron", "email": "ada@example.org"}


def requires(
    role: str, pool: str, segment: tuple[int, int], *, quantity: int = 1, before: int = 0, after: int = 0
) -> Row:
    """A requirement: ``segment`` from and to, in minutes after the visit's start; buffers in minutes."""
    return {
        "role": role,
        "pool_id": pool,
        "quantity": quantity,
        "segment_start_minutes": segment[0],
        "segment_minutes": segment[1] - segment[0],
        "buffer_before_minutes": before,
        "buffer_after_minutes": after,
    }


def open_clinic(connection: psycopg.Connection[Any], slug: str = "clinic") -> Clinic:
    """An organization with one location in New York and nothing in it yet."""
    nobody = Desk(connection, None)
    organization_id = nobody("create_organization", slug=slug, name=slug)["create_organization"]
    desk = Desk(connection, organization_id)
    location = desk("put_location", slug="main", name="Main Street", time_zone="America/New_York")
    return Clinic(organization_id, location["put_location"], desk)


def open_med_spa(connection: psycopg.Connection[Any], slug: str = "spa") -> Clinic:
    """Two providers, two rooms, one laser of two units; ``laser`` needs one of each, ``consult`` a provider."""
    clinic = open_clinic(connection, slug)
    for provider in ("ana", "ben"):
        clinic.resource(provider, "provider")
    for room in ("room-1", "room-2"):
        clinic.resource(room, "room")
    clinic.resource("laser", "device", capacity=2)
    clinic.pool("providers", ["ana", "ben"])
    clinic.pool("rooms", ["room-1", "room-2"])
    clinic.pool("lasers", ["laser"])
    clinic.service(
        "laser",
        60,
        requires("provider", "providers", (10, 50)),
        requires("room", "rooms", (0, 60), after=10),
        requires("device", "lasers", (15, 45), before=5, after=5),
    )
    clinic.service("consult", 30, requires("provider", "providers", (0, 30)))
    return clinic
