-- After a restore, event numbers are drawn a second time for other events: the name that outsiders know an event by
-- (`evt_…`) holds the epoch in which it was written as well. Epoch 0: before the first restore that was noticed.

create table holdfast.log_epoch (
  from_event_id bigint not null,
  epoch integer not null,
  began_at timestamptz not null,
  constraint log_epoch_pkey primary key (from_event_id),
  constraint log_epoch_is_24_bits check (epoch between 1 and 16777215)
);

alter table holdfast.log_epoch enable row level security;
alter table holdfast.log_epoch force row level security;
create policy of_every_organization on holdfast.log_epoch for select to holdfast_app using (true);
create policy owner_commands on holdfast.log_epoch to current_user using (true) with check (true);
grant select (from_event_id, epoch) on holdfast.log_epoch to holdfast_app;

-- How a restore is noticed: a row that came out of a dump was not inserted by the transaction that it names; and a server
-- that went on from a copied directory or a standby counts another timeline.
alter table holdfast.relay_position
  add column written_by xid8 not null default pg_current_xact_id(),
  add column timeline text not null default left(pg_walfile_name(pg_current_wal_insert_lsn()), 8);

drop function if exists holdfast.feed(xid8, bigint, integer);
