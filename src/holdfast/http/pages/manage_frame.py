"""The frame of the pages under Manage: their own navigation, and what was just done."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

from fastapi import Request, Response

from holdfast.access.staff import Permission, SignedIn
from holdfast.db.transact import Transaction
from holdfast.errors import HoldfastError, Invalid, NotFound, RevisionMismatch, StateRefused
from holdfast.http.pages.desk_frame import desk_page
from holdfast.http.pages.manage_form import Fields, FormErrors, fingerprint
from holdfast.http.pages.pages import language_of, record_of, see
from holdfast.http.problems import status_of

Draw = Callable[..., Awaitable[Response]]

# In the order of the navigation; the template has their names.
TOPICS: Final[Mapping[str, Permission]] = {
    "business": "manage",
    "locations": "manage",
    "resources": "manage",
    "pools": "manage",
    "services": "manage",
    "hold_policies": "manage",
    "waitlist": "manage",
    "booking-page": "manage",
    "messages": "manage",
    "webhooks": "manage",
    "keys": "manage",
    "staff": "staff",
}
DONE: Final = frozenset({"add", "change", "retire", "merge", "nothing"})
# Which field a rule of the record is about.
RULE_FIELDS: Final = {
    "label_is_readable": "name",
    "organization_currency_is_iso": "currency",
    "slug_is_plain": "slug",
    "location_time_zone_is_iana": "time_zone",
    "location_holiday_country_is_iso": "holidays",
    "location_holiday_region_has_country": "holidays",
    "capacity_is_allowed": "capacity",
    "resource_visits_per_day_is_bounded": "visits_per_day",
    "pool_requires_are_plain": "requires",
    "service_duration_is_bounded": "duration",
    "service_price_is_not_negative": "price",
    "service_grid_is_bounded": "grid",
    "hold_policy_ttl_is_bounded": "ttl_seconds",
    "hold_policy_extensions_are_bounded": "extensions_max",
    "hold_policy_grace_is_bounded": "grace_seconds",
    "staff_email_is_unique": "email",
    "staff_email_is_an_address": "email",
    "staff_provider_is_a_resource": "resource",
    "booking_page_accent_is_a_color": "accent",
    "booking_page_logo_is_a_picture": "logo",
    "booking_page_origins_are_origins": "origins",
    "booking_page_notice_is_bounded": "notice",
    "booking_page_policy_is_bounded": "policy",
    "api_key_scopes_are_known": "scopes",
    "api_key_surfaces_are_known": "surfaces",
    "message_policy_reply_to_is_an_address": "reply_to",
    "reminder_rule_times_are_bounded": "before",
    "webhook_endpoint_url_is_bounded": "url",
    "webhook_endpoint_description_is_bounded": "description",
    "webhook_endpoint_events_are_named": "events",
    "waitlist_policy_offer_is_bounded": "offer_minutes_min",
    "waitlist_policy_cut_off_is_bounded": "cut_off_minutes",
}


async def manage_page(
    request: Request,
    staff: SignedIn,
    template: str,
    *,
    topic: str = "",
    status: int = 200,
    typed: Mapping[str, Any] | None = None,
    errors: Mapping[str, str] | None = None,
    **context: Any,
) -> Response:
    """A page under Manage; ``topic`` is its entry of the navigation. Raises Forbidden for who may not see it."""
    staff.require(TOPICS.get(topic, "manage"))
    done = request.query_params.get("done", "")
    return await desk_page(
        request,
        staff,
        template,
        section="manage",
        status=status,
        typed=typed,
        errors=errors,
        topic=topic,
        topics=[name for name, permission in TOPICS.items() if staff.may(permission)],
        done=done if done in DONE and request.method == "GET" else "",
        **context,
    )


def saved(url: str, what: str) -> Response:
    """Go back to the list, which says what was done."""
    return see(f"{url}?done={what}")


def beside(request: Request, refusal: HoldfastError) -> dict[str, Any]:
    """What a form is told of a refusal: ``errors`` where it is about one field, else the ``problem``."""
    message = language_of(request).said(refusal.detail)
    field = refusal.facts.get("field") or RULE_FIELDS.get(refusal.rule or "")
    return {"errors": {str(field): message}} if field else {"problem": message}


async def keep(
    request: Request, staff: SignedIn, work: Callable[[Transaction], Awaitable[object]], draw: Draw, done: str
) -> Response:
    """Do what a form says, then go to ``done``; where it is refused the form is drawn again with the reason."""
    try:
        await record_of(request).transact(staff.caller(), work)
    except FormErrors as wrong:
        return await draw(status=422, errors=wrong.errors)
    except (Invalid, NotFound, StateRefused, RevisionMismatch) as refusal:
        return await draw(status=status_of(refusal), **beside(request, refusal))
    return see(done)


def require_unchanged(typed: Fields, *shown: object) -> None:
    """Raises RevisionMismatch when the form was drawn from something else than what is there now."""
    if typed.get("seen") != fingerprint(*shown):
        raise RevisionMismatch("Somebody changed this since you opened it. Look whether what you typed is still right.")
