-- +goose Up

-- What a replay of stored rows came to, beside the real rows: every row of the period as it was and as it would be now.
-- A partition is one replay. Nothing else reads it, and it is gone after 14 days.
CREATE TABLE IF NOT EXISTS plinth.shadow_reading (
    replay String,
    device LowCardinality(String),
    metric LowCardinality(String),
    at     DateTime64(3, 'UTC') CODEC(DoubleDelta, ZSTD(1)),
    seq    UInt64               CODEC(DoubleDelta, ZSTD(1)),
    value  Float64              CODEC(Gorilla, ZSTD(1)),
    flags  UInt16               CODEC(ZSTD(1)),
    was    UInt16               CODEC(ZSTD(1)), -- the flags of the stored row
    came   LowCardinality(String),              -- 'same', 'flags', 'gone' or 'added'
    reason String               CODEC(ZSTD(3)), -- of one that is gone
    made   DateTime('UTC') DEFAULT now()
) ENGINE = ReplacingMergeTree
PARTITION BY replay
ORDER BY (replay, metric, device, at, seq)
TTL made + INTERVAL 14 DAY
SETTINGS ttl_only_drop_parts = 1;

-- What became of the dead letters of a replay's period.
CREATE TABLE IF NOT EXISTS plinth.shadow_letter (
    replay String,
    id     String,
    came   LowCardinality(String), -- 'mended' or 'again'
    field  String,
    reason String CODEC(ZSTD(3)),
    rows   UInt64,
    made   DateTime('UTC') DEFAULT now()
) ENGINE = ReplacingMergeTree
PARTITION BY replay
ORDER BY (replay, id)
TTL made + INTERVAL 14 DAY
SETTINGS ttl_only_drop_parts = 1;
