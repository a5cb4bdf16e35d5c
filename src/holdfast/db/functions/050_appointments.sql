-- Appointments: booked from a hold or in one step, moved, and taken through their states.

-- The client of a booking: the one with the same e-mail or phone and the same name, else a new one. Somebody else's name
-- on a known address makes a new client: a public surface must not rewrite, or reveal, who is known here.
create or replace function holdfast.find_or_add_client(p_name text, p_email text, p_phone text) returns uuid
language plpgsql
as $$
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

-- The appointment that a confirmed hold stands for.
create or replace function holdfast.insert_appointment(p_hold holdfast.hold, p_client jsonb, p_note text) returns uuid
language plpgsql
as $$
declare
  v_row appointment;
begin
  v_row.id := new_id();
  loop  -- one in a million is taken once there are a million
    v_row.confirmation_code := new_confirmation_code();
    exit when not exists (
      select from appointment
      where organization_id = current_organization() and confirmation_code = v_row.confirmation_code);
  end loop;
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
         p_hold.ends_at, p_hold.starts_at at time zone l.time_zone, l.time_zone, v_row.confirmation_code, s.price_cents,
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

-- Turn a live hold into an appointment: compare and swap on the hold's row, by the database's clock. I12.
create or replace function holdfast.confirm_hold(p_hold_id uuid, p_client jsonb, p_note text default null)
returns setof holdfast.appointment_detail
language plpgsql security definer
set search_path = holdfast, pg_temp
as $$
declare
  v_hold hold := lock_live_hold(p_hold_id, true);
  v_appointment_id uuid;
begin
  perform settle_hold(v_hold);
  v_appointment_id := insert_appointment(v_hold, p_client, p_note);
  return query select * from appointment_detail where organization_id = v_hold.organization_id and id = v_appointment_id;
end $$;

-- Book in one step. `p_overbook_reason`, when given, lets a person put the visit on somebody who is taken, marked.
create or replace function holdfast.book(
  p_service_id uuid, p_location_id uuid, p_start timestamptz, p_client jsonb, p_choices jsonb default '{}',
  p_note text default null, p_visitor bytea default null, p_network bytea default null, p_overbook_reason text default null,
  p_outside_rules boolean default false
) returns setof holdfast.appointment_detail
language plpgsql security definer
set search_path = holdfast, pg_temp
as $$
declare
  v_hold hold := draft_hold(p_service_id, p_location_id, p_start, null, p_visitor, p_network, 'confirmed', p_overbook_reason,
                            p_outside_rules);
  v_appointment_id uuid;
begin
  perform take(v_hold, p_choices);
  v_appointment_id := insert_appointment(v_hold, p_client, p_note);
  return query select * from appointment_detail where organization_id = v_hold.organization_id and id = v_appointment_id;
end $$;

-- Lock an appointment in one of the states, at the revision the caller has seen (null: any).
create or replace function holdfast.lock_appointment(p_appointment_id uuid, p_revision integer, p_states text[])
returns holdfast.appointment
language plpgsql
as $$
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

-- The appointment leaves its hold for another, which was taken for it.
create or replace function holdfast.put_on_hold(p_old holdfast.appointment, p_hold holdfast.hold) returns void
language plpgsql
as $$
begin
  perform let_go(p_old.hold_id, 'released', jsonb_build_object('moved', true));
  update appointment a
  set hold_id = p_hold.id, location_id = p_hold.location_id, starts_at = p_hold.starts_at, ends_at = p_hold.ends_at,
      local_start = p_hold.starts_at at time zone l.time_zone, time_zone = l.time_zone, revision = a.revision + 1
  from location l
  where a.organization_id = p_old.organization_id and a.id = p_old.id
    and l.organization_id = p_hold.organization_id and l.id = p_hold.location_id;
  perform settle_collisions_with(p_old.id, 'The appointment was moved.', p_hold.id);
  perform record_event('appointment.rescheduled', p_old.id, jsonb_build_object(
    'hold_id', p_hold.id, 'location_id', p_hold.location_id, 'starts_at', p_hold.starts_at, 'ends_at', p_hold.ends_at,
    'from_hold_id', p_old.hold_id, 'from_starts_at', p_old.starts_at, 'from_location_id', p_old.location_id,
    'revision', p_old.revision + 1));
