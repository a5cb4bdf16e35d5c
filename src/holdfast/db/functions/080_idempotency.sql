-- One effect per (organization, actor, route, key). The key is taken before the command and its answer is stored in the
-- same transaction as the effect. Refusals store nothing: they had no effect, so asking again asks anew.

-- The stored answer, or no row when this request is the first. A try-lock rather than a wait: a twin that is still being
-- worked on is told so at once. The lock costs no row and no WAL, so a refusal after it still writes nothing.
create or replace function holdfast.begin_idempotent(p_route text, p_key text, p_request_hash bytea)
returns table (status integer, headers jsonb, body bytea)
language plpgsql security definer
set search_path = holdfast, pg_temp
as $$
declare
  v_stored idempotency;
begin
  if not pg_try_advisory_xact_lock(hashtextextended(
    concat_ws(' ', current_organization(), current_actor(), p_route, p_key), 1)) then
    perform refuse('request_is_not_in_progress');
  end if;
  select * into v_stored from idempotency
  where organization_id = current_organization() and actor = current_actor() and route = p_route and key = p_key;
  if v_stored.key is null then
    return;
  end if;
  if v_stored.request_hash <> p_request_hash then
    perform refuse('idempotency_key_is_for_this_request');
  end if;
  return query select v_stored.status, v_stored.headers, v_stored.body;
end $$;

create or replace function holdfast.store_answer(
  p_route text, p_key text, p_request_hash bytea, p_status integer, p_headers jsonb, p_body bytea
) returns void
language sql security definer
set search_path = holdfast, pg_temp
as $$
  insert into idempotency (organization_id, actor, route, key, request_hash, status, headers, body)
  values (current_organization(), current_actor(), p_route, p_key, p_request_hash, p_status, p_headers, p_body);
$$;

-- Answers are kept for 48 hours, twice what is promised.
create or replace function holdfast.forget_answers() returns integer
language plpgsql security definer
set search_path = holdfast, pg_temp
as $$
declare
  v_count integer;
begin
  delete from idempotency where created_at < clock() - interval '48 hours';
  get diagnostics v_count = row_count;
  return v_count;
end $$;
