-- One provider throughout a visit: `true` and `false` as before, and "prefer" where it is to be so if it can be.
alter table holdfast.visit
  alter column same_provider type jsonb using to_jsonb(same_provider),
  add constraint visit_same_provider_is_known check (same_provider in ('true', 'false', '"prefer"'));

-- their parameters say it as the column does, and turns say until when they stand
drop function if exists holdfast.draft_visit(uuid, integer, boolean);
drop function if exists holdfast.place_visit(uuid, jsonb, integer, boolean, integer, bytea, bytea, boolean);
drop function if exists holdfast.place_series(uuid, jsonb, jsonb, integer, integer, integer, boolean, integer, bytea, bytea, boolean);
drop function if exists holdfast.last_taken(uuid[]);
