-- The schema as all migrations and functions make it: for reading, never for running. `make schema` writes this file.

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

CREATE DOMAIN holdfast.label AS text
	CONSTRAINT label_is_readable CHECK ((((length(VALUE) >= 1) AND (length(VALUE) <= 200)) AND (VALUE !~ '[[:cntrl:]]'::text)));

CREATE DOMAIN holdfast.slug AS text
	CONSTRAINT slug_is_plain CHECK ((VALUE ~ '^[a-z0-9]([a-z0-9-]{0,62}[a-z0-9])?$'::text));

CREATE DOMAIN holdfast.surface AS text
	CONSTRAINT surface_is_known CHECK ((VALUE = ANY (ARRAY['desk'::text, 'phone'::text, 'walk_in'::text, 'widget'::text, 'calendar'::text, 'platform'::text, 'assistant'::text, 'api'::text, 'import'::text, 'system'::text])));

CREATE FUNCTION holdfast.act_as(p_organization_id uuid, p_actor text, p_surface text, OUT catalog_version bigint, OUT at timestamp with time zone, OUT seen pg_snapshot) RETURNS record
    LANGUAGE plpgsql
    SET search_path TO 'holdfast', 'pg_temp'
    AS $$
begin
  perform set_config('holdfast.organization_id', p_organization_id::text, true),
          set_config('holdfast.actor', p_actor, true),
          set_config('holdfast.surface', p_surface, true);
  catalog_version := (select o.catalog_version from organization o where o.id = p_organization_id);
  at := clock();
  seen := pg_current_snapshot();
end $$;

CREATE FUNCTION holdfast.add_dated_rule(p_location_id uuid, p_resource_id uuid, p_kind text, p_starts timestamp without time zone, p_ends timestamp without time zone, p_reason text DEFAULT ''::text) RETURNS uuid
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'holdfast', 'pg_temp'
    AS $$
declare
  v_id uuid;
begin
  perform check_rule_owner(p_location_id, p_resource_id);
  insert into dated_rule (organization_id, location_id, resource_id, kind, starts, ends, reason)
  values (current_organization(), p_location_id, p_resource_id, p_kind, p_starts, p_ends, coalesce(p_reason, ''))
  returning id into v_id;
  return v_id;
end $$;

CREATE FUNCTION holdfast.add_webhook_endpoint(p_endpoint_id uuid, p_url text, p_description text, p_events text[], p_secret bytea) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'holdfast', 'pg_temp'
    AS $$
begin
  insert into webhook_endpoint (organization_id, id, url, description, events, secret, created_at)
  values (current_organization(), p_endpoint_id, p_url, p_description, p_events, p_secret, clock());
  perform record_event('webhook_endpoint.added', p_endpoint_id, jsonb_build_object('events', p_events));
end $$;

CREATE FUNCTION holdfast.adopt_log() RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'holdfast', 'pg_temp'
    AS $$
declare
  v_cluster_id bigint := (select system_identifier from pg_control_system());
  v_position relay_position;
begin
  select * into v_position from relay_position for update;
  if v_position.cluster_id = v_cluster_id then
    return false;
  end if;
  lock table event in share row exclusive mode;
  update event e set transaction_id = case
    when (e.transaction_id, e.id) <= (v_position.transaction_id, v_position.event_id) then '1'::xid8 else '2'::xid8 end
  where e.xmin::text::bigint <> e.transaction_id::text::bigint & 4294967295;
  update relay_position set transaction_id = '1', event_id = coalesce((select max(id) from event), 0),
    cluster_id = v_cluster_id;
  return true;
end $$;

CREATE FUNCTION holdfast.advance_relay(p_transaction_id xid8, p_event_id bigint) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'holdfast', 'pg_temp'
    AS $$
begin
  update relay_position set transaction_id = p_transaction_id, event_id = p_event_id
  where (transaction_id, event_id) < (p_transaction_id, p_event_id);
  if not found then
    raise exception 'the relay goes forward only';
  end if;
end $$;

CREATE FUNCTION holdfast.authenticate(p_key_hash bytea) RETURNS TABLE(organization_id uuid, api_key_id uuid, scopes text[], surfaces text[])
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'holdfast', 'pg_temp'
    AS $$
  select k.organization_id, k.id, k.scopes, k.surfaces from api_key k
  where k.key_hash = p_key_hash and k.revoked_at is null;
$$;

CREATE FUNCTION holdfast.begin_idempotent(p_route text, p_key text, p_request_hash bytea) RETURNS TABLE(status integer, headers jsonb, body bytea)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'holdfast', 'pg_temp'
    AS $$
declare
  v_stored idempotency;
begin
  if not pg_try_advisory_xact_lock(hashtextextended(
    concat_ws(' ', current_organization(), current_actor(), p_route, p_key), 1)) then
    perform refuse('request_is_not_in_progress');
  end if;
  select * into v_stored from idempotency
  where organization_id = current_organization() and actor = current_actor() and route = p_route and key = p_key;
  if v_stored.key is null then
    return;
  end if;
  if v_stored.request_hash <> p_request_hash then
    perform refuse('idempotency_key_is_for_this_request');
  end if;
  return query select v_stored.status, v_stored.headers, v_stored.body;
end $$;

CREATE FUNCTION holdfast.claims_of_hold(p_organization_id uuid, p_hold_id uuid) RETURNS jsonb
    LANGUAGE plpgsql STABLE
    SET search_path TO 'holdfast', 'pg_temp'
    AS $$
begin
  return (select coalesce(jsonb_agg(jsonb_build_object(
           'role', k.role, 'resource_id', r.id, 'resource_name', r.name, 'kind', r.kind, 'unit_id', k.unit_id,
           'starts_at', lower(k.during), 'ends_at', upper(k.during),
           'segment_starts_at', lower(k.segment), 'segment_ends_at', upper(k.segment),
           'overbook', k.overbook
         ) order by k.role, lower(k.during), r.name), '[]')
  from claim k
  join unit u on u.organization_id = k.organization_id and u.id = k.unit_id
  join resource r on r.organization_id = u.organization_id and r.id = u.resource_id
  where k.organization_id = p_organization_id and k.hold_id = p_hold_id);
end $$;

CREATE FUNCTION holdfast.clock() RETURNS timestamp with time zone
    LANGUAGE sql PARALLEL SAFE
    RETURN clock_timestamp();

CREATE FUNCTION holdfast.new_id() RETURNS uuid
    LANGUAGE sql PARALLEL SAFE
    RETURN (encode(set_bit(set_bit(OVERLAY(uuid_send(gen_random_uuid()) PLACING SUBSTRING(int8send((floor((EXTRACT(epoch FROM clock_timestamp()) * (1000)::numeric)))::bigint) FROM 3) FROM 1 FOR 6), (52)::bigint, 1), (53)::bigint, 1), 'hex'::text))::uuid;

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
    CONSTRAINT appointment_cancel_reason_is_bounded CHECK ((length(cancel_reason) <= 500)),
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
    CONSTRAINT client_email_is_lower_case CHECK (((email = lower(email)) AND (length(email) <= 254))),
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
    o.currency,
    a.surface,
    a.note,
    a.cancel_reason,
    a.created_at,
    h.overbook_reason,
    holdfast.claims_of_hold(a.organization_id, a.hold_id) AS claims
   FROM ((((holdfast.appointment a
     JOIN holdfast.organization o ON ((o.id = a.organization_id)))
     JOIN holdfast.client c ON (((c.organization_id = a.organization_id) AND (c.id = a.client_id))))
     JOIN holdfast.service s ON (((s.organization_id = a.organization_id) AND (s.id = a.service_id))))
     JOIN holdfast.hold h ON (((h.organization_id = a.organization_id) AND (h.id = a.hold_id))));

CREATE FUNCTION holdfast.book(p_service_id uuid, p_location_id uuid, p_start timestamp with time zone, p_client jsonb, p_choices jsonb DEFAULT '{}'::jsonb, p_note text DEFAULT NULL::text, p_visitor bytea DEFAULT NULL::bytea, p_network bytea DEFAULT NULL::bytea, p_overbook_reason text DEFAULT NULL::text, p_outside_rules boolean DEFAULT false) RETURNS SETOF holdfast.appointment_detail
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'holdfast', 'pg_temp'
    AS $$
declare
  v_hold hold := draft_hold(p_service_id, p_location_id, p_start, null, p_visitor, p_network, 'confirmed', p_overbook_reason,
                            p_outside_rules);
  v_appointment_id uuid;
begin
  perform take(v_hold, p_choices);
  v_appointment_id := insert_appointment(v_hold, p_client, p_note);
  return query select * from appointment_detail where organization_id = v_hold.organization_id and id = v_appointment_id;
end $$;

CREATE FUNCTION holdfast.cancel(p_appointment_id uuid, p_revision integer, p_reason text DEFAULT NULL::text) RETURNS SETOF holdfast.appointment_detail
    LANGUAGE sql SECURITY DEFINER
    SET search_path TO 'holdfast', 'pg_temp'
    AS $$ select * from change_state(p_appointment_id, p_revision, 'cancelled', '{confirmed,checked_in}', p_reason) $$;

CREATE FUNCTION holdfast.caps_are_kept(p_hold holdfast.hold, p_chosen holdfast.candidate[], p_replaces_id uuid) RETURNS boolean
    LANGUAGE plpgsql
    AS $$
declare
  v_capped record;
begin
  for v_capped in
    select distinct r.id, r.visits_per_day, l.time_zone
    from unnest(p_chosen) c
    join unit u on u.organization_id = current_organization() and u.id = c.unit_id
    join resource r on r.organization_id = u.organization_id and r.id = u.resource_id and r.visits_per_day is not null
    join location l on l.organization_id = r.organization_id and l.id = p_hold.location_id
    order by r.id
  loop
    perform pg_advisory_xact_lock(hashtextextended(
      v_capped.id::text || (p_hold.starts_at at time zone v_capped.time_zone)::date, 0));
    if visits_that_day(v_capped.id, p_hold.starts_at, v_capped.time_zone, p_replaces_id) > v_capped.visits_per_day then
      return false;
    end if;
  end loop;
  return true;
end $$;

CREATE FUNCTION holdfast.change_state(p_appointment_id uuid, p_revision integer, p_state text, p_from text[], p_reason text DEFAULT NULL::text) RETURNS SETOF holdfast.appointment_detail
    LANGUAGE plpgsql
    AS $$
declare
  v_old appointment := lock_appointment(p_appointment_id, p_revision, p_from);
begin
  update appointment set state = p_state, revision = revision + 1, cancel_reason = p_reason
  where organization_id = v_old.organization_id and id = v_old.id;
  if p_state in ('cancelled', 'no_show') then
    perform let_go(v_old.hold_id, 'released');
  end if;
  perform record_event('appointment.' || p_state, v_old.id, jsonb_build_object(
    'from_state', v_old.state, 'revision', v_old.revision + 1));
  return query select * from appointment_detail where organization_id = v_old.organization_id and id = v_old.id;
end $$;

CREATE FUNCTION holdfast.change_webhook_endpoint(p_endpoint_id uuid, p_url text, p_description text, p_events text[], p_enabled boolean) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'holdfast', 'pg_temp'
    AS $$
declare
  v_endpoint webhook_endpoint := lock_webhook_endpoint(p_endpoint_id);
begin
  update webhook_endpoint set
    url = coalesce(p_url, url), description = coalesce(p_description, description), events = coalesce(p_events, events)
  where organization_id = v_endpoint.organization_id and id = v_endpoint.id;
  if p_enabled then
    update webhook_endpoint set status = 'active', disabled_at = null, disabled_cause = null, failing_since = null, warned_at = null
    where organization_id = v_endpoint.organization_id and id = v_endpoint.id;
  elsif not p_enabled then
    update webhook_endpoint set status = 'disabled', disabled_at = clock(), disabled_cause = 'A manager disabled it.'
    where organization_id = v_endpoint.organization_id and id = v_endpoint.id and status = 'active';
  end if;
  perform record_event('webhook_endpoint.changed', p_endpoint_id, jsonb_build_object(
    'events', coalesce(p_events, v_endpoint.events), 'enabled', coalesce(p_enabled, v_endpoint.status = 'active')));
end $$;

CREATE FUNCTION holdfast.check_in(p_appointment_id uuid, p_revision integer) RETURNS SETOF holdfast.appointment_detail
    LANGUAGE sql SECURITY DEFINER
    SET search_path TO 'holdfast', 'pg_temp'
    AS $$ select * from change_state(p_appointment_id, p_revision, 'checked_in', '{confirmed}') $$;

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
    CONSTRAINT hold_policy_extensions_are_bounded CHECK (((extensions_max >= 0) AND (extensions_max <= 20))),
    CONSTRAINT hold_policy_grace_is_bounded CHECK (((grace_seconds >= 0) AND (grace_seconds <= 3600))),
    CONSTRAINT hold_policy_limits_are_positive CHECK (((live_holds_per_visitor_max > 0) AND (live_holds_per_network_max > 0) AND (live_holds_per_actor_max > 0))),
    CONSTRAINT hold_policy_ttl_is_bounded CHECK ((((ttl_seconds >= 1) AND (ttl_seconds <= ttl_seconds_max)) AND (ttl_seconds_max <= 86400)))
);

ALTER TABLE ONLY holdfast.hold_policy FORCE ROW LEVEL SECURITY;

CREATE FUNCTION holdfast.check_quota(p_policy holdfast.hold_policy, p_visitor bytea, p_network bytea) RETURNS void
    LANGUAGE plpgsql
    AS $$
declare
  v_limits text[] := '{}';
  v_key bigint;
  v_live integer;
begin
  for v_key in
    select hashtextextended(current_organization()::text || kind || id, 0)
    from (values
      ('visitor', encode(p_visitor, 'hex'), p_policy.live_holds_per_visitor_max),
      ('network', encode(p_network, 'hex'), p_policy.live_holds_per_network_max),
      ('actor', current_actor(), p_policy.live_holds_per_actor_max)
    ) as v(kind, id, most)
    where most is not null and id is not null
    order by 1
  loop
    perform pg_advisory_xact_lock(v_key);
  end loop;

  if p_policy.live_holds_per_visitor_max is not null and p_visitor is not null then
    select count(*) into v_live from hold
    where organization_id = current_organization() and state = 'live' and visitor = p_visitor and expires_at > clock();
    if v_live >= p_policy.live_holds_per_visitor_max then v_limits := v_limits || 'visitor'; end if;
  end if;
  if p_policy.live_holds_per_network_max is not null and p_network is not null then
    select count(*) into v_live from hold
    where organization_id = current_organization() and state = 'live' and network = p_network and expires_at > clock();
    if v_live >= p_policy.live_holds_per_network_max then v_limits := v_limits || 'network'; end if;
  end if;
  if p_policy.live_holds_per_actor_max is not null then
    select count(*) into v_live from hold
    where organization_id = current_organization() and state = 'live' and actor = current_actor() and expires_at > clock();
    if v_live >= p_policy.live_holds_per_actor_max then v_limits := v_limits || 'actor'; end if;
  end if;
  if cardinality(v_limits) > 0 then
    perform refuse('holds_are_within_quota', jsonb_build_object('limits', v_limits));
  end if;
end $$;

CREATE FUNCTION holdfast.check_rule_owner(p_location_id uuid, p_resource_id uuid) RETURNS void
    LANGUAGE plpgsql
    AS $$
begin
  if p_location_id is null and p_resource_id is null
     or p_location_id is not null
        and not exists (select from location where organization_id = current_organization() and id = p_location_id) then
    perform refuse('location_exists');
  end if;
  if p_resource_id is not null
     and not exists (select from resource where organization_id = current_organization() and id = p_resource_id) then
    perform refuse('resource_exists');
  end if;
end $$;

CREATE FUNCTION holdfast.claim_free_rest(p_busy_id uuid, p_unit_ids uuid[], p_during tstzrange) RETURNS void
    LANGUAGE sql
    AS $$
  with free as (
    select u.id as unit_id, tstzmultirange(p_during) - coalesce((
      select range_agg(k.during) from claim k
      where k.organization_id = current_organization() and k.unit_id = u.id and k.during && p_during and k.active
        and not k.overbook), '{}') as open
    from unnest(p_unit_ids) as u(id)
  ), best as (
    select unit_id, open from free
    order by (select sum(upper(o) - lower(o)) from unnest(open) o) desc nulls last, unit_id limit 1
  )
  insert into claim (organization_id, busy_id, unit_id, role, during, segment)
  select current_organization(), p_busy_id, unit_id, 'busy', piece, piece
  from best, unnest(open) as part, pieces(part) as piece
  order by unit_id, piece
  -- somebody takes it this very moment: their booking stands, and is recorded as a collision
  on conflict on constraint claim_no_overlap do nothing;
$$;

CREATE FUNCTION holdfast.claims_as_facts(p_hold_id uuid) RETURNS jsonb
    LANGUAGE plpgsql STABLE
    AS $$
begin
  return (select jsonb_agg(jsonb_build_object(
    'unit_id', unit_id, 'role', role, 'starts_at', lower(during), 'ends_at', upper(during),
    'segment_starts_at', lower(segment), 'segment_ends_at', upper(segment), 'overbook', overbook) order by id)
  from claim where organization_id = current_organization() and hold_id = p_hold_id);
end $$;

CREATE FUNCTION holdfast.claims_between(p_unit_ids uuid[], p_from timestamp with time zone, p_to timestamp with time zone) RETURNS TABLE(unit_id uuid, starts_at timestamp with time zone, ends_at timestamp with time zone, kind text, hold_id uuid, visit_starts_at timestamp with time zone, expires_at timestamp with time zone)
    LANGUAGE sql SECURITY DEFINER
    SET search_path TO 'holdfast', 'pg_temp'
    AS $$
  select u.id, lower(k.during), upper(k.during),
         case when k.busy_id is not null then 'busy' when k.block_id is not null then 'block'
              when h.state = 'live' then 'hold' else 'appointment' end,
         k.hold_id, h.starts_at, case when h.state = 'live' then h.expires_at end
  from unnest(p_unit_ids) as u(id)
  cross join lateral claims_on(u.id, tstzrange(p_from, p_to)) k
  left join hold h on h.organization_id = current_organization() and h.id = k.hold_id
  where not coalesce(h.state = 'live' and h.expires_at <= clock(), false);
$$;

CREATE FUNCTION holdfast.is_claimable(during tstzrange) RETURNS boolean
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN ((NOT isempty(during)) AND lower_inc(during) AND (NOT upper_inc(during)) AND isfinite(lower(during)) AND isfinite(upper(during)) AND ((upper(during) - lower(during)) <= '168:00:00'::interval) AND (lower(during) >= '2000-01-01 00:00:00+00'::timestamp with time zone) AND (upper(during) < '2200-01-01 00:00:00+00'::timestamp with time zone));

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

CREATE FUNCTION holdfast.claims_on(p_unit_id uuid, p_during tstzrange) RETURNS SETOF holdfast.claim
    LANGUAGE sql STABLE
    AS $$
  select * from claim
  where organization_id = current_organization() and unit_id = p_unit_id and during && p_during and active and not overbook
  union all
  select * from claim
  where organization_id = current_organization() and unit_id = p_unit_id and during && p_during and active and overbook;
$$;

CREATE FUNCTION holdfast.complete(p_appointment_id uuid, p_revision integer) RETURNS SETOF holdfast.appointment_detail
    LANGUAGE sql SECURITY DEFINER
    SET search_path TO 'holdfast', 'pg_temp'
    AS $$ select * from change_state(p_appointment_id, p_revision, 'completed', '{checked_in}') $$;

CREATE FUNCTION holdfast.confirm_hold(p_hold_id uuid, p_client jsonb, p_note text DEFAULT NULL::text) RETURNS SETOF holdfast.appointment_detail
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'holdfast', 'pg_temp'
    AS $$
declare
  v_hold hold := lock_live_hold(p_hold_id, true);
  v_appointment_id uuid;
