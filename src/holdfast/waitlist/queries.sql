-- The waitlist: its commands, the line as it stands, what is due, and what came of it.

-- name: join
-- Wait for a time; the entry's id.
select holdfast.join_waitlist(%(wish)s, %(client)s, %(appointment_id)s, %(visitor)s, %(network)s);

-- name: leave
-- Wait no more; the state the entry is in now.
select holdfast.leave_waitlist(%(entry_id)s);

-- name: entries
-- The line, oldest first, after a place in it; of one state, or everybody who still waits.
select e.id, e.state, e.client_id, e.service_ids, e.provider_ids, e.location_ids, e.windows, e.earliest_on, e.latest_on,
       e.notice_minutes, e.party_size, e.priority, e.appointment_id, a.starts_at as appointment_starts_at, e.joined_at
from holdfast.waitlist_entry e
left join holdfast.appointment a on a.organization_id = e.organization_id and a.id = e.appointment_id
where e.organization_id = holdfast.current_organization()
  and (e.state = %(state)s::text or %(state)s::text is null and e.state in ('waiting', 'offered'))
  and (%(location_id)s::uuid is null or %(location_id)s::uuid = any (e.location_ids))
  and (%(after_at)s::timestamptz is null or (e.joined_at, e.id) > (%(after_at)s::timestamptz, %(after_id)s::uuid))
order by e.joined_at, e.id
limit %(limit)s;

-- name: entries_of_client
-- What one client waits for or was just offered, first come first.
select e.id
from holdfast.waitlist_entry e
where e.organization_id = holdfast.current_organization() and e.client_id = %(client_id)s
  and e.state in ('waiting', 'offered')
order by e.joined_at, e.id
limit 100;

-- name: entry_by_id
-- One entry, whatever its state.
select e.id, e.state, e.client_id, e.service_ids, e.provider_ids, e.location_ids, e.windows, e.earliest_on, e.latest_on,
       e.notice_minutes, e.party_size, e.priority, e.appointment_id, a.starts_at as appointment_starts_at, e.joined_at
from holdfast.waitlist_entry e
left join holdfast.appointment a on a.organization_id = e.organization_id and a.id = e.appointment_id
where e.organization_id = holdfast.current_organization() and e.id = %(entry_id)s;

-- name: entry_for_earlier
-- The place in the line for an earlier time of this appointment.
select e.id from holdfast.waitlist_entry e
join holdfast.appointment a on a.organization_id = e.organization_id and a.id = e.appointment_id
where e.organization_id = holdfast.current_organization() and e.client_id = a.client_id and a.id = %(appointment_id)s
  and e.state in ('waiting', 'offered');

-- name: names_in_line
-- The names of those who wait in these entries, and of what they wait for.
select e.id, c.name::text as client_name,
       array(select s.name::text from holdfast.service s
             where s.organization_id = e.organization_id and s.id = any (e.service_ids)
             order by array_position(e.service_ids, s.id)) as service_names,
       array(select r.name::text from holdfast.resource r
             where r.organization_id = e.organization_id and r.id = any (e.provider_ids) order by r.name) as provider_names,
       array(select l.name::text from holdfast.location l
             where l.organization_id = e.organization_id and l.id = any (e.location_ids) order by l.name) as location_names,
       (c.email is not null and not holdfast.opted_out(c, 'email') or c.phone is not null and not holdfast.opted_out(c, 'sms'))
         as reachable
from holdfast.waitlist_entry e
join holdfast.client c on c.organization_id = e.organization_id and c.id = e.client_id
where e.organization_id = holdfast.current_organization() and e.id = any (%(entry_ids)s);

-- name: candidates
-- Who waits at the opening's location, can be told, and was not offered too much else today.
select e.id, e.state, e.client_id, e.service_ids, e.provider_ids, e.location_ids, e.windows, e.earliest_on, e.latest_on,
       e.notice_minutes, e.party_size, e.priority, e.appointment_id, a.starts_at as appointment_starts_at, e.joined_at
