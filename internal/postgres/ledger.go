package postgres

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"golang.org/x/mod/sumdb/tlog"

	"plinth/ledger"
	"plinth/ledger/sequencer"
)

// Ledger keeps the sequencer's side of the logs: the outbox's queue, the projection, and attested checkpoints.
type Ledger struct{ db *DB }

// NewLedger returns the ledger's store in db.
func NewLedger(db *DB) *Ledger { return &Ledger{db} }

var _ sequencer.Store = (*Ledger)(nil)

const recordColumns = `o.id, o.origin, o.kind, o.org, o.subject, o.t_from, o.t_to, o.count, o.payload, o.relation,
	o.inputs, o.supersedes, o.case_id, o.key_epoch,
	(SELECT k.key FROM subject_key k WHERE k.subject = o.subject AND k.epoch = o.key_epoch)`

// scanRecord reads a record and opens its payload.
func (db *DB) scanRecord(row pgx.CollectableRow) (ledger.Record, error) {
	var r ledger.Record
	var count int64
	var epoch int
	var key []byte
	var supersedes uuid.NullUUID
	err := row.Scan(&r.ID, &r.Origin, &r.Kind, &r.Org, &r.Subject, &r.From, &r.To, &count, &r.Payload, &r.Relation,
		&r.Inputs, &supersedes, &r.Case, &epoch, &key)
	r.Count, r.Supersedes = uint64(count), supersedes.UUID
	r.From, r.To = r.From.UTC(), r.To.UTC()
	if len(r.Inputs) == 0 {
		r.Inputs = nil
	}
	if err == nil {
		err = db.decrypt(&r, epoch, key)
	}
	return r, err
}

// Pending returns the oldest records that are not projected.
func (l *Ledger) Pending(ctx context.Context, o ledger.Origin, limit int) ([]ledger.Record, error) {
	rows, err := l.db.Query(ctx, `
		SELECT `+recordColumns+`
		FROM ledger_pending p
		JOIN ledger_outbox o ON o.id = p.id
		WHERE p.origin = $1 AND NOT EXISTS (SELECT FROM ledger_entry e WHERE e.id = p.id)
		ORDER BY p.n
		LIMIT $2`, string(o), limit)
	if err != nil {
		return nil, translate(err)
	}
	records, err := pgx.CollectRows(rows, l.db.scanRecord)
	return records, translate(err)
}

// Projected returns the checkpoint up to which ledger_entry is complete.
func (l *Ledger) Projected(ctx context.Context, o ledger.Origin) (ledger.Checkpoint, error) {
	var c ledger.Checkpoint
	var root []byte
	err := l.db.QueryRow(ctx, `SELECT name, size, root FROM ledger_log WHERE origin = $1`, string(o)).
		Scan(&c.Origin, &c.Size, &root)
	if errors.Is(err, pgx.ErrNoRows) {
		return ledger.Checkpoint{}, nil
	}
	if err != nil {
		return ledger.Checkpoint{}, translate(err)
	}
	c.Root = tlog.Hash(root)
	return c, nil
}

// Tails returns the newest entry of each subject.
func (l *Ledger) Tails(ctx context.Context, o ledger.Origin, subjects []ledger.Tag) (map[ledger.Tag]sequencer.Tail, error) {
	out := map[ledger.Tag]sequencer.Tail{}
	var tags [][]byte
	for _, t := range subjects {
		if _, seen := out[t]; !seen {
			out[t] = sequencer.Tail{}
			tags = append(tags, t[:])
		}
	}
	rows, err := l.db.Query(ctx, `
		SELECT t.tag, e.seq, e.idx
		FROM unnest($2::bytea[]) AS t (tag)
		CROSS JOIN LATERAL (
			SELECT seq, idx FROM ledger_entry WHERE origin = $1 AND tag = t.tag ORDER BY seq DESC LIMIT 1
		) e`, string(o), tags)
	if err != nil {
		return nil, translate(err)
	}
	var tag []byte
	var tail sequencer.Tail
	_, err = pgx.ForEachRow(rows, []any{&tag, &tail.Seq, &tail.Index}, func() error {
		out[ledger.Tag(tag)] = tail
		return nil
	})
	return out, translate(err)
}

// Project adds entries and takes their records out of the queue.
func (l *Ledger) Project(ctx context.Context, o ledger.Origin, to ledger.Checkpoint, at time.Time, rows []sequencer.Row) error {
	return l.db.InTx(ctx, func(tx pgx.Tx) error {
		rows, err := unprojected(ctx, tx, o, rows)
		if err != nil || len(rows) == 0 {
			return err
		}
		if err := copyEntries(ctx, tx, o, rows); err != nil {
			return fmt.Errorf("write entries: %w", err)
		}
		if err := copyEdges(ctx, tx, rows); err != nil {
			return fmt.Errorf("write edges: %w", err)
		}
		if err := queueSteps(ctx, tx, o, rows); err != nil {
			return fmt.Errorf("queue steps: %w", err)
		}
		ids := make([]uuid.UUID, len(rows))
		for i, r := range rows {
			ids[i] = r.ID
		}
		if _, err := tx.Exec(ctx, `DELETE FROM ledger_pending WHERE id = ANY($1)`, ids); err != nil {
			return fmt.Errorf("empty the queue: %w", err)
		}
		_, err = tx.Exec(ctx, `
			INSERT INTO ledger_log (origin, name, size, root, sealed_at) VALUES ($1, $2, $3, $4, $5)
			ON CONFLICT (origin) DO UPDATE SET name = $2, size = $3, root = $4, sealed_at = $5`,
			string(o), to.Origin, to.Size, to.Root[:], at.UTC())
		return err
	})
}

