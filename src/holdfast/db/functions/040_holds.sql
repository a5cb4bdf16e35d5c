-- Holds: place, extend, release, and tidy what has run out. Confirming is in 050_appointments.sql.

-- The policy of the surface that is asking.
create or replace function holdfast.current_policy() returns holdfast.hold_policy
language plpgsql stable
as $$
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

-- Nobody may hoard: count what the same visitor, network and actor keep live, the holds of one visit as one, and what the
-- first two took within 24 hours and still have, held or booked. The locks make counting exact: two requests of one visitor cannot both see room for one more. Locked in key order; they cost no row and
-- no WAL. `p_more`: how many visits are wanted now.
create or replace function holdfast.check_quota(
  p_policy holdfast.hold_policy, p_visitor bytea, p_network bytea, p_more integer
) returns void
language plpgsql
as $$
declare
  v_limits text[] := '{}';
  v_key bigint;
  v_live integer;
  v_visitor_today integer;
  v_network_today integer;
begin
  for v_key in
    select hashtextextended(current_organization()::text || kind || id, 0)
    from (values
      ('visitor', encode(p_visitor, 'hex'),
       coalesce(p_policy.live_holds_per_visitor_max, p_policy.bookings_per_visitor_and_day_max)),
      ('network', encode(p_network, 'hex'),
       coalesce(p_policy.live_holds_per_network_max, p_policy.bookings_per_network_and_day_max)),
      ('actor', current_actor(), p_policy.live_holds_per_actor_max)
    ) as v(kind, id, most)
    where most is not null and id is not null
    order by 1
  loop
    perform pg_advisory_xact_lock(v_key);
  end loop;

  if p_policy.live_holds_per_visitor_max is not null and p_visitor is not null then
    select count(distinct coalesce(visit_id, id)) into v_live from hold
    where organization_id = current_organization() and state = 'live' and visitor = p_visitor and expires_at > clock();
    if v_live + p_more > p_policy.live_holds_per_visitor_max then v_limits := array_append(v_limits, 'visitor'); end if;
  end if;
  if p_policy.live_holds_per_network_max is not null and p_network is not null then
    select count(distinct coalesce(visit_id, id)) into v_live from hold
    where organization_id = current_organization() and state = 'live' and network = p_network and expires_at > clock();
    if v_live + p_more > p_policy.live_holds_per_network_max then v_limits := array_append(v_limits, 'network'); end if;
  end if;
  if p_policy.live_holds_per_actor_max is not null then
    select count(distinct coalesce(visit_id, id)) into v_live from hold
    where organization_id = current_organization() and state = 'live' and actor = current_actor() and expires_at > clock();
    if v_live + p_more > p_policy.live_holds_per_actor_max then v_limits := array_append(v_limits, 'actor'); end if;
  end if;
  if p_network is not null
     and (p_policy.bookings_per_visitor_and_day_max is not null or p_policy.bookings_per_network_and_day_max is not null) then
    select count(distinct coalesce(visit_id, id)) filter (where visitor = p_visitor), count(distinct coalesce(visit_id, id))
    into v_visitor_today, v_network_today
    from hold
    where organization_id = current_organization() and network = p_network and created_at > clock() - interval '24 hours'
      and (state = 'confirmed' or state = 'live' and expires_at > clock());
    if v_visitor_today + p_more > p_policy.bookings_per_visitor_and_day_max then
      v_limits := array_append(v_limits, 'visitor and day');
    end if;
    if v_network_today + p_more > p_policy.bookings_per_network_and_day_max then
      v_limits := array_append(v_limits, 'network and day');
    end if;
  end if;
  if cardinality(v_limits) > 0 then
    perform refuse('holds_are_within_quota', jsonb_build_object('limits', v_limits));
  end if;
end $$;

-- The hold row of a visit, checked against the catalog and the surface's policy; not yet written. `p_counts_as`: how many
-- visits of the quota it stands for; none where another hold of the same visit was counted already.
create or replace function holdfast.draft_hold(
  p_service_id uuid, p_location_id uuid, p_start timestamptz, p_ttl_seconds integer, p_visitor bytea, p_network bytea,
  p_state text default 'live', p_overbook_reason text default null, p_outside_rules boolean default false,
  p_counts_as integer default 1
) returns holdfast.hold
language plpgsql
as $$
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
  if p_counts_as > 0 then
    perform check_quota(v_policy, p_visitor, p_network, p_counts_as);
  end if;
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

-- Hold a visit: provider, room, device and whatever else the service requires, all or nothing.
-- `p_choices` = {role: [[resource ids], …]} (see visit_slots); `p_visitor`, `p_network`: hashes, on public surfaces.
-- `p_outside_rules`: a person decided that opening hours, notice and caps do not count; the guard always does.
create or replace function holdfast.place_hold(
  p_service_id uuid, p_location_id uuid, p_start timestamptz, p_choices jsonb default '{}', p_ttl_seconds integer default null,
  p_visitor bytea default null, p_network bytea default null, p_outside_rules boolean default false
) returns setof holdfast.hold_detail
language plpgsql security definer
set search_path = holdfast, pg_temp
as $$
declare
  v_hold hold := draft_hold(p_service_id, p_location_id, p_start, p_ttl_seconds, p_visitor, p_network, 'live', null,
                            p_outside_rules);
