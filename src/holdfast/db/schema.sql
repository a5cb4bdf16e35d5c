-- The schema as all migrations make it: for reading, never for running. `make schema` writes this file. The functions
-- are in functions/.

CREATE SCHEMA holdfast;

CREATE TYPE holdfast.candidate AS (
	slot integer,
	role text,
	unit_id uuid,
	during tstzrange,
	segment tstzrange,
	standing boolean,
	lapsed_hold_ids uuid[]
);

CREATE DOMAIN holdfast.label AS text;

CREATE DOMAIN holdfast.slug AS text
	CONSTRAINT slug_is_plain CHECK ((VALUE ~ '^[a-z0-9]([a-z0-9-]{0,62}[a-z0-9])?$'::text));

CREATE DOMAIN holdfast.surface AS text
	CONSTRAINT surface_is_known CHECK ((VALUE = ANY (ARRAY['desk'::text, 'phone'::text, 'walk_in'::text, 'widget'::text, 'calendar'::text, 'platform'::text, 'assistant'::text, 'api'::text, 'import'::text, 'system'::text])));

CREATE TABLE holdfast.appointment (
    organization_id uuid NOT NULL,
    id uuid DEFAULT holdfast.new_id() NOT NULL,
    state text DEFAULT 'confirmed'::text NOT NULL,
    blocking boolean GENERATED ALWAYS AS ((state <> ALL (ARRAY['cancelled'::text, 'no_show'::text]))) STORED NOT NULL,
    revision integer DEFAULT 1 NOT NULL,
    hold_id uuid NOT NULL,
    client_id uuid NOT NULL,
    service_id uuid NOT NULL,
    location_id uuid NOT NULL,
    starts_at timestamp with time zone NOT NULL,
    ends_at timestamp with time zone NOT NULL,
    local_start timestamp without time zone NOT NULL,
    time_zone text NOT NULL,
    confirmation_code text NOT NULL,
    price_cents integer NOT NULL,
    surface holdfast.surface NOT NULL,
    note text,
    cancel_reason text,
    created_at timestamp with time zone NOT NULL,
    currency text,
    CONSTRAINT appointment_cancel_reason_is_bounded CHECK ((length(cancel_reason) <= 500)),
    CONSTRAINT appointment_currency_is_iso CHECK ((currency ~ '^[A-Z]{3}$'::text)),
    CONSTRAINT appointment_note_is_bounded CHECK ((length(note) <= 2000)),
    CONSTRAINT appointment_revision_is_positive CHECK ((revision >= 1)),
    CONSTRAINT appointment_starts_before_end CHECK ((starts_at < ends_at)),
    CONSTRAINT appointment_state_is_known CHECK ((state = ANY (ARRAY['confirmed'::text, 'checked_in'::text, 'completed'::text, 'cancelled'::text, 'no_show'::text])))
);

ALTER TABLE ONLY holdfast.appointment FORCE ROW LEVEL SECURITY;

CREATE TABLE holdfast.client (
    organization_id uuid NOT NULL,
    id uuid DEFAULT holdfast.new_id() NOT NULL,
    name holdfast.label NOT NULL,
    email text,
    phone text,
    created_at timestamp with time zone DEFAULT holdfast.clock() NOT NULL,
    language text,
    revision integer DEFAULT 1 NOT NULL,
    CONSTRAINT client_email_is_lower_case CHECK (((email = lower(email)) AND (length(email) <= 254))),
    CONSTRAINT client_language_is_plain CHECK ((language ~ '^[a-z]{2}$'::text)),
    CONSTRAINT client_phone_is_e164 CHECK ((phone ~ '^\+[1-9][0-9]{5,14}$'::text))
);

ALTER TABLE ONLY holdfast.client FORCE ROW LEVEL SECURITY;

CREATE TABLE holdfast.hold (
    organization_id uuid NOT NULL,
    id uuid DEFAULT holdfast.new_id() NOT NULL,
    state text DEFAULT 'live'::text NOT NULL,
    blocking boolean GENERATED ALWAYS AS ((state <> ALL (ARRAY['released'::text, 'expired'::text]))) STORED NOT NULL,
    service_id uuid NOT NULL,
    location_id uuid NOT NULL,
    starts_at timestamp with time zone NOT NULL,
    ends_at timestamp with time zone NOT NULL,
    created_at timestamp with time zone NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    extensions integer DEFAULT 0 NOT NULL,
    surface holdfast.surface NOT NULL,
    actor text NOT NULL,
    visitor bytea,
    network bytea,
    overbook_reason text,
    outside_rules boolean DEFAULT false NOT NULL,
    visit_id uuid,
    CONSTRAINT hold_expires_after_creation CHECK (((expires_at > created_at) AND isfinite(expires_at))),
    CONSTRAINT hold_starts_before_end CHECK ((starts_at < ends_at)),
    CONSTRAINT hold_state_is_known CHECK ((state = ANY (ARRAY['live'::text, 'confirmed'::text, 'released'::text, 'expired'::text])))
);

ALTER TABLE ONLY holdfast.hold FORCE ROW LEVEL SECURITY;

CREATE TABLE holdfast.organization (
    id uuid DEFAULT holdfast.new_id() NOT NULL,
    slug holdfast.slug NOT NULL,
    name holdfast.label NOT NULL,
    currency text DEFAULT 'USD'::text NOT NULL,
    created_at timestamp with time zone DEFAULT holdfast.clock() NOT NULL,
    catalog_version bigint DEFAULT 0 NOT NULL,
    assign text DEFAULT 'preference'::text NOT NULL,
    rank text DEFAULT 'earliest'::text NOT NULL,
    CONSTRAINT organization_assign_is_known CHECK ((assign = ANY (ARRAY['preference'::text, 'least_loaded'::text, 'round_robin'::text]))),
    CONSTRAINT organization_currency_is_iso CHECK ((currency ~ '^[A-Z]{3}$'::text)),
    CONSTRAINT organization_rank_is_known CHECK ((rank = ANY (ARRAY['earliest'::text, 'tight'::text])))
);

ALTER TABLE ONLY holdfast.organization FORCE ROW LEVEL SECURITY;

CREATE TABLE holdfast.service (
    organization_id uuid NOT NULL,
    id uuid DEFAULT holdfast.new_id() NOT NULL,
    slug holdfast.slug NOT NULL,
    name holdfast.label NOT NULL,
    category holdfast.label DEFAULT 'Services'::text NOT NULL,
    duration_minutes integer NOT NULL,
    price_cents integer DEFAULT 0 NOT NULL,
    retired_at timestamp with time zone,
    grid_minutes integer DEFAULT 15 NOT NULL,
    off_grid_after_claims boolean DEFAULT false NOT NULL,
    CONSTRAINT service_duration_is_bounded CHECK (((duration_minutes >= 1) AND (duration_minutes <= 1440))),
    CONSTRAINT service_grid_is_bounded CHECK (((grid_minutes >= 1) AND (grid_minutes <= 1440))),
    CONSTRAINT service_price_is_not_negative CHECK ((price_cents >= 0))
);

ALTER TABLE ONLY holdfast.service FORCE ROW LEVEL SECURITY;

CREATE VIEW holdfast.appointment_detail WITH (security_invoker='true') AS
 SELECT a.organization_id,
    a.id,
    a.state,
    a.revision,
    a.hold_id,
    a.client_id,
    c.name AS client_name,
    c.email AS client_email,
    c.phone AS client_phone,
    a.service_id,
    s.name AS service_name,
    a.location_id,
    a.time_zone,
    a.starts_at,
    a.ends_at,
    a.local_start,
    a.confirmation_code,
    a.price_cents,
    COALESCE(a.currency, o.currency) AS currency,
    a.surface,
    a.note,
    a.cancel_reason,
    a.created_at,
    h.overbook_reason,
    holdfast.claims_of_hold(a.organization_id, a.hold_id) AS claims,
    h.visit_id
   FROM ((((holdfast.appointment a
     JOIN holdfast.organization o ON ((o.id = a.organization_id)))
     JOIN holdfast.client c ON (((c.organization_id = a.organization_id) AND (c.id = a.client_id))))
     JOIN holdfast.service s ON (((s.organization_id = a.organization_id) AND (s.id = a.service_id))))
     JOIN holdfast.hold h ON (((h.organization_id = a.organization_id) AND (h.id = a.hold_id))));

CREATE TABLE holdfast.claim (
    organization_id uuid NOT NULL,
    id bigint NOT NULL,
    unit_id uuid NOT NULL,
    role text NOT NULL,
    during tstzrange NOT NULL,
    segment tstzrange NOT NULL,
    hold_id uuid,
    block_id uuid,
    busy_id uuid,
    active boolean DEFAULT true NOT NULL,
    overbook boolean DEFAULT false NOT NULL,
    CONSTRAINT claim_during_is_claimable CHECK (holdfast.is_claimable(during)),
    CONSTRAINT claim_has_one_holder CHECK ((num_nonnulls(hold_id, block_id, busy_id) = 1)),
    CONSTRAINT claim_overbook_is_a_visit CHECK (((NOT overbook) OR (hold_id IS NOT NULL))),
    CONSTRAINT claim_segment_is_inside CHECK (((segment <@ during) AND (NOT isempty(segment))))
);

ALTER TABLE ONLY holdfast.claim FORCE ROW LEVEL SECURITY;

CREATE TABLE holdfast.hold_policy (
    organization_id uuid NOT NULL,
    surface holdfast.surface NOT NULL,
    ttl_seconds integer DEFAULT 300 NOT NULL,
    ttl_seconds_max integer DEFAULT 900 NOT NULL,
    extensions_max integer DEFAULT 1 NOT NULL,
    grace_seconds integer DEFAULT 60 NOT NULL,
    live_holds_per_visitor_max integer,
    live_holds_per_network_max integer,
    live_holds_per_actor_max integer,
    bookings_per_visitor_and_day_max integer,
    bookings_per_network_and_day_max integer,
    CONSTRAINT hold_policy_extensions_are_bounded CHECK (((extensions_max >= 0) AND (extensions_max <= 20))),
    CONSTRAINT hold_policy_grace_is_bounded CHECK (((grace_seconds >= 0) AND (grace_seconds <= 3600))),
    CONSTRAINT hold_policy_limits_are_positive CHECK (((live_holds_per_visitor_max > 0) AND (live_holds_per_network_max > 0) AND (live_holds_per_actor_max > 0) AND (bookings_per_visitor_and_day_max > 0) AND (bookings_per_network_and_day_max > 0))),
    CONSTRAINT hold_policy_ttl_is_bounded CHECK ((((ttl_seconds >= 1) AND (ttl_seconds <= ttl_seconds_max)) AND (ttl_seconds_max <= 86400)))
);

ALTER TABLE ONLY holdfast.hold_policy FORCE ROW LEVEL SECURITY;

CREATE TABLE holdfast.visit (
    organization_id uuid NOT NULL,
    id uuid DEFAULT holdfast.new_id() NOT NULL,
    location_id uuid NOT NULL,
    max_wait_minutes integer NOT NULL,
    same_provider jsonb NOT NULL,
    surface holdfast.surface NOT NULL,
    created_at timestamp with time zone NOT NULL,
    series_id uuid,
    number integer,
    CONSTRAINT visit_of_series_has_a_number CHECK (((series_id IS NULL) = (number IS NULL))),
    CONSTRAINT visit_same_provider_is_known CHECK ((same_provider = ANY (ARRAY['true'::jsonb, 'false'::jsonb, '"prefer"'::jsonb]))),
    CONSTRAINT visit_wait_is_bounded CHECK (((max_wait_minutes >= 0) AND (max_wait_minutes <= 1440)))
);

ALTER TABLE ONLY holdfast.visit FORCE ROW LEVEL SECURITY;

CREATE TABLE holdfast.location (
    organization_id uuid NOT NULL,
    id uuid DEFAULT holdfast.new_id() NOT NULL,
    slug holdfast.slug NOT NULL,
    name holdfast.label NOT NULL,
    time_zone text NOT NULL,
    address text,
    retired_at timestamp with time zone,
    holiday_country text,
    holiday_region text,
    CONSTRAINT location_holiday_country_is_iso CHECK ((holiday_country ~ '^[A-Z]{2}$'::text)),
    CONSTRAINT location_holiday_region_has_country CHECK (((holiday_region IS NULL) OR ((holiday_country IS NOT NULL) AND ((length(holiday_region) >= 1) AND (length(holiday_region) <= 20))))),
    CONSTRAINT location_time_zone_is_iana CHECK (((time_zone ~ '^[A-Za-z0-9_+-]+(/[A-Za-z0-9_+-]+)*$'::text) AND (length(time_zone) <= 64)))
);

ALTER TABLE ONLY holdfast.location FORCE ROW LEVEL SECURITY;

CREATE VIEW holdfast.hold_detail WITH (security_invoker='true') AS
 SELECT h.organization_id,
    h.id,
    h.state,
    h.service_id,
    h.location_id,
    l.time_zone,
    h.starts_at,
    h.ends_at,
    h.created_at,
    h.expires_at,
    h.extensions,
    h.surface,
    h.overbook_reason,
    holdfast.claims_of_hold(h.organization_id, h.id) AS claims,
    h.visit_id
   FROM (holdfast.hold h
     JOIN holdfast.location l ON (((l.organization_id = h.organization_id) AND (l.id = h.location_id))));

CREATE TABLE holdfast.webhook_endpoint (
    organization_id uuid NOT NULL,
    id uuid DEFAULT holdfast.new_id() NOT NULL,
    url text NOT NULL,
    description text DEFAULT ''::text NOT NULL,
    events text[] NOT NULL,
    secret bytea NOT NULL,
    status text DEFAULT 'active'::text NOT NULL,
    created_at timestamp with time zone NOT NULL,
    failing_since timestamp with time zone,
    warned_at timestamp with time zone,
    disabled_at timestamp with time zone,
    disabled_cause text,
    not_before timestamp with time zone,
    CONSTRAINT webhook_endpoint_description_is_bounded CHECK ((length(description) <= 500)),
    CONSTRAINT webhook_endpoint_disabled_says_why CHECK (((status = 'disabled'::text) = (disabled_cause IS NOT NULL))),
    CONSTRAINT webhook_endpoint_events_are_named CHECK (((cardinality(events) >= 1) AND (cardinality(events) <= 100))),
    CONSTRAINT webhook_endpoint_status_is_known CHECK ((status = ANY (ARRAY['active'::text, 'disabled'::text, 'removed'::text]))),
    CONSTRAINT webhook_endpoint_url_is_bounded CHECK (((length(url) >= 1) AND (length(url) <= 2000)))
);

ALTER TABLE ONLY holdfast.webhook_endpoint FORCE ROW LEVEL SECURITY;

