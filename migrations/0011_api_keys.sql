-- +goose Up
-- The people who have signed in, as they were last: a key reaches no further than its maker did then.
create table admins (
  subject     text        not null constraint admin_subject_given check (subject <> ''),
  name        text        not null default '',
  role        text        not null constraint admin_role_known check (role in ('owner', 'operator', 'auditor')),
  scope_all   boolean     not null,
  tenant_ids  uuid[]      not null default '{}',
  seen_at     timestamptz not null default now(),
  disabled_at timestamptz,
  constraint admins_pk primary key (subject)
);
comment on table admins is 'Admins as they were when they last signed in. Belongs to the operator; owners read it.';

create table api_keys (
  id                   uuid        not null,
  name                 text        not null constraint api_key_name_length check (char_length(name) between 1 and 100),
  prefix               text        not null constraint api_key_prefix_form check (prefix ~ '^[a-z2-7]{12}$'),
  secret_hash          bytea       not null constraint api_key_hash_length check (octet_length(secret_hash) = 32),
  previous_prefix      text        constraint api_key_previous_prefix_form check (previous_prefix ~ '^[a-z2-7]{12}$'),
  previous_secret_hash bytea       constraint api_key_previous_hash_length check (octet_length(previous_secret_hash) = 32),
  previous_until       timestamptz,
  role                 text        not null constraint api_key_role_known check (role in ('owner', 'operator', 'auditor')),
  scope_all            boolean     not null,
  tenant_ids           uuid[]      not null default '{}',
  made_by              text        not null,
  created_at           timestamptz not null default now(),
  expires_at           timestamptz not null,
  last_used_at         timestamptz,
  revoked_at           timestamptz,
  constraint api_keys_pk primary key (id),
  constraint api_key_maker foreign key (made_by) references admins (subject),
  constraint api_key_previous_whole check ((previous_prefix is null) = (previous_until is null) and (previous_prefix is null) = (previous_secret_hash is null))
);
create unique index api_keys_prefix_uq on api_keys (prefix);
create unique index api_keys_previous_prefix_uq on api_keys (previous_prefix);
comment on table api_keys is 'Keys of the admin API. Of a secret its hash alone is kept.';

create function may_manage_keys() returns boolean
  language sql stable parallel safe
  return coalesce(nullif(current_setting('earshot.role', true), ''), 'unsaid') in ('owner', 'system');

alter table admins enable row level security;
alter table admins force row level security;
create policy admins_by_owners on admins using ((select may_manage_keys()) and (select scope_is_all()));

-- Whoever reaches some tenants manages the keys that reach no others.
alter table api_keys enable row level security;
alter table api_keys force row level security;
create policy api_keys_by_owners on api_keys
  using ((select may_manage_keys()) and ((select scope_is_all()) or not scope_all and tenant_ids <@ (select scope_tenants())::uuid[]));

grant select, insert, update on admins to earshot_app;
grant select, insert, update on api_keys to earshot_app;

-- +goose Down
drop table api_keys;
drop table admins;
drop function may_manage_keys();
