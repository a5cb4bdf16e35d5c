-- The record and the guard. A claim (unit x time range) belongs to exactly one holder: a hold, a block, or a busy time
-- from an outside calendar. The holder decides whether its claims block; composite foreign keys carry that decision to
-- the claims, so a claim cannot stay active when its holder has let go, nor the other way about.

create table holdfast.client (
  organization_id uuid not null references holdfast.organization (id),
  id uuid not null default holdfast.new_id(),
  name holdfast.label not null,
  email text,
  phone text,
  created_at timestamptz not null default holdfast.clock(),
  constraint client_pkey primary key (organization_id, id),
  constraint client_email_is_lower_case check (email = lower(email) and length(email) <= 254),
  constraint client_phone_is_e164 check (phone ~ '^\+[1-9][0-9]{5,14}$')
);
create index client_email on holdfast.client (organization_id, email) where email is not null;
create index client_phone on holdfast.client (organization_id, phone) where phone is not null;

-- The authority over a visit's claims. live -> confirmed | released | expired; confirmed -> released, when the
-- appointment it serves lets go (cancelled, no-show, moved).
create table holdfast.hold (
  organization_id uuid not null references holdfast.organization (id),
  id uuid not null default holdfast.new_id(),
  state text not null default 'live',
  -- "not released or expired", rather than "live or confirmed": a state that somebody adds later blocks until told otherwise
  blocking boolean not null generated always as (state not in ('released', 'expired')) stored,
  service_id uuid not null,
  location_id uuid not null,
  starts_at timestamptz not null,
  ends_at timestamptz not null,
  created_at timestamptz not null,
  expires_at timestamptz not null,
  extensions integer not null default 0,
  surface holdfast.surface not null,
  actor text not null,
  visitor bytea,
  network bytea,
  overbook_reason text,
  constraint hold_pkey primary key (organization_id, id),
  constraint hold_blocking_is_referable unique (organization_id, id, blocking),
  constraint hold_state_is_known check (state in ('live', 'confirmed', 'released', 'expired')),
  constraint hold_starts_before_end check (starts_at < ends_at),
  constraint hold_expires_after_creation check (expires_at > created_at and isfinite(expires_at)),
  constraint hold_service_exists foreign key (organization_id, service_id) references holdfast.service (organization_id, id),
  constraint hold_location_exists foreign key (organization_id, location_id)
    references holdfast.location (organization_id, id)
);
-- Quotas count the live holds of one visitor, network or actor; the sweeper looks for the oldest expiry.
create index hold_live_by_visitor on holdfast.hold (organization_id, visitor) where state = 'live' and visitor is not null;
create index hold_live_by_network on holdfast.hold (organization_id, network) where state = 'live' and network is not null;
create index hold_live_by_expiry on holdfast.hold (organization_id, expires_at) where state = 'live';

create table holdfast.appointment (
  organization_id uuid not null references holdfast.organization (id),
  id uuid not null default holdfast.new_id(),
  state text not null default 'confirmed',
  -- completed visits keep their claims: the past stays guarded and measurable
  blocking boolean not null generated always as (state not in ('cancelled', 'no_show')) stored,
  revision integer not null default 1,
  hold_id uuid not null,
  client_id uuid not null,
  service_id uuid not null,
  location_id uuid not null,
  starts_at timestamptz not null,
  ends_at timestamptz not null,
  -- what the client was told, to notice when a zone's rules change under it
  local_start timestamp not null,
  time_zone text not null,
  confirmation_code text not null,
  price_cents integer not null,
  surface holdfast.surface not null,
  note text,
  cancel_reason text,
  created_at timestamptz not null,
  constraint appointment_pkey primary key (organization_id, id),
  constraint appointment_code_is_unique unique (organization_id, confirmation_code),
  constraint appointment_hold_is_its_own unique (organization_id, hold_id),
  constraint appointment_state_is_known check (state in ('confirmed', 'checked_in', 'completed', 'cancelled', 'no_show')),
  constraint appointment_starts_before_end check (starts_at < ends_at),
  constraint appointment_revision_is_positive check (revision >= 1),
  constraint appointment_note_is_bounded check (length(note) <= 2000),
  constraint appointment_cancel_reason_is_bounded check (length(cancel_reason) <= 500),
  constraint appointment_client_exists foreign key (organization_id, client_id)
    references holdfast.client (organization_id, id),
  constraint appointment_service_exists foreign key (organization_id, service_id)
    references holdfast.service (organization_id, id),
  constraint appointment_location_exists foreign key (organization_id, location_id)
    references holdfast.location (organization_id, id),
  -- An appointment blocks exactly when its hold does. Checked at commit, because both rows change in one command.
  constraint appointment_blocks_as_its_hold foreign key (organization_id, hold_id, blocking)
    references holdfast.hold (organization_id, id, blocking) deferrable initially deferred
);
-- The day board and the list of appointments; the visits of one client.
create index appointment_starts_at on holdfast.appointment (organization_id, starts_at, id);
create index appointment_client on holdfast.appointment (organization_id, client_id, starts_at);

