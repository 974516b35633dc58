-- +goose Up

-- What a person did about dead letters, with its record. The letters lie in ClickHouse, where they are marked next.
CREATE TABLE dead_letter_act (
    id         text PRIMARY KEY CHECK (id LIKE 'dla\_%'),
    state      text        NOT NULL CHECK (state IN ('replayed', 'dropped')),
    letters    text[]      NOT NULL CHECK (cardinality(letters) > 0),
    rows       bigint      NOT NULL CHECK (rows >= 0), -- stored by it
    reason     text        NOT NULL CHECK (reason <> ''),
    actor      text        NOT NULL,
    actor_name text        NOT NULL,
    at         timestamptz NOT NULL,
    marked     boolean     NOT NULL DEFAULT false,
    record_id  uuid        NOT NULL UNIQUE
);
CREATE INDEX dead_letter_act_unmarked ON dead_letter_act (at) WHERE NOT marked;
