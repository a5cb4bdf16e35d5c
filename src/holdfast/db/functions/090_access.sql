-- Organizations and the keys that act for them.

-- Before anybody is known to be asking: whose key is this? One row, or none for a key that is unknown or revoked.
-- `used_today`: it is noted already that the key was used on this day (UTC).
create or replace function holdfast.authenticate(p_key_hash bytea)
returns table (organization_id uuid, api_key_id uuid, scopes text[], surfaces text[], used_today boolean)
language sql volatile security definer  -- reads the moving clock
set search_path = holdfast, pg_temp
as $$
  select k.organization_id, k.id, k.scopes, k.surfaces,
         coalesce(k.last_used_on = (clock() at time zone 'UTC')::date, false)
  from api_key k
  where k.key_hash = p_key_hash and k.revoked_at is null;
$$;

-- The key is used today: written once a day, and by nobody who is booking. Shows which keys can be revoked; no event.
create or replace function holdfast.note_key_use(p_key_hash bytea) returns void
language sql security definer
set search_path = holdfast, pg_temp
as $$
  update api_key set last_used_on = (clock() at time zone 'UTC')::date
  where key_hash = p_key_hash and revoked_at is null
    and last_used_on is distinct from (clock() at time zone 'UTC')::date;
$$;

-- A new organization, with what each surface may hold: strangers are limited, staff and integrations are not.
create or replace function holdfast.create_organization(p_slug text, p_name text, p_currency text default 'USD') returns uuid
language plpgsql security definer
set search_path = holdfast, pg_temp
as $$
declare
  v_id uuid;
begin
  insert into organization (slug, name, currency) values (p_slug, p_name, p_currency) returning id into v_id;
  insert into hold_policy (organization_id, surface, extensions_max, live_holds_per_visitor_max, live_holds_per_network_max,
                           bookings_per_visitor_and_day_max, bookings_per_network_and_day_max)
  select v_id, surface,
         case when surface in ('widget', 'assistant') then 1 else 5 end,
         case when surface in ('widget', 'assistant') then 3 end,
         case when surface in ('widget', 'assistant') then 30 end,
         case when surface in ('widget', 'assistant') then 10 end,
         case when surface in ('widget', 'assistant') then 100 end
  from unnest(array['desk', 'phone', 'walk_in', 'widget', 'calendar', 'platform', 'assistant', 'api', 'import', 'system'])
    as surface;
  return v_id;
end $$;

-- What the organization is called, and the currency of its prices from now on. What was sold keeps the currency it was
-- sold in: a price is an amount of something.
create or replace function holdfast.set_organization(p_name text, p_currency text) returns void
language plpgsql security definer
set search_path = holdfast, pg_temp
as $$
declare
  v_old text;
begin
  select currency into v_old from organization where id = current_organization() for no key update;
  if v_old <> p_currency then
    update appointment set currency = v_old where organization_id = current_organization() and currency is null;
  end if;
  update organization set name = p_name, currency = p_currency
  where id = current_organization() and (name::text, currency) is distinct from (p_name, p_currency);
end $$;

create or replace function holdfast.organization_by_slug(p_slug text) returns uuid
language sql stable security definer
set search_path = holdfast, pg_temp
as $$ select id from organization where slug = p_slug $$;

create or replace function holdfast.organization_ids() returns setof uuid
language sql stable security definer
set search_path = holdfast, pg_temp
as $$ select id from organization order by id $$;

create or replace function holdfast.create_api_key(
  p_name text, p_key_hash bytea, p_key_hint text, p_scopes text[], p_surfaces text[]
) returns uuid
language plpgsql security definer
set search_path = holdfast, pg_temp
as $$
declare
  v_id uuid;
begin
  insert into api_key (organization_id, name, key_hash, key_hint, scopes, surfaces)
  values (current_organization(), p_name, p_key_hash, p_key_hint, p_scopes, p_surfaces)
  returning id into v_id;
  perform record_event('api_key.created', v_id, jsonb_build_object('scopes', p_scopes, 'surfaces', p_surfaces));
  return v_id;
end $$;

create or replace function holdfast.revoke_api_key(p_api_key_id uuid) returns void
language plpgsql security definer
set search_path = holdfast, pg_temp
as $$
begin
  update api_key set revoked_at = clock()
  where organization_id = current_organization() and id = p_api_key_id and revoked_at is null;
  if found then
    perform record_event('api_key.revoked', p_api_key_id, '{}');
  elsif not exists (select from api_key where organization_id = current_organization() and id = p_api_key_id) then
    perform refuse('api_key_exists');
  end if;
end $$;

create or replace function holdfast.set_hold_policy(p_surface text, p_changes jsonb) returns setof holdfast.hold_policy
language plpgsql security definer
set search_path = holdfast, pg_temp
as $$
declare
  v_policy hold_policy;
begin
  select * into v_policy from hold_policy where organization_id = current_organization() and surface = p_surface for update;
  if v_policy.surface is null then
    perform refuse('surface_may_hold', jsonb_build_object('reason', 'surface_may_not_hold', 'surface', p_surface));
  end if;
  v_policy := jsonb_populate_record(v_policy, p_changes - 'organization_id' - 'surface');
  update hold_policy set
    ttl_seconds = v_policy.ttl_seconds, ttl_seconds_max = v_policy.ttl_seconds_max,
    extensions_max = v_policy.extensions_max, grace_seconds = v_policy.grace_seconds,
    live_holds_per_visitor_max = v_policy.live_holds_per_visitor_max,
    live_holds_per_network_max = v_policy.live_holds_per_network_max,
    live_holds_per_actor_max = v_policy.live_holds_per_actor_max,
    bookings_per_visitor_and_day_max = v_policy.bookings_per_visitor_and_day_max,
    bookings_per_network_and_day_max = v_policy.bookings_per_network_and_day_max
  where organization_id = current_organization() and surface = p_surface;
  return query select * from hold_policy where organization_id = current_organization() and surface = p_surface;
end $$;

-- Does the guard bite? Two claims that overlap by half on a scratch resource of a scratch organization, undone before we return.
create or replace function holdfast.guard_probe() returns boolean
language plpgsql security definer
set search_path = holdfast, pg_temp
as $$
declare
  v_organization_id uuid;
  v_resource_id uuid;
  v_unit_id uuid;
  v_block_id uuid;
  v_bites boolean := false;
  v_during tstzrange := tstzrange(clock(), clock() + interval '1 hour');
begin
  begin
    insert into organization (slug, name) values ('guard-probe-' || replace(new_id()::text, '-', ''), 'guard probe')
    returning id into v_organization_id;
    insert into resource (organization_id, slug, name, kind) values (v_organization_id, 'probe', 'probe', 'other')
    returning id into v_resource_id;
    insert into unit (organization_id, resource_id, ordinal) values (v_organization_id, v_resource_id, 1)
    returning id into v_unit_id;
    insert into block (organization_id, resource_id, starts_at, ends_at, created_at)
    values (v_organization_id, v_resource_id, lower(v_during), upper(v_during), clock()) returning id into v_block_id;
    for i in 1..2 loop
      begin
        insert into claim (organization_id, block_id, unit_id, role, during, segment)
        values (v_organization_id, v_block_id, v_unit_id, 'probe', v_during, v_during);
        v_during := tstzrange(lower(v_during) + interval '30 minutes', upper(v_during) + interval '30 minutes');
      exception when exclusion_violation then
        v_bites := i = 2;
      end;
    end loop;
    raise exception 'undo' using errcode = 'HF901';
  exception when sqlstate 'HF901' then
    return v_bites;
  end;
end $$;
