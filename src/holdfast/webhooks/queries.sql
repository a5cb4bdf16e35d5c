-- Endpoints and deliveries: a manager's commands and lists, and what the sender does.

-- name: endpoints
-- The organization's endpoints, newest first; removed ones are left out.
select w.id, w.url, w.description, w.events, w.status, w.created_at,
       (select max(f.ends_at) from holdfast.webhook_former_secret f
        where f.organization_id = w.organization_id and f.endpoint_id = w.id) as previous_secret_ends_at,
       w.failing_since, w.warned_at,
       case when w.status = 'active' and w.warned_at is not null
         then greatest(w.failing_since + interval '5 days', w.warned_at + interval '1 day') end as disables_at,
       case when w.not_before > holdfast.clock() then w.not_before end as not_before, w.disabled_at, w.disabled_cause,
       (select count(*) from holdfast.delivery d
        where d.organization_id = w.organization_id and d.endpoint_id = w.id and d.state = 'dead') as dead
from holdfast.webhook_endpoint w
where w.organization_id = holdfast.current_organization() and w.status <> 'removed'
  and (%(id)s::uuid is null or w.id = %(id)s)
order by w.created_at desc, w.id;

-- name: add_endpoint
-- A new endpoint with its sealed secret.
select holdfast.add_webhook_endpoint(%(id)s, %(url)s, %(description)s, %(events)s, %(secret)s);

-- name: change_endpoint
-- Change what is given, and leave what is null.
select holdfast.change_webhook_endpoint(%(id)s, %(url)s, %(description)s, %(events)s, %(enabled)s);

-- name: rotate_secret
-- A new sealed secret; the old one signs too for some hours, and those before it until their own end.
select holdfast.rotate_webhook_secret(%(id)s, %(secret)s, %(overlap_hours)s);

-- name: remove_endpoint
-- No more deliveries there; what is owed is discarded.
select holdfast.remove_webhook_endpoint(%(id)s);

-- name: test_endpoint
-- Owe it a test event; the delivery's id.
select holdfast.test_webhook_endpoint(%(id)s);

-- name: replay_endpoint
-- Owe it everything of a time that it has not got; how many deliveries.
select holdfast.replay_webhook_endpoint(%(id)s, %(since)s, %(until)s);

-- name: deliveries
-- Deliveries, newest first, after a place in the list.
select id, endpoint_id, url, endpoint_status, event_id, type, event_at, version, data, subject_id, sequence, state,
       attempts, created_at, next_attempt_at, settled_at, last_status, last_cause, last_response, discard_reason,
       waits_behind_id, epoch, tried_for
from holdfast.delivery_detail
where organization_id = holdfast.current_organization()
  and (%(state)s::text is null or state = %(state)s)
  and (%(endpoint_id)s::uuid is null or endpoint_id = %(endpoint_id)s)
  and (%(after_at)s::timestamptz is null or (created_at, id) < (%(after_at)s::timestamptz, %(after_id)s::uuid))
order by created_at desc, id desc
limit %(limit)s;

-- name: delivery_by_id
-- One delivery.
select id, endpoint_id, url, endpoint_status, event_id, type, event_at, version, data, subject_id, sequence, state,
       attempts, created_at, next_attempt_at, settled_at, last_status, last_cause, last_response, discard_reason,
       waits_behind_id, epoch, tried_for
from holdfast.delivery_detail
where organization_id = holdfast.current_organization() and id = %(id)s;

-- name: attempts
-- What was tried for a delivery, oldest first; the latest hundred.
select at, status, cause, response, latency_ms, request_headers, response_headers from (
  select id, at, status, cause, response, latency_ms, request_headers, response_headers from holdfast.delivery_attempt
  where organization_id = holdfast.current_organization() and delivery_id = %(delivery_id)s
  order by id desc limit 100
) latest
order by id;

-- name: retry_delivery
-- Try it again now.
select holdfast.retry_delivery(%(id)s);

-- name: retry_deliveries_since
-- Try every dead letter since then again; how many.
select holdfast.retry_deliveries_since(%(since)s, %(endpoint_id)s);

-- name: fail_delivery
-- No more attempts: a dead letter from now on.
select holdfast.fail_delivery(%(id)s);

-- name: discard_delivery
-- Give it up, with a reason.
select holdfast.discard_delivery(%(id)s, %(reason)s);

-- name: endpoint_filters
-- What the active endpoints of these organizations listen for.
select organization_id, events from holdfast.endpoint_filters(%(organization_ids)s);

-- name: owe_deliveries
-- Owe these events to whoever wants them; how many deliveries were new.
select holdfast.owe_deliveries(%(event_ids)s);

-- name: endpoints_due
-- Endpoints with something to send now, of one organization or of all.
select organization_id, endpoint_id, failing from holdfast.endpoints_due(%(organization_id)s);

-- name: deliveries_due
-- A page of what one endpoint is owed now, in order.
select id, url, secrets, attempts, sequence, event_id, epoch, at, type, version, subject_id, data
from holdfast.deliveries_due(%(endpoint_id)s, %(after)s, %(limit)s);

-- name: record_attempt
-- Write down how an attempt went.
select holdfast.record_attempt(%(delivery_id)s, %(outcome)s, %(status)s, %(cause)s, %(response)s, %(latency_ms)s,
                               %(retry_in_seconds)s, %(pause_seconds)s, %(request_headers)s::text::jsonb,
                               %(response_headers)s::text::jsonb);

-- name: forget_deliveries
-- Forget what was settled long ago; how many.
select holdfast.forget_deliveries();