begin
  update hold set state = 'confirmed' where organization_id = v_hold.organization_id and id = v_hold.id;
  perform record_event('hold.confirmed', v_hold.id, '{}');
  v_appointment_id := insert_appointment(v_hold, p_client, p_note);
  return query select * from appointment_detail where organization_id = v_hold.organization_id and id = v_appointment_id;
end $$;

CREATE FUNCTION holdfast.conflicts_on(p_unit_ids uuid[], p_during tstzrange) RETURNS jsonb
    LANGUAGE sql
    AS $$
  select coalesce(jsonb_agg(distinct jsonb_build_object(
    'kind', case when a.id is not null then 'appointment' when k.hold_id is not null then 'hold'
                 when k.block_id is not null then 'block' else 'busy' end,
    'id', coalesce(a.id, k.hold_id, k.block_id, k.busy_id),
    'resource_id', u.resource_id, 'starts_at', lower(k.during), 'ends_at', upper(k.during))), '[]')
  from unnest(p_unit_ids) as wanted(unit_id)
  join unit u on u.organization_id = current_organization() and u.id = wanted.unit_id
  cross join lateral claims_on(u.id, p_during) k
  left join lateral (
    select id from appointment where organization_id = k.organization_id and hold_id = k.hold_id limit 1
  ) a on true
  where not has_lapsed(k);
$$;

CREATE FUNCTION holdfast.create_api_key(p_name text, p_key_hash bytea, p_key_hint text, p_scopes text[], p_surfaces text[]) RETURNS uuid
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'holdfast', 'pg_temp'
    AS $$
declare
  v_id uuid;
begin
  insert into api_key (organization_id, name, key_hash, key_hint, scopes, surfaces)
  values (current_organization(), p_name, p_key_hash, p_key_hint, p_scopes, p_surfaces)
  returning id into v_id;
  perform record_event('api_key.created', v_id, jsonb_build_object('scopes', p_scopes, 'surfaces', p_surfaces));
  return v_id;
end $$;

CREATE FUNCTION holdfast.create_organization(p_slug text, p_name text, p_currency text DEFAULT 'USD'::text) RETURNS uuid
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'holdfast', 'pg_temp'
    AS $$
declare
  v_id uuid;
begin
  insert into organization (slug, name, currency) values (p_slug, p_name, p_currency) returning id into v_id;
  insert into hold_policy (organization_id, surface, extensions_max, live_holds_per_visitor_max, live_holds_per_network_max)
  select v_id, surface,
         case when surface in ('widget', 'assistant') then 1 else 5 end,
         case when surface in ('widget', 'assistant') then 3 end,
         case when surface in ('widget', 'assistant') then 30 end
  from unnest(array['desk', 'phone', 'walk_in', 'widget', 'calendar', 'platform', 'assistant', 'api', 'import', 'system'])
    as surface;
  return v_id;
end $$;

CREATE FUNCTION holdfast.current_actor() RETURNS text
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN COALESCE(NULLIF(current_setting('holdfast.actor'::text, true), ''::text), 'system'::text);

CREATE FUNCTION holdfast.current_organization() RETURNS uuid
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN (NULLIF(current_setting('holdfast.organization_id'::text, true), ''::text))::uuid;

CREATE FUNCTION holdfast.current_policy() RETURNS holdfast.hold_policy
    LANGUAGE plpgsql STABLE
    AS $$
declare
  v_policy hold_policy;
begin
  select * into v_policy from hold_policy
  where organization_id = current_organization() and surface = current_surface();
  if v_policy.surface is null then
    perform refuse('surface_may_hold', jsonb_build_object('reason', 'surface_may_not_hold', 'surface', current_surface()));
  end if;
  return v_policy;
end $$;

CREATE FUNCTION holdfast.current_surface() RETURNS text
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN COALESCE(NULLIF(current_setting('holdfast.surface'::text, true), ''::text), 'system'::text);

CREATE FUNCTION holdfast.deliveries_due(p_endpoint_id uuid, p_after bigint, p_limit integer) RETURNS TABLE(id uuid, url text, secret bytea, previous_secret bytea, attempts integer, sequence integer, event_id bigint, at timestamp with time zone, type text, version integer, subject_id uuid, data jsonb)
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'holdfast', 'pg_temp'
    AS $$
  select d.id, w.url, w.secret, case when w.previous_secret_ends_at > clock() then w.previous_secret end,
         d.attempts, d.sequence, e.id, e.at, e.type, e.version, e.subject_id, e.data
  from webhook_endpoint w
  join delivery d on d.organization_id = w.organization_id and d.endpoint_id = w.id and d.state = 'pending'
  join event e on e.organization_id = d.organization_id and e.id = d.event_id
  where w.organization_id = current_organization() and w.id = p_endpoint_id and w.status = 'active'
    and d.event_id > p_after and d.next_attempt_at <= clock() and not must_wait(d, p_after)
  order by d.event_id
  limit p_limit;
$$;

CREATE FUNCTION holdfast.discard_delivery(p_delivery_id uuid, p_reason text) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'holdfast', 'pg_temp'
    AS $$
declare
  v_delivery delivery := lock_delivery(p_delivery_id);
begin
  if v_delivery.state not in ('pending', 'dead') then
    perform refuse('delivery_is_unsettled', jsonb_build_object('state', v_delivery.state));
  end if;
  update delivery set state = 'discarded', settled_at = clock(), discard_reason = p_reason
  where organization_id = v_delivery.organization_id and id = v_delivery.id;
  perform record_event('delivery.discarded', v_delivery.id, '{}');
end $$;

CREATE FUNCTION holdfast.displace(p_hold_ids uuid[]) RETURNS boolean
    LANGUAGE plpgsql
    AS $$
declare
  v_hold hold;
begin
  for v_hold in
    select * from hold
    where organization_id = current_organization() and id = any (p_hold_ids)
    order by id
    for update
  loop
    if v_hold.state = 'live' and v_hold.expires_at > clock() or v_hold.state = 'confirmed' then
      return false;
    end if;
    if v_hold.state = 'live' then
      perform let_go(v_hold.id, 'expired', jsonb_build_object('displaced', true));
    end if;
  end loop;
  return true;
end $$;

CREATE FUNCTION holdfast.displace_lapsed_on(p_unit_ids uuid[], p_during tstzrange) RETURNS void
    LANGUAGE sql
    AS $$
  select displace(array(
    select distinct k.hold_id
    from unnest(p_unit_ids) as wanted(unit_id)
    cross join lateral claims_on(wanted.unit_id, p_during) k
    where has_lapsed(k)));
$$;

CREATE FUNCTION holdfast.draft_hold(p_service_id uuid, p_location_id uuid, p_start timestamp with time zone, p_ttl_seconds integer, p_visitor bytea, p_network bytea, p_state text DEFAULT 'live'::text, p_overbook_reason text DEFAULT NULL::text, p_outside_rules boolean DEFAULT false) RETURNS holdfast.hold
    LANGUAGE plpgsql
    AS $$
declare
  v_policy hold_policy := current_policy();
  v_service service;
  v_hold hold;
begin
  select s.* into v_service
  from service s
  join service_location sl on sl.organization_id = s.organization_id and sl.service_id = s.id and sl.location_id = p_location_id
  join location l on l.organization_id = sl.organization_id and l.id = sl.location_id and l.retired_at is null
  where s.organization_id = current_organization() and s.id = p_service_id and s.retired_at is null;
  if v_service.id is null then
    perform refuse('service_is_offered_here', jsonb_build_object('reason', case
      when not exists (select from service where organization_id = current_organization() and id = p_service_id)
        then 'unknown_service'
      when not exists (select from location where organization_id = current_organization() and id = p_location_id)
        then 'unknown_location'
      else 'not_offered_here' end));
  end if;
  if p_ttl_seconds is not null and p_ttl_seconds not between 1 and v_policy.ttl_seconds_max then
    perform refuse('hold_length_is_allowed', jsonb_build_object('ttl_seconds_max', v_policy.ttl_seconds_max));
  end if;
  if p_start not between clock() - interval '366 days' and clock() + interval '1096 days' then
    perform refuse('start_is_within_reach', jsonb_build_object('reason', 'out_of_reach'));
  end if;
  perform check_quota(v_policy, p_visitor, p_network);
  v_hold.organization_id := current_organization();
  v_hold.id := new_id();
  v_hold.state := p_state;
  v_hold.service_id := p_service_id;
  v_hold.location_id := p_location_id;
  v_hold.starts_at := p_start;
  v_hold.ends_at := p_start + make_interval(mins => v_service.duration_minutes);
  v_hold.created_at := clock();
  v_hold.expires_at := v_hold.created_at + make_interval(secs => coalesce(p_ttl_seconds, v_policy.ttl_seconds));
  v_hold.surface := current_surface();
  v_hold.actor := current_actor();
  v_hold.visitor := p_visitor;
  v_hold.network := p_network;
  v_hold.overbook_reason := p_overbook_reason;
  v_hold.outside_rules := p_outside_rules;
  return v_hold;
end $$;

CREATE FUNCTION holdfast.endpoints_due(p_organization_id uuid DEFAULT NULL::uuid) RETURNS TABLE(organization_id uuid, endpoint_id uuid)
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'holdfast', 'pg_temp'
    AS $$
  select w.organization_id, w.id from webhook_endpoint w
  where w.status = 'active' and (p_organization_id is null or w.organization_id = p_organization_id)
    and exists (
      select from delivery d
      where d.organization_id = w.organization_id and d.endpoint_id = w.id and d.state = 'pending'
        and d.next_attempt_at <= clock() and not must_wait(d)
    );
$$;

CREATE FUNCTION holdfast.events_to_relay(p_limit integer) RETURNS TABLE(organization_id uuid, id bigint, transaction_id xid8, type text)
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'holdfast', 'pg_temp'
    AS $$
declare
  v_position relay_position;
begin
  select * into v_position from relay_position;
  return query
    select e.organization_id, e.id, e.transaction_id, e.type from event e
    where (e.transaction_id, e.id) > (v_position.transaction_id, v_position.event_id)
      and e.transaction_id < pg_snapshot_xmin(pg_current_snapshot())
    order by e.transaction_id, e.id
    limit p_limit;
end $$;

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
    holdfast.claims_of_hold(h.organization_id, h.id) AS claims
   FROM (holdfast.hold h
     JOIN holdfast.location l ON (((l.organization_id = h.organization_id) AND (l.id = h.location_id))));

CREATE FUNCTION holdfast.extend_hold(p_hold_id uuid, p_ttl_seconds integer DEFAULT NULL::integer) RETURNS SETOF holdfast.hold_detail
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'holdfast', 'pg_temp'
    AS $$
declare
  v_hold hold := lock_live_hold(p_hold_id, false);
  v_policy hold_policy;
  v_expires_at timestamptz;
begin
  select * into v_policy from hold_policy where organization_id = current_organization() and surface = v_hold.surface;
  v_expires_at := least(
    clock() + make_interval(secs => coalesce(p_ttl_seconds, v_policy.ttl_seconds)),
    v_hold.created_at + make_interval(secs => v_policy.ttl_seconds_max));
  if v_hold.extensions >= v_policy.extensions_max or v_expires_at <= v_hold.expires_at or p_ttl_seconds < 1 then
    perform refuse('hold_may_be_extended', jsonb_build_object(
      'extensions', v_hold.extensions, 'extensions_max', v_policy.extensions_max, 'expires_at', v_hold.expires_at));
  end if;
  update hold set expires_at = v_expires_at, extensions = extensions + 1
  where organization_id = v_hold.organization_id and id = v_hold.id;
  perform record_event('hold.extended', v_hold.id, jsonb_build_object('expires_at', v_expires_at));
  return query select * from hold_detail where organization_id = v_hold.organization_id and id = v_hold.id;
end $$;

CREATE FUNCTION holdfast.feed(p_transaction_id xid8, p_id bigint, p_limit integer) RETURNS TABLE(horizon bigint, id bigint, transaction_id bigint, at timestamp with time zone, type text, subject_id uuid, actor text, surface text, data jsonb)
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'holdfast', 'pg_temp'
    AS $$
  select h.horizon::text::bigint, e.id, e.transaction_id::text::bigint, e.at, e.type, e.subject_id, e.actor,
         e.surface::text, e.data
  from (select pg_snapshot_xmin(pg_current_snapshot()) as horizon) h
  left join lateral (
    select * from event
    where (event.transaction_id, event.id) > (p_transaction_id, p_id) and event.transaction_id < h.horizon
      and event.organization_id = current_organization()
    order by event.transaction_id, event.id
    limit p_limit
  ) e on true
  order by e.transaction_id, e.id;
$$;

CREATE FUNCTION holdfast.feed_now() RETURNS TABLE(horizon bigint, cluster_id bigint)
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'holdfast', 'pg_temp'
    AS $$
  select pg_snapshot_xmin(pg_current_snapshot())::text::bigint, system_identifier from pg_control_system();
$$;

CREATE FUNCTION holdfast.find_or_add_client(p_name text, p_email text, p_phone text) RETURNS uuid
    LANGUAGE plpgsql
    AS $$
declare
  v_client_id uuid;
begin
  select id into v_client_id from client
  where organization_id = current_organization() and lower(name) = lower(p_name)
    and (email = lower(p_email) or phone = p_phone)
  order by created_at limit 1;
  if v_client_id is null then
    insert into client (organization_id, name, email, phone)
    values (current_organization(), p_name, lower(p_email), p_phone)
    returning id into v_client_id;
    -- ids only: a person's details are never in the log, so they can be erased
    perform record_event('client.added', v_client_id, '{}');
  end if;
  return v_client_id;
end $$;

CREATE FUNCTION holdfast.forget_answers() RETURNS integer
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'holdfast', 'pg_temp'
    AS $$
declare
  v_count integer;
begin
  delete from idempotency where created_at < clock() - interval '48 hours';
  get diagnostics v_count = row_count;
  return v_count;
end $$;

CREATE FUNCTION holdfast.forget_deliveries() RETURNS integer
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'holdfast', 'pg_temp'
    AS $$
declare
  v_count integer;
begin
  delete from delivery where (organization_id, id) in (
    select organization_id, id from delivery
    where state in ('delivered', 'discarded') and settled_at < clock() - interval '30 days'
    limit 10000);
  get diagnostics v_count = row_count;
  return v_count;
end $$;

CREATE FUNCTION holdfast.guard_probe() RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'holdfast', 'pg_temp'
    AS $$
declare
  v_organization_id uuid;
  v_resource_id uuid;
  v_unit_id uuid;
  v_block_id uuid;
  v_bites boolean := false;
  v_during tstzrange := tstzrange(clock(), clock() + interval '1 hour');
begin
  begin
    insert into organization (slug, name) values ('guard-probe-' || replace(new_id()::text, '-', ''), 'guard probe')
    returning id into v_organization_id;
    insert into resource (organization_id, slug, name, kind) values (v_organization_id, 'probe', 'probe', 'other')
    returning id into v_resource_id;
    insert into unit (organization_id, resource_id, ordinal) values (v_organization_id, v_resource_id, 1)
    returning id into v_unit_id;
    insert into block (organization_id, resource_id, starts_at, ends_at, created_at)
    values (v_organization_id, v_resource_id, lower(v_during), upper(v_during), clock()) returning id into v_block_id;
    for i in 1..2 loop
      begin
        insert into claim (organization_id, block_id, unit_id, role, during, segment)
        values (v_organization_id, v_block_id, v_unit_id, 'probe', v_during, v_during);
      exception when exclusion_violation then
        v_bites := i = 2;
      end;
    end loop;
    raise exception 'undo' using errcode = 'HF901';
  exception when sqlstate 'HF901' then
    return v_bites;
  end;
end $$;

CREATE FUNCTION holdfast.has_lapsed(p_claim holdfast.claim) RETURNS boolean
    LANGUAGE sql
    AS $$
  select coalesce((
    select h.state = 'live' and h.expires_at <= clock() from hold h
    where h.organization_id = p_claim.organization_id and h.id = p_claim.hold_id), false);
$$;

CREATE FUNCTION holdfast.insert_appointment(p_hold holdfast.hold, p_client jsonb, p_note text) RETURNS uuid
    LANGUAGE plpgsql
    AS $$
declare
  v_row appointment;
begin
  v_row.id := new_id();
  if p_client ? 'id' then
    select id into v_row.client_id from client
    where organization_id = current_organization() and id = (p_client ->> 'id')::uuid;
    if v_row.client_id is null then
      perform refuse('client_exists');
    end if;
  else
    v_row.client_id := find_or_add_client(p_client ->> 'name', p_client ->> 'email', p_client ->> 'phone');
  end if;
  insert into appointment (organization_id, id, hold_id, client_id, service_id, location_id, starts_at, ends_at, local_start,
                           time_zone, confirmation_code, price_cents, surface, note, created_at)
  select p_hold.organization_id, v_row.id, p_hold.id, v_row.client_id, p_hold.service_id, p_hold.location_id, p_hold.starts_at,
         p_hold.ends_at, p_hold.starts_at at time zone l.time_zone, l.time_zone, new_confirmation_code(), s.price_cents,
         current_surface(), p_note, clock()
  from service s, location l
  where s.organization_id = p_hold.organization_id and s.id = p_hold.service_id
    and l.organization_id = p_hold.organization_id and l.id = p_hold.location_id
  returning * into v_row;
  perform record_event('appointment.booked', v_row.id, jsonb_build_object(
    'hold_id', v_row.hold_id, 'client_id', v_row.client_id, 'service_id', v_row.service_id, 'location_id', v_row.location_id,
    'starts_at', v_row.starts_at, 'ends_at', v_row.ends_at, 'price_cents', v_row.price_cents, 'revision', v_row.revision,
    'overbook', p_hold.overbook_reason is not null));
  return v_row.id;
end $$;

CREATE FUNCTION holdfast.insert_claims(p_hold_id uuid, p_chosen holdfast.candidate[]) RETURNS boolean
    LANGUAGE plpgsql
    AS $$
declare
  v_won integer;
begin
  insert into claim (organization_id, hold_id, unit_id, role, during, segment, overbook)
  select current_organization(), p_hold_id, t.unit_id, t.role, t.during, t.segment, t.overbook
  from tile_claims(p_chosen) t
  order by t.unit_id, t.during
  -- named, so that it cannot swallow any other conflict
  on conflict on constraint claim_no_overlap do nothing;
  get diagnostics v_won = row_count;
  return v_won = cardinality(p_chosen);
end $$;

CREATE FUNCTION holdfast.insert_hold(p_hold holdfast.hold) RETURNS void
    LANGUAGE plpgsql
    AS $$
begin
  insert into hold (organization_id, id, state, service_id, location_id, starts_at, ends_at, created_at, expires_at, surface,
                    actor, visitor, network, overbook_reason, outside_rules)
  values (p_hold.organization_id, p_hold.id, p_hold.state, p_hold.service_id, p_hold.location_id, p_hold.starts_at,
          p_hold.ends_at, p_hold.created_at, p_hold.expires_at, p_hold.surface, p_hold.actor, p_hold.visitor, p_hold.network,
          p_hold.overbook_reason, p_hold.outside_rules);
end $$;

CREATE FUNCTION holdfast.last_taken(p_resource_ids uuid[]) RETURNS TABLE(resource_id uuid, taken_at timestamp with time zone)
    LANGUAGE sql SECURITY DEFINER
    SET search_path TO 'holdfast', 'pg_temp'
    AS $$
  select r.id, max(h.created_at)
  from unnest(p_resource_ids) as r(id)
  join unit u on u.organization_id = current_organization() and u.resource_id = r.id
  cross join lateral claims_on(u.id, tstzrange(clock() - interval '7 days', clock() + interval '90 days')) c
  join hold h on h.organization_id = c.organization_id and h.id = c.hold_id
  where not (h.state = 'live' and h.expires_at <= clock())
  group by r.id;
$$;

