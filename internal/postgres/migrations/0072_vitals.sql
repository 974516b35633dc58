-- +goose Up

-- Indicators of the vital signs, every version. The newest holds; a value names the version that computed it.
CREATE TABLE indicator (
    id         text        NOT NULL CHECK (id ~ '^[a-z][a-z0-9_]{0,63}$'),
    version    int         NOT NULL CHECK (version > 0),
    origin     text        NOT NULL CHECK (origin IN ('shipped', 'site', 'declared')),
    at         timestamptz NOT NULL,
    by         text        NOT NULL DEFAULT '',
    retired    boolean     NOT NULL DEFAULT false,
    definition jsonb       NOT NULL,
    record_id  uuid, -- of a person's change; files have none
    PRIMARY KEY (id, version),
    CHECK ((origin = 'declared') = (record_id IS NOT NULL))
);
