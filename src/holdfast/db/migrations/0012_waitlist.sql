-- The waitlist: who would like a time that is taken now, which times fell free, and who was offered one of them.
-- An offer is a hold with a term: nobody else can have its time while it is open, and accepting it confirms that hold.

-- How freed times of a service are offered. A service of which nothing is said is offered by the defaults here.
create table holdfast.waitlist_policy (
  organization_id uuid not null,
  service_id uuid not null,
  mode text not null default 'first_in_line',
  -- an offer lasts for `answer_percent` of the time left until the cut-off, but not longer nor shorter than this
  offer_minutes_max integer not null default 120,
  offer_minutes_min integer not null default 10,
  answer_percent integer not null default 10,
  cut_off_minutes integer not null default 60,
  -- wall times of the location between which nobody is written to
  quiet_from time not null default '21:00',
  quiet_until time not null default '08:00',
  offers_per_slot_max integer not null default 10,
  offers_per_client_and_day_max integer not null default 3,
  -- a shorter service may take this one's time from this price on; null: never
  partial_fit_min_cents integer default 1,
  constraint waitlist_policy_pkey primary key (organization_id, service_id),
  constraint waitlist_policy_mode_is_known check (mode in ('first_in_line', 'best_value', 'priority', 'all_at_once')),
  constraint waitlist_policy_offer_is_bounded check (
    offer_minutes_min between 1 and offer_minutes_max and offer_minutes_max <= 1440 and answer_percent between 1 and 100
  ),
  constraint waitlist_policy_cut_off_is_bounded check (cut_off_minutes between 0 and 10080),
  constraint waitlist_policy_caps_are_positive check (
    offers_per_slot_max between 1 and 1000 and offers_per_client_and_day_max between 1 and 100
  ),
  constraint waitlist_policy_partial_fit_is_not_negative check (partial_fit_min_cents >= 0),
  constraint waitlist_policy_service_exists foreign key (organization_id, service_id)
    references holdfast.service (organization_id, id)
);

-- What a client waits for. `appointment_id`: booked already, and would come earlier.
create table holdfast.waitlist_entry (
  organization_id uuid not null references holdfast.organization (id),
  id uuid not null default holdfast.new_id(),
  state text not null default 'waiting',
  client_id uuid not null,
  service_ids uuid[] not null,
  provider_ids uuid[] not null,  -- none: anyone
  location_ids uuid[] not null,
  -- [{"weekdays": [0, …], "from": "09:00", "to": "12:00"}]: wall times between which the visit begins; none: any time
  windows jsonb not null default '[]',
  earliest_on date,
  latest_on date,
  notice_minutes integer not null default 0,
  party_size integer not null default 1,
  priority integer not null default 0,
  appointment_id uuid,
  surface holdfast.surface not null,
  joined_at timestamptz not null,
  constraint waitlist_entry_pkey primary key (organization_id, id),
  constraint waitlist_entry_state_is_known check (state in ('waiting', 'offered', 'booked', 'left', 'expired')),
  constraint waitlist_entry_names_a_service check (cardinality(service_ids) between 1 and 20),
  constraint waitlist_entry_lists_are_bounded check (
    cardinality(provider_ids) <= 50 and cardinality(location_ids) between 1 and 50
  ),
  constraint waitlist_entry_windows_are_a_list check (jsonb_typeof(windows) = 'array' and jsonb_array_length(windows) <= 21),
  constraint waitlist_entry_days_are_ordered check (earliest_on <= latest_on),
  constraint waitlist_entry_notice_is_bounded check (notice_minutes between 0 and 43200),
  constraint waitlist_entry_party_is_bounded check (party_size between 1 and 20),
  constraint waitlist_entry_priority_is_bounded check (priority between -100 and 100),
  constraint waitlist_entry_client_exists foreign key (organization_id, client_id)
    references holdfast.client (organization_id, id),
  constraint waitlist_entry_appointment_exists foreign key (organization_id, appointment_id)
    references holdfast.appointment (organization_id, id)
);
-- The line as it stands; what one client waits for.
create index waitlist_entry_waiting on holdfast.waitlist_entry (organization_id, joined_at, id)
  where state in ('waiting', 'offered');
create index waitlist_entry_client on holdfast.waitlist_entry (organization_id, client_id)
  where state in ('waiting', 'offered');