CREATE FUNCTION holdfast.let_go(p_hold_id uuid, p_state text, p_facts jsonb DEFAULT '{}'::jsonb) RETURNS void
    LANGUAGE plpgsql
    AS $$
begin
  update hold set state = p_state where organization_id = current_organization() and id = p_hold_id;
  perform record_event('hold.' || p_state, p_hold_id, p_facts);
  perform promote_overbooks(k.unit_id, k.during)
  from claim k where k.organization_id = current_organization() and k.hold_id = p_hold_id;
end $$;

CREATE FUNCTION holdfast.lock_appointment(p_appointment_id uuid, p_revision integer, p_states text[]) RETURNS holdfast.appointment
    LANGUAGE plpgsql
    AS $$
declare
  v_appointment appointment;
begin
  select * into v_appointment from appointment
  where organization_id = current_organization() and id = p_appointment_id for update;
  if v_appointment.id is null then
    perform refuse('appointment_exists');
  end if;
  if p_revision <> v_appointment.revision then
    perform refuse('revision_is_current', jsonb_build_object('revision', v_appointment.revision));
  end if;
  if not v_appointment.state = any (p_states) then
    perform refuse('appointment_state_allows', jsonb_build_object('state', v_appointment.state, 'allowed_from', p_states));
  end if;
  return v_appointment;
end $$;

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

CREATE FUNCTION holdfast.lock_delivery(p_delivery_id uuid) RETURNS holdfast.delivery
    LANGUAGE plpgsql
    AS $$
declare
  v_delivery delivery;
begin
  select * into v_delivery from delivery where organization_id = current_organization() and id = p_delivery_id for update;
  if v_delivery.id is null then
    perform refuse('delivery_exists');
  end if;
  return v_delivery;
end $$;

CREATE FUNCTION holdfast.lock_live_hold(p_hold_id uuid, p_grace boolean) RETURNS holdfast.hold
    LANGUAGE plpgsql
    AS $$
declare
  v_hold hold;
  v_grace interval := '0';
begin
  select * into v_hold from hold where organization_id = current_organization() and id = p_hold_id for update;
  if v_hold.id is null then
    perform refuse('hold_exists');
  end if;
  if v_hold.state = 'confirmed' then
    perform refuse('hold_is_not_settled', jsonb_build_object('state', v_hold.state));
  end if;
  if p_grace then
    select make_interval(secs => grace_seconds) into v_grace from hold_policy
    where organization_id = current_organization() and surface = v_hold.surface;
  end if;
  if v_hold.state <> 'live' or clock() >= v_hold.expires_at + coalesce(v_grace, '0') then
    perform refuse('hold_is_live', jsonb_build_object(
      'state', case v_hold.state when 'live' then 'expired' else v_hold.state end, 'expired_at', v_hold.expires_at));
  end if;
  return v_hold;
end $$;

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

CREATE FUNCTION holdfast.lock_open_resource(p_resource_id uuid) RETURNS holdfast.resource
    LANGUAGE plpgsql
    AS $$
declare
  v_resource resource;
begin
  if current_setting('transaction_isolation') <> 'read committed' then
    perform refuse('isolation_is_read_committed');
  end if;
  select * into v_resource from resource
  where organization_id = current_organization() and id = p_resource_id for update;
  if v_resource.id is null then
    perform refuse('resource_exists');
  end if;
  if v_resource.retired_at is not null then
    perform refuse('resource_is_in_service');
  end if;
  return v_resource;
end $$;

CREATE FUNCTION holdfast.lock_units(p_chosen holdfast.candidate[], p_replaces_id uuid) RETURNS boolean
    LANGUAGE plpgsql
    AS $$
declare
  v_unit_ids uuid[] := array(
    select c.unit_id from unnest(p_chosen) c
    union
    select k.unit_id from claim k where k.organization_id = current_organization() and k.hold_id = p_replaces_id);
begin
  if exists (select from unnest(p_chosen) c where c.standing) then
    perform from unit where organization_id = current_organization() and id = any (v_unit_ids) order by id for update;
  else
    perform from unit where organization_id = current_organization() and id = any (v_unit_ids) order by id for key share;
  end if;
  return not exists (
    select from unnest(p_chosen) c
    join unit u on u.organization_id = current_organization() and u.id = c.unit_id
    where u.retired_at is not null
      or not c.standing and overbook_stands(c.unit_id, c.during, p_replaces_id)
  );
end $$;

CREATE TABLE holdfast.webhook_endpoint (
    organization_id uuid NOT NULL,
    id uuid DEFAULT holdfast.new_id() NOT NULL,
    url text NOT NULL,
    description text DEFAULT ''::text NOT NULL,
    events text[] NOT NULL,
    secret bytea NOT NULL,
    previous_secret bytea,
    previous_secret_ends_at timestamp with time zone,
    status text DEFAULT 'active'::text NOT NULL,
    created_at timestamp with time zone NOT NULL,
    failing_since timestamp with time zone,
    warned_at timestamp with time zone,
    disabled_at timestamp with time zone,
    disabled_cause text,
    CONSTRAINT webhook_endpoint_description_is_bounded CHECK ((length(description) <= 500)),
    CONSTRAINT webhook_endpoint_disabled_says_why CHECK (((status = 'disabled'::text) = (disabled_cause IS NOT NULL))),
    CONSTRAINT webhook_endpoint_events_are_named CHECK (((cardinality(events) >= 1) AND (cardinality(events) <= 100))),
    CONSTRAINT webhook_endpoint_previous_secret_ends CHECK (((previous_secret IS NULL) = (previous_secret_ends_at IS NULL))),
    CONSTRAINT webhook_endpoint_status_is_known CHECK ((status = ANY (ARRAY['active'::text, 'disabled'::text, 'removed'::text]))),
    CONSTRAINT webhook_endpoint_url_is_bounded CHECK (((length(url) >= 1) AND (length(url) <= 2000)))
);

ALTER TABLE ONLY holdfast.webhook_endpoint FORCE ROW LEVEL SECURITY;

CREATE FUNCTION holdfast.lock_webhook_endpoint(p_endpoint_id uuid) RETURNS holdfast.webhook_endpoint
    LANGUAGE plpgsql
    AS $$
declare
  v_endpoint webhook_endpoint;
begin
  select * into v_endpoint from webhook_endpoint
  where organization_id = current_organization() and id = p_endpoint_id and status <> 'removed' for update;
  if v_endpoint.id is null then
    perform refuse('webhook_endpoint_exists');
  end if;
  return v_endpoint;
end $$;

CREATE FUNCTION holdfast.look(p_service_id uuid, p_location_id uuid, p_start timestamp with time zone, p_choices jsonb, p_replaces_id uuid DEFAULT NULL::uuid, p_caps boolean DEFAULT true) RETURNS SETOF holdfast.candidate
    LANGUAGE plpgsql ROWS 20
    AS $$
begin
  return query
  select s.slot, s.role, u.id, s.during, s.segment, t.taken, coalesce(w.lapsed_hold_ids, '{}')
  from visit_slots(p_service_id, p_start, p_choices) s
  join pool_member m on m.organization_id = current_organization() and m.pool_id = s.pool_id
  join resource r on r.organization_id = m.organization_id and r.id = m.resource_id and r.retired_at is null
  join resource_location l
    on l.organization_id = r.organization_id and l.resource_id = r.id and l.location_id = p_location_id
  join unit u on u.organization_id = r.organization_id and u.resource_id = r.id and u.retired_at is null
  -- One probe of the guard's index per unit, with equality: `unit_id = any(…)` was measured ten times slower.
  left join lateral (
    select bool_or(not lapsed) as standing, array_agg(hold_id) filter (where lapsed) as lapsed_hold_ids
    from (
      select k.hold_id, has_lapsed(k) as lapsed
      from claims_on(u.id, s.during) k
      where p_replaces_id is null or k.hold_id is distinct from p_replaces_id
    ) in_the_way
  ) w on true
  cross join lateral (
    select coalesce(w.standing, false) or case when p_caps and r.visits_per_day is not null then
      visits_that_day(r.id, p_start, (
        select time_zone from location where organization_id = r.organization_id and id = p_location_id
      ), p_replaces_id) >= r.visits_per_day
      else false end as taken
  ) t
  where s.chosen_ids is null or r.id = any (s.chosen_ids)
  order by
    s.slot,
    t.taken,
    (p_replaces_id is not null and exists (
      select from claim k
      where k.organization_id = current_organization() and k.hold_id = p_replaces_id and k.unit_id = u.id and k.role = s.role
    )) desc,
    array_position(s.chosen_ids, r.id),
    m.preference, cardinality(coalesce(w.lapsed_hold_ids, '{}')), r.slug, u.ordinal;
end $$;

CREATE FUNCTION holdfast.match_slots(p_candidates holdfast.candidate[], p_slot_count integer) RETURNS holdfast.candidate[]
    LANGUAGE plpgsql IMMUTABLE
    AS $$
declare
  v_offered holdfast.candidate[];
  v_first integer[];   -- where each depth's candidates begin in v_offered; one more than depths
  v_twin boolean[];    -- needs the same as the depth before: then only later candidates, or all orders would be tried
  v_try integer[];     -- the candidate each depth tries next
  v_depth integer := 1;
  v_index integer;
  v_chosen integer[] := '{}';
  v_one holdfast.candidate;
  v_steps integer := 0;
begin
  if p_slot_count = 0 then
    return '{}';
  end if;
  with offered as (
    select c, ordinality as rank, count(*) over (partition by (c).slot) as rivals
    from unnest(p_candidates) with ordinality as t(slot, role, unit_id, during, segment, standing, lapsed_hold_ids, ordinality)
    cross join lateral (
      select row(t.slot, t.role, t.unit_id, t.during, t.segment, t.standing, t.lapsed_hold_ids)::holdfast.candidate as c
    ) x
  ), ordered as (
    select c, row_number() over (order by rivals, (c).slot, rank) as position, (c).slot as slot from offered
  ), depths as (
    select min(position)::integer as first, array_agg(((c).segment, (c).unit_id) order by position) as choices
    from ordered group by slot
  ), twins as (
    select first, coalesce(choices = lag(choices) over (order by first), false) as twin from depths
  )
  select (select array_agg(c order by position) from ordered),
         array_agg(first order by first) || (select count(*)::integer + 1 from ordered),
         array_agg(twin order by first)
    into v_offered, v_first, v_twin
  from twins;
  if v_offered is null or cardinality(v_first) <> p_slot_count + 1 then
    return null;
  end if;

  v_try := v_first;
  while v_depth between 1 and p_slot_count loop
    v_index := v_try[v_depth];
    v_steps := v_steps + 1;
    if v_steps > 50000 then
      return null;
    end if;
    if v_index >= v_first[v_depth + 1] then
      -- nothing left here: the choice before this one was wrong
      v_depth := v_depth - 1;
      if v_depth >= 1 then
        v_chosen := v_chosen[1:v_depth - 1];
      end if;
      continue;
    end if;
    v_try[v_depth] := v_index + 1;
    v_one := v_offered[v_index];
    if not exists (
      select from unnest(v_chosen) as i
      where (v_offered[i]).unit_id = v_one.unit_id and (v_offered[i]).segment && v_one.segment
    ) then
      v_chosen := v_chosen[1:v_depth - 1] || v_index;
      v_depth := v_depth + 1;
      if v_depth <= p_slot_count then
        v_try[v_depth] := v_first[v_depth]
          + case when v_twin[v_depth] then v_index - v_first[v_depth - 1] + 1 else 0 end;
      end if;
    end if;
  end loop;
  if v_depth = 0 then
    return null;
  end if;
  return (select array_agg(v_offered[i]) from unnest(v_chosen) as i);
end $$;

CREATE FUNCTION holdfast.merge_resources(p_from_id uuid, p_into_id uuid) RETURNS SETOF holdfast.resource
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'holdfast', 'pg_temp'
    AS $$
declare
  v_resource resource;
  v_unit_id uuid;
  v_into_units uuid[];
  v_conflicts jsonb := '[]';
begin
  if p_from_id = p_into_id then
    perform refuse('merge_is_between_two');
  end if;
  -- in id order, whichever way round the merge is asked for
  for v_resource in
    select * from resource where organization_id = current_organization() and id in (p_from_id, p_into_id) order by id for update
  loop
    perform lock_open_resource(v_resource.id);
  end loop;
  perform lock_open_resource(p_from_id), lock_open_resource(p_into_id);
  perform from unit
  where organization_id = current_organization() and resource_id in (p_from_id, p_into_id) order by id for update;
  v_into_units := open_units(p_into_id);
  for v_unit_id in select unnest(open_units(p_from_id)) loop
    perform displace_lapsed_on(v_into_units || v_unit_id, tstzrange(clock(), null));
    v_conflicts := v_conflicts || move_future_claims(v_unit_id, v_into_units);
  end loop;
  if v_conflicts <> '[]' then
    perform refuse('no_claims_in_the_way', jsonb_build_object('conflicts', v_conflicts));
  end if;
  insert into pool_member (organization_id, pool_id, resource_id, preference)
  select organization_id, pool_id, p_into_id, preference from pool_member
  where organization_id = current_organization() and resource_id = p_from_id
  on conflict on constraint pool_member_pkey do nothing;
  delete from pool_member where organization_id = current_organization() and resource_id = p_from_id;
  insert into resource_location (organization_id, resource_id, location_id)
  select organization_id, p_into_id, location_id from resource_location
  where organization_id = current_organization() and resource_id = p_from_id
  on conflict on constraint resource_location_pkey do nothing;
  update unit set retired_at = clock()
  where organization_id = current_organization() and resource_id = p_from_id and retired_at is null;
  update resource set retired_at = clock(), merged_into_id = p_into_id
  where organization_id = current_organization() and id = p_from_id;
  return query select * from resource where organization_id = current_organization() and id = p_into_id;
end $$;

CREATE FUNCTION holdfast.move_claim(p_claim holdfast.claim, p_unit_id uuid) RETURNS boolean
    LANGUAGE plpgsql
    AS $$
begin
  if overbook_stands(p_unit_id, p_claim.during, null) then
    return false;
  end if;
  update claim set unit_id = p_unit_id, overbook = false
  where organization_id = p_claim.organization_id and id = p_claim.id;
  return true;
exception when exclusion_violation then
  return false;
end $$;

CREATE FUNCTION holdfast.move_future_claims(p_unit_id uuid, p_target_unit_ids uuid[]) RETURNS jsonb
    LANGUAGE plpgsql
    AS $$
declare
  v_claim claim;
  v_target uuid;
  v_overbook boolean;
  v_left uuid[] := '{}';
begin
  for v_claim in
    select * from claim
    where organization_id = current_organization()
      and id in (select id from claims_on(p_unit_id, tstzrange(clock(), null)))
    order by overbook, lower(during), id
    for update
  loop
    v_overbook := false;
    foreach v_target in array p_target_unit_ids loop
      exit when move_claim(v_claim, v_target);
      v_target := null;
    end loop;
    if v_target is null and v_claim.overbook then
      v_target := p_target_unit_ids[1];
      v_overbook := true;
      update claim set unit_id = v_target where organization_id = v_claim.organization_id and id = v_claim.id;
    end if;
    if v_target is null then
      v_left := v_left || coalesce(v_claim.hold_id, v_claim.block_id, v_claim.busy_id);
    else
      perform record_event('claim.moved', coalesce(v_claim.hold_id, v_claim.block_id, v_claim.busy_id), jsonb_build_object(
        'role', v_claim.role, 'starts_at', lower(v_claim.during), 'from_unit_id', p_unit_id, 'unit_id', v_target,
        'overbook', v_overbook));
    end if;
  end loop;
  return coalesce((
    select jsonb_agg(c) from jsonb_array_elements(conflicts_on(array[p_unit_id], tstzrange(clock(), null))) c
    where (c ->> 'id')::uuid = any (v_left) or exists (
      select from appointment a
      where a.organization_id = current_organization() and a.id = (c ->> 'id')::uuid and a.hold_id = any (v_left))
  ), '[]');
end $$;

CREATE FUNCTION holdfast.must_wait(p_delivery holdfast.delivery, p_after bigint DEFAULT 0) RETURNS boolean
    LANGUAGE sql STABLE
    AS $$
  select exists (
    select from delivery d
    where d.organization_id = p_delivery.organization_id and d.endpoint_id = p_delivery.endpoint_id
      and d.subject_id = p_delivery.subject_id and d.event_id < p_delivery.event_id
      and d.state in ('pending', 'dead') and (d.state = 'dead' or d.next_attempt_at > clock() or d.event_id <= p_after)
  );
$$;

CREATE FUNCTION holdfast.new_confirmation_code() RETURNS text
    LANGUAGE sql PARALLEL SAFE
    RETURN (SELECT string_agg(substr('23456789ABCDEFGHJKLMNPQRSTUVWXYZ'::text, (1 + (get_byte(bytes.bytes, i.i) % 32)), 1), ''::text) AS string_agg FROM uuid_send(gen_random_uuid()) bytes(bytes), unnest(ARRAY[0, 1, 2, 3, 4, 5, 9, 10]) i(i));

CREATE FUNCTION holdfast.no_show(p_appointment_id uuid, p_revision integer) RETURNS SETOF holdfast.appointment_detail
    LANGUAGE sql SECURITY DEFINER
    SET search_path TO 'holdfast', 'pg_temp'
    AS $$ select * from change_state(p_appointment_id, p_revision, 'no_show', '{confirmed}') $$;

CREATE FUNCTION holdfast.note_endpoint(p_endpoint_id uuid, p_outcome text, p_cause text) RETURNS void
    LANGUAGE plpgsql
    AS $$
declare
  v_endpoint webhook_endpoint;
begin
  if p_outcome = 'delivered' then
    update webhook_endpoint set failing_since = null, warned_at = null
    where organization_id = current_organization() and id = p_endpoint_id and failing_since is not null;
    return;
  end if;
  select * into v_endpoint from webhook_endpoint
  where organization_id = current_organization() and id = p_endpoint_id and status = 'active' for update;
  if v_endpoint.id is null then
    return;
  end if;
  if p_outcome = 'gone' or v_endpoint.failing_since < clock() - interval '5 days'
     and v_endpoint.warned_at < clock() - interval '1 day' then
    update webhook_endpoint set status = 'disabled', disabled_at = clock(), disabled_cause = p_cause,
      failing_since = coalesce(failing_since, clock())
    where organization_id = v_endpoint.organization_id and id = v_endpoint.id;
    perform record_event('webhook_endpoint.disabled', v_endpoint.id, jsonb_build_object('cause', p_cause));
  elsif v_endpoint.failing_since is null then
    update webhook_endpoint set failing_since = clock()
    where organization_id = v_endpoint.organization_id and id = v_endpoint.id;
  elsif v_endpoint.warned_at is null and v_endpoint.failing_since < clock() - interval '2 days' then
    update webhook_endpoint set warned_at = clock() where organization_id = v_endpoint.organization_id and id = v_endpoint.id;
    perform record_event('webhook_endpoint.failing', v_endpoint.id,
      jsonb_build_object('cause', p_cause, 'failing_since', v_endpoint.failing_since));
  end if;
end $$;

CREATE FUNCTION holdfast.open_units(p_resource_id uuid) RETURNS uuid[]
    LANGUAGE sql STABLE
    AS $$
  select coalesce(array_agg(id order by id), '{}') from unit
  where organization_id = current_organization() and resource_id = p_resource_id and retired_at is null;
$$;

CREATE FUNCTION holdfast.organization_by_slug(p_slug text) RETURNS uuid
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'holdfast', 'pg_temp'
    AS $$ select id from organization where slug = p_slug $$;

CREATE FUNCTION holdfast.organization_ids() RETURNS SETOF uuid
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'holdfast', 'pg_temp'
    AS $$ select id from organization order by id $$;

