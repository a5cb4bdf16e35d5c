-- Who must book further ahead than anybody may book can never book. Rows that say so already stay: nothing is lost, and
-- the next change of them says what is wrong.
alter table holdfast.service_lead
  add constraint service_lead_can_be_met check (notice_minutes < (horizon_days + 1) * 1440) not valid;
