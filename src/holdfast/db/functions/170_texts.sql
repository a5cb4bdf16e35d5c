-- What comes back by text. One telephone line may serve several organizations, so these begin with nobody acting; the
-- caller has checked that the carrier sent them.

-- A text by the carrier's name for it, which may be handed over twice: fresh, or what it was answered. One that was taken
-- and never answered, as its server died, is fresh again after half a minute.
create or replace function holdfast.take_text(p_provider_id text) returns table (fresh boolean, answer text)
language plpgsql security definer
set search_path = holdfast, pg_temp
as $$
#variable_conflict use_column
declare
  v_text inbound_text;
begin
  delete from inbound_text where taken_at < clock() - interval '7 days';
  insert into inbound_text as t (provider_id, taken_at) values (p_provider_id, clock())
  on conflict on constraint inbound_text_pkey do update set taken_at = clock()
    where not t.answered and t.taken_at < clock() - interval '30 seconds'
  returning * into v_text;
  if v_text.provider_id is not null then
    return query select true, null::text;
  else
    return query select false, t.answer from inbound_text t where t.provider_id = p_provider_id;
  end if;
end $$;

create or replace function holdfast.answer_text(p_provider_id text, p_answer text) returns void
language sql security definer
set search_path = holdfast, pg_temp
as $$ update inbound_text set answered = true, answer = p_answer where provider_id = p_provider_id $$;

-- It could not be read to the end: the carrier may hand it over again.
create or replace function holdfast.release_text(p_provider_id text) returns void
language sql security definer
set search_path = holdfast, pg_temp
as $$ delete from inbound_text where provider_id = p_provider_id and not answered $$;

-- STOP or START: the clients with this number, in every organization. How many organizations. START takes back what came
-- by text or from the carrier; what a client told the staff, or said by a link, is not undone by a word on a shared line.
create or replace function holdfast.set_text_preference(p_phone text, p_allowed boolean, p_source text) returns integer
language plpgsql security definer
set search_path = holdfast, pg_temp
as $$
declare
  v_client record;
  v_count integer := 0;
begin
  for v_client in
    select distinct on (o.id) o.id as organization_id, c.id from organization o
    join client c on c.organization_id = o.id and c.phone = p_phone
    order by o.id, c.created_at
  loop
    perform act_as(v_client.organization_id, 'client', 'system');
    if not p_allowed then
      perform set_message_preference(v_client.id, 'sms', false, p_source);
    else
      update message_preference p set allowed = true, source = p_source, at = clock()
      from client c
      where p.organization_id = v_client.organization_id and p.channel = 'sms' and not p.allowed
        and p.source in ('reply', 'carrier') and c.organization_id = p.organization_id and c.id = p.client_id
        and c.phone = p_phone;
      continue when not found;
      perform record_event('message_preference.changed', v_client.id,
        jsonb_build_object('channel', 'sms', 'allowed', true, 'source', p_source));
    end if;
    v_count := v_count + 1;
  end loop;
  return v_count;
end $$;

-- The visits that somebody with this number has had a text about in the last 90 days, the last text first: what a "C" or "X"
-- can mean. The parts of one visit are one. `told_starts`: when it begins, part by part, as that text said; `now_starts`: as
-- it stands; `stands`: all of it is to come.
create or replace function holdfast.visits_texted(p_phone text)
returns table (organization_id uuid, message_id uuid, appointment_id uuid, visit_id uuid, client_id uuid, texted_at timestamptz,
               told_starts timestamptz[], now_starts timestamptz[], stands boolean, revision integer, time_zone text)
language sql stable security definer
set search_path = holdfast, pg_temp
as $$
  select t.organization_id, t.message_id, t.appointment_id, t.visit_id, t.client_id, t.settled_at, t.told_starts,
         whole.starts, coalesce(whole.stands, false), whole.revision, t.time_zone
  from (
    select distinct on (a.organization_id, coalesce(h.visit_id, a.id)) a.organization_id, m.id as message_id,
           a.id as appointment_id, h.visit_id, c.id as client_id, m.settled_at, m.told_starts, a.time_zone
    from organization o
    join client c on c.organization_id = o.id and c.phone = p_phone
    join message m on m.organization_id = c.organization_id and m.client_id = c.id and m.state = 'sent'
      and m.channel = 'sms' and m.settled_at > clock() - interval '90 days'
    join appointment a on a.organization_id = m.organization_id and a.id = m.appointment_id
    join hold h on h.organization_id = a.organization_id and h.id = a.hold_id
    order by a.organization_id, coalesce(h.visit_id, a.id), m.settled_at desc
  ) t
  cross join lateral (
    select array_agg(a.starts_at order by a.starts_at, a.id) filter (where a.blocking) as starts,
           bool_and(a.state = 'confirmed' and a.starts_at > clock()) filter (where a.blocking) as stands,
           sum(a.revision)::integer as revision
    from appointment a
    join hold h on h.organization_id = a.organization_id and h.id = a.hold_id
    where a.organization_id = t.organization_id
      and (a.id = t.appointment_id or t.visit_id is not null and h.visit_id = t.visit_id)
  ) whole
  order by t.settled_at desc;
$$;

-- Our answer told the client when it begins now, so the next one is about that.
create or replace function holdfast.tell_anew(p_message_id uuid, p_starts timestamptz[]) returns void
language sql security definer
set search_path = holdfast, pg_temp
as $$ update message set told_starts = p_starts where organization_id = current_organization() and id = p_message_id $$;

create or replace function holdfast.answer_message(p_message_id uuid, p_answer text) returns void
language plpgsql security definer
set search_path = holdfast, pg_temp
as $$
declare
  v_message message := lock_message(p_message_id, '{sent}');
begin
  update message set answer = p_answer where organization_id = v_message.organization_id and id = v_message.id;
  perform record_event('message.answered', v_message.id, subject_of(v_message) || jsonb_build_object('answer', p_answer));
end $$;

-- What the carrier says of a text it took: with `p_cause` it did not arrive, which a person must see. Of an offer that was
-- not told, whose and which.
create or replace function holdfast.record_text_status(p_provider_id text, p_status text, p_cause text)
returns table (organization_id uuid, offer_id uuid)
language plpgsql security definer
set search_path = holdfast, pg_temp
as $$
#variable_conflict use_column
declare
  v_message message;
begin
  -- a status that comes late does not undo a final one
  update message set delivered = p_status
  where provider_id = p_provider_id and channel = 'sms' and delivered is distinct from 'delivered'
  returning * into v_message;
  if p_cause is not null and v_message.state = 'sent' then
    perform act_as(v_message.organization_id, 'carrier', 'system');
    update message set state = 'dead', reason = p_cause
    where organization_id = v_message.organization_id and id = v_message.id;
    perform record_event('message.died', v_message.id, subject_of(v_message)
      || jsonb_build_object('kind', v_message.kind, 'cause', p_cause));
    return query select v_message.organization_id, v_message.offer_id where v_message.offer_id is not null;
  end if;
end $$;
