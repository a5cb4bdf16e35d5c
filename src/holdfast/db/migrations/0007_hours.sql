-- When things can be booked: opening hours and their exceptions, who is qualified, how soon and how often.
--
-- Rules say what is offered and what a hold may take; only the guard says what is free. So none of them is enforced by a
-- constraint on claims: a rule that changes tomorrow never moves, or forbids, what was booked today.

-- A function cannot change its type or get a further parameter in place; functions/ makes these again.
drop function if exists holdfast.act_as(uuid, text, text);
drop function if exists holdfast.look(uuid, uuid, timestamptz, jsonb, uuid);
drop function if exists holdfast.draft_hold(uuid, uuid, timestamptz, integer, bytea, bytea, text, text);
drop function if exists holdfast.place_hold(uuid, uuid, timestamptz, jsonb, integer, bytea, bytea);
drop function if exists holdfast.book(uuid, uuid, timestamptz, jsonb, jsonb, text, bytea, bytea, text);
drop function if exists holdfast.reschedule(uuid, integer, timestamptz, uuid, jsonb, uuid, text);

-- `catalog_version` counts every change of what can be booked, so that a process knows by one number that what it
-- remembers is still true. `assign` and `rank`: who is chosen among the free, and which slot is shown first.
alter table holdfast.organization
  add column catalog_version bigint not null default 0,
  add column assign text not null default 'preference',
  add column rank text not null default 'earliest',
  add constraint organization_assign_is_known check (assign in ('preference', 'least_loaded', 'round_robin')),
  add constraint organization_rank_is_known check (rank in ('earliest', 'tight'));

-- Public holidays of this country (ISO 3166-1) and region are closures.
alter table holdfast.location
  add column holiday_country text,
  add column holiday_region text,
  add constraint location_holiday_country_is_iso check (holiday_country ~ '^[A-Z]{2}$'),
  add constraint location_holiday_region_has_country check (
    holiday_region is null or holiday_country is not null and length(holiday_region) between 1 and 20
  );

alter table holdfast.resource
  add column visits_per_day integer,
  add constraint resource_visits_per_day_is_bounded check (visits_per_day between 0 and 1000);

-- A pool lends only resources that have all of these attributes on the day.
alter table holdfast.pool
  add column requires text[] not null default '{}',
  add constraint pool_requires_are_plain check (
    cardinality(requires) <= 20 and array_to_string(requires, ' ', '?') ~ '^([a-z0-9][a-z0-9_-]{0,39}( |$))*$'
  );

-- Strangers start on the grid of the wall clock, or, if allowed, exactly where an earlier claim ends; staff anywhere.
alter table holdfast.service
  add column grid_minutes integer not null default 15,
  add column off_grid_after_claims boolean not null default false,
  add constraint service_grid_is_bounded check (grid_minutes between 1 and 1440);

-- What a resource has: a credential, good until the end of that local day; a device that is fixed in a room.
create table holdfast.resource_attribute (
  organization_id uuid not null,
  resource_id uuid not null,
  name text not null,
  good_until date,
  constraint resource_attribute_pkey primary key (organization_id, resource_id, name),
  constraint resource_attribute_name_is_plain check (name ~ '^[a-z0-9][a-z0-9_-]{0,39}$'),
  constraint resource_attribute_resource_exists foreign key (organization_id, resource_id)
    references holdfast.resource (organization_id, id)
);

-- How soon and how far ahead a surface may book a service; whole local days after today. See availability/catalog.py for
-- surfaces of which nothing is said.
create table holdfast.service_lead (
  organization_id uuid not null,
  service_id uuid not null,
  surface holdfast.surface not null,
  notice_minutes integer not null default 0,
  horizon_days integer not null default 365,
  constraint service_lead_pkey primary key (organization_id, service_id, surface),
  constraint service_lead_is_bounded check (notice_minutes between 0 and 525600 and horizon_days between 0 and 1096),
  constraint service_lead_service_exists foreign key (organization_id, service_id)
    references holdfast.service (organization_id, id)
);

-- Wall times of every week, or of every n-th counted from the week of `anchor`; Monday is 0. Of a location, of a
-- resource wherever it serves, or of a resource at one location. `ends` not after `starts` is on the next day.
create table holdfast.weekly_rule (
  organization_id uuid not null references holdfast.organization (id),
  id uuid not null default holdfast.new_id(),
  location_id uuid,
  resource_id uuid,
  kind text not null,
  weekday integer not null,
  starts time not null,
  ends time not null,
  valid_from date,
  valid_until date,
  every_weeks integer not null default 1,
  anchor date,
  constraint weekly_rule_pkey primary key (organization_id, id),
  constraint weekly_rule_kind_is_known check (kind in ('hours', 'break')),
  constraint weekly_rule_belongs_somewhere check (num_nonnulls(location_id, resource_id) >= 1),
  constraint weekly_rule_weekday_is_known check (weekday between 0 and 6),
  constraint weekly_rule_is_whole_minutes check (
    starts = date_trunc('minute', starts::interval)::time and ends = date_trunc('minute', ends::interval)::time
    and starts < '24:00' and ends < '24:00'  -- midnight is 00:00: Python has no 24:00
  ),
  constraint weekly_rule_validity_is_ordered check (valid_from <= valid_until),
  constraint weekly_rule_every_weeks_has_anchor check (
    every_weeks between 1 and 52 and (every_weeks = 1 or anchor is not null)
  ),
  constraint weekly_rule_location_exists foreign key (organization_id, location_id)
    references holdfast.location (organization_id, id),
  constraint weekly_rule_resource_exists foreign key (organization_id, resource_id)
    references holdfast.resource (organization_id, id)
);

-- Once, from one wall time to another, at the location or wherever the resource serves.
create table holdfast.dated_rule (
  organization_id uuid not null references holdfast.organization (id),
  id uuid not null default holdfast.new_id(),
  location_id uuid,
  resource_id uuid,
  kind text not null,
  starts timestamp not null,
  ends timestamp not null,
  reason text not null default '',
  constraint dated_rule_pkey primary key (organization_id, id),
  constraint dated_rule_kind_is_known check (kind in ('closure', 'extra', 'time_off')),
  constraint dated_rule_belongs_somewhere check (num_nonnulls(location_id, resource_id) >= 1),
  constraint dated_rule_starts_before_end check (starts < ends and isfinite(starts) and isfinite(ends)),
  constraint dated_rule_is_whole_minutes check (
    starts = date_trunc('minute', starts) and ends = date_trunc('minute', ends)
  ),
  constraint dated_rule_reason_is_bounded check (length(reason) <= 500),
  constraint dated_rule_location_exists foreign key (organization_id, location_id)
    references holdfast.location (organization_id, id),
  constraint dated_rule_resource_exists foreign key (organization_id, resource_id)
    references holdfast.resource (organization_id, id)
);

-- A booking that staff put outside the rules on purpose is marked for ever, like an overbook.
alter table holdfast.hold add column outside_rules boolean not null default false;

-- As 0006 does for the tables before it.
do $$
declare
  v_table text;
begin
  foreach v_table in array array['resource_attribute', 'service_lead', 'weekly_rule', 'dated_rule'] loop
    execute format('alter table holdfast.%I enable row level security', v_table);
    execute format('alter table holdfast.%I force row level security', v_table);
    execute format(
      'create policy own_organization on holdfast.%I for select to holdfast_app
       using (organization_id = holdfast.current_organization())', v_table);
    execute format('create policy owner_commands on holdfast.%I to current_user using (true) with check (true)', v_table);
    execute format('grant select on holdfast.%I to holdfast_app', v_table);
  end loop;
end $$;
