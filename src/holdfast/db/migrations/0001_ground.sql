-- The ground that every table stands on: who is asking, what time it is, what an id looks like.
--
-- Two roles. The owner (whoever runs the migrations) owns tables and functions. `holdfast_app` is the server's role: it
-- may read its organization's rows and call the command functions, and has no other way to write anything.

create extension if not exists btree_gist;

create schema if not exists holdfast;
grant usage on schema holdfast to holdfast_app;
-- Not "in schema": a per-schema default cannot take back what the global default grants.
alter default privileges revoke execute on functions from public;

-- Set for one transaction by holdfast.act_as(); NULL when nobody has said who is asking, and then no row is visible.
create function holdfast.current_organization() returns uuid
language sql stable parallel safe
return nullif(current_setting('holdfast.organization_id', true), '')::uuid;

create function holdfast.current_actor() returns text
language sql stable parallel safe
return coalesce(nullif(current_setting('holdfast.actor', true), ''), 'system');

create function holdfast.current_surface() returns text
language sql stable parallel safe
return coalesce(nullif(current_setting('holdfast.surface', true), ''), 'system');

-- The one clock. It moves while a transaction waits for a lock, which now() does not: an expiry is decided after the wait.
create function holdfast.clock() returns timestamptz
language sql volatile parallel safe
return clock_timestamp();

-- UUID version 7 (RFC 9562 section 5.7) also where the server has none of its own: ids made together lie together.
create function holdfast.new_id() returns uuid
language sql volatile parallel safe
return encode(
  set_bit(set_bit(
    overlay(
      uuid_send(gen_random_uuid())
      placing substring(int8send(floor(extract(epoch from clock_timestamp()) * 1000)::bigint) from 3)
      from 1 for 6
    ), 52, 1), 53, 1), 'hex')::uuid;

-- Eight characters without 0, O, 1, I that a person can read over the phone: 32^8 codes, unique per organization.
create function holdfast.new_confirmation_code() returns text
language sql volatile parallel safe
return (
  select string_agg(substr('23456789ABCDEFGHJKLMNPQRSTUVWXYZ', 1 + get_byte(bytes, i) % 32, 1), '')
  -- bytes 6 and 8 of a version 4 UUID carry its version and variant, so they are left out
  from uuid_send(gen_random_uuid()) as bytes, unnest(array[0, 1, 2, 3, 4, 5, 9, 10]) as i
);

-- A range that can be claimed: [), finite, not empty, at most a week, in a century that we can mean. An empty range
-- overlaps nothing, so it would pass the guard; 'infinity' is a value that upper_inf() does not notice.
create function holdfast.is_claimable(during tstzrange) returns boolean
language sql immutable parallel safe
return not isempty(during)
  and lower_inc(during) and not upper_inc(during)
  and isfinite(lower(during)) and isfinite(upper(during))
  and upper(during) - lower(during) <= interval '168 hours'
  and lower(during) >= '2000-01-01 00:00:00+00'::timestamptz
  and upper(during) < '2200-01-01 00:00:00+00'::timestamptz;

create domain holdfast.label as text
  constraint label_is_readable check (length(value) between 1 and 200 and value !~ '[[:cntrl:]]');

create domain holdfast.slug as text
  constraint slug_is_plain check (value ~ '^[a-z0-9]([a-z0-9-]{0,62}[a-z0-9])?$');

-- Where a change comes from. `system` is Holdfast itself (the sweeper, a migration of data).
create domain holdfast.surface as text
  constraint surface_is_known check (value in (
    'desk', 'phone', 'walk_in', 'widget', 'calendar', 'platform', 'assistant', 'api', 'import', 'system'
  ));
