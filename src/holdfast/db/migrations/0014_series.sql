-- A series: visits on many days that were asked for together, "every four weeks, six times". What becomes of it is what
-- becomes of its visits.

-- `asked` is what was asked for, in the words of the API: a series that moves as one is proposed by it again.
create table holdfast.series (
  organization_id uuid not null references holdfast.organization (id),
  id uuid not null default holdfast.new_id(),
  location_id uuid not null,
  asked jsonb not null,
  -- local days between two visits that follow one another
  days_min integer,
  days_max integer,
  surface holdfast.surface not null,
  created_at timestamptz not null,
  constraint series_pkey primary key (organization_id, id),
  constraint series_spacing_is_bounded check (
    coalesce(days_min, 1) >= 1 and coalesce(days_min, 1) <= coalesce(days_max, 1096) and coalesce(days_max, 1096) <= 1096
  ),
  constraint series_location_exists foreign key (organization_id, location_id)
    references holdfast.location (organization_id, id)
);

alter table holdfast.visit
  add column series_id uuid,
  add column number integer,  -- of the visit within its series, from 1
  add constraint visit_of_series_has_a_number check ((series_id is null) = (number is null)),
  add constraint visit_series_exists foreign key (organization_id, series_id)
    references holdfast.series (organization_id, id) deferrable initially deferred;
create index visit_series on holdfast.visit (organization_id, series_id) where series_id is not null;

alter table holdfast.series enable row level security;
alter table holdfast.series force row level security;
create policy own_organization on holdfast.series for select to holdfast_app
  using (organization_id = holdfast.current_organization());
create policy owner_commands on holdfast.series to current_user using (true) with check (true);
grant select on holdfast.series to holdfast_app;
