-- Clients as the desk knows them: found while their name, phone or e-mail is typed, and changed by one person at a time.

alter table holdfast.client add column revision integer not null default 1;

-- Letters without case and accents: Trần is found by "tran".
create function holdfast.folded(p_text text) returns text
language sql immutable parallel safe
as $$ select lower(regexp_replace(normalize(p_text, nfkd), '[\u0300-\u036f]', '', 'g')) $$;

-- What a client is found by, as prefixes: each word of the name, the e-mail address and its parts, and every ending of the
-- phone number, because people say the last digits. Each term begins with the organization, so that a search walks the
-- index of its own organization only, as btree_gin would allow if every server had it.
create function holdfast.client_terms(p_organization_id uuid, p_name text, p_email text, p_phone text) returns tsvector
language sql immutable parallel safe
as $$
  select coalesce(array_to_tsvector(array_agg(distinct p_organization_id::text || ':' || term)), ''::tsvector)
  from (
    select regexp_split_to_table(holdfast.folded(p_name), '[^[:alnum:]]+')
    union all select regexp_split_to_table(p_email, '[^[:alnum:]]+')
    union all select p_email
    union all select right(p_phone, length) from generate_series(3, length(p_phone) - 1) length
  ) found (term)
  where term <> ''
$$;

create index client_search on holdfast.client
  using gin (holdfast.client_terms(organization_id, name::text, email, phone));
-- The latest first, a page at a time.
create index client_latest on holdfast.client (organization_id, created_at, id);
