-- +goose Up

-- Hours of a series whose stored rows have changed since reading_hour was computed.
CREATE TABLE hour_due (
    hour   timestamptz NOT NULL,
    metric text        NOT NULL,
    device text        NOT NULL,
    due_at timestamptz NOT NULL,
    PRIMARY KEY (hour, metric, device)
);
CREATE INDEX hour_due_at ON hour_due (due_at);

-- Rows inserted before rx have been put on the list.
CREATE TABLE hour_cursor (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    rx  timestamptz NOT NULL
);
