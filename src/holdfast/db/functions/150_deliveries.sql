-- What we owe outside: endpoints, deliveries in order for each subject, attempts, dead letters.
--
-- Owing, fetching what is due and writing down an attempt are the worker's; everything else is a manager's command.

create or replace function holdfast.wants_event(p_events text[], p_type text) returns boolean
language sql immutable
as $$ select '*' = any (p_events) or p_type = any (p_events) or split_part(p_type, '.', 1) || '.*' = any (p_events) $$;

-- An earlier delivery of the same subject has not gone through, so this one waits: in order, or not at all. Earlier ones
-- that are due too do not hinder, as they go first; unless the sender is past them (`p_after`).
create or replace function holdfast.must_wait(p_delivery holdfast.delivery, p_after bigint default 0) returns boolean
language sql stable
as $$
  select exists (
    select from delivery d
    where d.organization_id = p_delivery.organization_id and d.endpoint_id = p_delivery.endpoint_id
      and d.subject_id = p_delivery.subject_id and d.event_id < p_delivery.event_id
      and d.state in ('pending', 'dead') and (d.state = 'dead' or d.next_attempt_at > clock() or d.event_id <= p_after)
  );
$$;

-- Owe these events to every active endpoint that wants them and was there when they happened; to the one that is named
-- (`p_endpoint_id`, a replay) also what happened before. Owing twice changes nothing.
create or replace function holdfast.owe_deliveries(p_event_ids bigint[], p_endpoint_id uuid default null) returns integer
language plpgsql security definer
set search_path = holdfast, pg_temp
as $$
declare
  v_count integer;
begin
  insert into delivery (organization_id, endpoint_id, event_id, subject_id, sequence, created_at, next_attempt_at)
  select e.organization_id, w.id, e.id, e.subject_id,
         (select count(*) from event s
          where s.organization_id = e.organization_id and s.subject_id = e.subject_id and s.id <= e.id),
         clock(), clock()
  from event e
  join webhook_endpoint w on w.organization_id = e.organization_id and w.status = 'active' and wants_event(w.events, e.type)
  where e.organization_id = current_organization() and e.id = any (p_event_ids)
    and (w.id = p_endpoint_id or p_endpoint_id is null and w.created_at <= e.at)
  order by e.id
  on conflict on constraint delivery_is_owed_once do nothing;
  get diagnostics v_count = row_count;
  return v_count;
end $$;

-- What the active endpoints of these organizations listen for; no row for an organization without any.
create or replace function holdfast.endpoint_filters(p_organization_ids uuid[])
returns table (organization_id uuid, events text[])
language sql stable security definer
set search_path = holdfast, pg_temp
as $$
  select w.organization_id, array_agg(distinct f.event)
  from webhook_endpoint w cross join unnest(w.events) as f (event)
  where w.status = 'active' and w.organization_id = any (p_organization_ids)
  group by w.organization_id;
$$;

-- May something be sent to this endpoint now?
create or replace function holdfast.is_open(p_endpoint holdfast.webhook_endpoint) returns boolean
language sql stable
as $$ select p_endpoint.status = 'active' and (p_endpoint.not_before is null or p_endpoint.not_before <= clock()) $$;

-- Endpoints that have something to send now, of one organization, or (null) of all. `failing`: did not answer last time.
create or replace function holdfast.endpoints_due(p_organization_id uuid default null)
returns table (organization_id uuid, endpoint_id uuid, failing boolean)
language sql stable security definer
set search_path = holdfast, pg_temp
as $$
  select w.organization_id, w.id, w.not_before is not null from webhook_endpoint w
  where is_open(w) and (p_organization_id is null or w.organization_id = p_organization_id)
    and exists (
      select from delivery d
      where d.organization_id = w.organization_id and d.endpoint_id = w.id and d.state = 'pending'
        and d.next_attempt_at <= clock() and not must_wait(d)
    )
  order by w.organization_id, w.id;
$$;

