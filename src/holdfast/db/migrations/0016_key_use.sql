-- A function cannot change what it takes or answers in place; functions/ makes these again.
drop function if exists holdfast.authenticate(bytea);
drop function if exists holdfast.caps_are_kept(holdfast.hold, holdfast.candidate[], uuid);
