-- Several appointments of one coming: services in sequence, a party, or both. A visit groups their holds; what becomes of
-- it is what becomes of them, so it has no state of its own.

-- A function cannot change its type or its parameters in place; functions/ makes these again.
drop function if exists holdfast.look(uuid, uuid, timestamptz, jsonb, uuid, boolean);
drop function if exists holdfast.visits_that_day(uuid, timestamptz, text, uuid);
drop function if exists holdfast.tile_claims(holdfast.candidate[]);
drop function if exists holdfast.insert_claims(uuid, holdfast.candidate[]);
drop function if exists holdfast.swap_claims(uuid, uuid, holdfast.candidate[]);
drop function if exists holdfast.lock_units(holdfast.candidate[], uuid);
drop function if exists holdfast.overbook_stands(uuid, tstzrange, uuid);
drop function if exists holdfast.stand_behind(holdfast.candidate[], uuid);
drop function if exists holdfast.caps_are_kept(holdfast.hold, holdfast.candidate[], uuid);
drop function if exists holdfast.refuse_unserved_role(uuid, timestamptz, jsonb, holdfast.candidate[]);
drop function if exists holdfast.check_quota(holdfast.hold_policy, bytea, bytea);
drop function if exists holdfast.draft_hold(uuid, uuid, timestamptz, integer, bytea, bytea, text, text, boolean);
drop function if exists holdfast.lock_live_hold(uuid, boolean);
drop function if exists holdfast.claims_between(uuid[], timestamptz, timestamptz);

-- `max_wait_minutes` and `same_provider` are what was asked for: a visit that moves as one is arranged by them again.
create table holdfast.visit (
  organization_id uuid not null references holdfast.organization (id),
  id uuid not null default holdfast.new_id(),
  location_id uuid not null,
  max_wait_minutes integer not null,
  same_provider boolean not null,
  surface holdfast.surface not null,
  created_at timestamptz not null,
  constraint visit_pkey primary key (organization_id, id),
  constraint visit_wait_is_bounded check (max_wait_minutes between 0 and 1440),
  constraint visit_location_exists foreign key (organization_id, location_id)
    references holdfast.location (organization_id, id)
);

alter table holdfast.hold
  add column visit_id uuid,
  -- Deferred: the holds are tried first, so that a refusal writes nothing.
  add constraint hold_visit_exists foreign key (organization_id, visit_id)
    references holdfast.visit (organization_id, id) deferrable initially deferred;
create index hold_visit on holdfast.hold (organization_id, visit_id) where visit_id is not null;

alter table holdfast.visit enable row level security;
alter table holdfast.visit force row level security;
create policy own_organization on holdfast.visit for select to holdfast_app
  using (organization_id = holdfast.current_organization());
create policy owner_commands on holdfast.visit to current_user using (true) with check (true);
grant select on holdfast.visit to holdfast_app;
