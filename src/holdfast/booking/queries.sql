-- The booking commands and what is read of bookings. One command is one call of a SQL function (db/functions).

-- name: place_hold
-- Hold a visit, all or nothing; refused with the roles that were lost.
select id, state, service_id, location_id, time_zone, starts_at, ends_at, created_at, expires_at, extensions, surface,
       overbook_reason, claims, visit_id
from holdfast.place_hold(%(service_id)s, %(location_id)s, %(start)s, %(choices)s, %(ttl_seconds)s, %(visitor)s, %(network)s,
                         %(outside_rules)s);

-- name: extend_hold
-- A fresh term for a live hold.
select id, state, service_id, location_id, time_zone, starts_at, ends_at, created_at, expires_at, extensions, surface,
       overbook_reason, claims, visit_id
from holdfast.extend_hold(%(hold_id)s, %(ttl_seconds)s);

-- name: release_hold
-- Give a hold back; giving back what has ended is no error.
select id, state, service_id, location_id, time_zone, starts_at, ends_at, created_at, expires_at, extensions, surface,
       overbook_reason, claims, visit_id
from holdfast.release_hold(%(hold_id)s);

-- name: hold_by_id
-- A hold and its claims, whatever its state.
select id, state, service_id, location_id, time_zone, starts_at, ends_at, created_at, expires_at, extensions, surface,
       overbook_reason, claims, visit_id
from holdfast.hold_detail
where organization_id = holdfast.current_organization() and id = %(hold_id)s;

-- name: sweep_holds
-- Tidy holds that ran out; how many.
select holdfast.sweep_holds();

-- name: confirm_hold
-- A live hold becomes an appointment.
select id, state, revision, hold_id, client_id, client_name, client_email, client_phone, service_id, service_name,
       location_id, time_zone, starts_at, ends_at, local_start, confirmation_code, price_cents, currency, surface, note,
       cancel_reason, created_at, overbook_reason, claims, visit_id
from holdfast.confirm_hold(%(hold_id)s, %(client)s, %(note)s);

-- name: book
-- Hold and confirm in one step.
select id, state, revision, hold_id, client_id, client_name, client_email, client_phone, service_id, service_name,
       location_id, time_zone, starts_at, ends_at, local_start, confirmation_code, price_cents, currency, surface, note,
       cancel_reason, created_at, overbook_reason, claims, visit_id
from holdfast.book(%(service_id)s, %(location_id)s, %(start)s, %(client)s, %(choices)s, %(note)s, %(visitor)s, %(network)s,
                   %(overbook_reason)s, %(outside_rules)s);

-- name: reschedule
-- Move an appointment to another start, or onto a hold; on conflict it stays where it is.
select id, state, revision, hold_id, client_id, client_name, client_email, client_phone, service_id, service_name,
       location_id, time_zone, starts_at, ends_at, local_start, confirmation_code, price_cents, currency, surface, note,
       cancel_reason, created_at, overbook_reason, claims, visit_id
from holdfast.reschedule(%(appointment_id)s, %(revision)s, %(start)s, %(location_id)s, %(choices)s, %(hold_id)s,
                         %(overbook_reason)s, %(outside_rules)s);

-- name: visit_of_appointment
-- What a move needs to know of the appointment before it asks the rules.
select service_id, location_id, hold_id from holdfast.appointment
where organization_id = holdfast.current_organization() and id = %(appointment_id)s;

-- name: cancel
-- Cancel; its claims are free at once.
select id, state, revision, hold_id, client_id, client_name, client_email, client_phone, service_id, service_name,
       location_id, time_zone, starts_at, ends_at, local_start, confirmation_code, price_cents, currency, surface, note,
       cancel_reason, created_at, overbook_reason, claims, visit_id
from holdfast.cancel(%(appointment_id)s, %(revision)s, %(reason)s);

-- name: check_in
-- The client is here.
select id, state, revision, hold_id, client_id, client_name, client_email, client_phone, service_id, service_name,
       location_id, time_zone, starts_at, ends_at, local_start, confirmation_code, price_cents, currency, surface, note,
       cancel_reason, created_at, overbook_reason, claims, visit_id
from holdfast.check_in(%(appointment_id)s, %(revision)s);

