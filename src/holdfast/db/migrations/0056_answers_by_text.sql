-- What an answer by text can mean: the message keeps which starts it told, and the carrier's repeats are known.

-- Null: it did not ask for an answer, or nobody knows any more what it said.
alter table holdfast.message add column told_starts timestamptz[];
update holdfast.message m
set told_starts = array[coalesce(
  (select (e.data ->> 'starts_at')::timestamptz from holdfast.event e
   where e.organization_id = m.organization_id and e.subject_id = m.appointment_id
     and e.type in ('appointment.booked', 'appointment.rescheduled') and e.at <= m.settled_at
   order by e.id desc limit 1), a.starts_at)]
from holdfast.appointment a
where m.state = 'sent' and m.channel = 'sms' and m.appointment_id is not null
  and a.organization_id = m.organization_id and a.id = m.appointment_id and a.starts_at > now();

-- A text from a client, by the carrier's name for it. It belongs to no organization: a line may serve several.
create table holdfast.inbound_text (
  provider_id text not null,
  taken_at timestamptz not null,
  answered boolean not null default false,
  answer text,
  constraint inbound_text_pkey primary key (provider_id)
);
create index inbound_text_taken on holdfast.inbound_text (taken_at);
alter table holdfast.inbound_text enable row level security;
alter table holdfast.inbound_text force row level security;
create policy owner_commands on holdfast.inbound_text to current_user using (true) with check (true);

-- They say more now.
drop function if exists holdfast.visits_texted(text);
