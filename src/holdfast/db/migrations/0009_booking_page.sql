-- The public booking page: how it looks, who may embed it, and the private link to a visit.

create table holdfast.booking_page (
  organization_id uuid not null references holdfast.organization (id),
  accent text not null default '#0f766e',
  logo bytea,
  logo_type text,
  -- origins that may show the page in a frame; '*' is everybody
  embed_origins text[] not null default '{*}',
  -- how long before the visit a client may still move or cancel it by the link
  change_notice_minutes integer not null default 1440,
  policy text not null default '',
  constraint booking_page_pkey primary key (organization_id),
  constraint booking_page_accent_is_a_color check (accent ~ '^#[0-9a-f]{6}$'),
  constraint booking_page_logo_is_a_picture check (
    (logo is null) = (logo_type is null)
    and logo_type in ('image/png', 'image/jpeg', 'image/webp', 'image/svg+xml') and length(logo) between 1 and 49152
  ),
  constraint booking_page_origins_are_origins check (
    cardinality(embed_origins) <= 50
    and array_to_string(embed_origins, ' ', '?') ~ '^((\*|https?://[a-z0-9.-]+(:[0-9]{1,5})?)( |$))*$'
  ),
  constraint booking_page_notice_is_bounded check (change_notice_minutes between 0 and 43200),
  constraint booking_page_policy_is_bounded check (length(policy) <= 4000)
);

-- Whoever has the link may see, move and cancel the visit. Only the hash of its 256 random bits is kept.
create table holdfast.visit_link (
  organization_id uuid not null,
  id uuid not null default holdfast.new_id(),
  appointment_id uuid not null,
  token_hash bytea not null,
  created_at timestamptz not null default holdfast.clock(),
  expires_at timestamptz not null,
  constraint visit_link_pkey primary key (organization_id, id),
  constraint visit_link_token_is_unique unique (token_hash),
  constraint visit_link_token_is_sha256 check (length(token_hash) = 32),
  constraint visit_link_appointment_exists foreign key (organization_id, appointment_id)
    references holdfast.appointment (organization_id, id)
);
create index visit_link_of_appointment on holdfast.visit_link (organization_id, appointment_id);

-- As 0006 does for the tables before it.
do $$
declare
  v_table text;
begin
  foreach v_table in array array['booking_page', 'visit_link'] loop
    execute format('alter table holdfast.%I enable row level security', v_table);
    execute format('alter table holdfast.%I force row level security', v_table);
    execute format(
      'create policy own_organization on holdfast.%I for select to holdfast_app
       using (organization_id = holdfast.current_organization())', v_table);
    execute format('create policy owner_commands on holdfast.%I to current_user using (true) with check (true)', v_table);
  end loop;
end $$;
grant select on holdfast.booking_page to holdfast_app;