CREATE FUNCTION holdfast.overbook_stands(p_unit_id uuid, p_during tstzrange, p_except_hold_id uuid) RETURNS boolean
    LANGUAGE sql
    AS $$
  select exists (
    select from claim k
    where k.organization_id = current_organization() and k.unit_id = p_unit_id and k.active and k.overbook
      and k.during && p_during and k.hold_id is distinct from p_except_hold_id);
$$;

CREATE FUNCTION holdfast.owe_deliveries(p_event_ids bigint[], p_endpoint_id uuid DEFAULT NULL::uuid) RETURNS integer
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'holdfast', 'pg_temp'
    AS $$
declare
  v_count integer;
begin
  insert into delivery (organization_id, endpoint_id, event_id, subject_id, sequence, created_at, next_attempt_at)
  select e.organization_id, w.id, e.id, e.subject_id,
         (select count(*) from event s
          where s.organization_id = e.organization_id and s.subject_id = e.subject_id and s.id <= e.id),
         clock(), clock()
  from event e
  join webhook_endpoint w on w.organization_id = e.organization_id and w.status = 'active' and wants_event(w.events, e.type)
  where e.organization_id = current_organization() and e.id = any (p_event_ids)
    and (p_endpoint_id is null or w.id = p_endpoint_id)
  order by e.id
  on conflict on constraint delivery_is_owed_once do nothing;
  get diagnostics v_count = row_count;
  return v_count;
end $$;

CREATE FUNCTION holdfast.pieces(p_during tstzrange) RETURNS SETOF tstzrange
    LANGUAGE sql IMMUTABLE
    AS $$
  select tstzrange(t, least(t + interval '168 hours', upper(p_during)))
  from generate_series(lower(p_during), upper(p_during) - interval '1 microsecond', interval '168 hours') as t;
$$;

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

CREATE FUNCTION holdfast.place_block(p_resource_id uuid, p_start timestamp with time zone, p_end timestamp with time zone, p_reason text) RETURNS SETOF holdfast.block
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'holdfast', 'pg_temp'
    AS $$
declare
  v_resource resource := lock_open_resource(p_resource_id);
  v_units uuid[] := open_units(p_resource_id);
  v_block_id uuid := new_id();
  v_wanted integer;
  v_won integer;
begin
  if not p_start < p_end or p_end - p_start > interval '366 days' then
    perform refuse('block_length_is_allowed');
  end if;
  -- locked as in lock_units(): an overbook under way finishes first
  perform from unit where organization_id = current_organization() and id = any (v_units) order by id for key share;
  perform displace_lapsed_on(v_units, tstzrange(p_start, p_end));
  insert into block (organization_id, id, resource_id, starts_at, ends_at, reason, created_at)
  values (current_organization(), v_block_id, v_resource.id, p_start, p_end, coalesce(p_reason, ''), clock());
  select count(*) * cardinality(v_units) into v_wanted from pieces(tstzrange(p_start, p_end));
  insert into claim (organization_id, block_id, unit_id, role, during, segment)
  select current_organization(), v_block_id, unit_id, 'block', piece, piece
  from unnest(v_units) as unit_id, pieces(tstzrange(p_start, p_end)) as piece
  order by unit_id, piece
  on conflict on constraint claim_no_overlap do nothing;
  get diagnostics v_won = row_count;
  if v_won <> v_wanted or exists (
    select from unnest(v_units) as unit_id where overbook_stands(unit_id, tstzrange(p_start, p_end), null)
  ) then
    perform refuse('no_claims_in_the_way', jsonb_build_object('conflicts', (
      select coalesce(jsonb_agg(c), '[]') from jsonb_array_elements(conflicts_on(v_units, tstzrange(p_start, p_end))) c
      where c ->> 'id' <> v_block_id::text)));
  end if;
  perform record_block(v_block_id);
  return query select * from block where organization_id = current_organization() and id = v_block_id;
end $$;

CREATE FUNCTION holdfast.place_hold(p_service_id uuid, p_location_id uuid, p_start timestamp with time zone, p_choices jsonb DEFAULT '{}'::jsonb, p_ttl_seconds integer DEFAULT NULL::integer, p_visitor bytea DEFAULT NULL::bytea, p_network bytea DEFAULT NULL::bytea, p_outside_rules boolean DEFAULT false) RETURNS SETOF holdfast.hold_detail
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'holdfast', 'pg_temp'
    AS $$
declare
  v_hold hold := draft_hold(p_service_id, p_location_id, p_start, p_ttl_seconds, p_visitor, p_network, 'live', null,
                            p_outside_rules);
begin
  perform take(v_hold, p_choices);
  return query select * from hold_detail where organization_id = v_hold.organization_id and id = v_hold.id;
end $$;

CREATE FUNCTION holdfast.promote_overbooks(p_unit_id uuid, p_during tstzrange) RETURNS void
    LANGUAGE plpgsql
    AS $$
declare
  v_claim claim;
begin
  for v_claim in
    select * from claim
    where organization_id = current_organization() and unit_id = p_unit_id and during && p_during and active and overbook
    order by id
  loop
    begin
      update claim set overbook = false
      where organization_id = v_claim.organization_id and id = v_claim.id and active and overbook;
      if found then  -- else it left while we waited for it
        perform record_event('claim.promoted', v_claim.hold_id, jsonb_build_object(
          'unit_id', v_claim.unit_id, 'role', v_claim.role, 'starts_at', lower(v_claim.during)));
      end if;
    exception when exclusion_violation then
      null;  -- still behind somebody else
    end;
  end loop;
end $$;

CREATE FUNCTION holdfast.put_location(p_slug text, p_name text, p_time_zone text, p_address text DEFAULT NULL::text) RETURNS uuid
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'holdfast', 'pg_temp'
    AS $$
declare
  v_id uuid;
begin
  insert into location as l (organization_id, slug, name, time_zone, address)
  values (current_organization(), p_slug, p_name, p_time_zone, p_address)
  on conflict on constraint location_slug_is_unique do update
    set name = p_name, time_zone = p_time_zone, address = p_address, retired_at = null
    where (l.name, l.time_zone, l.address, l.retired_at)
      is distinct from (excluded.name, excluded.time_zone, excluded.address, null::timestamptz);
  select id into v_id from location where organization_id = current_organization() and slug = p_slug;
  return v_id;
end $$;

CREATE FUNCTION holdfast.put_pool(p_slug text, p_name text, p_members jsonb) RETURNS uuid
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'holdfast', 'pg_temp'
    AS $$
declare
  v_id uuid;
begin
  insert into pool as p (organization_id, slug, name) values (current_organization(), p_slug, p_name)
  on conflict on constraint pool_slug_is_unique do update set name = p_name where p.name is distinct from p_name;
  select id into v_id from pool where organization_id = current_organization() and slug = p_slug;
  delete from pool_member
  where organization_id = current_organization() and pool_id = v_id
    and resource_id not in (select (m ->> 'resource_id')::uuid from jsonb_array_elements(p_members) m);
  insert into pool_member as pm (organization_id, pool_id, resource_id, preference)
  select current_organization(), v_id, (m ->> 'resource_id')::uuid, coalesce((m ->> 'preference')::integer, 100)
  from jsonb_array_elements(p_members) m
  on conflict on constraint pool_member_pkey do update set preference = excluded.preference
    where pm.preference <> excluded.preference;
  return v_id;
end $$;

CREATE FUNCTION holdfast.put_resource(p_slug text, p_name text, p_kind text, p_location_ids uuid[], p_capacity integer DEFAULT 1) RETURNS uuid
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'holdfast', 'pg_temp'
    AS $$
declare
  v_resource resource;
begin
  insert into resource as r (organization_id, slug, name, kind) values (current_organization(), p_slug, p_name, p_kind)
  on conflict on constraint resource_slug_is_unique do update set name = p_name, kind = p_kind, retired_at = null
    where r.merged_into_id is null
      and (r.name, r.kind, r.retired_at) is distinct from (excluded.name, excluded.kind, null::timestamptz);
  select * into v_resource from resource where organization_id = current_organization() and slug = p_slug;
  delete from resource_location
  where organization_id = current_organization() and resource_id = v_resource.id and location_id <> all (p_location_ids);
  insert into resource_location (organization_id, resource_id, location_id)
  select current_organization(), v_resource.id, unnest(p_location_ids)
  on conflict on constraint resource_location_pkey do nothing;
  if cardinality(open_units(v_resource.id)) <> p_capacity then
    perform set_capacity(v_resource.id, p_capacity);
  end if;
  return v_resource.id;
end $$;

CREATE FUNCTION holdfast.put_service(p_slug text, p_name text, p_category text, p_duration_minutes integer, p_price_cents integer, p_location_ids uuid[], p_requirements jsonb) RETURNS uuid
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'holdfast', 'pg_temp'
    AS $$
declare
  v_id uuid;
begin
  insert into service as s (organization_id, slug, name, category, duration_minutes, price_cents)
  values (current_organization(), p_slug, p_name, p_category, p_duration_minutes, p_price_cents)
  on conflict on constraint service_slug_is_unique do update
    set name = p_name, category = p_category, duration_minutes = p_duration_minutes, price_cents = p_price_cents,
        retired_at = null
    where (s.name::text, s.category::text, s.duration_minutes, s.price_cents, s.retired_at)
      is distinct from (p_name, p_category, p_duration_minutes, p_price_cents, null::timestamptz);
  select id into v_id from service where organization_id = current_organization() and slug = p_slug;
  delete from service_location
  where organization_id = current_organization() and service_id = v_id and location_id <> all (p_location_ids);
  insert into service_location (organization_id, service_id, location_id)
  select current_organization(), v_id, unnest(p_location_ids)
  on conflict on constraint service_location_pkey do nothing;
  delete from requirement
  where organization_id = current_organization() and service_id = v_id
    and role not in (select r ->> 'role' from jsonb_array_elements(p_requirements) r);
  insert into requirement as q (organization_id, service_id, role, pool_id, quantity, segment_start_minutes, segment_minutes,
                                buffer_before_minutes, buffer_after_minutes)
  select current_organization(), v_id, r.role, r.pool_id, r.quantity, r.segment_start_minutes, r.segment_minutes,
         r.buffer_before_minutes, r.buffer_after_minutes
  from jsonb_populate_recordset(null::requirement, p_requirements) r
  on conflict on constraint requirement_role_is_unique do update
    set pool_id = excluded.pool_id, quantity = excluded.quantity, segment_start_minutes = excluded.segment_start_minutes,
        segment_minutes = excluded.segment_minutes, buffer_before_minutes = excluded.buffer_before_minutes,
        buffer_after_minutes = excluded.buffer_after_minutes
    where (q.pool_id, q.quantity, q.segment_start_minutes, q.segment_minutes, q.buffer_before_minutes, q.buffer_after_minutes)
      is distinct from (excluded.pool_id, excluded.quantity, excluded.segment_start_minutes, excluded.segment_minutes,
                        excluded.buffer_before_minutes, excluded.buffer_after_minutes);
  return v_id;
end $$;

CREATE FUNCTION holdfast.record_attempt(p_delivery_id uuid, p_outcome text, p_status integer, p_cause text, p_response text, p_latency_ms integer, p_retry_in_seconds double precision) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'holdfast', 'pg_temp'
    AS $$
declare
  v_delivery delivery;
  v_state text := case when p_outcome = 'delivered' then 'delivered' when p_outcome = 'gone' then 'pending'
                       when p_retry_in_seconds is null then 'dead' else 'pending' end;
begin
  select * into v_delivery from delivery where organization_id = current_organization() and id = p_delivery_id for update;
  insert into delivery_attempt (organization_id, delivery_id, at, status, cause, response, latency_ms)
  values (v_delivery.organization_id, v_delivery.id, clock(), p_status, p_cause, p_response, p_latency_ms);
  if v_delivery.state <> 'pending' then
    return;
  end if;
  update delivery set
    state = v_state, attempts = attempts + 1,
    next_attempt_at = clock() + make_interval(secs => coalesce(p_retry_in_seconds, 0)),
    settled_at = case when v_state <> 'pending' then clock() end,
    last_status = p_status, last_cause = p_cause, last_response = p_response
  where organization_id = v_delivery.organization_id and id = v_delivery.id;
  perform note_endpoint(v_delivery.endpoint_id, p_outcome, p_cause);
  if v_state = 'dead' then
    perform record_event('delivery.died', v_delivery.id,
      jsonb_build_object('endpoint_id', v_delivery.endpoint_id, 'cause', p_cause));
  end if;
end $$;

CREATE FUNCTION holdfast.record_block(p_block_id uuid) RETURNS void
    LANGUAGE sql
    AS $$
  select record_event('block.placed', b.id, jsonb_build_object(
    'resource_id', b.resource_id, 'starts_at', b.starts_at, 'ends_at', b.ends_at, 'claims', (
      select jsonb_agg(jsonb_build_object('unit_id', k.unit_id, 'role', k.role, 'starts_at', lower(k.during),
                                          'ends_at', upper(k.during)) order by k.id)
      from claim k where k.organization_id = b.organization_id and k.block_id = b.id)))
  from block b where b.organization_id = current_organization() and b.id = p_block_id;
$$;

CREATE FUNCTION holdfast.record_busy(p_resource_id uuid, p_source text, p_external_id text, p_start timestamp with time zone, p_end timestamp with time zone) RETURNS TABLE(busy_id uuid, added boolean, collisions integer)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'holdfast', 'pg_temp'
    AS $$
declare
  v_resource resource := lock_open_resource(p_resource_id);
  v_units uuid[] := open_units(p_resource_id);
  v_during tstzrange := tstzrange(p_start, p_end);
  v_busy busy;
begin
  select * into v_busy from busy
  where organization_id = current_organization() and resource_id = p_resource_id and source = p_source
    and external_id = p_external_id;
  if v_busy.starts_at = p_start and v_busy.ends_at = p_end and v_busy.removed_at is null then
    return query select v_busy.id, false, 0;
    return;
  end if;
  if v_busy.id is not null then
    perform remove_busy(v_busy.id);
    delete from claim k where k.organization_id = current_organization() and k.busy_id = v_busy.id;
    update busy set starts_at = p_start, ends_at = p_end, removed_at = null
    where organization_id = current_organization() and id = v_busy.id;
  else
    v_busy.id := new_id();
    insert into busy (organization_id, id, resource_id, source, external_id, starts_at, ends_at, created_at)
    values (current_organization(), v_busy.id, p_resource_id, p_source, p_external_id, p_start, p_end, clock());
  end if;
  perform displace_lapsed_on(v_units, v_during);
  perform claim_free_rest(v_busy.id, v_units, v_during);
  -- after the claim: whoever won a race for the rest is committed by now, and is seen
  perform record_collisions(v_busy.id, v_resource.id, v_units, v_during);
  perform record_event('busy.recorded', v_busy.id, jsonb_build_object(
    'resource_id', p_resource_id, 'source', p_source, 'starts_at', p_start, 'ends_at', p_end, 'claims', (
      select coalesce(jsonb_agg(jsonb_build_object('unit_id', k.unit_id, 'role', k.role, 'starts_at', lower(k.during),
                                                   'ends_at', upper(k.during)) order by k.id), '[]')
      from claim k where k.organization_id = current_organization() and k.busy_id = v_busy.id)));
  return query
    select v_busy.id, true, count(*)::integer from collision c
    where c.organization_id = current_organization() and c.busy_id = v_busy.id and c.resolved_at is null;
end $$;

CREATE FUNCTION holdfast.record_catalog_change() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'holdfast', 'pg_temp'
    AS $$
declare
  v_row jsonb := to_jsonb(case when tg_op = 'DELETE' then old else new end);
  v_organization_id uuid := coalesce(v_row ->> 'organization_id', v_row ->> 'id');
begin
  update organization set catalog_version = catalog_version + 1 where id = v_organization_id;
  insert into event (organization_id, at, type, subject_id, actor, surface, data)
  values (
    v_organization_id, clock(),
    tg_table_name || case tg_op when 'INSERT' then '.added' when 'UPDATE' then '.changed' else '.removed' end,
    -- a row of a linking table is told under the thing it is part of
    coalesce(v_row ->> 'id', v_row ->> tg_argv[0])::uuid,
    current_actor(), current_surface(), v_row - array['organization_id', 'catalog_version', 'reason']
  );
  return null;
end $$;

CREATE FUNCTION holdfast.record_collisions(p_busy_id uuid, p_resource_id uuid, p_unit_ids uuid[], p_during tstzrange) RETURNS void
    LANGUAGE sql
    AS $$
  with others as (
    select distinct on (c ->> 'id') c ->> 'kind' as kind, (c ->> 'id')::uuid as id,
           (c ->> 'starts_at')::timestamptz as starts_at, (c ->> 'ends_at')::timestamptz as ends_at
    from jsonb_array_elements(conflicts_on(p_unit_ids, p_during)) c
    where c ->> 'kind' <> 'busy'
    union all
    select 'busy', id, starts_at, ends_at from busy
    where organization_id = current_organization() and resource_id = p_resource_id and id <> p_busy_id
      and removed_at is null and tstzrange(starts_at, ends_at) && p_during
  ), added as (
    insert into collision (organization_id, resource_id, busy_id, other_kind, other_id, starts_at, ends_at, found_at)
    select current_organization(), p_resource_id, p_busy_id, kind, id,
           greatest(starts_at, lower(p_during)), least(ends_at, upper(p_during)), clock()
    from others
    where (select count(*) from others) >= cardinality(p_unit_ids)
    -- it moved and meets the same booking again: what was decided then is no answer now
    on conflict on constraint collision_pair_is_unique do update
      set starts_at = excluded.starts_at, ends_at = excluded.ends_at, found_at = excluded.found_at,
          resolved_at = null, resolved_by = null, resolution = null
    returning *
  )
  select record_event('collision.found', id, jsonb_build_object(
    'resource_id', resource_id, 'busy_id', busy_id, 'other_kind', other_kind, 'other_id', other_id,
    'starts_at', starts_at, 'ends_at', ends_at))
  from added;
$$;

CREATE FUNCTION holdfast.record_event(p_type text, p_subject_id uuid, p_data jsonb) RETURNS void
    LANGUAGE plpgsql
    AS $$
begin
  insert into event (organization_id, at, type, subject_id, actor, surface, data)
  values (current_organization(), clock(), p_type, p_subject_id, current_actor(), current_surface(), p_data);
end $$;

CREATE FUNCTION holdfast.record_hold(p_hold holdfast.hold) RETURNS void
    LANGUAGE plpgsql
    AS $$
begin
  perform record_event('hold.placed', p_hold.id, jsonb_build_object(
    'state', p_hold.state, 'service_id', p_hold.service_id, 'location_id', p_hold.location_id,
    'starts_at', p_hold.starts_at, 'ends_at', p_hold.ends_at, 'expires_at', p_hold.expires_at,
    'overbook_reason', p_hold.overbook_reason, 'outside_rules', p_hold.outside_rules, 'claims', claims_as_facts(p_hold.id)));
end $$;

CREATE FUNCTION holdfast.refresh_statistics() RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'holdfast', 'pg_temp'
    AS $$
begin
  analyze client, hold, appointment, block, busy, claim, event, resource, resource_location, unit, pool_member, service,
    service_location, requirement;
end $$;

CREATE FUNCTION holdfast.refuse(p_rule text, p_facts jsonb DEFAULT '{}'::jsonb) RETURNS void
    LANGUAGE plpgsql
    AS $$
begin
  raise exception using
    errcode = 'HF001', constraint = p_rule, message = replace(p_rule, '_', ' ') || ' does not hold', detail = p_facts::text;
end $$;

CREATE FUNCTION holdfast.refuse_slot(p_seen holdfast.candidate[]) RETURNS void
    LANGUAGE plpgsql
    AS $$
declare
  v_lost text[];
begin
  select array_agg(role order by role) into v_lost
  from (select role from unnest(p_seen) c group by role having bool_and(standing)) lost;
  if v_lost is null then
    select array_agg(distinct role order by role) into v_lost from unnest(p_seen);
  end if;
  perform refuse('slot_is_free', jsonb_build_object('roles', v_lost));