-- Staff say no: time off, maintenance, a lunch.
create table holdfast.block (
  organization_id uuid not null references holdfast.organization (id),
  id uuid not null default holdfast.new_id(),
  resource_id uuid not null,
  starts_at timestamptz not null,
  ends_at timestamptz not null,
  reason text not null default '',
  created_at timestamptz not null,
  removed_at timestamptz,
  blocking boolean not null generated always as (removed_at is null) stored,
  constraint block_pkey primary key (organization_id, id),
  constraint block_blocking_is_referable unique (organization_id, id, blocking),
  constraint block_starts_before_end check (starts_at < ends_at and isfinite(starts_at) and isfinite(ends_at)),
  constraint block_reason_is_bounded check (length(reason) <= 500),
  constraint block_resource_exists foreign key (organization_id, resource_id)
    references holdfast.resource (organization_id, id)
);
create index block_resource on holdfast.block (organization_id, resource_id, ends_at) where removed_at is null;

-- An outside calendar says no. One row for one occurrence of an event over there, found again by (source, external_id).
create table holdfast.busy (
  organization_id uuid not null references holdfast.organization (id),
  id uuid not null default holdfast.new_id(),
  resource_id uuid not null,
  source text not null,
  external_id text not null,
  starts_at timestamptz not null,
  ends_at timestamptz not null,
  created_at timestamptz not null,
  removed_at timestamptz,
  blocking boolean not null generated always as (removed_at is null) stored,
  constraint busy_pkey primary key (organization_id, id),
  constraint busy_blocking_is_referable unique (organization_id, id, blocking),
  constraint busy_event_is_unique unique (organization_id, resource_id, source, external_id),
  constraint busy_starts_before_end check (starts_at < ends_at and isfinite(starts_at) and isfinite(ends_at)),
  constraint busy_names_are_bounded check (length(source) between 1 and 200 and length(external_id) between 1 and 1000),
  constraint busy_resource_exists foreign key (organization_id, resource_id)
    references holdfast.resource (organization_id, id)
);

-- Reality has two things in one place: the measured double-booking, until somebody decides.
create table holdfast.collision (
  organization_id uuid not null references holdfast.organization (id),
  id uuid not null default holdfast.new_id(),
  resource_id uuid not null,
  busy_id uuid not null,
  other_kind text not null,
  other_id uuid not null,
  starts_at timestamptz not null,
  ends_at timestamptz not null,
  found_at timestamptz not null,
  resolved_at timestamptz,
  resolved_by text,
  resolution text,
  constraint collision_pkey primary key (organization_id, id),
  constraint collision_pair_is_unique unique (organization_id, busy_id, other_id),
  constraint collision_other_kind_is_known check (other_kind in ('appointment', 'hold', 'block', 'busy')),
  constraint collision_starts_before_end check (starts_at < ends_at),
  constraint collision_resolution_is_whole check (
    (resolved_at is null) = (resolved_by is null) and (resolved_at is null) = (resolution is null)
  ),
  constraint collision_busy_exists foreign key (organization_id, busy_id) references holdfast.busy (organization_id, id),
  constraint collision_resource_exists foreign key (organization_id, resource_id)
    references holdfast.resource (organization_id, id)
);
create index collision_open on holdfast.collision (organization_id, starts_at) where resolved_at is null;

create table holdfast.claim (
  organization_id uuid not null,
  id bigint not null generated always as identity,
  unit_id uuid not null,
  role text not null,
  during tstzrange not null,   -- what is blocked, buffers included
  segment tstzrange not null,  -- what is worked
  hold_id uuid,
  block_id uuid,
  busy_id uuid,
  active boolean not null default true,
  -- put there by a person on purpose; outside the guard until the place is free, and marked for ever
  overbook boolean not null default false,
  constraint claim_pkey primary key (organization_id, id),
  -- I1. The organization comes first: one tenant can neither meet nor infer another's bookings.
  constraint claim_no_overlap exclude using gist (
    organization_id with =, unit_id with =, during with &&
  ) where (active and not overbook),
  constraint claim_during_is_claimable check (holdfast.is_claimable(during)),
  constraint claim_segment_is_inside check (segment <@ during and not isempty(segment)),
  constraint claim_has_one_holder check (num_nonnulls(hold_id, block_id, busy_id) = 1),
  constraint claim_overbook_is_a_visit check (not overbook or hold_id is not null),
  constraint claim_unit_exists foreign key (organization_id, unit_id) references holdfast.unit (organization_id, id),
  constraint claim_active_as_its_hold foreign key (organization_id, hold_id, active)
    references holdfast.hold (organization_id, id, blocking) on update cascade deferrable initially immediate,
  constraint claim_active_as_its_block foreign key (organization_id, block_id, active)
    references holdfast.block (organization_id, id, blocking) on update cascade deferrable initially immediate,
  constraint claim_active_as_its_busy foreign key (organization_id, busy_id, active)
    references holdfast.busy (organization_id, id, blocking) on update cascade deferrable initially immediate
);
-- The claims of one holder.
create index claim_hold on holdfast.claim (organization_id, hold_id) where hold_id is not null;
create index claim_block on holdfast.claim (organization_id, block_id) where block_id is not null;
create index claim_busy on holdfast.claim (organization_id, busy_id) where busy_id is not null;
-- A deliberate overbook stands outside the guard's index but still is in everybody's way.
create index claim_overbook on holdfast.claim (organization_id, unit_id) where active and overbook;
