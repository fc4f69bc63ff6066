-- +goose Up
-- Operations of kind erase, with whom they are about. Only added to: the release before does not know them and does not ask.
alter table operations add column erasure jsonb;
alter table operations drop constraint operation_kind_known;
alter table operations add constraint operation_kind_known
  check (kind in ('onboard', 'rebuild', 'update', 'replay', 'redrive', 'erase', 'offboard'));
alter table operations add constraint operation_erasure_of_erase check ((kind = 'erase') = (erasure is not null));
alter table operations add constraint operation_erasure_object check (jsonb_typeof(erasure) = 'object');
-- The name of who is erased must not outlive the operation.
alter table operations add constraint operation_erasure_names_nobody_afterwards
  check (state not in ('succeeded', 'cancelled') or erasure is null or not erasure ? 'agent');
comment on column operations.erasure is 'Of an erase: the agent, until it is done, and the subject that stands for it.';

-- +goose Down
-- The release before has no word for an erase: its rows go, with what was told of them.
select set_config('earshot.scope', '*', true);
delete from operation_events e using operations o where o.tenant_id = e.tenant_id and o.id = e.operation_id and o.kind = 'erase';
delete from operations where kind = 'erase';
alter table operations drop constraint operation_erasure_names_nobody_afterwards;
alter table operations drop constraint operation_erasure_object;
alter table operations drop constraint operation_erasure_of_erase;
alter table operations drop constraint operation_kind_known;
alter table operations add constraint operation_kind_known check (kind in ('onboard', 'rebuild', 'update', 'replay', 'redrive', 'offboard'));
alter table operations drop column erasure;
