-- name: AddOperation :exec
insert into operations (id, tenant_id, kind, state, data, change, span, erasure, artifact_version, rollout_id, requested_by, request_id)
values (sqlc.arg(id), sqlc.arg(tenant_id), sqlc.arg(kind), sqlc.arg(state), sqlc.arg(data), sqlc.narg(change), sqlc.narg(span),
  sqlc.narg(erasure), sqlc.narg(artifact_version), sqlc.narg(rollout_id), sqlc.arg(requested_by), sqlc.arg(request_id));

-- name: ForgetAgents :exec
-- A failed erasure keeps the name for its retry. With another operation after it there is none.
update operations set erasure = erasure - 'agent'
where tenant_id = sqlc.arg(tenant_id) and state = 'failed' and erasure ? 'agent';

-- name: OperationByID :one
select sqlc.embed(o), t.slug from operations o join tenants t on t.id = o.tenant_id where o.id = sqlc.arg(id);

-- name: LockOperation :one
-- Whether the lease lasts is asked of the database's clock, the only one that all workers share.
select sqlc.embed(o), t.slug, coalesce(o.lease_until > clock_timestamp(), false)::boolean as is_held
from operations o join tenants t on t.id = o.tenant_id
where o.id = sqlc.arg(id) and o.tenant_id = sqlc.arg(tenant_id)
for no key update of o;

-- name: LatestOperation :one
select sqlc.embed(o), t.slug
from operations o join tenants t on t.id = o.tenant_id
where o.tenant_id = sqlc.arg(tenant_id)
order by o.created_at desc, o.id desc
limit 1;

-- name: ActiveOperations :many
select o.id, o.kind, o.state from operations o
where o.tenant_id = sqlc.arg(tenant_id) and o.state in ('queued', 'running')
order by o.state;

-- name: OperationsBefore :many
select sqlc.embed(o), t.slug
from operations o join tenants t on t.id = o.tenant_id
where (sqlc.narg(before_at)::timestamptz is null
    or (o.created_at, o.id) < (sqlc.narg(before_at)::timestamptz, sqlc.arg(before_id)::uuid))
  and (sqlc.arg(slug)::text = '' or t.slug = sqlc.arg(slug)::text)
  and (sqlc.arg(kind)::text = '' or o.kind = sqlc.arg(kind)::text)
  and (sqlc.arg(state)::text = '' or o.state = sqlc.arg(state)::text)
order by o.created_at desc, o.id desc
limit sqlc.arg(at_most);

-- name: AskToCancel :exec
update operations set cancel_requested = true, updated_at = now()
where tenant_id = sqlc.arg(tenant_id) and state = 'running';

-- name: RetryOperation :exec
update operations
set state = 'running', attempt = attempt + 1, percent = 0, failure = null, finished_at = null, cancel_requested = false,
  requested_by = sqlc.arg(requested_by), request_id = sqlc.arg(request_id), updated_at = now()
where id = sqlc.arg(id) and tenant_id = sqlc.arg(tenant_id) and state = 'failed';

-- name: ClaimOperation :one
update operations
set state = 'running', generation = generation + 1, holder = sqlc.arg(holder),
  lease_until = clock_timestamp() + make_interval(secs => sqlc.arg(lease_seconds)::double precision), updated_at = now()
where id = sqlc.arg(id) and tenant_id = sqlc.arg(tenant_id)
returning generation;

-- name: SaveOperation :execrows
update operations
set state = sqlc.arg(state), step = sqlc.arg(step), percent = sqlc.arg(percent), memo = sqlc.arg(memo),
  failure = sqlc.narg(failure), finished_at = sqlc.narg(finished_at),
  erasure = case when sqlc.arg(state)::text in ('succeeded', 'cancelled') then erasure - 'agent' else erasure end,
  lease_until = case when sqlc.arg(state)::text = 'running' then lease_until end,
  holder = case when sqlc.arg(state)::text = 'running' then holder else '' end, updated_at = now()
where id = sqlc.arg(id) and tenant_id = sqlc.arg(tenant_id) and generation = sqlc.arg(generation) and state = 'running';

-- name: ReleaseOperation :execrows
update operations set lease_until = null, holder = ''
where id = sqlc.arg(id) and tenant_id = sqlc.arg(tenant_id) and generation = sqlc.arg(generation);

-- name: LastSequence :one
select coalesce(max(e.sequence), 0)::bigint from operation_events e
where e.tenant_id = sqlc.arg(tenant_id) and e.operation_id = sqlc.arg(operation_id);

-- name: AddEvent :exec
insert into operation_events (tenant_id, operation_id, sequence, step, level, message, resource, status, percent)
values (sqlc.arg(tenant_id), sqlc.arg(operation_id), sqlc.arg(sequence), sqlc.arg(step), sqlc.arg(level), sqlc.arg(message),
  sqlc.arg(resource), sqlc.arg(status), sqlc.arg(percent));

-- name: EventsAfter :many
select e.sequence, e.at, e.step, e.level, e.message, e.resource, e.status, e.percent
from operation_events e
where e.tenant_id = sqlc.arg(tenant_id) and e.operation_id = sqlc.arg(operation_id) and e.sequence > sqlc.arg(after)
order by e.sequence
limit sqlc.arg(at_most);

-- name: CountOperations :many
select o.kind, o.state, count(*) as how_many from operations o group by o.kind, o.state;

-- name: TellOfOperation :exec
-- Whoever listens hears of it when the transaction commits, once.
select pg_notify('earshot_operations', sqlc.arg(id)::text);
