-- The local day on which a capped resource's visits are counted is told to the take; functions/ makes these again.
drop function if exists holdfast.visits_that_day(uuid, timestamptz, text, uuid[], uuid);
drop function if exists holdfast.caps_are_kept(holdfast.hold[], uuid[], uuid[], uuid[]);
drop function if exists holdfast.try_to_take(holdfast.hold[], uuid[], holdfast.candidate[], uuid[], boolean);
