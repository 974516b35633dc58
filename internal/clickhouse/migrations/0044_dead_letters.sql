-- +goose Up

-- A dead letter's id follows from what it says: the same input refused again is the same letter. n is how many inputs it
-- stands for, size how long the input was.
ALTER TABLE plinth.dead_letter
    ADD COLUMN IF NOT EXISTS pipeline LowCardinality(String),
    ADD COLUMN IF NOT EXISTS device LowCardinality(String),
    ADD COLUMN IF NOT EXISTS n UInt64 DEFAULT 1,
    ADD COLUMN IF NOT EXISTS size UInt64 DEFAULT length(payload),
    ADD COLUMN IF NOT EXISTS id String MATERIALIZED lower(hex(sipHash128(source, row, field, reason, payload))),
    ADD INDEX IF NOT EXISTS id_bloom id TYPE bloom_filter GRANULARITY 1;

-- What was done about a letter; without a row it is open. The record is in PostgreSQL, and this follows from it.
CREATE TABLE IF NOT EXISTS plinth.dead_letter_act (
    id    String,
    state LowCardinality(String),
    at    DateTime64(3, 'UTC'),
    act   String
) ENGINE = ReplacingMergeTree(at)
ORDER BY (id)
TTL toDateTime(at) + INTERVAL 120 DAY;
