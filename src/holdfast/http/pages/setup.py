"""The first run: five steps from nothing to a page that takes bookings.

Each step does its work in the record at once, so it can be left and come back to: which one is next is read from what
is there. The first step is open to whoever has the address that ``holdfast serve`` prints, because it makes the owner;
of an organization that came from a file, it makes the owner and nothing else.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import unicodedata
from collections.abc import Awaitable, Callable, Sequence
from datetime import time
from typing import Annotated, Any, Final
from urllib.parse import quote
from uuid import UUID

from fastapi import APIRouter, Form, Request, Response

from holdfast.access import service as access
from holdfast.access import staff as people
from holdfast.access.founding import awaits_owner, unstaffed
from holdfast.access.staff import Doorkeeper, SignedIn
from holdfast.catalog import service as catalog
from holdfast.catalog.hours import Rules, WeeklyEntry
from holdfast.catalog.model import PoolMember, Requirement
from holdfast.catalog.starters import STARTERS, Business, Starter
from holdfast.db.transact import Caller, Transaction
from holdfast.demo.load import load
from holdfast.demo.staff import STAFF
from holdfast.errors import Forbidden, Invalid, StateRefused
from holdfast.http.callers import network_of
from holdfast.http.pages import staff_session
from holdfast.http.pages.manage_frame import RULE_FIELDS
from holdfast.http.pages.pages import PageRoute, language_of, page, record_of, see
from holdfast.http.pages.staff_session import Desk
from holdfast.ids import public_id
from holdfast.messages.carriers import MessageSettings
from holdfast.wallclock import zone, zone_names
from holdfast.web.languages import currencies, currency_of, territory_of

router = APIRouter(prefix="/setup", route_class=PageRoute, include_in_schema=False)

Text = Annotated[str, Form(max_length=200)]
Lines = Annotated[str, Form(max_length=4000)]
NAMES_MAX: Final = 50
# Few enough to wait for, enough for the board of the coming days to look like a clinic's.
DEMO_VISITS: Final = 500


def setup_token(secret: bytes) -> str:
    """What opens the first step: whoever started the server can read it, nobody else."""
    return hmac.digest(secret, b"setup", hashlib.sha256).hex()[:32]


@router.get("")
async def start(request: Request, token: str = "") -> Response:
    """Step 1: the organization and its owner."""
    if not await awaits_owner(record_of(request)):
        return see("/setup/location")
    return await _organization(request, token)


@router.post("")
async def make_organization(
    request: Request, token: Text, name: Text, email: Text, password: Text, organization: Text = ""
) -> Response:
    """The organization, its owner, and the owner signed in."""
    record = record_of(request)
    if not _allowed(request, token):
        raise Forbidden("Open the address that Holdfast printed when it started.")
    if not await awaits_owner(record):
        return see("/sign-in")
    there = await unstaffed(record)
    if there is None and not organization.strip():
        raise Invalid("Please fill this in.", field="organization")

    async def make_owner(tx: Transaction) -> None:
        owner = await people.create_first_owner(tx, email=email, name=name.strip())
        await people.set_password(tx, owner, password, about=email)

    async def found(tx: Transaction) -> UUID:
        await catalog.found_organization(
            tx, slug=slug_of(organization), name=organization.strip(), currency="USD", actor="system", surface="desk"
        )
        await make_owner(tx)
        return (await catalog.get_organization(tx)).id

    try:
        if there is None:
            there = await record.unscoped(found)
        else:
            await record.transact(Caller(there, "system", "desk"), make_owner)
    except Invalid as invalid:
        field = str(invalid.facts.get("field") or RULE_FIELDS.get(invalid.rule or "", "organization"))
        errors = {field: language_of(request).said(invalid.detail)}
        typed = {"organization": organization, "name": name, "email": email}
        return await _organization(request, token, status=422, errors=errors, typed=typed)
    except StateRefused:
        return see("/sign-in")  # somebody was faster
    return await _signed_in(request, see("/setup/location"), there, email, password)


@router.post("/demo")
async def load_demo(request: Request, token: Text) -> Response:
    """Instead: a clinic with some weeks of appointments, and whoever asked signed in as its owner."""
    record = record_of(request)
    if not _allowed(request, token) or not _demo_is_safe(request):
        raise Forbidden("Open the address that Holdfast printed when it started.")
    if await access.list_organization_ids(record):
        return see("/sign-in")
    password = (await load(record, appointments=DEMO_VISITS))["password"]
    email = STAFF["owner"][0]
    organization_id = await access.find_organization(record)
    answer = page(request, "setup/demo.html", email=email, password=password, step=5)
    return await _signed_in(request, answer, organization_id, email, password)


@router.get("/location")
async def location_page(request: Request, staff: Desk) -> Response:
    """Step 2: where, on which clock, and when it is open."""
    if await _exists(request, staff, catalog.list_locations):
        return see("/setup/providers")
    return _location(request, staff, {}, {})


@router.post("/location")
async def make_location(request: Request, staff: Desk) -> Response:
    """The location and its opening hours."""
    staff.require("manage")
    form = {key: value for key, value in (await request.form()).items() if isinstance(value, str)}
    name, time_zone = form.get("name", "").strip(), form.get("time_zone", "").strip()

    async def work(tx: Transaction) -> None:
        zone(time_zone)
        await _set_currency(tx, form.get("currency", "").strip() or currency_of(territory_of(time_zone)))
        id = await catalog.put_location(
            tx, slug=slug_of(name), name=name, time_zone=time_zone, address=form.get("address", "").strip() or None
        )
        await catalog.set_rules(tx, Rules(_hours(form)), location_id=id)

    try:
        await record_of(request).transact(staff.caller(), work)
    except Invalid as invalid:
        field = str(invalid.facts.get("field", "name"))
        return _location(request, staff, form, {field: language_of(request).said(invalid.detail)}, status=422)
    return see("/setup/providers")


@router.get("/providers")
async def providers_page(request: Request, staff: Desk) -> Response:
    """Step 3: who treats, and in how many rooms."""
    if await _exists(request, staff, catalog.list_resources):
        return see("/setup/services")
    return _step(request, staff, "setup/providers.html", 3)


@router.post("/providers")
async def make_providers(
    request: Request, staff: Desk, providers: Lines, rooms: Annotated[int, Form(ge=0, le=50)] = 0
) -> Response:
    """Providers and rooms, each in a pool."""
    staff.require("manage")
    names = [line.strip() for line in providers.splitlines() if line.strip()][:NAMES_MAX]
    if not names:
        errors = {"providers": language_of(request).gettext("Name at least one person.")}
        typed = {"providers": providers, "rooms": rooms}
        return _step(request, staff, "setup/providers.html", 3, status=422, errors=errors, typed=typed)
    gettext = language_of(request).gettext
    room = gettext("Room")

    async def work(tx: Transaction) -> None:
        here = [location.id for location in await catalog.list_locations(tx)]
        people_ids = [
            await catalog.put_resource(tx, slug=slug_of(name, at), name=name, kind="provider", location_ids=here)
            for at, name in enumerate(names, 1)
        ]
        room_ids = [
            await catalog.put_resource(tx, slug=f"room-{n}", name=f"{room} {n}", kind="room", location_ids=here)
            for n in range(1, rooms + 1)
        ]
        await catalog.put_pool(
            tx, slug="providers", name=gettext("Providers"), members=[PoolMember(id, 100) for id in people_ids]
        )
        if room_ids:
            members = [PoolMember(id, 100) for id in room_ids]
            await catalog.put_pool(tx, slug="rooms", name=gettext("Rooms"), members=members)

    await record_of(request).transact(staff.caller(), work)
    return see("/setup/services")


@router.get("/services")
async def services_page(request: Request, staff: Desk, business: Business = "med_spa") -> Response:
    """Step 4: what is sold, from templates."""
    if await _exists(request, staff, catalog.list_services):
        return see("/setup/done")
    organization = await record_of(request).transact(staff.caller(), catalog.get_organization)
    shown = {"business": business, "starters": STARTERS, "currency": organization.currency}
    return _step(request, staff, "setup/services.html", 4, **shown)


@router.post("/services")
async def make_services(request: Request, staff: Desk, business: Annotated[Business, Form()]) -> Response:
    """The services that were chosen, each needing a provider and, where there are rooms, a room."""
    staff.require("manage")
    chosen = set((await request.form()).getlist("service"))
    starters = [starter for starter in STARTERS[business] if starter.slug in chosen]
    gettext = language_of(request).gettext

    async def work(tx: Transaction) -> None:
        here = [location.id for location in await catalog.list_locations(tx)]
        pools = {pool.slug: pool.id for pool in await catalog.list_pools(tx)}
        for starter in starters:
            await catalog.put_service(
                tx,
                slug=starter.slug,
                name=gettext(starter.name),
                category=gettext(starter.category),
                duration_minutes=starter.duration_minutes,
                price_cents=starter.price_cents,
                location_ids=here,
                requirements=_requirements(starter, pools),
            )

    await record_of(request).transact(staff.caller(), work)
    return see("/setup/done" if starters else f"/setup/services?business={quote(business)}")


@router.get("/done")
async def done(request: Request, staff: Desk) -> Response:
    """Step 5: the two addresses that matter."""
    organization = await record_of(request).transact(staff.caller(), catalog.get_organization)
    url = f"{request.base_url}b/{organization.slug}"
    return _step(request, staff, "setup/done.html", 5, organization=organization, url=url)


async def _organization(request: Request, token: str, **context: Any) -> Response:
    allowed = _allowed(request, token)
    there = await unstaffed(record_of(request)) if allowed else None
    named = ""
    if there is not None:
        caller = Caller(there, "system", "desk")
        named = (await record_of(request).transact(caller, catalog.get_organization)).name
    return page(
        request,
        "setup/organization.html",
        allowed=allowed,
        named=named,
        token=token,
        can_demo=there is None and _demo_is_safe(request),
        step=1,
        **context,
    )


def _allowed(request: Request, token: str) -> bool:
    return hmac.compare_digest(token.encode(), setup_token(request.app.state.secret).encode())


def _demo_is_safe(request: Request) -> bool:
    """Its people have made-up addresses: where messages could leave, they would."""
    settings: MessageSettings = request.app.state.message_settings
    return settings.console or (settings.smtp_url is None and settings.twilio_account_sid is None)


def slug_of(name: str, number: int = 1) -> str:
    """A slug like the name: ``Trần Minh`` -> ``tran-minh``; the number stands in for a name without Latin letters."""
    plain = unicodedata.normalize("NFKD", name.replace("đ", "d").replace("Đ", "D")).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]+", "-", plain.lower()).strip("-")[:60].strip("-") or f"place-{number}"


def _requirements(starter: Starter, pools: dict[str, UUID]) -> list[Requirement]:
    needs = [Requirement("provider", pools["providers"], 1, 0, starter.duration_minutes, 0, 0)]
    if "rooms" in pools:
        needs.append(Requirement("room", pools["rooms"], 1, 0, starter.duration_minutes, 0, starter.room_minutes_after))
    return needs


async def _set_currency(tx: Transaction, currency: str | None) -> None:
    """Prices are in this from the first one on; without one they stay in what every organization begins with."""
    if currency is None:
        return
    if currency not in currencies():
        raise Invalid("Choose one of the list.", field="currency")
    organization = await catalog.get_organization(tx)
    await catalog.set_organization(tx, name=organization.name, currency=currency)


def _hours(form: dict[str, str]) -> tuple[WeeklyEntry, ...]:
    hours = []
    for weekday in range(7):
        if form.get(f"open{weekday}"):
            try:
                starts, ends = (time.fromisoformat(form.get(f"{edge}{weekday}", "")) for edge in ("from", "to"))
            except ValueError:
                raise Invalid("Write times like 09:00.", field="hours") from None
            hours.append(WeeklyEntry("hours", weekday, starts, ends))
    if not hours:
        raise Invalid("It has to be open on some day.", field="hours")
    return tuple(hours)


def _location(
    request: Request, staff: SignedIn, typed: dict[str, str], errors: dict[str, str], status: int = 200
) -> Response:
    return _step(
        request, staff, "setup/location.html", 2, status=status, typed=typed, errors=errors, zones=sorted(zone_names())
    )


def _step(request: Request, staff: SignedIn, template: str, step: int, **context: Any) -> Response:
    return page(request, template, staff=staff, who=public_id("staff", staff.staff_id), step=step, **context)


async def _signed_in(
    request: Request, response: Response, organization_id: UUID, email: str, password: str
) -> Response:
    keeper: Doorkeeper = request.app.state.doorkeeper
    session = await keeper.sign_in(organization_id, email, password, network_of(request) or "")
    caller = Caller(organization_id, "system", "desk")
    organization = await record_of(request).transact(caller, catalog.get_organization)
    return staff_session.begin(request, response, session, organization.slug)


async def _exists(request: Request, staff: SignedIn, listing: Callable[..., Awaitable[Sequence[object]]]) -> bool:
    # one of the catalog's listings
    return bool(await record_of(request).transact(staff.caller(), lambda tx: listing(tx, limit=1)))