-- A page of what one endpoint is owed now, in order, with how to reach and sign for it. Paged by event: what this run has
-- settled already is not walked over again, however long the dead rows of an index must be kept for somebody's snapshot.
-- For an endpoint that did not answer it is one delivery: when that gets through, the others follow.
create or replace function holdfast.deliveries_due(p_endpoint_id uuid, p_after bigint, p_limit integer)
returns table (
  id uuid, url text, secrets bytea[], attempts integer, sequence integer, event_id bigint, epoch integer,
  at timestamptz, type text, version integer, subject_id uuid, data jsonb
)
language sql stable security definer
set search_path = holdfast, pg_temp
as $$
  select d.id, w.url,
         w.secret || array(
           select f.secret from webhook_former_secret f
           where f.organization_id = w.organization_id and f.endpoint_id = w.id and f.ends_at > clock()
           order by f.id desc),
         d.attempts, d.sequence, e.id, event_epoch(e.id), e.at, e.type, e.version, e.subject_id, e.data
  from webhook_endpoint w
  join delivery d on d.organization_id = w.organization_id and d.endpoint_id = w.id and d.state = 'pending'
  join event e on e.organization_id = d.organization_id and e.id = d.event_id
  where w.organization_id = current_organization() and w.id = p_endpoint_id and is_open(w)
    and d.event_id > p_after and d.next_attempt_at <= clock() and not must_wait(d, p_after)
  order by d.event_id
  limit (select case when not_before is null then p_limit else 1 end from webhook_endpoint
         where organization_id = current_organization() and id = p_endpoint_id);
$$;

-- The endpoint took it, or did not. `p_pause_seconds`: it does not answer, or asked to be left in peace, so nothing at all
-- is sent there for so long, or a quarter of the time for which it has failed, up to an hour. After days of failure it is
-- disabled, a day at least after a warning; so is one that says it is gone.
create or replace function holdfast.note_endpoint(
  p_endpoint_id uuid, p_outcome text, p_cause text, p_pause_seconds double precision
) returns void
language plpgsql
as $$
declare
  v_endpoint webhook_endpoint;
begin
  if p_outcome = 'delivered' then
    update webhook_endpoint set failing_since = null, warned_at = null, not_before = null
    where organization_id = current_organization() and id = p_endpoint_id
      and (failing_since is not null or not_before is not null);
    return;
  end if;
  select * into v_endpoint from webhook_endpoint
  where organization_id = current_organization() and id = p_endpoint_id and status = 'active' for update;
  if v_endpoint.id is null then
    return;
  end if;
  if p_pause_seconds is not null then
    update webhook_endpoint set not_before = greatest(
      not_before, clock() + make_interval(secs => p_pause_seconds),
      clock() + least((clock() - coalesce(failing_since, clock())) / 4, interval '1 hour'))
    where organization_id = v_endpoint.organization_id and id = v_endpoint.id;
  end if;
  if p_outcome = 'gone' or v_endpoint.failing_since < clock() - interval '5 days'
     and v_endpoint.warned_at < clock() - interval '1 day' then
    update webhook_endpoint set status = 'disabled', disabled_at = clock(), disabled_cause = p_cause,
      failing_since = coalesce(failing_since, clock())
    where organization_id = v_endpoint.organization_id and id = v_endpoint.id;
    perform record_event('webhook_endpoint.disabled', v_endpoint.id, jsonb_build_object('cause', p_cause));
  elsif v_endpoint.failing_since is null then
    update webhook_endpoint set failing_since = clock()
    where organization_id = v_endpoint.organization_id and id = v_endpoint.id;
  elsif v_endpoint.warned_at is null and v_endpoint.failing_since < clock() - interval '2 days' then
    update webhook_endpoint set warned_at = clock() where organization_id = v_endpoint.organization_id and id = v_endpoint.id;
    perform record_event('webhook_endpoint.failing', v_endpoint.id,
      jsonb_build_object('cause', p_cause, 'failing_since', v_endpoint.failing_since));
  end if;
