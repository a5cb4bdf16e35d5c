-- Messages to clients: planned from the appointment as it is now, leased by a sender, settled, and looked after by people.

-- Make what is owed about appointments agree with their plans: `[{appointment_id, plan: [{kind, lead_minutes, occasion,
-- due_at}, …]}, …]`. Notices are only added. Reminders and follow-ups that are not in a plan any more are skipped, and come
-- back when they are again; one that an attempt was made for does not, as the client may have it.
--
-- Many appointments at once: behind a busy desk, a transaction for each would cost more than the bookings' tenth. Each is
-- looked up by its id, whatever the planner makes of an organization's statistics.
create or replace function holdfast.plan_messages(p_plans jsonb) returns void
language plpgsql security definer
set search_path = holdfast, pg_temp
as $$
begin
  insert into message as m (organization_id, appointment_id, client_id, kind, lead_minutes, occasion, due_at,
                            next_attempt_at, created_at)
  select a.organization_id, a.id, a.client_id, p.kind, p.lead_minutes, p.occasion, p.due_at, p.due_at, clock()
  from jsonb_to_recordset(p_plans) as w (appointment_id uuid, plan jsonb)
  cross join lateral (
    select * from appointment where organization_id = current_organization() and id = w.appointment_id offset 0) a
  cross join jsonb_to_recordset(w.plan) as p (kind text, lead_minutes integer, occasion bigint, due_at timestamptz)
  order by a.id, p.kind, p.lead_minutes, p.occasion
  on conflict on constraint message_is_owed_once do update
    set due_at = excluded.due_at, next_attempt_at = excluded.due_at, state = 'pending', settled_at = null, reason = null
    where m.kind in ('reminder', 'follow_up') and m.attempts = 0 and m.state in ('pending', 'skipped')
      and (m.state, m.due_at) is distinct from ('pending', excluded.due_at);
  update message m set state = 'skipped', settled_at = clock(), reason = d.reason
  from jsonb_to_recordset(p_plans) as w (appointment_id uuid, plan jsonb)
  cross join lateral (
    select o.id, case
        when not a.blocking then 'The appointment does not take place.'
        when o.kind = 'reminder' and o.occasion <> floor(extract(epoch from a.starts_at)) then 'The appointment was moved.'
        else 'It is not wanted any more.' end as reason
    from message o
    join appointment a on a.organization_id = o.organization_id and a.id = o.appointment_id
    where o.organization_id = current_organization() and o.appointment_id = w.appointment_id
      and o.kind in ('reminder', 'follow_up') and o.state = 'pending'
      and not exists (
        select from jsonb_to_recordset(w.plan) as p (kind text, lead_minutes integer, occasion bigint)
        where p.kind = o.kind and p.lead_minutes = o.lead_minutes and p.occasion = o.occasion)
    offset 0
  ) d
  where m.organization_id = current_organization() and m.id = d.id;
end $$;

-- Organizations that have a message to send now.
create or replace function holdfast.organizations_with_messages_due() returns table (organization_id uuid)
language sql stable security definer
set search_path = holdfast, pg_temp
as $$
  select distinct m.organization_id from message m where m.state = 'pending' and m.next_attempt_at <= clock();
$$;

-- Up to `p_limit` due messages for one sender. The attempt is counted before it is made, and if nobody settles it within
-- the lease it is due again: a sender that dies loses nothing, and two senders never have the same message.
create or replace function holdfast.lease_messages(p_limit integer, p_lease_seconds double precision)
returns table (id uuid, attempts integer, late boolean)
language plpgsql security definer
set search_path = holdfast, pg_temp
as $$
#variable_conflict use_column
begin
  -- Unlike the rest of the worker's books, this one waits for the disk: were an attempt forgotten in a crash, nobody would
  -- ask the carrier whether the text had gone out.
  perform set_config('synchronous_commit', 'on', true);
  return query
  with due as (
    select m.id, m.due_at from message m
    where m.organization_id = current_organization() and m.state = 'pending' and m.next_attempt_at <= clock()
    order by m.next_attempt_at, m.id
    limit p_limit
    for update skip locked
  )
  update message m set attempts = m.attempts + 1, next_attempt_at = clock() + make_interval(secs => p_lease_seconds)
  from due
  where m.organization_id = current_organization() and m.id = due.id
  returning m.id, m.attempts, m.due_at < clock() - interval '5 minutes';
end $$;

-- What a message is about, as its events tell it.
create or replace function holdfast.subject_of(p_message holdfast.message) returns jsonb
language sql immutable
as $$ select jsonb_build_object('appointment_id', p_message.appointment_id, 'offer_id', p_message.offer_id) $$;