CREATE TABLE holdfast.delivery (
    organization_id uuid NOT NULL,
    id uuid DEFAULT holdfast.new_id() NOT NULL,
    endpoint_id uuid NOT NULL,
    event_id bigint NOT NULL,
    subject_id uuid NOT NULL,
    sequence integer NOT NULL,
    state text DEFAULT 'pending'::text NOT NULL,
    attempts integer DEFAULT 0 NOT NULL,
    created_at timestamp with time zone NOT NULL,
    next_attempt_at timestamp with time zone NOT NULL,
    settled_at timestamp with time zone,
    last_status integer,
    last_cause text,
    last_response text,
    discard_reason text,
    CONSTRAINT delivery_attempts_are_counted CHECK ((attempts >= 0)),
    CONSTRAINT delivery_discard_has_a_reason CHECK ((((state = 'discarded'::text) = (discard_reason IS NOT NULL)) AND ((length(discard_reason) >= 1) AND (length(discard_reason) <= 500)))),
    CONSTRAINT delivery_response_is_bounded CHECK ((length(last_response) <= 1024)),
    CONSTRAINT delivery_settled_has_a_time CHECK (((state = 'pending'::text) = (settled_at IS NULL))),
    CONSTRAINT delivery_state_is_known CHECK ((state = ANY (ARRAY['pending'::text, 'delivered'::text, 'dead'::text, 'discarded'::text])))
);

ALTER TABLE ONLY holdfast.delivery FORCE ROW LEVEL SECURITY;

CREATE TABLE holdfast.message (
    organization_id uuid NOT NULL,
    id uuid DEFAULT holdfast.new_id() NOT NULL,
    appointment_id uuid,
    client_id uuid NOT NULL,
    kind text NOT NULL,
    lead_minutes integer DEFAULT 0 NOT NULL,
    occasion bigint NOT NULL,
    due_at timestamp with time zone NOT NULL,
    state text DEFAULT 'pending'::text NOT NULL,
    attempts integer DEFAULT 0 NOT NULL,
    next_attempt_at timestamp with time zone NOT NULL,
    created_at timestamp with time zone NOT NULL,
    settled_at timestamp with time zone,
    reason text,
    channel text,
    provider_id text,
    delivered text,
    subject text,
    body text,
    answer text,
    offer_id uuid,
    told_starts timestamp with time zone[],
    CONSTRAINT message_answer_is_known CHECK ((answer = ANY (ARRAY['confirm'::text, 'cancel'::text, 'accept'::text, 'decline'::text]))),
    CONSTRAINT message_channel_is_known CHECK ((channel = ANY (ARRAY['email'::text, 'sms'::text]))),
    CONSTRAINT message_is_about_one_thing CHECK ((num_nonnulls(appointment_id, offer_id) = 1)),
    CONSTRAINT message_kind_is_known CHECK (((kind = ANY (ARRAY['confirmation'::text, 'change'::text, 'cancellation'::text, 'reminder'::text, 'follow_up'::text, 'waitlist_offer'::text, 'link'::text])) AND ((kind = 'waitlist_offer'::text) = (offer_id IS NOT NULL)))),
    CONSTRAINT message_reason_is_bounded CHECK (((length(reason) >= 1) AND (length(reason) <= 500))),
    CONSTRAINT message_settled_has_a_time CHECK (((state = 'pending'::text) = (settled_at IS NULL))),
    CONSTRAINT message_state_is_known CHECK ((state = ANY (ARRAY['pending'::text, 'sent'::text, 'dead'::text, 'skipped'::text]))),
    CONSTRAINT message_unsent_says_why CHECK (((state <> ALL (ARRAY['dead'::text, 'skipped'::text])) OR (reason IS NOT NULL)))
);

ALTER TABLE ONLY holdfast.message FORCE ROW LEVEL SECURITY;

CREATE TABLE holdfast.offer (
    organization_id uuid NOT NULL,
    id uuid NOT NULL,
    entry_id uuid NOT NULL,
    opening_id uuid,
    hold_id uuid NOT NULL,
    token_hash bytea NOT NULL,
    state text DEFAULT 'open'::text NOT NULL,
    why text NOT NULL,
    sent_at timestamp with time zone NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    settled_at timestamp with time zone,
    appointment_id uuid,
    CONSTRAINT offer_accepted_has_its_appointment CHECK (((state = 'accepted'::text) = (appointment_id IS NOT NULL))),
    CONSTRAINT offer_settled_has_a_time CHECK (((state = 'open'::text) = (settled_at IS NULL))),
    CONSTRAINT offer_state_is_known CHECK ((state = ANY (ARRAY['open'::text, 'accepted'::text, 'declined'::text, 'lapsed'::text, 'overridden'::text, 'lost'::text, 'untold'::text]))),
    CONSTRAINT offer_token_is_sha256 CHECK ((length(token_hash) = 32)),
    CONSTRAINT offer_why_is_bounded CHECK (((length(why) >= 1) AND (length(why) <= 500)))
);

ALTER TABLE ONLY holdfast.offer FORCE ROW LEVEL SECURITY;

CREATE TABLE holdfast.resource (
    organization_id uuid NOT NULL,
    id uuid DEFAULT holdfast.new_id() NOT NULL,
    slug holdfast.slug NOT NULL,
    name holdfast.label NOT NULL,
    kind text NOT NULL,
    retired_at timestamp with time zone,
    merged_into_id uuid,
    visits_per_day integer,
    CONSTRAINT resource_kind_is_known CHECK ((kind = ANY (ARRAY['provider'::text, 'room'::text, 'device'::text, 'other'::text]))),
    CONSTRAINT resource_merged_is_retired CHECK (((merged_into_id IS NULL) OR (retired_at IS NOT NULL))),
    CONSTRAINT resource_visits_per_day_is_bounded CHECK (((visits_per_day >= 0) AND (visits_per_day <= 1000)))
);

ALTER TABLE ONLY holdfast.resource FORCE ROW LEVEL SECURITY;

CREATE TABLE holdfast.waitlist_entry (
    organization_id uuid NOT NULL,
    id uuid DEFAULT holdfast.new_id() NOT NULL,
    state text DEFAULT 'waiting'::text NOT NULL,
    client_id uuid NOT NULL,
    service_ids uuid[] NOT NULL,
    provider_ids uuid[] NOT NULL,
    location_ids uuid[] NOT NULL,
    windows jsonb DEFAULT '[]'::jsonb NOT NULL,
    earliest_on date,
    latest_on date,
    notice_minutes integer DEFAULT 0 NOT NULL,
    party_size integer DEFAULT 1 NOT NULL,
    priority integer DEFAULT 0 NOT NULL,
    appointment_id uuid,
    surface holdfast.surface NOT NULL,
    joined_at timestamp with time zone NOT NULL,
    visitor bytea,
    network bytea,
    CONSTRAINT waitlist_entry_days_are_ordered CHECK ((earliest_on <= latest_on)),
    CONSTRAINT waitlist_entry_lists_are_bounded CHECK (((cardinality(provider_ids) <= 50) AND ((cardinality(location_ids) >= 1) AND (cardinality(location_ids) <= 50)))),
    CONSTRAINT waitlist_entry_names_a_service CHECK (((cardinality(service_ids) >= 1) AND (cardinality(service_ids) <= 20))),
    CONSTRAINT waitlist_entry_notice_is_bounded CHECK (((notice_minutes >= 0) AND (notice_minutes <= 43200))),
    CONSTRAINT waitlist_entry_party_is_bounded CHECK (((party_size >= 1) AND (party_size <= 20))),
    CONSTRAINT waitlist_entry_priority_is_bounded CHECK (((priority >= '-100'::integer) AND (priority <= 100))),
    CONSTRAINT waitlist_entry_state_is_known CHECK ((state = ANY (ARRAY['waiting'::text, 'offered'::text, 'booked'::text, 'left'::text, 'expired'::text]))),
    CONSTRAINT waitlist_entry_windows_are_a_list CHECK (((jsonb_typeof(windows) = 'array'::text) AND (jsonb_array_length(windows) <= 21)))
);

ALTER TABLE ONLY holdfast.waitlist_entry FORCE ROW LEVEL SECURITY;

CREATE TABLE holdfast.block (
    organization_id uuid NOT NULL,
    id uuid DEFAULT holdfast.new_id() NOT NULL,
    resource_id uuid NOT NULL,
    starts_at timestamp with time zone NOT NULL,
    ends_at timestamp with time zone NOT NULL,
    reason text DEFAULT ''::text NOT NULL,
    created_at timestamp with time zone NOT NULL,
    removed_at timestamp with time zone,
    blocking boolean GENERATED ALWAYS AS ((removed_at IS NULL)) STORED NOT NULL,
    CONSTRAINT block_reason_is_bounded CHECK ((length(reason) <= 500)),
    CONSTRAINT block_starts_before_end CHECK (((starts_at < ends_at) AND isfinite(starts_at) AND isfinite(ends_at)))
);

ALTER TABLE ONLY holdfast.block FORCE ROW LEVEL SECURITY;

CREATE TABLE holdfast.collision (
    organization_id uuid NOT NULL,
    id uuid DEFAULT holdfast.new_id() NOT NULL,
    resource_id uuid NOT NULL,
    busy_id uuid NOT NULL,
    other_kind text NOT NULL,
    other_id uuid NOT NULL,
    starts_at timestamp with time zone NOT NULL,
    ends_at timestamp with time zone NOT NULL,
    found_at timestamp with time zone NOT NULL,
    resolved_at timestamp with time zone,
    resolved_by text,
    resolution text,
    CONSTRAINT collision_other_kind_is_known CHECK ((other_kind = ANY (ARRAY['appointment'::text, 'hold'::text, 'block'::text, 'busy'::text]))),
    CONSTRAINT collision_resolution_is_bounded CHECK ((length(resolution) <= 500)),
    CONSTRAINT collision_resolution_is_whole CHECK ((((resolved_at IS NULL) = (resolved_by IS NULL)) AND ((resolved_at IS NULL) = (resolution IS NULL)))),
    CONSTRAINT collision_starts_before_end CHECK ((starts_at < ends_at))
);

ALTER TABLE ONLY holdfast.collision FORCE ROW LEVEL SECURITY;

CREATE TABLE holdfast.waitlist_policy (
    organization_id uuid NOT NULL,
    service_id uuid NOT NULL,
    mode text DEFAULT 'first_in_line'::text NOT NULL,
    offer_minutes_max integer DEFAULT 120 NOT NULL,
    offer_minutes_min integer DEFAULT 10 NOT NULL,
    answer_percent integer DEFAULT 10 NOT NULL,
    cut_off_minutes integer DEFAULT 60 NOT NULL,
    quiet_from time without time zone DEFAULT '21:00:00'::time without time zone NOT NULL,
    quiet_until time without time zone DEFAULT '08:00:00'::time without time zone NOT NULL,
    offers_per_slot_max integer DEFAULT 10 NOT NULL,
    offers_per_client_and_day_max integer DEFAULT 3 NOT NULL,
    partial_fit_min_cents integer DEFAULT 1,
    CONSTRAINT waitlist_policy_caps_are_positive CHECK ((((offers_per_slot_max >= 1) AND (offers_per_slot_max <= 1000)) AND ((offers_per_client_and_day_max >= 1) AND (offers_per_client_and_day_max <= 100)))),
    CONSTRAINT waitlist_policy_cut_off_is_bounded CHECK (((cut_off_minutes >= 0) AND (cut_off_minutes <= 10080))),
    CONSTRAINT waitlist_policy_mode_is_known CHECK ((mode = ANY (ARRAY['first_in_line'::text, 'best_value'::text, 'priority'::text, 'all_at_once'::text]))),
    CONSTRAINT waitlist_policy_offer_is_bounded CHECK ((((offer_minutes_min >= 1) AND (offer_minutes_min <= offer_minutes_max)) AND (offer_minutes_max <= 1440) AND ((answer_percent >= 1) AND (answer_percent <= 100)))),
    CONSTRAINT waitlist_policy_partial_fit_is_not_negative CHECK ((partial_fit_min_cents >= 0))
);

ALTER TABLE ONLY holdfast.waitlist_policy FORCE ROW LEVEL SECURITY;

CREATE TABLE holdfast.api_key (
    organization_id uuid NOT NULL,
    id uuid DEFAULT holdfast.new_id() NOT NULL,
    name holdfast.label NOT NULL,
    key_hash bytea NOT NULL,
    key_hint text NOT NULL,
    scopes text[] NOT NULL,
    surfaces text[] NOT NULL,
    created_at timestamp with time zone DEFAULT holdfast.clock() NOT NULL,
    last_used_on date,
    revoked_at timestamp with time zone,
    CONSTRAINT api_key_hash_is_sha256 CHECK ((length(key_hash) = 32)),
    CONSTRAINT api_key_scopes_are_known CHECK (((scopes <@ ARRAY['read'::text, 'book'::text, 'manage'::text, 'overbook'::text]) AND (cardinality(scopes) > 0))),
    CONSTRAINT api_key_surfaces_are_known CHECK (((surfaces <@ ARRAY['desk'::text, 'phone'::text, 'walk_in'::text, 'widget'::text, 'calendar'::text, 'platform'::text, 'assistant'::text, 'api'::text, 'import'::text]) AND (cardinality(surfaces) > 0)))
);

ALTER TABLE ONLY holdfast.api_key FORCE ROW LEVEL SECURITY;

CREATE TABLE holdfast.booking_page (
    organization_id uuid NOT NULL,
    accent text DEFAULT '#0f766e'::text NOT NULL,
    logo bytea,
    logo_type text,
    embed_origins text[] DEFAULT '{*}'::text[] NOT NULL,
    change_notice_minutes integer DEFAULT 1440 NOT NULL,
    policy text DEFAULT ''::text NOT NULL,
    CONSTRAINT booking_page_accent_is_a_color CHECK ((accent ~ '^#[0-9a-f]{6}$'::text)),
    CONSTRAINT booking_page_logo_is_a_picture CHECK ((((logo IS NULL) = (logo_type IS NULL)) AND (logo_type = ANY (ARRAY['image/png'::text, 'image/jpeg'::text, 'image/webp'::text, 'image/svg+xml'::text])) AND ((length(logo) >= 1) AND (length(logo) <= 49152)))),
    CONSTRAINT booking_page_notice_is_bounded CHECK (((change_notice_minutes >= 0) AND (change_notice_minutes <= 43200))),
    CONSTRAINT booking_page_origins_are_origins CHECK (((cardinality(embed_origins) <= 50) AND (array_to_string(embed_origins, ' '::text, '?'::text) ~ '^((\*|https?://[a-z0-9.-]+(:[0-9]{1,5})?)( |$))*$'::text))),
    CONSTRAINT booking_page_policy_is_bounded CHECK ((length(policy) <= 4000))
);

ALTER TABLE ONLY holdfast.booking_page FORCE ROW LEVEL SECURITY;

CREATE TABLE holdfast.busy (
    organization_id uuid NOT NULL,
    id uuid DEFAULT holdfast.new_id() NOT NULL,
    resource_id uuid NOT NULL,
    source text NOT NULL,
    external_id text NOT NULL,
    starts_at timestamp with time zone NOT NULL,
    ends_at timestamp with time zone NOT NULL,
    created_at timestamp with time zone NOT NULL,
    removed_at timestamp with time zone,
    blocking boolean GENERATED ALWAYS AS ((removed_at IS NULL)) STORED NOT NULL,
    CONSTRAINT busy_names_are_bounded CHECK ((((length(source) >= 1) AND (length(source) <= 200)) AND ((length(external_id) >= 1) AND (length(external_id) <= 1000)))),
    CONSTRAINT busy_starts_before_end CHECK (((starts_at < ends_at) AND isfinite(starts_at) AND isfinite(ends_at)))
);

