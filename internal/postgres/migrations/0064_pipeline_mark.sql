-- +goose Up

-- How far a file of a watched folder, or an endpoint that is pulled, has been read. A row is forgotten when its file is done.
CREATE TABLE pipeline_mark (
    pipeline   text        NOT NULL,
    key        text        NOT NULL CHECK (octet_length(key) <= 1024),
    mark       text        NOT NULL CHECK (octet_length(mark) <= 4096),
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (pipeline, key)
);
