-- A private link can be ended, by a newer one, and asked for again by message.

alter table holdfast.visit_link
  add column generation integer not null default 1,  -- of the appointment's links: a new one ends those before
  add column ended_at timestamptz,
  add constraint visit_link_generation_is_positive check (generation > 0);

alter table holdfast.message drop constraint message_kind_is_known;
alter table holdfast.message add constraint message_kind_is_known check (
  kind in ('confirmation', 'change', 'cancellation', 'reminder', 'follow_up', 'waitlist_offer', 'link')
  and (kind = 'waitlist_offer') = (offer_id is not null)
);
alter table holdfast.message_template drop constraint message_template_kind_is_known;
alter table holdfast.message_template add constraint message_template_kind_is_known check (
  kind in ('confirmation', 'change', 'cancellation', 'reminder', 'follow_up', 'waitlist_offer', 'link')
);
