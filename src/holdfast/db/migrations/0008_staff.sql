-- The people who work at the desk: who they are, how they sign in, and where they are signed in now.

-- `resource_id` is the provider that a person is, so that their own day can be shown to them. A person without a password
-- was invited and has not come yet. The secret of the second factor is encrypted outside the database, bound to this row.
create table holdfast.staff (
  organization_id uuid not null references holdfast.organization (id),
  id uuid not null default holdfast.new_id(),
  email text not null,
  name holdfast.label not null,
  role text not null,
  resource_id uuid,
  password_hash text,
  totp_secret bytea,
  -- the last code's time step, so that no code works twice; 0 before the first
  totp_step bigint not null default 0,
  created_at timestamptz not null default holdfast.clock(),
  retired_at timestamptz,
  constraint staff_pkey primary key (organization_id, id),
  constraint staff_email_is_unique unique (organization_id, email),
  constraint staff_email_is_an_address check (email = lower(email) and email ~ '^[^@\s]+@[^@\s]+$' and length(email) <= 254),
  constraint staff_role_is_known check (role in ('owner', 'manager', 'desk', 'provider')),
  constraint staff_provider_is_a_resource check (role <> 'provider' or resource_id is not null),
  constraint staff_password_is_argon2id check (password_hash like '$argon2id$%'),
  constraint staff_resource_exists foreign key (organization_id, resource_id)
    references holdfast.resource (organization_id, id)
);

-- A sign-in. Only the hash of the cookie's 256 random bits is kept. `complete` is false between password and second factor.
create table holdfast.staff_session (
  organization_id uuid not null,
  id uuid not null default holdfast.new_id(),
  staff_id uuid not null,
  token_hash bytea not null,
  complete boolean not null,
  created_at timestamptz not null default holdfast.clock(),
  seen_at timestamptz not null default holdfast.clock(),
  expires_at timestamptz not null,
  ended_at timestamptz,
  constraint staff_session_pkey primary key (organization_id, id),
  constraint staff_session_token_is_unique unique (token_hash),
  constraint staff_session_token_is_sha256 check (length(token_hash) = 32),
  constraint staff_session_staff_exists foreign key (organization_id, staff_id)
    references holdfast.staff (organization_id, id)
);
-- Sign out everywhere.
create index staff_session_of_staff on holdfast.staff_session (organization_id, staff_id) where ended_at is null;

-- An invitation or a reset: whoever holds the token may set the password, once, until it expires.
create table holdfast.staff_link (
  organization_id uuid not null,
  id uuid not null default holdfast.new_id(),
  staff_id uuid not null,
  purpose text not null,
  token_hash bytea not null,
  created_at timestamptz not null default holdfast.clock(),
  expires_at timestamptz not null,
  used_at timestamptz,
  constraint staff_link_pkey primary key (organization_id, id),
  constraint staff_link_token_is_unique unique (token_hash),
  constraint staff_link_token_is_sha256 check (length(token_hash) = 32),
  constraint staff_link_purpose_is_known check (purpose in ('invitation', 'reset')),
  constraint staff_link_staff_exists foreign key (organization_id, staff_id)
    references holdfast.staff (organization_id, id)
);

-- Tries to sign in that did not succeed: what the throttle counts. Account and network are keyed hashes; the rows are
-- forgotten in a day.
create table holdfast.sign_in_attempt (
  organization_id uuid not null references holdfast.organization (id),
  account bytea not null,
  network bytea not null,
  at timestamptz not null
);
create index sign_in_attempt_by_account on holdfast.sign_in_attempt (organization_id, account, at);
create index sign_in_attempt_by_network on holdfast.sign_in_attempt (organization_id, network, at);

-- As 0006 does for the tables before it.
do $$
declare
  v_table text;
begin
  foreach v_table in array array['staff', 'staff_session', 'staff_link', 'sign_in_attempt'] loop
    execute format('alter table holdfast.%I enable row level security', v_table);
    execute format('alter table holdfast.%I force row level security', v_table);
    execute format(
      'create policy own_organization on holdfast.%I for select to holdfast_app
       using (organization_id = holdfast.current_organization())', v_table);
    execute format('create policy owner_commands on holdfast.%I to current_user using (true) with check (true)', v_table);
  end loop;
end $$;

-- Hashes, secrets and tries are for the command functions alone.
grant select (organization_id, id, email, name, role, resource_id, created_at, retired_at) on holdfast.staff to holdfast_app;
grant select (organization_id, id, staff_id, complete, created_at, seen_at, expires_at, ended_at)
  on holdfast.staff_session to holdfast_app;
