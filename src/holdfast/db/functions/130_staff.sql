-- Staff: who they are, how they prove it, where they are signed in. Tokens arrive as hashes; passwords, hashed.
--
-- What is told to the log is who may do what and who signed in; names and addresses are read by id.

create or replace function holdfast.create_staff(p_email text, p_name text, p_role text, p_resource_id uuid default null)
returns uuid
language plpgsql security definer
set search_path = holdfast, pg_temp
as $$
declare
  v_id uuid;
begin
  insert into staff (organization_id, email, name, role, resource_id)
  values (current_organization(), lower(p_email), p_name, p_role, p_resource_id)
  returning id into v_id;
  perform record_event('staff.added', v_id, jsonb_build_object('role', p_role, 'resource_id', p_resource_id));
  return v_id;
end $$;

-- Whoever sets an installation up becomes the owner, while nobody is on the staff; two at once cannot both.
create or replace function holdfast.create_first_owner(p_email text, p_name text) returns uuid
language plpgsql security definer
set search_path = holdfast, pg_temp
as $$
begin
  perform from organization where id = current_organization() for update;
  if exists (select from staff where organization_id = current_organization()) then
    perform refuse('organization_has_no_staff');
  end if;
  return create_staff(p_email, p_name, 'owner');
end $$;

-- Somebody must be able to let others in: the last owner stays.
create or replace function holdfast.require_another_owner(p_staff_id uuid) returns void
language plpgsql
as $$
begin
  perform from staff where organization_id = current_organization() and role = 'owner' and retired_at is null
  order by id for update;
  if not exists (
    select from staff
    where organization_id = current_organization() and role = 'owner' and retired_at is null and id <> p_staff_id
  ) then
    perform refuse('an_owner_remains');
  end if;
end $$;

create or replace function holdfast.change_staff(p_staff_id uuid, p_name text, p_role text, p_resource_id uuid) returns void
language plpgsql security definer
set search_path = holdfast, pg_temp
as $$
declare
  v_staff staff;
begin
  select * into v_staff from staff where organization_id = current_organization() and id = p_staff_id for update;
  if v_staff.id is null then
    perform refuse('staff_exists');
  end if;
  if v_staff.role = 'owner' and p_role <> 'owner' then
    perform require_another_owner(p_staff_id);
  end if;
  update staff set name = p_name, role = p_role, resource_id = p_resource_id
  where organization_id = current_organization() and id = p_staff_id;
  perform record_event('staff.changed', p_staff_id, jsonb_build_object('role', p_role, 'resource_id', p_resource_id));
end $$;

-- They sign in no more, and are signed out everywhere at once.
create or replace function holdfast.retire_staff(p_staff_id uuid) returns void
language plpgsql security definer
set search_path = holdfast, pg_temp
as $$
declare
  v_staff staff;
begin
  select * into v_staff from staff where organization_id = current_organization() and id = p_staff_id for update;
  if v_staff.id is null then
    perform refuse('staff_exists');
  elsif v_staff.retired_at is not null then
    return;
  end if;
  if v_staff.role = 'owner' then
    perform require_another_owner(p_staff_id);
  end if;
  update staff set retired_at = clock(), password_hash = null, totp_secret = null
  where organization_id = current_organization() and id = p_staff_id;
  update staff_link set used_at = clock()
  where organization_id = current_organization() and staff_id = p_staff_id and used_at is null;
  delete from staff_recovery_code where organization_id = current_organization() and staff_id = p_staff_id;
  perform end_staff_sessions(p_staff_id);
  perform record_event('staff.retired', p_staff_id, '{}');
end $$;

-- A link to set the password with; it takes the place of any link before it.
create or replace function holdfast.issue_staff_link(
  p_staff_id uuid, p_purpose text, p_token_hash bytea, p_ttl_seconds integer
) returns timestamptz
language plpgsql security definer
set search_path = holdfast, pg_temp
as $$
declare
  v_expires_at timestamptz := clock() + make_interval(secs => p_ttl_seconds);
begin
  perform from staff
  where organization_id = current_organization() and id = p_staff_id and retired_at is null for update;
  if not found then
    perform refuse('staff_exists');
  end if;
  update staff_link set used_at = clock()
  where organization_id = current_organization() and staff_id = p_staff_id and used_at is null;
  insert into staff_link (organization_id, staff_id, purpose, token_hash, expires_at)
  values (current_organization(), p_staff_id, p_purpose, p_token_hash, v_expires_at);
  perform record_event('staff.link_issued', p_staff_id, jsonb_build_object('purpose', p_purpose, 'expires_at', v_expires_at));
  return v_expires_at;
end $$;