ALTER TABLE ONLY holdfast.busy FORCE ROW LEVEL SECURITY;

ALTER TABLE holdfast.claim ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME holdfast.claim_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE holdfast.dated_rule (
    organization_id uuid NOT NULL,
    id uuid DEFAULT holdfast.new_id() NOT NULL,
    location_id uuid,
    resource_id uuid,
    kind text NOT NULL,
    starts timestamp without time zone NOT NULL,
    ends timestamp without time zone NOT NULL,
    reason text DEFAULT ''::text NOT NULL,
    CONSTRAINT dated_rule_belongs_somewhere CHECK ((num_nonnulls(location_id, resource_id) >= 1)),
    CONSTRAINT dated_rule_is_whole_minutes CHECK (((starts = date_trunc('minute'::text, starts)) AND (ends = date_trunc('minute'::text, ends)))),
    CONSTRAINT dated_rule_kind_is_known CHECK ((kind = ANY (ARRAY['closure'::text, 'extra'::text, 'time_off'::text]))),
    CONSTRAINT dated_rule_reason_is_bounded CHECK ((length(reason) <= 500)),
    CONSTRAINT dated_rule_starts_before_end CHECK (((starts < ends) AND isfinite(starts) AND isfinite(ends)))
);

ALTER TABLE ONLY holdfast.dated_rule FORCE ROW LEVEL SECURITY;

CREATE TABLE holdfast.delivery_attempt (
    organization_id uuid NOT NULL,
    delivery_id uuid NOT NULL,
    id bigint NOT NULL,
    at timestamp with time zone NOT NULL,
    status integer,
    cause text,
    response text,
    latency_ms integer NOT NULL,
    request_headers jsonb,
    response_headers jsonb,
    CONSTRAINT delivery_attempt_headers_are_bounded CHECK (((length((request_headers)::text) <= 8000) AND (length((response_headers)::text) <= 8000))),
    CONSTRAINT delivery_attempt_response_is_bounded CHECK ((length(response) <= 1024))
);

ALTER TABLE ONLY holdfast.delivery_attempt FORCE ROW LEVEL SECURITY;

ALTER TABLE holdfast.delivery_attempt ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME holdfast.delivery_attempt_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE holdfast.event (
    organization_id uuid NOT NULL,
    id bigint NOT NULL,
    transaction_id xid8 DEFAULT pg_current_xact_id() NOT NULL,
    at timestamp with time zone NOT NULL,
    type text NOT NULL,
    version integer DEFAULT 1 NOT NULL,
    subject_id uuid NOT NULL,
    actor text NOT NULL,
    surface holdfast.surface NOT NULL,
    data jsonb NOT NULL,
    CONSTRAINT event_type_is_noun_verb CHECK ((type ~ '^[a-z_]+\.[a-z_]+$'::text)),
    CONSTRAINT event_version_is_positive CHECK ((version >= 1))
);

ALTER TABLE ONLY holdfast.event FORCE ROW LEVEL SECURITY;

CREATE VIEW holdfast.delivery_detail WITH (security_invoker='true') AS
 SELECT d.organization_id,
    d.id,
    d.endpoint_id,
    w.url,
    w.status AS endpoint_status,
    d.event_id,
    e.type,
    e.at AS event_at,
    e.version,
    e.data,
    e.subject_id,
    d.sequence,
    d.state,
    d.attempts,
    d.created_at,
        CASE
            WHEN (d.state = 'pending'::text) THEN GREATEST(d.next_attempt_at, w.not_before)
            ELSE NULL::timestamp with time zone
        END AS next_attempt_at,
    d.settled_at,
    d.last_status,
    d.last_cause,
    d.last_response,
    d.discard_reason,
        CASE
            WHEN (d.state = 'pending'::text) THEN ( SELECT b.id
               FROM holdfast.delivery b
              WHERE ((b.organization_id = d.organization_id) AND (b.endpoint_id = d.endpoint_id) AND (b.subject_id = d.subject_id) AND (b.event_id < d.event_id) AND (b.state = ANY (ARRAY['pending'::text, 'dead'::text])))
              ORDER BY b.event_id
             LIMIT 1)
            ELSE NULL::uuid
        END AS waits_behind_id,
    holdfast.event_epoch(d.event_id) AS epoch,
        CASE
            WHEN (d.state = ANY (ARRAY['pending'::text, 'dead'::text])) THEN ( SELECT (max(a.at) - min(a.at))
               FROM holdfast.delivery_attempt a
              WHERE ((a.organization_id = d.organization_id) AND (a.delivery_id = d.id)))
            ELSE NULL::interval
        END AS tried_for
   FROM ((holdfast.delivery d
     JOIN holdfast.webhook_endpoint w ON (((w.organization_id = d.organization_id) AND (w.id = d.endpoint_id))))
     JOIN holdfast.event e ON (((e.organization_id = d.organization_id) AND (e.id = d.event_id))));

ALTER TABLE holdfast.event ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME holdfast.event_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE holdfast.function_set (
    singleton boolean DEFAULT true NOT NULL,
    checksum text NOT NULL,
    applied_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    CONSTRAINT function_set_singleton_check CHECK (singleton)
);

CREATE TABLE holdfast.idempotency (
    organization_id uuid NOT NULL,
    actor text NOT NULL,
    route text NOT NULL,
    key text NOT NULL,
    request_hash bytea NOT NULL,
    status integer NOT NULL,
    headers jsonb NOT NULL,
    body bytea NOT NULL,
    created_at timestamp with time zone DEFAULT holdfast.clock() NOT NULL,
    CONSTRAINT idempotency_key_is_short CHECK (((length(key) >= 1) AND (length(key) <= 255)))
);

ALTER TABLE ONLY holdfast.idempotency FORCE ROW LEVEL SECURITY;

CREATE TABLE holdfast.inbound_text (
    provider_id text NOT NULL,
    taken_at timestamp with time zone NOT NULL,
    answered boolean DEFAULT false NOT NULL,
    answer text
);

ALTER TABLE ONLY holdfast.inbound_text FORCE ROW LEVEL SECURITY;

CREATE TABLE holdfast.location_quiet_hours (
    organization_id uuid NOT NULL,
    location_id uuid NOT NULL,
    quiet_from time without time zone NOT NULL,
    quiet_until time without time zone NOT NULL
);

ALTER TABLE ONLY holdfast.location_quiet_hours FORCE ROW LEVEL SECURITY;

CREATE TABLE holdfast.log_epoch (
    from_event_id bigint NOT NULL,
    epoch integer NOT NULL,
    began_at timestamp with time zone NOT NULL,
    CONSTRAINT log_epoch_is_24_bits CHECK (((epoch >= 1) AND (epoch <= 16777215)))
);

ALTER TABLE ONLY holdfast.log_epoch FORCE ROW LEVEL SECURITY;

CREATE TABLE holdfast.message_policy (
    organization_id uuid NOT NULL,
    sender_name holdfast.label,
    reply_to text,
    language text DEFAULT 'en'::text NOT NULL,
    notice_channels text[] DEFAULT '{email,sms}'::text[] NOT NULL,
    reminder_channels text[] DEFAULT '{sms,email}'::text[] NOT NULL,
    quiet_from time without time zone DEFAULT '21:00:00'::time without time zone NOT NULL,
    quiet_until time without time zone DEFAULT '08:00:00'::time without time zone NOT NULL,
    say_service boolean DEFAULT false NOT NULL,
    say_provider boolean DEFAULT false NOT NULL,
    CONSTRAINT message_policy_channels_are_known CHECK (((notice_channels <@ ARRAY['email'::text, 'sms'::text]) AND (reminder_channels <@ ARRAY['email'::text, 'sms'::text]) AND (cardinality(notice_channels) <= 2) AND (cardinality(reminder_channels) <= 2))),
    CONSTRAINT message_policy_language_is_plain CHECK ((language ~ '^[a-z]{2}$'::text)),
    CONSTRAINT message_policy_reply_to_is_an_address CHECK (((reply_to ~ '^[^[:space:]@<>]+@[^[:space:]@<>]+$'::text) AND (length(reply_to) <= 254)))
);

ALTER TABLE ONLY holdfast.message_policy FORCE ROW LEVEL SECURITY;

CREATE TABLE holdfast.message_preference (
    organization_id uuid NOT NULL,
    client_id uuid NOT NULL,
    channel text NOT NULL,
    allowed boolean NOT NULL,
    source text NOT NULL,
    at timestamp with time zone NOT NULL,
    CONSTRAINT message_preference_channel_is_known CHECK ((channel = ANY (ARRAY['email'::text, 'sms'::text]))),
    CONSTRAINT message_preference_source_is_known CHECK ((source = ANY (ARRAY['staff'::text, 'link'::text, 'reply'::text, 'carrier'::text])))
);

ALTER TABLE ONLY holdfast.message_preference FORCE ROW LEVEL SECURITY;

CREATE TABLE holdfast.message_template (
    organization_id uuid NOT NULL,
    kind text NOT NULL,
    language text NOT NULL,
    subject text NOT NULL,
    email text NOT NULL,
    sms text NOT NULL,
    changed_at timestamp with time zone NOT NULL,
    CONSTRAINT message_template_is_bounded CHECK (((length(subject) <= 500) AND (length(email) <= 10000) AND (length(sms) <= 2000))),
    CONSTRAINT message_template_kind_is_known CHECK ((kind = ANY (ARRAY['confirmation'::text, 'change'::text, 'cancellation'::text, 'reminder'::text, 'follow_up'::text, 'waitlist_offer'::text, 'link'::text]))),
    CONSTRAINT message_template_language_is_plain CHECK ((language ~ '^[a-z]{2}$'::text))
);

ALTER TABLE ONLY holdfast.message_template FORCE ROW LEVEL SECURITY;

CREATE TABLE holdfast.migration (
    version integer NOT NULL,
    name text NOT NULL,
    checksum text NOT NULL,
    applied_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL
);

CREATE VIEW holdfast.offer_detail WITH (security_invoker='true') AS
 SELECT o.organization_id,
    o.id,
    o.entry_id,
    o.opening_id,
    o.hold_id,
    o.state,
    o.why,
    o.sent_at,
    o.expires_at,
    o.settled_at,
    o.appointment_id,
    e.client_id,
    h.service_id,
    h.location_id,
    l.time_zone,
    h.starts_at,
    h.ends_at
   FROM (((holdfast.offer o
     JOIN holdfast.waitlist_entry e ON (((e.organization_id = o.organization_id) AND (e.id = o.entry_id))))
     JOIN holdfast.hold h ON (((h.organization_id = o.organization_id) AND (h.id = o.hold_id))))
     JOIN holdfast.location l ON (((l.organization_id = h.organization_id) AND (l.id = h.location_id))));

CREATE TABLE holdfast.pool (
    organization_id uuid NOT NULL,
    id uuid DEFAULT holdfast.new_id() NOT NULL,
    slug holdfast.slug NOT NULL,
    name holdfast.label NOT NULL,
    requires text[] DEFAULT '{}'::text[] NOT NULL,
    CONSTRAINT pool_requires_are_plain CHECK (((cardinality(requires) <= 20) AND (array_to_string(requires, ' '::text, '?'::text) ~ '^([a-z0-9][a-z0-9_-]{0,39}( |$))*$'::text)))
);

ALTER TABLE ONLY holdfast.pool FORCE ROW LEVEL SECURITY;

CREATE TABLE holdfast.pool_member (
    organization_id uuid NOT NULL,
    pool_id uuid NOT NULL,
    resource_id uuid NOT NULL,
    preference integer DEFAULT 100 NOT NULL
);

ALTER TABLE ONLY holdfast.pool_member FORCE ROW LEVEL SECURITY;

CREATE TABLE holdfast.queue_schema (
    singleton boolean DEFAULT true NOT NULL,
    version text NOT NULL,
    checksum text NOT NULL,
    applied_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    CONSTRAINT queue_schema_singleton_check CHECK (singleton)
);

CREATE TABLE holdfast.relay_position (
    singleton boolean DEFAULT true NOT NULL,
    transaction_id xid8 NOT NULL,
    event_id bigint NOT NULL,
    cluster_id bigint NOT NULL,
    written_by xid8 DEFAULT pg_current_xact_id() NOT NULL,
    timeline text DEFAULT "left"(pg_walfile_name(pg_current_wal_insert_lsn()), 8) NOT NULL,
    CONSTRAINT relay_position_is_one CHECK (singleton)
);

CREATE TABLE holdfast.reminder_rule (
    organization_id uuid NOT NULL,
    id uuid DEFAULT holdfast.new_id() NOT NULL,
    service_id uuid,
    before_minutes integer[] NOT NULL,
    follow_up_after_minutes integer,
    CONSTRAINT reminder_rule_times_are_bounded CHECK (((cardinality(before_minutes) <= 10) AND (5 <= ALL (before_minutes)) AND (86400 >= ALL (before_minutes)) AND ((follow_up_after_minutes >= 0) AND (follow_up_after_minutes <= 86400))))
);

ALTER TABLE ONLY holdfast.reminder_rule FORCE ROW LEVEL SECURITY;

CREATE TABLE holdfast.requirement (
    organization_id uuid NOT NULL,
    id uuid DEFAULT holdfast.new_id() NOT NULL,
    service_id uuid NOT NULL,
    role text NOT NULL,
    pool_id uuid NOT NULL,
    quantity integer DEFAULT 1 NOT NULL,
    segment_start_minutes integer DEFAULT 0 NOT NULL,
    segment_minutes integer NOT NULL,
    buffer_before_minutes integer DEFAULT 0 NOT NULL,
    buffer_after_minutes integer DEFAULT 0 NOT NULL,
    CONSTRAINT requirement_buffers_are_bounded CHECK ((((buffer_before_minutes >= 0) AND (buffer_before_minutes <= 480)) AND ((buffer_after_minutes >= 0) AND (buffer_after_minutes <= 480)))),
    CONSTRAINT requirement_quantity_is_bounded CHECK (((quantity >= 1) AND (quantity <= 50))),
    CONSTRAINT requirement_role_is_plain CHECK ((role ~ '^[a-z][a-z0-9_]{0,39}$'::text)),
    CONSTRAINT requirement_segment_is_bounded CHECK ((((segment_start_minutes >= '-1440'::integer) AND (segment_start_minutes <= 1440)) AND ((segment_minutes >= 1) AND (segment_minutes <= 1440))))
);

ALTER TABLE ONLY holdfast.requirement FORCE ROW LEVEL SECURITY;

CREATE TABLE holdfast.resource_attribute (
    organization_id uuid NOT NULL,
    resource_id uuid NOT NULL,
    name text NOT NULL,
    good_until date,
    CONSTRAINT resource_attribute_name_is_plain CHECK ((name ~ '^[a-z0-9][a-z0-9_-]{0,39}$'::text))
);

ALTER TABLE ONLY holdfast.resource_attribute FORCE ROW LEVEL SECURITY;

