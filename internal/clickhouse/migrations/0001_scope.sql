-- +goose Up
-- The scopes applied on a ClickHouse server, as they were given; the latest row of a name holds, an empty definition
-- means withdrawn. The embedded engine keeps its own list beside its users.
CREATE TABLE IF NOT EXISTS scope
(
    name       String,
    definition String,
    at         DateTime64(6, 'UTC') DEFAULT now64(6, 'UTC')
)
ENGINE = ReplacingMergeTree(at)
ORDER BY name;
