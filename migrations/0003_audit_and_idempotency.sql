-- +goose Up
create table audit_events (
  id        bigint      generated always as identity,
  at        timestamptz not null default clock_timestamp(),
  tenant_id uuid        not null,
  actor     text        not null constraint audit_event_actor_given check (actor <> ''),
  action    text        not null constraint audit_event_action_given check (action <> ''),
  detail    jsonb       not null default '{}' constraint audit_event_detail_object check (jsonb_typeof(detail) = 'object'),
  constraint audit_events_pk primary key (tenant_id, id),
  constraint audit_event_tenant foreign key (tenant_id) references tenants (id)
);
create index audit_events_newest_ix on audit_events (at desc, id desc);
comment on table audit_events is 'Who did what to which tenant, written in the transaction of the change; never changed.';

create table idempotency_keys (
  subject      text        not null constraint idempotency_key_subject_given check (subject <> ''),
  key          text        not null constraint idempotency_key_length check (char_length(key) between 1 and 255),
  request_hash bytea       not null constraint idempotency_key_hash_length check (octet_length(request_hash) = 32),
  answer       bytea,
  created_at   timestamptz not null default now(),
  constraint idempotency_keys_subject_key_uq primary key (subject, key)
);
create index idempotency_keys_oldest_ix on idempotency_keys (created_at);
comment on table idempotency_keys is 'The first answer to each write that came with an Idempotency-Key, per caller, for a day.';
comment on column idempotency_keys.answer is 'Null only inside the transaction that claims the key: who waits for its end finds the answer.';

alter table audit_events enable row level security;
alter table audit_events force row level security;
create policy audit_events_in_scope on audit_events
  using ((select scope_is_all()) or tenant_id = any ((select scope_tenants())::uuid[]));

-- A key belongs to whoever sent it: no scope, however wide, reads another caller's answer. The product itself may only
-- remove old ones.
alter table idempotency_keys enable row level security;
alter table idempotency_keys force row level security;
create policy idempotency_keys_of_subject on idempotency_keys
  using (subject = (select nullif(current_setting('earshot.subject', true), '')));
create policy idempotency_keys_expired on idempotency_keys
  using (created_at < now() - interval '24 hours' and (select scope_is_all()));

grant select, insert on audit_events to earshot_app;
grant select, insert, update, delete on idempotency_keys to earshot_app;

-- +goose Down
drop table idempotency_keys;
drop table audit_events;
