-- +goose Up

-- The outbox's queue: records that are not in the projection below. The log says what was sequenced; this table only
-- makes finding the rest cheap, whatever the order in which transactions commit.
CREATE TABLE ledger_pending (
    origin text   NOT NULL,
    n      bigint NOT NULL,
    id     uuid   NOT NULL UNIQUE,
    PRIMARY KEY (origin, n)
);
INSERT INTO ledger_pending (origin, n, id) SELECT origin, n, id FROM ledger_outbox;

-- +goose StatementBegin
CREATE FUNCTION ledger_enqueue() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO ledger_pending (origin, n, id) VALUES (NEW.origin, NEW.n, NEW.id);
    RETURN NULL;
END $$;

-- A record is a fact: it is added and read, never changed. The guard against who owns the tables is the chain.
CREATE FUNCTION ledger_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% of % is not allowed: records are only added', TG_OP, TG_TABLE_NAME USING ERRCODE = '42501';
END $$;
-- +goose StatementEnd

CREATE TRIGGER ledger_outbox_enqueue AFTER INSERT ON ledger_outbox
    FOR EACH ROW EXECUTE FUNCTION ledger_enqueue();
CREATE TRIGGER ledger_outbox_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger_outbox
    FOR EACH STATEMENT EXECUTE FUNCTION ledger_append_only();

-- The logs' entries, for finding them. A projection: it is rebuilt from the log's files when it is lost.
CREATE TABLE ledger_entry (
    origin     text        NOT NULL CHECK (origin IN ('authz', 'device')),
    idx        bigint      NOT NULL CHECK (idx >= 0),
    id         uuid        NOT NULL UNIQUE,
    kind       text        NOT NULL,
    org        text        NOT NULL,
    tag        bytea       NOT NULL CHECK (octet_length(tag) = 16),
    seq        bigint      NOT NULL CHECK (seq > 0),
    prev       bigint      CHECK (prev >= 0 AND prev < idx),
    t_from     timestamptz NOT NULL,
    t_to       timestamptz NOT NULL,
    count      bigint      NOT NULL CHECK (count > 0),
    leaf       bytea       NOT NULL CHECK (octet_length(leaf) = 32),
    PRIMARY KEY (origin, idx),
    UNIQUE (origin, tag, seq),
    CHECK ((seq = 1) = (prev IS NULL))
);

-- How far the projection of each log is complete.
CREATE TABLE ledger_log (
    origin    text        PRIMARY KEY CHECK (origin IN ('authz', 'device')),
    name      text        NOT NULL,
    size      bigint      NOT NULL CHECK (size > 0),
    root      bytea       NOT NULL CHECK (octet_length(root) = 32),
    sealed_at timestamptz NOT NULL
);

-- Checkpoints that the organisations attest, with all that a receipt takes from them.
CREATE TABLE ledger_checkpoint (
    origin      text        NOT NULL CHECK (origin IN ('authz', 'device')),
    name        text        NOT NULL,
    size        bigint      NOT NULL CHECK (size > 0),
    root        bytea       NOT NULL CHECK (octet_length(root) = 32),
    note        bytea       NOT NULL,
    attestation bytea       NOT NULL,
    channel     text        NOT NULL,
    chaincode   text        NOT NULL,
    version     text        NOT NULL,
    tx_id       text        NOT NULL,
    block       bigint      NOT NULL CHECK (block >= 0),
    tx_index    bigint      NOT NULL CHECK (tx_index >= 0),
    anchored_at timestamptz NOT NULL,
    PRIMARY KEY (origin, size)
);

CREATE OR REPLACE VIEW ledger_state AS
    SELECT o.id,
           CASE WHEN e.id IS NULL THEN 'pending'
                WHEN e.idx < (SELECT max(c.size) FROM ledger_checkpoint c WHERE c.origin = e.origin) THEN 'anchored'
                ELSE 'sealed'
           END AS state
    FROM ledger_outbox o
    LEFT JOIN ledger_entry e ON e.id = o.id;
