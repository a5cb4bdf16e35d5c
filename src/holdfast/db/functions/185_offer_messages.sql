-- Offers of the waitlist as messages: owed when they are made, withdrawn when they end before they were sent, answered by text.

-- Make what is owed agree with the offers that these events are about. An open one is owed once; of one that has ended, a
-- message that no attempt was made for is skipped. Doing so again changes nothing.
create or replace function holdfast.plan_offer_messages(p_event_ids bigint[]) returns void
language plpgsql security definer
set search_path = holdfast, pg_temp
as $$
begin
  insert into message (organization_id, offer_id, client_id, kind, occasion, due_at, next_attempt_at, created_at)
  select x.organization_id, x.id, w.client_id, 'waitlist_offer', 0, x.sent_at, clock(), clock()
  from event e
  join offer x on x.organization_id = e.organization_id and x.id = e.subject_id and x.state = 'open'
  join waitlist_entry w on w.organization_id = x.organization_id and w.id = x.entry_id
  where e.organization_id = current_organization() and e.id = any (p_event_ids) and e.type = 'offer.made'
  order by e.id
  on conflict (organization_id, offer_id) where offer_id is not null do nothing;
  update message m set state = 'skipped', settled_at = clock(), reason = 'The offer had ended before it was sent.'
  from event e
  join offer x on x.organization_id = e.organization_id and x.id = e.subject_id and x.state <> 'open'
  where e.organization_id = current_organization() and e.id = any (p_event_ids)
    and m.organization_id = x.organization_id and m.offer_id = x.id and m.state = 'pending' and m.attempts = 0;
end $$;

-- The offers that somebody with this number had a text about in the last two days, open ones first: what a yes or a no can
-- mean, or is too late for. Like visits_texted(), for the carrier's posts: nobody acts yet.
create or replace function holdfast.offers_texted(p_phone text)
returns table (organization_id uuid, message_id uuid, offer_id uuid, state text, client_id uuid)
language sql stable security definer
set search_path = holdfast, pg_temp
as $$
  select x.organization_id, m.id, x.id, x.state, c.id
  from organization o
  join client c on c.organization_id = o.id and c.phone = p_phone
  join message m on m.organization_id = c.organization_id and m.client_id = c.id and m.state = 'sent' and m.channel = 'sms'
    and m.kind = 'waitlist_offer' and m.settled_at > clock() - interval '2 days'
  join offer x on x.organization_id = m.organization_id and x.id = m.offer_id
  order by x.state <> 'open', m.settled_at desc;
$$;

-- The language to answer a number in: that of the client with it who came last. Null: nobody has this number.
create or replace function holdfast.text_language(p_phone text) returns text
language sql stable security definer
set search_path = holdfast, pg_temp
as $$
  select coalesce(c.language, p.language, 'en')
  from organization o
  join client c on c.organization_id = o.id and c.phone = p_phone
  left join message_policy p on p.organization_id = c.organization_id
  order by c.created_at desc, c.id limit 1;
$$;