// unprojected leaves out the rows that are there. They can be there when the process before this one was killed while
// the server was committing for it; the lock waits for that to end.
func unprojected(ctx context.Context, tx pgx.Tx, o ledger.Origin, rows []sequencer.Row) ([]sequencer.Row, error) {
	var size int64
	if _, err := tx.Exec(ctx, `SELECT pg_advisory_xact_lock(7164651, hashtext($1))`, string(o)); err != nil {
		return nil, fmt.Errorf("lock the projection: %w", err)
	}
	err := tx.QueryRow(ctx, `SELECT coalesce(max(size), 0) FROM ledger_log WHERE origin = $1`, string(o)).Scan(&size)
	return slices.DeleteFunc(slices.Clone(rows), func(r sequencer.Row) bool { return r.Index < size }), err
}

func copyEntries(ctx context.Context, tx pgx.Tx, o ledger.Origin, rows []sequencer.Row) error {
	_, err := tx.CopyFrom(ctx, pgx.Identifier{"ledger_entry"},
		[]string{"origin", "idx", "id", "kind", "org", "tag", "seq", "prev", "t_from", "t_to", "count", "leaf", "case_tag"},
		pgx.CopyFromSlice(len(rows), func(i int) ([]any, error) {
			r := rows[i]
			var prev *int64
			if r.Prev >= 0 {
				prev = &r.Prev
			}
			var in []byte
			if r.Case != (ledger.Tag{}) {
				in = r.Case[:]
			}
			return []any{string(o), r.Index, r.ID, r.Kind, r.Org, r.Tag[:], int64(r.Seq), prev, r.From, r.To,
				int64(r.Count), r.Leaf[:], in}, nil
		}))
	return err
}

const anchorColumns = `name, size, root, note, attestation, channel, chaincode, version, tx_id, block, tx_index, anchored_at`

func (l *Ledger) anchor(ctx context.Context, where string, args ...any) (sequencer.Anchor, error) {
	var a sequencer.Anchor
	var root, attestation []byte
	err := l.db.QueryRow(ctx, `SELECT `+anchorColumns+`, token
		FROM ledger_checkpoint
		LEFT JOIN ledger_timestamp USING (origin, size)
		WHERE `+where+`
		LIMIT 1`, args...).
		Scan(&a.Checkpoint.Origin, &a.Size, &root, &a.Note, &attestation, &a.Place.Channel, &a.Place.Chaincode,
			&a.Place.Version, &a.Place.TxID, &a.Place.Block, &a.Place.TxIndex, &a.At, &a.Timestamp)
	if err != nil {
		return sequencer.Anchor{}, translate(err)
	}
	a.Root, a.At = tlog.Hash(root), a.At.UTC()
	a.Attestation, err = ledger.ParseAttestation(attestation)
	return a, err
}

// Newest returns the newest attested checkpoint.
func (l *Ledger) Newest(ctx context.Context, o ledger.Origin) (sequencer.Anchor, error) {
	a, err := l.anchor(ctx, `origin = $1 ORDER BY size DESC`, string(o))
	if errors.Is(err, pgx.ErrNoRows) {
		return sequencer.Anchor{}, nil
	}
	return a, err
}

// Covering returns the oldest attested checkpoint above an index.
func (l *Ledger) Covering(ctx context.Context, o ledger.Origin, index int64) (sequencer.Anchor, error) {
	return l.anchor(ctx, `origin = $1 AND size > $2 ORDER BY size`, string(o), index)
}

// SaveAnchor keeps an attested checkpoint.
func (l *Ledger) SaveAnchor(ctx context.Context, o ledger.Origin, a sequencer.Anchor) error {
	attestation, err := a.Attestation.Encode()
	if err != nil {
		return err
	}
	return l.db.InTx(ctx, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, `
			INSERT INTO ledger_checkpoint (origin, `+anchorColumns+`)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
			ON CONFLICT (origin, size) DO NOTHING`,
			string(o), a.Checkpoint.Origin, a.Size, a.Root[:], a.Note, attestation, a.Place.Channel, a.Place.Chaincode,
			a.Place.Version, a.Place.TxID, int64(a.Place.Block), int64(a.Place.TxIndex), a.At.UTC()); err != nil {
			return err
		}
		return saveCertificates(ctx, tx, a.Attestation)
	})
}

// Locate returns a record's log and index.
func (l *Ledger) Locate(ctx context.Context, id uuid.UUID) (ledger.Origin, int64, error) {
	var o ledger.Origin
	var index int64
	err := l.db.QueryRow(ctx, `SELECT origin, idx FROM ledger_entry WHERE id = $1`, id).Scan(&o, &index)
	return o, index, translate(err)
}

// Record returns a record as it was written.
func (l *Ledger) Record(ctx context.Context, id uuid.UUID) (ledger.Record, error) {
	rows, err := l.db.Query(ctx, `SELECT `+recordColumns+` FROM ledger_outbox o WHERE o.id = $1`, id)
	if err != nil {
		return ledger.Record{}, translate(err)
	}
	r, err := pgx.CollectExactlyOneRow(rows, l.db.scanRecord)
	return r, translate(err)
}