end $$;

-- Write down one attempt, with what was said both ways. `p_outcome`: delivered, failed or gone; `p_retry_in_seconds` null
-- after a failure: no more, dead. Without a delivery row that is pending (discarded meanwhile) only the attempt is kept.
create or replace function holdfast.record_attempt(
  p_delivery_id uuid, p_outcome text, p_status integer, p_cause text, p_response text, p_latency_ms integer,
  p_retry_in_seconds double precision, p_pause_seconds double precision, p_request_headers jsonb,
  p_response_headers jsonb
) returns void
language plpgsql security definer
set search_path = holdfast, pg_temp
as $$
declare
  v_delivery delivery;
  v_state text := case when p_outcome = 'delivered' then 'delivered' when p_outcome = 'gone' then 'pending'
                       when p_retry_in_seconds is null then 'dead' else 'pending' end;
begin
  select * into v_delivery from delivery where organization_id = current_organization() and id = p_delivery_id for update;
  insert into delivery_attempt (
    organization_id, delivery_id, at, status, cause, response, latency_ms, request_headers, response_headers
  ) values (
    v_delivery.organization_id, v_delivery.id, clock(), p_status, p_cause, p_response, p_latency_ms, p_request_headers,
    p_response_headers
  );
  if v_delivery.state <> 'pending' then
    return;
  end if;
  update delivery set
    state = v_state, attempts = attempts + 1,
    next_attempt_at = clock() + make_interval(secs => coalesce(p_retry_in_seconds, 0)),
    settled_at = case when v_state <> 'pending' then clock() end,
    last_status = p_status, last_cause = p_cause, last_response = p_response
  where organization_id = v_delivery.organization_id and id = v_delivery.id;
  perform note_endpoint(v_delivery.endpoint_id, p_outcome, p_cause, p_pause_seconds);
  if v_state = 'dead' then
    perform record_event('delivery.died', v_delivery.id,
      jsonb_build_object('endpoint_id', v_delivery.endpoint_id, 'cause', p_cause));
  end if;
end $$;

-- What was delivered, or given up by a person, more than 30 days ago is forgotten; the log keeps the events.
create or replace function holdfast.forget_deliveries() returns integer
language plpgsql security definer
set search_path = holdfast, pg_temp
as $$
declare
  v_count integer;
begin
  delete from delivery where (organization_id, id) in (
    select organization_id, id from delivery
    where state in ('delivered', 'discarded') and settled_at < clock() - interval '30 days'
    limit 10000);
  get diagnostics v_count = row_count;
  return v_count;
end $$;

-- Managers' commands.

create or replace function holdfast.lock_webhook_endpoint(p_endpoint_id uuid) returns holdfast.webhook_endpoint
language plpgsql
as $$
declare
  v_endpoint webhook_endpoint;
begin
  select * into v_endpoint from webhook_endpoint
  where organization_id = current_organization() and id = p_endpoint_id and status <> 'removed' for update;
  if v_endpoint.id is null then
    perform refuse('webhook_endpoint_exists');
  end if;
  return v_endpoint;
end $$;

create or replace function holdfast.add_webhook_endpoint(
  p_endpoint_id uuid, p_url text, p_description text, p_events text[], p_secret bytea
) returns void
language plpgsql security definer
set search_path = holdfast, pg_temp
as $$
begin
  insert into webhook_endpoint (organization_id, id, url, description, events, secret, created_at)
  values (current_organization(), p_endpoint_id, p_url, p_description, p_events, p_secret, clock());
  perform record_event('webhook_endpoint.added', p_endpoint_id, jsonb_build_object('events', p_events));
end $$;

-- A person who does something about an endpoint wants it tried now, however long it was to be left in peace.
create or replace function holdfast.reopen_endpoint(p_endpoint_id uuid) returns void
language sql
as $$
  update webhook_endpoint set not_before = null
  where organization_id = current_organization() and not_before is not null
    and (p_endpoint_id is null or id = p_endpoint_id);
