-- name: CountJobs :many
select j.kind, j.state::text as state, count(*) as how_many from river.river_job j group by j.kind, j.state;

-- name: OperationsWithoutJob :many
-- Operations that nothing drives: no lease, no change for a while, and no job that will run.
select o.id, o.tenant_id from operations o
where o.state in ('queued', 'running') and coalesce(o.lease_until, o.updated_at) < now() - make_interval(secs => sqlc.arg(idle_seconds)::double precision)
  and not exists (
    select 1 from river.river_job j
    where j.kind = sqlc.arg(job_kind) and j.args ->> 'operation_id' = o.id::text
      and j.state in ('available', 'pending', 'retryable', 'running', 'scheduled')
  );
