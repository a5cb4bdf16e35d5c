-- The worker's chores.

-- name: forget_answers
-- Forget idempotent answers older than is promised; how many.
select holdfast.forget_answers();

-- name: jobs_to_gather
-- The jobs that wait in a lane, in order, as long as there is room for their events.
select id, args from (
  select id, args, sum(jsonb_array_length(args -> 'event_ids')) over (order by id) as events
  from procrastinate.procrastinate_jobs
  where lock = %(lane)s and status = 'todo'
) waiting
where events <= %(room)s::integer
order by id;

-- name: end_gathered
-- What was done together with the first job of its lane is done, and the lane rests: its next job is not begun before.
with done as (
  delete from procrastinate.procrastinate_jobs where id = any (%(ids)s::bigint[]) and status = 'todo'
)
update procrastinate.procrastinate_jobs set scheduled_at = now() + make_interval(secs => %(rest)s)
where id = (
  select min(id) from procrastinate.procrastinate_jobs
  where lock = %(lane)s and status = 'todo' and id <> all (%(ids)s::bigint[])
) and %(rest)s > 0;

-- name: endpoint_events
-- Warnings about endpoints, with how each endpoint stands now; those that answer again are left out.
select e.type, e.at, e.data ->> 'cause' as cause, w.url, w.failing_since,
       greatest(w.failing_since + interval '5 days', w.warned_at + interval '1 day') as disables_at
from holdfast.event e
join holdfast.webhook_endpoint w on w.organization_id = e.organization_id and w.id = e.subject_id
where e.organization_id = holdfast.current_organization() and e.id = any (%(event_ids)s::bigint[])
  and (w.status = 'disabled' or e.type = 'webhook_endpoint.failing' and w.status = 'active' and w.warned_at is not null)
order by e.id;
