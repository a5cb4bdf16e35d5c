-- What the day board reads of the record: everything that stands on some resources in a window.

-- Visits claim by claim (a room's claim is longer than the injector's), blocks and outside busy times by their own times:
-- of a busy time that collides only the part that was free is claimed, and the board shows what is. `overbook`: a claim
-- that was put there on purpose, or a busy time in an open collision. A function of the owner for the same reason as
-- claims_between(): one probe of the guard's index per unit. Both functions are planned once, as live boards ask them
-- again and again, and planning took longer than the answer; and by their keys alone, as a plan that was made when
-- the tables were small would read them whole.
create or replace function holdfast.day_items(p_resource_ids uuid[], p_from timestamptz, p_to timestamptz)
returns table (
  resource_id uuid, kind text, holder_id uuid, unit_id uuid, role text, starts_at timestamptz, ends_at timestamptz,
  segment_starts_at timestamptz, segment_ends_at timestamptz, overbook boolean, words text
)
language sql volatile security definer  -- reads the moving clock
set search_path = holdfast, pg_temp
set plan_cache_mode = force_generic_plan
set enable_seqscan = off
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

-- What visits are: held or booked, what for, and for whom. `offer_id`: the time is kept for somebody on the waitlist, who
-- is its client here; offered to several at once, it is shown with the first. One probe of each table's key per visit.
create or replace function holdfast.day_visits(p_hold_ids uuid[])
returns table (
  hold_id uuid, location_id uuid, starts_at timestamptz, ends_at timestamptz, service_id uuid, service_name text,
  expires_at timestamptz, surface text, overbook_reason text, appointment_id uuid, state text, revision integer,
  confirmation_code text, client_id uuid, client_name text, has_note boolean, offer_id uuid
)
language sql stable security definer
set search_path = holdfast, pg_temp
set plan_cache_mode = force_generic_plan
set enable_seqscan = off
as $$
  select h.id, h.location_id, h.starts_at, h.ends_at, h.service_id, s.name::text,
         case when h.state = 'live' then h.expires_at end, h.surface::text, h.overbook_reason,
         a.id, coalesce(a.state, 'held'), coalesce(a.revision, 0), a.confirmation_code,
         c.id, c.name::text, a.note is not null, kept.offer_id
  from unnest(p_hold_ids) as wanted(id)
  cross join lateral (
    select * from hold where organization_id = current_organization() and id = wanted.id offset 0
  ) h
  join service s on s.organization_id = h.organization_id and s.id = h.service_id
  left join lateral (
    select * from appointment where organization_id = h.organization_id and hold_id = h.id offset 0
  ) a on true
  left join lateral (
    select o.id as offer_id, w.client_id from offer o
    join waitlist_entry w on w.organization_id = o.organization_id and w.id = o.entry_id
    where h.state = 'live' and o.organization_id = h.organization_id and o.hold_id = h.id and o.state = 'open'
    order by o.sent_at, o.id limit 1
  ) kept on true
  left join lateral (
    select id, name from client
    where organization_id = h.organization_id and id = coalesce(a.client_id, kept.client_id) offset 0
  ) c on true;
$$;
