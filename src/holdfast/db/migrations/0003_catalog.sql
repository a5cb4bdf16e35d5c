-- What can be booked: locations, resources and their units, pools, services and what each visit requires.

create table holdfast.location (
  organization_id uuid not null references holdfast.organization (id),
  id uuid not null default holdfast.new_id(),
  slug holdfast.slug not null,
  name holdfast.label not null,
  time_zone text not null,
  address text,
  retired_at timestamptz,
  constraint location_pkey primary key (organization_id, id),
  constraint location_slug_is_unique unique (organization_id, slug),
  constraint location_time_zone_is_iana check (time_zone ~ '^[A-Za-z0-9_+-]+(/[A-Za-z0-9_+-]+)*$' and length(time_zone) <= 64)
);

-- A person, a room, a machine: one row for one thing, wherever it is shared.
create table holdfast.resource (
  organization_id uuid not null references holdfast.organization (id),
  id uuid not null default holdfast.new_id(),
  slug holdfast.slug not null,
  name holdfast.label not null,
  kind text not null,
  retired_at timestamptz,
  merged_into_id uuid,
  constraint resource_pkey primary key (organization_id, id),
  constraint resource_slug_is_unique unique (organization_id, slug),
  constraint resource_kind_is_known check (kind in ('provider', 'room', 'device', 'other')),
  constraint resource_merged_is_retired check (merged_into_id is null or retired_at is not null),
  constraint resource_merged_into_exists foreign key (organization_id, merged_into_id)
    references holdfast.resource (organization_id, id)
);

create table holdfast.resource_location (
  organization_id uuid not null,
  resource_id uuid not null,
  location_id uuid not null,
  constraint resource_location_pkey primary key (organization_id, resource_id, location_id),
  constraint resource_location_resource_exists foreign key (organization_id, resource_id)
    references holdfast.resource (organization_id, id),
  constraint resource_location_location_exists foreign key (organization_id, location_id)
    references holdfast.location (organization_id, id)
);

-- Capacity n is n units, and only units are claimed: nothing is ever counted.
create table holdfast.unit (
  organization_id uuid not null,
  id uuid not null default holdfast.new_id(),
  resource_id uuid not null,
  ordinal integer not null,
  retired_at timestamptz,
  constraint unit_pkey primary key (organization_id, id),
  constraint unit_ordinal_is_unique unique (organization_id, resource_id, ordinal),
  constraint unit_ordinal_is_bounded check (ordinal between 1 and 500),
  constraint unit_resource_exists foreign key (organization_id, resource_id)
    references holdfast.resource (organization_id, id)
);

-- The resources that can serve a role. A smaller preference is tried first.
create table holdfast.pool (
  organization_id uuid not null references holdfast.organization (id),
  id uuid not null default holdfast.new_id(),
  slug holdfast.slug not null,
  name holdfast.label not null,
  constraint pool_pkey primary key (organization_id, id),
  constraint pool_slug_is_unique unique (organization_id, slug)
);

create table holdfast.pool_member (
  organization_id uuid not null,
  pool_id uuid not null,
  resource_id uuid not null,
  preference integer not null default 100,
  constraint pool_member_pkey primary key (organization_id, pool_id, resource_id),
  constraint pool_member_pool_exists foreign key (organization_id, pool_id) references holdfast.pool (organization_id, id),
  constraint pool_member_resource_exists foreign key (organization_id, resource_id)
    references holdfast.resource (organization_id, id)
);

create table holdfast.service (
  organization_id uuid not null references holdfast.organization (id),
  id uuid not null default holdfast.new_id(),
  slug holdfast.slug not null,
  name holdfast.label not null,
  category holdfast.label not null default 'Services',
  duration_minutes integer not null,
  price_cents integer not null default 0,
  retired_at timestamptz,
  constraint service_pkey primary key (organization_id, id),
  constraint service_slug_is_unique unique (organization_id, slug),
  constraint service_duration_is_bounded check (duration_minutes between 1 and 1440),
  constraint service_price_is_not_negative check (price_cents >= 0)
);

create table holdfast.service_location (
  organization_id uuid not null,
  service_id uuid not null,
  location_id uuid not null,
  constraint service_location_pkey primary key (organization_id, service_id, location_id),
  constraint service_location_service_exists foreign key (organization_id, service_id)
    references holdfast.service (organization_id, id),
  constraint service_location_location_exists foreign key (organization_id, location_id)
    references holdfast.location (organization_id, id)
);

-- What a visit needs: `quantity` units of the pool, from `segment_start_minutes` after the visit's start, for
-- `segment_minutes`, with buffers that are claimed but not worked.
create table holdfast.requirement (
  organization_id uuid not null,
  id uuid not null default holdfast.new_id(),
  service_id uuid not null,
  role text not null,
  pool_id uuid not null,
  quantity integer not null default 1,
  segment_start_minutes integer not null default 0,
  segment_minutes integer not null,
  buffer_before_minutes integer not null default 0,
  buffer_after_minutes integer not null default 0,
  constraint requirement_pkey primary key (organization_id, id),
  constraint requirement_role_is_unique unique (organization_id, service_id, role),
  constraint requirement_role_is_plain check (role ~ '^[a-z][a-z0-9_]{0,39}$'),
  constraint requirement_quantity_is_bounded check (quantity between 1 and 50),
  constraint requirement_segment_is_bounded check (
    segment_start_minutes between -1440 and 1440 and segment_minutes between 1 and 1440
  ),
  constraint requirement_buffers_are_bounded check (
    buffer_before_minutes between 0 and 480 and buffer_after_minutes between 0 and 480
  ),
  constraint requirement_service_exists foreign key (organization_id, service_id)
    references holdfast.service (organization_id, id),
  constraint requirement_pool_exists foreign key (organization_id, pool_id)
    references holdfast.pool (organization_id, id)
);