$$;

-- Null leaves a field as it is. Enabling forgets the failures before; what was pending goes on.
create or replace function holdfast.change_webhook_endpoint(
  p_endpoint_id uuid, p_url text, p_description text, p_events text[], p_enabled boolean
) returns void
language plpgsql security definer
set search_path = holdfast, pg_temp
as $$
declare
  v_endpoint webhook_endpoint := lock_webhook_endpoint(p_endpoint_id);
begin
  update webhook_endpoint set
    url = coalesce(p_url, url), description = coalesce(p_description, description), events = coalesce(p_events, events)
  where organization_id = v_endpoint.organization_id and id = v_endpoint.id;
  perform reopen_endpoint(p_endpoint_id);
  if p_enabled then
    update webhook_endpoint set status = 'active', disabled_at = null, disabled_cause = null, failing_since = null, warned_at = null
    where organization_id = v_endpoint.organization_id and id = v_endpoint.id;
  elsif not p_enabled then
    update webhook_endpoint set status = 'disabled', disabled_at = clock(), disabled_cause = 'A manager disabled it.'
    where organization_id = v_endpoint.organization_id and id = v_endpoint.id and status = 'active';
  end if;
  perform record_event('webhook_endpoint.changed', p_endpoint_id, jsonb_build_object(
    'events', coalesce(p_events, v_endpoint.events), 'enabled', coalesce(p_enabled, v_endpoint.status = 'active')));
end $$;

-- Signatures carry the old secret beside the new one until `p_overlap_hours` have gone by, and every earlier one until its
-- own end: whoever rotates twice, because the first answer was lost, cuts nobody off.
create or replace function holdfast.rotate_webhook_secret(p_endpoint_id uuid, p_secret bytea, p_overlap_hours integer) returns void
language plpgsql security definer
set search_path = holdfast, pg_temp
as $$
declare
  v_endpoint webhook_endpoint := lock_webhook_endpoint(p_endpoint_id);
begin
  delete from webhook_former_secret
  where organization_id = v_endpoint.organization_id and endpoint_id = v_endpoint.id and ends_at <= clock();
  if (select count(*) from webhook_former_secret
      where organization_id = v_endpoint.organization_id and endpoint_id = v_endpoint.id) >= 10 then
    perform refuse('webhook_secrets_are_few');
  end if;
  insert into webhook_former_secret (organization_id, endpoint_id, secret, ends_at)
  values (v_endpoint.organization_id, v_endpoint.id, v_endpoint.secret, clock() + make_interval(hours => p_overlap_hours));
  update webhook_endpoint set secret = p_secret where organization_id = v_endpoint.organization_id and id = v_endpoint.id;
  perform record_event('webhook_endpoint.secret_rotated', p_endpoint_id, '{}');
end $$;

create or replace function holdfast.remove_webhook_endpoint(p_endpoint_id uuid) returns void
language plpgsql security definer
set search_path = holdfast, pg_temp
as $$
declare
  v_endpoint webhook_endpoint := lock_webhook_endpoint(p_endpoint_id);
begin
  update webhook_endpoint set status = 'removed', disabled_cause = null
  where organization_id = v_endpoint.organization_id and id = v_endpoint.id;
  update delivery set state = 'discarded', settled_at = clock(), discard_reason = 'The endpoint was removed.'
  where organization_id = v_endpoint.organization_id and endpoint_id = v_endpoint.id and state in ('pending', 'dead');
  perform record_event('webhook_endpoint.removed', p_endpoint_id, '{}');
end $$;

-- Owe one event of type webhook_endpoint.tested to this endpoint, whatever it listens for; the delivery's id.
create or replace function holdfast.test_webhook_endpoint(p_endpoint_id uuid) returns uuid
language plpgsql security definer
set search_path = holdfast, pg_temp
as $$
declare
  v_endpoint webhook_endpoint := lock_webhook_endpoint(p_endpoint_id);
  v_event event;
  v_delivery_id uuid;
