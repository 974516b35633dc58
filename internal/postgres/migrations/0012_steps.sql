-- +goose Up

-- Each entry that is a step of a case, on its way to the chain. Filled with the projection, so it can be rebuilt: the
-- chain answers for a step that it has with the step's first transaction.
CREATE TABLE ledger_step (
    record_id uuid   PRIMARY KEY,
    case_tag  bytea  NOT NULL CHECK (octet_length(case_tag) = 16),
    idx       bigint NOT NULL CHECK (idx >= 0), -- of the entry in the log authz: the order of the steps
    state     text   NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'put', 'refused')),
    seq       bigint CHECK (seq > 0),           -- its number on the chain
    reason    text   NOT NULL DEFAULT '',       -- why the chain refused it, or what was in the way the last time
    tries     bigint NOT NULL DEFAULT 0,        -- attempts that led to nothing
    tx_id     text   NOT NULL DEFAULT '',
    block     bigint NOT NULL DEFAULT 0,
    at        timestamptz,                      -- when it was put or refused
    UNIQUE (case_tag, seq),
    CHECK ((state = 'put') = (seq IS NOT NULL)),
    CHECK (state <> 'refused' OR reason <> '')
);
CREATE INDEX ledger_step_waiting ON ledger_step (case_tag, idx) WHERE state = 'waiting';
CREATE INDEX ledger_step_case ON ledger_step (case_tag, idx);

-- What became of records, on its way to the chain: superseded, revoked, expired, or its payload shredded. A mark waits
-- until the record that makes it is in the log.
CREATE TABLE ledger_mark (
    record_id uuid   NOT NULL,
    mark      text   NOT NULL CHECK (mark IN ('superseded', 'revoked', 'expired', 'redacted')),
    by_record uuid   NOT NULL CHECK (by_record <> record_id),
    state     text   NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'put', 'refused')),
    reason    text   NOT NULL DEFAULT '',
    tries     bigint NOT NULL DEFAULT 0,
    tx_id     text   NOT NULL DEFAULT '',
    block     bigint NOT NULL DEFAULT 0,
    at        timestamptz,
    PRIMARY KEY (record_id, mark, by_record)
);
CREATE INDEX ledger_mark_waiting ON ledger_mark (tries, record_id) WHERE state = 'waiting';

-- Authorisation records of before. A device's corrected segments are not marked: its own sequence tells of them.
INSERT INTO ledger_mark (record_id, mark, by_record)
    SELECT supersedes, CASE relation WHEN 'wasInvalidatedBy' THEN 'revoked' ELSE 'superseded' END, id
    FROM ledger_outbox WHERE origin = 'authz' AND supersedes IS NOT NULL AND supersedes <> id;
