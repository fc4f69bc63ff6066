-- name: LockCells :many
-- In the order of names, so that two placements never wait for each other.
select c.name, c.max_tenants from cells c order by c.name for no key update;

-- name: CellsWithTenants :many
select c.name, c.region, c.stack_name, c.role_arn, c.external_id, c.max_tenants,
  (select count(*) from tenants t where t.cell = c.name and t.slug_released_at is null)::integer as tenants
from cells c
order by c.name;

-- name: CellNamed :one
select c.name, c.region, c.stack_name, c.role_arn, c.external_id, c.max_tenants from cells c where c.name = sqlc.arg(name);

-- name: PutCell :exec
insert into cells (name, region, stack_name, role_arn, external_id, max_tenants)
values (sqlc.arg(name), sqlc.arg(region), sqlc.arg(stack_name), sqlc.arg(role_arn), sqlc.arg(external_id), sqlc.arg(max_tenants))
on conflict (name) do update
set region = excluded.region, stack_name = excluded.stack_name, role_arn = excluded.role_arn,
  external_id = excluded.external_id, max_tenants = excluded.max_tenants, updated_at = now();
