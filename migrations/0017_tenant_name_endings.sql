-- +goose Up
-- All endings of the names of each tenant, in which a part of a name is a beginning: comparisons may be asked before a policy, and so by
-- an index, and a search for a part may not (docs/decisions/0039-search-by-endings.md). A trigger writes them, also for the release before.
create table tenant_name_endings (
  ending    text not null collate "C",
  tenant_id uuid not null
);
comment on table tenant_name_endings is 'All endings of slug and display name of each tenant, in small letters, so that an index finds a part of them.';

alter table tenant_name_endings enable row level security;
alter table tenant_name_endings force row level security;
create policy tenant_name_endings_in_scope on tenant_name_endings
  using ((select scope_is_all()) or tenant_id = any ((select scope_tenants())::uuid[]));
create policy tenant_name_endings_added_by_changers on tenant_name_endings as restrictive for insert with check ((select may_change()));
create policy tenant_name_endings_removed_by_changers on tenant_name_endings as restrictive for delete using ((select may_change()));

grant select, insert, delete on tenant_name_endings to earshot_app;

create function name_endings(slug text, display_name text) returns text[]
  language sql immutable parallel safe
  return array(select distinct substr(name, place) from unnest(array[slug, lower(display_name)]) name, generate_series(1, char_length(name)) place);

-- +goose StatementBegin
create function keep_name_endings() returns trigger language plpgsql as $$
begin
  -- On insert old is null, and so has no endings.
  delete from tenant_name_endings where tenant_id = old.id and ending = any (name_endings(old.slug, old.display_name));
  insert into tenant_name_endings (ending, tenant_id) select unnest(name_endings(new.slug, new.display_name)), new.id;
  return null;
end $$;
-- +goose StatementEnd

create trigger tenant_named after insert or update of slug, display_name on tenants for each row execute function keep_name_endings();

select set_config('earshot.scope', '*', true);
insert into tenant_name_endings (ending, tenant_id) select unnest(name_endings(slug, display_name)), id from tenants;
-- Afterwards, since that is a quarter of the work; nobody changes a tenant meanwhile.
alter table tenant_name_endings
  add constraint tenant_name_endings_pk primary key (ending, tenant_id),
  add constraint tenant_name_ending_tenant foreign key (tenant_id) references tenants (id);

-- +goose Down
drop trigger tenant_named on tenants;
drop function keep_name_endings();
drop table tenant_name_endings;
drop function name_endings(text, text);
