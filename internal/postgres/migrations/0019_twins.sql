-- +goose Up

-- A log's twin (SM3, SM2) is anchored in the log's own transactions and attested beside it: its attestations are kept
-- under the log's name with the twin's suffix.
ALTER TABLE ledger_checkpoint
    DROP CONSTRAINT ledger_checkpoint_origin_check,
    ADD CONSTRAINT ledger_checkpoint_origin_check CHECK (origin IN ('authz', 'device', 'authz/sm3', 'device/sm3'));
