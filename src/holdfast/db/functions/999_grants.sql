-- The commands: all that the server's role may execute. Everything else in the schema is internal to them.
do $$
declare
  v_function regprocedure;
  -- these see every organization, or an endpoint's secrets
  v_of_worker text[] := array[
    'events_to_relay', 'advance_relay', 'adopt_log', 'owe_deliveries', 'endpoint_filters', 'endpoints_due', 'deliveries_due', 'record_attempt',
    'forget_deliveries', 'plan_messages', 'organizations_with_messages_due', 'lease_messages', 'settle_messages',
    'forget_message_texts', 'plan_offer_messages', 'waitlists_due', 'backlog'
  ];
begin
  for v_function in
    select p.oid::regprocedure from pg_proc p
    where p.pronamespace = 'holdfast'::regnamespace and (p.prosecdef or p.proname = 'act_as')
      and p.proname not in ('record_catalog_change', 'create_organization', 'guard_probe', 'forget_answers')
      and p.proname <> all (v_of_worker)
  loop
    execute format('grant execute on function %s to holdfast_app', v_function);
  end loop;
  for v_function in
    select p.oid::regprocedure from pg_proc p
    where p.pronamespace = 'holdfast'::regnamespace and p.proname = any (v_of_worker || '{act_as,relay_lag}'::text[])
  loop
    execute format('grant execute on function %s to holdfast_worker', v_function);
  end loop;
end $$;
grant execute on function holdfast.create_organization(text, text, text), holdfast.guard_probe(), holdfast.forget_answers(),
  holdfast.event_epoch(bigint) to holdfast_app;
-- What queries say by themselves: who is asking, and what time it is.
grant execute on function holdfast.current_organization(), holdfast.current_actor(), holdfast.current_surface(),
  holdfast.clock() to holdfast_app, holdfast_worker;
