-- +goose Up

-- What data may be granted for.
CREATE TABLE policy_purpose (
    id      text PRIMARY KEY CHECK (id ~ '^[a-z][a-z-]{1,40}$'),
    name_zh text NOT NULL CHECK (name_zh <> ''),
    name_en text NOT NULL CHECK (name_en <> ''),
    rank    int  NOT NULL
);
INSERT INTO policy_purpose (id, name_zh, name_en, rank) VALUES
    ('civil-service', '民生服务', 'Services for residents', 1),
    ('emergency',     '应急处置', 'Emergency response',     2),
    ('statistics',    '统计分析', 'Statistics',             3),
    ('supervision',   '监管执法', 'Supervision',            4),
    ('governance',    '城市治理', 'City governance',        5);

-- Figures of laws and bylaws. The version in force at a moment is the newest one whose valid_from is not later.
CREATE TABLE policy_rule (
    key        text        NOT NULL,
    valid_from timestamptz NOT NULL,
    value      bigint      NOT NULL CHECK (value >= 0),
    source     text        NOT NULL CHECK (source <> ''),
    PRIMARY KEY (key, valid_from)
);
INSERT INTO policy_rule (key, valid_from, value, source) VALUES
    ('answer.working_days', '2025-08-01', 10,    '政务数据共享条例（国务院令第809号）: reply within ten working days'),
    ('grant.max_days',      '2025-01-01', 366,   'district default, to be set by the data bureau'),
    ('quota.rows_per_day',  '2025-01-01', 50000, 'district default, to be set by the data bureau');

-- The revision of what the policy engine must know. One row; its lock puts the writers in the order of their commits.
CREATE TABLE policy_revision (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    rev bigint  NOT NULL
);
INSERT INTO policy_revision (rev) VALUES (0);

-- +goose StatementBegin
CREATE FUNCTION policy_touch() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE policy_revision SET rev = rev + 1 RETURNING rev INTO NEW.rev;
    PERFORM pg_notify('policy', NEW.rev::text);
    RETURN NEW;
END $$;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE FUNCTION policy_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END $$;
-- +goose StatementEnd

