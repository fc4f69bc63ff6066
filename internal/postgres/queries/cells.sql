-- name: LockCells :many
-- In the order of names, so that two placements never wait for each other.
select c.name, c.max_tenants from cells c order by c.name for no key update;

-- name: CellsWithTenants :many
select sqlc.embed(c), coalesce(n.tenants, 0)::integer as tenants, coalesce(n.shards, 0)::integer as shards
from cells c
left join (
  select t.cell, count(*) as tenants, sum(t.shards) filter (where t.isolation = 'pooled') as shards
  from tenants t where t.slug_released_at is null group by t.cell
) n on n.cell = c.name
order by c.name;

-- name: CellNamed :one
select sqlc.embed(c) from cells c where c.name = sqlc.arg(name);

-- name: LockCell :one
select c.name from cells c where c.name = sqlc.arg(name) for no key update;

-- name: AddCell :execrows
insert into cells (name, region, stack_name, role_arn, external_id, max_tenants, max_shards)
values (sqlc.arg(name), sqlc.arg(region), sqlc.arg(stack_name), sqlc.arg(role_arn), sqlc.arg(external_id), sqlc.arg(max_tenants),
  sqlc.arg(max_shards))
on conflict (name) do nothing;

-- name: ChangeCell :exec
update cells
set max_tenants = sqlc.arg(max_tenants), max_shards = sqlc.arg(max_shards), draining = sqlc.arg(draining), version = version + 1,
  updated_at = now()
where name = sqlc.arg(name);

-- name: PutCell :exec
insert into cells (name, region, stack_name, role_arn, external_id, max_tenants, max_shards)
values (sqlc.arg(name), sqlc.arg(region), sqlc.arg(stack_name), sqlc.arg(role_arn), sqlc.arg(external_id), sqlc.arg(max_tenants),
  sqlc.arg(max_shards))
on conflict (name) do update
set region = excluded.region, stack_name = excluded.stack_name, role_arn = excluded.role_arn,
  external_id = excluded.external_id, max_tenants = excluded.max_tenants,
  max_shards = case when excluded.max_shards > 0 then excluded.max_shards else cells.max_shards end, updated_at = now();
