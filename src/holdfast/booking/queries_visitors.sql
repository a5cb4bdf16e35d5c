-- Who books without an account: what a browser holds, private links, and how much is too much.

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
