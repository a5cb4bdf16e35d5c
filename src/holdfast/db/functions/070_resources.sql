-- Changes to things that may be booked: capacity, retirement, two records that turn out to be one thing.
-- None of them drops a booking: what stands in the way is listed, and nothing is changed.

-- Move one claim to a unit, under the guard; false when somebody stands there.
create or replace function holdfast.move_claim(p_claim holdfast.claim, p_unit_id uuid) returns boolean
language plpgsql
as $$
begin
  if overbook_stands(p_unit_id, p_claim.during, '{}') then
    return false;
  end if;
  update claim set unit_id = p_unit_id, overbook = false
  where organization_id = p_claim.organization_id and id = p_claim.id;
  return true;
exception when exclusion_violation then
  return false;
end $$;

-- Move the future claims off a unit, each to the first of `p_target_unit_ids` where it is free; what finds no place is
-- returned. The guard decides each one. An overbook that finds no free place goes on standing behind somebody.
create or replace function holdfast.move_future_claims(p_unit_id uuid, p_target_unit_ids uuid[]) returns jsonb
language plpgsql
as $$
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

-- n units of a resource. Growing adds units; shrinking moves bookings to the units that stay, or lists what cannot move.
create or replace function holdfast.set_capacity(p_resource_id uuid, p_capacity integer) returns integer
language plpgsql security definer
set search_path = holdfast, pg_temp
as $$
declare
  v_resource resource := lock_open_resource(p_resource_id);
  v_before uuid[] := open_units(p_resource_id);
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
  -- new units are new places for what waits
  perform claim_for_busy(unit_id, tstzrange(clock(), null))
  from unnest(v_units) with ordinality as u(unit_id, ordinal) where unit_id <> all (v_before) order by ordinal;
  return p_capacity;
end $$;

-- Take a resource out of service from now on. Its past stays; future bookings are listed and stop it.
create or replace function holdfast.retire_resource(p_resource_id uuid) returns setof holdfast.resource
language plpgsql security definer
set search_path = holdfast, pg_temp
as $$
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

-- What an outside calendar says of both records is said once.
create or replace function holdfast.forget_busy_told_of_both(p_from_id uuid, p_into_id uuid) returns void
language sql
as $$
  select remove_busy(f.id)
  from busy f
  join busy i on i.organization_id = f.organization_id and i.resource_id = p_into_id
    and (i.source, i.external_id, i.starts_at, i.ends_at) = (f.source, f.external_id, f.starts_at, f.ends_at)
  where f.organization_id = current_organization() and f.resource_id = p_from_id
    and f.removed_at is null and i.removed_at is null;
$$;

-- What is said of one record from now on is said of the other. An outside event that was told of both, at two times, stays
-- where it is; of hours and conditions the other's own stand, and time off is the time off of both.
create or replace function holdfast.move_belongings(p_from_id uuid, p_into_id uuid) returns void
language plpgsql
as $$
declare
  v_told constant jsonb := jsonb_build_object('resource_id', p_into_id, 'from_resource_id', p_from_id);
  v_moved record;
begin
  for v_moved in
    update block set resource_id = p_into_id
    where organization_id = current_organization() and resource_id = p_from_id and ends_at > clock() and removed_at is null
    returning id
  loop
    perform record_event('block.moved', v_moved.id, v_told);
  end loop;
  for v_moved in
    update busy f set resource_id = p_into_id
    where organization_id = current_organization() and resource_id = p_from_id and ends_at > clock() and removed_at is null
      and not exists (
        select from busy i
        where i.organization_id = f.organization_id and i.resource_id = p_into_id
          and (i.source, i.external_id) = (f.source, f.external_id))
    returning id
  loop
    perform record_event('busy.moved', v_moved.id, v_told);
  end loop;
  update collision set resource_id = p_into_id
  where organization_id = current_organization() and resource_id = p_from_id and resolved_at is null;
  update dated_rule f set resource_id = p_into_id
  where organization_id = current_organization() and resource_id = p_from_id and kind = 'time_off'
    and ends > clock() at time zone 'UTC' - interval '1 day'
    and not exists (
      select from dated_rule i
      where i.organization_id = f.organization_id and i.resource_id = p_into_id and i.kind = f.kind
        and i.location_id is not distinct from f.location_id and (i.starts, i.ends) = (f.starts, f.ends));
  insert into resource_attribute (organization_id, resource_id, name, good_until)
  select organization_id, p_into_id, name, good_until from resource_attribute
  where organization_id = current_organization() and resource_id = p_from_id
  on conflict on constraint resource_attribute_pkey do nothing;
  for v_moved in
    update staff set resource_id = p_into_id
    where organization_id = current_organization() and resource_id = p_from_id and retired_at is null
    returning id, role
  loop
    perform record_event('staff.changed', v_moved.id, jsonb_build_object('role', v_moved.role, 'resource_id', p_into_id));
  end loop;
  update waitlist_entry
  set provider_ids = array(select distinct unnest(array_replace(provider_ids, p_from_id, p_into_id)) order by 1)
  where organization_id = current_organization() and p_from_id = any (provider_ids);
end $$;

-- Two records are one thing: everything that is booked on `p_from_id` moves to `p_into_id` under the guard, with its pools
-- and locations and what else is said of it, and `p_from_id` is retired. Bookings that would then overlap are listed, and
-- nothing is changed.
create or replace function holdfast.merge_resources(p_from_id uuid, p_into_id uuid) returns setof holdfast.resource
language plpgsql security definer
set search_path = holdfast, pg_temp
as $$
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
  if (select count(distinct kind) from resource
      where organization_id = current_organization() and id in (p_from_id, p_into_id)) > 1 then
    perform refuse('merge_is_of_one_kind');
  end if;
  perform forget_busy_told_of_both(p_from_id, p_into_id);
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
  perform move_belongings(p_from_id, p_into_id);
  update unit set retired_at = clock()
  where organization_id = current_organization() and resource_id = p_from_id and retired_at is null;
  perform claim_for_busy(unit_id, tstzrange(clock(), null)) from unnest(v_into_units) as unit_id;
  update resource set retired_at = clock(), merged_into_id = p_into_id
  where organization_id = current_organization() and id = p_from_id;
  return query select * from resource where organization_id = current_organization() and id = p_into_id;
end $$;
