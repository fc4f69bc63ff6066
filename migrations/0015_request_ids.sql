-- +goose Up
-- The request by which somebody asked for an operation, so that the worker's log lines name it. Only added: the release before writes
-- rows without one.
alter table operations add column request_id text not null default '';
comment on column operations.request_id is 'Of the request that asked for it, or for its last attempt; empty: nobody asked, or an older release wrote it.';

-- +goose Down
alter table operations drop column request_id;
