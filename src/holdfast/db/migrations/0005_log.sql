-- The log: every change is an event, written by the command that makes it, in the same transaction (I5).

create table holdfast.event (
  organization_id uuid not null references holdfast.organization (id),
  id bigint not null generated always as identity,
  -- Identity values are drawn before commit, so a reader by id alone can pass over a slow transaction. Readers go by
  -- (transaction_id, id) below the oldest running transaction instead.
  transaction_id xid8 not null default pg_current_xact_id(),
  at timestamptz not null,
  type text not null,
  version integer not null default 1,
  subject_id uuid not null,
  actor text not null,
  surface holdfast.surface not null,
  data jsonb not null,
  constraint event_pkey primary key (organization_id, id),
  constraint event_type_is_noun_verb check (type ~ '^[a-z_]+\.[a-z_]+$'),
  constraint event_version_is_positive check (version >= 1)
);
-- The relay reads every organization's events in commit order.
create index event_commit_order on holdfast.event (transaction_id, id);
-- The story of one hold, appointment, block or row of the catalog.
create index event_subject on holdfast.event (organization_id, subject_id, id);
