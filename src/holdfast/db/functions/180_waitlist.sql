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

-- What fell free by these events. A cancelled, missed or moved visit, a removed block or busy time opens its own time; of
-- other changes nobody can say what they freed, so the coming weeks are looked at. Twice the same event opens once.
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
  ), closures as (
    select t.id as event_id, 'block' as cause, b.resource_id, b.starts_at, b.ends_at, t.at
    from told t join block b on b.organization_id = t.organization_id and b.id = t.subject_id
    where t.type = 'block.removed'
    union all
    select t.id, 'busy', b.resource_id, b.starts_at, b.ends_at, t.at
    from told t join busy b on b.organization_id = t.organization_id and b.id = t.subject_id and b.removed_at is not null
    where t.type = 'busy.removed'
  ), freed as (
    select event_id, location_id, cause, service_id, price_cents, client_id, starts_at, ends_at, resource_ids, at from visits
    union all
    select c.event_id, rl.location_id, c.cause, null, null, null, greatest(c.starts_at, c.at), c.ends_at,
           array[c.resource_id], c.at
    from closures c
    join resource_location rl on rl.organization_id = current_organization() and rl.resource_id = c.resource_id
    where c.ends_at > c.at
    union all
    -- at most one such opening a location for a fortnight; the next changes wake it
    select max(t.id), l.id, 'hours', null, null, null, clock(), clock() + interval '21 days', '{}', max(t.at)
    from told t
    join location l on l.organization_id = t.organization_id and l.retired_at is null
    where t.type not in ('hold.released', 'hold.expired', 'block.removed', 'busy.removed')
      and t.type !~ '^(waitlist|offer)'
      and exists (select from waitlist_entry w
                  where w.organization_id = l.organization_id and w.state = 'waiting' and w.joined_at < t.at)
      and not exists (select from waitlist_opening o where o.organization_id = l.organization_id and o.location_id = l.id
                      and o.cause = 'hours' and o.ends_at > clock() + interval '7 days')
    group by l.id
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

-- Hold the visit and offer it to these entries, all or nothing. `p_offers` = [{"offer_id", "entry_id", "token_hash" (hex),
-- "why"}]; more than one: the first to accept wins. The caps are checked here, under locks, unless a person offers by hand
-- (no opening). Refused when somebody takes the time first, or an entry cannot be offered it any more.
create or replace function holdfast.make_offers(
  p_opening_id uuid, p_service_id uuid, p_location_id uuid, p_start timestamptz, p_choices jsonb, p_seconds integer,
  p_offers jsonb
) returns setof holdfast.offer
language plpgsql security definer
set search_path = holdfast, pg_temp
as $$
declare
  v_policy waitlist_policy := waitlist_policy_of(p_service_id);
  v_hold hold;
  v_count integer;
  v_zone text := (select time_zone from location where organization_id = current_organization() and id = p_location_id);
begin
  if p_opening_id is not null then
    perform from waitlist_opening where organization_id = current_organization() and id = p_opening_id for update;
    select count(*) into v_count from offer where organization_id = current_organization() and opening_id = p_opening_id;
    if v_count + jsonb_array_length(p_offers) > v_policy.offers_per_slot_max then
      perform refuse('offers_are_within_caps', jsonb_build_object('cap', 'slot'));
    end if;
  end if;
  perform from waitlist_entry e
  where e.organization_id = current_organization() and e.state = 'waiting'
    and e.id in (select (o ->> 'entry_id')::uuid from jsonb_array_elements(p_offers) o)
  order by e.id for update;
  get diagnostics v_count = row_count;
  if v_count <> jsonb_array_length(p_offers) then
    perform refuse('entry_is_waiting');
  end if;
  if p_opening_id is not null then
    perform from client c where c.organization_id = current_organization() and c.id in (
      select e.client_id from waitlist_entry e, jsonb_array_elements(p_offers) o
      where e.organization_id = c.organization_id and e.id = (o ->> 'entry_id')::uuid)
    order by c.id for no key update;
    if exists (
      select from offer x
      join waitlist_entry e on e.organization_id = x.organization_id and e.id = x.entry_id
      where x.organization_id = current_organization()
        and (x.sent_at at time zone v_zone)::date = (clock() at time zone v_zone)::date
        and e.client_id in (
          select w.client_id from waitlist_entry w, jsonb_array_elements(p_offers) o
          where w.organization_id = x.organization_id and w.id = (o ->> 'entry_id')::uuid)
      group by e.client_id having count(*) >= v_policy.offers_per_client_and_day_max
    ) then
      perform refuse('offers_are_within_caps', jsonb_build_object('cap', 'client'));
    end if;
  end if;
  v_hold := draft_hold(p_service_id, p_location_id, p_start, null, null, null);
  v_hold.surface := 'system';  -- so that only accept_offer() can confirm it, also when the desk offers by hand
  v_hold.expires_at := v_hold.created_at + make_interval(secs => p_seconds);
  perform take(v_hold, p_choices);
  update waitlist_entry set state = 'offered'
  where organization_id = current_organization()
    and id in (select (o ->> 'entry_id')::uuid from jsonb_array_elements(p_offers) o);
  insert into offer (organization_id, id, entry_id, opening_id, hold_id, token_hash, why, sent_at, expires_at)
  select current_organization(), (o ->> 'offer_id')::uuid, (o ->> 'entry_id')::uuid, p_opening_id, v_hold.id,
         decode(o ->> 'token_hash', 'hex'), o ->> 'why', clock(), v_hold.expires_at
  from jsonb_array_elements(p_offers) o;
  perform record_event('offer.made', x.id, jsonb_build_object(
    'entry_id', x.entry_id, 'opening_id', x.opening_id, 'hold_id', x.hold_id, 'service_id', p_service_id,
    'location_id', p_location_id, 'starts_at', v_hold.starts_at, 'ends_at', v_hold.ends_at, 'expires_at', x.expires_at))
  from offer x where x.organization_id = current_organization() and x.hold_id = v_hold.id;
  return query select * from offer where organization_id = current_organization() and hold_id = v_hold.id;
end $$;

-- Whose offer a token opens: for a link, whose holder has no key. No organization is said yet.
create or replace function holdfast.find_offer(p_token_hash bytea) returns table (organization_id uuid, offer_id uuid)
language sql stable security definer
set search_path = holdfast, pg_temp
as $$ select organization_id, id from offer where token_hash = p_token_hash $$;

-- The offer, with everything locked that settling it changes: its opening, its entry's appointment, its hold, and all
-- offers on that hold. None of what leads to them ever changes, so it is read before.
create or replace function holdfast.lock_offer(p_offer_id uuid) returns holdfast.offer
language plpgsql
as $$
declare
  v_offer offer;
begin
  select * into v_offer from offer where organization_id = current_organization() and id = p_offer_id;
  if v_offer.id is null then
    perform refuse('offer_exists');
  end if;
  perform from waitlist_opening where organization_id = v_offer.organization_id and id = v_offer.opening_id for update;
  perform from appointment
  where organization_id = v_offer.organization_id and id = (
    select appointment_id from waitlist_entry where organization_id = v_offer.organization_id and id = v_offer.entry_id)
  for update;
  perform from hold where organization_id = v_offer.organization_id and id = v_offer.hold_id for update;
  perform from offer where organization_id = v_offer.organization_id and hold_id = v_offer.hold_id order by id for update;
  select * into v_offer from offer where organization_id = v_offer.organization_id and id = v_offer.id;
  return v_offer;
end $$;

-- An offer has its answer. Its entry waits again, unless it is booked; what is left of the opening is looked at again.
create or replace function holdfast.settle_offer(p_offer holdfast.offer, p_state text, p_facts jsonb default '{}') returns void
language plpgsql
as $$
begin
  update offer set state = p_state, settled_at = clock(), appointment_id = (p_facts ->> 'appointment_id')::uuid
  where organization_id = p_offer.organization_id and id = p_offer.id;
  update waitlist_entry set state = case when p_state = 'accepted' then 'booked' else 'waiting' end
  where organization_id = p_offer.organization_id and id = p_offer.entry_id and state = 'offered';
  perform record_event('offer.' || p_state, p_offer.id, p_facts || jsonb_build_object('entry_id', p_offer.entry_id));
  update waitlist_opening set due_at = clock()
  where organization_id = p_offer.organization_id and id = p_offer.opening_id and ends_at > clock();
end $$;

-- Say yes. Confirms the very hold that was offered, or moves the entry's appointment onto it; in the same transaction every
-- other offer on that hold is lost. Saying yes twice is answered with the same appointment. Too late is refused, with what
-- became of the offer.
create or replace function holdfast.accept_offer(p_offer_id uuid) returns setof holdfast.appointment_detail
language plpgsql security definer
set search_path = holdfast, pg_temp
as $$
declare
  v_offer offer := lock_offer(p_offer_id);
  v_entry waitlist_entry;
  v_hold hold;
  v_grace interval;
  v_appointment_id uuid;
begin
  if v_offer.state = 'accepted' then
    return query select * from appointment_detail
      where organization_id = v_offer.organization_id and id = v_offer.appointment_id;
    return;
  end if;
  select * into v_hold from hold where organization_id = v_offer.organization_id and id = v_offer.hold_id;
  select make_interval(secs => grace_seconds) into v_grace from hold_policy
  where organization_id = v_hold.organization_id and surface = v_hold.surface;
  if v_offer.state <> 'open' or v_hold.state <> 'live' or clock() >= v_hold.expires_at + coalesce(v_grace, '0') then
    perform refuse('offer_is_open', jsonb_build_object('state', case
      when v_offer.state <> 'open' then v_offer.state else coalesce(end_of_hold(v_hold.id), 'lapsed') end));
  end if;
  select * into v_entry from waitlist_entry
  where organization_id = v_offer.organization_id and id = v_offer.entry_id for update;
  perform set_config('holdfast.surface', 'system', true);  -- the hold is Holdfast's own, see lock_live_hold()
  if v_entry.appointment_id is not null then
    select id into v_appointment_id
    from reschedule(v_entry.appointment_id, null, p_hold_id => v_hold.id);
  else
    select id into v_appointment_id
    from confirm_hold(v_hold.id, jsonb_build_object('id', v_entry.client_id), null);
  end if;
  perform settle_offer(v_offer, 'accepted', jsonb_build_object('appointment_id', v_appointment_id));
  perform settle_offer(o, 'lost') from offer o
  where o.organization_id = v_offer.organization_id and o.hold_id = v_hold.id and o.state = 'open';
  return query select * from appointment_detail where organization_id = v_offer.organization_id and id = v_appointment_id;
end $$;

-- What an open offer comes to when its hold has ended without it: given away by somebody who confirmed the hold for another
-- client, or run out. Null while the hold is live.
create or replace function holdfast.end_of_hold(p_hold_id uuid) returns text
language sql stable
as $$
  select case state when 'live' then null when 'confirmed' then 'overridden' else 'lapsed' end
  from hold where organization_id = current_organization() and id = p_hold_id;
$$;

-- Say no, or (`p_skipped`) be passed over by the desk. The time is given back when nobody else is offered it. An offer that
-- has its answer already stays as it is.
create or replace function holdfast.decline_offer(p_offer_id uuid, p_skipped boolean default false) returns text
language plpgsql security definer
set search_path = holdfast, pg_temp
as $$
declare
  v_offer offer := lock_offer(p_offer_id);
  v_ended text := end_of_hold(v_offer.hold_id);
begin
  if v_offer.state <> 'open' then
    return v_offer.state;
  end if;
  if v_ended is not null then
    perform settle_offer(v_offer, v_ended);
    return v_ended;
  end if;
  perform settle_offer(v_offer, 'declined', jsonb_build_object('skipped', p_skipped));
  if not exists (select from offer where organization_id = v_offer.organization_id and hold_id = v_offer.hold_id
                 and state = 'open') then
    perform release_hold(v_offer.hold_id);
  end if;
  return 'declined';
end $$;

-- The desk gives the time to somebody else, knowingly: the hold lets go and every offer on it is overridden. The caller
-- books in the same transaction, so nobody can step in between.
create or replace function holdfast.withdraw_offer(p_offer_id uuid) returns setof holdfast.hold_detail
language plpgsql security definer
set search_path = holdfast, pg_temp
as $$
declare
  v_offer offer := lock_offer(p_offer_id);
  v_ended text := end_of_hold(v_offer.hold_id);
begin
  if v_offer.state <> 'open' or v_ended = 'overridden' then
    perform refuse('offer_is_open', jsonb_build_object(
      'state', case when v_offer.state <> 'open' then v_offer.state else v_ended end));
  end if;
  perform settle_offer(o, 'overridden') from offer o
  where o.organization_id = v_offer.organization_id and o.hold_id = v_offer.hold_id and o.state = 'open';
  perform release_hold(v_offer.hold_id);
  return query select * from hold_detail where organization_id = v_offer.organization_id and id = v_offer.hold_id;
end $$;

-- Wait no more. An open offer is declined with it; leaving twice is no error.
create or replace function holdfast.leave_waitlist(p_entry_id uuid, p_state text default 'left') returns text
language plpgsql security definer
set search_path = holdfast, pg_temp
as $$
declare
  v_state text;
begin
  perform decline_offer(id) from offer
  where organization_id = current_organization() and entry_id = p_entry_id and state = 'open';
  select state into v_state from waitlist_entry
  where organization_id = current_organization() and id = p_entry_id for update;
  if v_state is null then
    perform refuse('waitlist_entry_exists');
  end if;
  if v_state = 'offered' then
    -- offered between our two looks: the caller asks again
    raise exception 'an offer was made meanwhile' using errcode = '40001';
  end if;
  if v_state = 'waiting' then
    update waitlist_entry set state = p_state where organization_id = current_organization() and id = p_entry_id;
    perform record_event('waitlist_entry.' || p_state, p_entry_id, '{}');
    return p_state;
  end if;
  return v_state;
end $$;

-- Settle the offers whose hold has run out, grace included, or has ended otherwise; expire the entries whose days are over
-- or whose appointment can no longer move. How many of both.
create or replace function holdfast.tidy_waitlist(p_limit integer default 200) returns integer
language plpgsql security definer
set search_path = holdfast, pg_temp
as $$
declare
  v_id uuid;
  v_offer offer;
  v_hold hold;
  v_count integer := 0;
begin
  for v_id in
    select o.id from offer o
    join hold h on h.organization_id = o.organization_id and h.id = o.hold_id
    join hold_policy p on p.organization_id = h.organization_id and p.surface = h.surface
    where o.organization_id = current_organization() and o.state = 'open'
      and (h.state <> 'live' or h.expires_at + make_interval(secs => p.grace_seconds) <= clock())
    order by o.opening_id, o.id limit p_limit
  loop
    v_offer := lock_offer(v_id);
    select * into v_hold from hold where organization_id = v_offer.organization_id and id = v_offer.hold_id;
    if v_offer.state = 'open' then
      if v_hold.state = 'live' then
        perform let_go(v_hold.id, 'expired');
      end if;
      perform settle_offer(v_offer, end_of_hold(v_hold.id));
      v_count := v_count + 1;
    end if;
  end loop;
  for v_id in
    select e.id from waitlist_entry e
    left join appointment a on a.organization_id = e.organization_id and a.id = e.appointment_id
    where e.organization_id = current_organization() and e.state = 'waiting'
      and (e.latest_on < (clock() - interval '1 day')::date or a.state <> 'confirmed' or a.starts_at <= clock())
    order by e.id limit p_limit
  loop
    perform leave_waitlist(v_id, 'expired');
    v_count := v_count + 1;
  end loop;
  return v_count;
end $$;

-- The organizations for whose waitlist there is something to do now. For the worker's role: it sees every organization.
create or replace function holdfast.waitlists_due() returns setof uuid
language sql volatile security definer
set search_path = holdfast, pg_temp
as $$
  select organization_id from waitlist_opening where due_at <= clock()
  union
  select o.organization_id from offer o
  join hold h on h.organization_id = o.organization_id and h.id = o.hold_id
  join hold_policy p on p.organization_id = h.organization_id and p.surface = h.surface
  where o.state = 'open' and (h.state <> 'live' or h.expires_at + make_interval(secs => p.grace_seconds) <= clock())
$$;

-- What the desk sees of an offer.
create or replace view holdfast.offer_detail with (security_invoker = true) as
select o.organization_id, o.id, o.entry_id, o.opening_id, o.hold_id, o.state, o.why, o.sent_at, o.expires_at, o.settled_at,
       o.appointment_id, e.client_id, h.service_id, h.location_id, l.time_zone, h.starts_at, h.ends_at
from holdfast.offer o
join holdfast.waitlist_entry e on e.organization_id = o.organization_id and e.id = o.entry_id
join holdfast.hold h on h.organization_id = o.organization_id and h.id = o.hold_id
join holdfast.location l on l.organization_id = h.organization_id and l.id = h.location_id;
grant select on holdfast.offer_detail to holdfast_app;