end $$;

CREATE FUNCTION holdfast.refuse_unserved_role(p_service_id uuid, p_start timestamp with time zone, p_choices jsonb, p_seen holdfast.candidate[]) RETURNS void
    LANGUAGE plpgsql
    AS $$
declare
  v_role text;
  v_chosen uuid[];
begin
  select s.role, s.chosen_ids into v_role, v_chosen
  from visit_slots(p_service_id, p_start, p_choices) s
  where not exists (select from unnest(p_seen) c where c.slot = s.slot)
  order by s.slot limit 1;
  if v_role is not null then
    perform refuse('role_can_be_served', jsonb_build_object(
      'reason', case when v_chosen is null then 'nobody_serves_role' else 'resource_cannot_serve' end, 'role', v_role));
  end if;
end $$;

CREATE FUNCTION holdfast.relay_lag() RETURNS TABLE(waiting bigint, seconds double precision)
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'holdfast', 'pg_temp'
    AS $$
declare
  v_position relay_position;
begin
  select * into v_position from relay_position;
  return query
    select count(*), coalesce(extract(epoch from clock() - min(w.at))::double precision, 0)
    from (
      select e.at from event e
      where (e.transaction_id, e.id) > (v_position.transaction_id, v_position.event_id)
      order by e.transaction_id, e.id
      limit 100000
    ) w;
end $$;

CREATE FUNCTION holdfast.release_hold(p_hold_id uuid) RETURNS SETOF holdfast.hold_detail
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'holdfast', 'pg_temp'
    AS $$
declare
  v_hold hold;
begin
  select * into v_hold from hold where organization_id = current_organization() and id = p_hold_id for update;
  if v_hold.id is null then
    perform refuse('hold_exists');
  end if;
  if v_hold.state = 'confirmed' then
    perform refuse('hold_is_not_settled', jsonb_build_object('state', v_hold.state));
  end if;
  if v_hold.state = 'live' then
    perform let_go(p_hold_id, 'released');
  end if;
  return query select * from hold_detail where organization_id = v_hold.organization_id and id = v_hold.id;
end $$;

CREATE FUNCTION holdfast.remove_block(p_block_id uuid) RETURNS SETOF holdfast.block
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'holdfast', 'pg_temp'
    AS $$
declare
  v_block block;
begin
  select * into v_block from block where organization_id = current_organization() and id = p_block_id for update;
  if v_block.id is null then
    perform refuse('block_exists');
  end if;
  if v_block.removed_at is null then
    update block set removed_at = clock() where organization_id = v_block.organization_id and id = v_block.id;
    perform record_event('block.removed', v_block.id, '{}');
    perform promote_overbooks(k.unit_id, k.during)
    from claim k where k.organization_id = v_block.organization_id and k.block_id = v_block.id;
  end if;
  return query select * from block where organization_id = v_block.organization_id and id = v_block.id;
end $$;

CREATE FUNCTION holdfast.remove_busy(p_busy_id uuid) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'holdfast', 'pg_temp'
    AS $$
begin
  update busy set removed_at = clock()
  where organization_id = current_organization() and id = p_busy_id and removed_at is null;
  if found then
    perform record_event('busy.removed', p_busy_id, '{}');
    perform settle_collision(id, 'The event over there is gone.') from collision
    where organization_id = current_organization() and busy_id = p_busy_id and resolved_at is null;
    perform promote_overbooks(k.unit_id, k.during)
    from claim k where k.organization_id = current_organization() and k.busy_id = p_busy_id;
  end if;
end $$;

CREATE FUNCTION holdfast.remove_dated_rule(p_rule_id uuid) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'holdfast', 'pg_temp'
    AS $$
begin
  delete from dated_rule where organization_id = current_organization() and id = p_rule_id;
  if not found then perform refuse('rule_exists'); end if;
end $$;

CREATE FUNCTION holdfast.remove_pool(p_pool_id uuid) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'holdfast', 'pg_temp'
    AS $$
begin
  if exists (select from requirement where organization_id = current_organization() and pool_id = p_pool_id) then
    perform refuse('no_service_needs_pool');
  end if;
  delete from pool_member where organization_id = current_organization() and pool_id = p_pool_id;
  delete from pool where organization_id = current_organization() and id = p_pool_id;
  if not found then perform refuse('pool_exists'); end if;
end $$;

CREATE FUNCTION holdfast.remove_webhook_endpoint(p_endpoint_id uuid) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'holdfast', 'pg_temp'
    AS $$
declare
  v_endpoint webhook_endpoint := lock_webhook_endpoint(p_endpoint_id);
begin
  update webhook_endpoint set status = 'removed', disabled_cause = null
  where organization_id = v_endpoint.organization_id and id = v_endpoint.id;
  update delivery set state = 'discarded', settled_at = clock(), discard_reason = 'The endpoint was removed.'
  where organization_id = v_endpoint.organization_id and endpoint_id = v_endpoint.id and state in ('pending', 'dead');
  perform record_event('webhook_endpoint.removed', p_endpoint_id, '{}');
end $$;

CREATE FUNCTION holdfast.replay_webhook_endpoint(p_endpoint_id uuid, p_since timestamp with time zone) RETURNS integer
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'holdfast', 'pg_temp'
    AS $$
declare
  v_endpoint webhook_endpoint := lock_webhook_endpoint(p_endpoint_id);
  v_count integer;
begin
  if v_endpoint.status <> 'active' then
    perform refuse('webhook_endpoint_is_active', jsonb_build_object('cause', v_endpoint.disabled_cause));
  end if;
  v_count := retry_deliveries_since(p_since, p_endpoint_id);
  v_count := v_count + owe_deliveries(array(
    select id from event where organization_id = current_organization() and at >= p_since and wants_event(v_endpoint.events, type)
  ), p_endpoint_id);
  perform record_event('webhook_endpoint.replayed', p_endpoint_id, jsonb_build_object('since', p_since, 'deliveries', v_count));
  return v_count;
end $$;

CREATE FUNCTION holdfast.reschedule(p_appointment_id uuid, p_revision integer, p_start timestamp with time zone DEFAULT NULL::timestamp with time zone, p_location_id uuid DEFAULT NULL::uuid, p_choices jsonb DEFAULT '{}'::jsonb, p_hold_id uuid DEFAULT NULL::uuid, p_overbook_reason text DEFAULT NULL::text, p_outside_rules boolean DEFAULT false) RETURNS SETOF holdfast.appointment_detail
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'holdfast', 'pg_temp'
    AS $$
declare
  v_old appointment := lock_appointment(p_appointment_id, p_revision, '{confirmed}');
  v_hold hold;
begin
  if p_hold_id is not null then
    v_hold := lock_live_hold(p_hold_id, true);
    if v_hold.service_id <> v_old.service_id then
      perform refuse('hold_is_for_this_service');
    end if;
    update hold set state = 'confirmed' where organization_id = v_hold.organization_id and id = v_hold.id;
    perform record_event('hold.confirmed', v_hold.id, '{}');
  else
    v_hold := draft_hold(v_old.service_id, coalesce(p_location_id, v_old.location_id), p_start, null, null, null, 'confirmed',
                         p_overbook_reason, p_outside_rules);
    perform take(v_hold, p_choices, v_old.hold_id);
  end if;
  perform let_go(v_old.hold_id, 'released', jsonb_build_object('moved', true));
  update appointment a
  set hold_id = v_hold.id, location_id = v_hold.location_id, starts_at = v_hold.starts_at, ends_at = v_hold.ends_at,
      local_start = v_hold.starts_at at time zone l.time_zone, time_zone = l.time_zone, revision = a.revision + 1
  from location l
  where a.organization_id = v_old.organization_id and a.id = v_old.id
    and l.organization_id = v_hold.organization_id and l.id = v_hold.location_id;
  perform record_event('appointment.rescheduled', v_old.id, jsonb_build_object(
    'hold_id', v_hold.id, 'location_id', v_hold.location_id, 'starts_at', v_hold.starts_at, 'ends_at', v_hold.ends_at,
    'from_hold_id', v_old.hold_id, 'from_starts_at', v_old.starts_at, 'from_location_id', v_old.location_id,
    'revision', v_old.revision + 1));
  return query select * from appointment_detail where organization_id = v_old.organization_id and id = v_old.id;
end $$;

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
    CONSTRAINT collision_resolution_is_whole CHECK ((((resolved_at IS NULL) = (resolved_by IS NULL)) AND ((resolved_at IS NULL) = (resolution IS NULL)))),
    CONSTRAINT collision_starts_before_end CHECK ((starts_at < ends_at))
);

ALTER TABLE ONLY holdfast.collision FORCE ROW LEVEL SECURITY;

CREATE FUNCTION holdfast.resolve_collision(p_collision_id uuid, p_resolution text) RETURNS SETOF holdfast.collision
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'holdfast', 'pg_temp'
    AS $$
begin
  perform settle_collision(p_collision_id, p_resolution);
  return query select * from collision where organization_id = current_organization() and id = p_collision_id;
  if not found then
    perform refuse('collision_exists');
  end if;
end $$;

CREATE FUNCTION holdfast.retire_location(p_location_id uuid) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'holdfast', 'pg_temp'
    AS $$
begin
  update location set retired_at = coalesce(retired_at, clock())
  where organization_id = current_organization() and id = p_location_id;
  if not found then perform refuse('location_exists'); end if;
end $$;

CREATE FUNCTION holdfast.retire_resource(p_resource_id uuid) RETURNS SETOF holdfast.resource
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'holdfast', 'pg_temp'
    AS $$
declare
  v_resource resource := lock_open_resource(p_resource_id);
  v_units uuid[];
  v_conflicts jsonb;
begin
  perform from unit where organization_id = current_organization() and resource_id = p_resource_id order by id for update;
  v_units := open_units(p_resource_id);
  perform displace_lapsed_on(v_units, tstzrange(clock(), null));
  v_conflicts := conflicts_on(v_units, tstzrange(clock(), null));
  if v_conflicts <> '[]' then
    perform refuse('no_claims_in_the_way', jsonb_build_object('conflicts', v_conflicts));
  end if;
  update unit set retired_at = clock()
  where organization_id = current_organization() and resource_id = p_resource_id and retired_at is null;
  update resource set retired_at = clock() where organization_id = current_organization() and id = p_resource_id;
  return query select * from resource where organization_id = current_organization() and id = p_resource_id;
end $$;

CREATE FUNCTION holdfast.retire_service(p_service_id uuid) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'holdfast', 'pg_temp'
    AS $$
begin
  update service set retired_at = coalesce(retired_at, clock())
  where organization_id = current_organization() and id = p_service_id;
  if not found then perform refuse('service_exists'); end if;
end $$;

CREATE FUNCTION holdfast.retry_deliveries_since(p_since timestamp with time zone, p_endpoint_id uuid DEFAULT NULL::uuid) RETURNS integer
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'holdfast', 'pg_temp'
    AS $$
declare
  v_count integer;
begin
  update delivery d set state = 'pending', attempts = 0, next_attempt_at = clock(), settled_at = null
  from event e
  where d.organization_id = current_organization() and d.state = 'dead' and (p_endpoint_id is null or d.endpoint_id = p_endpoint_id)
    and e.organization_id = d.organization_id and e.id = d.event_id and e.at >= p_since;
  get diagnostics v_count = row_count;
  if v_count > 0 then
    perform record_event('delivery.all_retried', coalesce(p_endpoint_id, current_organization()),
      jsonb_build_object('since', p_since, 'deliveries', v_count));
  end if;
  return v_count;
end $$;

CREATE FUNCTION holdfast.retry_delivery(p_delivery_id uuid) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'holdfast', 'pg_temp'
    AS $$
declare
  v_delivery delivery := lock_delivery(p_delivery_id);
begin
  if exists (select from webhook_endpoint where organization_id = v_delivery.organization_id and id = v_delivery.endpoint_id
             and status = 'removed') then
    perform refuse('webhook_endpoint_exists');
  end if;
  update delivery set state = 'pending', attempts = 0, next_attempt_at = clock(), settled_at = null, discard_reason = null
  where organization_id = v_delivery.organization_id and id = v_delivery.id;
  perform record_event('delivery.retried', v_delivery.id, jsonb_build_object('from_state', v_delivery.state));
end $$;

CREATE FUNCTION holdfast.revoke_api_key(p_api_key_id uuid) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'holdfast', 'pg_temp'
    AS $$
begin
  update api_key set revoked_at = clock()
  where organization_id = current_organization() and id = p_api_key_id and revoked_at is null;
  if found then
    perform record_event('api_key.revoked', p_api_key_id, '{}');
  elsif not exists (select from api_key where organization_id = current_organization() and id = p_api_key_id) then
    perform refuse('api_key_exists');
  end if;
end $$;

CREATE FUNCTION holdfast.rotate_webhook_secret(p_endpoint_id uuid, p_secret bytea, p_overlap_hours integer) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'holdfast', 'pg_temp'
    AS $$
declare
  v_endpoint webhook_endpoint := lock_webhook_endpoint(p_endpoint_id);
begin
  update webhook_endpoint set secret = p_secret, previous_secret = v_endpoint.secret,
    previous_secret_ends_at = clock() + make_interval(hours => p_overlap_hours)
  where organization_id = v_endpoint.organization_id and id = v_endpoint.id;
  perform record_event('webhook_endpoint.secret_rotated', p_endpoint_id, '{}');
end $$;

CREATE FUNCTION holdfast.set_capacity(p_resource_id uuid, p_capacity integer) RETURNS integer
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'holdfast', 'pg_temp'
    AS $$
declare
  v_resource resource := lock_open_resource(p_resource_id);
  v_units uuid[];
  v_going uuid;
  v_conflicts jsonb := '[]';
begin
  if p_capacity not between 1 and 500 then
    perform refuse('capacity_is_allowed');
  end if;
  -- in ordinal order and locked: a taker that is under way finishes first, one that comes later finds the unit retired
  perform from unit where organization_id = current_organization() and resource_id = p_resource_id order by id for update;
  update unit set retired_at = null
  where organization_id = current_organization() and resource_id = p_resource_id and retired_at is not null
    and ordinal <= p_capacity;
  insert into unit (organization_id, resource_id, ordinal)
  select current_organization(), p_resource_id, n from generate_series(1, p_capacity) n
  where not exists (
    select from unit u
    where u.organization_id = current_organization() and u.resource_id = p_resource_id and u.ordinal = n);
  select array_agg(id order by ordinal) into v_units from unit
  where organization_id = current_organization() and resource_id = p_resource_id and ordinal <= p_capacity;
  for v_going in
    select id from unit
    where organization_id = current_organization() and resource_id = p_resource_id and ordinal > p_capacity
      and retired_at is null
    order by ordinal desc
  loop
    perform displace_lapsed_on(array[v_going], tstzrange(clock(), null));
    v_conflicts := v_conflicts || move_future_claims(v_going, v_units);
    update unit set retired_at = clock() where organization_id = current_organization() and id = v_going;
  end loop;
  if v_conflicts <> '[]' then
    perform refuse('no_claims_in_the_way', jsonb_build_object('conflicts', v_conflicts));
  end if;
  return p_capacity;
end $$;

CREATE FUNCTION holdfast.set_dated_rules(p_location_id uuid, p_resource_id uuid, p_rules jsonb) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'holdfast', 'pg_temp'
    AS $$
declare
  c_own constant text[] := '{organization_id,id,location_id,resource_id}';
  v_wanted jsonb[];
begin
  perform check_rule_owner(p_location_id, p_resource_id);
  select array_agg(distinct to_jsonb(jsonb_populate_record(null::dated_rule, '{"reason": ""}' || r)) - c_own)
    into v_wanted
  from jsonb_array_elements(p_rules) r;
  delete from dated_rule o
  where o.organization_id = current_organization() and o.location_id is not distinct from p_location_id
    and o.resource_id is not distinct from p_resource_id and (to_jsonb(o) - c_own = any (v_wanted)) is not true;
  insert into dated_rule (organization_id, location_id, resource_id, kind, starts, ends, reason)
  select current_organization(), p_location_id, p_resource_id, w.kind, w.starts, w.ends, w.reason
  from unnest(v_wanted) as wanted, jsonb_populate_record(null::dated_rule, wanted) w
  where not exists (
    select from dated_rule o
    where o.organization_id = current_organization() and o.location_id is not distinct from p_location_id
      and o.resource_id is not distinct from p_resource_id and to_jsonb(o) - c_own = wanted);
end $$;

CREATE FUNCTION holdfast.set_hold_policy(p_surface text, p_changes jsonb) RETURNS SETOF holdfast.hold_policy
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'holdfast', 'pg_temp'
    AS $$
declare
  v_policy hold_policy;
begin
  select * into v_policy from hold_policy where organization_id = current_organization() and surface = p_surface for update;
  if v_policy.surface is null then
    perform refuse('surface_may_hold', jsonb_build_object('reason', 'surface_may_not_hold', 'surface', p_surface));
  end if;
  v_policy := jsonb_populate_record(v_policy, p_changes - 'organization_id' - 'surface');
  update hold_policy set
    ttl_seconds = v_policy.ttl_seconds, ttl_seconds_max = v_policy.ttl_seconds_max,
    extensions_max = v_policy.extensions_max, grace_seconds = v_policy.grace_seconds,
    live_holds_per_visitor_max = v_policy.live_holds_per_visitor_max,
    live_holds_per_network_max = v_policy.live_holds_per_network_max,
    live_holds_per_actor_max = v_policy.live_holds_per_actor_max
  where organization_id = current_organization() and surface = p_surface;
  return query select * from hold_policy where organization_id = current_organization() and surface = p_surface;
end $$;

CREATE FUNCTION holdfast.set_location_holidays(p_location_id uuid, p_country text, p_region text) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'holdfast', 'pg_temp'
    AS $$
begin
  if not exists (select from location where organization_id = current_organization() and id = p_location_id) then
    perform refuse('location_exists');
  end if;
  update location set holiday_country = p_country, holiday_region = p_region
  where organization_id = current_organization() and id = p_location_id
    and (holiday_country, holiday_region) is distinct from (p_country, p_region);
end $$;

CREATE FUNCTION holdfast.set_organization(p_name text, p_currency text) RETURNS void
    LANGUAGE sql SECURITY DEFINER
    SET search_path TO 'holdfast', 'pg_temp'
    AS $$
  update organization set name = p_name, currency = p_currency
  where id = current_organization() and (name::text, currency) is distinct from (p_name, p_currency);
$$;

CREATE FUNCTION holdfast.set_organization_policy(p_assign text, p_rank text) RETURNS void
    LANGUAGE sql SECURITY DEFINER
    SET search_path TO 'holdfast', 'pg_temp'
    AS $$
  update organization set assign = p_assign, rank = p_rank
  where id = current_organization() and (assign, rank) is distinct from (p_assign, p_rank);
$$;

CREATE FUNCTION holdfast.set_pool_requires(p_pool_id uuid, p_requires text[]) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'holdfast', 'pg_temp'
    AS $$
begin
  if not exists (select from pool where organization_id = current_organization() and id = p_pool_id) then
    perform refuse('pool_exists');
  end if;
  update pool set requires = p_requires
  where organization_id = current_organization() and id = p_pool_id and requires is distinct from p_requires;
end $$;

CREATE FUNCTION holdfast.set_resource_rules(p_resource_id uuid, p_visits_per_day integer, p_attributes jsonb) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'holdfast', 'pg_temp'
    AS $$
begin
  if not exists (select from resource where organization_id = current_organization() and id = p_resource_id) then
    perform refuse('resource_exists');
  end if;
  update resource set visits_per_day = p_visits_per_day
  where organization_id = current_organization() and id = p_resource_id and visits_per_day is distinct from p_visits_per_day;
  delete from resource_attribute
  where organization_id = current_organization() and resource_id = p_resource_id
    and name not in (select a ->> 'name' from jsonb_array_elements(p_attributes) a);
  insert into resource_attribute as old (organization_id, resource_id, name, good_until)
  select current_organization(), p_resource_id, a ->> 'name', (a ->> 'good_until')::date
  from jsonb_array_elements(p_attributes) a
  on conflict on constraint resource_attribute_pkey do update set good_until = excluded.good_until
    where old.good_until is distinct from excluded.good_until;
