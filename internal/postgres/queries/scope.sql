-- name: SetScope :exec
-- The last argument of set_config makes each last for this transaction only.
select set_config('earshot.scope', sqlc.arg(scope)::text, true), set_config('earshot.subject', sqlc.arg(subject)::text, true),
  set_config('earshot.role', sqlc.arg(role)::text, true);