-- name: complete
-- The visit is over.
select id, state, revision, hold_id, client_id, client_name, client_email, client_phone, service_id, service_name,
       location_id, time_zone, starts_at, ends_at, local_start, confirmation_code, price_cents, currency, surface, note,
       cancel_reason, created_at, overbook_reason, claims, visit_id
from holdfast.complete(%(appointment_id)s, %(revision)s);

-- name: no_show
-- Nobody came; what is left of the time is free.
select id, state, revision, hold_id, client_id, client_name, client_email, client_phone, service_id, service_name,
       location_id, time_zone, starts_at, ends_at, local_start, confirmation_code, price_cents, currency, surface, note,
       cancel_reason, created_at, overbook_reason, claims, visit_id
from holdfast.no_show(%(appointment_id)s, %(revision)s);

-- name: appointment_by_id
-- One appointment, whatever its state.
select id, state, revision, hold_id, client_id, client_name, client_email, client_phone, service_id, service_name,
       location_id, time_zone, starts_at, ends_at, local_start, confirmation_code, price_cents, currency, surface, note,
       cancel_reason, created_at, overbook_reason, claims, visit_id
from holdfast.appointment_detail
where organization_id = holdfast.current_organization() and id = %(appointment_id)s;

-- name: appointments_to_come
-- Confirmed visits that have not begun, of any of these services, at any of these locations or with any of these resources.
with chosen as (
  select a.id
  from holdfast.appointment a
  where a.organization_id = holdfast.current_organization() and a.state = 'confirmed' and a.starts_at > holdfast.clock()
    and (a.service_id = any (%(service_ids)s::uuid[]) or a.location_id = any (%(location_ids)s::uuid[]) or exists (
      select from holdfast.claim k
      join holdfast.unit u on u.organization_id = k.organization_id and u.id = k.unit_id
      where k.organization_id = a.organization_id and k.hold_id = a.hold_id
        and u.resource_id = any (%(resource_ids)s::uuid[])))
)
select d.id, d.state, d.revision, d.hold_id, d.client_id, d.client_name, d.client_email, d.client_phone, d.service_id,
       d.service_name, d.location_id, d.time_zone, d.starts_at, d.ends_at, d.local_start, d.confirmation_code,
       d.price_cents, d.currency, d.surface, d.note, d.cancel_reason, d.created_at, d.overbook_reason, d.claims
from chosen
join holdfast.appointment_detail d on d.organization_id = holdfast.current_organization() and d.id = chosen.id
order by d.location_id, d.starts_at, d.id;

-- name: appointments_by_id
-- These appointments, by start.
select d.id, d.state, d.revision, d.hold_id, d.client_id, d.client_name, d.client_email, d.client_phone, d.service_id,
       d.service_name, d.location_id, d.time_zone, d.starts_at, d.ends_at, d.local_start, d.confirmation_code,
       d.price_cents, d.currency, d.surface, d.note, d.cancel_reason, d.created_at, d.overbook_reason, d.claims
from holdfast.appointment_detail d
where d.organization_id = holdfast.current_organization() and d.id = any (%(ids)s::uuid[])
order by d.starts_at, d.id;

-- name: appointments
-- A page of appointments by start, after a cursor. The page is cut before claims are gathered, so its cost is its length.
with page as (
  select a.id, a.starts_at
  from holdfast.appointment a
  where a.organization_id = holdfast.current_organization()
    and (%(from_at)s::timestamptz is null or a.starts_at >= %(from_at)s)
    and (%(to_at)s::timestamptz is null or a.starts_at < %(to_at)s)
    and (%(after_at)s::timestamptz is null or (a.starts_at, a.id) > (%(after_at)s, %(after_id)s))
    and (%(state)s::text is null or a.state = %(state)s)
    and (%(client_id)s::uuid is null or a.client_id = %(client_id)s)
    and (%(location_id)s::uuid is null or a.location_id = %(location_id)s)
    and (%(resource_id)s::uuid is null or exists (
      select from holdfast.claim k
      join holdfast.unit u on u.organization_id = k.organization_id and u.id = k.unit_id
      where k.organization_id = a.organization_id and k.hold_id = a.hold_id and u.resource_id = %(resource_id)s))
  order by a.starts_at, a.id
  limit %(limit)s
)
select d.id, d.state, d.revision, d.hold_id, d.client_id, d.client_name, d.client_email, d.client_phone, d.service_id,
       d.service_name, d.location_id, d.time_zone, d.starts_at, d.ends_at, d.local_start, d.confirmation_code,
       d.price_cents, d.currency, d.surface, d.note, d.cancel_reason, d.created_at, d.overbook_reason, d.claims, d.visit_id
