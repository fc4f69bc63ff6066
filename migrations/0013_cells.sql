-- +goose Up
-- Cells are added and drained through the API: by owners who reach all tenants. Only added to: the release before places tenants
-- by max_tenants alone, and writes rows without the new columns.
alter table cells
  add column max_shards integer not null default 0 constraint cell_max_shards_not_negative check (max_shards >= 0),
  add column draining   boolean not null default false,
  add column version    bigint  not null default 1;
comment on column cells.max_shards is 'Primary and replica shards that its search may hold; 0 is no limit of its own.';
comment on column cells.draining is 'No new tenant is placed in it; those that are there stay.';
comment on column cells.version is 'Grows with each change; its ETag.';
alter table tenants add column shards integer not null default 16 constraint tenant_shards_not_negative check (shards >= 0);
comment on column tenants.shards is 'What its indices may come to in its cell, by period and retention; 16 is that of the default settings.';

create function may_manage_cells() returns boolean
  language sql stable parallel safe
  return coalesce(nullif(current_setting('earshot.role', true), ''), 'unsaid') in ('owner', 'system') and scope_is_all();

alter table cells enable row level security;
alter table cells force row level security;
create policy cells_seen_by_all on cells for select using (true);
create policy cells_added_by_owners on cells for insert with check ((select may_manage_cells()));
-- Placement locks the rows, which asks for the right to change them.
create policy cells_changed_by_owners on cells for update using ((select scope_is_all())) with check ((select may_manage_cells()));

grant insert on cells to earshot_app;
grant update (max_tenants, max_shards, draining, version) on cells to earshot_app;

-- +goose Down
revoke update (max_tenants, max_shards, draining, version) on cells from earshot_app;
revoke insert on cells from earshot_app;
drop policy cells_changed_by_owners on cells;
drop policy cells_added_by_owners on cells;
drop policy cells_seen_by_all on cells;
alter table cells no force row level security;
alter table cells disable row level security;
drop function may_manage_cells();
alter table tenants drop column shards;
alter table cells drop column version, drop column draining, drop column max_shards;
