-- The worker's chores.

-- name: forget_answers
-- Forget idempotent answers older than is promised; how many.
select holdfast.forget_answers();
