-- The waitlist's commands: join and leave, note what fell free, offer it, and settle offers.
--
-- Lock order, everywhere: opening, entry's appointment, hold, offers (by id), entries (by id), then what a take locks.

create or replace function holdfast.waitlist_policy_of(p_service_id uuid) returns holdfast.waitlist_policy
language plpgsql stable security definer
set search_path = holdfast, pg_temp
as $$
declare
  v_policy waitlist_policy;
begin
  select * into v_policy from waitlist_policy where organization_id = current_organization() and service_id = p_service_id;
  if v_policy.mode is null then
    -- the defaults of the table, without writing a row
    v_policy := row(current_organization(), p_service_id, 'first_in_line', 120, 10, 10, 60, '21:00', '08:00', 10, 3, 1);
  end if;
  return v_policy;
end $$;

-- What a policy is now, in a number: whoever changes it can say what they have seen.
create or replace function holdfast.waitlist_policy_revision(p_policy holdfast.waitlist_policy) returns integer
language sql stable
as $$ select ('x' || left(md5(p_policy::text), 7))::bit(28)::integer $$;
grant execute on function holdfast.waitlist_policy_revision(holdfast.waitlist_policy) to holdfast_app;

-- `p_changes` has the fields to set; the rest stays as it is. `p_revision`: what the caller has seen (null: any).
create or replace function holdfast.set_waitlist_policy(p_service_id uuid, p_changes jsonb, p_revision integer default null)
returns holdfast.waitlist_policy
language plpgsql security definer
set search_path = holdfast, pg_temp
as $$
declare
  v_policy waitlist_policy;
begin
  -- changes of one policy take turns, also of one that has no row yet
  perform from service where organization_id = current_organization() and id = p_service_id for no key update;
  if not found then
    perform refuse('service_exists');
  end if;
  v_policy := waitlist_policy_of(p_service_id);
  if p_revision <> waitlist_policy_revision(v_policy) then
    perform refuse('waitlist_policy_is_current');
  end if;
  v_policy := jsonb_populate_record(v_policy, p_changes - array['organization_id', 'service_id']);
  insert into waitlist_policy select (v_policy).*
  on conflict on constraint waitlist_policy_pkey do update set
    mode = excluded.mode, offer_minutes_max = excluded.offer_minutes_max, offer_minutes_min = excluded.offer_minutes_min,
    answer_percent = excluded.answer_percent, cut_off_minutes = excluded.cut_off_minutes, quiet_from = excluded.quiet_from,
    quiet_until = excluded.quiet_until, offers_per_slot_max = excluded.offers_per_slot_max,
    offers_per_client_and_day_max = excluded.offers_per_client_and_day_max,
    partial_fit_min_cents = excluded.partial_fit_min_cents;
  perform record_event('waitlist_policy.set', p_service_id, to_jsonb(v_policy) - array['organization_id', 'service_id']);
  return v_policy;
end $$;

-- Look again at everything open that has not ended: somebody new might fit.
create or replace function holdfast.wake_openings() returns void
language sql
as $$
  update waitlist_opening set due_at = clock()
  where organization_id = current_organization() and id in (
    select id from waitlist_opening where organization_id = current_organization() and ends_at > clock()
    order by id for update);
$$;

-- Strangers take few places: five an hour from one browser, twenty from one network.
create or replace function holdfast.check_joins(p_visitor bytea, p_network bytea) returns void
language plpgsql
as $$
begin
  if (select count(*) >= 20 or count(*) filter (where visitor = p_visitor) >= 5 from waitlist_entry
      where organization_id = current_organization() and network = p_network and joined_at > clock() - interval '1 hour')
  then
    perform refuse('waitlist_joins_are_few', jsonb_build_object('retry_after_seconds', 3600));
  end if;
end $$;

-- Wait for a time. `p_wish` = the columns of waitlist_entry that a client chooses; `p_client` as in book(). With
-- `p_appointment_id` the client is booked already, and waits for an earlier time of that very visit; asking twice takes one
-- place. `p_visitor` and `p_network` count strangers.
create or replace function holdfast.join_waitlist(
  p_wish jsonb, p_client jsonb, p_appointment_id uuid default null, p_visitor bytea default null, p_network bytea default null
) returns uuid
language plpgsql security definer
set search_path = holdfast, pg_temp
as $$
declare
  v_entry waitlist_entry := jsonb_populate_record(null::waitlist_entry, p_wish);
  v_appointment appointment;
  v_entry_id uuid;
