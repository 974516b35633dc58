-- +goose Up

-- Replays of stored rows beside the real ones, and what was made of them. beat_at is when the instance at work last said
-- that it lives; who is silent for long has stopped.
CREATE TABLE replay (
    id          text PRIMARY KEY CHECK (id LIKE 'rpl\_%'),
    pipeline    text        NOT NULL,
    since       timestamptz NOT NULL,
    until       timestamptz NOT NULL CHECK (since < until),
    devices     text[]      NOT NULL,
    state       text        NOT NULL CHECK (state IN ('running', 'done', 'failed', 'cancelled', 'interrupted', 'applying', 'applied')),
    actor       text        NOT NULL,
    actor_name  text        NOT NULL,
    started_at  timestamptz NOT NULL,
    ended_at    timestamptz,
    beat_at     timestamptz NOT NULL,
    done        bigint      NOT NULL,
    total       bigint      NOT NULL,
    rows        bigint      NOT NULL,
    differences jsonb       NOT NULL,
    error       text        NOT NULL,
    applied     jsonb, -- who, why, when, and how many rows so far
    record_id   uuid UNIQUE,
    CHECK ((state IN ('applying', 'applied')) = (record_id IS NOT NULL)),
    CHECK ((record_id IS NULL) = (applied IS NULL))
);
-- One at a time for a pipeline.
CREATE UNIQUE INDEX replay_busy ON replay (pipeline) WHERE state IN ('running', 'applying');
CREATE INDEX replay_newest ON replay (started_at DESC, id DESC);
