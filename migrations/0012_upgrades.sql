-- +goose Up
-- Operations of kind upgrade and preview, with the version that they are about, and rollouts: upgrades of many tenants. Only added
-- to: the release before knows none of them and asks for none.
create table rollouts (
  id               uuid        not null,
  artifact_version text        not null constraint rollout_version_form check (artifact_version ~ '^[A-Za-z0-9._-]{1,64}$'),
  parallel         integer     not null constraint rollout_parallel_range check (parallel between 1 and 20),
  tenant_ids       uuid[]      not null constraint rollout_tenants_given check (cardinality(tenant_ids) between 1 and 200),
  state            text        not null default 'running' constraint rollout_state_known
    check (state in ('running', 'stopping', 'succeeded', 'failed')),
  failure          jsonb       constraint rollout_failure_object check (jsonb_typeof(failure) = 'object'),
  requested_by     text        not null,
  created_at       timestamptz not null default now(),
  updated_at       timestamptz not null default now(),
  finished_at      timestamptz,
  constraint rollouts_pk primary key (id),
  constraint rollout_failure_when_stopped check ((failure is not null) = (state in ('stopping', 'failed'))),
  constraint rollout_finished_when_over check ((finished_at is not null) = (state in ('succeeded', 'failed')))
);
create index rollouts_newest_ix on rollouts (created_at desc, id desc);
comment on table rollouts is 'Upgrades of many tenants, so many at a time, in the order of tenant_ids; the first failure stops one.';

-- Whoever reaches some tenants sees the rollouts of no others.
alter table rollouts enable row level security;
alter table rollouts force row level security;
create policy rollouts_in_scope on rollouts
  using ((select scope_is_all()) or tenant_ids <@ (select scope_tenants())::uuid[]);
create policy rollouts_added_by_changers on rollouts as restrictive for insert with check ((select may_change()));
create policy rollouts_changed_by_changers on rollouts as restrictive for update using ((select may_change()));

alter table operations add column artifact_version text constraint operation_version_form
  check (artifact_version ~ '^[A-Za-z0-9._-]{1,64}$');
alter table operations add column rollout_id uuid constraint operation_rollout references rollouts (id);
alter table operations drop constraint operation_kind_known;
alter table operations add constraint operation_kind_known
  check (kind in ('onboard', 'rebuild', 'update', 'upgrade', 'preview', 'suspend', 'resume', 'replay', 'redrive', 'erase', 'offboard'));
alter table operations add constraint operation_version_of_upgrade
  check ((kind in ('upgrade', 'preview')) = (artifact_version is not null));
alter table operations add constraint operation_rollout_of_upgrade check (rollout_id is null or kind = 'upgrade');
create unique index operations_rollout_once_uq on operations (rollout_id, tenant_id) where rollout_id is not null;
comment on column operations.artifact_version is 'Of an upgrade and its preview: what the stack is to have.';

grant select, insert, update on rollouts to earshot_app;

-- +goose Down
-- The release before has no word for them: their rows go, with what was told of them.
select set_config('earshot.scope', '*', true);
delete from operation_events e using operations o
where o.tenant_id = e.tenant_id and o.id = e.operation_id and o.kind in ('upgrade', 'preview');
delete from operations where kind in ('upgrade', 'preview');
drop index operations_rollout_once_uq;
alter table operations drop constraint operation_rollout_of_upgrade;
alter table operations drop constraint operation_version_of_upgrade;
alter table operations drop constraint operation_kind_known;
alter table operations add constraint operation_kind_known
  check (kind in ('onboard', 'rebuild', 'update', 'suspend', 'resume', 'replay', 'redrive', 'erase', 'offboard'));
alter table operations drop column rollout_id, drop column artifact_version;
drop table rollouts;
