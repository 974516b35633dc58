package postgres

import (
	"context"

	"github.com/jackc/pgx/v5"
	"golang.org/x/mod/sumdb/tlog"

	"plinth/ledger"
	"plinth/ledger/sequencer"
)

var _ sequencer.ExportStore = (*Ledger)(nil)

// Range returns the records of a log's entries from an index on, by index.
func (l *Ledger) Range(ctx context.Context, o ledger.Origin, first int64, limit int) ([]ledger.Record, error) {
	rows, err := l.db.Query(ctx, `
		SELECT `+recordColumns+`
		FROM ledger_entry e
		JOIN ledger_outbox o ON o.id = e.id
		WHERE e.origin = $1 AND e.idx >= $2
		ORDER BY e.idx
		LIMIT $3`, string(o), first, limit)
	if err != nil {
		return nil, translate(err)
	}
	records, err := pgx.CollectRows(rows, l.db.scanRecord)
	return records, translate(err)
}

// After returns the attested checkpoints above a size, by size.
func (l *Ledger) After(ctx context.Context, o ledger.Origin, size int64, limit int) ([]sequencer.Anchor, error) {
	rows, err := l.db.Query(ctx, `
		SELECT `+anchorColumns+` FROM ledger_checkpoint WHERE origin = $1 AND size > $2 ORDER BY size LIMIT $3`,
		string(o), size, limit)
	if err != nil {
		return nil, translate(err)
	}
	anchors, err := pgx.CollectRows(rows, scanAnchor)
	return anchors, translate(err)
}

func scanAnchor(row pgx.CollectableRow) (sequencer.Anchor, error) {
	var a sequencer.Anchor
	var root, attestation []byte
	err := row.Scan(&a.Checkpoint.Origin, &a.Size, &root, &a.Note, &attestation, &a.Place.Channel, &a.Place.Chaincode,
		&a.Place.Version, &a.Place.TxID, &a.Place.Block, &a.Place.TxIndex, &a.At)
	if err != nil {
		return a, err
	}
	a.Root, a.At = tlog.Hash(root), a.At.UTC()
	a.Attestation, err = ledger.ParseAttestation(attestation)
	return a, err
}

// Superseded tells whether a record of the same subject supersedes r.
func (l *Ledger) Superseded(ctx context.Context, r ledger.Record) (found bool, err error) {
	err = l.db.QueryRow(ctx, `SELECT EXISTS (SELECT FROM ledger_outbox WHERE origin = $1 AND subject = $2 AND supersedes = $3)`,
		string(r.Origin), r.Subject, r.ID).Scan(&found)
	return found, translate(err)
}