-- Write down how attempts went: `[{id, outcome, reason, channel, provider_id, subject, body, retry_in_seconds,
-- told_starts}, …]`. An outcome is `sent`, `skipped`, `failed` (due again after `retry_in_seconds`; null: never, dead) or `postponed`, which counts
-- as no attempt.
create or replace function holdfast.settle_messages(p_outcomes jsonb) returns void
language plpgsql security definer
set search_path = holdfast, pg_temp
as $$
declare
  v_message message;
begin
  for v_message in
    update message m set
      state = t.state, reason = t.reason, channel = coalesce(t.channel, m.channel),
      provider_id = coalesce(t.provider_id, m.provider_id), subject = coalesce(t.subject, m.subject),
      body = coalesce(t.body, m.body), told_starts = coalesce(t.told_starts, m.told_starts), settled_at = case when t.state <> 'pending' then clock() end,
      attempts = m.attempts - (t.outcome = 'postponed')::integer,
      next_attempt_at = clock() + make_interval(secs => coalesce(t.retry_in_seconds, 0))
    from (
      select *, case when outcome in ('sent', 'skipped') then outcome when retry_in_seconds is null then 'dead'
                     else 'pending' end as state
      from jsonb_to_recordset(p_outcomes) as o (
        id uuid, outcome text, reason text, channel text, provider_id text, subject text, body text,
        retry_in_seconds double precision, told_starts timestamptz[])
    ) t
    where m.organization_id = current_organization() and m.id = t.id and m.state = 'pending'
    returning m.*
  loop
    if v_message.state = 'dead' then
      perform record_event('message.died', v_message.id, subject_of(v_message)
        || jsonb_build_object('kind', v_message.kind, 'cause', v_message.reason));
    end if;
  end loop;
end $$;

-- What was settled more than 90 days ago keeps its row, which guards against repeats, and loses its words.
create or replace function holdfast.forget_message_texts() returns integer
language plpgsql security definer
set search_path = holdfast, pg_temp
as $$
declare
  v_count integer;
begin
  update message set subject = null, body = null where (organization_id, id) in (
    select organization_id, id from message
    where body is not null and state <> 'pending' and settled_at < clock() - interval '90 days'
    limit 10000);
  get diagnostics v_count = row_count;
  return v_count;
end $$;

-- The client, or somebody else at the same address, wants nothing by this channel.
create or replace function holdfast.opted_out(p_client holdfast.client, p_channel text) returns boolean
language sql stable
set search_path = holdfast, pg_temp
as $$
  select exists (
    select from client c
    join message_preference p on p.organization_id = c.organization_id and p.client_id = c.id and p.channel = p_channel
    where c.organization_id = p_client.organization_id and not p.allowed
      and (c.id = p_client.id
           or case p_channel when 'email' then c.email = p_client.email else c.phone = p_client.phone end));
$$;
grant execute on function holdfast.opted_out(holdfast.client, text) to holdfast_app;

-- People's commands.

create or replace function holdfast.lock_message(p_message_id uuid, p_states text[]) returns holdfast.message
language plpgsql
as $$
declare
  v_message message;
begin
  select * into v_message from message where organization_id = current_organization() and id = p_message_id for update;
  if v_message.id is null then
    perform refuse('message_exists');
  end if;
  if not v_message.state = any (p_states) then
    perform refuse('message_state_allows', jsonb_build_object('state', v_message.state));
  end if;
  return v_message;
end $$;

-- Send it now, with the whole schedule of attempts before it. Whether it still makes sense is looked at as it is sent.
create or replace function holdfast.retry_message(p_message_id uuid) returns void
language plpgsql security definer
set search_path = holdfast, pg_temp
as $$
declare
  v_message message := lock_message(p_message_id, '{dead,skipped}');
begin
  update message set state = 'pending', attempts = 0, next_attempt_at = clock(), settled_at = null, reason = null
  where organization_id = v_message.organization_id and id = v_message.id;
  perform record_event('message.retried', v_message.id, jsonb_build_object('from_state', v_message.state));
end $$;

-- Every dead letter since then; how many. One event tells it, whose subject is the organization.
create or replace function holdfast.retry_messages_since(p_since timestamptz) returns integer
language plpgsql security definer
set search_path = holdfast, pg_temp
as $$
declare
  v_count integer;
begin
  update message set state = 'pending', attempts = 0, next_attempt_at = clock(), settled_at = null, reason = null
  where organization_id = current_organization() and state = 'dead' and settled_at >= p_since;
  get diagnostics v_count = row_count;
  if v_count > 0 then
    perform record_event('message.all_retried', current_organization(),
      jsonb_build_object('since', p_since, 'messages', v_count));
  end if;
  return v_count;
end $$;

