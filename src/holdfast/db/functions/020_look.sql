-- The look: what a visit needs, who could serve, and what stands in the way. Reads only; the guard decides.

do $$ begin
  create type holdfast.candidate as (
    slot integer,           -- one unit is needed per slot; a role of quantity 2 has two slots
    role text,
    unit_id uuid,
    during tstzrange,       -- the claim: segment and buffers
    segment tstzrange,
    standing boolean,       -- something that counts is in the way
    lapsed_hold_ids uuid[]  -- holds in the way that have run out: they can be displaced, each as a whole
  );
exception when duplicate_object then null; end $$;

-- The slots of one visit at one start. `p_choices` = {role: [[resource ids], …]}: for each unit the role needs, the
-- resources that may serve, best first; where nothing is said, the whole pool may.
create or replace function holdfast.visit_slots(p_service_id uuid, p_start timestamptz, p_choices jsonb)
returns table (slot integer, role text, pool_id uuid, chosen_ids uuid[], segment tstzrange, during tstzrange)
language sql stable
as $$
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

-- The active claims on a unit that meet a time. Two probes, because the guard's index holds all but the deliberate
-- overbooks and `active` alone would use neither index. Every look at claims by time goes through here.
create or replace function holdfast.claims_on(p_unit_id uuid, p_during tstzrange) returns setof holdfast.claim
language sql stable
as $$
  select * from claim
  where organization_id = current_organization() and unit_id = p_unit_id and during && p_during and active and not overbook
  union all
  select * from claim
  where organization_id = current_organization() and unit_id = p_unit_id and during && p_during and active and overbook;
$$;

-- Does the claim belong to a hold that has run out? One row by its key: as a join, the planner reads all holds.
create or replace function holdfast.has_lapsed(p_claim holdfast.claim) returns boolean
language sql volatile  -- reads the moving clock
as $$
  select coalesce((
    select h.state = 'live' and h.expires_at <= clock() from hold h
    where h.organization_id = p_claim.organization_id and h.id = p_claim.hold_id), false);
$$;

-- The local day on which a visit begins, from its first instant to the next day's. The application tells it among the
-- choices as "@day", which no role is called: its zone data are those that the search counted by, and the server's may be
-- older or newer. Whoever does not tell it has the server's.
create or replace function holdfast.local_day(p_hold holdfast.hold, p_choices jsonb) returns tstzrange
language plpgsql stable
as $$
declare
  v_zone text;
  v_day date;
begin
  if p_choices ? '@day' then
    return tstzrange((p_choices -> '@day' ->> 0)::timestamptz, (p_choices -> '@day' ->> 1)::timestamptz);
  end if;
  v_zone := (select time_zone from location where organization_id = p_hold.organization_id and id = p_hold.location_id);
  v_day := (p_hold.starts_at at time zone v_zone)::date;
  return tstzrange(v_day::timestamp at time zone v_zone, (v_day + 1)::timestamp at time zone v_zone);
end $$;

-- How many visits of a resource begin on that day: booked or held, other than those of `p_except_ids` and of the visit
-- `p_visit_id`. The appointments of one visit count once. Claims up to two days away are looked at, because a visit may
-- need somebody long before or after it begins.
create or replace function holdfast.visits_that_day(
  p_resource_id uuid, p_day tstzrange, p_except_ids uuid[], p_visit_id uuid default null
) returns bigint
language sql volatile  -- reads the moving clock
as $$
  select count(distinct coalesce(h.visit_id, h.id))
  from unit u
  cross join lateral claims_on(u.id, tstzrange(lower(p_day) - interval '2 days', upper(p_day) + interval '2 days')) k
  join hold h on h.organization_id = k.organization_id and h.id = k.hold_id
  where u.organization_id = current_organization() and u.resource_id = p_resource_id and h.id <> all (p_except_ids)
    and (p_visit_id is null or h.visit_id is distinct from p_visit_id)
    and h.starts_at <@ p_day
    and not (h.state = 'live' and h.expires_at <= clock());
$$;