-- What enforces a grant in ClickHouse, named by its content.
CREATE TABLE policy_scope (
    name       text PRIMARY KEY CHECK (name ~ '^[0-9a-f]{16}$'),
    view       text        NOT NULL,
    base       text        NOT NULL,
    columns    text[]      NOT NULL,
    rego       text        NOT NULL,
    filter     text        NOT NULL CHECK (filter <> ''),
    select_sql text        NOT NULL,
    tokens     boolean     NOT NULL,
    checked    bigint      NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE TRIGGER policy_scope_append_only BEFORE UPDATE OR DELETE ON policy_scope
    FOR EACH ROW EXECUTE FUNCTION policy_append_only();

CREATE TABLE policy_request (
    id          text PRIMARY KEY,
    dataset     text        NOT NULL,
    publisher   text        NOT NULL,
    department  text        NOT NULL CHECK (department <> ''),
    purpose     text        NOT NULL REFERENCES policy_purpose (id),
    reason      text        NOT NULL CHECK (char_length(reason) BETWEEN 1 AND 2000),
    columns     text[]      NOT NULL CHECK (cardinality(columns) > 0),
    filter      jsonb       NOT NULL,
    all_rows    boolean     NOT NULL,
    not_before  timestamptz NOT NULL,
    not_after   timestamptz NOT NULL CHECK (not_after > not_before),
    state       text        NOT NULL CHECK (state IN ('with_provider', 'approved', 'refused')),
    created_by  text        NOT NULL,
    created_at  timestamptz NOT NULL,
    due_at      timestamptz NOT NULL,
    answer      text        NOT NULL DEFAULT '',
    answered_by text        NOT NULL DEFAULT '',
    answered_at timestamptz,
    grant_id    text        NOT NULL DEFAULT '',
    record_id   uuid        NOT NULL,
    CHECK (all_rows = (jsonb_array_length(filter) = 0)),
    CHECK ((state = 'with_provider') = (answered_at IS NULL)),
    CHECK ((state = 'approved') = (grant_id <> '')),
    CHECK (state <> 'refused' OR answer <> '')
);
CREATE INDEX policy_request_state ON policy_request (state, id);

CREATE TABLE policy_request_step (
    request_id text        NOT NULL REFERENCES policy_request (id),
    n          bigint      GENERATED ALWAYS AS IDENTITY,
    at         timestamptz NOT NULL,
    actor      text        NOT NULL,
    action     text        NOT NULL,
    note       text        NOT NULL,
    record_id  uuid        NOT NULL,
    PRIMARY KEY (request_id, n)
);

-- Versions of grants; the newest counts.
CREATE TABLE policy_grant (
    id           text        NOT NULL,
    version      int         NOT NULL CHECK (version > 0),
    request_id   text        NOT NULL REFERENCES policy_request (id),
    dataset      text        NOT NULL,
    publisher    text        NOT NULL,
    department   text        NOT NULL,
    purpose      text        NOT NULL REFERENCES policy_purpose (id),
    columns      text[]      NOT NULL CHECK (cardinality(columns) > 0),
    masks        jsonb       NOT NULL,
    filter       jsonb       NOT NULL,
    all_rows     boolean     NOT NULL,
    not_before   timestamptz NOT NULL,
    not_after    timestamptz NOT NULL CHECK (not_after > not_before),
    rows_per_day bigint      NOT NULL CHECK (rows_per_day > 0),
    state        text        NOT NULL CHECK (state IN ('active', 'revoked', 'blocked')),
    reason       text        NOT NULL CHECK (state = 'active' OR reason <> ''),
    scope        text        REFERENCES policy_scope (name),
    created_by   text        NOT NULL,
    created_at   timestamptz NOT NULL,
    record_id    uuid        NOT NULL,
    rev          bigint      NOT NULL UNIQUE,
    PRIMARY KEY (id, version),
    CHECK (all_rows = (jsonb_array_length(filter) = 0)),
    CHECK (state <> 'active' OR scope IS NOT NULL)
);
CREATE INDEX policy_grant_department ON policy_grant (department, id);
CREATE TRIGGER policy_grant_touch BEFORE INSERT ON policy_grant FOR EACH ROW EXECUTE FUNCTION policy_touch();
CREATE TRIGGER policy_grant_append_only BEFORE UPDATE OR DELETE ON policy_grant
    FOR EACH ROW EXECUTE FUNCTION policy_append_only();

CREATE VIEW policy_grant_newest AS
    SELECT g.* FROM policy_grant g
    WHERE NOT EXISTS (SELECT FROM policy_grant n WHERE n.id = g.id AND n.version > g.version);

-- Every decision, written before anything follows from it.
CREATE TABLE policy_decision (
    id            text PRIMARY KEY,
    permit        boolean     NOT NULL,
    subject       text        NOT NULL,
    department    text        NOT NULL,
    action        text        NOT NULL CHECK (action IN ('query', 'preview', 'export')),
    dataset       text        NOT NULL,
    grant_id      text        NOT NULL,
    grant_version int         NOT NULL,
    purpose       text        NOT NULL,
    columns       text[]      NOT NULL,
    reasons       jsonb       NOT NULL,
    would_pass_if text[]      NOT NULL,
    obligations   text[]      NOT NULL,
    at            timestamptz NOT NULL,
    policy_rev    text        NOT NULL,
    data_rev      bigint      NOT NULL,
    statement     text        NOT NULL,
    sql_sha256    text        NOT NULL,
    day           date        NOT NULL,
    reserved      bigint      NOT NULL CHECK (reserved >= 0),
    rows          bigint      NOT NULL DEFAULT 0 CHECK (rows >= 0),
    outcome       text        NOT NULL CHECK (outcome IN ('', 'running', 'done', 'failed')),
    finished_at   timestamptz,
    record_id     uuid        NOT NULL,
    CHECK (permit OR outcome = ''),
    CHECK (NOT permit OR grant_version > 0)
);
CREATE INDEX policy_decision_subject ON policy_decision (subject, at);
CREATE INDEX policy_decision_grant ON policy_decision (grant_id, id);
CREATE INDEX policy_decision_running ON policy_decision (id) WHERE outcome = 'running';

-- Rows read and held back per grant, subject and day.
CREATE TABLE policy_usage (
    grant_id text   NOT NULL,
    subject  text   NOT NULL,
    day      date   NOT NULL,
    rows     bigint NOT NULL DEFAULT 0 CHECK (rows >= 0),
    reserved bigint NOT NULL DEFAULT 0 CHECK (reserved >= 0),
    PRIMARY KEY (grant_id, subject, day)
);
