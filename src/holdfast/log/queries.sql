-- Reading the log. `position` is (transaction_id, id) as text: the order in which readers meet events.

-- name: events_after
-- The events after a position, of transactions that can no longer be passed over: everything older than the oldest
-- transaction still running has ended, so nothing can appear behind the reader.
select id, transaction_id::text || '.' || id as position, at, type, version, subject_id, actor, surface, data
from holdfast.event
where organization_id = holdfast.current_organization()
  and (transaction_id, id) > (%(transaction_id)s::text::xid8, %(id)s::bigint)
  and transaction_id < pg_snapshot_xmin(pg_current_snapshot())
order by transaction_id, id
limit %(limit)s::integer;

-- name: position_now
-- The position behind which lies everything that events_after could give now.
select pg_snapshot_xmin(pg_current_snapshot())::text || '.0';

-- name: history
-- The story of one appointment: its own events and those of every hold it stood on, in order.
with own as (
  select id, data from holdfast.event
  where organization_id = holdfast.current_organization() and subject_id = %(appointment_id)s
    and type in ('appointment.booked', 'appointment.rescheduled')
)
select id, transaction_id::text || '.' || id as position, at, type, version, subject_id, actor, surface, data,
       holdfast.event_epoch(id) as epoch
from holdfast.event
where organization_id = holdfast.current_organization()
  and (subject_id = %(appointment_id)s or subject_id in (select (data ->> 'hold_id')::uuid from own))
order by id;

-- name: events_to_relay
-- What the relay has not handed on yet, of every organization, in commit order.
select organization_id, id, transaction_id::text as transaction_id, type from holdfast.events_to_relay(%(limit)s);

-- name: advance_relay
-- Everything up to this event is handed on.
select holdfast.advance_relay(%(transaction_id)s::text::xid8, %(event_id)s);

-- name: adopt_log
-- After a restore into another cluster: count transactions anew; whether that was so.
select holdfast.adopt_log();

-- name: relay_lag
-- How many events wait for the relay, and for how many seconds the first of them.
select waiting, seconds from holdfast.relay_lag();

-- name: feed
-- Events for the live feed after a position; without any, one row that says the horizon.
select horizon, id, epoch, transaction_id, at, type, subject_id, actor, surface, data
from holdfast.feed(%(transaction_id)s::text::xid8, %(event_id)s, %(limit)s);

-- name: feed_now
-- Where the log stands now.
select horizon, cluster_id from holdfast.feed_now();

-- name: backlog
-- What waits behind the bookings, of every organization.
select what, waiting, seconds, stuck from holdfast.backlog();
