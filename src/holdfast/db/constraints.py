"""What a broken rule means: the one table from the names in the schema to the domain's errors.

A name is a true statement about the record, either a table constraint or a rule that a command function checks
(``refuse(…)`` in the SQL). A rule that no input of a caller can break is listed in BUGS: meeting one is our mistake.
"""

from __future__ import annotations

from typing import Final

from holdfast import errors

Meaning = tuple[type[errors.HoldfastError], str]

RULES: Final[dict[str, Meaning]] = {
    # rules of the command functions
    "slot_is_free": (
        errors.SlotTaken,
        "Somebody else has this time for {roles}. Choose one of the alternatives, or another time.",
    ),
    "role_can_be_served": (errors.NotBookable, "Nobody and nothing at this location can serve the role {role!r}."),
    "service_has_requirements": (errors.NotBookable, "This service requires no provider, room or device yet."),
    "service_is_offered_here": (errors.NotBookable, "This service is not offered at this location."),
    "start_is_within_reach": (errors.NotBookable, "The start must lie within the last year or the next three years."),
    "surface_may_hold": (errors.NotBookable, "Bookings are not taken from the surface {surface!r}."),
    "hold_length_is_allowed": (errors.Invalid, "ttl_seconds must be between 1 and {ttl_seconds_max} on this surface."),
    "holds_are_within_quota": (
        errors.TooManyHolds,
        "Too many times are held for this {limits}. Confirm or release one, or wait until one expires.",
    ),
    "hold_exists": (errors.NotFound, "There is no such hold."),
    "hold_is_live": (errors.HoldExpired, "This hold has ended ({state}). Hold the time again if it is still free."),
    "hold_is_not_settled": (errors.HoldNotLive, "This hold was confirmed: change the appointment instead."),
    "hold_may_be_extended": (
        errors.ExtensionRefused,
        "This hold has had its {extensions_max} extensions, or cannot last longer.",
    ),
    "hold_is_for_this_service": (errors.NotBookable, "The hold is for another service than the appointment."),
    "client_exists": (errors.NotFound, "There is no such client."),
    "appointment_exists": (errors.NotFound, "There is no such appointment."),
    "appointment_state_allows": (
        errors.StateRefused,
        "The appointment is {state}; this step is possible from {allowed_from}.",
    ),
    "revision_is_current": (
        errors.RevisionMismatch,
        "The appointment is at revision {revision} now. Read it again, then decide.",
    ),
    "resource_exists": (errors.NotFound, "There is no such resource."),
    "resource_is_in_service": (errors.StateRefused, "This resource was retired."),
    "no_claims_in_the_way": (
        errors.ClaimsInTheWay,
        "Bookings stand in the way; nothing was changed. Move or cancel them first.",
    ),
    "merge_is_between_two": (errors.Invalid, "A resource cannot be merged into itself."),
    "capacity_is_allowed": (errors.Invalid, "A capacity is a number from 1 to 500."),
    "block_exists": (errors.NotFound, "There is no such block."),
    "block_length_is_allowed": (errors.Invalid, "A block ends after it starts and lasts at most 366 days."),
    "collision_exists": (errors.NotFound, "There is no such collision."),
    "api_key_exists": (errors.NotFound, "There is no such API key."),
    "service_exists": (errors.NotFound, "There is no such service."),
    "location_exists": (errors.NotFound, "There is no such location."),
    "pool_exists": (errors.NotFound, "There is no such pool."),
    "no_service_needs_pool": (errors.StateRefused, "Services still need this pool."),
    "request_is_not_in_progress": (
        errors.RequestInProgress,
        "A request with this Idempotency-Key is being worked on. Ask again in a moment.",
    ),
    "idempotency_key_is_for_this_request": (
        errors.IdempotencyKeyReused,
        "This Idempotency-Key was sent with a different request. Use a new key for a new request.",
    ),
    "rule_exists": (errors.NotFound, "There is no such rule."),
    # table constraints that input can meet
    "claim_no_overlap": (errors.SlotTaken, "Somebody else has this time."),
    "label_is_readable": (errors.Invalid, "A name has 1 to 200 characters and no control characters."),
    "slug_is_plain": (errors.Invalid, "A slug has lower-case letters, digits and hyphens, at most 64."),
    "surface_is_known": (errors.Invalid, "There is no such surface."),
    "organization_slug_is_unique": (errors.Invalid, "There is an organization with this slug."),
    "organization_currency_is_iso": (errors.Invalid, "A currency is a three-letter code such as USD."),
    "location_time_zone_is_iana": (errors.Invalid, "A time zone is an IANA name such as America/New_York."),
    "resource_kind_is_known": (errors.Invalid, "A kind is provider, room, device or other."),
    "resource_location_location_exists": (errors.NotFound, "There is no such location."),
    "service_location_location_exists": (errors.NotFound, "There is no such location."),
    "service_duration_is_bounded": (errors.Invalid, "A service lasts from 1 minute to 24 hours."),
    "service_price_is_not_negative": (errors.Invalid, "A price is not negative."),
    "pool_member_resource_exists": (errors.NotFound, "There is no such resource."),
    "requirement_pool_exists": (errors.NotFound, "There is no such pool."),
    "requirement_role_is_plain": (errors.Invalid, "A role has lower-case letters, digits and underscores, at most 40."),
    "requirement_quantity_is_bounded": (errors.Invalid, "A quantity is a number from 1 to 50."),
    "requirement_segment_is_bounded": (errors.Invalid, "A segment lies within a day of the visit's start."),
    "requirement_buffers_are_bounded": (errors.Invalid, "A buffer lasts from 0 minutes to 8 hours."),
    "client_email_is_lower_case": (errors.Invalid, "An e-mail address has at most 254 characters."),
    "client_phone_is_e164": (errors.Invalid, "A phone number starts with + and its country code."),
    "appointment_note_is_bounded": (errors.Invalid, "A note has at most 2,000 characters."),
    "appointment_cancel_reason_is_bounded": (errors.Invalid, "A reason has at most 500 characters."),
    "block_reason_is_bounded": (errors.Invalid, "A reason has at most 500 characters."),
    "busy_starts_before_end": (errors.Invalid, "An event ends after it starts."),
    "busy_names_are_bounded": (errors.Invalid, "A calendar's name has at most 200 characters, an event's id 1,000."),
    "hold_policy_ttl_is_bounded": (errors.Invalid, "A hold lasts from 1 second to ttl_seconds_max, at most a day."),
    "hold_policy_extensions_are_bounded": (errors.Invalid, "A hold can be extended 0 to 20 times."),
    "hold_policy_grace_is_bounded": (errors.Invalid, "A grace lasts from 0 seconds to an hour."),
    "hold_policy_limits_are_positive": (errors.Invalid, "A limit of live holds is 1 or more, or none."),
    "api_key_scopes_are_known": (errors.Invalid, "Scopes are read, book, manage and overbook."),
    "api_key_surfaces_are_known": (errors.Invalid, "A key names the surfaces it acts on."),
    "idempotency_key_is_short": (errors.Invalid, "An Idempotency-Key has 1 to 255 characters."),
    "claim_during_is_claimable": (errors.Invalid, "A claim is a finite time of at most a week in this century."),
    "service_slug_is_unique": (errors.Invalid, "There is a service with this slug."),
    "location_slug_is_unique": (errors.Invalid, "There is a location with this slug."),
    "resource_slug_is_unique": (errors.Invalid, "There is a resource with this slug."),
    "pool_slug_is_unique": (errors.Invalid, "There is a pool with this slug."),
    "organization_assign_is_known": (errors.Invalid, "assign is preference, least_loaded or round_robin."),
    "organization_rank_is_known": (errors.Invalid, "rank is earliest or tight."),
    "location_holiday_country_is_iso": (errors.Invalid, "A country for holidays is a two-letter code such as US."),
    "location_holiday_region_has_country": (
        errors.Invalid,
        "A region for holidays needs its country, as in US and TX.",
    ),
    "resource_visits_per_day_is_bounded": (errors.Invalid, "visits_per_day is a number from 0 to 1,000, or nothing."),
    "resource_attribute_name_is_plain": (
        errors.Invalid,
        "An attribute has lower-case letters, digits, hyphens and underscores, at most 40.",
    ),
    "pool_requires_are_plain": (
        errors.Invalid,
        "A pool requires up to 20 attributes of lower-case letters, digits, hyphens and underscores.",
    ),
    "service_grid_is_bounded": (errors.Invalid, "grid_minutes is a number from 1 to 1,440."),
    "service_lead_is_bounded": (
        errors.Invalid,
        "notice_minutes is a number from 0 to 525,600, horizon_days one from 0 to 1,096.",
    ),
    "weekly_rule_kind_is_known": (errors.Invalid, "A weekly rule is hours or a break."),
    "weekly_rule_weekday_is_known": (errors.Invalid, "A weekday is a number from 0 for Monday to 6 for Sunday."),
    "weekly_rule_is_whole_minutes": (errors.Invalid, "Opening hours are in whole minutes; midnight is 00:00."),
    "weekly_rule_validity_is_ordered": (errors.Invalid, "valid_until lies before valid_from: swap them."),
    "weekly_rule_every_weeks_has_anchor": (
        errors.Invalid,
        "every_weeks is a number from 1 to 52, and needs an anchor: a date in a week that counts.",
    ),
    "dated_rule_kind_is_known": (errors.Invalid, "A dated rule is a closure, extra hours or time off."),
    "dated_rule_starts_before_end": (errors.Invalid, "A closure, extra hours or time off end after they start."),
    "dated_rule_is_whole_minutes": (errors.Invalid, "Closures, extra hours and time off are in whole minutes."),
    "dated_rule_reason_is_bounded": (errors.Invalid, "A reason has at most 500 characters."),
}

