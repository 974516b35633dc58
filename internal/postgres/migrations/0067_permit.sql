-- +goose Up

-- What allows at a site what would else be an alarm, such as night work.
CREATE TABLE permit (
    id        text PRIMARY KEY CHECK (char_length(id) BETWEEN 1 AND 200),
    kind      text        NOT NULL CHECK (kind ~ '^[a-z][a-z0-9_]{0,31}$'),
    site      text        NOT NULL CHECK (char_length(site) BETWEEN 1 AND 200),
    street    text        NOT NULL DEFAULT '',
    t_from    timestamptz NOT NULL,
    t_to      timestamptz NOT NULL CHECK (t_to > t_from),
    issuer    text        NOT NULL DEFAULT '',
    revoked   boolean     NOT NULL DEFAULT false,
    record_id uuid        NOT NULL
);
CREATE INDEX permit_site ON permit (kind, site, t_to);
CREATE INDEX permit_end ON permit (t_to DESC, id);