begin
  if v_endpoint.status <> 'active' then
    perform refuse('webhook_endpoint_is_active', jsonb_build_object('cause', v_endpoint.disabled_cause));
  end if;
  perform reopen_endpoint(p_endpoint_id);
  perform record_event('webhook_endpoint.tested', p_endpoint_id, '{}');
  select * into v_event from event
  where organization_id = current_organization() and subject_id = p_endpoint_id order by id desc limit 1;
  -- a subject of its own, so that a test never waits behind an earlier one that failed
  insert into delivery (organization_id, endpoint_id, event_id, subject_id, sequence, created_at, next_attempt_at)
  values (v_event.organization_id, p_endpoint_id, v_event.id, new_id(), 1, clock(), clock())
  returning id into v_delivery_id;
  return v_delivery_id;
end $$;

-- Owe again everything in the log from `p_since` until `p_until` that this endpoint wants and has not got; dead letters are
-- tried again.
create or replace function holdfast.replay_webhook_endpoint(
  p_endpoint_id uuid, p_since timestamptz, p_until timestamptz default null
) returns integer
language plpgsql security definer
set search_path = holdfast, pg_temp
as $$
declare
  v_endpoint webhook_endpoint := lock_webhook_endpoint(p_endpoint_id);
  v_count integer;
begin
  if v_endpoint.status <> 'active' then
    perform refuse('webhook_endpoint_is_active', jsonb_build_object('cause', v_endpoint.disabled_cause));
  end if;
  perform reopen_endpoint(p_endpoint_id);
  v_count := retry_deliveries_between(p_since, p_until, p_endpoint_id);
  v_count := v_count + owe_deliveries(array(
    select id from event
    where organization_id = current_organization() and at >= p_since and (p_until is null or at < p_until)
      and wants_event(v_endpoint.events, type)
  ), p_endpoint_id);
  perform record_event('webhook_endpoint.replayed', p_endpoint_id, jsonb_build_object('since', p_since, 'deliveries', v_count));
  return v_count;
end $$;

create or replace function holdfast.lock_delivery(p_delivery_id uuid) returns holdfast.delivery
language plpgsql
as $$
declare
  v_delivery delivery;
begin
  select * into v_delivery from delivery where organization_id = current_organization() and id = p_delivery_id for update;
  if v_delivery.id is null then
    perform refuse('delivery_exists');
  end if;
  return v_delivery;
end $$;

-- Try again now, with the whole schedule of attempts before it; also what was delivered or discarded: with the same id, so
-- that a receiver who has it already can tell.
create or replace function holdfast.retry_delivery(p_delivery_id uuid) returns void
language plpgsql security definer
set search_path = holdfast, pg_temp
as $$
declare
  v_delivery delivery := lock_delivery(p_delivery_id);
begin
  if exists (select from webhook_endpoint where organization_id = v_delivery.organization_id and id = v_delivery.endpoint_id
             and status = 'removed') then
    perform refuse('webhook_endpoint_exists');
  end if;
  perform reopen_endpoint(v_delivery.endpoint_id);
  update delivery set state = 'pending', attempts = 0, next_attempt_at = clock(), settled_at = null, discard_reason = null
  where organization_id = v_delivery.organization_id and id = v_delivery.id;
  perform record_event('delivery.retried', v_delivery.id, jsonb_build_object('from_state', v_delivery.state));
end $$;

-- Every dead letter of what happened in a time; how many. One event tells it: the subject is the endpoint, or the
-- organization.
create or replace function holdfast.retry_deliveries_between(p_since timestamptz, p_until timestamptz, p_endpoint_id uuid)
returns integer
language plpgsql
as $$
declare
  v_count integer;
