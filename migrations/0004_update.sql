-- +goose Up
-- Operations of kind update, with the change that becomes the tenant's when its stack has it. Only added to: the release
-- before knows neither and asks for neither.
alter table operations add column change jsonb;
alter table operations drop constraint operation_kind_known;
alter table operations add constraint operation_kind_known check (kind in ('onboard', 'rebuild', 'update', 'offboard'));
alter table operations add constraint operation_change_of_update check ((kind = 'update') = (change is not null));
alter table operations add constraint operation_change_object check (jsonb_typeof(change) = 'object');
comment on column operations.change is 'Of an update: what is to be different of the tenant.';

-- +goose Down
-- The release before has no word for an update: its rows go, with what was told of them.
select set_config('earshot.scope', '*', true);
delete from operation_events e using operations o where o.tenant_id = e.tenant_id and o.id = e.operation_id and o.kind = 'update';
delete from operations where kind = 'update';
alter table operations drop constraint operation_change_object;
alter table operations drop constraint operation_change_of_update;
alter table operations drop constraint operation_kind_known;
alter table operations add constraint operation_kind_known check (kind in ('onboard', 'rebuild', 'offboard'));
alter table operations drop column change;
