-- The people who book, as the desk finds, adds and changes them; and the note of their visit.

-- What was typed, as a query over client_terms: an e-mail address, digits of a phone number, or words that must all be there.
-- A number may be typed as it is dialled at home, with a zero that is not part of it.
create or replace function holdfast.client_query(p_text text) returns tsquery
language plpgsql stable
as $$
declare
  v_text text := trim(folded(p_text));
  v_digits text := regexp_replace(v_text, '[^0-9]', '', 'g');
  v_terms text[];
begin
  if v_text ~ '@' then
    v_terms := array[regexp_replace(v_text, '\s', '', 'g')];
  elsif length(v_digits) >= 3 and v_text !~ '[^0-9 ()+./-]' then
    return term_query(v_digits) || term_query(coalesce(nullif(ltrim(v_digits, '0'), ''), v_digits));
  else
    v_terms := regexp_split_to_array(v_text, '[^[:alnum:]]+');
  end if;
  return (select string_agg(term_query(term)::text, ' & ')::tsquery from unnest(v_terms) term where term <> '');
end $$;

create or replace function holdfast.term_query(p_term text) returns tsquery
language sql stable
as $$
  select (quote_literal(current_organization()::text || ':' || replace(p_term, '\', '')) || ':*')::tsquery
$$;

-- The clients that what was typed fits, whoever was or comes here nearest to now first. With the owner's rights: under
-- row-level security an operator that is not leakproof could not use the index.
create or replace function holdfast.find_clients(p_text text, p_limit integer)
returns table (id uuid, name text, email text, phone text, language text, revision integer, created_at timestamptz,
               near_at timestamptz)
language sql stable security definer
set search_path = holdfast, pg_temp
as $$
  with fitting as (
    select c.* from client c
    where client_terms(c.organization_id, c.name::text, c.email, c.phone) @@ client_query(p_text)
      and c.organization_id = current_organization()
    limit 500
  )
  select c.id, c.name::text, c.email, c.phone, c.language, c.revision, c.created_at, near.starts_at
  from fitting c
  left join lateral (
    select a.starts_at from appointment a
    where a.organization_id = c.organization_id and a.client_id = c.id and a.state <> 'cancelled'
    order by a.starts_at desc limit 1
  ) near on true
  order by near.starts_at desc nulls last, c.name, c.id
  limit p_limit
$$;

-- Somebody new at the desk; whoever is known by this name and address already is not made twice.
create or replace function holdfast.add_client(p_name text, p_email text, p_phone text) returns uuid
language sql security definer
set search_path = holdfast, pg_temp
as $$ select find_or_add_client(p_name, p_email, p_phone) $$;

-- Change how a client is called and reached, as whoever saw them at this revision.
create or replace function holdfast.change_client(
  p_client_id uuid, p_revision integer, p_name text, p_email text, p_phone text
) returns void
language plpgsql security definer
set search_path = holdfast, pg_temp
as $$
declare
  v_client client;
begin
  select * into v_client from client where organization_id = current_organization() and id = p_client_id for update;
  if v_client.id is null then
    perform refuse('client_exists');
  end if;
  if p_revision <> v_client.revision then
    perform refuse('client_is_as_seen', jsonb_build_object('revision', v_client.revision));
  end if;
  update client set name = p_name, email = lower(p_email), phone = p_phone, revision = revision + 1
  where organization_id = v_client.organization_id and id = v_client.id;
  perform record_event('client.changed', v_client.id, jsonb_build_object('revision', v_client.revision + 1));
end $$;

-- Change what staff wrote about a visit. The words stay out of the log, so that they can be erased.
create or replace function holdfast.change_note(p_appointment_id uuid, p_revision integer, p_note text)
returns setof holdfast.appointment_detail
language plpgsql security definer
set search_path = holdfast, pg_temp
as $$
declare
  v_old appointment := lock_appointment(
    p_appointment_id, p_revision, '{confirmed,checked_in,completed,cancelled,no_show}');
begin
  update appointment set note = nullif(p_note, ''), revision = revision + 1
  where organization_id = v_old.organization_id and id = v_old.id;
  perform record_event('appointment.note_changed', v_old.id, jsonb_build_object('revision', v_old.revision + 1));
  return query select * from appointment_detail where organization_id = v_old.organization_id and id = v_old.id;
end $$;