create or replace function holdfast.discard_message(p_message_id uuid, p_reason text) returns void
language plpgsql security definer
set search_path = holdfast, pg_temp
as $$
declare
  v_message message := lock_message(p_message_id, '{pending,dead}');
begin
  update message set state = 'skipped', settled_at = clock(), reason = p_reason
  where organization_id = v_message.organization_id and id = v_message.id;
  perform record_event('message.discarded', v_message.id, '{}');
end $$;

-- The whole policy; what is missing in `p_policy` takes its default.
create or replace function holdfast.set_message_policy(p_policy jsonb) returns void
language plpgsql security definer
set search_path = holdfast, pg_temp
as $$
declare
  v_new message_policy := jsonb_populate_record(
    row(current_organization(), null, null, 'en', '{email,sms}', '{sms,email}', '21:00', '08:00', false, false)::message_policy,
    p_policy);
begin
  v_new.organization_id := current_organization();
  delete from message_policy where organization_id = current_organization();
  insert into message_policy select v_new.*;
  perform record_event('message_policy.changed', current_organization(), '{}');
end $$;

-- Both times null: as the organization has it.
create or replace function holdfast.set_quiet_hours(p_location_id uuid, p_quiet_from time, p_quiet_until time) returns void
language plpgsql security definer
set search_path = holdfast, pg_temp
as $$
begin
  delete from location_quiet_hours where organization_id = current_organization() and location_id = p_location_id;
  if p_quiet_from is not null and p_quiet_until is not null then
    insert into location_quiet_hours (organization_id, location_id, quiet_from, quiet_until)
    values (current_organization(), p_location_id, p_quiet_from, p_quiet_until);
  end if;
  perform record_event('message_policy.changed', current_organization(), '{}');
end $$;

-- `p_service_id` null: for every service without a rule of its own. `p_before_minutes` null: no rule here any more.
create or replace function holdfast.set_reminder_rule(p_service_id uuid, p_before_minutes integer[], p_follow_up_after_minutes integer)
returns void
language plpgsql security definer
set search_path = holdfast, pg_temp
as $$
begin
  delete from reminder_rule
  where organization_id = current_organization() and service_id is not distinct from p_service_id;
  if p_before_minutes is not null then
    insert into reminder_rule (organization_id, service_id, before_minutes, follow_up_after_minutes)
    values (current_organization(), p_service_id, p_before_minutes, p_follow_up_after_minutes);
  end if;
  perform record_event('message_policy.changed', current_organization(), '{}');
end $$;

-- Words of one's own; all null: the built-in ones again.
create or replace function holdfast.set_message_template(p_kind text, p_language text, p_subject text, p_email text, p_sms text)
returns void
language plpgsql security definer
set search_path = holdfast, pg_temp
as $$
begin
  delete from message_template
  where organization_id = current_organization() and kind = p_kind and language = p_language;
  if p_subject is not null then
    insert into message_template (organization_id, kind, language, subject, email, sms, changed_at)
    values (current_organization(), p_kind, p_language, p_subject, p_email, p_sms, clock());
  end if;
  perform record_event('message_template.changed', current_organization(),
    jsonb_build_object('kind', p_kind, 'language', p_language));
end $$;

-- A client's word about a channel. It holds for everybody at the same address: an address opts out, not a name.
create or replace function holdfast.set_message_preference(p_client_id uuid, p_channel text, p_allowed boolean, p_source text)
returns void
language plpgsql security definer
set search_path = holdfast, pg_temp
as $$
declare
  v_client client;
begin
  select * into v_client from client where organization_id = current_organization() and id = p_client_id;
  if v_client.id is null then
    perform refuse('client_exists');
  end if;
  insert into message_preference (organization_id, client_id, channel, allowed, source, at)
  select c.organization_id, c.id, p_channel, p_allowed, p_source, clock() from client c
  where c.organization_id = v_client.organization_id
    and (c.id = v_client.id or case p_channel when 'email' then c.email = v_client.email else c.phone = v_client.phone end)
  on conflict on constraint message_preference_pkey do update
    set allowed = excluded.allowed, source = excluded.source, at = excluded.at
    -- a refusal that was written down or said by link stays what it is when a STOP comes on top
    where message_preference.allowed or excluded.allowed or excluded.source not in ('reply', 'carrier');
  perform record_event('message_preference.changed', p_client_id,
    jsonb_build_object('channel', p_channel, 'allowed', p_allowed, 'source', p_source));
end $$;

create or replace function holdfast.set_client_language(p_client_id uuid, p_language text) returns void
language plpgsql security definer
set search_path = holdfast, pg_temp
as $$
begin
  update client set language = p_language where organization_id = current_organization() and id = p_client_id;
  if not found then
    perform refuse('client_exists');
  end if;
  perform record_event('client.language_set', p_client_id, '{}');
end $$;
