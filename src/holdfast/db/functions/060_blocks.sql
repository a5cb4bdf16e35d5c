-- Staff say no (blocks), and what an outside calendar says (busy, with the collisions it reveals).

-- Ranges longer than a claim may be are claimed piece by piece; pieces touch, so nothing fits between them.
create or replace function holdfast.pieces(p_during tstzrange) returns setof tstzrange
language sql immutable
as $$
  select tstzrange(t, least(t + interval '168 hours', upper(p_during)))
  from generate_series(lower(p_during), upper(p_during) - interval '1 microsecond', interval '168 hours') as t;
$$;

-- Who stands on these units in this time: what a person who may see bookings needs in order to decide. Holds that have
-- run out are left out; whoever asks displaces them.
create or replace function holdfast.conflicts_on(p_unit_ids uuid[], p_during tstzrange) returns jsonb
language sql volatile
as $$
  select coalesce(jsonb_agg(distinct jsonb_build_object(
    'kind', case when a.id is not null then 'appointment' when k.hold_id is not null then 'hold'
                 when k.block_id is not null then 'block' else 'busy' end,
    'id', coalesce(a.id, k.hold_id, k.block_id, k.busy_id),
    'resource_id', u.resource_id, 'starts_at', lower(k.during), 'ends_at', upper(k.during))), '[]')
  from unnest(p_unit_ids) as wanted(unit_id)
  join unit u on u.organization_id = current_organization() and u.id = wanted.unit_id
  cross join lateral claims_on(u.id, p_during) k
  left join lateral (
    select id from appointment where organization_id = k.organization_id and hold_id = k.hold_id limit 1
  ) a on true
  where not has_lapsed(k);
$$;

-- Expire the holds on these units that have run out. Lock order as in displace().
create or replace function holdfast.displace_lapsed_on(p_unit_ids uuid[], p_during tstzrange) returns void
language sql
as $$
  select displace(array(
    select distinct k.hold_id
    from unnest(p_unit_ids) as wanted(unit_id)
    cross join lateral claims_on(wanted.unit_id, p_during) k
    where has_lapsed(k)));
$$;

-- Lock the resource, then look at what stands on it now: with the snapshot of a stricter isolation level the look after
-- the wait would still be from before it, and a unit could be retired under a booking.
create or replace function holdfast.lock_open_resource(p_resource_id uuid) returns holdfast.resource
language plpgsql
as $$
declare
  v_resource resource;
begin
  if current_setting('transaction_isolation') <> 'read committed' then
    perform refuse('isolation_is_read_committed');
  end if;
  select * into v_resource from resource
  where organization_id = current_organization() and id = p_resource_id for update;
  if v_resource.id is null then
    perform refuse('resource_exists');
  end if;
  if v_resource.retired_at is not null then
    perform refuse('resource_is_in_service');
  end if;
  return v_resource;
end $$;

create or replace function holdfast.open_units(p_resource_id uuid) returns uuid[]
language sql stable
as $$
  select coalesce(array_agg(id order by id), '{}') from unit
  where organization_id = current_organization() and resource_id = p_resource_id and retired_at is null;
$$;

create or replace function holdfast.record_block(p_block_id uuid) returns void
language sql
as $$
  select record_event('block.placed', b.id, jsonb_build_object(
    'resource_id', b.resource_id, 'starts_at', b.starts_at, 'ends_at', b.ends_at, 'claims', (
      select jsonb_agg(jsonb_build_object('unit_id', k.unit_id, 'role', k.role, 'starts_at', lower(k.during),
                                          'ends_at', upper(k.during)) order by k.id)
      from claim k where k.organization_id = b.organization_id and k.block_id = b.id)))
  from block b where b.organization_id = current_organization() and b.id = p_block_id;
$$;

-- Close a resource (all its units) for a time. Bookings in the way are listed, and nothing is changed.
create or replace function holdfast.place_block(p_resource_id uuid, p_start timestamptz, p_end timestamptz, p_reason text)
returns setof holdfast.block
language plpgsql security definer
set search_path = holdfast, pg_temp
as $$
declare
  v_resource resource := lock_open_resource(p_resource_id);
  v_units uuid[] := open_units(p_resource_id);
  v_block_id uuid := new_id();
  v_wanted integer;
  v_won integer;
