-- +goose Up

-- The procedure that a record is a step of, e.g. a request with its grant and the uses of it; empty for none.
ALTER TABLE ledger_outbox ADD COLUMN case_id text NOT NULL DEFAULT ''
    CHECK (octet_length(case_id) <= 64 AND (case_id = '' OR origin = 'authz'));
CREATE INDEX ledger_outbox_case ON ledger_outbox (case_id, n) WHERE case_id <> '';

-- The case's tag as the entry has it, for finding a case's entries in the order of the log.
ALTER TABLE ledger_entry ADD COLUMN case_tag bytea CHECK (octet_length(case_tag) = 16);
CREATE INDEX ledger_entry_case ON ledger_entry (origin, case_tag, idx) WHERE case_tag IS NOT NULL;

-- A record's short code shows these bytes (ledger.ShortCode).
CREATE INDEX ledger_entry_code ON ledger_entry (substring(sha256(uuid_send(id)) FROM 1 FOR 10));
