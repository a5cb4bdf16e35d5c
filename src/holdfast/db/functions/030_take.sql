-- The take: one attempt to claim everything a visit needs, or nothing. Nothing here asks first and writes then: the look
-- only chooses what to try, and whether it was won is told by the guard's row count.

-- Let a hold go (released or expired) with everything it claimed. The cascade of claim_active_as_its_hold takes the
-- claims out of the guard; what waited for their places takes them in the same transaction (065_waiting.sql).
create or replace function holdfast.let_go(p_hold_id uuid, p_state text, p_facts jsonb default '{}') returns void
language plpgsql
as $$
begin
  update hold set state = p_state where organization_id = current_organization() and id = p_hold_id;
  perform record_event('hold.' || p_state, p_hold_id, p_facts);
  perform fill_places(array(
    select k from claim k where k.organization_id = current_organization() and k.hold_id = p_hold_id order by k.id));
  perform settle_collisions_with(p_hold_id, 'The hold has ended.');
end $$;

-- An overbook whose place has become free takes it, under the guard; otherwise the next booking would be an accident.
create or replace function holdfast.promote_overbooks(p_unit_id uuid, p_during tstzrange) returns void
language plpgsql
as $$
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

-- Expire holds that have run out and stand in the way: lock the rows in id order (two displacers cannot deadlock),
-- then decide by the clock as it is after the wait. False when one of them was extended or settled meanwhile.
create or replace function holdfast.displace(p_hold_ids uuid[]) returns boolean
language plpgsql
as $$
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

-- What the chosen candidates claim of each unit. Claims of one visit on one unit tile their union: a buffer between two
-- of its own segments is shared, not fought over, and one that reaches beyond a neighbour is kept whole. That goes for the
-- appointments of one visit as well: they are taken together.
create or replace function holdfast.tile_claims(p_chosen holdfast.candidate[])
returns table (slot integer, unit_id uuid, role text, during tstzrange, segment tstzrange, overbook boolean)
language sql immutable
as $$
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
  select slot, unit_id, role,
         tstzrange(border, least(reach_up, lead(border) over (partition by unit_id order by lower(segment)))),
         segment, standing
  from bordered
  order by unit_id, lower(segment);
$$;

-- Put the chosen candidates' claims under the guard, in unit order and in one statement; true when every one was won.
-- A contender that waits for us waits on a unit we hold and holds only smaller ones: no circle, so no deadlock.
-- `p_owners` has the hold of each slot.
create or replace function holdfast.insert_claims(p_owners uuid[], p_chosen holdfast.candidate[]) returns boolean
language plpgsql
as $$
declare
  v_won integer;
begin
  insert into claim (organization_id, hold_id, unit_id, role, during, segment, overbook)
  select current_organization(), p_owners[t.slot], t.unit_id, t.role, t.during, t.segment, t.overbook
  from tile_claims(p_chosen) t
  order by t.unit_id, t.during
  -- named, so that it cannot swallow any other conflict
  on conflict on constraint claim_no_overlap do nothing;
  get diagnostics v_won = row_count;
  return v_won = cardinality(p_chosen);
end $$;

-- Lock every unit that will be written, in order and before any claim; false when one is no longer what was seen. Takers
-- share the lock (the foreign key of the claims needs it anyway). Retirement locks alone, and so does an overbook: the
-- guard's index does not hold it, so only this keeps a reservation from passing over it unseen.
create or replace function holdfast.lock_units(p_chosen holdfast.candidate[], p_replaces_ids uuid[]) returns boolean
language plpgsql
as $$
declare
  v_unit_ids uuid[] := array(
    select c.unit_id from unnest(p_chosen) c
    union
    select k.unit_id from claim k where k.organization_id = current_organization() and k.hold_id = any (p_replaces_ids));
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
      or not c.standing and overbook_stands(c.unit_id, c.during, p_replaces_ids)
  );
end $$;

-- Does a deliberate overbook, other than of these holds, stand here? Reads only the few that there are.
create or replace function holdfast.overbook_stands(p_unit_id uuid, p_during tstzrange, p_except_ids uuid[]) returns boolean
language sql volatile
as $$
  select exists (
    select from claim k
    where k.organization_id = current_organization() and k.unit_id = p_unit_id and k.active and k.overbook
      and k.during && p_during and k.hold_id <> all (p_except_ids));
