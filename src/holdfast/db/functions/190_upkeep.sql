-- Upkeep of the database itself.

-- Until a table has been analyzed, PostgreSQL takes organization_id for selective and may read a whole organization
-- where an index on (organization_id, id) would give one row. Autovacuum notices within a minute; whoever loads thousands
-- of rows at once says so here, after the first few.
create or replace function holdfast.refresh_statistics() returns void
language plpgsql security definer
set search_path = holdfast, pg_temp
as $$
begin
  analyze client, hold, appointment, block, busy, claim, event, resource, resource_location, unit, pool_member, service,
    service_location, requirement;
end $$;
