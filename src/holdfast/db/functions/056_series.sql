-- Series: visits on many days, held, confirmed, moved and called off in one transaction. Taking them is the take of one
-- visit with more holds.

-- Hold every visit of a series, or nothing. `p_visits` = [[{service_id, start, choices}, …], …], in order of time. In the
-- quota each of its visits counts: one request must not keep more than its visitor may.
create or replace function holdfast.place_series(
  p_location_id uuid, p_visits jsonb, p_asked jsonb, p_days_min integer default null, p_days_max integer default null,
  p_max_wait_minutes integer default 0, p_same_provider jsonb default 'false', p_ttl_seconds integer default null,
  p_visitor bytea default null, p_network bytea default null, p_outside_rules boolean default false
) returns setof holdfast.hold_detail
language plpgsql security definer
set search_path = holdfast, pg_temp
as $$
declare
  v_series_id uuid := new_id();
  v_visit visit;
  v_visits visit[] := '{}';
  v_holds hold[] := '{}';
  v_choices jsonb[] := '{}';
begin
  if jsonb_array_length(p_visits) not between 1 and 52 then
    perform refuse('series_is_bounded');
  end if;
  for i in 1..jsonb_array_length(p_visits) loop
    v_visit := draft_visit(p_location_id, p_max_wait_minutes, p_same_provider);
    v_visit.series_id := v_series_id;
    v_visit.number := i;
    v_visits := v_visits || v_visit;
    v_holds := v_holds || draft_holds(v_visit, p_visits -> (i - 1), p_ttl_seconds, p_visitor, p_network, p_outside_rules,
                                      case when i = 1 then jsonb_array_length(p_visits) else 0 end);
    v_choices := v_choices || choices_of(p_visits -> (i - 1));
  end loop;
  if cardinality(v_holds) > 100 then
    perform refuse('series_is_bounded');
  end if;
  for i in 2..cardinality(v_holds) loop
    v_holds[i].created_at := v_holds[1].created_at;
    v_holds[i].expires_at := v_holds[1].expires_at;
  end loop;
  perform take_together(v_holds, v_choices, '{}');
  perform record_visit(v) from unnest(v_visits) v;
  insert into series (organization_id, id, location_id, asked, days_min, days_max, surface, created_at)
  values (current_organization(), v_series_id, p_location_id, p_asked, p_days_min, p_days_max, current_surface(), clock());
  perform record_event('series.placed', v_series_id, jsonb_build_object(
    'location_id', p_location_id, 'days_min', p_days_min, 'days_max', p_days_max));
  if not p_outside_rules then
    perform keep_spacing(array(select v.id from unnest(v_visits) v));
  end if;
  return query select * from holds_of_series(v_series_id);
end $$;

create or replace function holdfast.holds_of_series(p_series_id uuid) returns setof holdfast.hold_detail
language sql stable
as $$
  select d.* from visit v
  join hold_detail d on d.organization_id = v.organization_id and d.visit_id = v.id
  where v.organization_id = current_organization() and v.series_id = p_series_id order by d.starts_at, d.id;
$$;

create or replace function holdfast.appointments_of_series(p_series_id uuid) returns setof holdfast.appointment_detail
language sql stable
as $$
  select d.* from visit v
  join appointment_detail d on d.organization_id = v.organization_id and d.visit_id = v.id
  where v.organization_id = current_organization() and v.series_id = p_series_id order by d.starts_at, d.id;
$$;

-- Are the visits of a series as far apart as was asked? Looked at with the series locked, so that two moves at once cannot
-- break it together; the lock comes last of all, and whoever has it waits for nobody. What was cancelled leaves a gap that
-- nobody is to be blamed for, so only neighbours that both stand are at most so far apart.
create or replace function holdfast.keep_spacing(p_visit_ids uuid[]) returns void
language plpgsql
as $$
declare
  v_series series;
begin
  for v_series in
    select s.* from series s
    where s.organization_id = current_organization() and (s.days_min is not null or s.days_max is not null)
      and s.id in (select v.series_id from visit v where v.organization_id = s.organization_id and v.id = any (p_visit_ids))
    order by s.id
    for update
  loop
    if exists (
      select from (
        select day - lag(day) over w as apart, number - lag(number) over w as steps
        from (
          select v.number, min((h.starts_at at time zone l.time_zone)::date) as day
          from visit v
          join hold h on h.organization_id = v.organization_id and h.visit_id = v.id and h.blocking
          join location l on l.organization_id = h.organization_id and l.id = h.location_id
          where v.organization_id = v_series.organization_id and v.series_id = v_series.id
          group by v.number
        ) days
        window w as (order by day, number)
      ) gaps
      where apart < v_series.days_min or abs(steps) = 1 and apart > v_series.days_max
    ) then
      perform refuse('series_spacing_is_kept', jsonb_build_object(
        'reason', 'spacing', 'days_min', coalesce(v_series.days_min, 1), 'days_max', coalesce(v_series.days_max, 1096)));
    end if;
  end loop;
end $$;

create or replace function holdfast.require_series(p_series_id uuid) returns void
language plpgsql
as $$
begin
  if not exists (select from series where organization_id = current_organization() and id = p_series_id) then
    perform refuse('series_exists');
  end if;
