-- Visits of several appointments: held, confirmed, moved and called off as one. Each appointment keeps its own hold, so
-- everything that is known about one (the guard, its states, its story) stays as it is; a visit only takes and settles
-- several of them in one transaction.

create or replace function holdfast.draft_visit(p_location_id uuid, p_max_wait_minutes integer, p_same_provider jsonb)
returns holdfast.visit
language plpgsql
as $$
declare
  v_visit visit;
begin
  v_visit.organization_id := current_organization();
  v_visit.id := new_id();
  v_visit.location_id := p_location_id;
  v_visit.max_wait_minutes := p_max_wait_minutes;
  v_visit.same_provider := p_same_provider;
  v_visit.surface := current_surface();
  v_visit.created_at := clock();
  return v_visit;
end $$;

-- The holds of a visit, not yet written. `p_items` = [{service_id, start, choices}, …]; `p_counts_as`: what the whole visit
-- counts for in the quota. All end together, so that none of them can be lost while another is still kept.
create or replace function holdfast.draft_holds(
  p_visit holdfast.visit, p_items jsonb, p_ttl_seconds integer, p_visitor bytea, p_network bytea, p_outside_rules boolean,
  p_counts_as integer
) returns holdfast.hold[]
language plpgsql
as $$
declare
  v_item jsonb;
  v_hold hold;
  v_holds hold[] := '{}';
begin
  if jsonb_array_length(p_items) not between 1 and 20 then
    perform refuse('visit_is_bounded');
  end if;
  for v_item in select value from jsonb_array_elements(p_items) with ordinality order by ordinality loop
    v_hold := draft_hold((v_item ->> 'service_id')::uuid, p_visit.location_id, (v_item ->> 'start')::timestamptz, p_ttl_seconds,
                         p_visitor, p_network, 'live', null, p_outside_rules,
                         case when cardinality(v_holds) = 0 then p_counts_as else 0 end);
    v_hold.visit_id := p_visit.id;
    v_holds := v_holds || v_hold;
    v_holds[cardinality(v_holds)].created_at := v_holds[1].created_at;
    v_holds[cardinality(v_holds)].expires_at := v_holds[1].expires_at;
  end loop;
  return v_holds;
end $$;

create or replace function holdfast.choices_of(p_items jsonb) returns jsonb[]
language sql immutable
as $$
  select array_agg(coalesce(value -> 'choices', '{}') order by ordinality)
  from jsonb_array_elements(p_items) with ordinality;
$$;

create or replace function holdfast.record_visit(p_visit holdfast.visit) returns void
language plpgsql
as $$
begin
  insert into visit select p_visit.*;
  perform record_event('visit.placed', p_visit.id, jsonb_build_object(
    'location_id', p_visit.location_id, 'max_wait_minutes', p_visit.max_wait_minutes,
    'same_provider', p_visit.same_provider, 'series_id', p_visit.series_id, 'number', p_visit.number));
end $$;

-- Hold everything that every appointment of a visit needs, or nothing.
create or replace function holdfast.place_visit(
  p_location_id uuid, p_items jsonb, p_max_wait_minutes integer default 0, p_same_provider jsonb default 'false',
  p_ttl_seconds integer default null, p_visitor bytea default null, p_network bytea default null,
  p_outside_rules boolean default false
) returns setof holdfast.hold_detail
language plpgsql security definer
set search_path = holdfast, pg_temp
as $$
declare
  v_visit visit := draft_visit(p_location_id, p_max_wait_minutes, p_same_provider);
begin
  perform take_together(
    draft_holds(v_visit, p_items, p_ttl_seconds, p_visitor, p_network, p_outside_rules, 1), choices_of(p_items), '{}');
  perform record_visit(v_visit);
  return query select * from holds_of_visit(v_visit.id);
end $$;

create or replace function holdfast.holds_of_visit(p_visit_id uuid) returns setof holdfast.hold_detail
language sql stable
as $$
  select * from hold_detail
  where organization_id = current_organization() and visit_id = p_visit_id order by starts_at, id;
$$;

create or replace function holdfast.appointments_of_visit(p_visit_id uuid) returns setof holdfast.appointment_detail
language sql stable
as $$
  select * from appointment_detail
  where organization_id = current_organization() and visit_id = p_visit_id order by starts_at, id;
$$;

-- Lock what a visit holds, in id order, as displacers do; refuse unless all of it is live. What was given back by itself
-- does not count any more. A visit of a series is settled with the series.
create or replace function holdfast.lock_live_visit(p_visit_id uuid, p_grace boolean) returns holdfast.hold[]
language plpgsql
as $$
declare
  v_hold_ids uuid[] := array(
    select id from hold
    where organization_id = current_organization() and visit_id = p_visit_id and state <> 'released' order by id);
  v_hold_id uuid;
  v_holds hold[] := '{}';