-- Every unit that may serve each slot of a hold, best first. `p_replaces_ids` are holds whose claims do not count, because
-- the same command gives them up; their units are preferred, so that a moved visit keeps its people and room. A resource
-- that has its visits of that day counts as taken, where `p_caps`.
create or replace function holdfast.look(
  p_hold holdfast.hold, p_choices jsonb, p_replaces_ids uuid[], p_caps boolean
) returns setof holdfast.candidate
language plpgsql volatile  -- keeps its plan, which a function in SQL does not before PostgreSQL 18
rows 20
-- with millions of past claims the planner would make a plan for each look, which takes longer than the look itself
set plan_cache_mode = force_generic_plan
as $$
begin
  return query
  select s.slot, s.role, u.id, s.during, s.segment, t.taken, coalesce(w.lapsed_hold_ids, '{}')
  from visit_slots(p_hold.service_id, p_hold.starts_at, p_choices) s
  join pool_member m on m.organization_id = current_organization() and m.pool_id = s.pool_id
  join resource r on r.organization_id = m.organization_id and r.id = m.resource_id and r.retired_at is null
  join resource_location l
    on l.organization_id = r.organization_id and l.resource_id = r.id and l.location_id = p_hold.location_id
  join unit u on u.organization_id = r.organization_id and u.resource_id = r.id and u.retired_at is null
  -- One probe of the guard's index per unit, with equality: `unit_id = any(…)` was measured ten times slower.
  left join lateral (
    select bool_or(not lapsed) as standing, array_agg(hold_id) filter (where lapsed) as lapsed_hold_ids
    from (
      select k.hold_id, has_lapsed(k) and not busy_waits(k) as lapsed
      from claims_on(u.id, s.during) k
      where (k.hold_id = any (p_replaces_ids)) is not true
    ) in_the_way
  ) w on true
  cross join lateral (
    select coalesce(w.standing, false) or case when p_caps and r.visits_per_day is not null then
      visits_that_day(r.id, local_day(p_hold, p_choices), p_replaces_ids, p_hold.visit_id) >= r.visits_per_day
      else false end as taken
  ) t
  where s.chosen_ids is null or r.id = any (s.chosen_ids)
  order by
    s.slot,
    t.taken,
    (p_replaces_ids <> '{}' and exists (
      select from claim k
      where k.organization_id = current_organization() and k.hold_id = any (p_replaces_ids) and k.unit_id = u.id
        and k.role = s.role
    )) desc,
    array_position(s.chosen_ids, r.id),
    m.preference, cardinality(coalesce(w.lapsed_hold_ids, '{}')), r.slug, u.ordinal;
end $$;

-- The slots of several holds that are taken together, numbered through, with the hold that each belongs to.
create or replace function holdfast.slots_together(p_holds holdfast.hold[], p_choices jsonb[])
returns table (slot integer, hold_id uuid, role text, chosen_ids uuid[])
language sql stable
as $$
  select (row_number() over (order by h.ordinality, s.slot))::integer, h.id, s.role, s.chosen_ids
  from unnest(p_holds) with ordinality as h
  cross join lateral visit_slots(h.service_id, h.starts_at, p_choices[h.ordinality::integer]) s;
$$;

-- As look(), for several holds that are taken together; slots are numbered as by slots_together().
create or replace function holdfast.look_together(
  p_holds holdfast.hold[], p_choices jsonb[], p_owners uuid[], p_replaces_ids uuid[], p_caps boolean
) returns setof holdfast.candidate
language plpgsql volatile
as $$
declare
  v_before integer;
begin
  for i in 1..cardinality(p_holds) loop
    v_before := array_position(p_owners, p_holds[i].id) - 1;
    return query
    select v_before + l.slot, l.role, l.unit_id, l.during, l.segment, l.standing, l.lapsed_hold_ids
    from look(p_holds[i], p_choices[i], p_replaces_ids, p_caps) l;
  end loop;
end $$;

-- One candidate for every slot, so that no unit works in two places at once; null when there is no such choice. Slots
-- with the fewest candidates choose first; within a slot the given order is kept. A unit may serve two roles of a visit
-- whose segments do not overlap. Backtracking: pools that overlap make the first free unit the wrong one at times.
create or replace function holdfast.match_slots(p_candidates holdfast.candidate[], p_slot_count integer)
returns holdfast.candidate[]
language plpgsql immutable
as $$
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