-- Before anybody is known to be asking: whose link is this? No row for one that is unknown, used or expired.
create or replace function holdfast.staff_of_link(p_token_hash bytea)
returns table (organization_id uuid, staff_id uuid, purpose text, name text, email text)
language sql volatile security definer
set search_path = holdfast, pg_temp
as $$
  select l.organization_id, l.staff_id, l.purpose, s.name, s.email
  from staff_link l
  join staff s on s.organization_id = l.organization_id and s.id = l.staff_id and s.retired_at is null
  where l.token_hash = p_token_hash and l.used_at is null and l.expires_at > clock();
$$;

-- Spend the link: the password is set, and whoever was signed in with the old one no longer is.
create or replace function holdfast.set_password_by_link(p_token_hash bytea, p_password_hash text) returns uuid
language plpgsql security definer
set search_path = holdfast, pg_temp
as $$
declare
  v_link staff_link;
begin
  select * into v_link from staff_link
  where organization_id = current_organization() and token_hash = p_token_hash for update;
  if v_link.id is null or v_link.used_at is not null or v_link.expires_at <= clock() then
    perform refuse('staff_link_is_good');
  end if;
  update staff_link set used_at = clock() where organization_id = v_link.organization_id and id = v_link.id;
  perform set_staff_password(v_link.staff_id, p_password_hash);
  return v_link.staff_id;
end $$;

create or replace function holdfast.set_staff_password(p_staff_id uuid, p_password_hash text) returns void
language plpgsql security definer
set search_path = holdfast, pg_temp
as $$
begin
  update staff set password_hash = p_password_hash
  where organization_id = current_organization() and id = p_staff_id and retired_at is null;
  if not found then
    perform refuse('staff_exists');
  end if;
  perform end_staff_sessions(p_staff_id);
  perform record_event('staff.password_set', p_staff_id, '{}');
end $$;

-- In which language they read pages: nobody else is told, so it is no event.
create or replace function holdfast.set_staff_language(p_staff_id uuid, p_language text) returns void
language sql security definer
set search_path = holdfast, pg_temp
as $$
  update staff set language = p_language where organization_id = current_organization() and id = p_staff_id;
$$;

-- What a sign-in is checked against. No row: nobody with a password has this address here.
create or replace function holdfast.staff_to_sign_in(p_email text)
returns table (id uuid, password_hash text, totp_secret bytea)
language sql stable security definer
set search_path = holdfast, pg_temp
as $$
  select s.id, s.password_hash, s.totp_secret from staff s
  where s.organization_id = current_organization() and s.email = lower(p_email)
    and s.password_hash is not null and s.retired_at is null;
$$;

-- May this account be tried from this network now? 0 counts the try, before anything is checked, so that many tries at once
-- are as slow as one after the other; otherwise the seconds to wait. Five tries in a quarter of an hour are free, then the
-- wait is a minute and doubles; a network has thirty tries. Tries from elsewhere slow an account down but never shut it:
-- locking people out must not be a way to close the desk.
create or replace function holdfast.admit_sign_in(p_account bytea, p_network bytea) returns integer
language plpgsql volatile security definer
set search_path = holdfast, pg_temp
as $$
declare
  c_window constant interval := '15 minutes';
  v_wait interval;
begin
  perform pg_advisory_xact_lock(key)
  from (select hashtextextended(current_organization()::text || encode(id, 'hex'), 0) as key
        from unnest(array[p_account, p_network]) as id order by 1) as locks;
  delete from sign_in_attempt where organization_id = current_organization() and at < clock() - interval '1 day';
  select greatest(
    '0',
    case when here.tries >= 5 then here.last + least(interval '1 minute' * 2 ^ (here.tries - 5), c_window) end - clock(),
    case when anywhere.tries >= 20 then anywhere.last + interval '20 seconds' end - clock(),
    case when network.tries >= 30 then network.last + c_window end - clock()
  ) into v_wait
  from (select count(*)::integer as tries, max(at) as last from sign_in_attempt
        where organization_id = current_organization() and account = p_account and network = p_network
          and at > clock() - c_window) here,
       (select count(*) as tries, max(at) as last from sign_in_attempt
        where organization_id = current_organization() and account = p_account and at > clock() - c_window) anywhere,
       (select count(*) as tries, max(at) as last from sign_in_attempt
        where organization_id = current_organization() and network = p_network and at > clock() - c_window) network;
  if v_wait > '0' then
    return ceil(extract(epoch from v_wait));
  end if;
  insert into sign_in_attempt (organization_id, account, network, at)
  values (current_organization(), p_account, p_network, clock());
  return 0;
end $$;

-- Whether somebody set a password yet; the hash itself is never read back.
create or replace function holdfast.has_password(p_staff_id uuid) returns boolean
language sql stable security definer
set search_path = holdfast, pg_temp
as $$
  select exists (
    select from staff
    where organization_id = current_organization() and id = p_staff_id and password_hash is not null);
$$;

create or replace function holdfast.has_staff() returns boolean
language sql stable security definer
set search_path = holdfast, pg_temp
as $$ select exists (select from staff where organization_id = current_organization()) $$;
