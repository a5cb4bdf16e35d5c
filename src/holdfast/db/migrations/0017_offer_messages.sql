-- A message is about an appointment, or about an offer of the waitlist.

alter table holdfast.message
  alter column appointment_id drop not null,
  add column offer_id uuid,
  drop constraint message_kind_is_known,
  drop constraint message_answer_is_known;
alter table holdfast.message
  add constraint message_is_about_one_thing check (num_nonnulls(appointment_id, offer_id) = 1),
  add constraint message_kind_is_known check (
    kind in ('confirmation', 'change', 'cancellation', 'reminder', 'follow_up', 'waitlist_offer')
    and (kind = 'waitlist_offer') = (offer_id is not null)
  ),
  add constraint message_answer_is_known check (answer in ('confirm', 'cancel', 'accept', 'decline')),
  add constraint message_offer_exists foreign key (organization_id, offer_id)
    references holdfast.offer (organization_id, id);

alter table holdfast.message_template drop constraint message_template_kind_is_known;
alter table holdfast.message_template add constraint message_template_kind_is_known check (
  kind in ('confirmation', 'change', 'cancellation', 'reminder', 'follow_up', 'waitlist_offer')
);

-- The same offer is never told twice.
create unique index message_offer_is_told_once on holdfast.message (organization_id, offer_id) where offer_id is not null;
create index message_dead on holdfast.message (organization_id, settled_at) where state = 'dead';