$$;

-- Deliberate overbook: keep whoever stands in the way where they are until we commit, so that their leaving later finds
-- our claim and promotes it. Returns the candidates as they are after the wait: where nobody stands under the guard any
-- more, or only another overbook does, the place is claimed properly.
create or replace function holdfast.stand_behind(p_chosen holdfast.candidate[], p_replaces_ids uuid[])
returns holdfast.candidate[]
language plpgsql
as $$
declare
  v_holders uuid[] := array(
    select coalesce(k.hold_id, k.block_id, k.busy_id) from unnest(p_chosen) c
    cross join lateral claims_on(c.unit_id, c.during) k
    where c.standing and (k.hold_id = any (p_replaces_ids)) is not true);
begin
  perform from hold where organization_id = current_organization() and id = any (v_holders) order by id for share;
  perform from block where organization_id = current_organization() and id = any (v_holders) order by id for share;
  perform from busy where organization_id = current_organization() and id = any (v_holders) order by id for share;
  return array(
    select row(c.slot, c.role, c.unit_id, c.during, c.segment, c.standing and exists (
      select from claim k
      where k.organization_id = current_organization() and k.unit_id = c.unit_id and k.during && c.during
        and k.active and not k.overbook and (k.hold_id = any (p_replaces_ids)) is not true
    ), c.lapsed_hold_ids)::candidate
    from unnest(p_chosen) c);
end $$;

-- Give up the claims of `p_replaces_ids` and take the new ones, unit by unit in order: with "all old first" a move would
-- hold a high unit while it waits for a low one, and two moves could wait for each other.
create or replace function holdfast.swap_claims(p_replaces_ids uuid[], p_owners uuid[], p_chosen holdfast.candidate[])
returns boolean
language plpgsql
as $$
declare
  v_unit_id uuid;
begin
  set constraints holdfast.claim_active_as_its_hold deferred;
  for v_unit_id in
    select c.unit_id from unnest(p_chosen) c
    union
    select k.unit_id from claim k where k.organization_id = current_organization() and k.hold_id = any (p_replaces_ids)
    order by 1
  loop
    update claim set active = false
    where organization_id = current_organization() and hold_id = any (p_replaces_ids) and unit_id = v_unit_id;
    if not insert_claims(p_owners, array(select c from unnest(p_chosen) c where c.unit_id = v_unit_id)) then
      return false;
    end if;
  end loop;
  return true;
end $$;

create or replace function holdfast.insert_hold(p_hold holdfast.hold) returns void
language plpgsql
as $$
begin
  insert into hold (organization_id, id, state, service_id, location_id, starts_at, ends_at, created_at, expires_at, surface,
                    actor, visitor, network, overbook_reason, outside_rules, visit_id)
  values (p_hold.organization_id, p_hold.id, p_hold.state, p_hold.service_id, p_hold.location_id, p_hold.starts_at,
          p_hold.ends_at, p_hold.created_at, p_hold.expires_at, p_hold.surface, p_hold.actor, p_hold.visitor, p_hold.network,
          p_hold.overbook_reason, p_hold.outside_rules, p_hold.visit_id);
end $$;

-- Is every capped resource among these units still within its visits of the day, these included? `p_hold_ids` tells for each
-- of `p_unit_ids` whose it is, `p_choices` for each of `p_holds` on which day it is (local_day). The lock makes counting exact: two that take the last visit of a day through different units
-- cannot both see room. One lock a resource and not one a day, because where it serves in two zones one visit lies on two
-- days. In resource order, after the units.
create or replace function holdfast.caps_are_kept(
  p_holds holdfast.hold[], p_choices jsonb[], p_hold_ids uuid[], p_unit_ids uuid[], p_replaces_ids uuid[]
) returns boolean
language plpgsql
as $$
declare
  v_capped record;
