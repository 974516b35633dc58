-- +goose Up

-- A reading's identity is its key: a redelivered or replayed row replaces itself. rx is when the row was inserted; the
-- newest wins. Readers that must not see a row twice use FINAL.
CREATE TABLE IF NOT EXISTS plinth.reading (
    device LowCardinality(String),
    metric LowCardinality(String),
    at     DateTime64(3, 'UTC') CODEC(DoubleDelta, ZSTD(1)),
    seq    UInt64               CODEC(DoubleDelta, ZSTD(1)),
    value  Float64              CODEC(Gorilla, ZSTD(1)),
    flags  UInt16               CODEC(ZSTD(1)),
    rx     DateTime64(3, 'UTC') CODEC(DoubleDelta, ZSTD(1)),
    INDEX rx_range rx TYPE minmax GRANULARITY 1
) ENGINE = ReplacingMergeTree(rx)
PARTITION BY toYYYYMM(at)
ORDER BY (metric, device, at, seq);

-- An event's id is source/source_id. A correction is the same id with a newer rx.
CREATE TABLE IF NOT EXISTS plinth.event (
    source    LowCardinality(String),
    source_id String,
    at        DateTime64(3, 'UTC'),
    class     LowCardinality(String),
    title     String CODEC(ZSTD(3)),
    text      String CODEC(ZSTD(3)),
    street    LowCardinality(String),
    grid      LowCardinality(String),
    address   String CODEC(ZSTD(3)),
    longitude Float64,
    latitude  Float64,
    contact   String,
    attrs     Map(LowCardinality(String), String),
    rx        DateTime64(3, 'UTC')
) ENGINE = ReplacingMergeTree(rx)
PARTITION BY toYYYYMM(at)
ORDER BY (source, source_id);

-- What could not be used, with the reason. The same input refused again is the same row.
CREATE TABLE IF NOT EXISTS plinth.dead_letter (
    at      DateTime64(3, 'UTC'),
    source  String,
    row     UInt64,
    field   String,
    reason  String,
    payload String CODEC(ZSTD(3)),
    run     String
) ENGINE = ReplacingMergeTree(at)
ORDER BY (source, row, field, cityHash64(payload), reason)
TTL toDateTime(at) + INTERVAL 90 DAY;
