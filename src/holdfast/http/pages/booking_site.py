"""What every page of one booking site knows: whose it is, where, in which language, who visits, and what they hold."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from typing import Any, TypeVar
from urllib.parse import urlencode
from uuid import UUID

from fastapi import Request, Response

from holdfast.access import service as access
from holdfast.availability.snapshot import current_catalog
from holdfast.booking.model import Visitor
from holdfast.catalog import service as catalog
from holdfast.catalog.booking_page import BookingPage, get_booking_page
from holdfast.catalog.model import Location, Resource, Service
from holdfast.db.transact import Caller, Transaction
from holdfast.errors import NotFound
from holdfast.http.callers import visitor_of
from holdfast.http.pages import browser
from holdfast.http.pages.pages import language_of, page, record_of
from holdfast.log.feed import position_now
from holdfast.web.languages import Language, territory_of

T = TypeVar("T")
SURFACE = "widget"


@dataclass
class Site:
    """The booking pages of one organization, seen by one visitor."""

    request: Request
    look: BookingPage
    caller: Caller
    location: Location | None = None
    seen: str = ""  # where the log stood before anything else of the page was read
    language: Language = field(init=False)

    def __post_init__(self) -> None:
        zone = self.location.time_zone if self.location else None
        self.language = language_of(self.request, territory_of(zone) if zone else None)
        # everybody may frame the page unless the organization says who
        self.request.state.ancestors = self.look.embed_origins or ("'none'",)
        self.request.state.site = self  # whatever is refused from here on is said with its look

    @cached_property
    def visitor(self) -> Visitor:
        """Whom holds are counted against."""
        return visitor_of(self.request, self.caller, browser.visitor_id(self.request))

    def live_url(self, first: date, last: date) -> str:
        """Where a page hears what changed of these days at this location since it was read."""
        query = urlencode({"first": first, "last": last, "seen": self.seen})
        return f"/live/{self.look.slug}/{self.here.slug}?{query}"

    @property
    def url(self) -> str:
        """The site's address at this location, or of the organization."""
        base = f"/b/{self.look.slug}"
        return f"{base}/{self.location.slug}" if self.location else base

    @property
    def here(self) -> Location:
        """The location. Raises NotFound on the organization's own page."""
        if self.location is None:
            raise NotFound("There is no such location.")
        return self.location

    def hold_url(self, id: str) -> str:
        """The page of what is kept under this public id: name and e-mail, and the countdown."""
        return f"{self.url}/hold/{id}"

    async def transact(self, work: Callable[[Transaction], Awaitable[T]]) -> T:
        """Run ``work`` as this site's visitor."""
        return await record_of(self.request).transact(self.caller, work)

    def page(self, template: str, *, status: int = 200, **context: Any) -> Response:
        """A page of the site."""
        return page(
            self.request, template, status=status, language=self.language, site=self, look=self.look,
            location=self.location, **context,
        )  # fmt: skip


async def open_site(request: Request, organization: str, location: str | None = None) -> Site:
    """The site with this address. Raises NotFound."""
    record = record_of(request)
    organization_id = await access.find_organization(record, organization)
    return await site_of(request, organization_id, location)


async def site_of(request: Request, organization_id: UUID, location: str | UUID | None = None) -> Site:
    """The site of an organization. Raises NotFound for a location that is not there or closed for good."""
    caller = Caller(organization_id, "visitor", SURFACE)

    async def work(tx: Transaction) -> tuple[str, BookingPage, Location | None]:
        seen = await position_now(tx, request.app.state.event_names)
        look = await get_booking_page(tx)
        here = await catalog.get_location(tx, location) if location is not None else None
        if here is not None and here.retired_at is not None:
            raise NotFound("This location takes no bookings any more.")
        return seen, look, here

    seen, look, here = await record_of(request).transact(caller, work)
    return Site(request, look, caller, here, seen)


async def services_here(tx: Transaction, location: Location) -> dict[str, list[Service]]:
    """What can be booked here, by category, in the order of the cheapest way in: short visits first."""
    groups: dict[str, list[Service]] = {}
    for service in sorted(
        await catalog.list_services(tx, location_id=location.id), key=lambda s: (s.category, s.duration_minutes, s.name)
    ):
        if service.requirements:
            groups.setdefault(service.category, []).append(service)
    # a category made to begin with comes first
    return dict(sorted(groups.items(), key=lambda item: min(s.price_cents for s in item[1])))


async def services_in_a_row(tx: Transaction, location: Location) -> dict[str, list[Service]]:
    """Of those the services that another one can go before or after."""
    groups = {
        category: [service for service in services if await can_be_joined(tx, [service])]
        for category, services in (await services_here(tx, location)).items()
    }
    return {category: services for category, services in groups.items() if services}


async def can_be_joined(tx: Transaction, services: Sequence[Service]) -> bool:
    """Whether others can go before or after all of them."""
    known = await current_catalog(tx)
    return all(known.service(str(service.id)).keeps_to_itself() for service in services)


async def serves_two(tx: Transaction, service: Service, location: Location) -> bool:
    """Whether there is enough here, of everything it needs, for two at the same time."""
    units = {resource.id: resource.capacity for resource in await catalog.list_resources(tx, location_id=location.id)}
    pools = {pool.id: pool for pool in await catalog.list_pools(tx)}
    return all(
        sum(units.get(member.resource_id, 0) for member in pools[need.pool_id].members) >= 2 * need.quantity
        for need in service.requirements
    )


async def providers_of(tx: Transaction, service: Service, location: Location) -> tuple[str, list[Resource]]:
    """The role that a client may choose a person for, and the people: the longest that one provider is with them.

    Empty when there is nobody to choose between.
    """
    people = {str(r.id): r for r in await catalog.list_resources(tx, kind="provider", location_id=location.id)}
    sold = (await current_catalog(tx)).services.get(str(service.id))
    serving = sold.served_by(*people) if sold else []
    need = next((need for need in serving if need.quantity == 1), None)
    choice = [people[member] for member in need.pool.members if member in people] if need else []
    return (need.role, choice) if need and len(choice) > 1 else ("", [])
