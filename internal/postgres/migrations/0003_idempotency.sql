-- +goose Up

-- What a write answered, by the caller's key. A row without an answer belongs to a call that runs, or that ended
-- without a known outcome.
CREATE TABLE idempotency_key (
    account    text        NOT NULL,
    key        text        NOT NULL CHECK (char_length(key) BETWEEN 1 AND 128),
    method     text        NOT NULL,
    body       bytea       NOT NULL CHECK (octet_length(body) = 32),
    answer     bytea,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (account, key)
);
CREATE INDEX idempotency_key_age ON idempotency_key (created_at);