from holdfast.waitlist_entry e
join holdfast.client c on c.organization_id = e.organization_id and c.id = e.client_id
cross join holdfast.offer_channels(%(working)s) as ways
left join holdfast.appointment a on a.organization_id = e.organization_id and a.id = e.appointment_id
where e.organization_id = holdfast.current_organization() and e.state = 'waiting'
  and %(location_id)s::uuid = any (e.location_ids)
  and (e.appointment_id is null or a.state = 'confirmed')
  and (cardinality(ways) = 0 or holdfast.can_be_told(c, ways))
  and %(offers_max)s > (
    select count(*)
    from holdfast.waitlist_entry w
    join holdfast.offer o on o.organization_id = w.organization_id and o.entry_id = w.id
    join holdfast.location l on l.organization_id = w.organization_id and l.id = %(location_id)s
    where w.organization_id = e.organization_id and w.client_id = e.client_id
      and (o.sent_at at time zone l.time_zone)::date = (holdfast.clock() at time zone l.time_zone)::date)
order by e.joined_at, e.id
limit 2000;

-- name: asked
-- What of an opening was offered already, to whom, and what it would have taken.
select x.entry_id, h.starts_at, h.ends_at,
       array(select distinct k.unit_id from holdfast.claim k
             where k.organization_id = x.organization_id and k.hold_id = x.hold_id) as unit_ids
from holdfast.offer x
join holdfast.hold h on h.organization_id = x.organization_id and h.id = x.hold_id
where x.organization_id = holdfast.current_organization() and x.opening_id = %(opening_id)s;

-- name: quiet_hours
-- When clients of a location are not written to.
select coalesce(q.quiet_from, p.quiet_from, '21:00') as quiet_from, coalesce(q.quiet_until, p.quiet_until, '08:00') as quiet_until
from holdfast.location l
left join holdfast.message_policy p on p.organization_id = l.organization_id
left join holdfast.location_quiet_hours q on q.organization_id = l.organization_id and q.location_id = l.id
where l.organization_id = holdfast.current_organization() and l.id = %(location_id)s;

-- name: elsewhere
-- Where these clients have appointments in a window.
select client_id, starts_at, ends_at, id from holdfast.appointment
where organization_id = holdfast.current_organization() and client_id = any (%(client_ids)s)
  and starts_at < %(to_at)s and ends_at > %(from_at)s and state in ('confirmed', 'checked_in');

-- name: prices
-- What each service costs now.
select id, price_cents from holdfast.service where organization_id = holdfast.current_organization();

-- name: policies
-- How each service is offered, by what is said or by default.
select p.service_id, p.mode, p.offer_minutes_max, p.offer_minutes_min, p.answer_percent, p.cut_off_minutes, p.quiet_from,
       p.quiet_until, p.offers_per_slot_max, p.offers_per_client_and_day_max, p.partial_fit_min_cents,
       holdfast.waitlist_policy_revision(p) as revision
from holdfast.service s cross join lateral holdfast.waitlist_policy_of(s.id) p
where s.organization_id = holdfast.current_organization() and s.retired_at is null;

-- name: set_policy
-- Change what is given.
select p.service_id, p.mode, p.offer_minutes_max, p.offer_minutes_min, p.answer_percent, p.cut_off_minutes, p.quiet_from,
       p.quiet_until, p.offers_per_slot_max, p.offers_per_client_and_day_max, p.partial_fit_min_cents,
       holdfast.waitlist_policy_revision(p) as revision
from holdfast.set_waitlist_policy(%(service_id)s, %(changes)s, %(revision)s) p;

-- name: note_openings
-- What fell free by these events; how many openings are new.
select holdfast.note_openings(%(event_ids)s);

