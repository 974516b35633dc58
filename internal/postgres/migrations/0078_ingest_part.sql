-- +goose Up

-- All parts that any member has named, so that every member deals out the same ones, and the session at the broker under
-- which a part was first subscribed: from then on the broker keeps the part's messages, whoever works it.
CREATE TABLE ingest_part (
    part    text PRIMARY KEY CHECK (part <> ''),
    session text NOT NULL DEFAULT ''
);
