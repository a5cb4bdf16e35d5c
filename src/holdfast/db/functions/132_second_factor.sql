-- The second factor: its secret, its codes, and the codes on paper for when the phone is gone.

-- A null secret takes the second factor away, with its recovery codes. One that is there is never written over: whoever
-- sits down at an open screen must not put their own phone in its place. `p_step` is that of the code which proved the
-- new secret.
create or replace function holdfast.set_staff_totp(p_staff_id uuid, p_secret bytea, p_step bigint default 0) returns void
language plpgsql security definer
set search_path = holdfast, pg_temp
as $$
declare
  v_staff staff;
begin
  select * into v_staff from staff
  where organization_id = current_organization() and id = p_staff_id and retired_at is null for update;
  if v_staff.id is null then
    perform refuse('staff_exists');
  elsif p_secret is not null and v_staff.totp_secret is not null then
    perform refuse('second_factor_is_off');
  end if;
  update staff set totp_secret = p_secret, totp_step = p_step
  where organization_id = current_organization() and id = p_staff_id;
  if p_secret is null then
    delete from staff_recovery_code where organization_id = current_organization() and staff_id = p_staff_id;
  end if;
  perform record_event('staff.second_factor_set', p_staff_id, jsonb_build_object('on', p_secret is not null));
end $$;

-- The second factor: true exactly once for each time step, so that a code seen over a shoulder is worth nothing.
create or replace function holdfast.spend_totp_step(p_staff_id uuid, p_step bigint) returns boolean
language plpgsql security definer
set search_path = holdfast, pg_temp
as $$
begin
  update staff set totp_step = p_step
  where organization_id = current_organization() and id = p_staff_id and totp_step < p_step;
  return found;
end $$;

-- These codes instead of any before them.
create or replace function holdfast.set_recovery_codes(p_staff_id uuid, p_code_hashes bytea[]) returns void
language plpgsql security definer
set search_path = holdfast, pg_temp
as $$
begin
  perform from staff
  where organization_id = current_organization() and id = p_staff_id and totp_secret is not null and retired_at is null
  for update;
  if not found then
    perform refuse('second_factor_is_on');
  end if;
  delete from staff_recovery_code where organization_id = current_organization() and staff_id = p_staff_id;
  insert into staff_recovery_code (organization_id, staff_id, code_hash)
  select current_organization(), p_staff_id, hash from unnest(p_code_hashes) as hash;
  perform record_event('staff.recovery_codes_made', p_staff_id, jsonb_build_object('codes', cardinality(p_code_hashes)));
end $$;

-- True the first time only: the code is forgotten with its use.
create or replace function holdfast.spend_recovery_code(p_staff_id uuid, p_code_hash bytea) returns boolean
language plpgsql security definer
set search_path = holdfast, pg_temp
as $$
begin
  delete from staff_recovery_code
  where organization_id = current_organization() and staff_id = p_staff_id and code_hash = p_code_hash;
  if not found then
    return false;
  end if;
  perform record_event('staff.recovery_code_used', p_staff_id, jsonb_build_object('left', recovery_codes_left(p_staff_id)));
  return true;
end $$;

create or replace function holdfast.recovery_codes_left(p_staff_id uuid) returns integer
language sql stable security definer
set search_path = holdfast, pg_temp
as $$
  select count(*)::integer from staff_recovery_code
  where organization_id = current_organization() and staff_id = p_staff_id;
$$;

-- Whether a sign-in takes a code; the secret itself is never read back.
create or replace function holdfast.has_second_factor(p_staff_id uuid) returns boolean
language sql stable security definer
set search_path = holdfast, pg_temp
as $$
  select exists (
    select from staff
    where organization_id = current_organization() and id = p_staff_id and totp_secret is not null);
$$;
