-- Several appointments as one: visits, and series of them.

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
