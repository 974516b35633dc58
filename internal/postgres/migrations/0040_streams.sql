-- +goose Up

-- What sends readings. credential is the SHA-256 of a random secret, in hex.
CREATE TABLE device (
    id         text PRIMARY KEY CHECK (id ~ '^[a-z0-9][a-z0-9_-]{0,63}$'),
    kind       text             NOT NULL CHECK (kind ~ '^[a-z][a-z0-9_]{0,31}$'),
    name_zh    text             NOT NULL DEFAULT '' CHECK (char_length(name_zh) <= 200),
    name_en    text             NOT NULL DEFAULT '' CHECK (char_length(name_en) <= 200),
    owner      text             NOT NULL CHECK (owner <> ''),
    street     text             NOT NULL DEFAULT '',
    grid       text             NOT NULL DEFAULT '',
    site       text             NOT NULL DEFAULT '',
    longitude  double precision NOT NULL DEFAULT 0 CHECK (longitude BETWEEN -180 AND 180),
    latitude   double precision NOT NULL DEFAULT 0 CHECK (latitude BETWEEN -90 AND 90),
    interval_s integer          NOT NULL CHECK (interval_s BETWEEN 1 AND 2678400),
    segment_s  integer          NOT NULL CHECK (segment_s BETWEEN 1 AND 2678400),
    credential text             NOT NULL UNIQUE CHECK (credential ~ '^[0-9a-f]{64}$'),
    created_at timestamptz      NOT NULL DEFAULT now()
);

-- What a device measures. A null limit means that there is none.
CREATE TABLE metric (
    device      text    NOT NULL REFERENCES device ON DELETE CASCADE,
    name        text    NOT NULL CHECK (name ~ '^[a-z][a-z0-9_]{0,31}$'),
    n           integer NOT NULL,
    title_zh    text    NOT NULL DEFAULT '',
    title_en    text    NOT NULL DEFAULT '',
    unit        text    NOT NULL CHECK (unit <> ''), -- UCUM
    min         double precision,
    max         double precision,
    max_rate    double precision CHECK (max_rate > 0), -- change per second
    stuck_after integer CHECK (stuck_after > 1),       -- equal readings in a row
    PRIMARY KEY (device, name),
    CHECK (min IS NULL OR max IS NULL OR min < max)
);

-- A device's readings of one window, in the log. Late rows or corrections make a further segment of the same window
-- that covers all its rows and supersedes the one before.
CREATE TABLE segment (
    device     text        NOT NULL REFERENCES device,
    seq        bigint      NOT NULL CHECK (seq > 0), -- without gaps per device
    t_from     timestamptz NOT NULL,
    t_to       timestamptz NOT NULL CHECK (t_to > t_from),
    count      bigint      NOT NULL CHECK (count > 0),
    root       bytea       NOT NULL CHECK (octet_length(root) = 32), -- RFC 6962 over the rows
    record_id  uuid        NOT NULL UNIQUE,
    supersedes uuid,
    PRIMARY KEY (device, seq)
);
CREATE INDEX segment_window ON segment (device, t_from, seq DESC);

-- Windows that hold rows not yet covered by a segment.
CREATE TABLE segment_due (
    device text        NOT NULL,
    t_from timestamptz NOT NULL,
    t_to   timestamptz NOT NULL,
    PRIMARY KEY (device, t_from)
);
CREATE INDEX segment_due_to ON segment_due (t_to);

-- Rows inserted before rx have been turned into due windows.
CREATE TABLE segment_cursor (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    rx  timestamptz NOT NULL
);

-- One import of a file, or one stretch of a stream.
CREATE TABLE pipeline_run (
    id          text PRIMARY KEY CHECK (id LIKE 'run\_%'),
    kind        text        NOT NULL CHECK (kind IN ('import', 'stream')),
    pipeline    text        NOT NULL,
    source      text        NOT NULL,
    started_by  text        NOT NULL,
    started_at  timestamptz NOT NULL,
    ended_at    timestamptz,
    state       text        NOT NULL CHECK (state IN ('running', 'done', 'failed')),
    rows_in     bigint      NOT NULL DEFAULT 0 CHECK (rows_in >= 0),
    rows_stored bigint      NOT NULL DEFAULT 0 CHECK (rows_stored >= 0),
    rows_known  bigint      NOT NULL DEFAULT 0 CHECK (rows_known >= 0),
    rows_dead   bigint      NOT NULL DEFAULT 0 CHECK (rows_dead >= 0),
    error       text        NOT NULL DEFAULT '',
    CHECK ((state = 'running') = (ended_at IS NULL))
);
CREATE INDEX pipeline_run_newest ON pipeline_run (started_at DESC, id DESC);
