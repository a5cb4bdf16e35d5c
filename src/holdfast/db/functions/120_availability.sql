-- What availability reads of the record: the claims of some units in a window, and whether anything has changed since.

-- The active claims of these units that touch the window, deliberate overbooks included, holds that have run out left
-- out (unless an outside event waits for their place). A function of the owner, because the range operators are not leakproof: under row-level security the server's role
-- would have to filter every claim of a unit, its whole past, instead of asking the guard's index. One probe per unit.
create or replace function holdfast.claims_between(p_unit_ids uuid[], p_from timestamptz, p_to timestamptz)
returns table (
  unit_id uuid, starts_at timestamptz, ends_at timestamptz, kind text, hold_id uuid, visit_id uuid,
  visit_starts_at timestamptz, expires_at timestamptz
)
language sql volatile security definer  -- reads the moving clock
set search_path = holdfast, pg_temp
as $$
  select u.id, lower(k.during), upper(k.during),
         case when k.busy_id is not null then 'busy' when k.block_id is not null then 'block'
              when h.state = 'live' then 'hold' else 'appointment' end,
         k.hold_id, h.visit_id, h.starts_at, case when h.state = 'live' then h.expires_at end
  from unnest(p_unit_ids) as u(id)
  cross join lateral claims_on(u.id, tstzrange(p_from, p_to)) k
  left join hold h on h.organization_id = current_organization() and h.id = k.hold_id
  where not coalesce(h.state = 'live' and h.expires_at <= clock(), false) or busy_waits(k);
$$;

-- The same over several stretches of time, which a multirange keeps apart.
create or replace function holdfast.claims_within(p_unit_ids uuid[], p_during tstzmultirange)
returns table (
  unit_id uuid, starts_at timestamptz, ends_at timestamptz, kind text, hold_id uuid, visit_id uuid,
  visit_starts_at timestamptz, expires_at timestamptz
)
language sql volatile security definer
set search_path = holdfast, pg_temp
as $$
  select k.* from unnest(p_during) as w(during)
  cross join lateral claims_between(p_unit_ids, lower(w.during), upper(w.during)) k;
$$;

-- When each of these resources was last given a visit, of those around now: for taking turns. `changes_at` is when the
-- first live hold among them runs out, and with it perhaps the turn.
create or replace function holdfast.last_taken(p_resource_ids uuid[])
returns table (resource_id uuid, taken_at timestamptz, changes_at timestamptz)
language sql volatile security definer
set search_path = holdfast, pg_temp
as $$
  select r.id, max(h.created_at), min(h.expires_at) filter (where h.state = 'live')
  from unnest(p_resource_ids) as r(id)
  join unit u on u.organization_id = current_organization() and u.resource_id = r.id
  cross join lateral claims_on(u.id, tstzrange(clock() - interval '7 days', clock() + interval '90 days')) c
  join hold h on h.organization_id = c.organization_id and h.id = c.hold_id
  where not (h.state = 'live' and h.expires_at <= clock())
  group by r.id;
$$;

-- Has nothing of this organization changed since that snapshot? Every change writes its event in its own transaction, so
-- the question is whether any event is visible now that was not then. Ids alone cannot tell: a slow transaction
-- commits below ids that were already seen.
create or replace function holdfast.unchanged_since(p_seen pg_snapshot) returns boolean
language sql stable security definer
set search_path = holdfast, pg_temp
as $$
  select not exists (
    select from event
    where transaction_id >= pg_snapshot_xmin(p_seen) and organization_id = current_organization()
      and not pg_visible_in_snapshot(transaction_id, p_seen)
  );
$$;
