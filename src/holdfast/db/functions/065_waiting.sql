-- What waits for a place that is taken, and takes it when it becomes free: deliberate overbooks, then outside events.

-- Whoever had these claims has left. Overbooks first: a person decided about them, and a client is coming.
create or replace function holdfast.fill_places(p_freed holdfast.claim[]) returns void
language plpgsql
as $$
declare
  v_freed claim;
begin
  foreach v_freed in array p_freed loop
    perform promote_overbooks(v_freed.unit_id, v_freed.during);
  end loop;
  foreach v_freed in array p_freed loop
    perform claim_for_busy(v_freed.unit_id, v_freed.during);
  end loop;
end $$;

-- Outside events that are not claimed whole take what they lack of this time on this unit. Only time that was the caller's
-- own until now, so that it meets nobody under way and cannot be part of a circle of waits.
create or replace function holdfast.claim_for_busy(p_unit_id uuid, p_during tstzrange) returns void
language plpgsql
as $$
declare
  v_busy busy;
  v_claims jsonb;
begin
  for v_busy in
    select b.* from unit u
    join busy b on b.organization_id = u.organization_id and b.resource_id = u.resource_id
    where u.organization_id = current_organization() and u.id = p_unit_id and u.retired_at is null
      and b.removed_at is null and tstzrange(b.starts_at, b.ends_at) && p_during
    order by b.id
    for share of b  -- one that moves at this moment is seen as it is afterwards
  loop
    v_claims := claim_what_is_free(v_busy.id, p_unit_id, p_during * tstzrange(v_busy.starts_at, v_busy.ends_at));
    if v_claims <> '[]' then
      perform record_event('busy.claimed', v_busy.id, jsonb_build_object('claims', v_claims));
    end if;
  end loop;
end $$;

-- The parts of a time that an outside event has on no unit yet, and nobody has on this one: claimed, and returned as facts.
create or replace function holdfast.claim_what_is_free(p_busy_id uuid, p_unit_id uuid, p_during tstzrange) returns jsonb
language plpgsql
as $$
declare
  v_pieces tstzrange[];
  v_won jsonb;
  v_all jsonb := '[]';
begin
  loop
    select array_agg(piece order by piece) into v_pieces
    from unnest(
      tstzmultirange(p_during)
      - coalesce((
        select range_agg(k.during) from claim k
        where k.organization_id = current_organization() and k.busy_id = p_busy_id and k.active), '{}')
      - coalesce((
        select range_agg(k.during) from claim k
        where k.organization_id = current_organization() and k.unit_id = p_unit_id and k.during && p_during and k.active
          and not k.overbook), '{}')
    ) as part, pieces(part) as piece;
    exit when v_pieces is null;
    with won as (
      insert into claim (organization_id, busy_id, unit_id, role, during, segment)
      select current_organization(), p_busy_id, p_unit_id, 'busy', piece, piece from unnest(v_pieces) as piece order by piece
      on conflict on constraint claim_no_overlap do nothing
      returning *
    )
    select coalesce(jsonb_agg(jsonb_build_object(
      'unit_id', unit_id, 'role', role, 'starts_at', lower(during), 'ends_at', upper(during)) order by id), '[]')
    into v_won from won;
    v_all := v_all || v_won;
    -- somebody took a part of a piece this very moment: their booking stands, and what is left of it is tried again
    exit when jsonb_array_length(v_won) = cardinality(v_pieces);
  end loop;
  return v_all;
end $$;

-- Does an outside event wait behind this claim? Then its place is not free when its hold has run out: the event takes it.
create or replace function holdfast.busy_waits(p_claim holdfast.claim) returns boolean
language sql stable
as $$
  select exists (
    select from unit u
    join busy b on b.organization_id = u.organization_id and b.resource_id = u.resource_id
    where u.organization_id = p_claim.organization_id and u.id = p_claim.unit_id
      and b.removed_at is null and tstzrange(b.starts_at, b.ends_at) && p_claim.during
      and not tstzmultirange(p_claim.during * tstzrange(b.starts_at, b.ends_at)) <@ coalesce((
        select range_agg(k.during) from claim k
        where k.organization_id = b.organization_id and k.busy_id = b.id and k.active), '{}'));
$$;

-- Keep whoever stands in this time where they are until we commit, in the order in which they are locked elsewhere: their
-- leaving later then finds our event, and gives it their place.
create or replace function holdfast.hold_fast_on(p_unit_ids uuid[], p_during tstzrange, p_except_busy_id uuid) returns void
language plpgsql
as $$
declare
  v_holders uuid[] := array(
    select coalesce(k.hold_id, k.block_id, k.busy_id)
    from unnest(p_unit_ids) as wanted(unit_id)
    cross join lateral claims_on(wanted.unit_id, p_during) k
    where p_except_busy_id is null or k.busy_id is distinct from p_except_busy_id);
begin
  perform from hold where organization_id = current_organization() and id = any (v_holders) order by id for share;
  perform from block where organization_id = current_organization() and id = any (v_holders) order by id for share;
  perform from busy where organization_id = current_organization() and id = any (v_holders) order by id for share;
end $$;

-- What an outside event collided with is gone, so the open collisions with it settle themselves: all of them, or, when it
-- is a visit that moved onto `p_now_on_hold_id`, those that it no longer meets.
create or replace function holdfast.settle_collisions_with(
  p_other_id uuid, p_resolution text, p_now_on_hold_id uuid default null
) returns void
language sql
as $$
  select settle_collision(c.id, p_resolution)
  from collision c
  join busy b on b.organization_id = c.organization_id and b.id = c.busy_id
  where c.organization_id = current_organization() and c.other_id = p_other_id and c.resolved_at is null
    and not exists (
      select from claim k
      join unit u on u.organization_id = k.organization_id and u.id = k.unit_id
      where k.organization_id = c.organization_id and k.hold_id = p_now_on_hold_id and u.resource_id = c.resource_id
        and k.active and k.during && tstzrange(b.starts_at, b.ends_at));
$$;