-- Time that fell free, to be offered. `due_at`: when to look for somebody next; null: when somebody new joins.
create table holdfast.waitlist_opening (
  organization_id uuid not null references holdfast.organization (id),
  id uuid not null default holdfast.new_id(),
  event_id bigint not null,
  location_id uuid not null,
  cause text not null,
  service_id uuid,        -- of the visit that went
  price_cents integer,
  client_id uuid,         -- who gave it up: is not offered it back
  starts_at timestamptz not null,
  ends_at timestamptz not null,
  resource_ids uuid[] not null,  -- what fell free; none: nobody knows, as with longer opening hours
  freed_at timestamptz not null,
  due_at timestamptz,
  constraint waitlist_opening_pkey primary key (organization_id, id),
  constraint waitlist_opening_is_found_once unique (organization_id, event_id, location_id),
  constraint waitlist_opening_cause_is_known check (cause in ('cancelled', 'no_show', 'moved', 'block', 'busy', 'hours')),
  constraint waitlist_opening_starts_before_end check (starts_at < ends_at),
  constraint waitlist_opening_location_exists foreign key (organization_id, location_id)
    references holdfast.location (organization_id, id),
  constraint waitlist_opening_event_exists foreign key (organization_id, event_id)
    references holdfast.event (organization_id, id)
);
create index waitlist_opening_due on holdfast.waitlist_opening (due_at) where due_at is not null;
create index waitlist_opening_ends on holdfast.waitlist_opening (organization_id, ends_at);
create index waitlist_opening_freed on holdfast.waitlist_opening (organization_id, freed_at);

-- The token in the link is kept as its hash only. Several offers may stand on one hold (all at once): one of them wins.
create table holdfast.offer (
  organization_id uuid not null references holdfast.organization (id),
  id uuid not null,
  entry_id uuid not null,
  opening_id uuid,   -- none: offered by hand
  hold_id uuid not null,
  token_hash bytea not null,
  state text not null default 'open',
  why text not null,
  sent_at timestamptz not null,
  expires_at timestamptz not null,
  settled_at timestamptz,
  appointment_id uuid,
  constraint offer_pkey primary key (organization_id, id),
  constraint offer_token_is_unique unique (token_hash),
  constraint offer_token_is_sha256 check (length(token_hash) = 32),
  constraint offer_state_is_known check (state in ('open', 'accepted', 'declined', 'lapsed', 'overridden', 'lost')),
  constraint offer_settled_has_a_time check ((state = 'open') = (settled_at is null)),
  constraint offer_accepted_has_its_appointment check ((state = 'accepted') = (appointment_id is not null)),
  constraint offer_why_is_bounded check (length(why) between 1 and 500),
  constraint offer_entry_exists foreign key (organization_id, entry_id) references holdfast.waitlist_entry (organization_id, id),
  constraint offer_opening_exists foreign key (organization_id, opening_id)
    references holdfast.waitlist_opening (organization_id, id),
  constraint offer_hold_exists foreign key (organization_id, hold_id) references holdfast.hold (organization_id, id),
  constraint offer_appointment_exists foreign key (organization_id, appointment_id)
    references holdfast.appointment (organization_id, id)
);
-- An entry has one open offer at most, and of the offers on a hold one is accepted at most.
create unique index offer_is_the_only_open_one on holdfast.offer (organization_id, entry_id) where state = 'open';
create unique index offer_is_the_only_accepted_one on holdfast.offer (organization_id, hold_id) where state = 'accepted';
create index offer_hold on holdfast.offer (organization_id, hold_id);
create index offer_open on holdfast.offer (expires_at) where state = 'open';
create index offer_opening on holdfast.offer (organization_id, opening_id);
create index offer_entry on holdfast.offer (organization_id, entry_id, sent_at);

do $$
declare
  v_table text;
begin
  foreach v_table in array array['waitlist_policy', 'waitlist_entry', 'waitlist_opening', 'offer'] loop
    execute format('alter table holdfast.%I enable row level security', v_table);
    execute format('alter table holdfast.%I force row level security', v_table);
    execute format(
      'create policy own_organization on holdfast.%I for select to holdfast_app
       using (organization_id = holdfast.current_organization())', v_table);
    execute format('create policy owner_commands on holdfast.%I to current_user using (true) with check (true)', v_table);
  end loop;
end $$;

-- A token's hash is for the one function that finds an offer by it.
grant select (organization_id, id, entry_id, opening_id, hold_id, state, why, sent_at, expires_at, settled_at, appointment_id)
  on holdfast.offer to holdfast_app;
grant select on holdfast.waitlist_policy, holdfast.waitlist_entry, holdfast.waitlist_opening to holdfast_app;