begin
  for v_capped in
    select distinct r.id, r.visits_per_day, local_day(p_holds[n], p_choices[n]) as day
    from unnest(p_hold_ids, p_unit_ids) as taken(hold_id, unit_id)
    join generate_subscripts(p_holds, 1) n on p_holds[n].id = taken.hold_id
    join unit u on u.organization_id = current_organization() and u.id = taken.unit_id
    join resource r on r.organization_id = u.organization_id and r.id = u.resource_id and r.visits_per_day is not null
    order by r.id, day
  loop
    perform pg_advisory_xact_lock(hashtextextended('visits of ' || v_capped.id, 0));
    if visits_that_day(v_capped.id, v_capped.day, p_replaces_ids) > v_capped.visits_per_day then
      return false;
    end if;
  end loop;
  return true;
end $$;

-- Refuse, naming the roles that were lost (never to whom). When each role alone has somebody free, all that share are lost.
create or replace function holdfast.refuse_slot(p_seen holdfast.candidate[]) returns void
language plpgsql
as $$
declare
  v_lost text[];
begin
  select array_agg(distinct role order by role) into v_lost
  from (select role from unnest(p_seen) c group by slot, role having bool_and(standing)) lost;
  if v_lost is null then
    select array_agg(distinct role order by role) into v_lost from unnest(p_seen);
  end if;
  perform refuse('slot_is_free', jsonb_build_object('roles', v_lost));
end $$;

-- Insert the hold with every claim it needs, or refuse and write nothing. `p_replaces_id`: the hold this one takes over
-- from (a move). `p_hold.overbook_reason`, when given, allows roles that nobody can fill to be overbooked, marked.
create or replace function holdfast.take(p_hold holdfast.hold, p_choices jsonb, p_replaces_id uuid default null) returns void
language plpgsql
as $$
begin
  perform take_together(array[p_hold], array[p_choices], array_remove(array[p_replaces_id], null));
end $$;

-- The same for several holds at once, all or nothing: no unit is given to two of them at the same time, and the claims of
-- all are one sorted statement. `p_choices` has the choices of each hold. All holds share surface, reason and rules.
create or replace function holdfast.take_together(p_holds holdfast.hold[], p_choices jsonb[], p_replaces_ids uuid[]) returns void
language plpgsql
as $$
declare
  v_overbook boolean := p_holds[1].overbook_reason is not null;
  v_caps boolean := not p_holds[1].outside_rules and not v_overbook;
  v_owners uuid[] := array(select s.hold_id from slots_together(p_holds, p_choices) s order by s.slot);
  v_seen holdfast.candidate[];
  v_chosen holdfast.candidate[];
begin
  if exists (select from unnest(p_holds) h where h.id <> all (v_owners)) then
    perform refuse('service_has_requirements', jsonb_build_object('reason', 'nothing_required'));
  end if;
  perform check_choices(p_holds, p_choices);
  -- Losing means that somebody else won, so the next look sees them. Twenty losses in a row mean a stampede: say busy.
  for attempt in 1..20 loop
    select array_agg(c) into v_seen from look_together(p_holds, p_choices, v_owners, p_replaces_ids, v_caps) c;
    if (select count(distinct c.slot) from unnest(v_seen) c) < cardinality(v_owners) then
      perform refuse_unserved_role(p_holds, p_choices, v_seen);
    end if;
    v_chosen := match_slots(array(select c from unnest(v_seen) c where not c.standing), cardinality(v_owners));
    if v_chosen is null and v_overbook then
      v_chosen := match_slots(v_seen, cardinality(v_owners));
    end if;
    if v_chosen is null then
      perform refuse_slot(v_seen);
    end if;
    if try_to_take(p_holds, p_choices, v_owners, v_chosen, p_replaces_ids, v_caps) then
      return;
    end if;
  end loop;
  raise exception 'the slot is fought over' using errcode = '40001';
end $$;

-- Every choice is for a role that its service has, and for no more units than the role needs: a choice that is silently
-- left out books somebody else.
create or replace function holdfast.check_choices(p_holds holdfast.hold[], p_choices jsonb[]) returns void
language plpgsql
as $$
declare
  v_role text;
  v_chosen integer;
  v_needed integer;
  v_roles text[];