CREATE TABLE holdfast.resource_location (
    organization_id uuid NOT NULL,
    resource_id uuid NOT NULL,
    location_id uuid NOT NULL
);

ALTER TABLE ONLY holdfast.resource_location FORCE ROW LEVEL SECURITY;

CREATE TABLE holdfast.series (
    organization_id uuid NOT NULL,
    id uuid DEFAULT holdfast.new_id() NOT NULL,
    location_id uuid NOT NULL,
    asked jsonb NOT NULL,
    days_min integer,
    days_max integer,
    surface holdfast.surface NOT NULL,
    created_at timestamp with time zone NOT NULL,
    CONSTRAINT series_spacing_is_bounded CHECK (((COALESCE(days_min, 1) >= 1) AND (COALESCE(days_min, 1) <= COALESCE(days_max, 1096)) AND (COALESCE(days_max, 1096) <= 1096)))
);

ALTER TABLE ONLY holdfast.series FORCE ROW LEVEL SECURITY;

CREATE TABLE holdfast.service_lead (
    organization_id uuid NOT NULL,
    service_id uuid NOT NULL,
    surface holdfast.surface NOT NULL,
    notice_minutes integer DEFAULT 0 NOT NULL,
    horizon_days integer DEFAULT 365 NOT NULL,
    CONSTRAINT service_lead_is_bounded CHECK ((((notice_minutes >= 0) AND (notice_minutes <= 525600)) AND ((horizon_days >= 0) AND (horizon_days <= 1096))))
);

ALTER TABLE ONLY holdfast.service_lead FORCE ROW LEVEL SECURITY;

CREATE TABLE holdfast.service_location (
    organization_id uuid NOT NULL,
    service_id uuid NOT NULL,
    location_id uuid NOT NULL
);

ALTER TABLE ONLY holdfast.service_location FORCE ROW LEVEL SECURITY;

CREATE TABLE holdfast.sign_in_attempt (
    organization_id uuid NOT NULL,
    account bytea NOT NULL,
    network bytea NOT NULL,
    at timestamp with time zone NOT NULL
);

ALTER TABLE ONLY holdfast.sign_in_attempt FORCE ROW LEVEL SECURITY;

CREATE TABLE holdfast.staff (
    organization_id uuid NOT NULL,
    id uuid DEFAULT holdfast.new_id() NOT NULL,
    email text NOT NULL,
    name holdfast.label NOT NULL,
    role text NOT NULL,
    resource_id uuid,
    password_hash text,
    totp_secret bytea,
    totp_step bigint DEFAULT 0 NOT NULL,
    created_at timestamp with time zone DEFAULT holdfast.clock() NOT NULL,
    retired_at timestamp with time zone,
    language text,
    CONSTRAINT staff_email_is_an_address CHECK (((email = lower(email)) AND (email ~ '^[^@\s]+@[^@\s]+$'::text) AND (length(email) <= 254))),
    CONSTRAINT staff_language_is_a_tag CHECK ((language ~ '^[a-z]{2,3}(-[A-Za-z0-9]{2,8}){0,3}$'::text)),
    CONSTRAINT staff_password_is_argon2id CHECK ((password_hash ~~ '$argon2id$%'::text)),
    CONSTRAINT staff_provider_is_a_resource CHECK (((role <> 'provider'::text) OR (resource_id IS NOT NULL))),
    CONSTRAINT staff_role_is_known CHECK ((role = ANY (ARRAY['owner'::text, 'manager'::text, 'desk'::text, 'provider'::text])))
);

ALTER TABLE ONLY holdfast.staff FORCE ROW LEVEL SECURITY;

CREATE TABLE holdfast.staff_link (
    organization_id uuid NOT NULL,
    id uuid DEFAULT holdfast.new_id() NOT NULL,
    staff_id uuid NOT NULL,
    purpose text NOT NULL,
    token_hash bytea NOT NULL,
    created_at timestamp with time zone DEFAULT holdfast.clock() NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    used_at timestamp with time zone,
    CONSTRAINT staff_link_purpose_is_known CHECK ((purpose = ANY (ARRAY['invitation'::text, 'reset'::text]))),
    CONSTRAINT staff_link_token_is_sha256 CHECK ((length(token_hash) = 32))
);

ALTER TABLE ONLY holdfast.staff_link FORCE ROW LEVEL SECURITY;

CREATE TABLE holdfast.staff_recovery_code (
    organization_id uuid NOT NULL,
    staff_id uuid NOT NULL,
    code_hash bytea NOT NULL,
    created_at timestamp with time zone DEFAULT holdfast.clock() NOT NULL,
    CONSTRAINT staff_recovery_code_is_sha256 CHECK ((length(code_hash) = 32))
);

ALTER TABLE ONLY holdfast.staff_recovery_code FORCE ROW LEVEL SECURITY;

CREATE TABLE holdfast.staff_session (
    organization_id uuid NOT NULL,
    id uuid DEFAULT holdfast.new_id() NOT NULL,
    staff_id uuid NOT NULL,
    token_hash bytea NOT NULL,
    complete boolean NOT NULL,
    created_at timestamp with time zone DEFAULT holdfast.clock() NOT NULL,
    seen_at timestamp with time zone DEFAULT holdfast.clock() NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    ended_at timestamp with time zone,
    CONSTRAINT staff_session_token_is_sha256 CHECK ((length(token_hash) = 32))
);

ALTER TABLE ONLY holdfast.staff_session FORCE ROW LEVEL SECURITY;

CREATE TABLE holdfast.unit (
    organization_id uuid NOT NULL,
    id uuid DEFAULT holdfast.new_id() NOT NULL,
    resource_id uuid NOT NULL,
    ordinal integer NOT NULL,
    retired_at timestamp with time zone,
    CONSTRAINT unit_ordinal_is_bounded CHECK (((ordinal >= 1) AND (ordinal <= 500)))
);

ALTER TABLE ONLY holdfast.unit FORCE ROW LEVEL SECURITY;

CREATE TABLE holdfast.visit_link (
    organization_id uuid NOT NULL,
    id uuid DEFAULT holdfast.new_id() NOT NULL,
    appointment_id uuid NOT NULL,
    token_hash bytea NOT NULL,
    created_at timestamp with time zone DEFAULT holdfast.clock() NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    generation integer DEFAULT 1 NOT NULL,
    ended_at timestamp with time zone,
    CONSTRAINT visit_link_generation_is_positive CHECK ((generation > 0)),
    CONSTRAINT visit_link_token_is_sha256 CHECK ((length(token_hash) = 32))
);

ALTER TABLE ONLY holdfast.visit_link FORCE ROW LEVEL SECURITY;

CREATE TABLE holdfast.waitlist_opening (
    organization_id uuid NOT NULL,
    id uuid DEFAULT holdfast.new_id() NOT NULL,
    event_id bigint NOT NULL,
    location_id uuid NOT NULL,
    cause text NOT NULL,
    service_id uuid,
    price_cents integer,
    client_id uuid,
    starts_at timestamp with time zone NOT NULL,
    ends_at timestamp with time zone NOT NULL,
    resource_ids uuid[] NOT NULL,
    freed_at timestamp with time zone NOT NULL,
    due_at timestamp with time zone,
    CONSTRAINT waitlist_opening_cause_is_known CHECK ((cause = ANY (ARRAY['cancelled'::text, 'no_show'::text, 'moved'::text, 'block'::text, 'busy'::text, 'hours'::text, 'hold'::text]))),
    CONSTRAINT waitlist_opening_starts_before_end CHECK ((starts_at < ends_at))
);

ALTER TABLE ONLY holdfast.waitlist_opening FORCE ROW LEVEL SECURITY;

CREATE TABLE holdfast.webhook_former_secret (
    organization_id uuid NOT NULL,
    endpoint_id uuid NOT NULL,
    id bigint NOT NULL,
    secret bytea NOT NULL,
    ends_at timestamp with time zone NOT NULL
);

ALTER TABLE ONLY holdfast.webhook_former_secret FORCE ROW LEVEL SECURITY;

ALTER TABLE holdfast.webhook_former_secret ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME holdfast.webhook_former_secret_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE holdfast.weekly_rule (
    organization_id uuid NOT NULL,
    id uuid DEFAULT holdfast.new_id() NOT NULL,
    location_id uuid,
    resource_id uuid,
    kind text NOT NULL,
    weekday integer NOT NULL,
    starts time without time zone NOT NULL,
    ends time without time zone NOT NULL,
    valid_from date,
    valid_until date,
    every_weeks integer DEFAULT 1 NOT NULL,
    anchor date,
    CONSTRAINT weekly_rule_belongs_somewhere CHECK ((num_nonnulls(location_id, resource_id) >= 1)),
    CONSTRAINT weekly_rule_every_weeks_has_anchor CHECK ((((every_weeks >= 1) AND (every_weeks <= 52)) AND ((every_weeks = 1) OR (anchor IS NOT NULL)))),
    CONSTRAINT weekly_rule_is_whole_minutes CHECK (((starts = (date_trunc('minute'::text, (starts)::interval))::time without time zone) AND (ends = (date_trunc('minute'::text, (ends)::interval))::time without time zone) AND (starts < '24:00:00'::time without time zone) AND (ends < '24:00:00'::time without time zone))),
    CONSTRAINT weekly_rule_kind_is_known CHECK ((kind = ANY (ARRAY['hours'::text, 'break'::text]))),
    CONSTRAINT weekly_rule_validity_is_ordered CHECK ((valid_from <= valid_until)),
    CONSTRAINT weekly_rule_weekday_is_known CHECK (((weekday >= 0) AND (weekday <= 6)))
);

ALTER TABLE ONLY holdfast.weekly_rule FORCE ROW LEVEL SECURITY;

ALTER TABLE ONLY holdfast.api_key
    ADD CONSTRAINT api_key_hash_is_unique UNIQUE (key_hash);

ALTER TABLE ONLY holdfast.api_key
    ADD CONSTRAINT api_key_pkey PRIMARY KEY (organization_id, id);

ALTER TABLE ONLY holdfast.appointment
    ADD CONSTRAINT appointment_code_is_unique UNIQUE (organization_id, confirmation_code);

ALTER TABLE ONLY holdfast.appointment
    ADD CONSTRAINT appointment_hold_is_its_own UNIQUE (organization_id, hold_id);

ALTER TABLE ONLY holdfast.appointment
    ADD CONSTRAINT appointment_pkey PRIMARY KEY (organization_id, id);

ALTER TABLE ONLY holdfast.block
    ADD CONSTRAINT block_blocking_is_referable UNIQUE (organization_id, id, blocking);

ALTER TABLE ONLY holdfast.block
    ADD CONSTRAINT block_pkey PRIMARY KEY (organization_id, id);

ALTER TABLE ONLY holdfast.booking_page
    ADD CONSTRAINT booking_page_pkey PRIMARY KEY (organization_id);

ALTER TABLE ONLY holdfast.busy
    ADD CONSTRAINT busy_blocking_is_referable UNIQUE (organization_id, id, blocking);

ALTER TABLE ONLY holdfast.busy
    ADD CONSTRAINT busy_event_is_unique UNIQUE (organization_id, resource_id, source, external_id);

ALTER TABLE ONLY holdfast.busy
    ADD CONSTRAINT busy_pkey PRIMARY KEY (organization_id, id);

ALTER TABLE ONLY holdfast.claim
    ADD CONSTRAINT claim_no_overlap EXCLUDE USING gist (organization_id WITH =, unit_id WITH =, during WITH &&) WHERE ((active AND (NOT overbook)));

ALTER TABLE ONLY holdfast.claim
    ADD CONSTRAINT claim_pkey PRIMARY KEY (organization_id, id);

ALTER TABLE ONLY holdfast.client
    ADD CONSTRAINT client_pkey PRIMARY KEY (organization_id, id);

ALTER TABLE ONLY holdfast.collision
    ADD CONSTRAINT collision_pair_is_unique UNIQUE (organization_id, busy_id, other_id);

ALTER TABLE ONLY holdfast.collision
    ADD CONSTRAINT collision_pkey PRIMARY KEY (organization_id, id);

ALTER TABLE ONLY holdfast.dated_rule
    ADD CONSTRAINT dated_rule_pkey PRIMARY KEY (organization_id, id);

ALTER TABLE ONLY holdfast.delivery_attempt
    ADD CONSTRAINT delivery_attempt_pkey PRIMARY KEY (organization_id, delivery_id, id);

ALTER TABLE ONLY holdfast.delivery
    ADD CONSTRAINT delivery_is_owed_once UNIQUE (organization_id, endpoint_id, event_id);

ALTER TABLE ONLY holdfast.delivery
    ADD CONSTRAINT delivery_pkey PRIMARY KEY (organization_id, id);

ALTER TABLE ONLY holdfast.event
    ADD CONSTRAINT event_pkey PRIMARY KEY (organization_id, id);

ALTER TABLE ONLY holdfast.function_set
    ADD CONSTRAINT function_set_pkey PRIMARY KEY (singleton);

ALTER TABLE ONLY holdfast.hold
    ADD CONSTRAINT hold_blocking_is_referable UNIQUE (organization_id, id, blocking);

ALTER TABLE ONLY holdfast.hold
    ADD CONSTRAINT hold_pkey PRIMARY KEY (organization_id, id);

ALTER TABLE ONLY holdfast.hold_policy
    ADD CONSTRAINT hold_policy_pkey PRIMARY KEY (organization_id, surface);

ALTER TABLE ONLY holdfast.idempotency
    ADD CONSTRAINT idempotency_pkey PRIMARY KEY (organization_id, actor, route, key);

ALTER TABLE ONLY holdfast.inbound_text
    ADD CONSTRAINT inbound_text_pkey PRIMARY KEY (provider_id);

ALTER DOMAIN holdfast.label
    ADD CONSTRAINT label_is_readable CHECK ((((length(VALUE) >= 1) AND (length(VALUE) <= 200)) AND (VALUE !~ '[[:cntrl:]]'::text) AND (VALUE !~ '[\u202a-\u202e\u2066-\u2069]'::text))) NOT VALID;

ALTER TABLE ONLY holdfast.location
    ADD CONSTRAINT location_pkey PRIMARY KEY (organization_id, id);

ALTER TABLE ONLY holdfast.location_quiet_hours
    ADD CONSTRAINT location_quiet_hours_pkey PRIMARY KEY (organization_id, location_id);

ALTER TABLE ONLY holdfast.location
    ADD CONSTRAINT location_slug_is_unique UNIQUE (organization_id, slug);

ALTER TABLE ONLY holdfast.log_epoch
    ADD CONSTRAINT log_epoch_pkey PRIMARY KEY (from_event_id);

ALTER TABLE ONLY holdfast.message
    ADD CONSTRAINT message_is_owed_once UNIQUE (organization_id, appointment_id, kind, lead_minutes, occasion);

ALTER TABLE ONLY holdfast.message
    ADD CONSTRAINT message_pkey PRIMARY KEY (organization_id, id);

ALTER TABLE ONLY holdfast.message_policy
    ADD CONSTRAINT message_policy_pkey PRIMARY KEY (organization_id);

