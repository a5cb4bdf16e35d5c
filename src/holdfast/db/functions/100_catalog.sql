-- Writing the catalog, by slug: putting the same thing twice changes nothing and leaves no event. Each returns the id.

create or replace function holdfast.put_location(p_slug text, p_name text, p_time_zone text, p_address text default null)
returns uuid
language plpgsql security definer
set search_path = holdfast, pg_temp
as $$
declare
  v_id uuid;
begin
  insert into location as l (organization_id, slug, name, time_zone, address)
  values (current_organization(), p_slug, p_name, p_time_zone, p_address)
  on conflict on constraint location_slug_is_unique do update
    set name = p_name, time_zone = p_time_zone, address = p_address, retired_at = null
    where (l.name, l.time_zone, l.address, l.retired_at)
      is distinct from (excluded.name, excluded.time_zone, excluded.address, null::timestamptz);
  select id into v_id from location where organization_id = current_organization() and slug = p_slug;
  return v_id;
end $$;

-- A resource at its locations, with `p_capacity` units.
create or replace function holdfast.put_resource(
  p_slug text, p_name text, p_kind text, p_location_ids uuid[], p_capacity integer default 1
) returns uuid
language plpgsql security definer
set search_path = holdfast, pg_temp
as $$
declare
  v_resource resource;
begin
  insert into resource as r (organization_id, slug, name, kind) values (current_organization(), p_slug, p_name, p_kind)
  on conflict on constraint resource_slug_is_unique do update set name = p_name, kind = p_kind, retired_at = null
    where r.merged_into_id is null
      and (r.name, r.kind, r.retired_at) is distinct from (excluded.name, excluded.kind, null::timestamptz);
  select * into v_resource from resource where organization_id = current_organization() and slug = p_slug;
  delete from resource_location
  where organization_id = current_organization() and resource_id = v_resource.id and location_id <> all (p_location_ids);
  insert into resource_location (organization_id, resource_id, location_id)
  select current_organization(), v_resource.id, unnest(p_location_ids)
  on conflict on constraint resource_location_pkey do nothing;
  if cardinality(open_units(v_resource.id)) <> p_capacity then
    perform set_capacity(v_resource.id, p_capacity);
  end if;
  return v_resource.id;
end $$;

-- `p_members` = [{"resource_id": …, "preference": …}].
create or replace function holdfast.put_pool(p_slug text, p_name text, p_members jsonb) returns uuid
language plpgsql security definer
set search_path = holdfast, pg_temp
as $$
declare
  v_id uuid;
begin
  insert into pool as p (organization_id, slug, name) values (current_organization(), p_slug, p_name)
  on conflict on constraint pool_slug_is_unique do update set name = p_name where p.name is distinct from p_name;
  select id into v_id from pool where organization_id = current_organization() and slug = p_slug;
  delete from pool_member
  where organization_id = current_organization() and pool_id = v_id
    and resource_id not in (select (m ->> 'resource_id')::uuid from jsonb_array_elements(p_members) m);
  insert into pool_member as pm (organization_id, pool_id, resource_id, preference)
  select current_organization(), v_id, (m ->> 'resource_id')::uuid, coalesce((m ->> 'preference')::integer, 100)
  from jsonb_array_elements(p_members) m
  on conflict on constraint pool_member_pkey do update set preference = excluded.preference
    where pm.preference <> excluded.preference;
  return v_id;
end $$;

-- `p_requirements` = [{"role", "pool_id", "quantity", "segment_start_minutes", "segment_minutes", "buffer_before_minutes",
-- "buffer_after_minutes"}]. Bookings keep the claims they were made with.
create or replace function holdfast.put_service(
  p_slug text, p_name text, p_category text, p_duration_minutes integer, p_price_cents integer, p_location_ids uuid[],
  p_requirements jsonb
) returns uuid
language plpgsql security definer
set search_path = holdfast, pg_temp
as $$
declare
  v_id uuid;
begin
  insert into service as s (organization_id, slug, name, category, duration_minutes, price_cents)
  values (current_organization(), p_slug, p_name, p_category, p_duration_minutes, p_price_cents)
  on conflict on constraint service_slug_is_unique do update
    set name = p_name, category = p_category, duration_minutes = p_duration_minutes, price_cents = p_price_cents,
        retired_at = null
    where (s.name::text, s.category::text, s.duration_minutes, s.price_cents, s.retired_at)
      is distinct from (p_name, p_category, p_duration_minutes, p_price_cents, null::timestamptz);
  select id into v_id from service where organization_id = current_organization() and slug = p_slug;
  delete from service_location
  where organization_id = current_organization() and service_id = v_id and location_id <> all (p_location_ids);
  insert into service_location (organization_id, service_id, location_id)
  select current_organization(), v_id, unnest(p_location_ids)
  on conflict on constraint service_location_pkey do nothing;
  delete from requirement
  where organization_id = current_organization() and service_id = v_id
    and role not in (select r ->> 'role' from jsonb_array_elements(p_requirements) r);
  insert into requirement as q (organization_id, service_id, role, pool_id, quantity, segment_start_minutes, segment_minutes,
                                buffer_before_minutes, buffer_after_minutes)
  select current_organization(), v_id, r.role, r.pool_id, r.quantity, r.segment_start_minutes, r.segment_minutes,
         r.buffer_before_minutes, r.buffer_after_minutes
  from jsonb_populate_recordset(null::requirement, p_requirements) r
  on conflict on constraint requirement_role_is_unique do update
    set pool_id = excluded.pool_id, quantity = excluded.quantity, segment_start_minutes = excluded.segment_start_minutes,
        segment_minutes = excluded.segment_minutes, buffer_before_minutes = excluded.buffer_before_minutes,
        buffer_after_minutes = excluded.buffer_after_minutes
    where (q.pool_id, q.quantity, q.segment_start_minutes, q.segment_minutes, q.buffer_before_minutes, q.buffer_after_minutes)
      is distinct from (excluded.pool_id, excluded.quantity, excluded.segment_start_minutes, excluded.segment_minutes,
                        excluded.buffer_before_minutes, excluded.buffer_after_minutes);
  return v_id;
end $$;

-- No longer sold, or closed: nothing new is booked there; what is booked stays.
create or replace function holdfast.retire_service(p_service_id uuid) returns void
language plpgsql security definer
set search_path = holdfast, pg_temp
as $$
begin
  update service set retired_at = coalesce(retired_at, clock())
  where organization_id = current_organization() and id = p_service_id;
  if not found then perform refuse('service_exists'); end if;
end $$;

create or replace function holdfast.retire_location(p_location_id uuid) returns void
language plpgsql security definer
set search_path = holdfast, pg_temp
as $$
begin
  update location set retired_at = coalesce(retired_at, clock())
  where organization_id = current_organization() and id = p_location_id;
  if not found then perform refuse('location_exists'); end if;
end $$;

create or replace function holdfast.remove_pool(p_pool_id uuid) returns void
language plpgsql security definer
set search_path = holdfast, pg_temp
as $$
begin
  if exists (select from requirement where organization_id = current_organization() and pool_id = p_pool_id) then
    perform refuse('no_service_needs_pool');
  end if;
  delete from pool_member where organization_id = current_organization() and pool_id = p_pool_id;
  delete from pool where organization_id = current_organization() and id = p_pool_id;
  if not found then perform refuse('pool_exists'); end if;
end $$;
