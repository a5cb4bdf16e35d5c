-- name: clock
-- The database's clock, which decides what is past.
select holdfast.clock();
