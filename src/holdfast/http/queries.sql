-- Idempotent answers.

-- name: begin_idempotent
-- Take the key for this transaction; the stored answer when the request was answered before.
select status, headers, body from holdfast.begin_idempotent(%(route)s, %(key)s, %(request_hash)s);

-- name: store_answer
-- Store the answer beside its effect.
select holdfast.store_answer(%(route)s, %(key)s, %(request_hash)s, %(status)s, %(headers)s, %(body)s);
