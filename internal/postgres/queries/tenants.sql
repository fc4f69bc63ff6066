-- name: TenantHolding :one
-- The operation that runs or, behind it, waits: 'running' sorts after 'queued'.
select sqlc.embed(t), coalesce((
  select o.id::text from operations o where o.tenant_id = t.id and o.state in ('queued', 'running') order by o.state desc limit 1
), '')::text as active_operation
from tenants t
where t.slug = sqlc.arg(slug) and t.slug_released_at is null;

-- name: TenantByID :one
select sqlc.embed(t), coalesce((
  select o.id::text from operations o where o.tenant_id = t.id and o.state in ('queued', 'running') order by o.state desc limit 1
), '')::text as active_operation
from tenants t
where t.id = sqlc.arg(id);

-- name: TenantsHolding :many
select t.id from tenants t where t.slug = any (sqlc.arg(slugs)::text[]) and t.slug_released_at is null;

-- name: LockTenantHolding :one
select t.id from tenants t where t.slug = sqlc.arg(slug) and t.slug_released_at is null for no key update;

-- name: LockTenant :one
select t.id from tenants t where t.id = sqlc.arg(id) for no key update;

-- name: TenantsNamed :many
-- Of some tenants more than once. No name holds the last character of Unicode, which is not printable.
select e.tenant_id
from tenant_name_endings e
where e.ending >= lower(sqlc.arg(part)::text) collate "C" and e.ending < (lower(sqlc.arg(part)::text) || chr(1114111)) collate "C"
order by e.ending, e.tenant_id
limit sqlc.arg(at_most);

-- name: TenantsAfter :many
-- Without a state, tenants of the past are left out: their slugs may have new holders. The ids are a hint: no tenant but these can be
-- among them; null is none.
select sqlc.embed(t), coalesce((
  select o.id::text from operations o where o.tenant_id = t.id and o.state in ('queued', 'running') order by o.state desc limit 1
), '')::text as active_operation,
  coalesce(h.condition, 'unknown')::text as condition, coalesce(h.reason, 'Nobody has looked yet.')::text as reason, h.looked_at, h.calls_today
from tenants t left join tenant_health h on h.tenant_id = t.id
where (t.slug, t.id) > (sqlc.arg(after_slug)::text collate "C", sqlc.arg(after_id)::uuid)
  and (sqlc.arg(among)::uuid[] is null or t.id = any (sqlc.arg(among)::uuid[]))
  and (sqlc.arg(query)::text = '' or strpos(t.slug, lower(sqlc.arg(query)::text)) > 0
    or strpos(lower(t.display_name), lower(sqlc.arg(query)::text)) > 0)
  and (sqlc.arg(state)::text = '' or t.state = sqlc.arg(state)::text)
  and (sqlc.arg(cell)::text = '' or t.cell = sqlc.arg(cell)::text)
  and (sqlc.arg(artifact_version)::text = '' or t.artifact_version = sqlc.arg(artifact_version)::text)
  and (sqlc.arg(condition)::text = '' or coalesce(h.condition, 'unknown') = sqlc.arg(condition)::text and t.state = any (sqlc.arg(keeping)::text[]))
  and (sqlc.arg(state)::text = 'deleted' or t.slug_released_at is null)
order by t.slug, t.id
limit sqlc.arg(at_most);

-- name: TenantsToLookAt :many
-- Those that nobody has looked at for the longest come first.
select sqlc.embed(t)
from tenants t left join tenant_health h on h.tenant_id = t.id
where t.state = any (sqlc.arg(states)::text[]) and t.slug_released_at is null and (h.looked_at is null or h.looked_at < sqlc.arg(before))
order by h.looked_at nulls first, t.id
limit sqlc.arg(at_most);

-- name: PutHealth :exec
-- A look that took long does not replace a later one.
insert into tenant_health (tenant_id, looked_at, condition, reason, calls_today)
values (sqlc.arg(tenant_id), sqlc.arg(looked_at), sqlc.arg(condition), sqlc.arg(reason), sqlc.arg(calls_today))
on conflict on constraint tenant_health_once do update
set looked_at = excluded.looked_at, condition = excluded.condition, reason = excluded.reason, calls_today = excluded.calls_today
where tenant_health.looked_at < excluded.looked_at;

