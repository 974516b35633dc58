-- +goose Up

-- The members that take in devices' messages, and which part each works. Both expire by the database's clock, so a
-- member that dies gives its parts to the others.
CREATE TABLE ingest_member (
    id   text        PRIMARY KEY CHECK (id <> ''),
    seen timestamptz NOT NULL
);

CREATE TABLE ingest_share (
    part   text        PRIMARY KEY CHECK (part <> ''),
    member text        NOT NULL REFERENCES ingest_member ON DELETE CASCADE,
    until  timestamptz NOT NULL
);
