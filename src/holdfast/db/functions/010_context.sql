-- Who is asking, how a refusal is said, how a change is told.
--
-- Every command function is SECURITY DEFINER with a fixed search_path and filters by current_organization(). Functions
-- that are not granted to holdfast_app are internal: only a command can reach them.

-- Say who acts, for this transaction. Called once, first, by db/transact.py, and answered with what every reader of rules
-- needs and would otherwise ask for: the version of the catalog, the time, and which transactions count as finished. The
-- snapshot is older than anything the transaction reads later. With the owner's rights, as the worker's role reads no table.
create or replace function holdfast.act_as(
  p_organization_id uuid, p_actor text, p_surface text,
  out catalog_version bigint, out at timestamptz, out seen pg_snapshot
)
language plpgsql security definer
set search_path = holdfast, pg_temp
as $$
begin
  perform set_config('holdfast.organization_id', p_organization_id::text, true),
          set_config('holdfast.actor', p_actor, true),
          set_config('holdfast.surface', p_surface, true);
  catalog_version := (select o.catalog_version from organization o where o.id = p_organization_id);
  at := clock();
  seen := pg_current_snapshot();
end $$;

-- A refusal by name: `p_rule` is a true statement that would have been broken. Python maps it beside the names of the
-- table constraints (db/constraints.py). `p_facts` reach the caller, so they never say whose booking it was.
create or replace function holdfast.refuse(p_rule text, p_facts jsonb default '{}') returns void
language plpgsql
as $$
begin
  raise exception using
    errcode = 'HF001', constraint = p_rule, message = replace(p_rule, '_', ' ') || ' does not hold', detail = p_facts::text;
end $$;

create or replace function holdfast.record_event(p_type text, p_subject_id uuid, p_data jsonb) returns void
language plpgsql
as $$
begin
  insert into event (organization_id, at, type, subject_id, actor, surface, data)
  values (current_organization(), clock(), p_type, p_subject_id, current_actor(), current_surface(), p_data);
end $$;

-- Every row change of the catalog is an event with the whole row, and moves the catalog's version. A trigger, so that no
-- command can forget it. The version is a count, not a fact, so it is not told; nor is
-- a reason, which may be about a person.
create or replace function holdfast.record_catalog_change() returns trigger
language plpgsql
security definer
set search_path = holdfast, pg_temp
as $$
declare
  v_row jsonb := to_jsonb(case when tg_op = 'DELETE' then old else new end);
  v_organization_id uuid := coalesce(v_row ->> 'organization_id', v_row ->> 'id');
begin
  update organization set catalog_version = catalog_version + 1 where id = v_organization_id;
  insert into event (organization_id, at, type, subject_id, actor, surface, data)
  values (
    v_organization_id, clock(),
    tg_table_name || case tg_op when 'INSERT' then '.added' when 'UPDATE' then '.changed' else '.removed' end,
    -- a row of a linking table is told under the thing it is part of
    coalesce(v_row ->> 'id', v_row ->> tg_argv[0])::uuid,
    current_actor(), current_surface(), v_row - array['organization_id', 'catalog_version', 'reason']
  );
  return null;
end $$;

do $$
declare
  v_table text;
  v_subject text;
begin
  for v_table, v_subject in values
    ('hold_policy', 'organization_id'), ('location', 'id'), ('resource', 'id'),
    ('resource_location', 'resource_id'), ('unit', 'id'), ('pool', 'id'), ('pool_member', 'pool_id'), ('service', 'id'),
    ('service_location', 'service_id'), ('requirement', 'id'), ('resource_attribute', 'resource_id'),
    ('service_lead', 'service_id'), ('weekly_rule', 'id'), ('dated_rule', 'id')
  loop
    execute format(
      'create or replace trigger record_change after insert or update or delete on holdfast.%I
       for each row execute function holdfast.record_catalog_change(%L)', v_table, v_subject);
  end loop;
  -- Every column but the version, which the trigger itself moves.
  create or replace trigger record_change
    after insert or delete or update of slug, name, currency, assign, rank on holdfast.organization
    for each row execute function holdfast.record_catalog_change('id');
end $$;