begin
  if not exists (select from visit where organization_id = current_organization() and id = p_visit_id) then
    perform refuse('visit_exists');
  end if;
  if exists (select from visit where organization_id = current_organization() and id = p_visit_id and series_id is not null)
  then
    perform refuse('visit_stands_alone');
  end if;
  if v_hold_ids = '{}' then
    perform refuse('hold_is_live', '{"state": "released"}');
  end if;
  foreach v_hold_id in array v_hold_ids loop
    v_holds := v_holds || lock_live_hold(v_hold_id, p_grace, p_visit_id);
  end loop;
  return v_holds;
end $$;

-- Turn a held visit into its appointments, all or none: compare and swap on every hold's row, in id order. I12.
create or replace function holdfast.confirm_visit(p_visit_id uuid, p_client jsonb, p_note text default null)
returns setof holdfast.appointment_detail
language plpgsql security definer
set search_path = holdfast, pg_temp
as $$
begin
  perform confirm_together(lock_live_visit(p_visit_id, true), p_client, p_note);
  return query select * from appointments_of_visit(p_visit_id);
end $$;

-- Settle holds that were locked live, for one client.
create or replace function holdfast.confirm_together(p_holds holdfast.hold[], p_client jsonb, p_note text) returns void
language plpgsql
as $$
declare
  v_client jsonb := p_client;
  v_hold hold;
  v_appointment_id uuid;
begin
  for v_hold in select h.* from unnest(p_holds) h order by h.starts_at, h.id loop
    perform settle_hold(v_hold);
    v_appointment_id := insert_appointment(v_hold, v_client, p_note);
    v_client := (
      select jsonb_build_object('id', a.client_id) from appointment a
      where a.organization_id = current_organization() and a.id = v_appointment_id);
  end loop;
end $$;

-- A fresh term for holds that were locked live: the shortest that one of them may have.
create or replace function holdfast.extend_together(p_holds holdfast.hold[], p_ttl_seconds integer) returns void
language plpgsql
as $$
declare
  v_expires_at timestamptz;
begin
  select min(fresh_expiry(h, p_ttl_seconds)) into v_expires_at from unnest(p_holds) h;
  perform extend_to(h.id, v_expires_at) from unnest(p_holds) h;
end $$;

create or replace function holdfast.extend_visit(p_visit_id uuid, p_ttl_seconds integer default null)
returns setof holdfast.hold_detail
language plpgsql security definer
set search_path = holdfast, pg_temp
as $$
begin
  perform extend_together(lock_live_visit(p_visit_id, false), p_ttl_seconds);
  return query select * from holds_of_visit(p_visit_id);
end $$;

-- Give the whole visit back. Giving back what is already gone is no error: the wish is fulfilled.
create or replace function holdfast.release_visit(p_visit_id uuid) returns setof holdfast.hold_detail
language plpgsql security definer
set search_path = holdfast, pg_temp
as $$
begin
  if not exists (select from visit where organization_id = current_organization() and id = p_visit_id) then
    perform refuse('visit_exists');
  end if;
  perform release_hold(id) from (
    select id from hold
    where organization_id = current_organization() and visit_id = p_visit_id and state in ('live', 'confirmed') order by id
  ) kept;
  return query select * from holds_of_visit(p_visit_id);
end $$;

-- The page of a visit that is being booked was closed: it ends soon, all of it, unless they come back.
create or replace function holdfast.leave_visit(p_visit_id uuid, p_seconds integer) returns void
language plpgsql security definer
set search_path = holdfast, pg_temp
as $$
declare
  v_expires_at timestamptz := clock() + make_interval(secs => p_seconds);
begin
  if exists (select from visit where organization_id = current_organization() and id = p_visit_id and series_id is not null)
  then
    return;  -- its series goes on
  end if;
  perform id from hold
  where organization_id = current_organization() and visit_id = p_visit_id and state = 'live' order by id for update;
  perform end_soon(id, v_expires_at) from hold
  where organization_id = current_organization() and visit_id = p_visit_id and state = 'live' and expires_at > v_expires_at;
end $$;

-- They are back in time: the whole visit has its term again.
create or replace function holdfast.return_to_visit(p_visit_id uuid) returns setof holdfast.hold_detail
language plpgsql security definer
set search_path = holdfast, pg_temp
as $$
declare
  v_holds hold[] := lock_live_visit(p_visit_id, false);
begin
  perform have_full_term(h) from unnest(v_holds) h;
  return query select * from holds_of_visit(p_visit_id);
end $$;

