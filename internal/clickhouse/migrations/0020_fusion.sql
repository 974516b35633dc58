-- +goose Up

-- The fusion log: one row for every decision about an event, never changed. Incidents are its fold in order of n. What
-- a list of incidents needs of the event stands beside the decision, as it was when it was decided. A step written
-- again after an unknown outcome has the same key and replaces itself.
CREATE TABLE IF NOT EXISTS plinth.fusion_log (
    n         UInt64,
    at        DateTime64(3, 'UTC'),
    op        Enum8('open' = 1, 'attach' = 2, 'detach' = 3, 'merge' = 4, 'split' = 5, 'verdict' = 6),
    incident  String,
    source    LowCardinality(String),
    source_id String,
    event_at  DateTime64(3, 'UTC'),
    event_rx  DateTime64(3, 'UTC'),
    class     LowCardinality(String),
    title     String CODEC(ZSTD(3)),
    street    LowCardinality(String),
    grid      LowCardinality(String),
    longitude Float64,
    latitude  Float64,
    score     Float64,
    weights   String CODEC(ZSTD(3)), -- JSON: [{"f": feature, "o": observed, "w": log2 odds}]
    weighed   LowCardinality(String), -- version of the table of weights
    INDEX by_event source_id TYPE bloom_filter(0.01) GRANULARITY 1,
    INDEX by_n n TYPE minmax GRANULARITY 1
) ENGINE = ReplacingMergeTree
ORDER BY (incident, n);

-- The fuser reads new events by their insertion.
ALTER TABLE plinth.event ADD INDEX IF NOT EXISTS rx_range rx TYPE minmax GRANULARITY 1;
