-- name: clock
-- The database's clock, which decides what is past.
select holdfast.clock();

-- name: visits_per_day
-- How many visits each day of the zone has, in any state.
select (starts_at at time zone %(zone)s)::date as day, count(*)::integer as visits
from holdfast.appointment
where organization_id = holdfast.current_organization() and starts_at >= %(from_at)s
group by 1;

-- name: open_visits
-- The visits of a time whose outcome is open, in an order that does not depend on who booked first.
select a.id, a.starts_at, a.ends_at, a.revision
from holdfast.appointment a
join holdfast.client c on c.organization_id = a.organization_id and c.id = a.client_id
where a.organization_id = holdfast.current_organization() and a.state = 'confirmed'
  and a.starts_at >= %(from_at)s and a.starts_at < %(to_at)s
order by a.starts_at, c.email, a.id;

-- name: refresh_statistics
-- Let the planner know what is there by now.
select holdfast.refresh_statistics();

-- name: never_quiet
-- Messages go out at any hour.
select holdfast.set_message_policy('{"quiet_from": "00:00", "quiet_until": "00:00"}');
