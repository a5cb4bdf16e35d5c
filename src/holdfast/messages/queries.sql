-- Messages: what planning and sending read, the sender's bookkeeping, and people's commands.

-- name: notices
-- What happened to appointments by these events, oldest first.
select e.id, e.type, e.subject_id as appointment_id, (e.data ->> 'revision')::integer as revision, e.at, e.surface::text
from holdfast.event e
where e.organization_id = holdfast.current_organization() and e.id = any (%(event_ids)s) and e.type like 'appointment.%%'
order by e.id;

-- name: facts
-- What planning needs to know of these appointments, or (null) of the next that can still owe something, by id.
select a.id, a.state, a.starts_at, a.ends_at, a.time_zone, coalesce(agreed.at, a.created_at) as agreed_at,
       coalesce(q.quiet_from, p.quiet_from, '21:00') as quiet_from,
       coalesce(q.quiet_until, p.quiet_until, '08:00') as quiet_until,
       coalesce(own.before_minutes, every.before_minutes, array[4320, 120]) as before_minutes,
       case when own.id is not null then own.follow_up_after_minutes else every.follow_up_after_minutes end
         as follow_up_after_minutes,
       holdfast.clock() as now
from holdfast.appointment a
left join holdfast.message_policy p on p.organization_id = a.organization_id
left join holdfast.location_quiet_hours q on q.organization_id = a.organization_id and q.location_id = a.location_id
left join holdfast.reminder_rule own on own.organization_id = a.organization_id and own.service_id = a.service_id
left join holdfast.reminder_rule every on every.organization_id = a.organization_id and every.service_id is null
left join lateral (
  select max(e.at) as at from holdfast.event e
  where e.organization_id = a.organization_id and e.subject_id = a.id
    and e.type in ('appointment.booked', 'appointment.rescheduled')
) agreed on true
where a.organization_id = holdfast.current_organization()
  and case when %(ids)s::uuid[] is null
        then a.state = 'confirmed' and a.starts_at > holdfast.clock()
             and (%(after_at)s::timestamptz is null or (a.starts_at, a.id) > (%(after_at)s::timestamptz, %(after_id)s::uuid))
        else a.id = any (%(ids)s) end
order by a.starts_at, a.id
limit %(limit)s;

-- name: plan
-- Make what is owed about appointments agree with their plans.
select holdfast.plan_messages(%(plans)s);

-- name: plan_offers
-- Make what is owed agree with the offers that these events are about.
select holdfast.plan_offer_messages(%(event_ids)s);

-- name: organizations_due
-- Organizations that have something to send.
select organization_id from holdfast.organizations_with_messages_due();

-- name: lease
-- Some due messages, for this sender alone.
select id, attempts, late from holdfast.lease_messages(%(limit)s, %(lease_seconds)s);

