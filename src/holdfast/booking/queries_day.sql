-- The day board, and what a change of the record touches.

-- name: day_resources
-- Whoever and whatever serves at a location, in the order of a board; what was retired as well, for what still stands on it.
select r.id, r.slug::text, r.name::text, r.kind, r.retired_at is not null as retired
from holdfast.resource_location l
join holdfast.resource r on r.organization_id = l.organization_id and r.id = l.resource_id
where l.organization_id = holdfast.current_organization() and l.location_id = %(location_id)s
order by array_position('{provider,room,device,other}', r.kind), r.name, r.slug;

-- name: day_items
-- Everything that stands on these resources in a window.
select resource_id, kind, holder_id, unit_id, role, starts_at, ends_at, segment_starts_at, segment_ends_at, overbook, words
from holdfast.day_items(%(resource_ids)s, %(from_at)s, %(to_at)s)
order by starts_at, ends_at desc, holder_id, resource_id;

-- name: day_visits
-- What the visits of a board are.
select hold_id, location_id, starts_at, ends_at, service_id, service_name, expires_at, surface, overbook_reason,
       appointment_id, state, revision, confirmation_code, client_id, client_name, has_note, offer_id
from holdfast.day_visits(%(hold_ids)s);

-- name: reach_of_hold
-- When a hold is or was, and every location that it touches: its own, and where else what it claims is to be had.
select h.starts_at, h.ends_at, array(
    select h.location_id
    union
    select r.location_id
    from holdfast.claim c
    join holdfast.unit u on u.organization_id = c.organization_id and u.id = c.unit_id
    join holdfast.resource_location r on r.organization_id = u.organization_id and r.resource_id = u.resource_id
    where c.organization_id = h.organization_id and c.hold_id = h.id) as location_ids
from holdfast.hold h
where h.organization_id = holdfast.current_organization() and h.id = %(id)s;

-- name: reach_of_block
-- When a resource is or was closed, and where it is to be had.
select b.starts_at, b.ends_at, array(
    select r.location_id from holdfast.resource_location r
    where r.organization_id = b.organization_id and r.resource_id = b.resource_id) as location_ids
from holdfast.block b
where b.organization_id = holdfast.current_organization() and b.id = %(id)s;

-- name: reach_of_busy
-- Where a resource is to be had that an outside calendar speaks of; when is not said, as its event may have moved.
select null::timestamptz as starts_at, null::timestamptz as ends_at, array(
    select r.location_id from holdfast.resource_location r
    where r.organization_id = b.organization_id and r.resource_id = b.resource_id) as location_ids
from holdfast.busy b
where b.organization_id = holdfast.current_organization() and b.id = %(id)s;
