-- +goose Up
-- One random key per scope, for the mask "token". A scope's definer reads its own row alone.
CREATE TABLE IF NOT EXISTS scope_key
(
    scope String,
    k     String
)
ENGINE = MergeTree
ORDER BY scope;
