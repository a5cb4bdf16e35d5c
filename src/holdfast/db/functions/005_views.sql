-- What a reader gets to see of a hold and an appointment: one row, its claims as a JSON array in order of role and time.
-- security_invoker: the reader's own row-level security applies.

-- With the owner's rights, although readers come here too: commands and the server's role call it in turn, and a plan is
-- made anew whenever the role whose policies are in it changes (measured: a seventh of a hold). Hence its own filter.
create or replace function holdfast.claims_of_hold(p_organization_id uuid, p_hold_id uuid) returns jsonb
language plpgsql stable security definer
set search_path = holdfast, pg_temp
as $$
begin
  return (select coalesce(jsonb_agg(jsonb_build_object(
           'role', k.role, 'resource_id', r.id, 'resource_name', r.name, 'kind', r.kind, 'unit_id', k.unit_id,
           'starts_at', lower(k.during), 'ends_at', upper(k.during),
           'segment_starts_at', lower(k.segment), 'segment_ends_at', upper(k.segment),
           'overbook', k.overbook
         ) order by k.role, lower(k.during), r.name), '[]')
  from claim k
  join unit u on u.organization_id = k.organization_id and u.id = k.unit_id
  join resource r on r.organization_id = u.organization_id and r.id = u.resource_id
  where k.organization_id = p_organization_id and k.organization_id = current_organization() and k.hold_id = p_hold_id);
end $$;
grant execute on function holdfast.claims_of_hold(uuid, uuid) to holdfast_app;

create or replace view holdfast.hold_detail with (security_invoker = true) as
select h.organization_id, h.id, h.state, h.service_id, h.location_id, l.time_zone, h.starts_at, h.ends_at, h.created_at,
       h.expires_at, h.extensions, h.surface, h.overbook_reason,
       holdfast.claims_of_hold(h.organization_id, h.id) as claims, h.visit_id
from holdfast.hold h
join holdfast.location l on l.organization_id = h.organization_id and l.id = h.location_id;
grant select on holdfast.hold_detail to holdfast_app;

create or replace view holdfast.appointment_detail with (security_invoker = true) as
select a.organization_id, a.id, a.state, a.revision, a.hold_id, a.client_id, c.name as client_name, c.email as client_email,
       c.phone as client_phone, a.service_id, s.name as service_name, a.location_id, a.time_zone, a.starts_at, a.ends_at,
       a.local_start, a.confirmation_code, a.price_cents, coalesce(a.currency, o.currency) as currency, a.surface, a.note,
       a.cancel_reason, a.created_at, h.overbook_reason,
       holdfast.claims_of_hold(a.organization_id, a.hold_id) as claims, h.visit_id
from holdfast.appointment a
join holdfast.organization o on o.id = a.organization_id
join holdfast.client c on c.organization_id = a.organization_id and c.id = a.client_id
join holdfast.service s on s.organization_id = a.organization_id and s.id = a.service_id
join holdfast.hold h on h.organization_id = a.organization_id and h.id = a.hold_id;
grant select on holdfast.appointment_detail to holdfast_app;
