-- +goose Up

-- Rules that watch the data's consumers. The version in force is the newest whose valid_from is not later.
CREATE TABLE risk_rule (
    id         text        NOT NULL,
    valid_from timestamptz NOT NULL,
    enabled    boolean     NOT NULL,
    title_zh   text        NOT NULL,
    title_en   text        NOT NULL,
    severity   int         NOT NULL CHECK (severity BETWEEN 0 AND 100),
    params     jsonb       NOT NULL,
    source     text        NOT NULL,
    PRIMARY KEY (id, valid_from)
);
INSERT INTO risk_rule (id, valid_from, enabled, title_zh, title_en, severity, params, source) VALUES
    ('volume.habit', '2025-01-01', true, '读取量远超自身习惯', 'Reads far above its own habit', 40,
     '{"history_days": 28, "min_days": 5, "min_rows": 500, "z": 6, "times": 3, "mad_floor": 0.2}', 'district default'),
    ('denied.burst', '2025-01-01', true, '短时间内被拒绝次数异常', 'Burst of denied uses', 35,
     '{"minutes": 10, "count": 10}', 'district default');

CREATE TABLE risk_alert (
    id         text PRIMARY KEY,
    rule       text        NOT NULL,
    title_zh   text        NOT NULL,
    title_en   text        NOT NULL,
    severity   int         NOT NULL CHECK (severity BETWEEN 0 AND 100),
    consumer   text        NOT NULL CHECK (consumer <> ''),
    department text        NOT NULL,
    dataset    text        NOT NULL,
    day        date        NOT NULL,
    at         timestamptz NOT NULL,
    state      text        NOT NULL CHECK (state IN ('new', 'triaged', 'contained', 'resolved')),
    handled_by text        NOT NULL DEFAULT '',
    note       text        NOT NULL DEFAULT '',
    findings   jsonb       NOT NULL,
    decisions  text[]      NOT NULL,
    record_id  uuid        NOT NULL,
    UNIQUE (rule, consumer, dataset, day)
);
CREATE INDEX risk_alert_consumer ON risk_alert (consumer, id);

-- What the policy engine must know of a consumer; a change is a change of the policy data.
CREATE TABLE risk_consumer (
    account    text PRIMARY KEY,
    score      double precision NOT NULL CHECK (score BETWEEN 0 AND 100),
    band       text        NOT NULL CHECK (band IN ('low', 'medium', 'high', 'critical')),
    contained  boolean     NOT NULL,
    updated_at timestamptz NOT NULL,
    rev        bigint      NOT NULL
);
CREATE TRIGGER risk_consumer_touch BEFORE INSERT OR UPDATE ON risk_consumer FOR EACH ROW EXECUTE FUNCTION policy_touch();
