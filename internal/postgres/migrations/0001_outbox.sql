-- +goose Up

-- Records wait here for the log. A row is written in the transaction of its fact and never changed.
CREATE TABLE ledger_outbox (
    n          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id         uuid        NOT NULL UNIQUE,
    origin     text        NOT NULL CHECK (origin IN ('authz', 'device')),
    kind       text        NOT NULL CHECK (kind ~ '^[a-z_]+(\.[a-z_]+)+$' AND octet_length(kind) <= 48),
    org        text        NOT NULL CHECK (octet_length(org) BETWEEN 1 AND 64),
    subject    text        NOT NULL CHECK (octet_length(subject) BETWEEN 1 AND 200),
    t_from     timestamptz NOT NULL,
    t_to       timestamptz NOT NULL CHECK (t_to >= t_from),
    count      bigint      NOT NULL CHECK (count > 0),
    payload    bytea       NOT NULL,
    relation   text        NOT NULL,
    inputs     uuid[]      NOT NULL DEFAULT '{}',
    supersedes uuid,
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX ledger_outbox_subject ON ledger_outbox (origin, subject, n);

-- How far each record has come: pending, sealed, anchored.
CREATE VIEW ledger_state AS
    SELECT id, 'pending'::text AS state FROM ledger_outbox;
