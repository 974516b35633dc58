-- +goose Up

-- What readings raised. The id follows from device, rule, pack version and the moment the condition began, so deciding
-- again raises nothing twice. Rows are changed, never deleted.
CREATE TABLE alarm (
    id              text PRIMARY KEY CHECK (id ~ '^al_[0-9a-z]{26}$'),
    device          text             NOT NULL,
    device_zh       text             NOT NULL,
    device_en       text             NOT NULL,
    kind            text             NOT NULL,
    rule            text             NOT NULL,
    pack            text             NOT NULL,
    title_zh        text             NOT NULL,
    title_en        text             NOT NULL,
    text_zh         text             NOT NULL,
    text_en         text             NOT NULL,
    basis           text             NOT NULL,
    class           text             NOT NULL,
    grade           smallint         NOT NULL CHECK (grade BETWEEN 1 AND 3),
    peak            smallint         NOT NULL CHECK (peak BETWEEN grade AND 3),
    state           text             NOT NULL CHECK (state IN ('open', 'acknowledged', 'handled', 'withdrawn')),
    since           timestamptz      NOT NULL,
    raised_at       timestamptz      NOT NULL,
    ended_at        timestamptz,
    at              timestamptz      NOT NULL, -- of the newest verdict
    street          text             NOT NULL,
    grid            text             NOT NULL,
    site            text             NOT NULL,
    longitude       double precision NOT NULL,
    latitude        double precision NOT NULL,
    owner           text             NOT NULL,
    unit            text             NOT NULL,
    respond_by      timestamptz,
    permit          text             NOT NULL DEFAULT '',
    acknowledged_by text             NOT NULL DEFAULT '',
    acknowledged_at timestamptz,
    handled_by      text             NOT NULL DEFAULT '',
    handled_at      timestamptz,
    outcome         text             NOT NULL DEFAULT '' CHECK (outcome IN ('', 'real', 'false', 'duplicate', 'maintenance')),
    note            text             NOT NULL DEFAULT '',
    score           double precision NOT NULL,
    facts           jsonb            NOT NULL,
    rows            jsonb            NOT NULL,
    record_id       uuid             NOT NULL,
    event_due       boolean          NOT NULL DEFAULT true, -- the event of it has not been stored yet
    CHECK ((state = 'handled') = (outcome <> ''))
);
CREATE INDEX alarm_newest ON alarm (raised_at DESC, id DESC);
CREATE INDEX alarm_active ON alarm (grade, raised_at DESC) WHERE state IN ('open', 'acknowledged');
CREATE INDEX alarm_device ON alarm (device, raised_at DESC);
CREATE INDEX alarm_event_due ON alarm (raised_at) WHERE event_due;

-- An alarm's life. What the service did is known by action and the verdict's moment; telling it again adds nothing.
CREATE TABLE alarm_step (
    alarm     text        NOT NULL REFERENCES alarm,
    n         integer     NOT NULL CHECK (n > 0),
    at        timestamptz NOT NULL, -- by our clock
    action    text        NOT NULL CHECK (action IN ('raised', 'regraded', 'ended', 'withdrawn', 'acknowledged', 'handled', 'reopened')),
    verdict   timestamptz,          -- by the readings' clock; null for what people did
    actor     text        NOT NULL DEFAULT '',
    grade     smallint    NOT NULL CHECK (grade BETWEEN 1 AND 3),
    note      text        NOT NULL DEFAULT '',
    record_id uuid        NOT NULL UNIQUE,
    PRIMARY KEY (alarm, n),
    UNIQUE (alarm, action, verdict)
);
