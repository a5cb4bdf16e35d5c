-- A time that was held and let go again is an opening for whoever began to wait meanwhile.

alter table holdfast.waitlist_opening drop constraint waitlist_opening_cause_is_known;
alter table holdfast.waitlist_opening add constraint waitlist_opening_cause_is_known check (
  cause in ('cancelled', 'no_show', 'moved', 'block', 'busy', 'hours', 'hold')
);