begin
  select c.key, jsonb_array_length(c.value), r.quantity, array(
      select o.role from requirement o
      where o.organization_id = current_organization() and o.service_id = (p_holds[i]).service_id order by o.role)
    into v_role, v_chosen, v_needed, v_roles
  from generate_subscripts(p_holds, 1) i
  cross join jsonb_each(p_choices[i]) c
  left join requirement r
    on r.organization_id = current_organization() and r.service_id = (p_holds[i]).service_id and r.role = c.key
  where c.key <> '@day' and (r.role is null or jsonb_array_length(c.value) > r.quantity)
  limit 1;
  if v_role is not null and v_needed is null then
    perform refuse('role_is_of_the_service',
                   jsonb_build_object('reason', 'unknown_role', 'role', v_role, 'roles', v_roles));
  elsif v_role is not null then
    perform refuse('choices_are_as_many_as_needed', jsonb_build_object(
      'reason', 'too_many_chosen', 'role', v_role, 'chosen', v_chosen, 'needed', v_needed));
  end if;
end $$;

-- One attempt at the chosen candidates: true when everything was won. Otherwise whatever it wrote is undone, its locks
-- included, and it is time to look again.
create or replace function holdfast.try_to_take(
  p_holds holdfast.hold[], p_choices jsonb[], p_owners uuid[], p_chosen holdfast.candidate[], p_replaces_ids uuid[], p_caps boolean
) returns boolean
language plpgsql
as $$
declare
  v_chosen holdfast.candidate[] := p_chosen;
  v_lapsed uuid[] := array(select distinct h from unnest(p_chosen) c, unnest(c.lapsed_hold_ids) h);
  v_hold hold;
begin
  if lock_units(v_chosen, p_replaces_ids) and (cardinality(v_lapsed) = 0 or displace(v_lapsed)) then
    if exists (select from unnest(v_chosen) c where c.standing) then
      v_chosen := stand_behind(v_chosen, p_replaces_ids);
    end if;
    foreach v_hold in array p_holds loop
      perform insert_hold(v_hold);
    end loop;
    if (case when p_replaces_ids = '{}' then insert_claims(p_owners, v_chosen)
             else swap_claims(p_replaces_ids, p_owners, v_chosen) end)
       and (not p_caps or caps_are_kept(
         p_holds, p_choices, array(select p_owners[c.slot] from unnest(v_chosen) c), array(select c.unit_id from unnest(v_chosen) c),
         p_replaces_ids)) then
      foreach v_hold in array p_holds loop
        perform record_hold(v_hold);
      end loop;
      return true;
    end if;
  end if;
  raise exception 'lost' using errcode = 'HF900';
exception when sqlstate 'HF900' then
  return false;
end $$;

-- A role without a single candidate is not "taken": nobody here can serve it. Say which, and why.
create or replace function holdfast.refuse_unserved_role(p_holds holdfast.hold[], p_choices jsonb[], p_seen holdfast.candidate[])
returns void
language plpgsql
as $$
declare
  v_role text;
  v_chosen uuid[];
begin
  select s.role, s.chosen_ids into v_role, v_chosen
  from slots_together(p_holds, p_choices) s
  where not exists (select from unnest(p_seen) c where c.slot = s.slot)
  order by s.slot limit 1;
  if v_role is not null then
    perform refuse('role_can_be_served', jsonb_build_object(
      'reason', case when v_chosen is null then 'nobody_serves_role' else 'resource_cannot_serve' end, 'role', v_role));
  end if;
end $$;

create or replace function holdfast.record_hold(p_hold holdfast.hold) returns void
language plpgsql
as $$
begin
  perform record_event('hold.placed', p_hold.id, jsonb_build_object(
    'state', p_hold.state, 'service_id', p_hold.service_id, 'location_id', p_hold.location_id,
    'starts_at', p_hold.starts_at, 'ends_at', p_hold.ends_at, 'expires_at', p_hold.expires_at,
    'overbook', p_hold.overbook_reason is not null, 'outside_rules', p_hold.outside_rules, 'visit_id', p_hold.visit_id,
    'claims', claims_as_facts(p_hold.id)));
end $$;

create or replace function holdfast.claims_as_facts(p_hold_id uuid) returns jsonb
language plpgsql stable
as $$
begin
  return (select jsonb_agg(jsonb_build_object(
    'unit_id', unit_id, 'role', role, 'starts_at', lower(during), 'ends_at', upper(during),
    'segment_starts_at', lower(segment), 'segment_ends_at', upper(segment), 'overbook', overbook) order by id)
  from claim where organization_id = current_organization() and hold_id = p_hold_id);
end $$;
