-- +goose Up

-- What records were made of, both ways: a projection of the logs' entries like ledger_entry. An entry with too many
-- inputs holds only their root; the inputs then come from the record, and are taken if they have that root.
CREATE TABLE ledger_edge (
    record uuid NOT NULL,
    input  uuid NOT NULL,
    kind   text NOT NULL CHECK (kind IN ('input', 'supersedes')),
    PRIMARY KEY (record, input, kind)
);
CREATE INDEX ledger_edge_input ON ledger_edge (input);

INSERT INTO ledger_edge (record, input, kind)
SELECT DISTINCT e.id, i, 'input' FROM ledger_entry e JOIN ledger_outbox o ON o.id = e.id CROSS JOIN unnest(o.inputs) AS i
UNION
SELECT e.id, o.supersedes, 'supersedes' FROM ledger_entry e JOIN ledger_outbox o ON o.id = e.id WHERE o.supersedes IS NOT NULL;
