-- +goose Up
-- Who, from where, by which request, what it was before and is after, and what was refused. Only added to: the release before
-- writes rows without them. An event may be about no tenant (a key, a cell, a try at a tenant that is out of the actor's scope):
-- those are read in the scope of all only.
alter table audit_events drop constraint audit_events_pk;
alter table audit_events add constraint audit_events_pk primary key (id);
alter table audit_events alter column tenant_id drop not null;
alter table audit_events
  add column name       text  not null default '',
  add column role       text  not null default '',
  add column outcome    text  not null default 'done' constraint audit_event_outcome_known check (outcome in ('done', 'refused')),
  add column code       text  not null default '' constraint audit_event_code_of_refusal check ((code <> '') = (outcome = 'refused')),
  add column target     text  not null default '' constraint audit_event_target_length check (char_length(target) <= 300),
  add column source     text  not null default '',
  add column request_id text  not null default '',
  add column before     jsonb constraint audit_event_before_object check (jsonb_typeof(before) = 'object'),
  add column after      jsonb constraint audit_event_after_object check (jsonb_typeof(after) = 'object');
create index audit_events_of_tenant_ix on audit_events (tenant_id, at desc, id desc);
comment on column audit_events.target is 'A path of the API without its version, such as tenants/acme: what the actor named, whether it is there or not.';

create policy audit_events_of_no_tenant on audit_events for insert with check (tenant_id is null);
-- Nobody writes in another's name, whatever the scope.
create policy audit_events_in_own_name on audit_events as restrictive for insert
  with check (actor = (select nullif(current_setting('earshot.subject', true), '')));

-- +goose Down
drop policy audit_events_in_own_name on audit_events;
drop policy audit_events_of_no_tenant on audit_events;
drop index audit_events_of_tenant_ix;
select set_config('earshot.scope', '*', true);
delete from audit_events where tenant_id is null or outcome <> 'done';
alter table audit_events
  drop column after, drop column before, drop column request_id, drop column source, drop column target, drop column code,
  drop column outcome, drop column role, drop column name;
alter table audit_events alter column tenant_id set not null;
alter table audit_events drop constraint audit_events_pk;
alter table audit_events add constraint audit_events_pk primary key (tenant_id, id);
