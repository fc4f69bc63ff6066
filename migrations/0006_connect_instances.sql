-- +goose Up
-- An instance that an update adds is held from the start, so that no other tenant takes it meanwhile, and is the tenant's when
-- the stack has it. The release before would show it a little early.
alter table connect_instances add column pending boolean not null default false;
comment on column connect_instances.pending is 'Held by an update that runs; not yet the tenant''s.';
grant delete on connect_instances to earshot_app;

-- +goose Down
revoke delete on connect_instances from earshot_app;
select set_config('earshot.scope', '*', true);
delete from connect_instances where pending;
alter table connect_instances drop column pending;