begin
  perform take(v_hold, p_choices);
  return query select * from hold_detail where organization_id = v_hold.organization_id and id = v_hold.id;
end $$;

-- Lock a hold that must still be live; refuse with what became of it. Run out but not yet displaced counts as live for
-- `p_grace`, decided after the lock was won. The holds of a visit live and are settled together: only a command about that
-- visit, `p_visit_id`, gets one.
create or replace function holdfast.lock_live_hold(p_hold_id uuid, p_grace boolean, p_visit_id uuid default null)
returns holdfast.hold
language plpgsql
as $$
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
  if v_hold.visit_id is distinct from p_visit_id then
    perform refuse('hold_stands_alone', jsonb_build_object('visit_id', v_hold.visit_id));
  end if;
  -- what Holdfast itself keeps for somebody (an offer) is not to be confirmed for anybody else by whoever knows its id
  if v_hold.surface = 'system' and current_surface() <> 'system' then
    perform refuse('hold_is_nobody_elses');
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

-- When a fresh term from now would end: as often as the surface's policy allows, never beyond the longest hold it allows.
create or replace function holdfast.fresh_expiry(p_hold holdfast.hold, p_ttl_seconds integer) returns timestamptz
language plpgsql
as $$
declare
  v_policy hold_policy;
  v_expires_at timestamptz;
begin
  select * into v_policy from hold_policy where organization_id = current_organization() and surface = p_hold.surface;
  v_expires_at := least(
    clock() + make_interval(secs => coalesce(p_ttl_seconds, v_policy.ttl_seconds)),
    p_hold.created_at + make_interval(secs => v_policy.ttl_seconds_max));
  if p_hold.extensions >= v_policy.extensions_max or v_expires_at <= p_hold.expires_at or p_ttl_seconds < 1 then
    perform refuse('hold_may_be_extended', jsonb_build_object(
      'extensions', p_hold.extensions, 'extensions_max', v_policy.extensions_max, 'expires_at', p_hold.expires_at));
  end if;
  return v_expires_at;
end $$;

create or replace function holdfast.extend_to(p_hold_id uuid, p_expires_at timestamptz) returns void
language plpgsql
as $$
begin
  update hold set expires_at = p_expires_at, extensions = extensions + 1
  where organization_id = current_organization() and id = p_hold_id;
  perform record_event('hold.extended', p_hold_id, jsonb_build_object('expires_at', p_expires_at));
end $$;

create or replace function holdfast.extend_hold(p_hold_id uuid, p_ttl_seconds integer default null)
returns setof holdfast.hold_detail
language plpgsql security definer
set search_path = holdfast, pg_temp
as $$
declare
  v_hold hold := lock_live_hold(p_hold_id, false);
begin
  perform extend_to(v_hold.id, fresh_expiry(v_hold, p_ttl_seconds));
  return query select * from hold_detail where organization_id = v_hold.organization_id and id = v_hold.id;
end $$;

-- Give a hold back. Giving back what is already gone is no error: the wish is fulfilled.
create or replace function holdfast.release_hold(p_hold_id uuid) returns setof holdfast.hold_detail
language plpgsql security definer
set search_path = holdfast, pg_temp
as $$
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

-- Tidy: expire up to `p_limit` holds that ran out, grace included. Nothing depends on it: an expired hold is displaced by
-- whoever needs its place. Skips rows that somebody is deciding about. Returns how many.
create or replace function holdfast.sweep_holds(p_limit integer default 500) returns integer
language plpgsql security definer
set search_path = holdfast, pg_temp
as $$
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

-- Settle a hold that was locked live: it stands for an appointment from now on; `p_visit_id`: of this visit. Within grace it
-- had run out and did not count, so a visit may have been given away that a capped resource no longer has: then the hold
-- has expired after all. `p_replaces_id`: a hold given up for it.
create or replace function holdfast.settle_hold(
  p_hold holdfast.hold, p_visit_id uuid default null, p_replaces_id uuid default null
) returns void
language plpgsql
as $$
declare
  v_unit_ids uuid[];
begin
  update hold set state = 'confirmed', visit_id = coalesce(p_visit_id, visit_id)
  where organization_id = p_hold.organization_id and id = p_hold.id;
  if p_hold.expires_at <= clock() and not p_hold.outside_rules then
    v_unit_ids := array(
      select k.unit_id from claim k where k.organization_id = p_hold.organization_id and k.hold_id = p_hold.id);
    if not caps_are_kept(array[p_hold], array['{}'::jsonb], array_fill(p_hold.id, array[cardinality(v_unit_ids)]), v_unit_ids,
                         array_remove(array[p_replaces_id], null)) then
      perform refuse('hold_is_live', jsonb_build_object('state', 'expired', 'expired_at', p_hold.expires_at));
    end if;
  end if;
  perform record_event('hold.confirmed', p_hold.id, jsonb_strip_nulls(jsonb_build_object('visit_id', p_visit_id)));
end $$;