begin
  perform check_joins(p_visitor, p_network);
  if p_appointment_id is not null then
    v_appointment := lock_appointment(p_appointment_id, null, '{confirmed}');
    select id into v_entry_id from waitlist_entry
    where organization_id = v_appointment.organization_id and client_id = v_appointment.client_id
      and appointment_id = v_appointment.id and state in ('waiting', 'offered')
    order by joined_at limit 1;
    if v_entry_id is not null then
      return v_entry_id;
    end if;
    v_entry.client_id := v_appointment.client_id;
    v_entry.service_ids := array[v_appointment.service_id];
    v_entry.location_ids := coalesce(v_entry.location_ids, array[v_appointment.location_id]);
  elsif p_client ? 'id' then
    select id into v_entry.client_id from client
    where organization_id = current_organization() and id = (p_client ->> 'id')::uuid;
    if v_entry.client_id is null then
      perform refuse('client_exists');
    end if;
  else
    v_entry.client_id := find_or_add_client(p_client ->> 'name', p_client ->> 'email', p_client ->> 'phone');
  end if;
  if (select count(*) from service where organization_id = current_organization() and id = any (v_entry.service_ids)
      and retired_at is null) <> cardinality(v_entry.service_ids) then
    perform refuse('service_exists');
  end if;
  if (select count(*) from location where organization_id = current_organization() and id = any (v_entry.location_ids)
      and retired_at is null) <> cardinality(v_entry.location_ids) then
    perform refuse('location_exists');
  end if;
  if (select count(*) from resource where organization_id = current_organization() and id = any (v_entry.provider_ids)
      and retired_at is null) <> coalesce(cardinality(v_entry.provider_ids), 0) then
    perform refuse('resource_exists');
  end if;
  -- joins of one client take turns, so that counting is exact
  perform from client where organization_id = current_organization() and id = v_entry.client_id for no key update;
  if (select count(*) from waitlist_entry
      where organization_id = current_organization() and client_id = v_entry.client_id and state in ('waiting', 'offered')) >= 10
  then
    perform refuse('waitlist_entries_are_few');
  end if;
  insert into waitlist_entry (organization_id, client_id, service_ids, provider_ids, location_ids, windows, earliest_on,
                              latest_on, notice_minutes, party_size, priority, appointment_id, surface, joined_at,
                              visitor, network)
  values (current_organization(), v_entry.client_id, v_entry.service_ids, coalesce(v_entry.provider_ids, '{}'),
          v_entry.location_ids, coalesce(v_entry.windows, '[]'), v_entry.earliest_on, v_entry.latest_on,
          coalesce(v_entry.notice_minutes, 0), coalesce(v_entry.party_size, 1), coalesce(v_entry.priority, 0),
          p_appointment_id, current_surface(), clock(), p_visitor, p_network)
  returning * into v_entry;
  perform record_event('waitlist_entry.joined', v_entry.id, to_jsonb(v_entry)
    - array['organization_id', 'id', 'state', 'surface', 'visitor', 'network']);
  perform wake_openings();
  return v_entry.id;
end $$;

-- What fell free by these events. A cancelled, missed or moved visit, a removed block or busy time opens its own time; a
-- change of hours, the days it is about; other changes of what there is, the coming weeks. Twice the same event opens once.
create or replace function holdfast.note_openings(p_event_ids bigint[]) returns integer
language plpgsql security definer
set search_path = holdfast, pg_temp
as $$
declare
  v_count integer;
