-- Writing the rules of time. Like the rest of the catalog: saying the same thing twice changes nothing and leaves no event.

create or replace function holdfast.set_organization_policy(p_assign text, p_rank text) returns void
language sql security definer
set search_path = holdfast, pg_temp
as $$
  update organization set assign = p_assign, rank = p_rank
  where id = current_organization() and (assign, rank) is distinct from (p_assign, p_rank);
$$;

create or replace function holdfast.set_location_holidays(p_location_id uuid, p_country text, p_region text) returns void
language plpgsql security definer
set search_path = holdfast, pg_temp
as $$
begin
  if not exists (select from location where organization_id = current_organization() and id = p_location_id) then
    perform refuse('location_exists');
  end if;
  update location set holiday_country = p_country, holiday_region = p_region
  where organization_id = current_organization() and id = p_location_id
    and (holiday_country, holiday_region) is distinct from (p_country, p_region);
end $$;

-- `p_attributes` = [{"name": …, "good_until": date or null}].
create or replace function holdfast.set_resource_rules(p_resource_id uuid, p_visits_per_day integer, p_attributes jsonb)
returns void
language plpgsql security definer
set search_path = holdfast, pg_temp
as $$
begin
  if not exists (select from resource where organization_id = current_organization() and id = p_resource_id) then
    perform refuse('resource_exists');
  end if;
  update resource set visits_per_day = p_visits_per_day
  where organization_id = current_organization() and id = p_resource_id and visits_per_day is distinct from p_visits_per_day;
  delete from resource_attribute
  where organization_id = current_organization() and resource_id = p_resource_id
    and name not in (select a ->> 'name' from jsonb_array_elements(p_attributes) a);
  insert into resource_attribute as old (organization_id, resource_id, name, good_until)
  select current_organization(), p_resource_id, a ->> 'name', (a ->> 'good_until')::date
  from jsonb_array_elements(p_attributes) a
  on conflict on constraint resource_attribute_pkey do update set good_until = excluded.good_until
    where old.good_until is distinct from excluded.good_until;
end $$;

create or replace function holdfast.set_pool_requires(p_pool_id uuid, p_requires text[]) returns void
language plpgsql security definer
set search_path = holdfast, pg_temp
as $$
begin
  if not exists (select from pool where organization_id = current_organization() and id = p_pool_id) then
    perform refuse('pool_exists');
  end if;
  update pool set requires = p_requires
  where organization_id = current_organization() and id = p_pool_id and requires is distinct from p_requires;
end $$;

-- `p_leads` = [{"surface", "notice_minutes", "horizon_days"}]; of a surface that is left out nothing is said.
create or replace function holdfast.set_service_rules(
  p_service_id uuid, p_grid_minutes integer, p_off_grid_after_claims boolean, p_leads jsonb
) returns void
language plpgsql security definer
set search_path = holdfast, pg_temp
as $$
begin
  if not exists (select from service where organization_id = current_organization() and id = p_service_id) then
    perform refuse('service_exists');
  end if;
  update service set grid_minutes = p_grid_minutes, off_grid_after_claims = p_off_grid_after_claims
  where organization_id = current_organization() and id = p_service_id
    and (grid_minutes, off_grid_after_claims) is distinct from (p_grid_minutes, p_off_grid_after_claims);
  delete from service_lead
  where organization_id = current_organization() and service_id = p_service_id
    and surface not in (select l ->> 'surface' from jsonb_array_elements(p_leads) l);
  insert into service_lead as old (organization_id, service_id, surface, notice_minutes, horizon_days)
  select current_organization(), p_service_id, l.surface, coalesce(l.notice_minutes, 0), coalesce(l.horizon_days, 365)
  from jsonb_populate_recordset(null::service_lead, p_leads) l
  on conflict on constraint service_lead_pkey
    do update set notice_minutes = excluded.notice_minutes, horizon_days = excluded.horizon_days
    where (old.notice_minutes, old.horizon_days) is distinct from (excluded.notice_minutes, excluded.horizon_days);
end $$;

-- Rules belong to a location, a resource, or a resource at a location; both must be here.
create or replace function holdfast.check_rule_owner(p_location_id uuid, p_resource_id uuid) returns void
language plpgsql
as $$
begin
  if p_location_id is null and p_resource_id is null
     or p_location_id is not null
        and not exists (select from location where organization_id = current_organization() and id = p_location_id) then
    perform refuse('location_exists');
  end if;
  if p_resource_id is not null
     and not exists (select from resource where organization_id = current_organization() and id = p_resource_id) then
    perform refuse('resource_exists');
  end if;
