-- What the migrations make, for reading. Written by TestSchemaFileIsCurrent; change the migrations instead.

CREATE TABLE plinth.dead_letter
(
    `at` DateTime64(3, 'UTC'),
    `source` String,
    `row` UInt64,
    `field` String,
    `reason` String,
    `payload` String CODEC(ZSTD(3)),
    `run` String,
    `pipeline` LowCardinality(String),
    `device` LowCardinality(String),
    `n` UInt64 DEFAULT 1,
    `size` UInt64 DEFAULT length(payload),
    `id` String MATERIALIZED lower(hex(sipHash128(source, row, field, reason, payload))),
    INDEX id_bloom id TYPE bloom_filter GRANULARITY 1
)
ENGINE = ReplacingMergeTree(at)
ORDER BY (source, row, field, cityHash64(payload), reason)
TTL toDateTime(at) + toIntervalDay(90)
SETTINGS index_granularity = 8192;

CREATE TABLE plinth.dead_letter_act
(
    `id` String,
    `state` LowCardinality(String),
    `at` DateTime64(3, 'UTC'),
    `act` String
)
ENGINE = ReplacingMergeTree(at)
ORDER BY (id)
TTL toDateTime(at) + toIntervalDay(120)
SETTINGS index_granularity = 8192;

CREATE TABLE plinth.device
(
    `id` String,
    `kind` LowCardinality(String),
    `owner` LowCardinality(String),
    `street` LowCardinality(String),
    `grid` LowCardinality(String),
    `site` String,
    `longitude` Float64,
    `latitude` Float64,
    `interval_s` UInt32,
    `life` LowCardinality(String),
    `rx` DateTime64(3, 'UTC')
)
ENGINE = ReplacingMergeTree(rx)
ORDER BY id
SETTINGS index_granularity = 8192;

CREATE TABLE plinth.event
(
    `source` LowCardinality(String),
    `source_id` String,
    `at` DateTime64(3, 'UTC'),
    `class` LowCardinality(String),
    `title` String CODEC(ZSTD(3)),
    `text` String CODEC(ZSTD(3)),
    `street` LowCardinality(String),
    `grid` LowCardinality(String),
    `address` String CODEC(ZSTD(3)),
    `longitude` Float64,
    `latitude` Float64,
    `contact` String,
    `attrs` Map(LowCardinality(String), String),
    `rx` DateTime64(3, 'UTC'),
    INDEX rx_range rx TYPE minmax GRANULARITY 1
)
ENGINE = ReplacingMergeTree(rx)
PARTITION BY toYYYYMM(at)
ORDER BY (source, source_id)
SETTINGS index_granularity = 8192;

CREATE TABLE plinth.fusion_log
(
    `n` UInt64,
    `at` DateTime64(3, 'UTC'),
    `op` Enum8('open' = 1, 'attach' = 2, 'detach' = 3, 'merge' = 4, 'split' = 5, 'verdict' = 6),
    `incident` String,
    `source` LowCardinality(String),
    `source_id` String,
    `event_at` DateTime64(3, 'UTC'),
    `event_rx` DateTime64(3, 'UTC'),
    `class` LowCardinality(String),
    `title` String CODEC(ZSTD(3)),
    `street` LowCardinality(String),
    `grid` LowCardinality(String),
    `longitude` Float64,
    `latitude` Float64,
    `score` Float64,
    `weights` String CODEC(ZSTD(3)),
    `weighed` LowCardinality(String),
    INDEX by_event source_id TYPE bloom_filter(0.01) GRANULARITY 1,
    INDEX by_n n TYPE minmax GRANULARITY 1
)
ENGINE = ReplacingMergeTree
ORDER BY (incident, n)
SETTINGS index_granularity = 8192;

CREATE TABLE plinth.migration
(
    `version_id` Int64,
    `is_applied` UInt8,
    `date` Date DEFAULT now(),
    `tstamp` DateTime DEFAULT now()
)
ENGINE = MergeTree
ORDER BY (version_id)
SETTINGS index_granularity = 8192;

CREATE TABLE plinth.reading
(
    `device` LowCardinality(String),
    `metric` LowCardinality(String),
    `at` DateTime64(3, 'UTC') CODEC(DoubleDelta, ZSTD(1)),
    `seq` UInt64 CODEC(DoubleDelta, ZSTD(1)),
    `value` Float64 CODEC(Gorilla(8), ZSTD(1)),
    `flags` UInt16 CODEC(ZSTD(1)),
    `rx` DateTime64(3, 'UTC') CODEC(DoubleDelta, ZSTD(1)),
    INDEX rx_range rx TYPE minmax GRANULARITY 1
)
ENGINE = ReplacingMergeTree(rx)
PARTITION BY toYYYYMM(at)
ORDER BY (metric, device, at, seq)
SETTINGS index_granularity = 8192;

