-- What the day board reads of the record: everything that stands on some resources in a window.

-- Visits claim by claim (a room's claim is longer than the injector's), blocks and outside busy times by their own times:
-- of a busy time that collides only the part that was free is claimed, and the board shows what is. `overbook`: a claim
-- that was put there on purpose, or a busy time in an open collision. A function of the owner for the same reason as
-- claims_between(): one probe of the guard's index per unit.
create or replace function holdfast.day_items(p_resource_ids uuid[], p_from timestamptz, p_to timestamptz)
returns table (
  resource_id uuid, kind text, holder_id uuid, unit_id uuid, role text, starts_at timestamptz, ends_at timestamptz,
  segment_starts_at timestamptz, segment_ends_at timestamptz, overbook boolean, words text
)
language sql volatile security definer  -- reads the moving clock
set search_path = holdfast, pg_temp
as $$
  select u.resource_id, 'visit', k.hold_id, u.id, k.role, lower(k.during), upper(k.during), lower(k.segment),
         upper(k.segment), k.overbook, ''
  from unnest(p_resource_ids) as r(id)
  join unit u on u.organization_id = current_organization() and u.resource_id = r.id
  cross join lateral claims_on(u.id, tstzrange(p_from, p_to)) k
  where k.hold_id is not null and not has_lapsed(k)
  union all
  select b.resource_id, 'block', b.id, null, 'block', b.starts_at, b.ends_at, b.starts_at, b.ends_at, false, b.reason
  from unnest(p_resource_ids) as r(id)
  join block b on b.organization_id = current_organization() and b.resource_id = r.id
  where b.removed_at is null and b.starts_at < p_to and b.ends_at > p_from
  union all
  select b.resource_id, 'busy', b.id, null, 'busy', b.starts_at, b.ends_at, b.starts_at, b.ends_at,
         exists (select from collision c
                 where c.organization_id = b.organization_id and c.busy_id = b.id and c.resolved_at is null),
         b.source
  from unnest(p_resource_ids) as r(id)
  join busy b on b.organization_id = current_organization() and b.resource_id = r.id
  where b.removed_at is null and b.starts_at < p_to and b.ends_at > p_from;
$$;
