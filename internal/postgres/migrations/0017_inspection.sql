-- +goose Up

-- Audits and tamper drills that people started. What one found stays.
CREATE TABLE ledger_inspection (
    id         text        PRIMARY KEY,
    kind       text        NOT NULL CHECK (kind IN ('audit', 'drill')),
    state      text        NOT NULL CHECK (state IN ('running', 'done', 'failed', 'cancelled', 'interrupted')),
    actor      text        NOT NULL,
    actor_name text        NOT NULL,
    seed       bigint      NOT NULL DEFAULT 0,
    rounds     int         NOT NULL DEFAULT 0 CHECK (rounds >= 0),
    started_at timestamptz NOT NULL,
    ended_at   timestamptz CHECK (ended_at >= started_at),
    stage      text        NOT NULL DEFAULT '',
    done       bigint      NOT NULL DEFAULT 0,
    total      bigint      NOT NULL DEFAULT 0,
    word       text        NOT NULL DEFAULT '',
    report     json,
    reason     text        NOT NULL DEFAULT '',
    CHECK ((state = 'running') = (ended_at IS NULL))
);
-- One at a time: each of them reads the whole log.
CREATE UNIQUE INDEX ledger_inspection_running ON ledger_inspection ((true)) WHERE state = 'running';
CREATE INDEX ledger_inspection_newest ON ledger_inspection (started_at DESC, id DESC);