CREATE TABLE plinth.reading_hour
(
    `device` LowCardinality(String),
    `metric` LowCardinality(String),
    `hour` DateTime64(3, 'UTC') CODEC(DoubleDelta, ZSTD(1)),
    `n` UInt64 CODEC(ZSTD(1)),
    `sum` Float64 CODEC(Gorilla(8), ZSTD(1)),
    `min` Float64 CODEC(Gorilla(8), ZSTD(1)),
    `max` Float64 CODEC(Gorilla(8), ZSTD(1)),
    `mean` Float64 CODEC(Gorilla(8), ZSTD(1)),
    `first` Float64 CODEC(Gorilla(8), ZSTD(1)),
    `last` Float64 CODEC(Gorilla(8), ZSTD(1)),
    `flagged` UInt64 CODEC(ZSTD(1)),
    `flags` UInt16 DEFAULT 0 CODEC(ZSTD(1)),
    `version` DateTime64(3, 'UTC') CODEC(DoubleDelta, ZSTD(1))
)
ENGINE = ReplacingMergeTree(version)
PARTITION BY toYYYYMM(hour)
ORDER BY (metric, device, hour)
SETTINGS index_granularity = 8192;

CREATE TABLE plinth.scope
(
    `name` String,
    `definition` String,
    `at` DateTime64(6, 'UTC') DEFAULT now64(6, 'UTC')
)
ENGINE = ReplacingMergeTree(at)
ORDER BY name
SETTINGS index_granularity = 8192;

CREATE TABLE plinth.scope_key
(
    `scope` String,
    `k` String
)
ENGINE = MergeTree
ORDER BY scope
SETTINGS index_granularity = 8192;

CREATE TABLE plinth.shadow_letter
(
    `replay` String,
    `id` String,
    `came` LowCardinality(String),
    `field` String,
    `reason` String CODEC(ZSTD(3)),
    `rows` UInt64,
    `made` DateTime('UTC') DEFAULT now()
)
ENGINE = ReplacingMergeTree
PARTITION BY replay
ORDER BY (replay, id)
TTL made + toIntervalDay(14)
SETTINGS ttl_only_drop_parts = 1, index_granularity = 8192;

CREATE TABLE plinth.shadow_reading
(
    `replay` String,
    `device` LowCardinality(String),
    `metric` LowCardinality(String),
    `at` DateTime64(3, 'UTC') CODEC(DoubleDelta, ZSTD(1)),
    `seq` UInt64 CODEC(DoubleDelta, ZSTD(1)),
    `value` Float64 CODEC(Gorilla(8), ZSTD(1)),
    `flags` UInt16 CODEC(ZSTD(1)),
    `was` UInt16 CODEC(ZSTD(1)),
    `came` LowCardinality(String),
    `reason` String CODEC(ZSTD(3)),
    `made` DateTime('UTC') DEFAULT now()
)
ENGINE = ReplacingMergeTree
PARTITION BY replay
ORDER BY (replay, metric, device, at, seq)
TTL made + toIntervalDay(14)
SETTINGS ttl_only_drop_parts = 1, index_granularity = 8192;

CREATE TABLE plinth.vital
(
    `indicator` LowCardinality(String),
    `street` LowCardinality(String),
    `period` DateTime('UTC') CODEC(DoubleDelta, ZSTD(1)),
    `until` DateTime('UTC') CODEC(DoubleDelta, ZSTD(1)),
    `version` UInt32,
    `value` Float64,
    `weight` Float64,
    `baseline` Float64,
    `score` Float64,
    `grade` Int8,
    `trend` Int8,
    `since` DateTime('UTC'),
    `computed` DateTime64(3, 'UTC')
)
ENGINE = ReplacingMergeTree(computed)
PARTITION BY toYYYYMM(period)
ORDER BY (indicator, street, period)
SETTINGS index_granularity = 8192;

CREATE TABLE plinth.vital_now
(
    `indicator` LowCardinality(String),
    `street` LowCardinality(String),
    `period` DateTime('UTC'),
    `until` DateTime('UTC'),
    `version` UInt32,
    `value` Float64,
    `weight` Float64,
    `baseline` Float64,
    `score` Float64,
    `grade` Int8,
    `trend` Int8,
    `since` DateTime('UTC'),
    `computed` DateTime64(3, 'UTC'),
    `n` UInt64
)
ENGINE = ReplacingMergeTree(n)
ORDER BY (indicator, street)
SETTINGS index_granularity = 8192;
