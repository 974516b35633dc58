-- +goose Up

-- A declared way that data comes in. A change adds one to version and, when a person or a file made it, has its record.
CREATE TABLE pipeline (
    id          text PRIMARY KEY CHECK (id ~ '^[a-z0-9][a-z0-9_-]{0,63}$'),
    kind        text        NOT NULL CHECK (kind IN ('stream', 'http', 'file', 'watch', 'pull')),
    declaration jsonb       NOT NULL,
    origin      text        NOT NULL CHECK (origin IN ('shipped', 'file', 'api')),
    file_hash   text        NOT NULL DEFAULT '', -- SHA-256 of the file that declared it last
    pause       jsonb,                           -- who, why, since when; null while it runs
    version     bigint      NOT NULL CHECK (version > 0),
    updated_at  timestamptz NOT NULL,
    updated_by  text        NOT NULL,
    record_id   uuid
);

ALTER TABLE pipeline_run DROP CONSTRAINT IF EXISTS pipeline_run_kind_check;
ALTER TABLE pipeline_run ADD CONSTRAINT pipeline_run_kind_check CHECK (kind IN ('import', 'stream', 'http', 'watch', 'pull'));
CREATE INDEX pipeline_run_of ON pipeline_run (pipeline, started_at DESC, id DESC);
