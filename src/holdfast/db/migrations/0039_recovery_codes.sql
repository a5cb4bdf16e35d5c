-- What a person keeps on paper for the day their phone is gone: each code stands in for one of the second factor, once.

-- A code that was used is no longer here. Only a keyed hash is kept, and the key is not in the database.
create table holdfast.staff_recovery_code (
  organization_id uuid not null,
  staff_id uuid not null,
  code_hash bytea not null,
  created_at timestamptz not null default holdfast.clock(),
  constraint staff_recovery_code_pkey primary key (organization_id, staff_id, code_hash),
  constraint staff_recovery_code_is_sha256 check (length(code_hash) = 32),
  constraint staff_recovery_code_staff_exists foreign key (organization_id, staff_id)
    references holdfast.staff (organization_id, id)
);

-- As 0006 does for the tables before it; nobody but the command functions reads it.
alter table holdfast.staff_recovery_code enable row level security;
alter table holdfast.staff_recovery_code force row level security;
create policy own_organization on holdfast.staff_recovery_code for select to holdfast_app
  using (organization_id = holdfast.current_organization());
create policy owner_commands on holdfast.staff_recovery_code to current_user using (true) with check (true);

-- It says when the session ends, and can look without prolonging it (131_sessions.sql).
drop function if exists holdfast.authenticate_session(bytea);
