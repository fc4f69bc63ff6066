-- What sqlc has to know of River's own table, which River's migrations make. (There, state is an enumeration.)
create schema river;
create table river.river_job (
  id           bigint      not null,
  kind         text        not null,
  args         jsonb       not null,
  state        text        not null,
  attempted_at timestamptz,
  scheduled_at timestamptz not null
);