end $$;

CREATE FUNCTION holdfast.set_service_rules(p_service_id uuid, p_grid_minutes integer, p_off_grid_after_claims boolean, p_leads jsonb) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'holdfast', 'pg_temp'
    AS $$
begin
  if not exists (select from service where organization_id = current_organization() and id = p_service_id) then
    perform refuse('service_exists');
  end if;
  update service set grid_minutes = p_grid_minutes, off_grid_after_claims = p_off_grid_after_claims
  where organization_id = current_organization() and id = p_service_id
    and (grid_minutes, off_grid_after_claims) is distinct from (p_grid_minutes, p_off_grid_after_claims);
  delete from service_lead
  where organization_id = current_organization() and service_id = p_service_id
    and surface not in (select l ->> 'surface' from jsonb_array_elements(p_leads) l);
  insert into service_lead as old (organization_id, service_id, surface, notice_minutes, horizon_days)
  select current_organization(), p_service_id, l.surface, coalesce(l.notice_minutes, 0), coalesce(l.horizon_days, 365)
  from jsonb_populate_recordset(null::service_lead, p_leads) l
  on conflict on constraint service_lead_pkey
    do update set notice_minutes = excluded.notice_minutes, horizon_days = excluded.horizon_days
    where (old.notice_minutes, old.horizon_days) is distinct from (excluded.notice_minutes, excluded.horizon_days);
end $$;

CREATE FUNCTION holdfast.set_weekly_rules(p_location_id uuid, p_resource_id uuid, p_rules jsonb) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'holdfast', 'pg_temp'
    AS $$
declare
  c_own constant text[] := '{organization_id,id,location_id,resource_id}';
  v_wanted jsonb[];
begin
  perform check_rule_owner(p_location_id, p_resource_id);
  select array_agg(distinct to_jsonb(jsonb_populate_record(null::weekly_rule, '{"every_weeks": 1}' || r)) - c_own)
    into v_wanted
  from jsonb_array_elements(p_rules) r;
  delete from weekly_rule o
  where o.organization_id = current_organization() and o.location_id is not distinct from p_location_id
    and o.resource_id is not distinct from p_resource_id and (to_jsonb(o) - c_own = any (v_wanted)) is not true;
  insert into weekly_rule (organization_id, location_id, resource_id, kind, weekday, starts, ends, valid_from, valid_until,
                           every_weeks, anchor)
  select current_organization(), p_location_id, p_resource_id, w.kind, w.weekday, w.starts, w.ends, w.valid_from,
         w.valid_until, w.every_weeks, w.anchor
  from unnest(v_wanted) as wanted, jsonb_populate_record(null::weekly_rule, wanted) w
  where not exists (
    select from weekly_rule o
    where o.organization_id = current_organization() and o.location_id is not distinct from p_location_id
      and o.resource_id is not distinct from p_resource_id and to_jsonb(o) - c_own = wanted);
end $$;

CREATE FUNCTION holdfast.settle_collision(p_collision_id uuid, p_resolution text) RETURNS void
    LANGUAGE plpgsql
    AS $$
begin
  update collision set resolved_at = clock(), resolved_by = current_actor(), resolution = p_resolution
  where organization_id = current_organization() and id = p_collision_id and resolved_at is null;
  if found then
    perform record_event('collision.resolved', p_collision_id, '{}');
  end if;
end $$;

CREATE FUNCTION holdfast.stand_behind(p_chosen holdfast.candidate[], p_replaces_id uuid) RETURNS holdfast.candidate[]
    LANGUAGE plpgsql
    AS $$
declare
  v_holders uuid[] := array(
    select coalesce(k.hold_id, k.block_id, k.busy_id) from unnest(p_chosen) c
    cross join lateral claims_on(c.unit_id, c.during) k
    where c.standing and (p_replaces_id is null or k.hold_id is distinct from p_replaces_id));
begin
  perform from hold where organization_id = current_organization() and id = any (v_holders) order by id for share;
  perform from block where organization_id = current_organization() and id = any (v_holders) order by id for share;
  perform from busy where organization_id = current_organization() and id = any (v_holders) order by id for share;
  return array(
    select row(c.slot, c.role, c.unit_id, c.during, c.segment, c.standing and exists (
      select from claim k
      where k.organization_id = current_organization() and k.unit_id = c.unit_id and k.during && c.during
        and k.active and not k.overbook and (p_replaces_id is null or k.hold_id is distinct from p_replaces_id)
    ), c.lapsed_hold_ids)::candidate
    from unnest(p_chosen) c);
end $$;

CREATE FUNCTION holdfast.store_answer(p_route text, p_key text, p_request_hash bytea, p_status integer, p_headers jsonb, p_body bytea) RETURNS void
    LANGUAGE sql SECURITY DEFINER
    SET search_path TO 'holdfast', 'pg_temp'
    AS $$
  insert into idempotency (organization_id, actor, route, key, request_hash, status, headers, body)
  values (current_organization(), current_actor(), p_route, p_key, p_request_hash, p_status, p_headers, p_body);
$$;

CREATE FUNCTION holdfast.swap_claims(p_replaces_id uuid, p_hold_id uuid, p_chosen holdfast.candidate[]) RETURNS boolean
    LANGUAGE plpgsql
    AS $$
declare
  v_unit_id uuid;
begin
  set constraints holdfast.claim_active_as_its_hold deferred;
  for v_unit_id in
    select c.unit_id from unnest(p_chosen) c
    union
    select k.unit_id from claim k where k.organization_id = current_organization() and k.hold_id = p_replaces_id
    order by 1
  loop
    update claim set active = false
    where organization_id = current_organization() and hold_id = p_replaces_id and unit_id = v_unit_id;
    if not insert_claims(p_hold_id, array(select c from unnest(p_chosen) c where c.unit_id = v_unit_id)) then
      return false;
    end if;
  end loop;
  return true;
end $$;

CREATE FUNCTION holdfast.sweep_holds(p_limit integer DEFAULT 500) RETURNS integer
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'holdfast', 'pg_temp'
    AS $$
declare
  v_hold_id uuid;
  v_count integer := 0;
begin
  for v_hold_id in
    select h.id from hold h
    join hold_policy p on p.organization_id = h.organization_id and p.surface = h.surface
    where h.organization_id = current_organization() and h.state = 'live'
      and h.expires_at + make_interval(secs => p.grace_seconds) <= clock()
    order by h.id limit p_limit
    for update of h skip locked
  loop
    perform let_go(v_hold_id, 'expired');
    v_count := v_count + 1;
  end loop;
  return v_count;
end $$;

CREATE FUNCTION holdfast.take(p_hold holdfast.hold, p_choices jsonb, p_replaces_id uuid DEFAULT NULL::uuid) RETURNS void
    LANGUAGE plpgsql
    AS $$
declare
  v_caps boolean := not p_hold.outside_rules and p_hold.overbook_reason is null;
  v_slot_count integer;
  v_seen holdfast.candidate[];
  v_chosen holdfast.candidate[];
  v_lapsed uuid[];
begin
  select count(*) into v_slot_count from visit_slots(p_hold.service_id, p_hold.starts_at, p_choices);
  if v_slot_count = 0 then
    perform refuse('service_has_requirements', jsonb_build_object('reason', 'nothing_required'));
  end if;
  -- Losing means that somebody else won, so the next look sees them. Twenty losses in a row mean a stampede: say busy.
  for attempt in 1..20 loop
    select array_agg(c) into v_seen
    from look(p_hold.service_id, p_hold.location_id, p_hold.starts_at, p_choices, p_replaces_id, v_caps) c;
    if (select count(distinct c.slot) from unnest(v_seen) c) < v_slot_count then
      perform refuse_unserved_role(p_hold.service_id, p_hold.starts_at, p_choices, v_seen);
    end if;
    v_chosen := match_slots(array(select c from unnest(v_seen) c where not c.standing), v_slot_count);
    if v_chosen is null and p_hold.overbook_reason is not null then
      v_chosen := match_slots(v_seen, v_slot_count);
    end if;
    if v_chosen is null then
      perform refuse_slot(v_seen);
    end if;
    v_lapsed := array(select distinct h from unnest(v_chosen) c, unnest(c.lapsed_hold_ids) h);
    begin
      if lock_units(v_chosen, p_replaces_id) and (cardinality(v_lapsed) = 0 or displace(v_lapsed)) then
        if exists (select from unnest(v_chosen) c where c.standing) then
          v_chosen := stand_behind(v_chosen, p_replaces_id);
        end if;
        perform insert_hold(p_hold);
        if (case when p_replaces_id is null then insert_claims(p_hold.id, v_chosen)
                 else swap_claims(p_replaces_id, p_hold.id, v_chosen) end)
           and (not v_caps or caps_are_kept(p_hold, v_chosen, p_replaces_id)) then
          perform record_hold(p_hold);
          return;
        end if;
      end if;
      raise exception 'lost' using errcode = 'HF900';
    exception when sqlstate 'HF900' then
      null;  -- everything this attempt wrote is undone, its locks included; look again
    end;
  end loop;
  raise exception 'the slot is fought over' using errcode = '40001';
end $$;

CREATE FUNCTION holdfast.test_webhook_endpoint(p_endpoint_id uuid) RETURNS uuid
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'holdfast', 'pg_temp'
    AS $$
declare
  v_endpoint webhook_endpoint := lock_webhook_endpoint(p_endpoint_id);
  v_event event;
  v_delivery_id uuid;
begin
  if v_endpoint.status <> 'active' then
    perform refuse('webhook_endpoint_is_active', jsonb_build_object('cause', v_endpoint.disabled_cause));
  end if;
  perform record_event('webhook_endpoint.tested', p_endpoint_id, '{}');
  select * into v_event from event
  where organization_id = current_organization() and subject_id = p_endpoint_id order by id desc limit 1;
  -- a subject of its own, so that a test never waits behind an earlier one that failed
  insert into delivery (organization_id, endpoint_id, event_id, subject_id, sequence, created_at, next_attempt_at)
  values (v_event.organization_id, p_endpoint_id, v_event.id, new_id(), 1, clock(), clock())
  returning id into v_delivery_id;
  return v_delivery_id;
end $$;

CREATE FUNCTION holdfast.tile_claims(p_chosen holdfast.candidate[]) RETURNS TABLE(unit_id uuid, role text, during tstzrange, segment tstzrange, overbook boolean)
    LANGUAGE sql IMMUTABLE
    AS $$
  with reach as (
    select c.*,
      lag(upper(c.segment)) over of_unit as worked_until,
      min(lower(c.during)) over (of_unit rows between current row and unbounded following) as reach_down,
      max(upper(c.during)) over (of_unit rows between unbounded preceding and current row) as reach_up
    from unnest(p_chosen) c
    window of_unit as (partition by c.unit_id order by lower(c.segment))
  ), bordered as (
    select reach.*, greatest(reach_down, worked_until) as border from reach
  )
  select unit_id, role,
         tstzrange(border, least(reach_up, lead(border) over (partition by unit_id order by lower(segment)))),
         segment, standing
  from bordered
  order by unit_id, lower(segment);
$$;

CREATE FUNCTION holdfast.unchanged_since(p_seen pg_snapshot) RETURNS boolean
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'holdfast', 'pg_temp'
    AS $$
  select not exists (
    select from event
    where transaction_id >= pg_snapshot_xmin(p_seen) and organization_id = current_organization()
      and not pg_visible_in_snapshot(transaction_id, p_seen)
  );
$$;

CREATE FUNCTION holdfast.visit_slots(p_service_id uuid, p_start timestamp with time zone, p_choices jsonb) RETURNS TABLE(slot integer, role text, pool_id uuid, chosen_ids uuid[], segment tstzrange, during tstzrange)
    LANGUAGE sql STABLE
    AS $$
  select
    row_number() over (order by r.role, n)::integer,
    r.role,
    r.pool_id,
    (select array_agg(value::uuid order by ordinality)
     from jsonb_array_elements_text(p_choices -> r.role -> (n - 1)) with ordinality),
    tstzrange(s.starts_at, s.ends_at),
    tstzrange(s.starts_at - make_interval(mins => r.buffer_before_minutes),
              s.ends_at + make_interval(mins => r.buffer_after_minutes))
  from requirement r
  cross join lateral (
    select p_start + make_interval(mins => r.segment_start_minutes) as starts_at,
           p_start + make_interval(mins => r.segment_start_minutes + r.segment_minutes) as ends_at
  ) s
  cross join generate_series(1, r.quantity) as n
  where r.organization_id = current_organization() and r.service_id = p_service_id;
$$;

CREATE FUNCTION holdfast.visits_that_day(p_resource_id uuid, p_start timestamp with time zone, p_zone text, p_except_id uuid) RETURNS bigint
    LANGUAGE sql
    AS $$
  select count(distinct h.id)
  from unit u
  cross join lateral claims_on(u.id, tstzrange(p_start - interval '2 days', p_start + interval '2 days')) k
  join hold h on h.organization_id = k.organization_id and h.id = k.hold_id
  where u.organization_id = current_organization() and u.resource_id = p_resource_id and h.id is distinct from p_except_id
    and (h.starts_at at time zone p_zone)::date = (p_start at time zone p_zone)::date
    and not (h.state = 'live' and h.expires_at <= clock());
$$;

CREATE FUNCTION holdfast.wants_event(p_events text[], p_type text) RETURNS boolean
    LANGUAGE sql IMMUTABLE
    AS $$ select '*' = any (p_events) or p_type = any (p_events) or split_part(p_type, '.', 1) || '.*' = any (p_events) $$;

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
            WHEN (d.state = 'pending'::text) THEN d.next_attempt_at
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
        END AS waits_behind_id
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

CREATE TABLE holdfast.migration (
    version integer NOT NULL,
    name text NOT NULL,
    checksum text NOT NULL,
    applied_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL
);

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
    CONSTRAINT relay_position_is_one CHECK (singleton)
);

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

CREATE TABLE holdfast.unit (
    organization_id uuid NOT NULL,
    id uuid DEFAULT holdfast.new_id() NOT NULL,
    resource_id uuid NOT NULL,
    ordinal integer NOT NULL,
    retired_at timestamp with time zone,
    CONSTRAINT unit_ordinal_is_bounded CHECK (((ordinal >= 1) AND (ordinal <= 500)))
);

ALTER TABLE ONLY holdfast.unit FORCE ROW LEVEL SECURITY;

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

ALTER TABLE ONLY holdfast.location
    ADD CONSTRAINT location_pkey PRIMARY KEY (organization_id, id);

ALTER TABLE ONLY holdfast.location
    ADD CONSTRAINT location_slug_is_unique UNIQUE (organization_id, slug);

ALTER TABLE ONLY holdfast.migration
    ADD CONSTRAINT migration_pkey PRIMARY KEY (version);

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

ALTER TABLE ONLY holdfast.service_lead
    ADD CONSTRAINT service_lead_pkey PRIMARY KEY (organization_id, service_id, surface);

ALTER TABLE ONLY holdfast.service_location
    ADD CONSTRAINT service_location_pkey PRIMARY KEY (organization_id, service_id, location_id);

ALTER TABLE ONLY holdfast.service
    ADD CONSTRAINT service_pkey PRIMARY KEY (organization_id, id);

ALTER TABLE ONLY holdfast.service
    ADD CONSTRAINT service_slug_is_unique UNIQUE (organization_id, slug);

ALTER TABLE ONLY holdfast.unit
    ADD CONSTRAINT unit_ordinal_is_unique UNIQUE (organization_id, resource_id, ordinal);

ALTER TABLE ONLY holdfast.unit
    ADD CONSTRAINT unit_pkey PRIMARY KEY (organization_id, id);

ALTER TABLE ONLY holdfast.webhook_endpoint
    ADD CONSTRAINT webhook_endpoint_pkey PRIMARY KEY (organization_id, id);

ALTER TABLE ONLY holdfast.weekly_rule
    ADD CONSTRAINT weekly_rule_pkey PRIMARY KEY (organization_id, id);

CREATE INDEX appointment_client ON holdfast.appointment USING btree (organization_id, client_id, starts_at);

CREATE INDEX appointment_starts_at ON holdfast.appointment USING btree (organization_id, starts_at, id);

CREATE INDEX block_resource ON holdfast.block USING btree (organization_id, resource_id, ends_at) WHERE (removed_at IS NULL);

CREATE INDEX claim_block ON holdfast.claim USING btree (organization_id, block_id) WHERE (block_id IS NOT NULL);

CREATE INDEX claim_busy ON holdfast.claim USING btree (organization_id, busy_id) WHERE (busy_id IS NOT NULL);

CREATE INDEX claim_hold ON holdfast.claim USING btree (organization_id, hold_id) WHERE (hold_id IS NOT NULL);

CREATE INDEX claim_overbook ON holdfast.claim USING btree (organization_id, unit_id) WHERE (active AND overbook);

CREATE INDEX client_email ON holdfast.client USING btree (organization_id, email) WHERE (email IS NOT NULL);

CREATE INDEX client_phone ON holdfast.client USING btree (organization_id, phone) WHERE (phone IS NOT NULL);

CREATE INDEX collision_open ON holdfast.collision USING btree (organization_id, starts_at) WHERE (resolved_at IS NULL);

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

CREATE INDEX idempotency_created_at ON holdfast.idempotency USING btree (created_at);

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

ALTER TABLE ONLY holdfast.idempotency
    ADD CONSTRAINT idempotency_organization_id_fkey FOREIGN KEY (organization_id) REFERENCES holdfast.organization(id);

ALTER TABLE ONLY holdfast.location
    ADD CONSTRAINT location_organization_id_fkey FOREIGN KEY (organization_id) REFERENCES holdfast.organization(id);

ALTER TABLE ONLY holdfast.pool_member
    ADD CONSTRAINT pool_member_pool_exists FOREIGN KEY (organization_id, pool_id) REFERENCES holdfast.pool(organization_id, id);

ALTER TABLE ONLY holdfast.pool_member
    ADD CONSTRAINT pool_member_resource_exists FOREIGN KEY (organization_id, resource_id) REFERENCES holdfast.resource(organization_id, id);

ALTER TABLE ONLY holdfast.pool
    ADD CONSTRAINT pool_organization_id_fkey FOREIGN KEY (organization_id) REFERENCES holdfast.organization(id);

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

ALTER TABLE ONLY holdfast.service_lead
    ADD CONSTRAINT service_lead_service_exists FOREIGN KEY (organization_id, service_id) REFERENCES holdfast.service(organization_id, id);

ALTER TABLE ONLY holdfast.service_location
    ADD CONSTRAINT service_location_location_exists FOREIGN KEY (organization_id, location_id) REFERENCES holdfast.location(organization_id, id);

ALTER TABLE ONLY holdfast.service_location
    ADD CONSTRAINT service_location_service_exists FOREIGN KEY (organization_id, service_id) REFERENCES holdfast.service(organization_id, id);

ALTER TABLE ONLY holdfast.service
    ADD CONSTRAINT service_organization_id_fkey FOREIGN KEY (organization_id) REFERENCES holdfast.organization(id);

ALTER TABLE ONLY holdfast.unit
    ADD CONSTRAINT unit_resource_exists FOREIGN KEY (organization_id, resource_id) REFERENCES holdfast.resource(organization_id, id);

ALTER TABLE ONLY holdfast.webhook_endpoint
    ADD CONSTRAINT webhook_endpoint_organization_id_fkey FOREIGN KEY (organization_id) REFERENCES holdfast.organization(id);

ALTER TABLE ONLY holdfast.weekly_rule
    ADD CONSTRAINT weekly_rule_location_exists FOREIGN KEY (organization_id, location_id) REFERENCES holdfast.location(organization_id, id);

