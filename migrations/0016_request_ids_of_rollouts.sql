-- +goose Up
-- As 0015, for the upgrades of many that begin operations.
alter table rollouts add column request_id text not null default '';
comment on column rollouts.request_id is 'Of the request that asked for it.';

-- +goose Down
alter table rollouts drop column request_id;
