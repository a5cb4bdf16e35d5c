"""A clinic in the record for tests of the rules: written by the command functions, read as the application does."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any, TypeVar
from uuid import UUID

from holdfast.access.service import create_organization
from holdfast.availability import service as availability
from holdfast.availability.model import Request, Slot
from holdfast.booking import service as booking
from holdfast.booking.model import ClientDetails, Hold, Visit
from holdfast.db.transact import Caller, Record, Transaction
from holdfast.errors import HoldfastError
from holdfast.wallclock import day_start, local_date, resolve, to_local

T = TypeVar("T")
ZONE = "America/Chicago"


def next_monday(weeks: int = 2) -> date:
    """A Monday some weeks ahead, so that no test is ever about the past."""
    today = local_date(datetime.now(UTC), ZONE)
    return today + timedelta(days=7 * weeks - today.weekday())


def wall(day: date, clock: str, zone: str = ZONE) -> datetime:
    return resolve(datetime.fromisoformat(f"{day}T{clock}"), zone)


def daily(starts: str, ends: str, *, kind: str = "hours", days: Sequence[int] = range(7), **more: Any) -> list[Any]:
    return [{"kind": kind, "weekday": day, "starts": starts, "ends": ends, **more} for day in days]


@dataclass
class Clinic:
    """One organization with one location, a service of three roles, and a caller on any surface."""

    record: Record
    organization_id: UUID
    ids: dict[str, UUID] = field(default_factory=dict)

    @classmethod
    async def open(cls, record: Record, slug: str = "clinic") -> Clinic:
        clinic = cls(record, await create_organization(record, slug=slug, name="Clinic"))
        await clinic.location("austin")
        return clinic

    async def as_(self, surface: str, work: Callable[[Transaction], Awaitable[T]]) -> T:
        return await self.record.transact(Caller(self.organization_id, f"key_{surface}", surface), work)

    async def run(self, sql: str, **parameters: Any) -> Any:
        values = {
            name: json.dumps(value) if isinstance(value, list | dict) and name != "ids" else value
            for name, value in parameters.items()
        }
        return await self.as_("desk", lambda tx: tx.value(sql, **values))

    async def location(self, slug: str, zone: str = ZONE) -> UUID:
        self.ids[slug] = await self.run("select holdfast.put_location(%(s)s, %(s)s, %(z)s)", s=slug, z=zone)
        return self.ids[slug]

    async def resource(
        self, slug: str, kind: str = "provider", *, capacity: int = 1, at: Sequence[str] = ("austin",)
    ) -> UUID:
        self.ids[slug] = await self.run(
            "select holdfast.put_resource(%(s)s, %(s)s, %(k)s, %(ids)s::uuid[], %(c)s)",
            s=slug, k=kind, ids=[self.ids[each] for each in at], c=capacity,
        )  # fmt: skip
        return self.ids[slug]

    async def pool(self, slug: str, members: Sequence[str], requires: Sequence[str] = ()) -> UUID:
        listed = [{"resource_id": str(self.ids[each]), "preference": n} for n, each in enumerate(members)]
        self.ids[slug] = await self.run("select holdfast.put_pool(%(s)s, %(s)s, %(m)s)", s=slug, m=listed)
        await self.run(
            "select holdfast.set_pool_requires(%(p)s, %(ids)s::text[])", p=self.ids[slug], ids=list(requires)
        )
        return self.ids[slug]

    async def service(
        self,
        slug: str,
        minutes: int,
        needs: Mapping[str, Mapping[str, Any]],
        *,
        at: Sequence[str] = ("austin",),
        grid: int = 15,
        off_grid: bool = False,
        leads: Sequence[Mapping[str, Any]] = (),
    ) -> UUID:
        requirements = [
            {
                "role": role, "pool_id": str(self.ids[need["pool"]]), "quantity": need.get("quantity", 1),
                "segment_start_minutes": need.get("start", 0), "segment_minutes": need.get("minutes", minutes),
                "buffer_before_minutes": need.get("before", 0), "buffer_after_minutes": need.get("after", 0),
            }
            for role, need in needs.items()
        ]  # fmt: skip
        self.ids[slug] = await self.run(
            "select holdfast.put_service(%(s)s, %(s)s, 'Care', %(n)s, 0, %(ids)s::uuid[], %(r)s)",
            s=slug, n=minutes, ids=[self.ids[each] for each in at], r=requirements,
        )  # fmt: skip
        await self.run(
            "select holdfast.set_service_rules(%(s)s, %(g)s, %(o)s, %(l)s)",
            s=self.ids[slug], g=grid, o=off_grid, l=list(leads),
        )  # fmt: skip
        return self.ids[slug]

    async def hours(self, rules: list[Any], *, location: str | None = "austin", resource: str | None = None) -> None:
        await self._rules("set_weekly_rules", rules, location, resource)

    async def dates(self, rules: list[Any], *, location: str | None = "austin", resource: str | None = None) -> None:
        await self._rules("set_dated_rules", rules, location, resource)

    async def _rules(self, function: str, rules: list[Any], location: str | None, resource: str | None) -> None:
        await self.run(
            f"select holdfast.{function}(%(l)s, %(r)s, %(rules)s)",
            l=self.ids[location] if location else None, r=self.ids[resource] if resource else None, rules=rules,
        )  # fmt: skip

    async def resource_rules(
        self, slug: str, *, cap: int | None = None, has: Mapping[str, date | None] | None = None
    ) -> None:
        attributes = [{"name": name, "good_until": day and day.isoformat()} for name, day in (has or {}).items()]
        await self.run("select holdfast.set_resource_rules(%(r)s, %(c)s, %(a)s)", r=self.ids[slug], c=cap, a=attributes)

    def asked(self, service: str, start: datetime, until: datetime, **more: Any) -> Request:
        return Request(
            str(self.ids["austin"]), (str(self.ids[service]),), start, until, limit=more.pop("limit", 10_000), **more
        )

    async def slots(
        self, service: str, day: date, *, days: int = 1, surface: str = "widget", **more: Any
    ) -> list[Slot]:
        """The slots of whole local days at Austin."""
        asked = self.asked(service, day_start(day, ZONE), day_start(day + timedelta(days=days), ZONE), **more)
        found = await self.as_(surface, lambda tx: availability.search(tx, asked, [asked.location]))
        return [slot for _, slot in found.slots]

    async def starts(self, service: str, day: date, **more: Any) -> list[str]:
        """The starts of a local day as the clock on the wall shows them."""
        return [f"{to_local(slot.start, ZONE):%H:%M}" for slot in await self.slots(service, day, **more)]

    def visit(self, service: str, start: datetime, **more: Any) -> Visit:
        choices = {role: [[self.ids[each]] for each in who] for role, who in more.pop("who", {}).items()}
        return Visit(self.ids[service], self.ids[more.pop("at", "austin")], start, choices, **more)

    async def hold(self, service: str, start: datetime, *, surface: str = "widget", **more: Any) -> Hold:
        visit = self.visit(service, start, **more)
        return await self.as_(surface, lambda tx: booking.place_hold(tx, visit))

    async def book(self, service: str, start: datetime, *, surface: str = "desk", **more: Any) -> Any:
        visit, client = self.visit(service, start, **more), ClientDetails(name="Ana Ruiz", email="ana@example.com")
        return await self.as_(surface, lambda tx: booking.book(tx, visit, client))

    async def refusal(self, work: Awaitable[Any]) -> HoldfastError:
        """The error of something that must be refused."""
        try:
            await work
        except HoldfastError as error:
            return error
        raise AssertionError("this should have been refused")
