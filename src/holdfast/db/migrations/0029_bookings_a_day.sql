-- A limit on live holds alone is no limit for who confirms what they hold: strangers may also book only so much a day.
alter table holdfast.hold_policy
  add column bookings_per_visitor_and_day_max integer,
  add column bookings_per_network_and_day_max integer,
  drop constraint hold_policy_limits_are_positive,
  add constraint hold_policy_limits_are_positive check (
    live_holds_per_visitor_max > 0 and live_holds_per_network_max > 0 and live_holds_per_actor_max > 0
    and bookings_per_visitor_and_day_max > 0 and bookings_per_network_and_day_max > 0
  );
select set_config('holdfast.actor', 'system', true), set_config('holdfast.surface', 'system', true);
update holdfast.hold_policy set bookings_per_visitor_and_day_max = 10, bookings_per_network_and_day_max = 100
where surface in ('widget', 'assistant');

-- Why somebody was overbooked may be words about a person. They stay with the hold, which can be erased; the log, which
-- can not, keeps that it was done.
update holdfast.event
set data = data - 'overbook_reason' || jsonb_build_object('overbook', data ->> 'overbook_reason' is not null)
where type = 'hold.placed' and data ? 'overbook_reason';
