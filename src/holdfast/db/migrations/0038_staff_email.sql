-- Whoever left gives their address free: a person can come back, or another take over the address of the desk.

alter table holdfast.staff drop constraint staff_email_is_unique;
-- A partial unique index has no name among the rules, and this has: it is broken, and said, like any other.
alter table holdfast.staff add constraint staff_email_is_unique
  exclude using btree (organization_id with =, email with =) where (retired_at is null);
