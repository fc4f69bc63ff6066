-- name: SeeAdmin :one
-- Returns whether the admin is disabled, and writes down how it was when it signed in now.
insert into admins (subject, name, role, scope_all, tenant_ids)
values (sqlc.arg(subject), sqlc.arg(name), sqlc.arg(role), sqlc.arg(scope_all), sqlc.arg(tenant_ids)::uuid[])
on conflict (subject) do update
set name = excluded.name, role = excluded.role, scope_all = excluded.scope_all, tenant_ids = excluded.tenant_ids, seen_at = now()
returning (disabled_at is not null)::boolean as is_disabled;

-- name: Admins :many
select a.subject, a.name, a.role, a.seen_at, a.disabled_at from admins a order by a.subject limit 1000;

-- name: DisableAdmin :execrows
update admins set disabled_at = coalesce(disabled_at, now()) where subject = sqlc.arg(subject);

-- name: EnableAdmin :execrows
update admins set disabled_at = null where subject = sqlc.arg(subject);

-- name: AddKey :exec
insert into api_keys (id, name, prefix, secret_hash, role, scope_all, tenant_ids, made_by, expires_at)
values (sqlc.arg(id), sqlc.arg(name), sqlc.arg(prefix), sqlc.arg(secret_hash), sqlc.arg(role), sqlc.arg(scope_all),
  sqlc.arg(tenant_ids)::uuid[], sqlc.arg(made_by), now() + make_interval(days => sqlc.arg(days)::integer));

-- name: CountKeys :one
select count(*) from api_keys k where k.revoked_at is null and k.expires_at > now();

-- name: Keys :many
-- Those that expired a month ago or more are not shown.
select sqlc.embed(k), a.name as maker from api_keys k left join admins a on a.subject = k.made_by
where k.revoked_at is null and k.expires_at > now() - interval '30 days'
order by k.created_at desc, k.id desc limit 1000;

-- name: KeyByID :one
select sqlc.embed(k), a.name as maker from api_keys k left join admins a on a.subject = k.made_by
where k.id = sqlc.arg(id) and k.revoked_at is null;

-- name: RotateKey :execrows
update api_keys
set previous_prefix = prefix, previous_secret_hash = secret_hash,
  previous_until = now() + make_interval(hours => sqlc.arg(overlap_hours)::integer),
  prefix = sqlc.arg(prefix), secret_hash = sqlc.arg(secret_hash)
where id = sqlc.arg(id) and revoked_at is null and expires_at > now();

-- name: RevokeKey :execrows
update api_keys set revoked_at = now() where id = sqlc.arg(id) and revoked_at is null;

-- name: KeyOfPrefix :one
-- The key that a prefix names now, with its maker as that one last signed in. A maker who has not for three months may be gone.
select k.id, k.name, k.role, k.scope_all, k.tenant_ids, k.secret_hash, k.previous_secret_hash, k.prefix,
  (k.previous_until is not null and k.previous_until > now())::boolean as previous_counts,
  a.role as maker_role, a.scope_all as maker_scope_all, a.tenant_ids as maker_tenant_ids
from api_keys k join admins a on a.subject = k.made_by
where (k.prefix = sqlc.arg(prefix) or k.previous_prefix = sqlc.arg(prefix))
  and k.revoked_at is null and k.expires_at > now()
  and a.disabled_at is null and a.seen_at > now() - interval '90 days';

-- name: UseKey :exec
update api_keys set last_used_at = now()
where id = sqlc.arg(id) and (last_used_at is null or last_used_at < now() - interval '1 minute');