-- name: due_openings
-- What is to be offered now, the soonest first; what is over is left alone.
select id, location_id, cause, service_id, client_id, starts_at, ends_at, resource_ids, freed_at, due_at
from holdfast.waitlist_opening
where organization_id = holdfast.current_organization() and due_at <= holdfast.clock()
order by starts_at, id
limit 100;

-- name: rest_opening
-- Nobody fits now, or look again then; unless it was woken meanwhile.
select holdfast.rest_opening(%(opening_id)s, %(seen_due_at)s, %(due_at)s);

-- name: make_offers
-- Hold a visit and offer it, all or nothing.
select id from holdfast.make_offers(%(opening_id)s, %(service_id)s, %(location_id)s, %(start)s, %(choices)s, %(seconds)s,
                                    %(offers)s);

-- name: offers
-- Offers, newest first, after a place in the list.
select id, entry_id, opening_id, hold_id, client_id, service_id, location_id, time_zone, starts_at, ends_at, state, why,
       sent_at, expires_at, settled_at, appointment_id
from holdfast.offer_detail
where organization_id = holdfast.current_organization()
  and (%(state)s::text is null or state = %(state)s)
  and (%(entry_id)s::uuid is null or entry_id = %(entry_id)s)
  and (%(after_at)s::timestamptz is null or (sent_at, id) < (%(after_at)s::timestamptz, %(after_id)s::uuid))
order by sent_at desc, id desc
limit %(limit)s;

-- name: offers_of_entries
-- Every offer that these entries were made, newest first.
select id, entry_id, opening_id, hold_id, client_id, service_id, location_id, time_zone, starts_at, ends_at, state, why,
       sent_at, expires_at, settled_at, appointment_id
from holdfast.offer_detail
where organization_id = holdfast.current_organization() and entry_id = any (%(entry_ids)s)
order by sent_at desc, id desc;

-- name: offer_by_id
-- One offer.
select id, entry_id, opening_id, hold_id, client_id, service_id, location_id, time_zone, starts_at, ends_at, state, why,
       sent_at, expires_at, settled_at, appointment_id
from holdfast.offer_detail
where organization_id = holdfast.current_organization() and id = %(offer_id)s;

-- name: named_offers
-- Offers with the names of whom and what they are for: one, or those that are open at a location in a time.
select x.id, x.entry_id, x.client_id, c.name::text as client_name, x.service_id, s.name::text as service_name, x.location_id,
       l.name::text as location_name, x.time_zone, x.starts_at, x.ends_at, x.state, x.expires_at, x.hold_id,
       (select m.state from holdfast.message m where m.organization_id = x.organization_id and m.offer_id = x.id) as told
from holdfast.offer_detail x
join holdfast.client c on c.organization_id = x.organization_id and c.id = x.client_id
join holdfast.service s on s.organization_id = x.organization_id and s.id = x.service_id
join holdfast.location l on l.organization_id = x.organization_id and l.id = x.location_id
where x.organization_id = holdfast.current_organization()
  and case when %(offer_id)s::uuid is not null then x.id = %(offer_id)s
      else x.state = 'open' and x.location_id = %(location_id)s and x.starts_at < %(to_at)s and x.ends_at > %(from_at)s end
order by x.starts_at, x.id
limit 20;

-- name: fell_free
-- What fell free lately and is not over, the latest first, and what came of it so far.
select o.id, o.cause, l.name::text as location_name, l.time_zone, s.name::text as service_name,
       array(select r.name::text from holdfast.resource r
             where r.organization_id = o.organization_id and r.id = any (o.resource_ids)
               and (r.kind = 'provider' or cardinality(o.resource_ids) = 1) order by r.name) as resource_names,
       o.starts_at, o.ends_at, o.freed_at, o.due_at, holdfast.clock() as now,
       (select count(*) from holdfast.offer x where x.organization_id = o.organization_id and x.opening_id = o.id) as offers,
       (select count(*) from holdfast.offer x
        where x.organization_id = o.organization_id and x.opening_id = o.id and x.state = 'accepted') as accepted,
       last.id as offer_id, last.client_name, last.expires_at
