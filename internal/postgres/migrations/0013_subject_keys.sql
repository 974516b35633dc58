-- +goose Up

-- Each subject's random key, wrapped under the deployment's master key. Its payloads are encrypted with it and their
-- salts derive from it, so that destroying it shreds them. A subject that goes on after that gets the next epoch.
CREATE TABLE subject_key (
    subject      text  NOT NULL CHECK (octet_length(subject) BETWEEN 1 AND 200),
    epoch        int   NOT NULL CHECK (epoch > 0),
    key          bytea,
    created_at   timestamptz NOT NULL DEFAULT now(),
    destroyed_at timestamptz,
    erased_by    uuid, -- the record that tells of it
    PRIMARY KEY (subject, epoch),
    CHECK ((key IS NULL) = (destroyed_at IS NOT NULL)),
    CHECK ((key IS NULL) = (erased_by IS NOT NULL))
);
CREATE UNIQUE INDEX subject_key_live ON subject_key (subject) WHERE key IS NOT NULL;

-- Which key a payload is encrypted with; 0: none, as before there were any.
ALTER TABLE ledger_outbox ADD COLUMN key_epoch int NOT NULL DEFAULT 0 CHECK (key_epoch >= 0);
