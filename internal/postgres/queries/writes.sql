-- name: ForgetOldKey :exec
delete from idempotency_keys
where subject = sqlc.arg(subject) and key = sqlc.arg(key) and created_at < now() - interval '24 hours';

-- name: ClaimKey :execrows
-- Waits for the end of another transaction that claims the same key.
insert into idempotency_keys (subject, key, request_hash)
values (sqlc.arg(subject), sqlc.arg(key), sqlc.arg(request_hash))
on conflict (subject, key) do nothing;

-- name: AnswerOfKey :one
select k.request_hash, k.answer from idempotency_keys k where k.subject = sqlc.arg(subject) and k.key = sqlc.arg(key);

-- name: RememberAnswer :exec
update idempotency_keys set answer = sqlc.arg(answer) where subject = sqlc.arg(subject) and key = sqlc.arg(key);

-- name: ForgetOldKeys :execrows
delete from idempotency_keys where created_at < now() - interval '24 hours';