ALTER TABLE ONLY holdfast.weekly_rule
    ADD CONSTRAINT weekly_rule_organization_id_fkey FOREIGN KEY (organization_id) REFERENCES holdfast.organization(id);

ALTER TABLE ONLY holdfast.weekly_rule
    ADD CONSTRAINT weekly_rule_resource_exists FOREIGN KEY (organization_id, resource_id) REFERENCES holdfast.resource(organization_id, id);

ALTER TABLE holdfast.api_key ENABLE ROW LEVEL SECURITY;

ALTER TABLE holdfast.appointment ENABLE ROW LEVEL SECURITY;

ALTER TABLE holdfast.block ENABLE ROW LEVEL SECURITY;

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

ALTER TABLE holdfast.location ENABLE ROW LEVEL SECURITY;

ALTER TABLE holdfast.organization ENABLE ROW LEVEL SECURITY;

CREATE POLICY own_organization ON holdfast.api_key FOR SELECT TO holdfast_app USING ((organization_id = holdfast.current_organization()));

CREATE POLICY own_organization ON holdfast.appointment FOR SELECT TO holdfast_app USING ((organization_id = holdfast.current_organization()));

CREATE POLICY own_organization ON holdfast.block FOR SELECT TO holdfast_app USING ((organization_id = holdfast.current_organization()));

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

CREATE POLICY own_organization ON holdfast.organization FOR SELECT TO holdfast_app USING ((id = holdfast.current_organization()));

CREATE POLICY own_organization ON holdfast.pool FOR SELECT TO holdfast_app USING ((organization_id = holdfast.current_organization()));

CREATE POLICY own_organization ON holdfast.pool_member FOR SELECT TO holdfast_app USING ((organization_id = holdfast.current_organization()));

CREATE POLICY own_organization ON holdfast.requirement FOR SELECT TO holdfast_app USING ((organization_id = holdfast.current_organization()));

CREATE POLICY own_organization ON holdfast.resource FOR SELECT TO holdfast_app USING ((organization_id = holdfast.current_organization()));

CREATE POLICY own_organization ON holdfast.resource_attribute FOR SELECT TO holdfast_app USING ((organization_id = holdfast.current_organization()));

CREATE POLICY own_organization ON holdfast.resource_location FOR SELECT TO holdfast_app USING ((organization_id = holdfast.current_organization()));

CREATE POLICY own_organization ON holdfast.service FOR SELECT TO holdfast_app USING ((organization_id = holdfast.current_organization()));

CREATE POLICY own_organization ON holdfast.service_lead FOR SELECT TO holdfast_app USING ((organization_id = holdfast.current_organization()));

CREATE POLICY own_organization ON holdfast.service_location FOR SELECT TO holdfast_app USING ((organization_id = holdfast.current_organization()));

CREATE POLICY own_organization ON holdfast.unit FOR SELECT TO holdfast_app USING ((organization_id = holdfast.current_organization()));

CREATE POLICY own_organization ON holdfast.webhook_endpoint FOR SELECT TO holdfast_app USING ((organization_id = holdfast.current_organization()));

CREATE POLICY own_organization ON holdfast.weekly_rule FOR SELECT TO holdfast_app USING ((organization_id = holdfast.current_organization()));

CREATE POLICY owner_commands ON holdfast.api_key TO holdfast_owner USING (true) WITH CHECK (true);

CREATE POLICY owner_commands ON holdfast.appointment TO holdfast_owner USING (true) WITH CHECK (true);

CREATE POLICY owner_commands ON holdfast.block TO holdfast_owner USING (true) WITH CHECK (true);

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

CREATE POLICY owner_commands ON holdfast.location TO holdfast_owner USING (true) WITH CHECK (true);

CREATE POLICY owner_commands ON holdfast.organization TO holdfast_owner USING (true) WITH CHECK (true);

CREATE POLICY owner_commands ON holdfast.pool TO holdfast_owner USING (true) WITH CHECK (true);

CREATE POLICY owner_commands ON holdfast.pool_member TO holdfast_owner USING (true) WITH CHECK (true);

CREATE POLICY owner_commands ON holdfast.requirement TO holdfast_owner USING (true) WITH CHECK (true);

CREATE POLICY owner_commands ON holdfast.resource TO holdfast_owner USING (true) WITH CHECK (true);

CREATE POLICY owner_commands ON holdfast.resource_attribute TO holdfast_owner USING (true) WITH CHECK (true);

CREATE POLICY owner_commands ON holdfast.resource_location TO holdfast_owner USING (true) WITH CHECK (true);

CREATE POLICY owner_commands ON holdfast.service TO holdfast_owner USING (true) WITH CHECK (true);

CREATE POLICY owner_commands ON holdfast.service_lead TO holdfast_owner USING (true) WITH CHECK (true);

CREATE POLICY owner_commands ON holdfast.service_location TO holdfast_owner USING (true) WITH CHECK (true);

CREATE POLICY owner_commands ON holdfast.unit TO holdfast_owner USING (true) WITH CHECK (true);

CREATE POLICY owner_commands ON holdfast.webhook_endpoint TO holdfast_owner USING (true) WITH CHECK (true);

CREATE POLICY owner_commands ON holdfast.weekly_rule TO holdfast_owner USING (true) WITH CHECK (true);

ALTER TABLE holdfast.pool ENABLE ROW LEVEL SECURITY;

ALTER TABLE holdfast.pool_member ENABLE ROW LEVEL SECURITY;

ALTER TABLE holdfast.requirement ENABLE ROW LEVEL SECURITY;

ALTER TABLE holdfast.resource ENABLE ROW LEVEL SECURITY;

ALTER TABLE holdfast.resource_attribute ENABLE ROW LEVEL SECURITY;

ALTER TABLE holdfast.resource_location ENABLE ROW LEVEL SECURITY;

ALTER TABLE holdfast.service ENABLE ROW LEVEL SECURITY;

ALTER TABLE holdfast.service_lead ENABLE ROW LEVEL SECURITY;

ALTER TABLE holdfast.service_location ENABLE ROW LEVEL SECURITY;

ALTER TABLE holdfast.unit ENABLE ROW LEVEL SECURITY;

ALTER TABLE holdfast.webhook_endpoint ENABLE ROW LEVEL SECURITY;

ALTER TABLE holdfast.weekly_rule ENABLE ROW LEVEL SECURITY;

GRANT USAGE ON SCHEMA holdfast TO holdfast_app;
GRANT USAGE ON SCHEMA holdfast TO holdfast_worker;

REVOKE ALL ON FUNCTION holdfast.act_as(p_organization_id uuid, p_actor text, p_surface text, OUT catalog_version bigint, OUT at timestamp with time zone, OUT seen pg_snapshot) FROM PUBLIC;
GRANT ALL ON FUNCTION holdfast.act_as(p_organization_id uuid, p_actor text, p_surface text, OUT catalog_version bigint, OUT at timestamp with time zone, OUT seen pg_snapshot) TO holdfast_app;
GRANT ALL ON FUNCTION holdfast.act_as(p_organization_id uuid, p_actor text, p_surface text, OUT catalog_version bigint, OUT at timestamp with time zone, OUT seen pg_snapshot) TO holdfast_worker;

REVOKE ALL ON FUNCTION holdfast.add_dated_rule(p_location_id uuid, p_resource_id uuid, p_kind text, p_starts timestamp without time zone, p_ends timestamp without time zone, p_reason text) FROM PUBLIC;
GRANT ALL ON FUNCTION holdfast.add_dated_rule(p_location_id uuid, p_resource_id uuid, p_kind text, p_starts timestamp without time zone, p_ends timestamp without time zone, p_reason text) TO holdfast_app;

REVOKE ALL ON FUNCTION holdfast.add_webhook_endpoint(p_endpoint_id uuid, p_url text, p_description text, p_events text[], p_secret bytea) FROM PUBLIC;
GRANT ALL ON FUNCTION holdfast.add_webhook_endpoint(p_endpoint_id uuid, p_url text, p_description text, p_events text[], p_secret bytea) TO holdfast_app;

REVOKE ALL ON FUNCTION holdfast.adopt_log() FROM PUBLIC;
GRANT ALL ON FUNCTION holdfast.adopt_log() TO holdfast_worker;

REVOKE ALL ON FUNCTION holdfast.advance_relay(p_transaction_id xid8, p_event_id bigint) FROM PUBLIC;
GRANT ALL ON FUNCTION holdfast.advance_relay(p_transaction_id xid8, p_event_id bigint) TO holdfast_worker;

REVOKE ALL ON FUNCTION holdfast.authenticate(p_key_hash bytea) FROM PUBLIC;
GRANT ALL ON FUNCTION holdfast.authenticate(p_key_hash bytea) TO holdfast_app;

REVOKE ALL ON FUNCTION holdfast.begin_idempotent(p_route text, p_key text, p_request_hash bytea) FROM PUBLIC;
GRANT ALL ON FUNCTION holdfast.begin_idempotent(p_route text, p_key text, p_request_hash bytea) TO holdfast_app;

