-- What waits behind the bookings, over all organizations: for whoever runs the server. Numbers only.

-- `waiting`: due now; `seconds`: how long the first of them has waited; `stuck`: needs a person. Each count has an index.
create or replace function holdfast.backlog()
returns table (what text, waiting bigint, seconds double precision, stuck bigint)
language sql stable security definer
set search_path = holdfast, pg_temp
as $$
  select 'events', l.waiting, l.seconds, 0 from relay_lag() l
  union all
  -- those to a receiver that is switched off, or left in peace for a while, wait for it and not for us
  select 'deliveries', count(*), coalesce(extract(epoch from clock() - min(d.next_attempt_at)), 0)::double precision,
         (select count(*) from delivery where state = 'dead')
  from delivery d join webhook_endpoint w on w.organization_id = d.organization_id and w.id = d.endpoint_id
  where d.state = 'pending' and d.next_attempt_at <= clock() and w.status = 'active' and w.not_before is null
  union all
  select 'messages', count(*), coalesce(extract(epoch from clock() - min(next_attempt_at)), 0)::double precision,
         (select count(*) from message where state = 'dead')
  from message where state = 'pending' and next_attempt_at <= clock()
  union all
  select 'offers', count(*), coalesce(extract(epoch from clock() - min(due_at)), 0)::double precision, 0
  from waitlist_opening where due_at <= clock();
$$;
