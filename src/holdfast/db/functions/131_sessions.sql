-- Where staff are signed in, and for how much longer. Tokens arrive as hashes.

-- Signed in: a fresh token, and the tries of this account from this network are forgotten. An incomplete session lives
-- five minutes, long enough to type a code.
create or replace function holdfast.start_staff_session(
  p_staff_id uuid, p_token_hash bytea, p_complete boolean, p_account bytea, p_network bytea
) returns void
language plpgsql security definer
set search_path = holdfast, pg_temp
as $$
declare
  v_session_id uuid;
begin
  insert into staff_session (organization_id, staff_id, token_hash, complete, expires_at)
  values (current_organization(), p_staff_id, p_token_hash, p_complete,
          clock() + case when p_complete then interval '12 hours' else interval '5 minutes' end)
  returning id into v_session_id;
  if p_complete then
    delete from sign_in_attempt
    where organization_id = current_organization() and account = p_account and network = p_network;
    perform record_event('staff.signed_in', p_staff_id, jsonb_build_object('session_id', v_session_id));
  end if;
end $$;

-- Before anybody is known to be asking: whose session is this? It ends 15 minutes after somebody last did something in it,
-- and 12 hours after it began. `p_used`: they do something now, which is written down at most once a minute, so that reading
-- pages does not write; otherwise it is only looked at, as a screen does by itself, and ends when it would have ended.
-- `seconds_left` is until it ends when nobody does anything; `seconds_most`, whatever they do. The zone is of the location
-- that they look at (by slug), else of one where they serve, else of any: pages write dates and money as people do there.
create or replace function holdfast.authenticate_session(p_token_hash bytea, p_used boolean, p_location text)
returns table (
  organization_id uuid, organization_slug text, session_id uuid, staff_id uuid, name text, email text, role text,
  resource_id uuid, complete boolean, has_totp boolean, seconds_left integer, seconds_most integer,
  language text, time_zone text
)
language plpgsql volatile security definer
set search_path = holdfast, pg_temp
as $$
declare
  v_idle constant interval := '15 minutes';
  v_session staff_session;
  v_now timestamptz := clock();
begin
  select * into v_session from staff_session t
  where t.token_hash = p_token_hash and t.ended_at is null and t.expires_at > v_now and t.seen_at > v_now - v_idle;
  if v_session.id is null then
    return;
  end if;
  if p_used and v_session.seen_at < v_now - interval '1 minute' then
    update staff_session t set seen_at = v_now
    where t.organization_id = v_session.organization_id and t.id = v_session.id;
    v_session.seen_at := v_now;
  end if;
  return query
  select s.organization_id, o.slug::text, v_session.id, s.id, s.name::text, s.email, s.role, s.resource_id,
         v_session.complete, s.totp_secret is not null,
         floor(extract(epoch from least(v_session.expires_at, v_session.seen_at + v_idle) - v_now))::integer,
         floor(extract(epoch from v_session.expires_at - v_now))::integer,
         s.language,
         (
           select l.time_zone::text from location l
           where l.organization_id = s.organization_id and l.retired_at is null
           order by l.slug::text is not distinct from p_location desc,
             exists (
               select from resource_location r
               where r.organization_id = l.organization_id and r.resource_id = s.resource_id and r.location_id = l.id
             ) desc,
             l.slug
           limit 1
         )
  from staff s join organization o on o.id = s.organization_id
  where s.organization_id = v_session.organization_id and s.id = v_session.staff_id and s.retired_at is null;
end $$;

create or replace function holdfast.end_staff_session(p_session_id uuid) returns void
language plpgsql security definer
set search_path = holdfast, pg_temp
as $$
declare
  v_staff_id uuid;
begin
  update staff_session set ended_at = clock()
  where organization_id = current_organization() and id = p_session_id and ended_at is null
  returning staff_id into v_staff_id;
  if v_staff_id is not null then
    perform record_event('staff.signed_out', v_staff_id, jsonb_build_object('sessions', 1));
  end if;
end $$;

-- Sign out everywhere.
create or replace function holdfast.end_staff_sessions(p_staff_id uuid) returns integer
language plpgsql security definer
set search_path = holdfast, pg_temp
as $$
declare
  v_count integer;
begin
  update staff_session set ended_at = clock()
  where organization_id = current_organization() and staff_id = p_staff_id and ended_at is null;
  get diagnostics v_count = row_count;
  if v_count > 0 then
    perform record_event('staff.signed_out', p_staff_id, jsonb_build_object('sessions', v_count));
  end if;
  return v_count;
end $$;