from page
join holdfast.appointment_detail d on d.organization_id = holdfast.current_organization() and d.id = page.id
order by page.starts_at, page.id;

-- name: change_note
-- What staff wrote about the visit.
select id, state, revision, hold_id, client_id, client_name, client_email, client_phone, service_id, service_name,
       location_id, time_zone, starts_at, ends_at, local_start, confirmation_code, price_cents, currency, surface, note,
       cancel_reason, created_at, overbook_reason, claims
from holdfast.change_note(%(appointment_id)s, %(revision)s, %(note)s);

-- name: appointment_of_code
-- The appointment that a client was told this code for.
select id from holdfast.appointment
where organization_id = holdfast.current_organization() and confirmation_code = %(code)s;

-- name: services_by_use
-- Services by how often they were booked in the last weeks, the most first.
select service_id from holdfast.appointment
where organization_id = holdfast.current_organization()
  and starts_at > holdfast.clock() - interval '30 days' and starts_at <= holdfast.clock()
group by service_id
order by count(*) desc, service_id;

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

-- name: location_time_zone
-- The zone in which a location's wall times are read.
select time_zone
from holdfast.location
where organization_id = holdfast.current_organization() and (id = %(id)s or slug = %(slug)s);

-- name: id_of_slug
-- The id behind a slug; slugs are unique within an organization.
select id from (
  select 'service' as kind, id, slug, organization_id from holdfast.service
  union all select 'location', id, slug, organization_id from holdfast.location
  union all select 'resource', id, slug, organization_id from holdfast.resource
) named
where organization_id = holdfast.current_organization() and kind = %(kind)s and slug = %(slug)s;

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

-- name: live_holds_of_visitor
-- What one visitor holds now, the latest first.
select d.id, d.state, d.service_id, d.location_id, d.time_zone, d.starts_at, d.ends_at, d.created_at, d.expires_at,
       d.extensions, d.surface, d.overbook_reason, d.claims, d.visit_id
from holdfast.hold h
join holdfast.hold_detail d on d.organization_id = h.organization_id and d.id = h.id
where h.organization_id = holdfast.current_organization() and h.state = 'live' and h.visitor = %(visitor)s
  and h.expires_at > holdfast.clock()
order by h.created_at desc;

-- name: hold_of_visitor
-- A hold of one visitor, whatever its state.
select d.id, d.state, d.service_id, d.location_id, d.time_zone, d.starts_at, d.ends_at, d.created_at, d.expires_at,
       d.extensions, d.surface, d.overbook_reason, d.claims, d.visit_id
from holdfast.hold h
join holdfast.hold_detail d on d.organization_id = h.organization_id and d.id = h.id
where h.organization_id = holdfast.current_organization() and h.id = %(hold_id)s and h.visitor = %(visitor)s;

-- name: booked_by_visitor
-- What came of a visitor's hold: its appointment, else the one that they booked by taking the same time again after it ended.
select a.id
from holdfast.hold h
join holdfast.appointment a
  on a.organization_id = h.organization_id and (a.hold_id = h.id or (a.starts_at = h.starts_at and a.blocking))
join holdfast.hold b on b.organization_id = a.organization_id and b.id = a.hold_id
where h.organization_id = holdfast.current_organization() and h.id = %(hold_id)s and h.visitor = %(visitor)s
  and b.visitor = h.visitor and b.service_id = h.service_id and b.location_id = h.location_id
  and (b.id = h.id or (h.state in ('released', 'expired') and b.created_at >= h.expires_at))
order by b.id = h.id desc, a.id
limit 1;

-- name: leave_hold
-- The hold lasts only so many seconds more.
select holdfast.leave_hold(%(hold_id)s, %(seconds)s);

-- name: return_to_hold
-- The hold has its term again.
select id, state, service_id, location_id, time_zone, starts_at, ends_at, created_at, expires_at, extensions, surface,
       overbook_reason, claims, visit_id