-- name: contexts
-- Everything that decides whether and how these messages go out now.
select m.id, m.kind, m.lead_minutes, m.occasion, m.due_at,
       case
         when m.kind = 'reminder' then exists (
           select from holdfast.message b
           where b.organization_id = m.organization_id and b.appointment_id = m.appointment_id
             and (b.kind = 'reminder' and b.occasion = m.occasion and b.lead_minutes < m.lead_minutes
                  and b.due_at <= holdfast.clock()
               or b.kind in ('confirmation', 'change')
                  and (b.state = 'pending' or b.state = 'sent' and b.settled_at > holdfast.clock() - interval '1 hour')))
         when m.kind in ('confirmation', 'change', 'cancellation') then exists (
           select from holdfast.message b
           where b.organization_id = m.organization_id and b.appointment_id = m.appointment_id
             and b.kind in ('confirmation', 'change', 'cancellation') and b.occasion > m.occasion)
         else false
       end as superseded,
       -- of a visit of several parts, and of a series, the first one speaks for all
       case when m.kind in ('reminder', 'follow_up') then exists (
              select from holdfast.message b
              where b.organization_id = m.organization_id and b.kind = m.kind and b.lead_minutes = m.lead_minutes
                and b.state <> 'skipped'
                and b.appointment_id = any (whole.ids[:array_position(whole.ids, v.appointment_id) - 1]))
            when m.kind in ('confirmation', 'change', 'cancellation') then coalesce(whole.ids[1] <> v.appointment_id, false)
            else false end as told_elsewhere,
       coalesce(whole.starts, array[v.starts_at]) as part_starts,
       coalesce(whole.services, array[s.name::text]) as part_services,
       case when standing.parts > 1 then g.visit_id end as visit_id, standing.starts_at as visit_starts_at,
       standing.ends_at as visit_ends_at, standing.revision as visit_revision,
       v.appointment_id, m.offer_id, v.state, v.surface, v.revision, v.starts_at, v.ends_at, v.confirmation_code,
       v.expires_at, v.time_zone, l.name::text as location_name, l.address,
       s.name::text as service_name,
       (select string_agg(distinct r.name::text, ', ') from holdfast.claim k
        join holdfast.unit u on u.organization_id = k.organization_id and u.id = k.unit_id
        join holdfast.resource r on r.organization_id = u.organization_id and r.id = u.resource_id and r.kind = 'provider'
        where k.organization_id = m.organization_id and k.hold_id = v.hold_id) as provider_name,
       coalesce(p.sender_name, o.name)::text as organization_name, p.reply_to,
       c.id as client_id, c.name::text as client_name, c.email, c.phone,
       holdfast.opted_out(c, 'email') as email_refused, holdfast.opted_out(c, 'sms') as sms_refused,
       coalesce(c.language, p.language, 'en') as language,
       -- an offer has a term, so it goes the way that is read at once
       case when m.kind in ('reminder', 'follow_up', 'waitlist_offer') then coalesce(p.reminder_channels, '{sms,email}')
            else coalesce(p.notice_channels, '{email,sms}') end as channels,
       coalesce(q.quiet_from, p.quiet_from, '21:00') as quiet_from,
       coalesce(q.quiet_until, p.quiet_until, '08:00') as quiet_until,
       coalesce(p.say_service, false) as say_service, coalesce(p.say_provider, false) as say_provider,
       t.subject as own_subject, t.email as own_email, t.sms as own_sms, holdfast.clock() as now