begin
  perform wake_openings();
  with told as (
    select * from event where organization_id = current_organization() and id = any (p_event_ids)
  ), visits as (
    select t.id as event_id, h.location_id,
           case when t.data -> 'moved' = 'true' then 'moved' else a.state end as cause,
           h.service_id, s.price_cents, a.client_id, h.starts_at, h.ends_at, t.at,
           (select array_agg(distinct u.resource_id) from claim k
            join unit u on u.organization_id = k.organization_id and u.id = k.unit_id
            where k.organization_id = h.organization_id and k.hold_id = h.id) as resource_ids
    from told t
    join hold h on h.organization_id = t.organization_id and h.id = t.subject_id
    join service s on s.organization_id = h.organization_id and s.id = h.service_id
    left join appointment a on a.organization_id = h.organization_id and a.hold_id = h.id
    where t.type = 'hold.released' and (t.data -> 'moved' = 'true' or a.state in ('cancelled', 'no_show'))
  ), let_go as (
    -- held and not booked: who joined before was asked already, or the time was theirs to take
    select t.id as event_id, h.location_id, h.starts_at, h.ends_at, t.at,
           (select array_agg(distinct u.resource_id) from claim k
            join unit u on u.organization_id = k.organization_id and u.id = k.unit_id
            where k.organization_id = h.organization_id and k.hold_id = h.id) as resource_ids
    from told t
    join hold h on h.organization_id = t.organization_id and h.id = t.subject_id
    where t.type in ('hold.released', 'hold.expired') and t.data -> 'moved' is distinct from 'true'
      and not exists (select from appointment a where a.organization_id = h.organization_id and a.hold_id = h.id)
      and not exists (select from offer o where o.organization_id = h.organization_id and o.hold_id = h.id)
      and exists (select from waitlist_entry w
                  where w.organization_id = t.organization_id and w.state = 'waiting'
                    and w.joined_at between h.created_at and t.at)
  ), closures as (
    select t.id as event_id, 'block' as cause, b.resource_id, b.starts_at, b.ends_at, t.at
    from told t join block b on b.organization_id = t.organization_id and b.id = t.subject_id
    where t.type = 'block.removed'
    union all
    select t.id, 'busy', b.resource_id, b.starts_at, b.ends_at, t.at
    from told t join busy b on b.organization_id = t.organization_id and b.id = t.subject_id and b.removed_at is not null
    where t.type = 'busy.removed'
  ), changes as (
    select t.id as event_id, l.id as location_id, t.at,
           case when t.type like 'dated_rule.%' then (t.data ->> 'starts')::timestamp at time zone l.time_zone
                else greatest((t.data ->> 'valid_from')::date::timestamp at time zone l.time_zone, clock()) end as starts_at,
           case when t.type like 'dated_rule.%' then (t.data ->> 'ends')::timestamp at time zone l.time_zone
                else least(((t.data ->> 'valid_until')::date + 1)::timestamp at time zone l.time_zone,
                           clock() + interval '30 days') end as ends_at,
           (t.data ->> 'resource_id')::uuid as resource_id, t.type like 'dated_rule.%' as dated
    from told t
    join location l on l.organization_id = t.organization_id and l.retired_at is null
      and (t.data ->> 'location_id' is null or l.id = (t.data ->> 'location_id')::uuid)
    where t.type not in ('hold.released', 'hold.expired', 'block.removed', 'busy.removed')
      and t.type !~ '^(waitlist|offer)'
      -- a closure that is added, or hours that are taken away, free nothing
      and (t.type !~ '^(weekly|dated)_rule' or t.type like '%.changed'
           or (t.data ->> 'kind' in ('closure', 'time_off', 'break')) = (t.type like '%.removed'))
      and (t.data ->> 'resource_id' is null or exists (
        select from resource_location rl where rl.organization_id = t.organization_id and rl.location_id = l.id
          and rl.resource_id = (t.data ->> 'resource_id')::uuid))
      and exists (select from waitlist_entry w
                  where w.organization_id = t.organization_id and w.state = 'waiting' and w.joined_at < t.at)
  ), widened as (
    -- changes that were made together open once at a location
    select max(event_id) as event_id, location_id, min(starts_at) as starts_at, max(ends_at) as ends_at, max(at) as at,
           case when bool_or(resource_id is null) then '{}' else array_agg(distinct resource_id) end as resource_ids
    from changes where ends_at > greatest(starts_at, clock())
    group by location_id, dated
  ), freed as (
    select event_id, location_id, cause, service_id, price_cents, client_id, starts_at, ends_at, resource_ids, at from visits
    union all
    select event_id, location_id, 'hold', null, null, null, starts_at, ends_at, resource_ids, at from let_go
    union all
    select c.event_id, rl.location_id, c.cause, null, null, null, greatest(c.starts_at, c.at), c.ends_at,
           array[c.resource_id], c.at
    from closures c
    join resource_location rl on rl.organization_id = current_organization() and rl.resource_id = c.resource_id
    where c.ends_at > c.at
    union all
    select w.event_id, w.location_id, 'hours', null, null, null, w.starts_at, w.ends_at, w.resource_ids, w.at
    from widened w
    -- what an opening covers that is looked at already is woken
    where not exists (select from waitlist_opening o
                      where o.organization_id = current_organization() and o.location_id = w.location_id and o.cause = 'hours'
                        and o.starts_at <= greatest(w.starts_at, clock()) and o.ends_at >= w.ends_at
                        and (o.resource_ids = '{}' or w.resource_ids <> '{}' and o.resource_ids @> w.resource_ids))
  ), found as (
    insert into waitlist_opening (organization_id, event_id, location_id, cause, service_id, price_cents, client_id,
                                  starts_at, ends_at, resource_ids, freed_at, due_at)
    select current_organization(), event_id, location_id, cause, service_id, price_cents, client_id, starts_at, ends_at,
           coalesce(resource_ids, '{}'), at, clock()
    from freed where ends_at > clock()
    on conflict on constraint waitlist_opening_is_found_once do nothing
    returning *
  )
  select count(record_event('waitlist_opening.found', id, jsonb_build_object(
    'location_id', location_id, 'cause', cause, 'service_id', service_id, 'starts_at', starts_at, 'ends_at', ends_at)))
    into v_count
  from found;
  return v_count;
end $$;

-- Nobody fits now (null), or look again then. Not when it was woken since it was read as due at `p_seen_due_at`: whoever
-- joined meanwhile has not been looked at.
create or replace function holdfast.rest_opening(p_opening_id uuid, p_seen_due_at timestamptz, p_due_at timestamptz)
returns void
language sql security definer
set search_path = holdfast, pg_temp
as $$
  update waitlist_opening set due_at = p_due_at
  where organization_id = current_organization() and id = p_opening_id and due_at = p_seen_due_at;
$$;
