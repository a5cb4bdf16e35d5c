-- What happens next: how far the relay has read the log, and what we owe to parties outside.

-- One row. Everything before (transaction_id, event_id), in commit order, has been handed on.
create table holdfast.relay_position (
  singleton boolean not null default true,
  transaction_id xid8 not null,
  event_id bigint not null,
  -- transaction numbers mean something within one database cluster only; see adopt_log()
  cluster_id bigint not null,
  constraint relay_position_pkey primary key (singleton),
  constraint relay_position_is_one check (singleton)
);
insert into holdfast.relay_position (transaction_id, event_id, cluster_id)
select '0', 0, system_identifier from pg_control_system();

create table holdfast.webhook_endpoint (
  organization_id uuid not null references holdfast.organization (id),
  id uuid not null default holdfast.new_id(),
  url text not null,
  description text not null default '',
  -- '*', 'appointment.*' or 'appointment.booked'
  events text[] not null,
  -- encrypted by the application (AES-GCM, bound to this row); signatures carry both until the previous one ends
  secret bytea not null,
  previous_secret bytea,
  previous_secret_ends_at timestamptz,
  status text not null default 'active',
  created_at timestamptz not null,
  -- since the first failure after the last success
  failing_since timestamptz,
  warned_at timestamptz,
  disabled_at timestamptz,
  disabled_cause text,
  constraint webhook_endpoint_pkey primary key (organization_id, id),
  constraint webhook_endpoint_status_is_known check (status in ('active', 'disabled', 'removed')),
  constraint webhook_endpoint_url_is_bounded check (length(url) between 1 and 2000),
  constraint webhook_endpoint_description_is_bounded check (length(description) <= 500),
  constraint webhook_endpoint_events_are_named check (cardinality(events) between 1 and 100),
  constraint webhook_endpoint_previous_secret_ends check ((previous_secret is null) = (previous_secret_ends_at is null)),
  constraint webhook_endpoint_disabled_says_why check ((status = 'disabled') = (disabled_cause is not null))
);

-- What is owed to one endpoint for one event. `dead`: the last attempt failed, and a person must decide.
create table holdfast.delivery (
  organization_id uuid not null,
  id uuid not null default holdfast.new_id(),
  endpoint_id uuid not null,
  event_id bigint not null,
  subject_id uuid not null,
  -- the event's place in the story of its subject: 1, 2, 3, …
  sequence integer not null,
  state text not null default 'pending',
  attempts integer not null default 0,  -- since it was owed, or retried by a person
  created_at timestamptz not null,
  next_attempt_at timestamptz not null,
  settled_at timestamptz,
  last_status integer,
  last_cause text,
  last_response text,
  discard_reason text,
  constraint delivery_pkey primary key (organization_id, id),
  constraint delivery_is_owed_once unique (organization_id, endpoint_id, event_id),
  constraint delivery_state_is_known check (state in ('pending', 'delivered', 'dead', 'discarded')),
  constraint delivery_settled_has_a_time check ((state = 'pending') = (settled_at is null)),
  constraint delivery_attempts_are_counted check (attempts >= 0),
  constraint delivery_response_is_bounded check (length(last_response) <= 1024),
  constraint delivery_discard_has_a_reason check (
    (state = 'discarded') = (discard_reason is not null) and length(discard_reason) between 1 and 500
  ),
  constraint delivery_endpoint_exists foreign key (organization_id, endpoint_id)
    references holdfast.webhook_endpoint (organization_id, id),
  constraint delivery_event_exists foreign key (organization_id, event_id) references holdfast.event (organization_id, id)
);
-- A sender pages through what one endpoint is owed; what is due anywhere; what came before for the same subject; the list.
create index delivery_pending on holdfast.delivery (organization_id, endpoint_id, event_id) where state = 'pending';
create index delivery_due on holdfast.delivery (next_attempt_at) where state = 'pending';
create index delivery_unsettled on holdfast.delivery (organization_id, endpoint_id, subject_id, event_id)
  where state in ('pending', 'dead');
create index delivery_dead on holdfast.delivery (organization_id, settled_at) where state = 'dead';
create index delivery_list on holdfast.delivery (organization_id, created_at, id);

create table holdfast.delivery_attempt (
  organization_id uuid not null,
  delivery_id uuid not null,
  id bigint not null generated always as identity,
  at timestamptz not null,
  status integer,
  cause text,
  response text,
  latency_ms integer not null,
  constraint delivery_attempt_pkey primary key (organization_id, delivery_id, id),
  constraint delivery_attempt_response_is_bounded check (length(response) <= 1024),
  constraint delivery_attempt_delivery_exists foreign key (organization_id, delivery_id)
    references holdfast.delivery (organization_id, id) on delete cascade
);

do $$
declare
  v_table text;
begin
  foreach v_table in array array['webhook_endpoint', 'delivery', 'delivery_attempt'] loop
    execute format('alter table holdfast.%I enable row level security', v_table);
    execute format('alter table holdfast.%I force row level security', v_table);
    execute format(
      'create policy own_organization on holdfast.%I for select to holdfast_app
       using (organization_id = holdfast.current_organization())', v_table);
    execute format('create policy owner_commands on holdfast.%I to current_user using (true) with check (true)', v_table);
  end loop;
end $$;

-- Secrets are for the sender's eyes: the worker gets them from deliveries_due().
grant select (organization_id, id, url, description, events, previous_secret_ends_at, status, created_at, failing_since,
              warned_at, disabled_at, disabled_cause) on holdfast.webhook_endpoint to holdfast_app;
grant select on holdfast.delivery, holdfast.delivery_attempt to holdfast_app;

-- The worker's role reads no table: it has the functions of functions/140_relay.sql and 150_deliveries.sql, and the job queue.
grant usage on schema holdfast to holdfast_worker;
grant execute on function holdfast.current_organization(), holdfast.current_actor(), holdfast.current_surface(),
  holdfast.clock() to holdfast_worker;