end $$;

-- Move: the same appointment, new claims, in one transaction; on conflict everything stands as it was. Either onto a hold
-- that the caller has, or to a start, where the new claims may overlap the old ones.
create or replace function holdfast.reschedule(
  p_appointment_id uuid, p_revision integer, p_start timestamptz default null, p_location_id uuid default null,
  p_choices jsonb default '{}', p_hold_id uuid default null, p_overbook_reason text default null,
  p_outside_rules boolean default false
) returns setof holdfast.appointment_detail
language plpgsql security definer
set search_path = holdfast, pg_temp
as $$
declare
  v_old appointment := lock_appointment(p_appointment_id, p_revision, '{confirmed}');
  v_visit_id uuid := (select visit_id from hold where organization_id = v_old.organization_id and id = v_old.hold_id);
  v_hold hold;
begin
  if p_hold_id is not null then
    v_hold := lock_live_hold(p_hold_id, true);
    if v_hold.service_id <> v_old.service_id then
      perform refuse('hold_is_for_this_service');
    end if;
    perform settle_hold(v_hold, v_visit_id, v_old.hold_id);
  else
    v_hold := draft_hold(v_old.service_id, coalesce(p_location_id, v_old.location_id), p_start, null, null, null, 'confirmed',
                         p_overbook_reason, p_outside_rules);
    v_hold.visit_id := v_visit_id;
    perform take(v_hold, p_choices, v_old.hold_id);
  end if;
  perform put_on_hold(v_old, v_hold);
  if v_visit_id is not null and not p_outside_rules then
    perform keep_spacing(array[v_visit_id]);
  end if;
  return query select * from appointment_detail where organization_id = v_old.organization_id and id = v_old.id;
end $$;

-- One step along confirmed -> checked_in -> completed, or to cancelled | no_show, which free the claims.
create or replace function holdfast.change_state(
  p_appointment_id uuid, p_revision integer, p_state text, p_from text[], p_reason text default null
) returns setof holdfast.appointment_detail
language plpgsql
as $$
declare
  v_old appointment := lock_appointment(p_appointment_id, p_revision, p_from);
begin
  update appointment set state = p_state, revision = revision + 1, cancel_reason = p_reason
  where organization_id = v_old.organization_id and id = v_old.id;
  if p_state in ('cancelled', 'no_show') then
    perform let_go(v_old.hold_id, 'released');
    perform settle_collisions_with(v_old.id, case p_state
      when 'cancelled' then 'The appointment was cancelled.' else 'Nobody came to the appointment.' end);
  end if;
  perform record_event('appointment.' || p_state, v_old.id, jsonb_build_object(
    'from_state', v_old.state, 'revision', v_old.revision + 1));
  return query select * from appointment_detail where organization_id = v_old.organization_id and id = v_old.id;
end $$;

create or replace function holdfast.cancel(p_appointment_id uuid, p_revision integer, p_reason text default null)
returns setof holdfast.appointment_detail
language sql security definer
set search_path = holdfast, pg_temp
as $$ select * from change_state(p_appointment_id, p_revision, 'cancelled', '{confirmed,checked_in}', p_reason) $$;

create or replace function holdfast.check_in(p_appointment_id uuid, p_revision integer)
returns setof holdfast.appointment_detail
language sql security definer
set search_path = holdfast, pg_temp
as $$ select * from change_state(p_appointment_id, p_revision, 'checked_in', '{confirmed}') $$;

create or replace function holdfast.complete(p_appointment_id uuid, p_revision integer)
returns setof holdfast.appointment_detail
language sql security definer
set search_path = holdfast, pg_temp
as $$ select * from change_state(p_appointment_id, p_revision, 'completed', '{checked_in}') $$;

create or replace function holdfast.no_show(p_appointment_id uuid, p_revision integer)
returns setof holdfast.appointment_detail
language sql security definer
set search_path = holdfast, pg_temp
as $$ select * from change_state(p_appointment_id, p_revision, 'no_show', '{confirmed}') $$;
