-- Reading the log in commit order. An event's id is drawn before its transaction commits, so a reader by id passes over
-- whatever commits late. Readers here go by (transaction_id, id) and stop below the oldest transaction that still runs:
-- everything down there has committed or never will.

-- Up to `p_limit` events of every organization that the relay has not handed on, in commit order. For the worker's role
-- alone. What an event says is not among them: whoever reacts reads that as the organization.
create or replace function holdfast.events_to_relay(p_limit integer)
returns table (organization_id uuid, id bigint, transaction_id xid8, type text)
language plpgsql stable security definer
set search_path = holdfast, pg_temp
as $$
declare
  v_position relay_position;
begin
  select * into v_position from relay_position;
  return query
    select e.organization_id, e.id, e.transaction_id, e.type from event e
    where (e.transaction_id, e.id) > (v_position.transaction_id, v_position.event_id)
      and e.transaction_id < pg_snapshot_xmin(pg_current_snapshot())
    order by e.transaction_id, e.id
    limit p_limit;
end $$;

-- Everything up to this event has been handed on, in this transaction.
create or replace function holdfast.advance_relay(p_transaction_id xid8, p_event_id bigint) returns void
language plpgsql security definer
set search_path = holdfast, pg_temp
as $$
begin
  update relay_position set transaction_id = p_transaction_id, event_id = p_event_id, written_by = pg_current_xact_id()
  where (transaction_id, event_id) < (p_transaction_id, p_event_id);
  if not found then
    raise exception 'the relay goes forward only';
  end if;
end $$;

-- The epoch of an event, which is part of its public name.
create or replace function holdfast.event_epoch(p_event_id bigint) returns integer
language sql stable
as $$
  select coalesce((select epoch from holdfast.log_epoch where from_event_id <= p_event_id order by from_event_id desc limit 1), 0);
$$;

-- Events from this one on are named anew: their numbers may have been another event's before. Earlier ones keep their
-- names, so that whoever was told of one recognises a repeat. Null: from the next event on.
create or replace function holdfast.begin_epoch(p_from_event_id bigint default null) returns void
language sql
as $$
  insert into holdfast.log_epoch (from_event_id, epoch, began_at)
  values (coalesce(p_from_event_id, (select coalesce(max(id), 0) + 1 from holdfast.event)),
          1 + floor(random() * 16777215)::integer, holdfast.clock())
  on conflict (from_event_id) do update set epoch = excluded.epoch, began_at = excluded.began_at;
$$;

-- The number of the transaction that inserted a row, from its lower half: the latest one that it can have been.
create or replace function holdfast.whole_xid(p_xmin xid) returns bigint
language sql volatile
as $$
  select n.now - ((n.now - p_xmin::text::bigint) & 4294967295) from (select pg_current_xact_id()::text::bigint as now) n;
$$;

-- Was the database restored since the relay last worked? Then a new epoch begins. Into another cluster, whose transactions
-- are counted anew? Then the old numbers say nothing: keep only their order relative to the position, as 1 (handed on)
-- and 2 (not yet). Both lie below any transaction to come. What was written over here after the restore keeps its number,
-- which is told by: it is of a transaction after the one that brought the position here, and not after the one that
-- inserted the row (a savepoint's has a number of its own). pg_upgrade takes numbers and rows along: nothing changes.
create or replace function holdfast.adopt_log() returns boolean
language plpgsql security definer
set search_path = holdfast, pg_temp
as $$
declare
  v_cluster_id bigint := (select system_identifier from pg_control_system());
  v_timeline text := left(pg_walfile_name(pg_current_wal_insert_lsn()), 8);
  v_position relay_position;
  v_brought_by xid;
  v_restored boolean;
  v_brought bigint;
begin
  select * into v_position from relay_position for update;
  select xmin into v_brought_by from relay_position;
  v_restored := v_brought_by::text::bigint <> v_position.written_by::text::bigint & 4294967295;
  if not v_restored and (v_position.cluster_id, v_position.timeline) = (v_cluster_id, v_timeline) then
    return false;
  end if;
  v_brought := whole_xid(v_brought_by);
  lock table event in share row exclusive mode;
  if v_restored or v_position.cluster_id = v_cluster_id then
    perform begin_epoch(1 + coalesce((
      select max(id) from event
      where not v_restored or transaction_id::text::bigint not between v_brought + 1 and whole_xid(xmin)), 0));
  end if;
  if v_restored and v_position.cluster_id <> v_cluster_id then
    update event e set transaction_id = case
      when (e.transaction_id, e.id) <= (v_position.transaction_id, v_position.event_id) then '1'::xid8 else '2'::xid8 end
    where e.transaction_id::text::bigint not between v_brought + 1 and whole_xid(e.xmin);
    update relay_position set transaction_id = '1', event_id = coalesce((select max(id) from event), 0);
  end if;
  update relay_position set cluster_id = v_cluster_id, timeline = v_timeline, written_by = pg_current_xact_id();
  return v_restored;
end $$;

-- How far behind the relay is: events waiting (counted up to 100,000) and how long the first of them has waited.
create or replace function holdfast.relay_lag() returns table (waiting bigint, seconds double precision)
language plpgsql stable security definer
set search_path = holdfast, pg_temp
as $$
declare
  v_position relay_position;
begin
  select * into v_position from relay_position;
  return query
    select count(*), coalesce(extract(epoch from clock() - min(w.at))::double precision, 0)
    from (
      select e.at from event e
      where (e.transaction_id, e.id) > (v_position.transaction_id, v_position.event_id)
      order by e.transaction_id, e.id
      limit 100000
    ) w;
end $$;

-- The live feed's reader: up to `p_limit` of this organization's events after a position, in commit order, each with the
-- horizon: below it nothing can appear any more. Without events there is one row, which only says the horizon.
create or replace function holdfast.feed(p_transaction_id xid8, p_id bigint, p_limit integer)
returns table (
  horizon bigint, id bigint, epoch integer, transaction_id bigint, at timestamptz, type text, subject_id uuid, actor text,
  surface text, data jsonb
)
language sql stable security definer
set search_path = holdfast, pg_temp
as $$
  select h.horizon::text::bigint, e.id, event_epoch(e.id), e.transaction_id::text::bigint, e.at, e.type, e.subject_id, e.actor,
         e.surface::text, e.data
  from (select pg_snapshot_xmin(pg_current_snapshot()) as horizon) h
  left join lateral (
    select * from event
    where (event.transaction_id, event.id) > (p_transaction_id, p_id) and event.transaction_id < h.horizon
      and event.organization_id = current_organization()
    order by event.transaction_id, event.id
    limit p_limit
  ) e on true
  order by e.transaction_id, e.id;
$$;

-- Where the log stands: the horizon, and which cluster's transaction numbers in which epoch these are.
create or replace function holdfast.feed_now() returns table (horizon bigint, cluster_id bigint)
language sql stable security definer
set search_path = holdfast, pg_temp
as $$
  select pg_snapshot_xmin(pg_current_snapshot())::text::bigint,
         system_identifier # event_epoch(9223372036854775807) from pg_control_system();
$$;
