-- name: AddAuditEvent :exec
insert into audit_events (tenant_id, actor, name, role, source, request_id, action, target, before, after, detail)
values (sqlc.narg(tenant_id), sqlc.arg(actor), sqlc.arg(name), sqlc.arg(role), sqlc.arg(source), sqlc.arg(request_id),
  sqlc.arg(action), sqlc.arg(target), sqlc.narg(before), sqlc.narg(after), sqlc.arg(detail));

-- name: AddRefusal :exec
-- Of a slug that no tenant in scope holds, the event is about no tenant.
insert into audit_events (tenant_id, actor, name, role, source, request_id, action, target, outcome, code)
values ((select t.id from tenants t where t.slug = sqlc.arg(slug)::text and t.slug_released_at is null),
  sqlc.arg(actor), sqlc.arg(name), sqlc.arg(role), sqlc.arg(source), sqlc.arg(request_id),
  sqlc.arg(action), sqlc.arg(target), 'refused', sqlc.arg(code));

-- name: AuditEventsBefore :many
select sqlc.embed(a), coalesce(t.slug, '')::text as slug
from audit_events a left join tenants t on t.id = a.tenant_id
where (sqlc.narg(before_at)::timestamptz is null
    or (a.at, a.id) < (sqlc.narg(before_at)::timestamptz, sqlc.arg(before_id)::bigint))
  and (sqlc.arg(actor)::text = '' or a.actor = sqlc.arg(actor)::text or a.name = sqlc.arg(actor)::text)
  and (sqlc.arg(action)::text = '' or a.action = sqlc.arg(action)::text)
  and (sqlc.arg(slug)::text = '' or t.slug = sqlc.arg(slug)::text or a.target = 'tenants/' || sqlc.arg(slug)::text
    or starts_with(a.target, 'tenants/' || sqlc.arg(slug)::text || '/'))
  and (sqlc.arg(outcome)::text = '' or a.outcome = sqlc.arg(outcome)::text)
  and (sqlc.narg(since)::timestamptz is null or a.at >= sqlc.narg(since)::timestamptz)
  and (sqlc.narg(until)::timestamptz is null or a.at < sqlc.narg(until)::timestamptz)
order by a.at desc, a.id desc
limit sqlc.arg(at_most);