end $$;

-- Exactly these weekly rules, and no others, for one location, resource, or resource at a location.
-- `p_rules` = [{"kind", "weekday", "starts", "ends", "valid_from", "valid_until", "every_weeks", "anchor"}].
create or replace function holdfast.set_weekly_rules(p_location_id uuid, p_resource_id uuid, p_rules jsonb) returns void
language plpgsql security definer
set search_path = holdfast, pg_temp
as $$
declare
  c_own constant text[] := '{organization_id,id,location_id,resource_id}';
  v_wanted jsonb[];
begin
  perform check_rule_owner(p_location_id, p_resource_id);
  select array_agg(distinct to_jsonb(jsonb_populate_record(null::weekly_rule, '{"every_weeks": 1}' || r)) - c_own)
    into v_wanted
  from jsonb_array_elements(p_rules) r;
  delete from weekly_rule o
  where o.organization_id = current_organization() and o.location_id is not distinct from p_location_id
    and o.resource_id is not distinct from p_resource_id and (to_jsonb(o) - c_own = any (v_wanted)) is not true;
  insert into weekly_rule (organization_id, location_id, resource_id, kind, weekday, starts, ends, valid_from, valid_until,
                           every_weeks, anchor)
  select current_organization(), p_location_id, p_resource_id, w.kind, w.weekday, w.starts, w.ends, w.valid_from,
         w.valid_until, w.every_weeks, w.anchor
  from unnest(v_wanted) as wanted, jsonb_populate_record(null::weekly_rule, wanted) w
  where not exists (
    select from weekly_rule o
    where o.organization_id = current_organization() and o.location_id is not distinct from p_location_id
      and o.resource_id is not distinct from p_resource_id and to_jsonb(o) - c_own = wanted);
end $$;

-- Exactly these dated rules, as above. `p_rules` = [{"kind", "starts", "ends", "reason"}], wall times at the location.
create or replace function holdfast.set_dated_rules(p_location_id uuid, p_resource_id uuid, p_rules jsonb) returns void
language plpgsql security definer
set search_path = holdfast, pg_temp
as $$
declare
  c_own constant text[] := '{organization_id,id,location_id,resource_id}';
  v_wanted jsonb[];
begin
  perform check_rule_owner(p_location_id, p_resource_id);
  select array_agg(distinct to_jsonb(jsonb_populate_record(null::dated_rule, '{"reason": ""}' || r)) - c_own)
    into v_wanted
  from jsonb_array_elements(p_rules) r;
  delete from dated_rule o
  where o.organization_id = current_organization() and o.location_id is not distinct from p_location_id
    and o.resource_id is not distinct from p_resource_id and (to_jsonb(o) - c_own = any (v_wanted)) is not true;
  insert into dated_rule (organization_id, location_id, resource_id, kind, starts, ends, reason)
  select current_organization(), p_location_id, p_resource_id, w.kind, w.starts, w.ends, w.reason
  from unnest(v_wanted) as wanted, jsonb_populate_record(null::dated_rule, wanted) w
  where not exists (
    select from dated_rule o
    where o.organization_id = current_organization() and o.location_id is not distinct from p_location_id
      and o.resource_id is not distinct from p_resource_id and to_jsonb(o) - c_own = wanted);
end $$;

-- One more exception, said by a person at the desk (a closure, time off); the id of the rule.
create or replace function holdfast.add_dated_rule(
  p_location_id uuid, p_resource_id uuid, p_kind text, p_starts timestamp, p_ends timestamp, p_reason text default ''
) returns uuid
language plpgsql security definer
set search_path = holdfast, pg_temp
as $$
declare
  v_id uuid;
begin
  perform check_rule_owner(p_location_id, p_resource_id);
  insert into dated_rule (organization_id, location_id, resource_id, kind, starts, ends, reason)
  values (current_organization(), p_location_id, p_resource_id, p_kind, p_starts, p_ends, coalesce(p_reason, ''))
  returning id into v_id;
  return v_id;
end $$;

create or replace function holdfast.remove_dated_rule(p_rule_id uuid) returns void
language plpgsql security definer
set search_path = holdfast, pg_temp
as $$
begin
  delete from dated_rule where organization_id = current_organization() and id = p_rule_id;
  if not found then perform refuse('rule_exists'); end if;
end $$;
