-- +goose Up
-- How each tenant did when the worker looked last, so that a list of tenants shows it without asking anybody. Only added: the
-- release before does not know it.
create table tenant_health (
  tenant_id   uuid        not null,
  looked_at   timestamptz not null,
  condition   text        not null constraint tenant_health_condition_known check (condition in ('good', 'warning', 'bad', 'unknown')),
  reason      text        not null constraint tenant_health_reason_short check (length(reason) <= 500),
  calls_today bigint      constraint tenant_health_calls_not_negative check (calls_today >= 0),
  constraint tenant_health_once primary key (tenant_id),
  constraint tenant_health_tenant foreign key (tenant_id) references tenants (id)
);
comment on table tenant_health is 'How each tenant did when the worker looked last.';
comment on column tenant_health.calls_today is 'Since midnight UTC of looked_at; null: not known.';

alter table tenant_health enable row level security;
alter table tenant_health force row level security;
create policy tenant_health_in_scope on tenant_health
  using ((select scope_is_all()) or tenant_id = any ((select scope_tenants())::uuid[]));
create policy tenant_health_added_by_changers on tenant_health as restrictive for insert with check ((select may_change()));
create policy tenant_health_changed_by_changers on tenant_health as restrictive for update using ((select may_change()));

grant select, insert, update on tenant_health to earshot_app;

-- +goose Down
drop table tenant_health;
