"""Manage: what there is, and what is still missing before clients can book."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from fastapi import APIRouter, Request, Response

from holdfast.access import service as access
from holdfast.access import staff as people
from holdfast.access.staff import SignedIn
from holdfast.catalog.booking_page import get_booking_page
from holdfast.catalog.contradictions import contradictions
from holdfast.catalog.document import CatalogDocument, read_document, shortages
from holdfast.db.transact import Transaction
from holdfast.errors import said
from holdfast.http.pages.manage_frame import TOPICS, manage_page
from holdfast.http.pages.pages import PageRoute, language_of, record_of
from holdfast.http.pages.staff_session import Desk
from holdfast.messages import service as messages
from holdfast.webhooks import service as webhooks

router = APIRouter(prefix="/desk/manage", route_class=PageRoute, include_in_schema=False)


@dataclass(frozen=True, slots=True)
class Lack:
    """Something that keeps clients from booking, in words, and where it is put right."""

    text: str
    url: str


@router.get("")
async def overview(request: Request, staff: Desk) -> Response:
    """A card for everything, with how much of it there is."""
    staff.require("manage")

    async def work(tx: Transaction) -> tuple[CatalogDocument, dict[str, int]]:
        document = await read_document(tx)
        return document, await _counts(tx, staff, document)

    document, counts = await record_of(request).transact(staff.caller(), work)
    language = language_of(request)
    lacks = [Lack(language.said(text), url) for text, url in _lacks(document)]
    url = f"{request.base_url}b/{document.organization.slug}"
    return await manage_page(request, staff, "manage/overview.html", counts=counts, lacks=lacks, booking_url=url)


async def _counts(tx: Transaction, staff: SignedIn, document: CatalogDocument) -> dict[str, int]:
    counts = {
        "locations": len(document.locations),
        "resources": len(document.resources),
        "pools": len(document.pools),
        "services": len(document.services),
        "hold_policies": len(document.hold_policies),
        "booking-page": len((await get_booking_page(tx)).embed_origins),
        "messages": sum(each.own for each in await messages.list_wordings(tx)),
        "webhooks": len(await webhooks.list_endpoints(tx)),
        "keys": sum(each.revoked_at is None for each in await access.list_api_keys(tx)),
        "staff": sum(each.retired_at is None for each in await people.list_staff(tx)),
    }
    return {name: count for name, count in counts.items() if staff.may(TOPICS[name])}


def _lacks(document: CatalogDocument) -> Iterator[tuple[str, str]]:
    """What is missing, in words, and the address where it is put right."""
    home = "/desk/manage"
    if not document.locations:
        yield said("There is no location yet: add the place where visits happen."), f"{home}/locations/new"
    for location in document.locations.values():
        if not any(rule.kind == "hours" for rule in location.rules.weekly):
            text = said("{name} has no opening hours yet, so it can be booked day and night.", name=location.name)
            yield text, f"{home}/locations/{location.slug}"
    if not any(each.kind == "provider" for each in document.resources.values()):
        yield said("There is nobody yet who serves clients."), f"{home}/resources/new"
    pooled = {slug for pool in document.pools.values() for slug, _ in pool.members}
    for resource in document.resources.values():
        if resource.slug not in pooled:
            text = said("{name} is in no pool, so no service can ask for it.", name=resource.name)
            yield text, f"{home}/resources/{resource.slug}"
    for each in contradictions(document):
        names = {"name": each.resource.name, "place": each.location.name, "day": each.when}
        text = said("{name} never works while {place} is open, so nobody can book them there.", **names)
        if each.when:
            text = said("{name} has extra hours on {day}, when {place} is closed: nobody can book them.", **names)
        yield text, f"{home}/resources/{each.resource.slug}"
    if not document.services:
        yield said("Nothing is sold yet: add a service."), f"{home}/services/new"
    for slug in dict.fromkeys(slug for slug, _ in shortages(document)):
        text = said(
            "{name} cannot be booked everywhere it is offered: nobody and nothing there can serve it.",
            name=document.services[slug].name,
        )
        yield text, f"{home}/services/{slug}"
