-- What stands beside bookings: blocks, outside events, and where the two collide.

-- name: place_block
-- Close a resource for a time; bookings in the way are listed instead.
select id, resource_id, starts_at, ends_at, reason, created_at, removed_at
from holdfast.place_block(%(resource_id)s, %(start)s, %(end)s, %(reason)s);

-- name: remove_block
-- Open it again; doing so twice is no error.
select id, resource_id, starts_at, ends_at, reason, created_at, removed_at
from holdfast.remove_block(%(block_id)s);

-- name: block_by_id
-- One block, removed or not.
select id, resource_id, starts_at, ends_at, reason, created_at, removed_at
from holdfast.block
where organization_id = holdfast.current_organization() and id = %(block_id)s;

-- name: blocks
-- A page of the blocks that stand in a window, by id.
select id, resource_id, starts_at, ends_at, reason, created_at, removed_at
from holdfast.block
where organization_id = holdfast.current_organization() and removed_at is null
  and (%(from_at)s::timestamptz is null or ends_at > %(from_at)s)
  and (%(to_at)s::timestamptz is null or starts_at < %(to_at)s)
  and (%(resource_id)s::uuid is null or resource_id = %(resource_id)s)
  and (%(after_id)s::uuid is null or id > %(after_id)s)
order by id
limit %(limit)s;

-- name: record_busy
-- Record what an outside calendar says; whether that was news, and how many collisions it stands in.
select busy_id, added, collisions
from holdfast.record_busy(%(resource_id)s, %(source)s, %(external_id)s, %(start)s, %(end)s);

-- name: remove_busy
-- The event is gone over there.
select holdfast.remove_busy(%(busy_id)s);

-- name: busy_of_source
-- What one outside calendar has said about a resource and has not taken back, where it meets a window.
select id, resource_id, source, external_id, starts_at, ends_at
from holdfast.busy
where organization_id = holdfast.current_organization() and resource_id = %(resource_id)s and source = %(source)s
  and removed_at is null and starts_at < %(to_at)s and ends_at > %(from_at)s
order by starts_at, id;

-- name: taken_times
-- What stands on a resource in a window, but for one outside calendar: each holder's times. Read only, so that a person
-- can be told what would collide; the guard decides when it is done.
select coalesce(k.hold_id, k.block_id) as holder_id, case when k.hold_id is null then 'block' else 'booking' end as kind,
       lower(k.during) as starts_at, upper(k.during) as ends_at
from holdfast.claim k
join holdfast.unit u on u.organization_id = k.organization_id and u.id = k.unit_id
left join holdfast.hold h on h.organization_id = k.organization_id and h.id = k.hold_id
where k.organization_id = holdfast.current_organization() and u.resource_id = %(resource_id)s and u.retired_at is null
  and k.active and k.busy_id is null and k.during && tstzrange(%(from_at)s, %(to_at)s)
  and not coalesce(h.state = 'live' and h.expires_at <= holdfast.clock(), false)
union all
select id, 'busy', starts_at, ends_at
from holdfast.busy
where organization_id = holdfast.current_organization() and resource_id = %(resource_id)s
  and source <> %(source)s and removed_at is null and starts_at < %(to_at)s and ends_at > %(from_at)s
order by starts_at, holder_id;

-- name: collisions_to_decide
-- How many collisions are open.
select count(*) from holdfast.collision
where organization_id = holdfast.current_organization() and resolved_at is null;

-- name: collisions
-- A page of collisions by start, after a cursor.
select c.id, c.resource_id, c.busy_id, b.source, c.other_kind, c.other_id, c.starts_at, c.ends_at, c.found_at,
       c.resolved_at, c.resolved_by, c.resolution
from holdfast.collision c
join holdfast.busy b on b.organization_id = c.organization_id and b.id = c.busy_id
where c.organization_id = holdfast.current_organization()
  and (%(id)s::uuid is null or c.id = %(id)s)
  and (%(is_open)s::boolean is null or (c.resolved_at is null) = %(is_open)s)
  and (%(from_at)s::timestamptz is null or c.ends_at > %(from_at)s)
  and (%(to_at)s::timestamptz is null or c.starts_at < %(to_at)s)
  and (%(resource_id)s::uuid is null or c.resource_id = %(resource_id)s)
  and (%(after_at)s::timestamptz is null or (c.starts_at, c.id) > (%(after_at)s, %(after_id)s))
order by c.starts_at, c.id
limit %(limit)s;

-- name: collisions_in_words
-- A page of collisions as people talk of them: who or what is meant twice, and by what. Open ones by start, decided ones
-- latest first.
select c.id, c.resource_id, r.name::text as resource_name, coalesce(l.time_zone, 'UTC') as time_zone, b.source, b.starts_at as busy_starts_at,
       b.ends_at as busy_ends_at, c.other_kind, c.other_id, client.name::text as client_name, s.name::text as service_name,
       a.state as appointment_state, k.reason as block_reason, c.starts_at, c.ends_at, c.found_at, c.resolved_at,
       c.resolved_by, c.resolution
from holdfast.collision c
join holdfast.busy b on b.organization_id = c.organization_id and b.id = c.busy_id
join holdfast.resource r on r.organization_id = c.organization_id and r.id = c.resource_id
left join lateral (
  select l.time_zone from holdfast.resource_location rl
  join holdfast.location l on l.organization_id = rl.organization_id and l.id = rl.location_id
  where rl.organization_id = c.organization_id and rl.resource_id = c.resource_id
  order by l.retired_at nulls first, l.id limit 1
) l on true
left join holdfast.appointment a on c.other_kind = 'appointment' and a.organization_id = c.organization_id and a.id = c.other_id
left join holdfast.client client on client.organization_id = a.organization_id and client.id = a.client_id
left join holdfast.service s on s.organization_id = a.organization_id and s.id = a.service_id
left join holdfast.block k on c.other_kind = 'block' and k.organization_id = c.organization_id and k.id = c.other_id
where c.organization_id = holdfast.current_organization()
  and (%(id)s::uuid is null or c.id = %(id)s)
  and (%(id)s::uuid is not null or (c.resolved_at is null) = %(is_open)s)
  and (%(after_at)s::timestamptz is null
    or case when %(is_open)s then (c.starts_at, c.id) > (%(after_at)s, %(after_id)s)
            else (c.resolved_at, c.id) < (%(after_at)s, %(after_id)s) end)
order by case when %(is_open)s then c.starts_at end, case when not %(is_open)s then c.resolved_at end desc,
         case when %(is_open)s then c.id end, c.id desc
limit %(limit)s;

-- name: resolve_collision
-- Somebody decided what to do about it. A decision stands: a second one changes nothing.
select holdfast.resolve_collision(%(collision_id)s, %(resolution)s);

-- name: record_absence
-- Time off for a resource that is out, unless what stands covers it: the new rule's id, or nothing.
select holdfast.add_dated_rule(%(location_id)s, %(resource_id)s, 'time_off', %(starts)s, %(ends)s, %(reason)s)
where not exists (
  select from holdfast.dated_rule d
  where d.organization_id = holdfast.current_organization() and d.resource_id = %(resource_id)s and d.kind = 'time_off'
    and (d.location_id is null or d.location_id = %(location_id)s) and d.starts <= %(starts)s and d.ends >= %(ends)s);