end $$;

-- Lock what a series holds, in id order; refuse unless all of it is live.
create or replace function holdfast.lock_live_series(p_series_id uuid, p_grace boolean) returns holdfast.hold[]
language plpgsql
as $$
declare
  v_wanted record;
  v_holds hold[] := '{}';
begin
  perform require_series(p_series_id);
  for v_wanted in
    select h.id, h.visit_id from visit v
    join hold h on h.organization_id = v.organization_id and h.visit_id = v.id
    where v.organization_id = current_organization() and v.series_id = p_series_id and h.state <> 'released' order by h.id
  loop
    v_holds := v_holds || lock_live_hold(v_wanted.id, p_grace, v_wanted.visit_id);
  end loop;
  if v_holds = '{}' then
    perform refuse('hold_is_live', '{"state": "released"}');
  end if;
  return v_holds;
end $$;

-- Turn a held series into its appointments, all or none. I12.
create or replace function holdfast.confirm_series(p_series_id uuid, p_client jsonb, p_note text default null)
returns setof holdfast.appointment_detail
language plpgsql security definer
set search_path = holdfast, pg_temp
as $$
begin
  perform confirm_together(lock_live_series(p_series_id, true), p_client, p_note);
  return query select * from appointments_of_series(p_series_id);
end $$;

create or replace function holdfast.extend_series(p_series_id uuid, p_ttl_seconds integer default null)
returns setof holdfast.hold_detail
language plpgsql security definer
set search_path = holdfast, pg_temp
as $$
begin
  perform extend_together(lock_live_series(p_series_id, false), p_ttl_seconds);
  return query select * from holds_of_series(p_series_id);
end $$;

-- Give the whole series back. Giving back what is already gone is no error.
create or replace function holdfast.release_series(p_series_id uuid) returns setof holdfast.hold_detail
language plpgsql security definer
set search_path = holdfast, pg_temp
as $$
begin
  perform require_series(p_series_id);
  perform release_hold(id) from (
    select h.id from visit v
    join hold h on h.organization_id = v.organization_id and h.visit_id = v.id
    where v.organization_id = current_organization() and v.series_id = p_series_id and h.state in ('live', 'confirmed')
    order by h.id
  ) kept;
  return query select * from holds_of_series(p_series_id);
end $$;

create or replace function holdfast.series_revision(p_series_id uuid) returns integer
language sql stable security definer
set search_path = holdfast, pg_temp
as $$
  select sum(visit_revision(v.id))::integer from visit v
  where v.organization_id = current_organization() and v.series_id = p_series_id;
$$;

-- Lock the appointments of a series that are still to come, in id order, at the revision the caller has seen (null: any).
-- Returns those in one of the states; refuses when there is none.
create or replace function holdfast.lock_coming(p_series_id uuid, p_revision integer, p_states text[])
returns holdfast.appointment[]
language plpgsql
as $$
declare
  v_appointments appointment[];
  v_revision integer;
begin
  perform require_series(p_series_id);
  perform a.id from visit v
  join hold h on h.organization_id = v.organization_id and h.visit_id = v.id
  join appointment a on a.organization_id = h.organization_id and a.hold_id = h.id
  where v.organization_id = current_organization() and v.series_id = p_series_id order by a.id for update of a;
  v_revision := series_revision(p_series_id);
  if p_revision <> v_revision then
    perform refuse('revision_is_current', jsonb_build_object('revision', v_revision));
  end if;
  select array_agg(a order by a.id) into v_appointments
  from visit v
  join hold h on h.organization_id = v.organization_id and h.visit_id = v.id
  join appointment a on a.organization_id = h.organization_id and a.hold_id = h.id
  where v.organization_id = current_organization() and v.series_id = p_series_id
    and a.state = any (p_states) and a.starts_at > clock();
  if v_appointments is null then
    perform refuse('series_has_more_to_come');
  end if;
  return v_appointments;
end $$;

-- Cancel whatever of a series is still to come.
create or replace function holdfast.cancel_series(p_series_id uuid, p_revision integer, p_reason text default null)
returns setof holdfast.appointment_detail
language plpgsql security definer
set search_path = holdfast, pg_temp
as $$
declare
  v_appointments appointment[] := lock_coming(p_series_id, p_revision, '{confirmed}');
begin
  perform change_state(a.id, null, 'cancelled', '{confirmed}', p_reason) from unnest(v_appointments) a;
  return query select * from appointments_of_series(p_series_id);
end $$;

-- Move whatever of a series is still to come, all or nothing. `p_moves` as of reschedule_visit(); `p_asked`: as what it is
-- to be proposed from now on.
create or replace function holdfast.reschedule_series(
  p_series_id uuid, p_revision integer, p_moves jsonb, p_asked jsonb, p_outside_rules boolean default false
) returns setof holdfast.appointment_detail
language plpgsql security definer
set search_path = holdfast, pg_temp
as $$
begin
  perform move_together(lock_coming(p_series_id, p_revision, '{confirmed}'), p_moves, p_outside_rules);
  update series set asked = p_asked where organization_id = current_organization() and id = p_series_id;
  return query select * from appointments_of_series(p_series_id);
end $$;