ALTER TABLE ONLY holdfast.message_preference
    ADD CONSTRAINT message_preference_pkey PRIMARY KEY (organization_id, client_id, channel);

ALTER TABLE ONLY holdfast.message_template
    ADD CONSTRAINT message_template_pkey PRIMARY KEY (organization_id, kind, language);

ALTER TABLE ONLY holdfast.migration
    ADD CONSTRAINT migration_pkey PRIMARY KEY (version);

ALTER TABLE ONLY holdfast.offer
    ADD CONSTRAINT offer_pkey PRIMARY KEY (organization_id, id);

ALTER TABLE ONLY holdfast.offer
    ADD CONSTRAINT offer_token_is_unique UNIQUE (token_hash);

ALTER TABLE ONLY holdfast.organization
    ADD CONSTRAINT organization_pkey PRIMARY KEY (id);

ALTER TABLE ONLY holdfast.organization
    ADD CONSTRAINT organization_slug_is_unique UNIQUE (slug);

ALTER TABLE ONLY holdfast.pool_member
    ADD CONSTRAINT pool_member_pkey PRIMARY KEY (organization_id, pool_id, resource_id);

ALTER TABLE ONLY holdfast.pool
    ADD CONSTRAINT pool_pkey PRIMARY KEY (organization_id, id);

ALTER TABLE ONLY holdfast.pool
    ADD CONSTRAINT pool_slug_is_unique UNIQUE (organization_id, slug);

ALTER TABLE ONLY holdfast.queue_schema
    ADD CONSTRAINT queue_schema_pkey PRIMARY KEY (singleton);

ALTER TABLE ONLY holdfast.relay_position
    ADD CONSTRAINT relay_position_pkey PRIMARY KEY (singleton);

ALTER TABLE ONLY holdfast.reminder_rule
    ADD CONSTRAINT reminder_rule_is_one_a_service UNIQUE NULLS NOT DISTINCT (organization_id, service_id);

ALTER TABLE ONLY holdfast.reminder_rule
    ADD CONSTRAINT reminder_rule_pkey PRIMARY KEY (organization_id, id);

ALTER TABLE ONLY holdfast.requirement
    ADD CONSTRAINT requirement_pkey PRIMARY KEY (organization_id, id);

ALTER TABLE ONLY holdfast.requirement
    ADD CONSTRAINT requirement_role_is_unique UNIQUE (organization_id, service_id, role);

ALTER TABLE ONLY holdfast.resource_attribute
    ADD CONSTRAINT resource_attribute_pkey PRIMARY KEY (organization_id, resource_id, name);

ALTER TABLE ONLY holdfast.resource_location
    ADD CONSTRAINT resource_location_pkey PRIMARY KEY (organization_id, resource_id, location_id);

ALTER TABLE ONLY holdfast.resource
    ADD CONSTRAINT resource_pkey PRIMARY KEY (organization_id, id);

ALTER TABLE ONLY holdfast.resource
    ADD CONSTRAINT resource_slug_is_unique UNIQUE (organization_id, slug);

ALTER TABLE ONLY holdfast.series
    ADD CONSTRAINT series_pkey PRIMARY KEY (organization_id, id);

ALTER TABLE holdfast.service_lead
    ADD CONSTRAINT service_lead_can_be_met CHECK ((notice_minutes < ((horizon_days + 1) * 1440))) NOT VALID;

ALTER TABLE ONLY holdfast.service_lead
    ADD CONSTRAINT service_lead_pkey PRIMARY KEY (organization_id, service_id, surface);

ALTER TABLE ONLY holdfast.service_location
    ADD CONSTRAINT service_location_pkey PRIMARY KEY (organization_id, service_id, location_id);

ALTER TABLE ONLY holdfast.service
    ADD CONSTRAINT service_pkey PRIMARY KEY (organization_id, id);

ALTER TABLE ONLY holdfast.service
    ADD CONSTRAINT service_slug_is_unique UNIQUE (organization_id, slug);

ALTER TABLE ONLY holdfast.staff
    ADD CONSTRAINT staff_email_is_unique EXCLUDE USING btree (organization_id WITH =, email WITH =) WHERE ((retired_at IS NULL));

ALTER TABLE ONLY holdfast.staff_link
    ADD CONSTRAINT staff_link_pkey PRIMARY KEY (organization_id, id);

ALTER TABLE ONLY holdfast.staff_link
    ADD CONSTRAINT staff_link_token_is_unique UNIQUE (token_hash);

ALTER TABLE ONLY holdfast.staff
    ADD CONSTRAINT staff_pkey PRIMARY KEY (organization_id, id);

ALTER TABLE ONLY holdfast.staff_recovery_code
    ADD CONSTRAINT staff_recovery_code_pkey PRIMARY KEY (organization_id, staff_id, code_hash);

ALTER TABLE ONLY holdfast.staff_session
    ADD CONSTRAINT staff_session_pkey PRIMARY KEY (organization_id, id);

ALTER TABLE ONLY holdfast.staff_session
    ADD CONSTRAINT staff_session_token_is_unique UNIQUE (token_hash);

ALTER TABLE ONLY holdfast.unit
    ADD CONSTRAINT unit_ordinal_is_unique UNIQUE (organization_id, resource_id, ordinal);

ALTER TABLE ONLY holdfast.unit
    ADD CONSTRAINT unit_pkey PRIMARY KEY (organization_id, id);

ALTER TABLE ONLY holdfast.visit_link
    ADD CONSTRAINT visit_link_pkey PRIMARY KEY (organization_id, id);

ALTER TABLE ONLY holdfast.visit_link
    ADD CONSTRAINT visit_link_token_is_unique UNIQUE (token_hash);

ALTER TABLE ONLY holdfast.visit
    ADD CONSTRAINT visit_pkey PRIMARY KEY (organization_id, id);

ALTER TABLE ONLY holdfast.waitlist_entry
    ADD CONSTRAINT waitlist_entry_pkey PRIMARY KEY (organization_id, id);

ALTER TABLE ONLY holdfast.waitlist_opening
    ADD CONSTRAINT waitlist_opening_is_found_once UNIQUE (organization_id, event_id, location_id);

ALTER TABLE ONLY holdfast.waitlist_opening
    ADD CONSTRAINT waitlist_opening_pkey PRIMARY KEY (organization_id, id);

ALTER TABLE ONLY holdfast.waitlist_policy
    ADD CONSTRAINT waitlist_policy_pkey PRIMARY KEY (organization_id, service_id);

ALTER TABLE ONLY holdfast.webhook_endpoint
    ADD CONSTRAINT webhook_endpoint_pkey PRIMARY KEY (organization_id, id);

ALTER TABLE ONLY holdfast.webhook_former_secret
    ADD CONSTRAINT webhook_former_secret_pkey PRIMARY KEY (organization_id, endpoint_id, id);

ALTER TABLE ONLY holdfast.weekly_rule
    ADD CONSTRAINT weekly_rule_pkey PRIMARY KEY (organization_id, id);

CREATE INDEX appointment_client ON holdfast.appointment USING btree (organization_id, client_id, starts_at);

CREATE INDEX appointment_starts_at ON holdfast.appointment USING btree (organization_id, starts_at, id);

CREATE INDEX block_resource ON holdfast.block USING btree (organization_id, resource_id, ends_at) WHERE (removed_at IS NULL);

CREATE INDEX busy_time ON holdfast.busy USING gist (organization_id, resource_id, tstzrange(starts_at, ends_at)) WHERE (removed_at IS NULL);

CREATE INDEX claim_block ON holdfast.claim USING btree (organization_id, block_id) WHERE (block_id IS NOT NULL);

CREATE INDEX claim_busy ON holdfast.claim USING btree (organization_id, busy_id) WHERE (busy_id IS NOT NULL);

CREATE INDEX claim_hold ON holdfast.claim USING btree (organization_id, hold_id) WHERE (hold_id IS NOT NULL);

CREATE INDEX claim_overbook ON holdfast.claim USING btree (organization_id, unit_id) WHERE (active AND overbook);

CREATE INDEX client_email ON holdfast.client USING btree (organization_id, email) WHERE (email IS NOT NULL);

CREATE INDEX client_latest ON holdfast.client USING btree (organization_id, created_at, id);

CREATE INDEX client_phone ON holdfast.client USING btree (organization_id, phone) WHERE (phone IS NOT NULL);

CREATE INDEX client_search ON holdfast.client USING gin (holdfast.client_terms(organization_id, (name)::text, email, phone));

CREATE INDEX collision_open ON holdfast.collision USING btree (organization_id, starts_at) WHERE (resolved_at IS NULL);

CREATE INDEX collision_open_other ON holdfast.collision USING btree (organization_id, other_id) WHERE (resolved_at IS NULL);

CREATE INDEX delivery_dead ON holdfast.delivery USING btree (organization_id, settled_at) WHERE (state = 'dead'::text);

CREATE INDEX delivery_due ON holdfast.delivery USING btree (next_attempt_at) WHERE (state = 'pending'::text);

CREATE INDEX delivery_list ON holdfast.delivery USING btree (organization_id, created_at, id);

CREATE INDEX delivery_pending ON holdfast.delivery USING btree (organization_id, endpoint_id, event_id) WHERE (state = 'pending'::text);

CREATE INDEX delivery_unsettled ON holdfast.delivery USING btree (organization_id, endpoint_id, subject_id, event_id) WHERE (state = ANY (ARRAY['pending'::text, 'dead'::text]));

CREATE INDEX event_commit_order ON holdfast.event USING btree (transaction_id, id);

CREATE INDEX event_subject ON holdfast.event USING btree (organization_id, subject_id, id);

CREATE INDEX hold_live_by_expiry ON holdfast.hold USING btree (organization_id, expires_at) WHERE (state = 'live'::text);

CREATE INDEX hold_live_by_network ON holdfast.hold USING btree (organization_id, network) WHERE ((state = 'live'::text) AND (network IS NOT NULL));

CREATE INDEX hold_live_by_visitor ON holdfast.hold USING btree (organization_id, visitor) WHERE ((state = 'live'::text) AND (visitor IS NOT NULL));

CREATE INDEX hold_recent_by_network ON holdfast.hold USING btree (organization_id, network, created_at) WHERE (network IS NOT NULL);

CREATE INDEX hold_visit ON holdfast.hold USING btree (organization_id, visit_id) WHERE (visit_id IS NOT NULL);

CREATE INDEX idempotency_created_at ON holdfast.idempotency USING btree (created_at);

CREATE INDEX inbound_text_taken ON holdfast.inbound_text USING btree (taken_at);

CREATE INDEX message_client ON holdfast.message USING btree (organization_id, client_id) WHERE (state = 'sent'::text);

CREATE INDEX message_dead ON holdfast.message USING btree (organization_id, settled_at) WHERE (state = 'dead'::text);

CREATE INDEX message_due ON holdfast.message USING btree (next_attempt_at) WHERE (state = 'pending'::text);

CREATE INDEX message_list ON holdfast.message USING btree (organization_id, created_at, id);

CREATE UNIQUE INDEX message_offer_is_told_once ON holdfast.message USING btree (organization_id, offer_id) WHERE (offer_id IS NOT NULL);

CREATE INDEX message_provider ON holdfast.message USING btree (provider_id) WHERE (provider_id IS NOT NULL);

CREATE INDEX offer_entry ON holdfast.offer USING btree (organization_id, entry_id, sent_at);

CREATE INDEX offer_hold ON holdfast.offer USING btree (organization_id, hold_id);

CREATE UNIQUE INDEX offer_is_the_only_accepted_one ON holdfast.offer USING btree (organization_id, hold_id) WHERE (state = 'accepted'::text);

CREATE UNIQUE INDEX offer_is_the_only_open_one ON holdfast.offer USING btree (organization_id, entry_id) WHERE (state = 'open'::text);

CREATE INDEX offer_open ON holdfast.offer USING btree (expires_at) WHERE (state = 'open'::text);

CREATE INDEX offer_opening ON holdfast.offer USING btree (organization_id, opening_id);

CREATE INDEX sign_in_attempt_by_account ON holdfast.sign_in_attempt USING btree (organization_id, account, at);

CREATE INDEX sign_in_attempt_by_network ON holdfast.sign_in_attempt USING btree (organization_id, network, at);

CREATE INDEX staff_session_of_staff ON holdfast.staff_session USING btree (organization_id, staff_id) WHERE (ended_at IS NULL);

CREATE INDEX visit_link_of_appointment ON holdfast.visit_link USING btree (organization_id, appointment_id);

CREATE INDEX visit_series ON holdfast.visit USING btree (organization_id, series_id) WHERE (series_id IS NOT NULL);

CREATE INDEX waitlist_entry_client ON holdfast.waitlist_entry USING btree (organization_id, client_id) WHERE (state = ANY (ARRAY['waiting'::text, 'offered'::text]));

CREATE INDEX waitlist_entry_network ON holdfast.waitlist_entry USING btree (organization_id, network, joined_at) WHERE (network IS NOT NULL);

CREATE INDEX waitlist_entry_waiting ON holdfast.waitlist_entry USING btree (organization_id, joined_at, id) WHERE (state = ANY (ARRAY['waiting'::text, 'offered'::text]));

CREATE INDEX waitlist_opening_due ON holdfast.waitlist_opening USING btree (due_at) WHERE (due_at IS NOT NULL);

CREATE INDEX waitlist_opening_ends ON holdfast.waitlist_opening USING btree (organization_id, ends_at);

CREATE INDEX waitlist_opening_freed ON holdfast.waitlist_opening USING btree (organization_id, freed_at);

CREATE TRIGGER record_change AFTER INSERT OR DELETE OR UPDATE ON holdfast.dated_rule FOR EACH ROW EXECUTE FUNCTION holdfast.record_catalog_change('id');

CREATE TRIGGER record_change AFTER INSERT OR DELETE OR UPDATE ON holdfast.hold_policy FOR EACH ROW EXECUTE FUNCTION holdfast.record_catalog_change('organization_id');

CREATE TRIGGER record_change AFTER INSERT OR DELETE OR UPDATE ON holdfast.location FOR EACH ROW EXECUTE FUNCTION holdfast.record_catalog_change('id');

CREATE TRIGGER record_change AFTER INSERT OR DELETE OR UPDATE OF slug, name, currency, assign, rank ON holdfast.organization FOR EACH ROW EXECUTE FUNCTION holdfast.record_catalog_change('id');

CREATE TRIGGER record_change AFTER INSERT OR DELETE OR UPDATE ON holdfast.pool FOR EACH ROW EXECUTE FUNCTION holdfast.record_catalog_change('id');

CREATE TRIGGER record_change AFTER INSERT OR DELETE OR UPDATE ON holdfast.pool_member FOR EACH ROW EXECUTE FUNCTION holdfast.record_catalog_change('pool_id');

CREATE TRIGGER record_change AFTER INSERT OR DELETE OR UPDATE ON holdfast.requirement FOR EACH ROW EXECUTE FUNCTION holdfast.record_catalog_change('id');

CREATE TRIGGER record_change AFTER INSERT OR DELETE OR UPDATE ON holdfast.resource FOR EACH ROW EXECUTE FUNCTION holdfast.record_catalog_change('id');