from holdfast.return_to_hold(%(hold_id)s);

-- name: issue_visit_link
-- Store the hash of a private link's token.
select holdfast.issue_visit_link(%(appointment_id)s, %(token_hash)s);

-- name: replace_visit_link
-- Store the hash of a private link's token, and end the links before it.
select holdfast.replace_visit_link(%(appointment_id)s, %(token_hash)s);

-- name: visit_link_generation
-- The number of the links that are good now.
select holdfast.visit_link_generation(%(appointment_id)s) as number;

-- name: ask_for_visit_link
-- Owe the client a message with a link.
select holdfast.ask_for_visit_link(%(appointment_id)s);

-- name: visit_of_any_link
-- Which visit a private link is or was to.
select organization_id, organization_slug, appointment_id from holdfast.visit_of_any_link(%(token_hash)s);

-- name: visit_of_link
-- Which visit a private link is to.
select organization_id, organization_slug, appointment_id from holdfast.visit_of_link(%(token_hash)s);

-- name: suspicion
-- How far a visitor and their network are beyond what people do, and what the visitor held last.
select level, last_hold_id from holdfast.suspicion(%(visitor)s, %(network)s);

-- name: place_visit
-- Hold every appointment of a visit, all or nothing.
select id, state, service_id, location_id, time_zone, starts_at, ends_at, created_at, expires_at, extensions, surface,
       overbook_reason, claims, visit_id
from holdfast.place_visit(%(location_id)s, %(items)s, %(max_wait_minutes)s, %(same_provider)s::jsonb, %(ttl_seconds)s,
                          %(visitor)s, %(network)s, %(outside_rules)s);

-- name: confirm_visit
-- A held visit becomes its appointments, all or none.
select id, state, revision, hold_id, client_id, client_name, client_email, client_phone, service_id, service_name,
       location_id, time_zone, starts_at, ends_at, local_start, confirmation_code, price_cents, currency, surface, note,
       cancel_reason, created_at, overbook_reason, claims, visit_id
from holdfast.confirm_visit(%(visit_id)s, %(client)s, %(note)s);

-- name: extend_visit
-- A fresh term for the whole visit.
select id, state, service_id, location_id, time_zone, starts_at, ends_at, created_at, expires_at, extensions, surface,
       overbook_reason, claims, visit_id
from holdfast.extend_visit(%(visit_id)s, %(ttl_seconds)s);

-- name: release_visit
-- Give a held visit back; giving back what has ended is no error.
select id, state, service_id, location_id, time_zone, starts_at, ends_at, created_at, expires_at, extensions, surface,
       overbook_reason, claims, visit_id
from holdfast.release_visit(%(visit_id)s);

-- name: leave_visit
-- The held visit lasts only so many seconds more.
select holdfast.leave_visit(%(visit_id)s, %(seconds)s);

-- name: return_to_visit
-- The held visit has its term again.
select id, state, service_id, location_id, time_zone, starts_at, ends_at, created_at, expires_at, extensions, surface,
       overbook_reason, claims, visit_id
from holdfast.return_to_visit(%(visit_id)s);

-- name: cancel_visit
-- Cancel what of the visit has not happened yet.
select id, state, revision, hold_id, client_id, client_name, client_email, client_phone, service_id, service_name,
       location_id, time_zone, starts_at, ends_at, local_start, confirmation_code, price_cents, currency, surface, note,
       cancel_reason, created_at, overbook_reason, claims, visit_id
from holdfast.cancel_visit(%(visit_id)s, %(revision)s, %(reason)s);

-- name: reschedule_visit
-- Move a visit as one; on conflict all of it stays where it is.
select id, state, revision, hold_id, client_id, client_name, client_email, client_phone, service_id, service_name,
       location_id, time_zone, starts_at, ends_at, local_start, confirmation_code, price_cents, currency, surface, note,
       cancel_reason, created_at, overbook_reason, claims, visit_id
from holdfast.reschedule_visit(%(visit_id)s, %(revision)s, %(moves)s, %(outside_rules)s);