REVOKE ALL ON FUNCTION holdfast.claims_of_hold(p_organization_id uuid, p_hold_id uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION holdfast.claims_of_hold(p_organization_id uuid, p_hold_id uuid) TO holdfast_app;

REVOKE ALL ON FUNCTION holdfast.clock() FROM PUBLIC;
GRANT ALL ON FUNCTION holdfast.clock() TO holdfast_app;
GRANT ALL ON FUNCTION holdfast.clock() TO holdfast_worker;

REVOKE ALL ON FUNCTION holdfast.new_id() FROM PUBLIC;

GRANT SELECT ON TABLE holdfast.appointment TO holdfast_app;

GRANT SELECT ON TABLE holdfast.client TO holdfast_app;

GRANT SELECT ON TABLE holdfast.hold TO holdfast_app;

GRANT SELECT ON TABLE holdfast.organization TO holdfast_app;

GRANT SELECT ON TABLE holdfast.service TO holdfast_app;

GRANT SELECT ON TABLE holdfast.appointment_detail TO holdfast_app;

REVOKE ALL ON FUNCTION holdfast.book(p_service_id uuid, p_location_id uuid, p_start timestamp with time zone, p_client jsonb, p_choices jsonb, p_note text, p_visitor bytea, p_network bytea, p_overbook_reason text, p_outside_rules boolean) FROM PUBLIC;
GRANT ALL ON FUNCTION holdfast.book(p_service_id uuid, p_location_id uuid, p_start timestamp with time zone, p_client jsonb, p_choices jsonb, p_note text, p_visitor bytea, p_network bytea, p_overbook_reason text, p_outside_rules boolean) TO holdfast_app;

REVOKE ALL ON FUNCTION holdfast.cancel(p_appointment_id uuid, p_revision integer, p_reason text) FROM PUBLIC;
GRANT ALL ON FUNCTION holdfast.cancel(p_appointment_id uuid, p_revision integer, p_reason text) TO holdfast_app;

REVOKE ALL ON FUNCTION holdfast.caps_are_kept(p_hold holdfast.hold, p_chosen holdfast.candidate[], p_replaces_id uuid) FROM PUBLIC;

REVOKE ALL ON FUNCTION holdfast.change_state(p_appointment_id uuid, p_revision integer, p_state text, p_from text[], p_reason text) FROM PUBLIC;

REVOKE ALL ON FUNCTION holdfast.change_webhook_endpoint(p_endpoint_id uuid, p_url text, p_description text, p_events text[], p_enabled boolean) FROM PUBLIC;
GRANT ALL ON FUNCTION holdfast.change_webhook_endpoint(p_endpoint_id uuid, p_url text, p_description text, p_events text[], p_enabled boolean) TO holdfast_app;

REVOKE ALL ON FUNCTION holdfast.check_in(p_appointment_id uuid, p_revision integer) FROM PUBLIC;
GRANT ALL ON FUNCTION holdfast.check_in(p_appointment_id uuid, p_revision integer) TO holdfast_app;

GRANT SELECT ON TABLE holdfast.hold_policy TO holdfast_app;

REVOKE ALL ON FUNCTION holdfast.check_quota(p_policy holdfast.hold_policy, p_visitor bytea, p_network bytea) FROM PUBLIC;

REVOKE ALL ON FUNCTION holdfast.check_rule_owner(p_location_id uuid, p_resource_id uuid) FROM PUBLIC;

REVOKE ALL ON FUNCTION holdfast.claim_free_rest(p_busy_id uuid, p_unit_ids uuid[], p_during tstzrange) FROM PUBLIC;

REVOKE ALL ON FUNCTION holdfast.claims_as_facts(p_hold_id uuid) FROM PUBLIC;

REVOKE ALL ON FUNCTION holdfast.claims_between(p_unit_ids uuid[], p_from timestamp with time zone, p_to timestamp with time zone) FROM PUBLIC;
GRANT ALL ON FUNCTION holdfast.claims_between(p_unit_ids uuid[], p_from timestamp with time zone, p_to timestamp with time zone) TO holdfast_app;

REVOKE ALL ON FUNCTION holdfast.is_claimable(during tstzrange) FROM PUBLIC;

GRANT SELECT ON TABLE holdfast.claim TO holdfast_app;

REVOKE ALL ON FUNCTION holdfast.claims_on(p_unit_id uuid, p_during tstzrange) FROM PUBLIC;

REVOKE ALL ON FUNCTION holdfast.complete(p_appointment_id uuid, p_revision integer) FROM PUBLIC;
GRANT ALL ON FUNCTION holdfast.complete(p_appointment_id uuid, p_revision integer) TO holdfast_app;

REVOKE ALL ON FUNCTION holdfast.confirm_hold(p_hold_id uuid, p_client jsonb, p_note text) FROM PUBLIC;
GRANT ALL ON FUNCTION holdfast.confirm_hold(p_hold_id uuid, p_client jsonb, p_note text) TO holdfast_app;

REVOKE ALL ON FUNCTION holdfast.conflicts_on(p_unit_ids uuid[], p_during tstzrange) FROM PUBLIC;

REVOKE ALL ON FUNCTION holdfast.create_api_key(p_name text, p_key_hash bytea, p_key_hint text, p_scopes text[], p_surfaces text[]) FROM PUBLIC;
GRANT ALL ON FUNCTION holdfast.create_api_key(p_name text, p_key_hash bytea, p_key_hint text, p_scopes text[], p_surfaces text[]) TO holdfast_app;

REVOKE ALL ON FUNCTION holdfast.create_organization(p_slug text, p_name text, p_currency text) FROM PUBLIC;
GRANT ALL ON FUNCTION holdfast.create_organization(p_slug text, p_name text, p_currency text) TO holdfast_app;

REVOKE ALL ON FUNCTION holdfast.current_actor() FROM PUBLIC;
GRANT ALL ON FUNCTION holdfast.current_actor() TO holdfast_app;
GRANT ALL ON FUNCTION holdfast.current_actor() TO holdfast_worker;

REVOKE ALL ON FUNCTION holdfast.current_organization() FROM PUBLIC;
GRANT ALL ON FUNCTION holdfast.current_organization() TO holdfast_app;
GRANT ALL ON FUNCTION holdfast.current_organization() TO holdfast_worker;

REVOKE ALL ON FUNCTION holdfast.current_policy() FROM PUBLIC;

REVOKE ALL ON FUNCTION holdfast.current_surface() FROM PUBLIC;
GRANT ALL ON FUNCTION holdfast.current_surface() TO holdfast_app;
GRANT ALL ON FUNCTION holdfast.current_surface() TO holdfast_worker;

REVOKE ALL ON FUNCTION holdfast.deliveries_due(p_endpoint_id uuid, p_after bigint, p_limit integer) FROM PUBLIC;
GRANT ALL ON FUNCTION holdfast.deliveries_due(p_endpoint_id uuid, p_after bigint, p_limit integer) TO holdfast_worker;

REVOKE ALL ON FUNCTION holdfast.discard_delivery(p_delivery_id uuid, p_reason text) FROM PUBLIC;
GRANT ALL ON FUNCTION holdfast.discard_delivery(p_delivery_id uuid, p_reason text) TO holdfast_app;

REVOKE ALL ON FUNCTION holdfast.displace(p_hold_ids uuid[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION holdfast.displace_lapsed_on(p_unit_ids uuid[], p_during tstzrange) FROM PUBLIC;

REVOKE ALL ON FUNCTION holdfast.draft_hold(p_service_id uuid, p_location_id uuid, p_start timestamp with time zone, p_ttl_seconds integer, p_visitor bytea, p_network bytea, p_state text, p_overbook_reason text, p_outside_rules boolean) FROM PUBLIC;

REVOKE ALL ON FUNCTION holdfast.endpoints_due(p_organization_id uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION holdfast.endpoints_due(p_organization_id uuid) TO holdfast_worker;

REVOKE ALL ON FUNCTION holdfast.events_to_relay(p_limit integer) FROM PUBLIC;
GRANT ALL ON FUNCTION holdfast.events_to_relay(p_limit integer) TO holdfast_worker;

GRANT SELECT ON TABLE holdfast.location TO holdfast_app;

GRANT SELECT ON TABLE holdfast.hold_detail TO holdfast_app;

REVOKE ALL ON FUNCTION holdfast.extend_hold(p_hold_id uuid, p_ttl_seconds integer) FROM PUBLIC;
GRANT ALL ON FUNCTION holdfast.extend_hold(p_hold_id uuid, p_ttl_seconds integer) TO holdfast_app;

REVOKE ALL ON FUNCTION holdfast.feed(p_transaction_id xid8, p_id bigint, p_limit integer) FROM PUBLIC;
GRANT ALL ON FUNCTION holdfast.feed(p_transaction_id xid8, p_id bigint, p_limit integer) TO holdfast_app;

REVOKE ALL ON FUNCTION holdfast.feed_now() FROM PUBLIC;
GRANT ALL ON FUNCTION holdfast.feed_now() TO holdfast_app;

REVOKE ALL ON FUNCTION holdfast.find_or_add_client(p_name text, p_email text, p_phone text) FROM PUBLIC;

REVOKE ALL ON FUNCTION holdfast.forget_answers() FROM PUBLIC;
GRANT ALL ON FUNCTION holdfast.forget_answers() TO holdfast_app;

REVOKE ALL ON FUNCTION holdfast.forget_deliveries() FROM PUBLIC;
GRANT ALL ON FUNCTION holdfast.forget_deliveries() TO holdfast_worker;

REVOKE ALL ON FUNCTION holdfast.guard_probe() FROM PUBLIC;
GRANT ALL ON FUNCTION holdfast.guard_probe() TO holdfast_app;

REVOKE ALL ON FUNCTION holdfast.has_lapsed(p_claim holdfast.claim) FROM PUBLIC;

REVOKE ALL ON FUNCTION holdfast.insert_appointment(p_hold holdfast.hold, p_client jsonb, p_note text) FROM PUBLIC;

REVOKE ALL ON FUNCTION holdfast.insert_claims(p_hold_id uuid, p_chosen holdfast.candidate[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION holdfast.insert_hold(p_hold holdfast.hold) FROM PUBLIC;

REVOKE ALL ON FUNCTION holdfast.last_taken(p_resource_ids uuid[]) FROM PUBLIC;
GRANT ALL ON FUNCTION holdfast.last_taken(p_resource_ids uuid[]) TO holdfast_app;

REVOKE ALL ON FUNCTION holdfast.let_go(p_hold_id uuid, p_state text, p_facts jsonb) FROM PUBLIC;

REVOKE ALL ON FUNCTION holdfast.lock_appointment(p_appointment_id uuid, p_revision integer, p_states text[]) FROM PUBLIC;

GRANT SELECT ON TABLE holdfast.delivery TO holdfast_app;

REVOKE ALL ON FUNCTION holdfast.lock_delivery(p_delivery_id uuid) FROM PUBLIC;

REVOKE ALL ON FUNCTION holdfast.lock_live_hold(p_hold_id uuid, p_grace boolean) FROM PUBLIC;

GRANT SELECT ON TABLE holdfast.resource TO holdfast_app;

REVOKE ALL ON FUNCTION holdfast.lock_open_resource(p_resource_id uuid) FROM PUBLIC;

REVOKE ALL ON FUNCTION holdfast.lock_units(p_chosen holdfast.candidate[], p_replaces_id uuid) FROM PUBLIC;

GRANT SELECT(organization_id) ON TABLE holdfast.webhook_endpoint TO holdfast_app;

GRANT SELECT(id) ON TABLE holdfast.webhook_endpoint TO holdfast_app;

GRANT SELECT(url) ON TABLE holdfast.webhook_endpoint TO holdfast_app;

GRANT SELECT(description) ON TABLE holdfast.webhook_endpoint TO holdfast_app;

GRANT SELECT(events) ON TABLE holdfast.webhook_endpoint TO holdfast_app;

GRANT SELECT(previous_secret_ends_at) ON TABLE holdfast.webhook_endpoint TO holdfast_app;

GRANT SELECT(status) ON TABLE holdfast.webhook_endpoint TO holdfast_app;

GRANT SELECT(created_at) ON TABLE holdfast.webhook_endpoint TO holdfast_app;

GRANT SELECT(failing_since) ON TABLE holdfast.webhook_endpoint TO holdfast_app;

GRANT SELECT(warned_at) ON TABLE holdfast.webhook_endpoint TO holdfast_app;

GRANT SELECT(disabled_at) ON TABLE holdfast.webhook_endpoint TO holdfast_app;

GRANT SELECT(disabled_cause) ON TABLE holdfast.webhook_endpoint TO holdfast_app;

REVOKE ALL ON FUNCTION holdfast.lock_webhook_endpoint(p_endpoint_id uuid) FROM PUBLIC;

REVOKE ALL ON FUNCTION holdfast.look(p_service_id uuid, p_location_id uuid, p_start timestamp with time zone, p_choices jsonb, p_replaces_id uuid, p_caps boolean) FROM PUBLIC;

REVOKE ALL ON FUNCTION holdfast.match_slots(p_candidates holdfast.candidate[], p_slot_count integer) FROM PUBLIC;

REVOKE ALL ON FUNCTION holdfast.merge_resources(p_from_id uuid, p_into_id uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION holdfast.merge_resources(p_from_id uuid, p_into_id uuid) TO holdfast_app;

REVOKE ALL ON FUNCTION holdfast.move_claim(p_claim holdfast.claim, p_unit_id uuid) FROM PUBLIC;

REVOKE ALL ON FUNCTION holdfast.move_future_claims(p_unit_id uuid, p_target_unit_ids uuid[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION holdfast.must_wait(p_delivery holdfast.delivery, p_after bigint) FROM PUBLIC;

REVOKE ALL ON FUNCTION holdfast.new_confirmation_code() FROM PUBLIC;

REVOKE ALL ON FUNCTION holdfast.no_show(p_appointment_id uuid, p_revision integer) FROM PUBLIC;
GRANT ALL ON FUNCTION holdfast.no_show(p_appointment_id uuid, p_revision integer) TO holdfast_app;

REVOKE ALL ON FUNCTION holdfast.note_endpoint(p_endpoint_id uuid, p_outcome text, p_cause text) FROM PUBLIC;

REVOKE ALL ON FUNCTION holdfast.open_units(p_resource_id uuid) FROM PUBLIC;

REVOKE ALL ON FUNCTION holdfast.organization_by_slug(p_slug text) FROM PUBLIC;
GRANT ALL ON FUNCTION holdfast.organization_by_slug(p_slug text) TO holdfast_app;

REVOKE ALL ON FUNCTION holdfast.organization_ids() FROM PUBLIC;
GRANT ALL ON FUNCTION holdfast.organization_ids() TO holdfast_app;

REVOKE ALL ON FUNCTION holdfast.overbook_stands(p_unit_id uuid, p_during tstzrange, p_except_hold_id uuid) FROM PUBLIC;

REVOKE ALL ON FUNCTION holdfast.owe_deliveries(p_event_ids bigint[], p_endpoint_id uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION holdfast.owe_deliveries(p_event_ids bigint[], p_endpoint_id uuid) TO holdfast_worker;

REVOKE ALL ON FUNCTION holdfast.pieces(p_during tstzrange) FROM PUBLIC;

GRANT SELECT ON TABLE holdfast.block TO holdfast_app;

REVOKE ALL ON FUNCTION holdfast.place_block(p_resource_id uuid, p_start timestamp with time zone, p_end timestamp with time zone, p_reason text) FROM PUBLIC;
GRANT ALL ON FUNCTION holdfast.place_block(p_resource_id uuid, p_start timestamp with time zone, p_end timestamp with time zone, p_reason text) TO holdfast_app;

REVOKE ALL ON FUNCTION holdfast.place_hold(p_service_id uuid, p_location_id uuid, p_start timestamp with time zone, p_choices jsonb, p_ttl_seconds integer, p_visitor bytea, p_network bytea, p_outside_rules boolean) FROM PUBLIC;
GRANT ALL ON FUNCTION holdfast.place_hold(p_service_id uuid, p_location_id uuid, p_start timestamp with time zone, p_choices jsonb, p_ttl_seconds integer, p_visitor bytea, p_network bytea, p_outside_rules boolean) TO holdfast_app;

REVOKE ALL ON FUNCTION holdfast.promote_overbooks(p_unit_id uuid, p_during tstzrange) FROM PUBLIC;

REVOKE ALL ON FUNCTION holdfast.put_location(p_slug text, p_name text, p_time_zone text, p_address text) FROM PUBLIC;
GRANT ALL ON FUNCTION holdfast.put_location(p_slug text, p_name text, p_time_zone text, p_address text) TO holdfast_app;

REVOKE ALL ON FUNCTION holdfast.put_pool(p_slug text, p_name text, p_members jsonb) FROM PUBLIC;
GRANT ALL ON FUNCTION holdfast.put_pool(p_slug text, p_name text, p_members jsonb) TO holdfast_app;

REVOKE ALL ON FUNCTION holdfast.put_resource(p_slug text, p_name text, p_kind text, p_location_ids uuid[], p_capacity integer) FROM PUBLIC;
GRANT ALL ON FUNCTION holdfast.put_resource(p_slug text, p_name text, p_kind text, p_location_ids uuid[], p_capacity integer) TO holdfast_app;

REVOKE ALL ON FUNCTION holdfast.put_service(p_slug text, p_name text, p_category text, p_duration_minutes integer, p_price_cents integer, p_location_ids uuid[], p_requirements jsonb) FROM PUBLIC;
GRANT ALL ON FUNCTION holdfast.put_service(p_slug text, p_name text, p_category text, p_duration_minutes integer, p_price_cents integer, p_location_ids uuid[], p_requirements jsonb) TO holdfast_app;

REVOKE ALL ON FUNCTION holdfast.record_attempt(p_delivery_id uuid, p_outcome text, p_status integer, p_cause text, p_response text, p_latency_ms integer, p_retry_in_seconds double precision) FROM PUBLIC;
GRANT ALL ON FUNCTION holdfast.record_attempt(p_delivery_id uuid, p_outcome text, p_status integer, p_cause text, p_response text, p_latency_ms integer, p_retry_in_seconds double precision) TO holdfast_worker;

REVOKE ALL ON FUNCTION holdfast.record_block(p_block_id uuid) FROM PUBLIC;

REVOKE ALL ON FUNCTION holdfast.record_busy(p_resource_id uuid, p_source text, p_external_id text, p_start timestamp with time zone, p_end timestamp with time zone) FROM PUBLIC;
GRANT ALL ON FUNCTION holdfast.record_busy(p_resource_id uuid, p_source text, p_external_id text, p_start timestamp with time zone, p_end timestamp with time zone) TO holdfast_app;

REVOKE ALL ON FUNCTION holdfast.record_catalog_change() FROM PUBLIC;

REVOKE ALL ON FUNCTION holdfast.record_collisions(p_busy_id uuid, p_resource_id uuid, p_unit_ids uuid[], p_during tstzrange) FROM PUBLIC;

REVOKE ALL ON FUNCTION holdfast.record_event(p_type text, p_subject_id uuid, p_data jsonb) FROM PUBLIC;

REVOKE ALL ON FUNCTION holdfast.record_hold(p_hold holdfast.hold) FROM PUBLIC;

REVOKE ALL ON FUNCTION holdfast.refresh_statistics() FROM PUBLIC;
GRANT ALL ON FUNCTION holdfast.refresh_statistics() TO holdfast_app;

REVOKE ALL ON FUNCTION holdfast.refuse(p_rule text, p_facts jsonb) FROM PUBLIC;

REVOKE ALL ON FUNCTION holdfast.refuse_slot(p_seen holdfast.candidate[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION holdfast.refuse_unserved_role(p_service_id uuid, p_start timestamp with time zone, p_choices jsonb, p_seen holdfast.candidate[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION holdfast.relay_lag() FROM PUBLIC;
GRANT ALL ON FUNCTION holdfast.relay_lag() TO holdfast_app;
GRANT ALL ON FUNCTION holdfast.relay_lag() TO holdfast_worker;

REVOKE ALL ON FUNCTION holdfast.release_hold(p_hold_id uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION holdfast.release_hold(p_hold_id uuid) TO holdfast_app;

REVOKE ALL ON FUNCTION holdfast.remove_block(p_block_id uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION holdfast.remove_block(p_block_id uuid) TO holdfast_app;

REVOKE ALL ON FUNCTION holdfast.remove_busy(p_busy_id uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION holdfast.remove_busy(p_busy_id uuid) TO holdfast_app;

REVOKE ALL ON FUNCTION holdfast.remove_dated_rule(p_rule_id uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION holdfast.remove_dated_rule(p_rule_id uuid) TO holdfast_app;

REVOKE ALL ON FUNCTION holdfast.remove_pool(p_pool_id uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION holdfast.remove_pool(p_pool_id uuid) TO holdfast_app;

REVOKE ALL ON FUNCTION holdfast.remove_webhook_endpoint(p_endpoint_id uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION holdfast.remove_webhook_endpoint(p_endpoint_id uuid) TO holdfast_app;

REVOKE ALL ON FUNCTION holdfast.replay_webhook_endpoint(p_endpoint_id uuid, p_since timestamp with time zone) FROM PUBLIC;
GRANT ALL ON FUNCTION holdfast.replay_webhook_endpoint(p_endpoint_id uuid, p_since timestamp with time zone) TO holdfast_app;

REVOKE ALL ON FUNCTION holdfast.reschedule(p_appointment_id uuid, p_revision integer, p_start timestamp with time zone, p_location_id uuid, p_choices jsonb, p_hold_id uuid, p_overbook_reason text, p_outside_rules boolean) FROM PUBLIC;
GRANT ALL ON FUNCTION holdfast.reschedule(p_appointment_id uuid, p_revision integer, p_start timestamp with time zone, p_location_id uuid, p_choices jsonb, p_hold_id uuid, p_overbook_reason text, p_outside_rules boolean) TO holdfast_app;

GRANT SELECT ON TABLE holdfast.collision TO holdfast_app;

REVOKE ALL ON FUNCTION holdfast.resolve_collision(p_collision_id uuid, p_resolution text) FROM PUBLIC;
GRANT ALL ON FUNCTION holdfast.resolve_collision(p_collision_id uuid, p_resolution text) TO holdfast_app;

REVOKE ALL ON FUNCTION holdfast.retire_location(p_location_id uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION holdfast.retire_location(p_location_id uuid) TO holdfast_app;

REVOKE ALL ON FUNCTION holdfast.retire_resource(p_resource_id uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION holdfast.retire_resource(p_resource_id uuid) TO holdfast_app;

REVOKE ALL ON FUNCTION holdfast.retire_service(p_service_id uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION holdfast.retire_service(p_service_id uuid) TO holdfast_app;

REVOKE ALL ON FUNCTION holdfast.retry_deliveries_since(p_since timestamp with time zone, p_endpoint_id uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION holdfast.retry_deliveries_since(p_since timestamp with time zone, p_endpoint_id uuid) TO holdfast_app;

REVOKE ALL ON FUNCTION holdfast.retry_delivery(p_delivery_id uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION holdfast.retry_delivery(p_delivery_id uuid) TO holdfast_app;

REVOKE ALL ON FUNCTION holdfast.revoke_api_key(p_api_key_id uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION holdfast.revoke_api_key(p_api_key_id uuid) TO holdfast_app;

REVOKE ALL ON FUNCTION holdfast.rotate_webhook_secret(p_endpoint_id uuid, p_secret bytea, p_overlap_hours integer) FROM PUBLIC;
GRANT ALL ON FUNCTION holdfast.rotate_webhook_secret(p_endpoint_id uuid, p_secret bytea, p_overlap_hours integer) TO holdfast_app;

REVOKE ALL ON FUNCTION holdfast.set_capacity(p_resource_id uuid, p_capacity integer) FROM PUBLIC;
GRANT ALL ON FUNCTION holdfast.set_capacity(p_resource_id uuid, p_capacity integer) TO holdfast_app;

REVOKE ALL ON FUNCTION holdfast.set_dated_rules(p_location_id uuid, p_resource_id uuid, p_rules jsonb) FROM PUBLIC;
GRANT ALL ON FUNCTION holdfast.set_dated_rules(p_location_id uuid, p_resource_id uuid, p_rules jsonb) TO holdfast_app;

REVOKE ALL ON FUNCTION holdfast.set_hold_policy(p_surface text, p_changes jsonb) FROM PUBLIC;
GRANT ALL ON FUNCTION holdfast.set_hold_policy(p_surface text, p_changes jsonb) TO holdfast_app;

REVOKE ALL ON FUNCTION holdfast.set_location_holidays(p_location_id uuid, p_country text, p_region text) FROM PUBLIC;
GRANT ALL ON FUNCTION holdfast.set_location_holidays(p_location_id uuid, p_country text, p_region text) TO holdfast_app;

REVOKE ALL ON FUNCTION holdfast.set_organization(p_name text, p_currency text) FROM PUBLIC;
GRANT ALL ON FUNCTION holdfast.set_organization(p_name text, p_currency text) TO holdfast_app;

REVOKE ALL ON FUNCTION holdfast.set_organization_policy(p_assign text, p_rank text) FROM PUBLIC;
GRANT ALL ON FUNCTION holdfast.set_organization_policy(p_assign text, p_rank text) TO holdfast_app;

REVOKE ALL ON FUNCTION holdfast.set_pool_requires(p_pool_id uuid, p_requires text[]) FROM PUBLIC;
GRANT ALL ON FUNCTION holdfast.set_pool_requires(p_pool_id uuid, p_requires text[]) TO holdfast_app;

REVOKE ALL ON FUNCTION holdfast.set_resource_rules(p_resource_id uuid, p_visits_per_day integer, p_attributes jsonb) FROM PUBLIC;
GRANT ALL ON FUNCTION holdfast.set_resource_rules(p_resource_id uuid, p_visits_per_day integer, p_attributes jsonb) TO holdfast_app;

REVOKE ALL ON FUNCTION holdfast.set_service_rules(p_service_id uuid, p_grid_minutes integer, p_off_grid_after_claims boolean, p_leads jsonb) FROM PUBLIC;
GRANT ALL ON FUNCTION holdfast.set_service_rules(p_service_id uuid, p_grid_minutes integer, p_off_grid_after_claims boolean, p_leads jsonb) TO holdfast_app;

REVOKE ALL ON FUNCTION holdfast.set_weekly_rules(p_location_id uuid, p_resource_id uuid, p_rules jsonb) FROM PUBLIC;
GRANT ALL ON FUNCTION holdfast.set_weekly_rules(p_location_id uuid, p_resource_id uuid, p_rules jsonb) TO holdfast_app;

REVOKE ALL ON FUNCTION holdfast.settle_collision(p_collision_id uuid, p_resolution text) FROM PUBLIC;

REVOKE ALL ON FUNCTION holdfast.stand_behind(p_chosen holdfast.candidate[], p_replaces_id uuid) FROM PUBLIC;

REVOKE ALL ON FUNCTION holdfast.store_answer(p_route text, p_key text, p_request_hash bytea, p_status integer, p_headers jsonb, p_body bytea) FROM PUBLIC;
GRANT ALL ON FUNCTION holdfast.store_answer(p_route text, p_key text, p_request_hash bytea, p_status integer, p_headers jsonb, p_body bytea) TO holdfast_app;

REVOKE ALL ON FUNCTION holdfast.swap_claims(p_replaces_id uuid, p_hold_id uuid, p_chosen holdfast.candidate[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION holdfast.sweep_holds(p_limit integer) FROM PUBLIC;
GRANT ALL ON FUNCTION holdfast.sweep_holds(p_limit integer) TO holdfast_app;

REVOKE ALL ON FUNCTION holdfast.take(p_hold holdfast.hold, p_choices jsonb, p_replaces_id uuid) FROM PUBLIC;

REVOKE ALL ON FUNCTION holdfast.test_webhook_endpoint(p_endpoint_id uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION holdfast.test_webhook_endpoint(p_endpoint_id uuid) TO holdfast_app;

REVOKE ALL ON FUNCTION holdfast.tile_claims(p_chosen holdfast.candidate[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION holdfast.unchanged_since(p_seen pg_snapshot) FROM PUBLIC;
GRANT ALL ON FUNCTION holdfast.unchanged_since(p_seen pg_snapshot) TO holdfast_app;

REVOKE ALL ON FUNCTION holdfast.visit_slots(p_service_id uuid, p_start timestamp with time zone, p_choices jsonb) FROM PUBLIC;

REVOKE ALL ON FUNCTION holdfast.visits_that_day(p_resource_id uuid, p_start timestamp with time zone, p_zone text, p_except_id uuid) FROM PUBLIC;

REVOKE ALL ON FUNCTION holdfast.wants_event(p_events text[], p_type text) FROM PUBLIC;

GRANT SELECT(organization_id) ON TABLE holdfast.api_key TO holdfast_app;

GRANT SELECT(id) ON TABLE holdfast.api_key TO holdfast_app;

GRANT SELECT(name) ON TABLE holdfast.api_key TO holdfast_app;

GRANT SELECT(key_hint) ON TABLE holdfast.api_key TO holdfast_app;

GRANT SELECT(scopes) ON TABLE holdfast.api_key TO holdfast_app;

GRANT SELECT(surfaces) ON TABLE holdfast.api_key TO holdfast_app;

GRANT SELECT(created_at) ON TABLE holdfast.api_key TO holdfast_app;

GRANT SELECT(last_used_on) ON TABLE holdfast.api_key TO holdfast_app;

GRANT SELECT(revoked_at) ON TABLE holdfast.api_key TO holdfast_app;

GRANT SELECT ON TABLE holdfast.busy TO holdfast_app;

GRANT SELECT ON TABLE holdfast.dated_rule TO holdfast_app;

GRANT SELECT ON TABLE holdfast.delivery_attempt TO holdfast_app;

GRANT SELECT ON TABLE holdfast.event TO holdfast_app;

GRANT SELECT ON TABLE holdfast.delivery_detail TO holdfast_app;

GRANT SELECT ON TABLE holdfast.pool TO holdfast_app;

GRANT SELECT ON TABLE holdfast.pool_member TO holdfast_app;

GRANT SELECT ON TABLE holdfast.requirement TO holdfast_app;

GRANT SELECT ON TABLE holdfast.resource_attribute TO holdfast_app;

GRANT SELECT ON TABLE holdfast.resource_location TO holdfast_app;

GRANT SELECT ON TABLE holdfast.service_lead TO holdfast_app;

GRANT SELECT ON TABLE holdfast.service_location TO holdfast_app;

GRANT SELECT ON TABLE holdfast.unit TO holdfast_app;

GRANT SELECT ON TABLE holdfast.weekly_rule TO holdfast_app;
