-- Offers of the waitlist: made, answered, and settled. Lock order: see 180_waitlist.sql.

-- How many offers of this opening were for a visit that shares a unit with this hold at the same time: of a long opening
-- every visit in it counts for itself.
create or replace function holdfast.asked_for(p_opening_id uuid, p_hold_id uuid) returns integer
language sql stable
as $$
  select count(*)::integer from offer x
  where x.organization_id = current_organization() and x.opening_id = p_opening_id and x.hold_id <> p_hold_id
    and exists (
      select from claim mine
      join claim theirs on theirs.organization_id = mine.organization_id and theirs.hold_id = x.hold_id
        and theirs.unit_id = mine.unit_id and theirs.during && mine.during
      where mine.organization_id = x.organization_id and mine.hold_id = p_hold_id);
$$;

-- The visit that the client of an entry has booked since, by themselves or at the desk, of what they wait for.
create or replace function holdfast.own_booking(p_entry holdfast.waitlist_entry) returns uuid
language sql stable
as $$
  select a.id from appointment a
  where a.organization_id = p_entry.organization_id and a.client_id = p_entry.client_id and a.state = 'confirmed'
    and a.service_id = any (p_entry.service_ids) and a.starts_at > clock() and a.created_at > p_entry.joined_at
  order by a.starts_at, a.id limit 1;
$$;

-- Whoever has booked what they wait for waits for an earlier time of that visit from now on, so nobody is sold it twice. A
-- part of a longer visit does not come earlier by itself: with that, they have what they waited for.
create or replace function holdfast.follow_own_booking(p_entry_id uuid) returns void
language plpgsql
as $$
declare
  v_entry waitlist_entry;
  v_appointment appointment;
begin
  select * into v_entry from waitlist_entry
  where organization_id = current_organization() and id = p_entry_id for update;
  if v_entry.appointment_id is not null or v_entry.state not in ('waiting', 'offered') or v_entry.party_size > 1 then
    return;
  end if;
  select a.* into v_appointment from appointment a
  where a.organization_id = v_entry.organization_id and a.id = own_booking(v_entry);
  if v_appointment.id is null or v_entry.state = 'offered' and not exists (
    select from offer x join hold h on h.organization_id = x.organization_id and h.id = x.hold_id
    where x.organization_id = v_entry.organization_id and x.entry_id = v_entry.id and x.state = 'open'
      and h.service_id = v_appointment.service_id) then
    return;
  end if;
  update waitlist_entry set appointment_id = v_appointment.id, service_ids = array[v_appointment.service_id],
    state = case when state = 'waiting' and exists (
      select from hold h where h.organization_id = v_appointment.organization_id and h.id = v_appointment.hold_id
        and h.visit_id is not null) then 'booked' else state end
  where organization_id = v_entry.organization_id and id = v_entry.id;
  perform record_event('waitlist_entry.has_a_visit', v_entry.id, jsonb_build_object('appointment_id', v_appointment.id));
end $$;

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
    if exists (
      -- booked meanwhile, by themselves: no later time, and no second visit
      select from jsonb_array_elements(p_offers) o
      join waitlist_entry e on e.organization_id = current_organization() and e.id = (o ->> 'entry_id')::uuid
      join appointment a on a.organization_id = e.organization_id
        and a.id = coalesce(e.appointment_id, own_booking(e))
      where a.starts_at <= p_start or a.service_id <> p_service_id
    ) then
      perform refuse('entry_is_waiting');
    end if;
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
  if p_opening_id is not null
     and asked_for(p_opening_id, v_hold.id) + jsonb_array_length(p_offers) > v_policy.offers_per_slot_max then
    perform refuse('offers_are_within_caps', jsonb_build_object('cap', 'slot'));
  end if;
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
  v_visit_state text;
begin
  if v_offer.state = 'accepted' then
    select state into v_visit_state from appointment
    where organization_id = v_offer.organization_id and id = v_offer.appointment_id;
    if v_visit_state in ('cancelled', 'no_show') then
      perform refuse('offer_is_open', jsonb_build_object('state', 'cancelled'));
    end if;
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
  perform follow_own_booking(v_offer.entry_id);
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

-- An open offer ends without a yes, and the time is given back when nobody else is offered it. An offer that has its answer
-- already stays as it is. The state it is in now.
create or replace function holdfast.end_offer(p_offer_id uuid, p_state text, p_facts jsonb) returns text
language plpgsql
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
  perform settle_offer(v_offer, p_state, p_facts);
  if not exists (select from offer where organization_id = v_offer.organization_id and hold_id = v_offer.hold_id
                 and state = 'open') then
    perform release_hold(v_offer.hold_id);
  end if;
  return p_state;
end $$;

-- Say no, or (`p_skipped`) be passed over by the desk.
create or replace function holdfast.decline_offer(p_offer_id uuid, p_skipped boolean default false) returns text
language sql security definer
set search_path = holdfast, pg_temp
as $$ select end_offer(p_offer_id, 'declined', jsonb_build_object('skipped', p_skipped)) $$;

-- Its message will not reach the client. An offer made by hand stands: the desk is in touch with them already.
create or replace function holdfast.give_up_telling(p_offer_id uuid) returns text
language plpgsql security definer
set search_path = holdfast, pg_temp
as $$
begin
  if exists (select from offer where organization_id = current_organization() and id = p_offer_id and opening_id is null) then
    return 'open';
  end if;
  return end_offer(p_offer_id, 'untold', '{}');
end $$;

-- Whether one of these channels leads to the client, as far as anybody knows.
create or replace function holdfast.can_be_told(p_client holdfast.client, p_channels text[]) returns boolean
language sql stable
set search_path = holdfast, pg_temp
as $$
  select exists (
    select from unnest(p_channels) way
    where case way when 'email' then p_client.email else p_client.phone end is not null and not opted_out(p_client, way));
$$;
grant execute on function holdfast.can_be_told(holdfast.client, text[]) to holdfast_app;

-- The channels that offers go out by: those that work and that the policy names. None: the desk tells clients itself.
create or replace function holdfast.offer_channels(p_working text[]) returns text[]
language sql stable
set search_path = holdfast, pg_temp
as $$
  select coalesce(array_agg(way), '{}') from unnest(coalesce(
    (select reminder_channels from message_policy where organization_id = current_organization()), '{sms,email}')) way
  where way = any (p_working);
$$;
grant execute on function holdfast.offer_channels(text[]) to holdfast_app;

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
    where e.organization_id = current_organization() and e.state in ('waiting', 'offered') and e.appointment_id is null
      and e.party_size = 1 and own_booking(e) is not null
    order by e.id limit p_limit
  loop
    perform follow_own_booking(v_id);
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