from holdfast.waitlist_opening o
join holdfast.location l on l.organization_id = o.organization_id and l.id = o.location_id
left join holdfast.service s on s.organization_id = o.organization_id and s.id = o.service_id
left join lateral (
  select x.id, c.name::text as client_name, x.expires_at from holdfast.offer x
  join holdfast.waitlist_entry e on e.organization_id = x.organization_id and e.id = x.entry_id
  join holdfast.client c on c.organization_id = e.organization_id and c.id = e.client_id
  where x.organization_id = o.organization_id and x.opening_id = o.id and x.state = 'open'
  order by x.sent_at desc, x.id limit 1
) last on true
where o.organization_id = holdfast.current_organization() and o.ends_at > holdfast.clock()
  and (%(location_id)s::uuid is null or o.location_id = %(location_id)s)
order by o.freed_at desc, o.id
limit 6;

-- name: find_offer
-- Whose offer a token opens.
select organization_id, offer_id from holdfast.find_offer(%(token_hash)s);

-- name: accept
-- Say yes; the appointment.
select id from holdfast.accept_offer(%(offer_id)s);

-- name: decline
-- Say no, or be passed over; the state the offer is in now.
select holdfast.decline_offer(%(offer_id)s, %(skipped)s);

-- name: give_up_telling
-- Its message will not reach the client; the state the offer is in now.
select holdfast.give_up_telling(%(offer_id)s);

-- name: withdraw
-- Take the time back for somebody else, in a transaction that books it.
select id from holdfast.withdraw_offer(%(offer_id)s);

-- name: tidy
-- Settle what ran out; how many offers and entries.
select holdfast.tidy_waitlist();

-- name: waitlists_due
-- The organizations whose waitlist has something to do.
select organization_id from holdfast.waitlists_due() as organization_id;

-- name: rates
-- Per local week, service that went and location: what fell free, was offered, was filled, how fast, and what it earned.
with openings as (
  select o.id, date_trunc('week', o.freed_at at time zone l.time_zone)::date as week, o.service_id, o.location_id,
         l.name as location_name, o.freed_at
  from holdfast.waitlist_opening o
  join holdfast.location l on l.organization_id = o.organization_id and l.id = o.location_id
  where o.organization_id = holdfast.current_organization() and o.freed_at >= %(from_at)s and o.freed_at < %(to_at)s
), outcomes as (
  select p.id, count(x.id) > 0 as offered, count(x.id) filter (where x.state = 'accepted') > 0 as filled,
         min(x.settled_at) filter (where x.state = 'accepted') - p.freed_at as took,
         coalesce(sum(a.price_cents) filter (
           where x.state = 'accepted' and e.appointment_id is null and a.state not in ('cancelled', 'no_show')), 0) as cents
  from openings p
  left join holdfast.offer x on x.organization_id = holdfast.current_organization() and x.opening_id = p.id
  left join holdfast.waitlist_entry e on e.organization_id = x.organization_id and e.id = x.entry_id
  left join holdfast.appointment a on a.organization_id = x.organization_id and a.id = x.appointment_id
  group by p.id, p.freed_at
)
select p.week, p.service_id, s.name as service_name, p.location_id, p.location_name, count(*) as openings,
       count(*) filter (where c.offered) as offered, count(*) filter (where c.filled) as filled,
       percentile_cont(0.5) within group (order by extract(epoch from c.took) / 60) as median_minutes_to_fill,
       sum(c.cents)::bigint as recovered_cents
from openings p
join outcomes c on c.id = p.id
left join holdfast.service s on s.organization_id = holdfast.current_organization() and s.id = p.service_id
group by p.week, p.service_id, s.name, p.location_id, p.location_name
order by p.week desc, p.location_name, s.name nulls last;