-- A visit is at the sum of its appointments' revisions: it only rises, and whatever happens to one of them moves it.
create or replace function holdfast.visit_revision(p_visit_id uuid) returns integer
language sql stable security definer
set search_path = holdfast, pg_temp
as $$
  select sum(a.revision)::integer
  from hold h join appointment a on a.organization_id = h.organization_id and a.hold_id = h.id
  where h.organization_id = current_organization() and h.visit_id = p_visit_id;
$$;

-- Lock the appointments of a visit, in id order, at the revision the caller has seen (null: any). Returns those in one of
-- the states; refuses when there is none.
create or replace function holdfast.lock_visit(p_visit_id uuid, p_revision integer, p_states text[])
returns holdfast.appointment[]
language plpgsql
as $$
declare
  v_appointments appointment[];
  v_revision integer;
begin
  perform a.id from appointment a
  join hold h on h.organization_id = a.organization_id and h.id = a.hold_id
  where a.organization_id = current_organization() and h.visit_id = p_visit_id order by a.id for update of a;
  if not found then
    if not exists (select from visit where organization_id = current_organization() and id = p_visit_id) then
      perform refuse('visit_exists');
    end if;
    perform refuse('visit_is_booked');
  end if;
  v_revision := visit_revision(p_visit_id);
  if p_revision <> v_revision then
    perform refuse('revision_is_current', jsonb_build_object('revision', v_revision));
  end if;
  select array_agg(a order by a.id) into v_appointments
  from hold h join appointment a on a.organization_id = h.organization_id and a.hold_id = h.id
  where h.organization_id = current_organization() and h.visit_id = p_visit_id and a.state = any (p_states);
  if v_appointments is null then
    perform refuse('appointment_state_allows', jsonb_build_object('state', (
      select min(a.state) from hold h join appointment a on a.organization_id = h.organization_id and a.hold_id = h.id
      where h.organization_id = current_organization() and h.visit_id = p_visit_id), 'allowed_from', p_states));
  end if;
  return v_appointments;
end $$;

-- Cancel whatever of the visit has not happened yet.
create or replace function holdfast.cancel_visit(p_visit_id uuid, p_revision integer, p_reason text default null)
returns setof holdfast.appointment_detail
language plpgsql security definer
set search_path = holdfast, pg_temp
as $$
declare
  v_states constant text[] := '{confirmed,checked_in}';
  v_appointments appointment[] := lock_visit(p_visit_id, p_revision, v_states);
begin
  perform change_state(a.id, null, 'cancelled', v_states, p_reason) from unnest(v_appointments) a;
  return query select * from appointments_of_visit(p_visit_id);
end $$;

-- Move a visit as one: every appointment that still stands goes to its new time in one transaction, or all stay.
-- `p_moves` = [{appointment_id, start, choices}, …].
create or replace function holdfast.reschedule_visit(
  p_visit_id uuid, p_revision integer, p_moves jsonb, p_outside_rules boolean default false
) returns setof holdfast.appointment_detail
language plpgsql security definer
set search_path = holdfast, pg_temp
as $$
begin
  perform move_together(lock_visit(p_visit_id, p_revision, '{confirmed}'), p_moves, p_outside_rules);
  return query select * from appointments_of_visit(p_visit_id);
end $$;

-- Move appointments that were locked. The new holds stay in the visits of the old ones.
create or replace function holdfast.move_together(p_appointments holdfast.appointment[], p_moves jsonb, p_outside_rules boolean)
returns void
language plpgsql
as $$
declare
  v_move jsonb;
  v_old appointment;
  v_olds appointment[] := '{}';
  v_hold hold;
  v_holds hold[] := '{}';
begin
  for v_move in select value from jsonb_array_elements(p_moves) with ordinality order by ordinality loop
    select a.* into v_old from unnest(p_appointments) a where a.id = (v_move ->> 'appointment_id')::uuid;
    if v_old.id is not null then
      v_hold := draft_hold(v_old.service_id, v_old.location_id, (v_move ->> 'start')::timestamptz, null, null, null,
                           'confirmed', null, p_outside_rules, 0);
      v_hold.visit_id := (
        select visit_id from hold where organization_id = v_old.organization_id and id = v_old.hold_id);
      v_olds := v_olds || v_old;
      v_holds := v_holds || v_hold;
    end if;
  end loop;
  -- one of them was called off, or brought back, since the caller read which there are
  if cardinality(v_olds) <> cardinality(p_appointments) or cardinality(v_olds) <> jsonb_array_length(p_moves) then
    perform refuse('visit_is_as_it_was_read');
  end if;
  perform take_together(v_holds, choices_of(p_moves), array(select o.hold_id from unnest(v_olds) o));
  for i in 1..cardinality(v_olds) loop
    perform put_on_hold(v_olds[i], v_holds[i]);
  end loop;
  if not p_outside_rules then
    perform keep_spacing(array(select distinct h.visit_id from unnest(v_holds) h));
  end if;
end $$;
