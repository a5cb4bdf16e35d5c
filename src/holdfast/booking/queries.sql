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