from (
  select organization_id, id, appointment_id, offer_id, kind, lead_minutes, occasion, due_at from holdfast.message
  where organization_id = holdfast.current_organization() and id = any (%(ids)s)
  union all
  -- a preview: a message of this kind that nobody owes
  select organization_id, id, id, null, %(kind)s, 0, 0, holdfast.clock() from holdfast.appointment
  where organization_id = holdfast.current_organization() and id = %(appointment_id)s
) m
join lateral (
  select a.id as appointment_id, a.state, a.surface::text as surface, a.revision, a.starts_at, a.ends_at,
         a.confirmation_code,
         -- the preview of an offer: as if it were made now
         case when m.kind = 'waitlist_offer' then holdfast.clock() + interval '2 hours' end as expires_at,
         a.time_zone, a.location_id, a.service_id, a.client_id, a.hold_id
  from holdfast.appointment a where a.organization_id = m.organization_id and a.id = m.appointment_id
  union all
  select null, x.state, 'system', 1, x.starts_at, x.ends_at, '', x.expires_at, x.time_zone, x.location_id, x.service_id,
         x.client_id, x.hold_id
  from holdfast.offer_detail x where x.organization_id = m.organization_id and x.id = m.offer_id
) v on true
left join lateral (
  select y.id as visit_id, y.series_id from holdfast.hold h
  join holdfast.visit y on y.organization_id = h.organization_id and y.id = h.visit_id
  where h.organization_id = m.organization_id and h.id = v.hold_id
) g on m.offer_id is null
left join lateral (
  -- what a notice is about
  select e.id, e.type, e.transaction_id from holdfast.event e
  where e.organization_id = m.organization_id and e.subject_id = v.appointment_id
    and e.type = case m.kind when 'confirmation' then 'appointment.booked' when 'change' then 'appointment.rescheduled'
                             when 'cancellation' then 'appointment.cancelled' end
    and (e.data ->> 'revision')::bigint = m.occasion
  limit 1
) happened on g.visit_id is not null
left join lateral (
  -- with which the same thing happened in the same moment; of a reminder, all of the visit
  select array_agg(a.id order by a.starts_at, a.id) as ids, array_agg(a.starts_at order by a.starts_at, a.id) as starts,
         array_agg(n.name::text order by a.starts_at, a.id) as services
  from holdfast.visit y
  join holdfast.hold h on h.organization_id = y.organization_id and h.visit_id = y.id
  join holdfast.appointment a on a.organization_id = h.organization_id and a.hold_id = h.id
  join holdfast.service n on n.organization_id = a.organization_id and n.id = a.service_id
  where y.organization_id = m.organization_id
    and (y.id = g.visit_id or y.series_id = g.series_id and happened.id is not null)
    and case when happened.id is null then a.state = v.state
             else exists (
               select from holdfast.event e
               where e.organization_id = a.organization_id and e.subject_id = a.id and e.type = happened.type
                 and e.transaction_id = happened.transaction_id)
               -- what became of a part since is told by itself
               and not exists (
                 select from holdfast.event e
                 where e.organization_id = a.organization_id and e.subject_id = a.id and e.id > happened.id
                   and e.type in ('appointment.rescheduled', 'appointment.cancelled')
                   and e.transaction_id <> happened.transaction_id) end
) whole on g.visit_id is not null
left join lateral (
  -- the visit as it stands, for the calendar of whoever comes: one event, whatever becomes of a part
  select count(*) as parts, min(a.starts_at) filter (where a.blocking) as starts_at,
         max(a.ends_at) filter (where a.blocking) as ends_at, sum(a.revision)::integer as revision
  from holdfast.hold h
  join holdfast.appointment a on a.organization_id = h.organization_id and a.hold_id = h.id
  where h.organization_id = m.organization_id and h.visit_id = g.visit_id
) standing on g.visit_id is not null
join holdfast.organization o on o.id = m.organization_id
join holdfast.client c on c.organization_id = m.organization_id and c.id = v.client_id
join holdfast.service s on s.organization_id = m.organization_id and s.id = v.service_id
join holdfast.location l on l.organization_id = m.organization_id and l.id = v.location_id
left join holdfast.message_policy p on p.organization_id = m.organization_id
left join holdfast.location_quiet_hours q on q.organization_id = m.organization_id and q.location_id = v.location_id
left join holdfast.message_template t on t.organization_id = m.organization_id and t.kind = m.kind
  and t.language = coalesce(c.language, p.language, 'en');

-- name: settle
-- Write down how attempts went.
select holdfast.settle_messages(%(outcomes)s);

-- name: forget_texts
-- Forget the words of messages settled long ago; how many.
select holdfast.forget_message_texts();

-- name: messages
-- Messages, newest first, after a place in the list.
select m.id, m.appointment_id, m.offer_id, m.client_id, c.name::text as client_name, m.kind, m.lead_minutes, m.state, m.due_at,
       m.created_at, case when m.state = 'pending' then m.next_attempt_at end as next_attempt_at, m.settled_at, m.attempts,
       m.reason, m.channel, m.provider_id, m.delivered, m.subject, m.body, m.answer
from holdfast.message m
join holdfast.client c on c.organization_id = m.organization_id and c.id = m.client_id
where m.organization_id = holdfast.current_organization()
  and (%(id)s::uuid is null or m.id = %(id)s)
  and (%(state)s::text is null or m.state = %(state)s)
  and (%(appointment_id)s::uuid is null or m.appointment_id = %(appointment_id)s)
  and (%(after_at)s::timestamptz is null or (m.created_at, m.id) < (%(after_at)s::timestamptz, %(after_id)s::uuid))
order by m.created_at desc, m.id desc
limit %(limit)s;

-- name: retry
-- Send it now after all.
select holdfast.retry_message(%(id)s);