CREATE TRIGGER record_change AFTER INSERT OR DELETE OR UPDATE ON holdfast.resource_attribute FOR EACH ROW EXECUTE FUNCTION holdfast.record_catalog_change('resource_id');

CREATE TRIGGER record_change AFTER INSERT OR DELETE OR UPDATE ON holdfast.resource_location FOR EACH ROW EXECUTE FUNCTION holdfast.record_catalog_change('resource_id');

CREATE TRIGGER record_change AFTER INSERT OR DELETE OR UPDATE ON holdfast.service FOR EACH ROW EXECUTE FUNCTION holdfast.record_catalog_change('id');

CREATE TRIGGER record_change AFTER INSERT OR DELETE OR UPDATE ON holdfast.service_lead FOR EACH ROW EXECUTE FUNCTION holdfast.record_catalog_change('service_id');

CREATE TRIGGER record_change AFTER INSERT OR DELETE OR UPDATE ON holdfast.service_location FOR EACH ROW EXECUTE FUNCTION holdfast.record_catalog_change('service_id');

CREATE TRIGGER record_change AFTER INSERT OR DELETE OR UPDATE ON holdfast.unit FOR EACH ROW EXECUTE FUNCTION holdfast.record_catalog_change('id');

CREATE TRIGGER record_change AFTER INSERT OR DELETE OR UPDATE ON holdfast.weekly_rule FOR EACH ROW EXECUTE FUNCTION holdfast.record_catalog_change('id');

ALTER TABLE ONLY holdfast.api_key
    ADD CONSTRAINT api_key_organization_id_fkey FOREIGN KEY (organization_id) REFERENCES holdfast.organization(id);

ALTER TABLE ONLY holdfast.appointment
    ADD CONSTRAINT appointment_blocks_as_its_hold FOREIGN KEY (organization_id, hold_id, blocking) REFERENCES holdfast.hold(organization_id, id, blocking) DEFERRABLE INITIALLY DEFERRED;

ALTER TABLE ONLY holdfast.appointment
    ADD CONSTRAINT appointment_client_exists FOREIGN KEY (organization_id, client_id) REFERENCES holdfast.client(organization_id, id);

ALTER TABLE ONLY holdfast.appointment
    ADD CONSTRAINT appointment_location_exists FOREIGN KEY (organization_id, location_id) REFERENCES holdfast.location(organization_id, id);

ALTER TABLE ONLY holdfast.appointment
    ADD CONSTRAINT appointment_organization_id_fkey FOREIGN KEY (organization_id) REFERENCES holdfast.organization(id);

ALTER TABLE ONLY holdfast.appointment
    ADD CONSTRAINT appointment_service_exists FOREIGN KEY (organization_id, service_id) REFERENCES holdfast.service(organization_id, id);

ALTER TABLE ONLY holdfast.block
    ADD CONSTRAINT block_organization_id_fkey FOREIGN KEY (organization_id) REFERENCES holdfast.organization(id);

ALTER TABLE ONLY holdfast.block
    ADD CONSTRAINT block_resource_exists FOREIGN KEY (organization_id, resource_id) REFERENCES holdfast.resource(organization_id, id);

ALTER TABLE ONLY holdfast.booking_page
    ADD CONSTRAINT booking_page_organization_id_fkey FOREIGN KEY (organization_id) REFERENCES holdfast.organization(id);

ALTER TABLE ONLY holdfast.busy
    ADD CONSTRAINT busy_organization_id_fkey FOREIGN KEY (organization_id) REFERENCES holdfast.organization(id);

ALTER TABLE ONLY holdfast.busy
    ADD CONSTRAINT busy_resource_exists FOREIGN KEY (organization_id, resource_id) REFERENCES holdfast.resource(organization_id, id);

ALTER TABLE ONLY holdfast.claim
    ADD CONSTRAINT claim_active_as_its_block FOREIGN KEY (organization_id, block_id, active) REFERENCES holdfast.block(organization_id, id, blocking) ON UPDATE CASCADE DEFERRABLE;

ALTER TABLE ONLY holdfast.claim
    ADD CONSTRAINT claim_active_as_its_busy FOREIGN KEY (organization_id, busy_id, active) REFERENCES holdfast.busy(organization_id, id, blocking) ON UPDATE CASCADE DEFERRABLE;

ALTER TABLE ONLY holdfast.claim
    ADD CONSTRAINT claim_active_as_its_hold FOREIGN KEY (organization_id, hold_id, active) REFERENCES holdfast.hold(organization_id, id, blocking) ON UPDATE CASCADE DEFERRABLE;

ALTER TABLE ONLY holdfast.claim
    ADD CONSTRAINT claim_unit_exists FOREIGN KEY (organization_id, unit_id) REFERENCES holdfast.unit(organization_id, id);

ALTER TABLE ONLY holdfast.client
    ADD CONSTRAINT client_organization_id_fkey FOREIGN KEY (organization_id) REFERENCES holdfast.organization(id);

ALTER TABLE ONLY holdfast.collision
    ADD CONSTRAINT collision_busy_exists FOREIGN KEY (organization_id, busy_id) REFERENCES holdfast.busy(organization_id, id);

ALTER TABLE ONLY holdfast.collision
    ADD CONSTRAINT collision_organization_id_fkey FOREIGN KEY (organization_id) REFERENCES holdfast.organization(id);

ALTER TABLE ONLY holdfast.collision
    ADD CONSTRAINT collision_resource_exists FOREIGN KEY (organization_id, resource_id) REFERENCES holdfast.resource(organization_id, id);

ALTER TABLE ONLY holdfast.dated_rule
    ADD CONSTRAINT dated_rule_location_exists FOREIGN KEY (organization_id, location_id) REFERENCES holdfast.location(organization_id, id);

ALTER TABLE ONLY holdfast.dated_rule
    ADD CONSTRAINT dated_rule_organization_id_fkey FOREIGN KEY (organization_id) REFERENCES holdfast.organization(id);

ALTER TABLE ONLY holdfast.dated_rule
    ADD CONSTRAINT dated_rule_resource_exists FOREIGN KEY (organization_id, resource_id) REFERENCES holdfast.resource(organization_id, id);

ALTER TABLE ONLY holdfast.delivery_attempt
    ADD CONSTRAINT delivery_attempt_delivery_exists FOREIGN KEY (organization_id, delivery_id) REFERENCES holdfast.delivery(organization_id, id) ON DELETE CASCADE;

ALTER TABLE ONLY holdfast.delivery
    ADD CONSTRAINT delivery_endpoint_exists FOREIGN KEY (organization_id, endpoint_id) REFERENCES holdfast.webhook_endpoint(organization_id, id);

ALTER TABLE ONLY holdfast.delivery
    ADD CONSTRAINT delivery_event_exists FOREIGN KEY (organization_id, event_id) REFERENCES holdfast.event(organization_id, id);

ALTER TABLE ONLY holdfast.event
    ADD CONSTRAINT event_organization_id_fkey FOREIGN KEY (organization_id) REFERENCES holdfast.organization(id);

ALTER TABLE ONLY holdfast.hold
    ADD CONSTRAINT hold_location_exists FOREIGN KEY (organization_id, location_id) REFERENCES holdfast.location(organization_id, id);

ALTER TABLE ONLY holdfast.hold
    ADD CONSTRAINT hold_organization_id_fkey FOREIGN KEY (organization_id) REFERENCES holdfast.organization(id);

ALTER TABLE ONLY holdfast.hold_policy
    ADD CONSTRAINT hold_policy_organization_id_fkey FOREIGN KEY (organization_id) REFERENCES holdfast.organization(id);

ALTER TABLE ONLY holdfast.hold
    ADD CONSTRAINT hold_service_exists FOREIGN KEY (organization_id, service_id) REFERENCES holdfast.service(organization_id, id);

ALTER TABLE ONLY holdfast.hold
    ADD CONSTRAINT hold_visit_exists FOREIGN KEY (organization_id, visit_id) REFERENCES holdfast.visit(organization_id, id) DEFERRABLE INITIALLY DEFERRED;

ALTER TABLE ONLY holdfast.idempotency
    ADD CONSTRAINT idempotency_organization_id_fkey FOREIGN KEY (organization_id) REFERENCES holdfast.organization(id);

ALTER TABLE ONLY holdfast.location
    ADD CONSTRAINT location_organization_id_fkey FOREIGN KEY (organization_id) REFERENCES holdfast.organization(id);

ALTER TABLE ONLY holdfast.location_quiet_hours
    ADD CONSTRAINT location_quiet_hours_location_exists FOREIGN KEY (organization_id, location_id) REFERENCES holdfast.location(organization_id, id);

ALTER TABLE ONLY holdfast.message
    ADD CONSTRAINT message_appointment_exists FOREIGN KEY (organization_id, appointment_id) REFERENCES holdfast.appointment(organization_id, id);

ALTER TABLE ONLY holdfast.message
    ADD CONSTRAINT message_client_exists FOREIGN KEY (organization_id, client_id) REFERENCES holdfast.client(organization_id, id);

ALTER TABLE ONLY holdfast.message
    ADD CONSTRAINT message_offer_exists FOREIGN KEY (organization_id, offer_id) REFERENCES holdfast.offer(organization_id, id);

ALTER TABLE ONLY holdfast.message_policy
    ADD CONSTRAINT message_policy_organization_id_fkey FOREIGN KEY (organization_id) REFERENCES holdfast.organization(id);

ALTER TABLE ONLY holdfast.message_preference
    ADD CONSTRAINT message_preference_client_exists FOREIGN KEY (organization_id, client_id) REFERENCES holdfast.client(organization_id, id);

ALTER TABLE ONLY holdfast.message_template
    ADD CONSTRAINT message_template_organization_id_fkey FOREIGN KEY (organization_id) REFERENCES holdfast.organization(id);

ALTER TABLE ONLY holdfast.offer
    ADD CONSTRAINT offer_appointment_exists FOREIGN KEY (organization_id, appointment_id) REFERENCES holdfast.appointment(organization_id, id);

ALTER TABLE ONLY holdfast.offer
    ADD CONSTRAINT offer_entry_exists FOREIGN KEY (organization_id, entry_id) REFERENCES holdfast.waitlist_entry(organization_id, id);

ALTER TABLE ONLY holdfast.offer
    ADD CONSTRAINT offer_hold_exists FOREIGN KEY (organization_id, hold_id) REFERENCES holdfast.hold(organization_id, id);

ALTER TABLE ONLY holdfast.offer
    ADD CONSTRAINT offer_opening_exists FOREIGN KEY (organization_id, opening_id) REFERENCES holdfast.waitlist_opening(organization_id, id);

ALTER TABLE ONLY holdfast.offer
    ADD CONSTRAINT offer_organization_id_fkey FOREIGN KEY (organization_id) REFERENCES holdfast.organization(id);

ALTER TABLE ONLY holdfast.pool_member
    ADD CONSTRAINT pool_member_pool_exists FOREIGN KEY (organization_id, pool_id) REFERENCES holdfast.pool(organization_id, id);

ALTER TABLE ONLY holdfast.pool_member
    ADD CONSTRAINT pool_member_resource_exists FOREIGN KEY (organization_id, resource_id) REFERENCES holdfast.resource(organization_id, id);

ALTER TABLE ONLY holdfast.pool
    ADD CONSTRAINT pool_organization_id_fkey FOREIGN KEY (organization_id) REFERENCES holdfast.organization(id);

ALTER TABLE ONLY holdfast.reminder_rule
    ADD CONSTRAINT reminder_rule_organization_id_fkey FOREIGN KEY (organization_id) REFERENCES holdfast.organization(id);

ALTER TABLE ONLY holdfast.reminder_rule
    ADD CONSTRAINT reminder_rule_service_exists FOREIGN KEY (organization_id, service_id) REFERENCES holdfast.service(organization_id, id);

ALTER TABLE ONLY holdfast.requirement
    ADD CONSTRAINT requirement_pool_exists FOREIGN KEY (organization_id, pool_id) REFERENCES holdfast.pool(organization_id, id);

ALTER TABLE ONLY holdfast.requirement
    ADD CONSTRAINT requirement_service_exists FOREIGN KEY (organization_id, service_id) REFERENCES holdfast.service(organization_id, id);

ALTER TABLE ONLY holdfast.resource_attribute
    ADD CONSTRAINT resource_attribute_resource_exists FOREIGN KEY (organization_id, resource_id) REFERENCES holdfast.resource(organization_id, id);

ALTER TABLE ONLY holdfast.resource_location
    ADD CONSTRAINT resource_location_location_exists FOREIGN KEY (organization_id, location_id) REFERENCES holdfast.location(organization_id, id);

ALTER TABLE ONLY holdfast.resource_location
    ADD CONSTRAINT resource_location_resource_exists FOREIGN KEY (organization_id, resource_id) REFERENCES holdfast.resource(organization_id, id);

ALTER TABLE ONLY holdfast.resource
    ADD CONSTRAINT resource_merged_into_exists FOREIGN KEY (organization_id, merged_into_id) REFERENCES holdfast.resource(organization_id, id);

ALTER TABLE ONLY holdfast.resource
    ADD CONSTRAINT resource_organization_id_fkey FOREIGN KEY (organization_id) REFERENCES holdfast.organization(id);

ALTER TABLE ONLY holdfast.series
    ADD CONSTRAINT series_location_exists FOREIGN KEY (organization_id, location_id) REFERENCES holdfast.location(organization_id, id);

ALTER TABLE ONLY holdfast.series
    ADD CONSTRAINT series_organization_id_fkey FOREIGN KEY (organization_id) REFERENCES holdfast.organization(id);

ALTER TABLE ONLY holdfast.service_lead
    ADD CONSTRAINT service_lead_service_exists FOREIGN KEY (organization_id, service_id) REFERENCES holdfast.service(organization_id, id);

ALTER TABLE ONLY holdfast.service_location
    ADD CONSTRAINT service_location_location_exists FOREIGN KEY (organization_id, location_id) REFERENCES holdfast.location(organization_id, id);

ALTER TABLE ONLY holdfast.service_location
    ADD CONSTRAINT service_location_service_exists FOREIGN KEY (organization_id, service_id) REFERENCES holdfast.service(organization_id, id);

ALTER TABLE ONLY holdfast.service
    ADD CONSTRAINT service_organization_id_fkey FOREIGN KEY (organization_id) REFERENCES holdfast.organization(id);

ALTER TABLE ONLY holdfast.sign_in_attempt
    ADD CONSTRAINT sign_in_attempt_organization_id_fkey FOREIGN KEY (organization_id) REFERENCES holdfast.organization(id);

ALTER TABLE ONLY holdfast.staff_link
    ADD CONSTRAINT staff_link_staff_exists FOREIGN KEY (organization_id, staff_id) REFERENCES holdfast.staff(organization_id, id);

ALTER TABLE ONLY holdfast.staff
    ADD CONSTRAINT staff_organization_id_fkey FOREIGN KEY (organization_id) REFERENCES holdfast.organization(id);

ALTER TABLE ONLY holdfast.staff_recovery_code
    ADD CONSTRAINT staff_recovery_code_staff_exists FOREIGN KEY (organization_id, staff_id) REFERENCES holdfast.staff(organization_id, id);