-- name: visit_by_id
-- A visit by itself; of one visitor, where one is named.
select v.id, v.location_id, l.time_zone, v.max_wait_minutes, v.same_provider, v.surface, v.created_at, v.series_id, v.number
from holdfast.visit v
join holdfast.location l on l.organization_id = v.organization_id and l.id = v.location_id
where v.organization_id = holdfast.current_organization() and v.id = %(visit_id)s
  and (%(visitor)s::bytea is null or exists (
    select from holdfast.hold h
    where h.organization_id = v.organization_id and h.visit_id = v.id and h.visitor = %(visitor)s));

-- name: holds_of_visit
-- What a visit holds or held, by start.
select id, state, service_id, location_id, time_zone, starts_at, ends_at, created_at, expires_at, extensions, surface,
       overbook_reason, claims, visit_id
from holdfast.hold_detail
where organization_id = holdfast.current_organization() and visit_id = %(visit_id)s order by starts_at, id;

-- name: appointments_of_visit
-- The appointments of a visit, by start.
select id, state, revision, hold_id, client_id, client_name, client_email, client_phone, service_id, service_name,
       location_id, time_zone, starts_at, ends_at, local_start, confirmation_code, price_cents, currency, surface, note,
       cancel_reason, created_at, overbook_reason, claims, visit_id
from holdfast.appointment_detail
where organization_id = holdfast.current_organization() and visit_id = %(visit_id)s order by starts_at, id;

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
-- What the visits of a board are: held or booked, what for, and for whom.
select h.id as hold_id, h.location_id, h.starts_at, h.ends_at, h.service_id, s.name::text as service_name,
       case when h.state = 'live' then h.expires_at end as expires_at, h.surface::text, h.overbook_reason,
       a.id as appointment_id, coalesce(a.state, 'held') as state, coalesce(a.revision, 0) as revision,
       a.confirmation_code, c.id as client_id, c.name::text as client_name, a.note is not null as has_note,
       kept.offer_id
from holdfast.hold h
join holdfast.service s on s.organization_id = h.organization_id and s.id = h.service_id
left join holdfast.appointment a on a.organization_id = h.organization_id and a.hold_id = h.id
left join lateral (
  -- offered to several at once, it is shown with the first
  select o.id as offer_id, w.client_id from holdfast.offer o
  join holdfast.waitlist_entry w on w.organization_id = o.organization_id and w.id = o.entry_id
  where o.organization_id = h.organization_id and o.hold_id = h.id and o.state = 'open'
  order by o.sent_at, o.id limit 1
) kept on h.state = 'live'
left join holdfast.client c on c.organization_id = h.organization_id and c.id = coalesce(a.client_id, kept.client_id)
where h.organization_id = holdfast.current_organization() and h.id = any (%(hold_ids)s);

-- name: place_series
-- Hold every visit of a series, all or nothing.
select id, state, service_id, location_id, time_zone, starts_at, ends_at, created_at, expires_at, extensions, surface,
       overbook_reason, claims, visit_id
from holdfast.place_series(%(location_id)s, %(visits)s, %(asked)s, %(days_min)s, %(days_max)s, %(max_wait_minutes)s,
                           %(same_provider)s::jsonb, %(ttl_seconds)s, %(visitor)s, %(network)s, %(outside_rules)s);

-- name: confirm_series
-- A held series becomes its appointments, all or none.
select id, state, revision, hold_id, client_id, client_name, client_email, client_phone, service_id, service_name,
       location_id, time_zone, starts_at, ends_at, local_start, confirmation_code, price_cents, currency, surface, note,
       cancel_reason, created_at, overbook_reason, claims, visit_id
from holdfast.confirm_series(%(series_id)s, %(client)s, %(note)s);

-- name: extend_series
-- A fresh term for the whole series.
select id, state, service_id, location_id, time_zone, starts_at, ends_at, created_at, expires_at, extensions, surface,
       overbook_reason, claims, visit_id
from holdfast.extend_series(%(series_id)s, %(ttl_seconds)s);

-- name: release_series
-- Give a held series back; giving back what has ended is no error.
select id, state, service_id, location_id, time_zone, starts_at, ends_at, created_at, expires_at, extensions, surface,
       overbook_reason, claims, visit_id
from holdfast.release_series(%(series_id)s);

-- name: cancel_series
-- Cancel what of the series is still to come.
select id, state, revision, hold_id, client_id, client_name, client_email, client_phone, service_id, service_name,
       location_id, time_zone, starts_at, ends_at, local_start, confirmation_code, price_cents, currency, surface, note,
       cancel_reason, created_at, overbook_reason, claims, visit_id
