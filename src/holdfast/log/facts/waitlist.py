"""Events of the waitlist. The subject is the entry, the opening, the offer, or (policy) the service."""

from __future__ import annotations

from datetime import date, time
from typing import Any
from uuid import UUID

from holdfast.log.facts import Facts, Instant


class WaitlistJoined(Facts):
    """Somebody waits for a time; with ``appointment_id``, for an earlier one."""

    types = ("waitlist_entry.joined",)
    client_id: UUID
    service_ids: tuple[UUID, ...]
    provider_ids: tuple[UUID, ...]
    location_ids: tuple[UUID, ...]
    windows: tuple[dict[str, Any], ...]
    earliest_on: date | None
    latest_on: date | None
    notice_minutes: int
    party_size: int
    priority: int
    appointment_id: UUID | None
    joined_at: Instant


class WaitlistEnded(Facts):
    """Somebody waits no more: they left, or their days are over."""

    types = ("waitlist_entry.left", "waitlist_entry.expired")


class WaitlistFollowed(Facts):
    """The client booked what they wait for: they wait for an earlier time of that visit now."""

    types = ("waitlist_entry.has_a_visit",)
    appointment_id: UUID


class WaitlistOpeningFound(Facts):
    """Time fell free that may be offered; ``service_id`` is of the visit that went."""

    types = ("waitlist_opening.found",)
    location_id: UUID
    cause: str
    service_id: UUID | None
    starts_at: Instant
    ends_at: Instant


class OfferMade(Facts):
    """A visit is held for a waitlist entry until ``expires_at``; without an opening, offered by hand."""

    types = ("offer.made",)
    entry_id: UUID
    opening_id: UUID | None
    hold_id: UUID
    service_id: UUID
    location_id: UUID
    starts_at: Instant
    ends_at: Instant
    expires_at: Instant


class OfferAccepted(Facts):
    """The client took it: this appointment was booked, or moved to that time."""

    types = ("offer.accepted",)
    entry_id: UUID
    appointment_id: UUID


class OfferDeclined(Facts):
    """The client does not want it; ``skipped``: the desk passed them over."""

    types = ("offer.declined",)
    entry_id: UUID
    skipped: bool


class OfferEnded(Facts):
    """No answer in time; the desk gave the time away, knowingly; somebody else was first; nobody could be told."""

    types = ("offer.lapsed", "offer.overridden", "offer.lost", "offer.untold")
    entry_id: UUID


class WaitlistPolicySet(Facts):
    """How freed times of a service are offered from now on."""

    types = ("waitlist_policy.set",)
    mode: str
    offer_minutes_max: int
    offer_minutes_min: int
    answer_percent: int
    cut_off_minutes: int
    quiet_from: time
    quiet_until: time
    offers_per_slot_max: int
    offers_per_client_and_day_max: int
    partial_fit_min_cents: int | None