ALTER TABLE ONLY holdfast.staff
    ADD CONSTRAINT staff_resource_exists FOREIGN KEY (organization_id, resource_id) REFERENCES holdfast.resource(organization_id, id);

ALTER TABLE ONLY holdfast.staff_session
    ADD CONSTRAINT staff_session_staff_exists FOREIGN KEY (organization_id, staff_id) REFERENCES holdfast.staff(organization_id, id);

ALTER TABLE ONLY holdfast.unit
    ADD CONSTRAINT unit_resource_exists FOREIGN KEY (organization_id, resource_id) REFERENCES holdfast.resource(organization_id, id);

ALTER TABLE ONLY holdfast.visit_link
    ADD CONSTRAINT visit_link_appointment_exists FOREIGN KEY (organization_id, appointment_id) REFERENCES holdfast.appointment(organization_id, id);

ALTER TABLE ONLY holdfast.visit
    ADD CONSTRAINT visit_location_exists FOREIGN KEY (organization_id, location_id) REFERENCES holdfast.location(organization_id, id);

ALTER TABLE ONLY holdfast.visit
    ADD CONSTRAINT visit_organization_id_fkey FOREIGN KEY (organization_id) REFERENCES holdfast.organization(id);

ALTER TABLE ONLY holdfast.visit
    ADD CONSTRAINT visit_series_exists FOREIGN KEY (organization_id, series_id) REFERENCES holdfast.series(organization_id, id) DEFERRABLE INITIALLY DEFERRED;

ALTER TABLE ONLY holdfast.waitlist_entry
    ADD CONSTRAINT waitlist_entry_appointment_exists FOREIGN KEY (organization_id, appointment_id) REFERENCES holdfast.appointment(organization_id, id);

ALTER TABLE ONLY holdfast.waitlist_entry
    ADD CONSTRAINT waitlist_entry_client_exists FOREIGN KEY (organization_id, client_id) REFERENCES holdfast.client(organization_id, id);

ALTER TABLE ONLY holdfast.waitlist_entry
    ADD CONSTRAINT waitlist_entry_organization_id_fkey FOREIGN KEY (organization_id) REFERENCES holdfast.organization(id);

ALTER TABLE ONLY holdfast.waitlist_opening
    ADD CONSTRAINT waitlist_opening_event_exists FOREIGN KEY (organization_id, event_id) REFERENCES holdfast.event(organization_id, id);

ALTER TABLE ONLY holdfast.waitlist_opening
    ADD CONSTRAINT waitlist_opening_location_exists FOREIGN KEY (organization_id, location_id) REFERENCES holdfast.location(organization_id, id);

ALTER TABLE ONLY holdfast.waitlist_opening
    ADD CONSTRAINT waitlist_opening_organization_id_fkey FOREIGN KEY (organization_id) REFERENCES holdfast.organization(id);

ALTER TABLE ONLY holdfast.waitlist_policy
    ADD CONSTRAINT waitlist_policy_service_exists FOREIGN KEY (organization_id, service_id) REFERENCES holdfast.service(organization_id, id);

ALTER TABLE ONLY holdfast.webhook_endpoint
    ADD CONSTRAINT webhook_endpoint_organization_id_fkey FOREIGN KEY (organization_id) REFERENCES holdfast.organization(id);

ALTER TABLE ONLY holdfast.webhook_former_secret
    ADD CONSTRAINT webhook_former_secret_endpoint_exists FOREIGN KEY (organization_id, endpoint_id) REFERENCES holdfast.webhook_endpoint(organization_id, id);

ALTER TABLE ONLY holdfast.weekly_rule
    ADD CONSTRAINT weekly_rule_location_exists FOREIGN KEY (organization_id, location_id) REFERENCES holdfast.location(organization_id, id);

ALTER TABLE ONLY holdfast.weekly_rule
    ADD CONSTRAINT weekly_rule_organization_id_fkey FOREIGN KEY (organization_id) REFERENCES holdfast.organization(id);

ALTER TABLE ONLY holdfast.weekly_rule
    ADD CONSTRAINT weekly_rule_resource_exists FOREIGN KEY (organization_id, resource_id) REFERENCES holdfast.resource(organization_id, id);

ALTER TABLE holdfast.api_key ENABLE ROW LEVEL SECURITY;

ALTER TABLE holdfast.appointment ENABLE ROW LEVEL SECURITY;

ALTER TABLE holdfast.block ENABLE ROW LEVEL SECURITY;

ALTER TABLE holdfast.booking_page ENABLE ROW LEVEL SECURITY;

ALTER TABLE holdfast.busy ENABLE ROW LEVEL SECURITY;

ALTER TABLE holdfast.claim ENABLE ROW LEVEL SECURITY;

ALTER TABLE holdfast.client ENABLE ROW LEVEL SECURITY;

ALTER TABLE holdfast.collision ENABLE ROW LEVEL SECURITY;

ALTER TABLE holdfast.dated_rule ENABLE ROW LEVEL SECURITY;

ALTER TABLE holdfast.delivery ENABLE ROW LEVEL SECURITY;

ALTER TABLE holdfast.delivery_attempt ENABLE ROW LEVEL SECURITY;

ALTER TABLE holdfast.event ENABLE ROW LEVEL SECURITY;

ALTER TABLE holdfast.hold ENABLE ROW LEVEL SECURITY;

ALTER TABLE holdfast.hold_policy ENABLE ROW LEVEL SECURITY;

ALTER TABLE holdfast.idempotency ENABLE ROW LEVEL SECURITY;

ALTER TABLE holdfast.inbound_text ENABLE ROW LEVEL SECURITY;

ALTER TABLE holdfast.location ENABLE ROW LEVEL SECURITY;

ALTER TABLE holdfast.location_quiet_hours ENABLE ROW LEVEL SECURITY;

ALTER TABLE holdfast.log_epoch ENABLE ROW LEVEL SECURITY;

ALTER TABLE holdfast.message ENABLE ROW LEVEL SECURITY;

ALTER TABLE holdfast.message_policy ENABLE ROW LEVEL SECURITY;

ALTER TABLE holdfast.message_preference ENABLE ROW LEVEL SECURITY;

ALTER TABLE holdfast.message_template ENABLE ROW LEVEL SECURITY;

CREATE POLICY of_every_organization ON holdfast.log_epoch FOR SELECT TO holdfast_app USING (true);

ALTER TABLE holdfast.offer ENABLE ROW LEVEL SECURITY;

ALTER TABLE holdfast.organization ENABLE ROW LEVEL SECURITY;

CREATE POLICY own_organization ON holdfast.api_key FOR SELECT TO holdfast_app USING ((organization_id = holdfast.current_organization()));

CREATE POLICY own_organization ON holdfast.appointment FOR SELECT TO holdfast_app USING ((organization_id = holdfast.current_organization()));

CREATE POLICY own_organization ON holdfast.block FOR SELECT TO holdfast_app USING ((organization_id = holdfast.current_organization()));

CREATE POLICY own_organization ON holdfast.booking_page FOR SELECT TO holdfast_app USING ((organization_id = holdfast.current_organization()));

CREATE POLICY own_organization ON holdfast.busy FOR SELECT TO holdfast_app USING ((organization_id = holdfast.current_organization()));

CREATE POLICY own_organization ON holdfast.claim FOR SELECT TO holdfast_app USING ((organization_id = holdfast.current_organization()));

CREATE POLICY own_organization ON holdfast.client FOR SELECT TO holdfast_app USING ((organization_id = holdfast.current_organization()));

CREATE POLICY own_organization ON holdfast.collision FOR SELECT TO holdfast_app USING ((organization_id = holdfast.current_organization()));

CREATE POLICY own_organization ON holdfast.dated_rule FOR SELECT TO holdfast_app USING ((organization_id = holdfast.current_organization()));

CREATE POLICY own_organization ON holdfast.delivery FOR SELECT TO holdfast_app USING ((organization_id = holdfast.current_organization()));

CREATE POLICY own_organization ON holdfast.delivery_attempt FOR SELECT TO holdfast_app USING ((organization_id = holdfast.current_organization()));

CREATE POLICY own_organization ON holdfast.event FOR SELECT TO holdfast_app USING ((organization_id = holdfast.current_organization()));

CREATE POLICY own_organization ON holdfast.hold FOR SELECT TO holdfast_app USING ((organization_id = holdfast.current_organization()));

CREATE POLICY own_organization ON holdfast.hold_policy FOR SELECT TO holdfast_app USING ((organization_id = holdfast.current_organization()));

CREATE POLICY own_organization ON holdfast.idempotency FOR SELECT TO holdfast_app USING ((organization_id = holdfast.current_organization()));

CREATE POLICY own_organization ON holdfast.location FOR SELECT TO holdfast_app USING ((organization_id = holdfast.current_organization()));

CREATE POLICY own_organization ON holdfast.location_quiet_hours FOR SELECT TO holdfast_app USING ((organization_id = holdfast.current_organization()));

CREATE POLICY own_organization ON holdfast.message FOR SELECT TO holdfast_app USING ((organization_id = holdfast.current_organization()));

CREATE POLICY own_organization ON holdfast.message_policy FOR SELECT TO holdfast_app USING ((organization_id = holdfast.current_organization()));

CREATE POLICY own_organization ON holdfast.message_preference FOR SELECT TO holdfast_app USING ((organization_id = holdfast.current_organization()));

CREATE POLICY own_organization ON holdfast.message_template FOR SELECT TO holdfast_app USING ((organization_id = holdfast.current_organization()));

CREATE POLICY own_organization ON holdfast.offer FOR SELECT TO holdfast_app USING ((organization_id = holdfast.current_organization()));

CREATE POLICY own_organization ON holdfast.organization FOR SELECT TO holdfast_app USING ((id = holdfast.current_organization()));

CREATE POLICY own_organization ON holdfast.pool FOR SELECT TO holdfast_app USING ((organization_id = holdfast.current_organization()));

CREATE POLICY own_organization ON holdfast.pool_member FOR SELECT TO holdfast_app USING ((organization_id = holdfast.current_organization()));

CREATE POLICY own_organization ON holdfast.reminder_rule FOR SELECT TO holdfast_app USING ((organization_id = holdfast.current_organization()));

CREATE POLICY own_organization ON holdfast.requirement FOR SELECT TO holdfast_app USING ((organization_id = holdfast.current_organization()));

CREATE POLICY own_organization ON holdfast.resource FOR SELECT TO holdfast_app USING ((organization_id = holdfast.current_organization()));

CREATE POLICY own_organization ON holdfast.resource_attribute FOR SELECT TO holdfast_app USING ((organization_id = holdfast.current_organization()));

CREATE POLICY own_organization ON holdfast.resource_location FOR SELECT TO holdfast_app USING ((organization_id = holdfast.current_organization()));

CREATE POLICY own_organization ON holdfast.series FOR SELECT TO holdfast_app USING ((organization_id = holdfast.current_organization()));

CREATE POLICY own_organization ON holdfast.service FOR SELECT TO holdfast_app USING ((organization_id = holdfast.current_organization()));

CREATE POLICY own_organization ON holdfast.service_lead FOR SELECT TO holdfast_app USING ((organization_id = holdfast.current_organization()));

CREATE POLICY own_organization ON holdfast.service_location FOR SELECT TO holdfast_app USING ((organization_id = holdfast.current_organization()));

CREATE POLICY own_organization ON holdfast.sign_in_attempt FOR SELECT TO holdfast_app USING ((organization_id = holdfast.current_organization()));

CREATE POLICY own_organization ON holdfast.staff FOR SELECT TO holdfast_app USING ((organization_id = holdfast.current_organization()));

CREATE POLICY own_organization ON holdfast.staff_link FOR SELECT TO holdfast_app USING ((organization_id = holdfast.current_organization()));

CREATE POLICY own_organization ON holdfast.staff_recovery_code FOR SELECT TO holdfast_app USING ((organization_id = holdfast.current_organization()));

CREATE POLICY own_organization ON holdfast.staff_session FOR SELECT TO holdfast_app USING ((organization_id = holdfast.current_organization()));

CREATE POLICY own_organization ON holdfast.unit FOR SELECT TO holdfast_app USING ((organization_id = holdfast.current_organization()));

CREATE POLICY own_organization ON holdfast.visit FOR SELECT TO holdfast_app USING ((organization_id = holdfast.current_organization()));

CREATE POLICY own_organization ON holdfast.visit_link FOR SELECT TO holdfast_app USING ((organization_id = holdfast.current_organization()));

CREATE POLICY own_organization ON holdfast.waitlist_entry FOR SELECT TO holdfast_app USING ((organization_id = holdfast.current_organization()));

CREATE POLICY own_organization ON holdfast.waitlist_opening FOR SELECT TO holdfast_app USING ((organization_id = holdfast.current_organization()));

CREATE POLICY own_organization ON holdfast.waitlist_policy FOR SELECT TO holdfast_app USING ((organization_id = holdfast.current_organization()));

CREATE POLICY own_organization ON holdfast.webhook_endpoint FOR SELECT TO holdfast_app USING ((organization_id = holdfast.current_organization()));

CREATE POLICY own_organization ON holdfast.webhook_former_secret FOR SELECT TO holdfast_app USING ((organization_id = holdfast.current_organization()));

CREATE POLICY own_organization ON holdfast.weekly_rule FOR SELECT TO holdfast_app USING ((organization_id = holdfast.current_organization()));

CREATE POLICY owner_commands ON holdfast.api_key TO holdfast_owner USING (true) WITH CHECK (true);

CREATE POLICY owner_commands ON holdfast.appointment TO holdfast_owner USING (true) WITH CHECK (true);

CREATE POLICY owner_commands ON holdfast.block TO holdfast_owner USING (true) WITH CHECK (true);

CREATE POLICY owner_commands ON holdfast.booking_page TO holdfast_owner USING (true) WITH CHECK (true);

CREATE POLICY owner_commands ON holdfast.busy TO holdfast_owner USING (true) WITH CHECK (true);

CREATE POLICY owner_commands ON holdfast.claim TO holdfast_owner USING (true) WITH CHECK (true);

CREATE POLICY owner_commands ON holdfast.client TO holdfast_owner USING (true) WITH CHECK (true);

CREATE POLICY owner_commands ON holdfast.collision TO holdfast_owner USING (true) WITH CHECK (true);

CREATE POLICY owner_commands ON holdfast.dated_rule TO holdfast_owner USING (true) WITH CHECK (true);

CREATE POLICY owner_commands ON holdfast.delivery TO holdfast_owner USING (true) WITH CHECK (true);

CREATE POLICY owner_commands ON holdfast.delivery_attempt TO holdfast_owner USING (true) WITH CHECK (true);

CREATE POLICY owner_commands ON holdfast.event TO holdfast_owner USING (true) WITH CHECK (true);

CREATE POLICY owner_commands ON holdfast.hold TO holdfast_owner USING (true) WITH CHECK (true);

CREATE POLICY owner_commands ON holdfast.hold_policy TO holdfast_owner USING (true) WITH CHECK (true);

