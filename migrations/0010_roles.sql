-- +goose Up
-- The actor's role reaches the database too: what the route refuses, the rows refuse again. The release before says no role and is
-- let through.
create function may_change() returns boolean
  language sql stable parallel safe
  return coalesce(nullif(current_setting('earshot.role', true), ''), 'unsaid') <> 'auditor';

create policy tenants_added_by_changers on tenants as restrictive for insert with check ((select may_change()));
create policy tenants_changed_by_changers on tenants as restrictive for update using ((select may_change()));
create policy connect_instances_added_by_changers on connect_instances as restrictive for insert with check ((select may_change()));
create policy connect_instances_changed_by_changers on connect_instances as restrictive for update using ((select may_change()));
create policy connect_instances_removed_by_changers on connect_instances as restrictive for delete using ((select may_change()));
create policy operations_added_by_changers on operations as restrictive for insert with check ((select may_change()));
create policy operations_changed_by_changers on operations as restrictive for update using ((select may_change()));
create policy operation_events_added_by_changers on operation_events as restrictive for insert with check ((select may_change()));

-- +goose Down
drop policy operation_events_added_by_changers on operation_events;
drop policy operations_changed_by_changers on operations;
drop policy operations_added_by_changers on operations;
drop policy connect_instances_removed_by_changers on connect_instances;
drop policy connect_instances_changed_by_changers on connect_instances;
drop policy connect_instances_added_by_changers on connect_instances;
drop policy tenants_changed_by_changers on tenants;
drop policy tenants_added_by_changers on tenants;
drop function may_change();