begin
  update delivery d set state = 'pending', attempts = 0, next_attempt_at = clock(), settled_at = null
  from event e
  where d.organization_id = current_organization() and d.state = 'dead'
    and (p_endpoint_id is null or d.endpoint_id = p_endpoint_id) and e.organization_id = d.organization_id
    and e.id = d.event_id and e.at >= p_since and (p_until is null or e.at < p_until);
  get diagnostics v_count = row_count;
  if v_count > 0 then
    perform reopen_endpoint(p_endpoint_id);
    perform record_event('delivery.all_retried', coalesce(p_endpoint_id, current_organization()),
      jsonb_build_object('since', p_since, 'deliveries', v_count));
  end if;
  return v_count;
end $$;

create or replace function holdfast.retry_deliveries_since(p_since timestamptz, p_endpoint_id uuid default null) returns integer
language plpgsql security definer
set search_path = holdfast, pg_temp
as $$
begin
  return retry_deliveries_between(p_since, null, p_endpoint_id);
end $$;

-- No more attempts: a person knows already that it will not get through. It is a dead letter from now on.
create or replace function holdfast.fail_delivery(p_delivery_id uuid) returns void
language plpgsql security definer
set search_path = holdfast, pg_temp
as $$
declare
  v_delivery delivery := lock_delivery(p_delivery_id);
begin
  if v_delivery.state <> 'pending' then
    perform refuse('delivery_is_pending', jsonb_build_object('state', v_delivery.state));
  end if;
  update delivery set state = 'dead', settled_at = clock(),
    last_cause = coalesce(last_cause, 'Somebody declared it failed before it was tried.')
  where organization_id = v_delivery.organization_id and id = v_delivery.id
  returning * into v_delivery;
  perform record_event('delivery.died', v_delivery.id,
    jsonb_build_object('endpoint_id', v_delivery.endpoint_id, 'cause', v_delivery.last_cause));
end $$;

-- Give it up, on a person's word. What waited behind it goes on.
create or replace function holdfast.discard_delivery(p_delivery_id uuid, p_reason text) returns void
language plpgsql security definer
set search_path = holdfast, pg_temp
as $$
declare
  v_delivery delivery := lock_delivery(p_delivery_id);
begin
  if v_delivery.state not in ('pending', 'dead') then
    perform refuse('delivery_is_unsettled', jsonb_build_object('state', v_delivery.state));
  end if;
  update delivery set state = 'discarded', settled_at = clock(), discard_reason = p_reason
  where organization_id = v_delivery.organization_id and id = v_delivery.id;
  perform record_event('delivery.discarded', v_delivery.id, '{}');
end $$;

-- What a manager sees of a delivery.
create or replace view holdfast.delivery_detail with (security_invoker = true) as
select d.organization_id, d.id, d.endpoint_id, w.url, w.status as endpoint_status, d.event_id, e.type, e.at as event_at,
       e.version, e.data, e.subject_id, d.sequence, d.state, d.attempts, d.created_at,
       case when d.state = 'pending' then greatest(d.next_attempt_at, w.not_before) end as next_attempt_at,
       d.settled_at, d.last_status, d.last_cause, d.last_response, d.discard_reason,
       case when d.state = 'pending' then (
         select b.id from holdfast.delivery b
         where b.organization_id = d.organization_id and b.endpoint_id = d.endpoint_id and b.subject_id = d.subject_id
           and b.event_id < d.event_id and b.state in ('pending', 'dead')
         order by b.event_id limit 1
       ) end as waits_behind_id,
       holdfast.event_epoch(d.event_id) as epoch,
       case when d.state in ('pending', 'dead') then (
         select max(a.at) - min(a.at) from holdfast.delivery_attempt a
         where a.organization_id = d.organization_id and a.delivery_id = d.id
       ) end as tried_for
from holdfast.delivery d
join holdfast.webhook_endpoint w on w.organization_id = d.organization_id and w.id = d.endpoint_id
join holdfast.event e on e.organization_id = d.organization_id and e.id = d.event_id;
grant select on holdfast.delivery_detail to holdfast_app;