CREATE POLICY owner_commands ON holdfast.idempotency TO holdfast_owner USING (true) WITH CHECK (true);

CREATE POLICY owner_commands ON holdfast.inbound_text TO holdfast_owner USING (true) WITH CHECK (true);

CREATE POLICY owner_commands ON holdfast.location TO holdfast_owner USING (true) WITH CHECK (true);

CREATE POLICY owner_commands ON holdfast.location_quiet_hours TO holdfast_owner USING (true) WITH CHECK (true);

CREATE POLICY owner_commands ON holdfast.log_epoch TO holdfast_owner USING (true) WITH CHECK (true);

CREATE POLICY owner_commands ON holdfast.message TO holdfast_owner USING (true) WITH CHECK (true);

CREATE POLICY owner_commands ON holdfast.message_policy TO holdfast_owner USING (true) WITH CHECK (true);

CREATE POLICY owner_commands ON holdfast.message_preference TO holdfast_owner USING (true) WITH CHECK (true);

CREATE POLICY owner_commands ON holdfast.message_template TO holdfast_owner USING (true) WITH CHECK (true);

CREATE POLICY owner_commands ON holdfast.offer TO holdfast_owner USING (true) WITH CHECK (true);

CREATE POLICY owner_commands ON holdfast.organization TO holdfast_owner USING (true) WITH CHECK (true);

CREATE POLICY owner_commands ON holdfast.pool TO holdfast_owner USING (true) WITH CHECK (true);

CREATE POLICY owner_commands ON holdfast.pool_member TO holdfast_owner USING (true) WITH CHECK (true);

CREATE POLICY owner_commands ON holdfast.reminder_rule TO holdfast_owner USING (true) WITH CHECK (true);

CREATE POLICY owner_commands ON holdfast.requirement TO holdfast_owner USING (true) WITH CHECK (true);

CREATE POLICY owner_commands ON holdfast.resource TO holdfast_owner USING (true) WITH CHECK (true);

CREATE POLICY owner_commands ON holdfast.resource_attribute TO holdfast_owner USING (true) WITH CHECK (true);

CREATE POLICY owner_commands ON holdfast.resource_location TO holdfast_owner USING (true) WITH CHECK (true);

CREATE POLICY owner_commands ON holdfast.series TO holdfast_owner USING (true) WITH CHECK (true);

CREATE POLICY owner_commands ON holdfast.service TO holdfast_owner USING (true) WITH CHECK (true);

CREATE POLICY owner_commands ON holdfast.service_lead TO holdfast_owner USING (true) WITH CHECK (true);

CREATE POLICY owner_commands ON holdfast.service_location TO holdfast_owner USING (true) WITH CHECK (true);

CREATE POLICY owner_commands ON holdfast.sign_in_attempt TO holdfast_owner USING (true) WITH CHECK (true);

CREATE POLICY owner_commands ON holdfast.staff TO holdfast_owner USING (true) WITH CHECK (true);

CREATE POLICY owner_commands ON holdfast.staff_link TO holdfast_owner USING (true) WITH CHECK (true);

CREATE POLICY owner_commands ON holdfast.staff_recovery_code TO holdfast_owner USING (true) WITH CHECK (true);

CREATE POLICY owner_commands ON holdfast.staff_session TO holdfast_owner USING (true) WITH CHECK (true);

CREATE POLICY owner_commands ON holdfast.unit TO holdfast_owner USING (true) WITH CHECK (true);

CREATE POLICY owner_commands ON holdfast.visit TO holdfast_owner USING (true) WITH CHECK (true);

CREATE POLICY owner_commands ON holdfast.visit_link TO holdfast_owner USING (true) WITH CHECK (true);

CREATE POLICY owner_commands ON holdfast.waitlist_entry TO holdfast_owner USING (true) WITH CHECK (true);

CREATE POLICY owner_commands ON holdfast.waitlist_opening TO holdfast_owner USING (true) WITH CHECK (true);

CREATE POLICY owner_commands ON holdfast.waitlist_policy TO holdfast_owner USING (true) WITH CHECK (true);

CREATE POLICY owner_commands ON holdfast.webhook_endpoint TO holdfast_owner USING (true) WITH CHECK (true);

CREATE POLICY owner_commands ON holdfast.webhook_former_secret TO holdfast_owner USING (true) WITH CHECK (true);

CREATE POLICY owner_commands ON holdfast.weekly_rule TO holdfast_owner USING (true) WITH CHECK (true);

ALTER TABLE holdfast.pool ENABLE ROW LEVEL SECURITY;

ALTER TABLE holdfast.pool_member ENABLE ROW LEVEL SECURITY;

ALTER TABLE holdfast.reminder_rule ENABLE ROW LEVEL SECURITY;

ALTER TABLE holdfast.requirement ENABLE ROW LEVEL SECURITY;

ALTER TABLE holdfast.resource ENABLE ROW LEVEL SECURITY;

ALTER TABLE holdfast.resource_attribute ENABLE ROW LEVEL SECURITY;

ALTER TABLE holdfast.resource_location ENABLE ROW LEVEL SECURITY;

ALTER TABLE holdfast.series ENABLE ROW LEVEL SECURITY;

ALTER TABLE holdfast.service ENABLE ROW LEVEL SECURITY;

ALTER TABLE holdfast.service_lead ENABLE ROW LEVEL SECURITY;

ALTER TABLE holdfast.service_location ENABLE ROW LEVEL SECURITY;

ALTER TABLE holdfast.sign_in_attempt ENABLE ROW LEVEL SECURITY;

ALTER TABLE holdfast.staff ENABLE ROW LEVEL SECURITY;

ALTER TABLE holdfast.staff_link ENABLE ROW LEVEL SECURITY;

ALTER TABLE holdfast.staff_recovery_code ENABLE ROW LEVEL SECURITY;

ALTER TABLE holdfast.staff_session ENABLE ROW LEVEL SECURITY;

ALTER TABLE holdfast.unit ENABLE ROW LEVEL SECURITY;

ALTER TABLE holdfast.visit ENABLE ROW LEVEL SECURITY;

ALTER TABLE holdfast.visit_link ENABLE ROW LEVEL SECURITY;

ALTER TABLE holdfast.waitlist_entry ENABLE ROW LEVEL SECURITY;

ALTER TABLE holdfast.waitlist_opening ENABLE ROW LEVEL SECURITY;

ALTER TABLE holdfast.waitlist_policy ENABLE ROW LEVEL SECURITY;

ALTER TABLE holdfast.webhook_endpoint ENABLE ROW LEVEL SECURITY;

ALTER TABLE holdfast.webhook_former_secret ENABLE ROW LEVEL SECURITY;

ALTER TABLE holdfast.weekly_rule ENABLE ROW LEVEL SECURITY;

GRANT USAGE ON SCHEMA holdfast TO holdfast_app;
GRANT USAGE ON SCHEMA holdfast TO holdfast_worker;

GRANT SELECT ON TABLE holdfast.appointment TO holdfast_app;

GRANT SELECT ON TABLE holdfast.client TO holdfast_app;

GRANT SELECT ON TABLE holdfast.hold TO holdfast_app;

GRANT SELECT ON TABLE holdfast.organization TO holdfast_app;

GRANT SELECT ON TABLE holdfast.service TO holdfast_app;

GRANT SELECT ON TABLE holdfast.appointment_detail TO holdfast_app;

GRANT SELECT ON TABLE holdfast.claim TO holdfast_app;

GRANT SELECT ON TABLE holdfast.hold_policy TO holdfast_app;

GRANT SELECT ON TABLE holdfast.visit TO holdfast_app;

GRANT SELECT ON TABLE holdfast.location TO holdfast_app;

GRANT SELECT ON TABLE holdfast.hold_detail TO holdfast_app;

GRANT SELECT(organization_id) ON TABLE holdfast.webhook_endpoint TO holdfast_app;

GRANT SELECT(id) ON TABLE holdfast.webhook_endpoint TO holdfast_app;

GRANT SELECT(url) ON TABLE holdfast.webhook_endpoint TO holdfast_app;

GRANT SELECT(description) ON TABLE holdfast.webhook_endpoint TO holdfast_app;

GRANT SELECT(events) ON TABLE holdfast.webhook_endpoint TO holdfast_app;

GRANT SELECT(status) ON TABLE holdfast.webhook_endpoint TO holdfast_app;

GRANT SELECT(created_at) ON TABLE holdfast.webhook_endpoint TO holdfast_app;

GRANT SELECT(failing_since) ON TABLE holdfast.webhook_endpoint TO holdfast_app;

GRANT SELECT(warned_at) ON TABLE holdfast.webhook_endpoint TO holdfast_app;

GRANT SELECT(disabled_at) ON TABLE holdfast.webhook_endpoint TO holdfast_app;

GRANT SELECT(disabled_cause) ON TABLE holdfast.webhook_endpoint TO holdfast_app;

GRANT SELECT(not_before) ON TABLE holdfast.webhook_endpoint TO holdfast_app;

GRANT SELECT ON TABLE holdfast.delivery TO holdfast_app;

GRANT SELECT ON TABLE holdfast.message TO holdfast_app;

GRANT SELECT(organization_id) ON TABLE holdfast.offer TO holdfast_app;

GRANT SELECT(id) ON TABLE holdfast.offer TO holdfast_app;

GRANT SELECT(entry_id) ON TABLE holdfast.offer TO holdfast_app;

GRANT SELECT(opening_id) ON TABLE holdfast.offer TO holdfast_app;

GRANT SELECT(hold_id) ON TABLE holdfast.offer TO holdfast_app;

GRANT SELECT(state) ON TABLE holdfast.offer TO holdfast_app;

GRANT SELECT(why) ON TABLE holdfast.offer TO holdfast_app;

GRANT SELECT(sent_at) ON TABLE holdfast.offer TO holdfast_app;

GRANT SELECT(expires_at) ON TABLE holdfast.offer TO holdfast_app;

GRANT SELECT(settled_at) ON TABLE holdfast.offer TO holdfast_app;

GRANT SELECT(appointment_id) ON TABLE holdfast.offer TO holdfast_app;

GRANT SELECT ON TABLE holdfast.resource TO holdfast_app;

GRANT SELECT ON TABLE holdfast.waitlist_entry TO holdfast_app;

GRANT SELECT ON TABLE holdfast.block TO holdfast_app;

GRANT SELECT ON TABLE holdfast.collision TO holdfast_app;

GRANT SELECT ON TABLE holdfast.waitlist_policy TO holdfast_app;

GRANT SELECT(organization_id) ON TABLE holdfast.api_key TO holdfast_app;

GRANT SELECT(id) ON TABLE holdfast.api_key TO holdfast_app;

GRANT SELECT(name) ON TABLE holdfast.api_key TO holdfast_app;

GRANT SELECT(key_hint) ON TABLE holdfast.api_key TO holdfast_app;

GRANT SELECT(scopes) ON TABLE holdfast.api_key TO holdfast_app;

GRANT SELECT(surfaces) ON TABLE holdfast.api_key TO holdfast_app;

GRANT SELECT(created_at) ON TABLE holdfast.api_key TO holdfast_app;

GRANT SELECT(last_used_on) ON TABLE holdfast.api_key TO holdfast_app;

GRANT SELECT(revoked_at) ON TABLE holdfast.api_key TO holdfast_app;

GRANT SELECT ON TABLE holdfast.booking_page TO holdfast_app;

GRANT SELECT ON TABLE holdfast.busy TO holdfast_app;

GRANT SELECT ON TABLE holdfast.dated_rule TO holdfast_app;

GRANT SELECT ON TABLE holdfast.delivery_attempt TO holdfast_app;

GRANT SELECT ON TABLE holdfast.event TO holdfast_app;

GRANT SELECT ON TABLE holdfast.delivery_detail TO holdfast_app;

GRANT SELECT ON TABLE holdfast.location_quiet_hours TO holdfast_app;

GRANT SELECT(from_event_id) ON TABLE holdfast.log_epoch TO holdfast_app;

GRANT SELECT(epoch) ON TABLE holdfast.log_epoch TO holdfast_app;

GRANT SELECT ON TABLE holdfast.message_policy TO holdfast_app;

GRANT SELECT ON TABLE holdfast.message_preference TO holdfast_app;

GRANT SELECT ON TABLE holdfast.message_template TO holdfast_app;

GRANT SELECT ON TABLE holdfast.offer_detail TO holdfast_app;

GRANT SELECT ON TABLE holdfast.pool TO holdfast_app;

GRANT SELECT ON TABLE holdfast.pool_member TO holdfast_app;

GRANT SELECT ON TABLE holdfast.reminder_rule TO holdfast_app;

GRANT SELECT ON TABLE holdfast.requirement TO holdfast_app;

GRANT SELECT ON TABLE holdfast.resource_attribute TO holdfast_app;

GRANT SELECT ON TABLE holdfast.resource_location TO holdfast_app;

GRANT SELECT ON TABLE holdfast.series TO holdfast_app;

GRANT SELECT ON TABLE holdfast.service_lead TO holdfast_app;

GRANT SELECT ON TABLE holdfast.service_location TO holdfast_app;

GRANT SELECT(organization_id) ON TABLE holdfast.staff TO holdfast_app;

GRANT SELECT(id) ON TABLE holdfast.staff TO holdfast_app;

GRANT SELECT(email) ON TABLE holdfast.staff TO holdfast_app;

GRANT SELECT(name) ON TABLE holdfast.staff TO holdfast_app;

GRANT SELECT(role) ON TABLE holdfast.staff TO holdfast_app;

GRANT SELECT(resource_id) ON TABLE holdfast.staff TO holdfast_app;

GRANT SELECT(created_at) ON TABLE holdfast.staff TO holdfast_app;

GRANT SELECT(retired_at) ON TABLE holdfast.staff TO holdfast_app;

GRANT SELECT(language) ON TABLE holdfast.staff TO holdfast_app;

GRANT SELECT(organization_id) ON TABLE holdfast.staff_session TO holdfast_app;

GRANT SELECT(id) ON TABLE holdfast.staff_session TO holdfast_app;

GRANT SELECT(staff_id) ON TABLE holdfast.staff_session TO holdfast_app;

GRANT SELECT(complete) ON TABLE holdfast.staff_session TO holdfast_app;

GRANT SELECT(created_at) ON TABLE holdfast.staff_session TO holdfast_app;

GRANT SELECT(seen_at) ON TABLE holdfast.staff_session TO holdfast_app;

GRANT SELECT(expires_at) ON TABLE holdfast.staff_session TO holdfast_app;

GRANT SELECT(ended_at) ON TABLE holdfast.staff_session TO holdfast_app;

GRANT SELECT ON TABLE holdfast.unit TO holdfast_app;

GRANT SELECT ON TABLE holdfast.waitlist_opening TO holdfast_app;

GRANT SELECT(organization_id) ON TABLE holdfast.webhook_former_secret TO holdfast_app;

GRANT SELECT(endpoint_id) ON TABLE holdfast.webhook_former_secret TO holdfast_app;

GRANT SELECT(ends_at) ON TABLE holdfast.webhook_former_secret TO holdfast_app;

GRANT SELECT ON TABLE holdfast.weekly_rule TO holdfast_app;
