-- name: AddRollout :exec
insert into rollouts (id, artifact_version, parallel, tenant_ids, requested_by, request_id)
values (sqlc.arg(id), sqlc.arg(artifact_version), sqlc.arg(parallel), sqlc.arg(tenant_ids)::uuid[], sqlc.arg(requested_by), sqlc.arg(request_id));

-- name: RolloutByID :one
select sqlc.embed(r) from rollouts r where r.id = sqlc.arg(id);

-- name: LockRollout :one
select r.id from rollouts r where r.id = sqlc.arg(id) for no key update;

-- name: RolloutsBefore :many
select sqlc.embed(r) from rollouts r
where sqlc.narg(before_at)::timestamptz is null
  or (r.created_at, r.id) < (sqlc.narg(before_at)::timestamptz, sqlc.arg(before_id)::uuid)
order by r.created_at desc, r.id desc
limit sqlc.arg(at_most);

-- name: RolloutTenants :many
-- In the order in which their turns come.
select r.id as rollout_id, t.slug, coalesce(o.id::text, '')::text as operation_id, coalesce(o.state, '')::text as state,
  coalesce(jsonb_exists(o.memo, 'broken'), false)::boolean as broken
from rollouts r
join tenants t on t.id = any (r.tenant_ids)
left join operations o on o.tenant_id = t.id and o.rollout_id = r.id
where r.id = any (sqlc.arg(ids)::uuid[])
order by r.id, array_position(r.tenant_ids, t.id);

-- name: SaveRollout :exec
update rollouts
set state = sqlc.arg(state), failure = sqlc.narg(failure), updated_at = now(),
  finished_at = case when sqlc.arg(state)::text in ('succeeded', 'failed') then now() end
where id = sqlc.arg(id);

-- name: RolloutsWithoutJob :many
-- Rollouts that nothing drives: nothing was done for a while, and there is no job that will run.
select r.id, r.tenant_ids, r.request_id from rollouts r
where r.state in ('running', 'stopping') and r.updated_at < now() - make_interval(secs => sqlc.arg(idle_seconds)::double precision)
  and not exists (
    select 1 from river.river_job j
    where j.kind = sqlc.arg(job_kind) and j.args ->> 'rollout_id' = r.id::text
      and j.state in ('available', 'pending', 'retryable', 'running', 'scheduled')
  );
