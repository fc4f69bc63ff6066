-- +goose Up
-- The scope of a transaction is the setting earshot.scope: '*', or a list of tenant ids with commas between. It is set for
-- one transaction only. Unset, or left empty on a borrowed connection, it reaches nothing.
create function scope_is_all() returns boolean
  language sql stable parallel safe
  return coalesce(nullif(current_setting('earshot.scope', true), ''), 'nothing') = '*';

create function scope_tenants() returns uuid[]
  language sql stable parallel safe
  return case nullif(current_setting('earshot.scope', true), '')
    when '*' then '{}'
    else string_to_array(nullif(current_setting('earshot.scope', true), ''), ',')::uuid[]
  end;

create table cells (
  name         text        not null constraint cell_name_form check (name ~ '^[a-z][a-z0-9-]{1,30}$'),
  region       text        not null constraint cell_region_given check (region <> ''),
  stack_name   text        not null constraint cell_stack_name_given check (stack_name <> ''),
  role_arn     text        not null default '',
  external_id  text        not null default '',
  max_tenants  integer     not null constraint cell_max_tenants_not_negative check (max_tenants >= 0),
  created_at   timestamptz not null default now(),
  updated_at   timestamptz not null default now(),
  constraint cells_pk primary key (name)
);
comment on table cells is 'Where tenants live: an AWS account and region. Belongs to the operator, to no tenant.';

create table tenants (
  id                uuid        not null,
  slug              text        not null collate "C" constraint tenant_slug_form check (slug ~ '^[a-z][a-z0-9]{2,19}$'),
  slug_released_at  timestamptz,
  display_name      text        not null constraint tenant_display_name_length check (char_length(display_name) between 1 and 100),
  state             text        not null constraint tenant_state_known
    check (state in ('pending', 'provisioning', 'active', 'updating', 'suspended', 'failed', 'deleting', 'deleted')),
  isolation         text        not null constraint tenant_isolation_known check (isolation in ('pooled', 'dedicated')),
  cell              text        not null,
  external_id       text        not null constraint tenant_external_id_given check (external_id <> ''),
  settings          jsonb       not null constraint tenant_settings_object check (jsonb_typeof(settings) = 'object'),
  stack_name        text        not null default '',
  stack_id          text        not null default '',
  artifact_version  text        not null default '',
  softphone_url     text        not null default '',
  telemetry_api_url text        not null default '',
  space_url         text        not null default '',
  sign_in_url       text        not null default '',
  data_retained     boolean     not null default false,
  version           bigint      not null default 1,
  created_at        timestamptz not null default now(),
  updated_at        timestamptz not null default now(),
  constraint tenants_pk primary key (id),
  constraint tenant_cell_known foreign key (cell) references cells (name),
  constraint tenant_slug_released_when_deleted check (slug_released_at is null or state = 'deleted' and not data_retained),
  constraint tenant_data_retained_after_stack check (not data_retained or state in ('deleted', 'deleting', 'failed'))
);
create unique index tenants_slug_held_uq on tenants (slug) where slug_released_at is null;
create unique index tenants_external_id_uq on tenants (external_id);
create index tenants_cell_ix on tenants (cell) where slug_released_at is null;
comment on table tenants is 'One row per customer of the operator; stays after off-boarding.';
comment on column tenants.slug_released_at is 'Null while the tenant, or data retained of it, holds the slug and a place in the cell.';
comment on column tenants.version is 'Grows with each change of what the API shows of the tenant; its ETag.';

create table connect_instances (
  tenant_id          uuid     not null,
  alias              text     not null constraint connect_instance_alias_form check (alias ~ '^[a-z0-9][a-z0-9-]{0,61}[a-z0-9]$'),
  position           smallint not null,
  arn                text     not null constraint connect_instance_arn_form check (arn ~ '^arn:aws[a-z-]*:connect:[a-z0-9-]+:\d{12}:instance/'),
  arn_released_at    timestamptz,
  region             text     not null constraint connect_instance_region_of_arn check (region = split_part(arn, ':', 4)),
  ccp_url            text     not null constraint connect_instance_ccp_url_given check (ccp_url <> ''),
  saml_url           text     not null default '',
  directory_role_arn text     not null default '',
  constraint connect_instances_alias_once primary key (tenant_id, alias),
  constraint connect_instance_tenant foreign key (tenant_id) references tenants (id)
);
create unique index connect_instances_arn_held_uq on connect_instances (arn) where arn_released_at is null;
comment on table connect_instances is 'Amazon Connect instances of the tenants, in the customers'' own AWS accounts.';
comment on column connect_instances.arn_released_at is 'Null while the tenant holds the instance; no other tenant may have it then.';

alter table tenants enable row level security;
alter table tenants force row level security;
create policy tenants_in_scope on tenants
  using ((select scope_is_all()) or id = any ((select scope_tenants())::uuid[]));

alter table connect_instances enable row level security;
alter table connect_instances force row level security;
create policy connect_instances_in_scope on connect_instances
  using ((select scope_is_all()) or tenant_id = any ((select scope_tenants())::uuid[]));

grant select, update (updated_at) on cells to earshot_app; -- update only so that placement may lock the row
grant select, insert, update on tenants to earshot_app;
grant select, insert, update on connect_instances to earshot_app;

-- +goose Down
drop table connect_instances;
drop table tenants;
drop table cells;
drop function scope_tenants();
drop function scope_is_all();
