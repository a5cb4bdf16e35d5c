-- I9: on every table that belongs to an organization, the server's role sees its own organization and nothing else.
-- Forced, so that not even the owner passes by accident: the owner, who runs the command functions, is named in a policy
-- of its own. Those functions filter by current_organization() in every statement; the range operators of the guard are
-- not leakproof, and a policy that compares would keep them off the guard's index.

do $$
declare
  v_table regclass;
  v_column text;
begin
  for v_table, v_column in
    select c.oid::regclass, a.attname
    from pg_class c
    join pg_attribute a on a.attrelid = c.oid
    where c.relnamespace = 'holdfast'::regnamespace and c.relkind = 'r'
      and a.attname = case when c.relname = 'organization' then 'id' else 'organization_id' end
  loop
    execute format('alter table %s enable row level security', v_table);
    execute format('alter table %s force row level security', v_table);
    execute format(
      'create policy own_organization on %s for select to holdfast_app using (%I = holdfast.current_organization())',
      v_table, v_column);
    execute format('create policy owner_commands on %s to current_user using (true) with check (true)', v_table);
    execute format('grant select on %s to holdfast_app', v_table);
  end loop;
end $$;

grant execute on function holdfast.current_organization(), holdfast.current_actor(), holdfast.current_surface(),
  holdfast.clock() to holdfast_app;

-- What only the command functions need to see.
revoke select on holdfast.idempotency from holdfast_app;
revoke select on holdfast.api_key from holdfast_app;
grant select (organization_id, id, name, key_hint, scopes, surfaces, created_at, last_used_on, revoked_at)
  on holdfast.api_key to holdfast_app;
