-- +goose Up

-- What the registry says of each device, so that readings can be read by street, kind and owner. The registry is the
-- truth; this is its mirror, the newest rx holds.
CREATE TABLE IF NOT EXISTS plinth.device (
    id         String,
    kind       LowCardinality(String),
    owner      LowCardinality(String),
    street     LowCardinality(String),
    grid       LowCardinality(String),
    site       String,
    longitude  Float64,
    latitude   Float64,
    interval_s UInt32,
    life       LowCardinality(String),
    rx         DateTime64(3, 'UTC')
) ENGINE = ReplacingMergeTree(rx)
ORDER BY id;

-- Values of the vital signs. A value computed again replaces the one before. NaN stands for what there is not.
CREATE TABLE IF NOT EXISTS plinth.vital (
    indicator LowCardinality(String),
    street    LowCardinality(String), -- empty is the district
    period    DateTime('UTC') CODEC(DoubleDelta, ZSTD(1)),
    until     DateTime('UTC') CODEC(DoubleDelta, ZSTD(1)),
    version   UInt32,
    value     Float64,
    weight    Float64,
    baseline  Float64,
    score     Float64,
    grade     Int8,  -- -1 unknown, 0 normal, 1 notice, 2 warning, 3 urgent
    trend     Int8,  -- -1 down, 0 steady, 1 up, 2 too few values
    since     DateTime('UTC'), -- since when the grade is off; 1970 when it is not
    computed  DateTime64(3, 'UTC')
) ENGINE = ReplacingMergeTree(computed)
PARTITION BY toYYYYMM(period)
ORDER BY (indicator, street, period);

-- The newest value of each indicator and street, for the board. n orders by period and then by computation.
CREATE TABLE IF NOT EXISTS plinth.vital_now (
    indicator LowCardinality(String),
    street    LowCardinality(String),
    period    DateTime('UTC'),
    until     DateTime('UTC'),
    version   UInt32,
    value     Float64,
    weight    Float64,
    baseline  Float64,
    score     Float64,
    grade     Int8,
    trend     Int8,
    since     DateTime('UTC'),
    computed  DateTime64(3, 'UTC'),
    n         UInt64
) ENGINE = ReplacingMergeTree(n)
ORDER BY (indicator, street);
