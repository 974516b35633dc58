-- +goose Up

-- Which process pulls an endpoint now. A lease ends by the database's clock, so a process that dies leaves it to others.
CREATE TABLE pull_lease (
    pipeline text        PRIMARY KEY CHECK (pipeline <> ''),
    holder   text        NOT NULL CHECK (holder <> ''),
    until    timestamptz NOT NULL
);
