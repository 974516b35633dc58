-- +goose Up

-- What the detectors of a device had learnt when they had seen its stored rows up to rx. Rows after it are read again.
CREATE TABLE alarm_state (
    device text PRIMARY KEY,
    pack   text        NOT NULL,
    rx     timestamptz NOT NULL,
    state  bytea       NOT NULL CHECK (octet_length(state) <= 4194304)
);