begin
  if not p_start < p_end or p_end - p_start > interval '366 days' then
    perform refuse('block_length_is_allowed');
  end if;
  -- locked as in lock_units(): an overbook under way finishes first
  perform from unit where organization_id = current_organization() and id = any (v_units) order by id for key share;
  perform displace_lapsed_on(v_units, tstzrange(p_start, p_end));
  insert into block (organization_id, id, resource_id, starts_at, ends_at, reason, created_at)
  values (current_organization(), v_block_id, v_resource.id, p_start, p_end, coalesce(p_reason, ''), clock());
  select count(*) * cardinality(v_units) into v_wanted from pieces(tstzrange(p_start, p_end));
  insert into claim (organization_id, block_id, unit_id, role, during, segment)
  select current_organization(), v_block_id, unit_id, 'block', piece, piece
  from unnest(v_units) as unit_id, pieces(tstzrange(p_start, p_end)) as piece
  order by unit_id, piece
  on conflict on constraint claim_no_overlap do nothing;
  get diagnostics v_won = row_count;
  if v_won <> v_wanted or exists (
    select from unnest(v_units) as unit_id where overbook_stands(unit_id, tstzrange(p_start, p_end), '{}')
  ) then
    perform refuse('no_claims_in_the_way', jsonb_build_object('conflicts', (
      select coalesce(jsonb_agg(c), '[]') from jsonb_array_elements(conflicts_on(v_units, tstzrange(p_start, p_end))) c
      where c ->> 'id' <> v_block_id::text)));
  end if;
  perform record_block(v_block_id);
  return query select * from block where organization_id = current_organization() and id = v_block_id;
end $$;

create or replace function holdfast.remove_block(p_block_id uuid) returns setof holdfast.block
language plpgsql security definer
set search_path = holdfast, pg_temp
as $$
declare
  v_block block;
begin
  select * into v_block from block where organization_id = current_organization() and id = p_block_id for update;
  if v_block.id is null then
    perform refuse('block_exists');
  end if;
  if v_block.removed_at is null then
    update block set removed_at = clock() where organization_id = v_block.organization_id and id = v_block.id;
    perform record_event('block.removed', v_block.id, '{}');
    perform fill_places(array(
      select k from claim k where k.organization_id = v_block.organization_id and k.block_id = v_block.id order by k.id));
    perform settle_collisions_with(v_block.id, 'The block was removed.');
  end if;
  return query select * from block where organization_id = v_block.organization_id and id = v_block.id;
end $$;

-- Record what an outside calendar says about a resource. It cannot be refused, because it has already happened: where it
-- meets something, a collision is recorded, and only the time that is still free is claimed. Saying the same event again
-- changes nothing. Returns the row and whether it is new.
create or replace function holdfast.record_busy(
  p_resource_id uuid, p_source text, p_external_id text, p_start timestamptz, p_end timestamptz
) returns table (busy_id uuid, added boolean, collisions integer)
language plpgsql security definer
set search_path = holdfast, pg_temp
as $$
declare
  v_resource resource := lock_open_resource(p_resource_id);
  v_units uuid[] := open_units(p_resource_id);
  v_during tstzrange := tstzrange(p_start, p_end);
  v_busy busy;
begin
  select * into v_busy from busy
  where organization_id = current_organization() and resource_id = p_resource_id and source = p_source
    and external_id = p_external_id;
  if v_busy.starts_at = p_start and v_busy.ends_at = p_end and v_busy.removed_at is null then
    return query select v_busy.id, false, 0;
    return;
  end if;
  perform hold_fast_on(v_units, v_during, v_busy.id);
  if v_busy.id is not null then
    perform remove_busy(v_busy.id);
    delete from claim k where k.organization_id = current_organization() and k.busy_id = v_busy.id;
    update busy set starts_at = p_start, ends_at = p_end, removed_at = null
    where organization_id = current_organization() and id = v_busy.id;
  else
    v_busy.id := new_id();
    insert into busy (organization_id, id, resource_id, source, external_id, starts_at, ends_at, created_at)
    values (current_organization(), v_busy.id, p_resource_id, p_source, p_external_id, p_start, p_end, clock());
  end if;
  perform displace_lapsed_on(v_units, v_during);
  perform claim_free_rest(v_busy.id, v_units, v_during);
  -- after the claim: whoever won a race for the rest is committed by now, and is seen
  perform record_collisions(v_busy.id, v_resource.id, v_units, v_during);
  perform record_event('busy.recorded', v_busy.id, jsonb_build_object(
    'resource_id', p_resource_id, 'source', p_source, 'starts_at', p_start, 'ends_at', p_end, 'claims', (
      select coalesce(jsonb_agg(jsonb_build_object('unit_id', k.unit_id, 'role', k.role, 'starts_at', lower(k.during),
                                                   'ends_at', upper(k.during)) order by k.id), '[]')
      from claim k where k.organization_id = current_organization() and k.busy_id = v_busy.id)));
  return query
    select v_busy.id, true, count(*)::integer from collision c
    where c.organization_id = current_organization() and c.busy_id = v_busy.id and c.resolved_at is null;
end $$;