-- name: retry_since
-- Send every dead message that died since then after all; how many.
select holdfast.retry_messages_since(%(since)s);

-- name: discard
-- Give it up, with a reason.
select holdfast.discard_message(%(id)s, %(reason)s);

-- name: policy
-- How the organization speaks to its clients.
select sender_name::text, reply_to, language, notice_channels, reminder_channels, quiet_from, quiet_until, say_service,
       say_provider
from holdfast.message_policy
where organization_id = holdfast.current_organization();

-- name: set_policy
-- The whole policy anew.
select holdfast.set_message_policy(%(policy)s);

-- name: set_quiet_hours
-- Quiet hours of one location; null: as the organization has them.
select holdfast.set_quiet_hours(%(location_id)s, %(quiet_from)s, %(quiet_until)s);

-- name: reminder_rules
-- When clients are reminded, the organization's rule first.
select service_id, before_minutes, follow_up_after_minutes from holdfast.reminder_rule
where organization_id = holdfast.current_organization()
order by service_id nulls first;

-- name: set_reminder_rule
-- When clients of a service (null: of every other) are reminded; null times: no rule of its own.
select holdfast.set_reminder_rule(%(service_id)s, %(before_minutes)s, %(follow_up_after_minutes)s);

-- name: templates
-- The organization's own words.
select kind, language, subject, email, sms, true as own from holdfast.message_template
where organization_id = holdfast.current_organization()
order by kind, language;

-- name: set_template
-- Words of one's own; all null: the built-in ones.
select holdfast.set_message_template(%(kind)s, %(language)s, %(subject)s, %(email)s, %(sms)s);

-- name: set_preference
-- A client's word about a channel, for everybody at the same address.
select holdfast.set_message_preference(%(client_id)s, %(channel)s, %(allowed)s, %(source)s);

-- name: preference
-- Whether a client's address takes messages by a channel; no row for an unknown client.
select not holdfast.opted_out(c, %(channel)s) from holdfast.client c
where c.organization_id = holdfast.current_organization() and c.id = %(client_id)s;

-- name: set_client_language
-- The language a client is written to in.
select holdfast.set_client_language(%(client_id)s, %(language)s);

-- name: set_text_preference
-- STOP or START by text: everybody with this number.
select holdfast.set_text_preference(%(phone)s, %(allowed)s, %(source)s);

-- name: visits_texted
-- The visits that this number was sent a text about, the last text first.
select organization_id, message_id, appointment_id, visit_id, client_id, texted_at, told_starts, now_starts, stands, revision,
       time_zone
from holdfast.visits_texted(%(phone)s);

-- name: tell_anew
-- The client was told when it begins now.
select holdfast.tell_anew(%(message_id)s, %(starts)s);

-- name: take_text
-- A text by the carrier's name for it: fresh, or what it was answered.
select fresh, answer from holdfast.take_text(%(provider_id)s);

-- name: answer_text
-- What it was answered.
select holdfast.answer_text(%(provider_id)s, %(answer)s);

-- name: release_text
-- It was not read to the end.
select holdfast.release_text(%(provider_id)s);

-- name: offers_texted
-- The offers that this number was sent a text about lately, open ones first.
select organization_id, message_id, offer_id, state, client_id from holdfast.offers_texted(%(phone)s);

-- name: text_language
-- The language to answer this number in; null: nobody has it.
select holdfast.text_language(%(phone)s);

-- name: answer
-- The client answered a message.
select holdfast.answer_message(%(message_id)s, %(answer)s);

-- name: text_status
-- What the carrier says became of a text; the offer that was not told with it.
select organization_id, offer_id from holdfast.record_text_status(%(provider_id)s, %(status)s, %(cause)s);

-- name: some_appointment
-- An appointment to preview a template with: the next one, or the last.
select id from holdfast.appointment
where organization_id = holdfast.current_organization()
order by starts_at < holdfast.clock(), abs(extract(epoch from starts_at - holdfast.clock()))
limit 1;
