-- What clients are told, how, and when: policy, reminders, templates, preferences, and the messages that are owed.

alter table holdfast.client add column language text;
alter table holdfast.client add constraint client_language_is_plain check (language ~ '^[a-z]{2}$');

-- How an organization speaks to its clients. No row: the defaults that are written here.
create table holdfast.message_policy (
  organization_id uuid not null references holdfast.organization (id),
  sender_name holdfast.label,          -- instead of the organization's name, which may say too much
  reply_to text,
  language text not null default 'en', -- for clients who chose none
  -- the first of these that reaches the client carries the message
  notice_channels text[] not null default '{email,sms}',
  reminder_channels text[] not null default '{sms,email}',
  quiet_from time not null default '21:00',  -- on the location's wall clock; equal: never quiet
  quiet_until time not null default '08:00',
  -- what a lock screen may show
  say_service boolean not null default false,
  say_provider boolean not null default false,
  constraint message_policy_pkey primary key (organization_id),
  constraint message_policy_reply_to_is_an_address check (reply_to ~ '^[^[:space:]@<>]+@[^[:space:]@<>]+$' and length(reply_to) <= 254),
  constraint message_policy_language_is_plain check (language ~ '^[a-z]{2}$'),
  constraint message_policy_channels_are_known check (
    notice_channels <@ array['email', 'sms'] and reminder_channels <@ array['email', 'sms']
    and cardinality(notice_channels) <= 2 and cardinality(reminder_channels) <= 2
  )
);

-- A location with quiet hours of its own.
create table holdfast.location_quiet_hours (
  organization_id uuid not null,
  location_id uuid not null,
  quiet_from time not null,
  quiet_until time not null,
  constraint location_quiet_hours_pkey primary key (organization_id, location_id),
  constraint location_quiet_hours_location_exists foreign key (organization_id, location_id)
    references holdfast.location (organization_id, id)
);

-- When clients are reminded. The row of a service replaces the organization's (service_id null), which replaces the default.
create table holdfast.reminder_rule (
  organization_id uuid not null references holdfast.organization (id),
  id uuid not null default holdfast.new_id(),
  service_id uuid,
  before_minutes integer[] not null,
  follow_up_after_minutes integer,
  constraint reminder_rule_pkey primary key (organization_id, id),
  constraint reminder_rule_is_one_a_service unique nulls not distinct (organization_id, service_id),
  constraint reminder_rule_times_are_bounded check (
    cardinality(before_minutes) <= 10 and 5 <= all (before_minutes) and 86400 >= all (before_minutes)
    and follow_up_after_minutes between 0 and 86400
  ),
  constraint reminder_rule_service_exists foreign key (organization_id, service_id)
    references holdfast.service (organization_id, id)
);

-- An organization's own words instead of the built-in ones.
create table holdfast.message_template (
  organization_id uuid not null references holdfast.organization (id),
  kind text not null,
  language text not null,
  subject text not null,
  email text not null,
  sms text not null,
  changed_at timestamptz not null,
  constraint message_template_pkey primary key (organization_id, kind, language),
  constraint message_template_kind_is_known check (
    kind in ('confirmation', 'change', 'cancellation', 'reminder', 'follow_up')
  ),
  constraint message_template_language_is_plain check (language ~ '^[a-z]{2}$'),
  constraint message_template_is_bounded check (length(subject) <= 500 and length(email) <= 10000 and length(sms) <= 2000)
);

-- What a client said about a channel. No row: nothing yet, so messages about their own appointments are allowed.
create table holdfast.message_preference (
  organization_id uuid not null,
  client_id uuid not null,
  channel text not null,
  allowed boolean not null,
  source text not null,
  at timestamptz not null,
  constraint message_preference_pkey primary key (organization_id, client_id, channel),
  constraint message_preference_channel_is_known check (channel in ('email', 'sms')),
  constraint message_preference_source_is_known check (source in ('staff', 'link', 'reply', 'carrier')),
  constraint message_preference_client_exists foreign key (organization_id, client_id)
    references holdfast.client (organization_id, id)
);

-- One message owed about an appointment. `occasion`: the revision a notice is about; the start (Unix seconds) that a
-- reminder or follow-up is about. What it says, and by which channel, is decided when it is sent, and kept.
create table holdfast.message (
  organization_id uuid not null,
  id uuid not null default holdfast.new_id(),
  appointment_id uuid not null,
  client_id uuid not null,
  kind text not null,
  lead_minutes integer not null default 0,  -- before the start; of a follow-up, after the end
  occasion bigint not null,
  due_at timestamptz not null,              -- as planned
  state text not null default 'pending',
  attempts integer not null default 0,      -- since it was owed, or retried by a person
  next_attempt_at timestamptz not null,
  created_at timestamptz not null,
  settled_at timestamptz,
  reason text,                              -- why it was skipped or died, or why the last attempt failed
  channel text,
  provider_id text,
  delivered text,                           -- what the carrier said later
  subject text,
  body text,
  answer text,
  constraint message_pkey primary key (organization_id, id),
  -- The same message is never owed twice, however often events are replayed.
  constraint message_is_owed_once unique (organization_id, appointment_id, kind, lead_minutes, occasion),
  constraint message_kind_is_known check (kind in ('confirmation', 'change', 'cancellation', 'reminder', 'follow_up')),
  constraint message_state_is_known check (state in ('pending', 'sent', 'dead', 'skipped')),
  constraint message_settled_has_a_time check ((state = 'pending') = (settled_at is null)),
  constraint message_unsent_says_why check (state not in ('dead', 'skipped') or reason is not null),
  constraint message_reason_is_bounded check (length(reason) between 1 and 500),
  constraint message_channel_is_known check (channel in ('email', 'sms')),
  constraint message_answer_is_known check (answer in ('confirm', 'cancel')),
  constraint message_appointment_exists foreign key (organization_id, appointment_id)
    references holdfast.appointment (organization_id, id),
  constraint message_client_exists foreign key (organization_id, client_id)
    references holdfast.client (organization_id, id)
);
-- What is due; the list; what a reply can be about; what a carrier tells of.
create index message_due on holdfast.message (next_attempt_at) where state = 'pending';
create index message_list on holdfast.message (organization_id, created_at, id);
create index message_client on holdfast.message (organization_id, client_id) where state = 'sent';
create index message_provider on holdfast.message (provider_id) where provider_id is not null;

do $$
declare
  v_table text;
begin
  foreach v_table in array array[
    'message_policy', 'location_quiet_hours', 'reminder_rule', 'message_template', 'message_preference', 'message'
  ] loop
    execute format('alter table holdfast.%I enable row level security', v_table);
    execute format('alter table holdfast.%I force row level security', v_table);
    execute format(
      'create policy own_organization on holdfast.%I for select to holdfast_app
       using (organization_id = holdfast.current_organization())', v_table);
    execute format('create policy owner_commands on holdfast.%I to current_user using (true) with check (true)', v_table);
    execute format('grant select on holdfast.%I to holdfast_app', v_table);
  end loop;
end $$;
