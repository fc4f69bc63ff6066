-- +goose Up
create table operations (
  id               uuid        not null,
  tenant_id        uuid        not null,
  kind             text        not null constraint operation_kind_known check (kind in ('onboard', 'rebuild', 'offboard')),
  state            text        not null constraint operation_state_known
    check (state in ('queued', 'running', 'succeeded', 'failed', 'cancelled')),
  step             text        not null default '',
  attempt          integer     not null default 1 constraint operation_attempt_positive check (attempt > 0),
  percent          smallint    not null default 0 constraint operation_percent_range check (percent between 0 and 100),
  data             text        not null default '' constraint operation_data_known check (data in ('', 'retain', 'delete')),
  cancel_requested boolean     not null default false,
  memo             jsonb       not null default '{}' constraint operation_memo_object check (jsonb_typeof(memo) = 'object'),
  failure          jsonb,
  generation       bigint      not null default 0,
  holder           text        not null default '',
  lease_until      timestamptz,
  requested_by     text        not null,
  created_at       timestamptz not null default now(),
  updated_at       timestamptz not null default now(),
  finished_at      timestamptz,
  constraint operations_pk primary key (tenant_id, id),
  constraint operations_id_uq unique (id),
  constraint operation_tenant foreign key (tenant_id) references tenants (id),
  constraint operation_data_of_offboard check ((kind = 'offboard') = (data <> '')),
  constraint operation_finished_when_over check ((finished_at is not null) = (state in ('succeeded', 'failed', 'cancelled'))),
  constraint operation_failure_when_failed check ((failure is not null) = (state = 'failed')),
  constraint operation_lease_while_running check (lease_until is null or state = 'running')
);
create unique index operations_one_running_uq on operations (tenant_id) where state = 'running';
create unique index operations_one_queued_uq on operations (tenant_id) where state = 'queued';
create index operations_newest_ix on operations (created_at desc, id desc);
create index operations_of_tenant_ix on operations (tenant_id, created_at desc, id desc);
comment on table operations is 'Long-running changes to tenants. A save counts only with the generation of the newest claim.';
comment on column operations.memo is 'What steps leave for later ones, and for the same step run again.';
comment on column operations.lease_until is 'Until then no other holder may claim the operation.';

create table operation_events (
  tenant_id    uuid        not null,
  operation_id uuid        not null,
  sequence     bigint      not null constraint operation_event_sequence_positive check (sequence > 0),
  at           timestamptz not null default clock_timestamp(),
  step         text        not null default '',
  level        text        not null constraint operation_event_level_known check (level in ('info', 'error')),
  message      text        not null,
  resource     text        not null default '',
  status       text        not null default '',
  percent      smallint    not null default 0 constraint operation_event_percent_range check (percent between 0 and 100),
  constraint operation_events_sequence_once primary key (tenant_id, operation_id, sequence),
  constraint operation_event_operation foreign key (tenant_id, operation_id) references operations (tenant_id, id)
);
comment on table operation_events is 'The story of each operation, in order; lines are added, never changed.';

alter table operations enable row level security;
alter table operations force row level security;
create policy operations_in_scope on operations
  using ((select scope_is_all()) or tenant_id = any ((select scope_tenants())::uuid[]));

alter table operation_events enable row level security;
alter table operation_events force row level security;
create policy operation_events_in_scope on operation_events
  using ((select scope_is_all()) or tenant_id = any ((select scope_tenants())::uuid[]));

grant select, insert, update on operations to earshot_app;
grant select, insert on operation_events to earshot_app;

-- +goose Down
drop table operation_events;
drop table operations;
