"""The web application: one pool, one router a domain, refusals as problems."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from typing import Final

from fastapi import Depends, FastAPI, Response
from fastapi.routing import APIRoute

from holdfast import __version__
from holdfast.access.staff import Doorkeeper
from holdfast.config import load_settings
from holdfast.db.pool import Pool
from holdfast.db.transact import Record
from holdfast.errors import SetupRefused
from holdfast.http import message_links
from holdfast.http.alternatives import Alternatives
from holdfast.http.api import (
    appointments,
    availability,
    blocks,
    catalog,
    collisions,
    deliveries,
    dropouts,
    events,
    holds,
    keys,
    message_settings,
    messages,
    series,
    visits,
    waitlist,
    webhooks,
)
from holdfast.http.callers import KeyRing
from holdfast.http.documented import install_document, operation_id
from holdfast.http.envelope import Envelope
from holdfast.http.freshness import Tags
from holdfast.http.limits import BodyLimit, Pace, only_known_parameters
from holdfast.http.pages import (
    account,
    assets,
    board,
    board_blocks,
    board_lists,
    board_live,
    board_move,
    board_why,
    booking,
    desk,
    desk_appointment,
    desk_book,
    desk_changes,
    desk_clients,
    desk_deliveries,
    desk_dropout,
    desk_inbox,
    desk_messages,
    desk_offers,
    desk_waitlist,
    held,
    live,
    look,
    manage,
    manage_booking_page,
    manage_business,
    manage_holds,
    manage_keys,
    manage_locations,
    manage_merge,
    manage_messages,
    manage_pools,
    manage_resources,
    manage_services,
    manage_staff,
    manage_waitlist,
    manage_webhooks,
    offer,
    palette,
    repeat,
    session,
    setup,
    sign_in,
    staff_links,
    visit,
    waitlist_join,
)
from holdfast.http.pages.board_live import Boards
from holdfast.http.pages.live import Reaches
from holdfast.http.reference import reference
from holdfast.http.refusals import install_refusals
from holdfast.log.feed import Feed
from holdfast.log.public import EventNames
from holdfast.logging_setup import set_up_logging
from holdfast.messages.carriers import MessageSettings
from holdfast.messages.carriers import message_settings as settings_of_messages
from holdfast.web.assets import Assets
from holdfast.webhooks.signing import SecretBox

PAGES: Final = (
    assets,
    sign_in,
    session,
    account,
    staff_links,
    setup,
    desk,
    board,
    board_blocks,
    board_lists,
    board_live,
    board_move,
    board_why,
    desk_appointment,
    desk_book,
    desk_changes,
    desk_clients,
    desk_deliveries,
    desk_dropout,
    desk_inbox,
    desk_messages,
    desk_offers,
    desk_waitlist,
    palette,
    look,
    live,
    held,
    repeat,
    waitlist_join,
    booking,
    visit,
    offer,
    manage,
    manage_locations,
    manage_resources,
    manage_merge,
    manage_pools,
    manage_services,
    manage_holds,
    manage_waitlist,
    manage_booking_page,
    manage_business,
    manage_messages,
    manage_webhooks,
    manage_keys,
    manage_staff,
)
DESCRIPTION = """The calendar that cannot double-book.

A visit keeps a provider, a room and a device together. **Hold** it, then **confirm** it; or book in one step. Whatever
is free at that instant is yours; whatever is not is refused with the role that was lost.

Send `Authorization: Bearer <key>`. Every POST takes an `Idempotency-Key`: repeat a request with the same key and you
get the first answer again, byte for byte, for 24 hours. Refusals are problem details (RFC 9457); each `type` is a page.
"""

# In the order of the reference: what there is, what is free, bookings, what others are told.
DOMAINS: Final = (
    catalog,
    availability,
    holds,
    appointments,
    visits,
    series,
    blocks,
    waitlist,
    dropouts,
    collisions,
    events,
    webhooks,
    deliveries,
    messages,
    message_settings,
    keys,
    message_links,
)


def create_app() -> FastAPI:
    """The application as the environment configures it, for a server process. Raises SetupRefused."""
    settings = load_settings()
    set_up_logging(settings.log_level)
    if settings.app_database_url is None:
        raise SetupRefused("Start Holdfast with `holdfast serve`, or set HOLDFAST_APP_DATABASE_URL.")
    return build_app(
        settings.app_database_url,
        secret=settings.secret(),
        pool_size=settings.pool_size,
        webhook_allowed_hosts=settings.webhook_allowed_hosts,
        messages=settings_of_messages(settings),
    )


def build_app(
    app_url: str,
    *,
    secret: bytes,
    pool_size: int = 10,
    webhook_allowed_hosts: Collection[str] = (),
    messages: MessageSettings | None = None,
) -> FastAPI:
    """The application on the database at ``app_url`` (the lesser role).

    ``secret`` keys the hashes of visitors, the names of events and the webhooks' secrets.
    """

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        pool = Pool(app_url, size=pool_size)
        await pool.open()
        app.state.record = Record(pool)
        app.state.keys = KeyRing(app.state.record)
        app.state.alternatives = Alternatives(app.state.record)
        app.state.tags = Tags()
        app.state.secret = secret
        app.state.doorkeeper = Doorkeeper(app.state.record, secret)
        app.state.assets = Assets()
        app.state.webhook_secrets = SecretBox(secret)
        app.state.webhook_allowed_hosts = frozenset(webhook_allowed_hosts)
        app.state.message_settings = messages or MessageSettings()
        app.state.link_pace = Pace(message_links.LINKS_A_MINUTE, 60)
        app.state.event_names = EventNames(secret)
        app.state.feed = Feed(app.state.record, app.state.event_names)
        app.state.reaches = Reaches(app.state.record)
        app.state.boards = Boards(app.state.record, app.state.feed)
        try:
            yield
        finally:
            await app.state.feed.close()
            await pool.close()

    app = FastAPI(
        title="Holdfast",
        version=__version__,
        description=DESCRIPTION,
        lifespan=lifespan,
        docs_url=None,  # the framework's pages load scripts from other hosts
        redoc_url=None,
        openapi_url="/openapi.json",
        # a redirect would turn a POST into a GET for many clients, and is no answer an API should give
        redirect_slashes=False,
        generate_unique_id_function=operation_id,
    )
    app.add_middleware(BodyLimit, larger={manage_booking_page.HOME: manage_booking_page.BODY_BYTES_MAX})
    app.add_middleware(Envelope)
    install_refusals(app)
    app.state.page_routes = [route for pages in PAGES for route in pages.router.routes if isinstance(route, APIRoute)]
    for pages in PAGES:
        app.include_router(pages.router)
    for domain in DOMAINS:
        app.include_router(domain.router, dependencies=[Depends(only_known_parameters)])
    install_document(app)
    app.add_api_route("/docs", reference, methods=["GET"], include_in_schema=False)
    app.add_api_route("/healthz", _healthy, methods=["GET"], include_in_schema=False)
    return app


async def _healthy() -> Response:
    return Response(b"ok\n", media_type="text/plain")