from holdfast.cancel_series(%(series_id)s, %(revision)s, %(reason)s);

-- name: reschedule_series
-- Move what of the series is still to come; on conflict all of it stays where it is.
select id, state, revision, hold_id, client_id, client_name, client_email, client_phone, service_id, service_name,
       location_id, time_zone, starts_at, ends_at, local_start, confirmation_code, price_cents, currency, surface, note,
       cancel_reason, created_at, overbook_reason, claims, visit_id
from holdfast.reschedule_series(%(series_id)s, %(revision)s, %(moves)s, %(asked)s, %(outside_rules)s);

-- name: series_by_id
-- A series by itself.
select s.id, s.location_id, l.time_zone, s.asked, s.days_min, s.days_max, s.surface, s.created_at
from holdfast.series s
join holdfast.location l on l.organization_id = s.organization_id and l.id = s.location_id
where s.organization_id = holdfast.current_organization() and s.id = %(series_id)s;

-- name: series
-- A page of series, the latest first, after a cursor; of one client, where one is named.
select s.id, s.location_id, l.time_zone, s.asked, s.days_min, s.days_max, s.surface, s.created_at
from holdfast.series s
join holdfast.location l on l.organization_id = s.organization_id and l.id = s.location_id
where s.organization_id = holdfast.current_organization()
  and (%(after_at)s::timestamptz is null or (s.created_at, s.id) < (%(after_at)s, %(after_id)s))
  and (%(client_id)s::uuid is null or exists (
    select from holdfast.visit v
    join holdfast.hold h on h.organization_id = v.organization_id and h.visit_id = v.id
    join holdfast.appointment a on a.organization_id = h.organization_id and a.hold_id = h.id
    where v.organization_id = s.organization_id and v.series_id = s.id and a.client_id = %(client_id)s))
order by s.created_at desc, s.id desc
limit %(limit)s;

-- name: visits_of_series
-- The visits of some series, by number.
select v.id, v.location_id, l.time_zone, v.max_wait_minutes, v.same_provider, v.surface, v.created_at, v.series_id, v.number
from holdfast.visit v
join holdfast.location l on l.organization_id = v.organization_id and l.id = v.location_id
where v.organization_id = holdfast.current_organization() and v.series_id = any (%(series_ids)s::uuid[])
order by v.series_id, v.number;

-- name: holds_of_series
-- What some series hold or held, by start.
select d.id, d.state, d.service_id, d.location_id, d.time_zone, d.starts_at, d.ends_at, d.created_at,
       d.expires_at, d.extensions, d.surface, d.overbook_reason, d.claims, d.visit_id
from holdfast.visit v
join holdfast.hold_detail d on d.organization_id = v.organization_id and d.visit_id = v.id
where v.organization_id = holdfast.current_organization() and v.series_id = any (%(series_ids)s::uuid[])
order by d.starts_at, d.id;

-- name: appointments_of_series
-- The appointments of some series, by start.
select d.id, d.state, d.revision, d.hold_id, d.client_id, d.client_name, d.client_email, d.client_phone,
       d.service_id, d.service_name, d.location_id, d.time_zone, d.starts_at, d.ends_at, d.local_start,
       d.confirmation_code, d.price_cents, d.currency, d.surface, d.note, d.cancel_reason, d.created_at,
       d.overbook_reason, d.claims, d.visit_id
from holdfast.visit v
join holdfast.appointment_detail d on d.organization_id = v.organization_id and d.visit_id = v.id
where v.organization_id = holdfast.current_organization() and v.series_id = any (%(series_ids)s::uuid[])
order by d.starts_at, d.id;

-- name: record_absence
-- Time off for a resource that is out, unless what stands covers it: the new rule's id, or nothing.
select holdfast.add_dated_rule(%(location_id)s, %(resource_id)s, 'time_off', %(starts)s, %(ends)s, %(reason)s)
where not exists (
  select from holdfast.dated_rule d
  where d.organization_id = holdfast.current_organization() and d.resource_id = %(resource_id)s and d.kind = 'time_off'
    and (d.location_id is null or d.location_id = %(location_id)s) and d.starts <= %(starts)s and d.ends >= %(ends)s);

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
