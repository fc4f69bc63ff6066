-- +goose Up
-- Operations of kind replay, with the span of time and the kinds that are to come back, and of kind redrive. Only added to:
-- the release before knows neither and asks for neither.
alter table operations add column span jsonb;
alter table operations drop constraint operation_kind_known;
alter table operations add constraint operation_kind_known
  check (kind in ('onboard', 'rebuild', 'update', 'replay', 'redrive', 'offboard'));
alter table operations add constraint operation_span_of_replay check ((kind = 'replay') = (span is not null));
alter table operations add constraint operation_span_object check (jsonb_typeof(span) = 'object');
comment on column operations.span is 'Of a replay: from when to when, and which kinds of telemetry.';

-- +goose Down
-- The release before has no word for them: their rows go, with what was told of them.
select set_config('earshot.scope', '*', true);
delete from operation_events e using operations o
where o.tenant_id = e.tenant_id and o.id = e.operation_id and o.kind in ('replay', 'redrive');
delete from operations where kind in ('replay', 'redrive');
alter table operations drop constraint operation_span_object;
alter table operations drop constraint operation_span_of_replay;
alter table operations drop constraint operation_kind_known;
alter table operations add constraint operation_kind_known check (kind in ('onboard', 'rebuild', 'update', 'offboard'));
alter table operations drop column span;
