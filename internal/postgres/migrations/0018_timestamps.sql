-- +goose Up

-- Time-stamp tokens (RFC 3161) of attested checkpoints, for those that an authority has stamped.
CREATE TABLE ledger_timestamp (
    origin     text        NOT NULL,
    size       bigint      NOT NULL,
    token      bytea       NOT NULL CHECK (octet_length(token) > 0),
    stamped_at timestamptz NOT NULL,
    PRIMARY KEY (origin, size),
    FOREIGN KEY (origin, size) REFERENCES ledger_checkpoint (origin, size)
);

-- The peers' certificates that attestations bear, by their SHA-256: what receipts by reference refer to.
CREATE TABLE ledger_certificate (
    sha256 bytea PRIMARY KEY CHECK (octet_length(sha256) = 32),
    msp    text  NOT NULL,
    der    bytea NOT NULL
);
