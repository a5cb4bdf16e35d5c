-- The language that somebody chose for the pages they work with; null: what their browser prefers.
alter table holdfast.staff
  add column language text
  constraint staff_language_is_a_tag check (language ~ '^[a-z]{2,3}(-[A-Za-z0-9]{2,8}){0,3}$');

-- It tells more than it did, and takes where its caller is; db/functions makes it anew.
drop function if exists holdfast.authenticate_session(bytea);
