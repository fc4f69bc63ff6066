-- name: CountJobs :many
select j.kind, j.state::text as state, count(*) as how_many from river.river_job j group by j.kind, j.state;

-- name: OperationsWithoutJob :many
-- Operations that nothing drives: no lease, no change for a while, and no job that will run.
select o.id, o.tenant_id, o.request_id from operations o
where o.state in ('queued', 'running') and coalesce(o.lease_until, o.updated_at) < now() - make_interval(secs => sqlc.arg(idle_seconds)::double precision)
  and not exists (
    select 1 from river.river_job j
    where j.kind = sqlc.arg(job_kind) and j.args ->> 'operation_id' = o.id::text
      and j.state in ('available', 'pending', 'retryable', 'running', 'scheduled')
  );

-- name: Clock :one
select clock_timestamp()::timestamptz;

-- name: TakeOverJobs :execrows
-- Jobs that somebody seems to work on, and nobody does: their operation's lease has ended, or, between two steps, there was
-- none for as long as one lasts (a job fetched just now may not have claimed its operation yet); or their holder has the
-- caller's name, and fetched them before the caller began.
update river.river_job j set state = 'available', scheduled_at = clock_timestamp()
from operations o
where j.kind = sqlc.arg(job_kind) and j.state = 'running' and j.args ->> 'operation_id' = o.id::text
  and (o.holder = sqlc.arg(holder) and j.attempted_at < sqlc.arg(began)::timestamptz
    or coalesce(o.lease_until, j.attempted_at + make_interval(secs => sqlc.arg(lease_seconds)::double precision)) < clock_timestamp()
      and j.attempted_at < clock_timestamp() - make_interval(secs => sqlc.arg(fetched_seconds)::double precision));

-- name: TakeOverRollouts :execrows
-- Jobs of rollouts whose look is certainly over, or was that of a former worker of the caller's name.
update river.river_job j set state = 'available', scheduled_at = clock_timestamp()
where j.kind = sqlc.arg(job_kind) and j.state = 'running'
  and (j.attempted_at < clock_timestamp() - make_interval(secs => sqlc.arg(look_seconds)::double precision)
    or j.attempted_at < sqlc.arg(began)::timestamptz and j.attempted_by[cardinality(j.attempted_by)] = sqlc.arg(holder)::text);
