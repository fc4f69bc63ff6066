-- +goose Up
-- Operations of kind suspend and resume. Only added to: the release before does not know them and does not ask.
alter table operations drop constraint operation_kind_known;
alter table operations add constraint operation_kind_known
  check (kind in ('onboard', 'rebuild', 'update', 'suspend', 'resume', 'replay', 'redrive', 'erase', 'offboard'));

-- +goose Down
-- The release before has no word for them: their rows go, with what was told of them.
select set_config('earshot.scope', '*', true);
delete from operation_events e using operations o
where o.tenant_id = e.tenant_id and o.id = e.operation_id and o.kind in ('suspend', 'resume');
delete from operations where kind in ('suspend', 'resume');
alter table operations drop constraint operation_kind_known;
alter table operations add constraint operation_kind_known
  check (kind in ('onboard', 'rebuild', 'update', 'replay', 'redrive', 'erase', 'offboard'));
