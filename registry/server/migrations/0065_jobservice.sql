-- Newest executions of a kind, whatever they are about.
CREATE INDEX job_executions_kind ON job_executions (kind, id DESC);

-- Worker processes that are alive. Measured by the database's clock, like leases.
CREATE TABLE job_workers (
    name         text PRIMARY KEY,
    host         text        NOT NULL,
    pid          bigint      NOT NULL,
    slots        bigint      NOT NULL,
    started_at   timestamptz NOT NULL,
    heartbeat_at timestamptz NOT NULL,
    alive_until  timestamptz NOT NULL
);

-- Kinds of which no job is begun. The kind 'scheduler' stands for all schedules: while it is here, none fires.
CREATE TABLE job_pauses (
    kind      text PRIMARY KEY,
    paused_at timestamptz NOT NULL
);