# No caller can break these: the command functions make the rows, and check first.
BUGS: Final[frozenset[str]] = frozenset(
    {
        "api_key_hash_is_sha256",
        "api_key_hash_is_unique",
        "api_key_organization_id_fkey",
        "api_key_pkey",
        "appointment_blocks_as_its_hold",
        "appointment_client_exists",
        "appointment_code_is_unique",
        "appointment_hold_is_its_own",
        "appointment_location_exists",
        "appointment_organization_id_fkey",
        "appointment_pkey",
        "appointment_revision_is_positive",
        "appointment_service_exists",
        "appointment_starts_before_end",
        "appointment_state_is_known",
        "block_blocking_is_referable",
        "block_organization_id_fkey",
        "block_pkey",
        "block_resource_exists",
        "block_starts_before_end",
        "busy_blocking_is_referable",
        "busy_event_is_unique",
        "busy_organization_id_fkey",
        "busy_pkey",
        "busy_resource_exists",
        "claim_active_as_its_block",
        "claim_active_as_its_busy",
        "claim_active_as_its_hold",
        "claim_has_one_holder",
        "claim_overbook_is_a_visit",
        "claim_pkey",
        "claim_segment_is_inside",
        "claim_unit_exists",
        "client_organization_id_fkey",
        "client_pkey",
        "collision_busy_exists",
        "collision_organization_id_fkey",
        "collision_other_kind_is_known",
        "collision_pair_is_unique",
        "collision_pkey",
        "collision_resolution_is_whole",
        "collision_resource_exists",
        "collision_starts_before_end",
        "dated_rule_belongs_somewhere",
        "dated_rule_location_exists",
        "dated_rule_organization_id_fkey",
        "dated_rule_pkey",
        "dated_rule_resource_exists",
        "event_organization_id_fkey",
        "event_pkey",
        "event_type_is_noun_verb",
        "event_version_is_positive",
        "hold_blocking_is_referable",
        "hold_expires_after_creation",
        "hold_location_exists",
        "hold_organization_id_fkey",
        "hold_pkey",
        "hold_policy_organization_id_fkey",
        "hold_policy_pkey",
        "hold_service_exists",
        "hold_starts_before_end",
        "hold_state_is_known",
        "idempotency_organization_id_fkey",
        "idempotency_pkey",
        "isolation_is_read_committed",
        "location_organization_id_fkey",
        "location_pkey",
        "organization_pkey",
        "pool_member_pkey",
        "pool_member_pool_exists",
        "pool_organization_id_fkey",
        "pool_pkey",
        "requirement_pkey",
        "requirement_role_is_unique",
        "requirement_service_exists",
        "resource_attribute_pkey",
        "resource_attribute_resource_exists",
        "resource_location_pkey",
        "resource_location_resource_exists",
        "resource_merged_into_exists",
        "resource_merged_is_retired",
        "resource_organization_id_fkey",
        "resource_pkey",
        "service_lead_pkey",
        "service_lead_service_exists",
        "service_location_pkey",
        "service_location_service_exists",
        "service_organization_id_fkey",
        "service_pkey",
        "unit_ordinal_is_bounded",
        "unit_ordinal_is_unique",
        "unit_pkey",
        "unit_resource_exists",
        "weekly_rule_belongs_somewhere",
        "weekly_rule_location_exists",
        "weekly_rule_organization_id_fkey",
        "weekly_rule_pkey",
        "weekly_rule_resource_exists",
    }
)


def domain_error(name: str, facts: dict[str, object]) -> errors.HoldfastError:
    """The domain's error for a broken rule. ``facts`` fill its sentence and travel with it."""
    meaning = RULES.get(name)
    if meaning is None:
        return errors.Bug(rule=name)
    error, sentence = meaning
    words = {key: ", ".join(map(str, value)) if isinstance(value, list) else value for key, value in facts.items()}
    return error(sentence.format_map(_Blank(words)), **facts)


class _Blank(dict[str, object]):
    """A table constraint carries no facts: its sentence has no blanks to fill, a rule's always has them."""

    def __missing__(self, key: str) -> str:
        return key.replace("_", " ")
