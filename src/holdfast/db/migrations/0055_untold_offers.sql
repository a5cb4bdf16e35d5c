-- An offer that nobody could be told of ends as such, and the next in line is asked.

alter table holdfast.offer drop constraint offer_state_is_known;
alter table holdfast.offer add constraint offer_state_is_known check (
  state in ('open', 'accepted', 'declined', 'lapsed', 'overridden', 'lost', 'untold')
);

-- It says now which offer was not told.
drop function if exists holdfast.record_text_status(text, text, text);