-- name: TenantsInStates :many
select t.id, t.slug from tenants t where t.state = any (sqlc.arg(states)::text[]) and t.slug_released_at is null order by t.id;

-- name: InstancesOf :many
select c.tenant_id, c.alias, c.arn, c.region, c.ccp_url, c.saml_url, c.directory_role_arn
from connect_instances c
where c.tenant_id = any (sqlc.arg(tenant_ids)::uuid[]) and not c.pending
order by c.tenant_id, c.position;

-- name: AddTenant :exec
insert into tenants (id, slug, display_name, state, isolation, cell, external_id, settings, shards)
values (sqlc.arg(id), sqlc.arg(slug), sqlc.arg(display_name), 'pending', sqlc.arg(isolation), sqlc.arg(cell),
  sqlc.arg(external_id), sqlc.arg(settings), sqlc.arg(shards));

-- name: AddInstance :exec
insert into connect_instances (tenant_id, alias, position, arn, region, ccp_url, saml_url, directory_role_arn)
values (sqlc.arg(tenant_id), sqlc.arg(alias), sqlc.arg(position), sqlc.arg(arn), sqlc.arg(region), sqlc.arg(ccp_url),
  sqlc.arg(saml_url), sqlc.arg(directory_role_arn));

-- name: PutInstance :exec
insert into connect_instances (tenant_id, alias, position, arn, region, ccp_url, saml_url, directory_role_arn, pending)
values (sqlc.arg(tenant_id), sqlc.arg(alias), sqlc.arg(position), sqlc.arg(arn), sqlc.arg(region), sqlc.arg(ccp_url),
  sqlc.arg(saml_url), sqlc.arg(directory_role_arn), sqlc.arg(pending))
on conflict on constraint connect_instances_alias_once do update
set position = excluded.position, arn = excluded.arn, region = excluded.region, ccp_url = excluded.ccp_url,
  saml_url = excluded.saml_url, directory_role_arn = excluded.directory_role_arn, pending = excluded.pending;

-- name: KeepInstances :exec
-- Those of other aliases go, and their ARNs are free.
delete from connect_instances where tenant_id = sqlc.arg(tenant_id) and alias <> all (sqlc.arg(aliases)::text[]);

-- name: ForgetPendingInstances :exec
delete from connect_instances where tenant_id = sqlc.arg(tenant_id) and pending;

-- name: TouchTenant :exec
update tenants set version = version + 1, updated_at = now() where id = sqlc.arg(id);

-- name: SetTenantState :exec
update tenants set state = sqlc.arg(state), version = version + 1, updated_at = now() where id = sqlc.arg(id);

-- name: SetTenantSettings :exec
update tenants
set display_name = sqlc.arg(display_name), settings = sqlc.arg(settings), shards = sqlc.arg(shards), version = version + 1, updated_at = now()
where id = sqlc.arg(id);

-- name: SetTenantStack :exec
update tenants
set stack_name = sqlc.arg(stack_name), stack_id = sqlc.arg(stack_id), artifact_version = sqlc.arg(artifact_version)
where id = sqlc.arg(id);

-- name: SetTenantURLs :exec
update tenants
set softphone_url = sqlc.arg(softphone), telemetry_api_url = sqlc.arg(telemetry_api), space_url = sqlc.arg(space),
  sign_in_url = sqlc.arg(sign_in)
where id = sqlc.arg(id);

-- name: EndTenant :exec
-- With its data gone, the tenant gives slug and place back.
update tenants
set state = 'deleted', data_retained = sqlc.arg(retained),
  slug_released_at = case when sqlc.arg(retained)::boolean then null else now() end, version = version + 1, updated_at = now()
where id = sqlc.arg(id);

-- name: ReleaseInstances :exec
update connect_instances set arn_released_at = now() where tenant_id = sqlc.arg(tenant_id) and arn_released_at is null;