-- A collision for everything that shares the time: bookings by their claims, other outside events by their own times,
-- because of two that overlap only one holds the claim. With several units, only when there are more takers than units.
create or replace function holdfast.record_collisions(p_busy_id uuid, p_resource_id uuid, p_unit_ids uuid[], p_during tstzrange)
returns void
language sql
as $$
  with others as (
    select distinct on (c ->> 'id') c ->> 'kind' as kind, (c ->> 'id')::uuid as id,
           (c ->> 'starts_at')::timestamptz as starts_at, (c ->> 'ends_at')::timestamptz as ends_at
    from jsonb_array_elements(conflicts_on(p_unit_ids, p_during)) c
    where c ->> 'kind' <> 'busy'
    union all
    select 'busy', id, starts_at, ends_at from busy
    where organization_id = current_organization() and resource_id = p_resource_id and id <> p_busy_id
      and removed_at is null and tstzrange(starts_at, ends_at) && p_during
  ), added as (
    insert into collision (organization_id, resource_id, busy_id, other_kind, other_id, starts_at, ends_at, found_at)
    select current_organization(), p_resource_id, p_busy_id, kind, id,
           greatest(starts_at, lower(p_during)), least(ends_at, upper(p_during)), clock()
    from others
    where (select count(*) from others) >= cardinality(p_unit_ids)
    -- it moved and meets the same booking again: what was decided then is no answer now
    on conflict on constraint collision_pair_is_unique do update
      set starts_at = excluded.starts_at, ends_at = excluded.ends_at, found_at = excluded.found_at,
          resolved_at = null, resolved_by = null, resolution = null
    returning *
  )
  select record_event('collision.found', id, jsonb_build_object(
    'resource_id', resource_id, 'busy_id', busy_id, 'other_kind', other_kind, 'other_id', other_id,
    'starts_at', starts_at, 'ends_at', ends_at))
  from added;
$$;

-- Claim whatever part of the time is still free: on the unit with the most free time, and what is taken there on the
-- others. Of time that is left free on one of them, somebody could be booked into more places than there are.
create or replace function holdfast.claim_free_rest(p_busy_id uuid, p_unit_ids uuid[], p_during tstzrange) returns void
language plpgsql
as $$
declare
  v_best uuid;
  v_open tstzmultirange;
  v_unit_id uuid;
begin
  select unit_id, open into v_best, v_open
  from (
    select u.id as unit_id, tstzmultirange(p_during) - coalesce((
      select range_agg(k.during) from claim k
      where k.organization_id = current_organization() and k.unit_id = u.id and k.during && p_during and k.active
        and not k.overbook), '{}') as open
    from unnest(p_unit_ids) as u(id)
  ) free
  order by (select sum(upper(o) - lower(o)) from unnest(open) o) desc nulls last, unit_id limit 1;
  -- unit by unit in their order, as whoever books takes them: in another order two could wait for each other
  foreach v_unit_id in array p_unit_ids loop
    perform claim_what_is_free(p_busy_id, v_unit_id, part)
    from unnest(case v_unit_id when v_best then tstzmultirange(p_during) else tstzmultirange(p_during) - v_open end) part;
  end loop;
  -- what somebody took of the best one this very moment may be free on another
  if cardinality(p_unit_ids) > 1 then
    foreach v_unit_id in array p_unit_ids loop
      perform claim_what_is_free(p_busy_id, v_unit_id, p_during);
    end loop;
  end if;
end $$;

-- The event is gone over there (or moved): its claims end, its open collisions settle themselves, whichever side it is.
create or replace function holdfast.remove_busy(p_busy_id uuid) returns void
language plpgsql security definer
set search_path = holdfast, pg_temp
as $$
begin
  update busy set removed_at = clock()
  where organization_id = current_organization() and id = p_busy_id and removed_at is null;
  if found then
    perform record_event('busy.removed', p_busy_id, '{}');
    perform settle_collision(id, 'The event over there is gone.') from collision
    where organization_id = current_organization() and busy_id = p_busy_id and resolved_at is null;
    perform settle_collisions_with(p_busy_id, 'The other event is gone.');
    perform fill_places(array(
      select k from claim k where k.organization_id = current_organization() and k.busy_id = p_busy_id order by k.id));
  end if;
end $$;

create or replace function holdfast.settle_collision(p_collision_id uuid, p_resolution text) returns void
language plpgsql
as $$
begin
  update collision set resolved_at = clock(), resolved_by = current_actor(), resolution = p_resolution
  where organization_id = current_organization() and id = p_collision_id and resolved_at is null;
  if found then
    perform record_event('collision.resolved', p_collision_id, '{}');
  end if;
end $$;

-- Somebody decided what to do about a collision; the record says who and what.
create or replace function holdfast.resolve_collision(p_collision_id uuid, p_resolution text) returns setof holdfast.collision
language plpgsql security definer
set search_path = holdfast, pg_temp
as $$
begin
  perform settle_collision(p_collision_id, p_resolution);
  return query select * from collision where organization_id = current_organization() and id = p_collision_id;
  if not found then
    perform refuse('collision_exists');
  end if;
end $$;
