package postgres

import (
	"context"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"golang.org/x/mod/sumdb/tlog"

	"plinth/ledger"
	"plinth/ledger/sequencer"
)

var _ sequencer.ProvenanceStore = (*Ledger)(nil)

// copyEdges writes what the entries were made of.
func copyEdges(ctx context.Context, tx pgx.Tx, rows []sequencer.Row) error {
	var records, inputs []uuid.UUID
	var kinds []string
	add := func(record, input uuid.UUID, kind string) {
		records, inputs, kinds = append(records, record), append(inputs, input), append(kinds, kind)
	}
	for _, r := range rows {
		made := r.Inputs
		if r.InputsRoot != (tlog.Hash{}) {
			var err error
			if made, err = rootedInputs(ctx, tx, r.Entry); err != nil {
				return err
			}
		}
		for _, id := range made {
			add(r.ID, id, "input")
		}
		if r.Supersedes != uuid.Nil {
			add(r.ID, r.Supersedes, "supersedes")
		}
	}
	if len(records) == 0 {
		return nil
	}
	_, err := tx.Exec(ctx, `
		INSERT INTO ledger_edge (record, input, kind) SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::text[])
		ON CONFLICT DO NOTHING`, records, inputs, kinds)
	return err
}

// rootedInputs reads the inputs of an entry that holds only their root. Others than those have no place in the picture.
func rootedInputs(ctx context.Context, tx pgx.Tx, e ledger.Entry) ([]uuid.UUID, error) {
	rows, err := tx.Query(ctx, `SELECT unnest(inputs) FROM ledger_outbox WHERE id = $1`, e.ID)
	if err != nil {
		return nil, fmt.Errorf("read inputs of %s: %w", e.ID, err)
	}
	ids, err := pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
	if err != nil {
		return nil, fmt.Errorf("read inputs of %s: %w", e.ID, err)
	}
	if ledger.InputsRoot(ids) != e.InputsRoot {
		return nil, nil
	}
	return ids, nil
}

// factColumns are a record's without its payload, which provenance does not look at.
const factColumns = `o.id, o.origin, o.kind, o.org, o.subject, o.t_from, o.t_to, o.count, ''::bytea, o.relation, o.inputs,
	o.supersedes`

func scanFact(row pgx.CollectableRow) (ledger.Record, error) {
	var r ledger.Record
	var count int64
	var supersedes uuid.NullUUID
	err := row.Scan(&r.ID, &r.Origin, &r.Kind, &r.Org, &r.Subject, &r.From, &r.To, &count, &r.Payload, &r.Relation, &r.Inputs, &supersedes)
	r.Count, r.Supersedes, r.Payload = uint64(count), supersedes.UUID, nil
	return r, err
}

// About implements sequencer.ProvenanceStore.
func (l *Ledger) About(ctx context.Context, subject string, limit int) ([]ledger.Record, error) {
	return l.facts(ctx, `
		SELECT `+factColumns+` FROM ledger_outbox o JOIN ledger_entry e ON e.id = o.id
		WHERE o.origin IN ('authz', 'device') AND o.subject = $1 ORDER BY o.n DESC LIMIT $2`, subject, limit)
}

// Linked implements sequencer.ProvenanceStore.
func (l *Ledger) Linked(ctx context.Context, ids []uuid.UUID, limit int) ([]ledger.Record, error) {
	return l.facts(ctx, `
		SELECT `+factColumns+` FROM ledger_outbox o JOIN ledger_entry e ON e.id = o.id
		WHERE o.id IN (SELECT input FROM ledger_edge WHERE record = ANY($1) UNION SELECT record FROM ledger_edge WHERE input = ANY($1))
			AND o.id <> ALL($1)
		ORDER BY o.n DESC LIMIT $2`, ids, limit)
}

func (l *Ledger) facts(ctx context.Context, sql string, args ...any) ([]ledger.Record, error) {
	rows, err := l.db.Query(ctx, sql, args...)
	if err != nil {
		return nil, translate(err)
	}
	out, err := pgx.CollectRows(rows, scanFact)
	return out, translate(err)
}

// registrations returns the records that published the datasets' revisions in force, for what uses those datasets; none
// for a dataset that was never published.
func registrations(ctx context.Context, tx pgx.Tx, datasets ...string) ([]uuid.UUID, error) {
	rows, err := tx.Query(ctx, `
		SELECT DISTINCT ON (r.dataset) r.record_id FROM dataset_revision r JOIN dataset d ON d.id = r.dataset
		WHERE r.dataset = ANY($1) AND r.number <= d.revision ORDER BY r.dataset, r.number DESC`, datasets)
	if err != nil {
		return nil, fmt.Errorf("read registrations: %w", err)
	}
	ids, err := pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
	if err != nil {
		return nil, fmt.Errorf("read registrations: %w", err)
	}
	return ids, nil
}
