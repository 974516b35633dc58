-- +goose Up

-- One row per device, metric and hour, computed of all stored rows of the hour by one path, whether they came in time,
-- late, again or as a correction. The newest version wins; readers use FINAL.
CREATE TABLE IF NOT EXISTS plinth.reading_hour (
    device  LowCardinality(String),
    metric  LowCardinality(String),
    hour    DateTime64(3, 'UTC') CODEC(DoubleDelta, ZSTD(1)),
    n       UInt64               CODEC(ZSTD(1)),
    sum     Float64              CODEC(Gorilla, ZSTD(1)),
    min     Float64              CODEC(Gorilla, ZSTD(1)),
    max     Float64              CODEC(Gorilla, ZSTD(1)),
    mean    Float64              CODEC(Gorilla, ZSTD(1)),
    first   Float64              CODEC(Gorilla, ZSTD(1)),
    last    Float64              CODEC(Gorilla, ZSTD(1)),
    flagged UInt64               CODEC(ZSTD(1)),
    version DateTime64(3, 'UTC') CODEC(DoubleDelta, ZSTD(1))
) ENGINE = ReplacingMergeTree(version)
PARTITION BY toYYYYMM(hour)
ORDER BY (metric, device, hour);
