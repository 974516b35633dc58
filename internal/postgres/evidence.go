package postgres

import (
	"context"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"golang.org/x/mod/sumdb/tlog"

	"plinth/ledger"
	"plinth/ledger/sequencer"
)

// listed joins each record with its entry, the checkpoint that its receipt uses, and the key of its payload.
const listed = `
	FROM ledger_outbox o
	LEFT JOIN ledger_entry e ON e.id = o.id
	LEFT JOIN LATERAL (
		SELECT size, tx_id, block FROM ledger_checkpoint
		WHERE origin = e.origin AND size > e.idx
		ORDER BY size LIMIT 1
	) c ON true
	LEFT JOIN subject_key k ON k.subject = o.subject AND k.epoch = o.key_epoch
	WHERE ($1 = '' OR o.origin = $1) AND ($2 = '' OR o.kind = $2) AND ($3 = '' OR o.subject = $3)
		AND ($4 = '' OR $4 = CASE WHEN e.id IS NULL THEN 'pending' WHEN c.size IS NULL THEN 'sealed' ELSE 'anchored' END)
		AND ($5 = '' OR o.org = $5) AND ($6 = '' OR o.case_id = $6) AND ($7::uuid IS NULL OR o.id = $7)
		AND ($8::timestamptz IS NULL OR o.t_to >= $8) AND ($9::timestamptz IS NULL OR o.t_to < $9)`

// listedArgs are the parameters of listed, before those of the statement that it is part of.
func listedArgs(f sequencer.Filter, more ...any) []any {
	id := uuid.NullUUID{UUID: f.ID, Valid: f.ID != uuid.Nil}
	return append([]any{string(f.Origin), f.Kind, f.Subject, string(f.State), f.Org, f.Case, id, orNull(f.From), orNull(f.To)}, more...)
}

// orNull is NULL for the zero time.
func orNull(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

const listedColumns = `o.n, o.id, o.origin, o.kind, o.org, o.subject, o.case_id, o.t_to, coalesce(e.idx, 0), coalesce(e.seq, 0),
	e.leaf, coalesce(c.size, 0), coalesce(c.tx_id, ''), coalesce(c.block, 0), k.erased_by`

func scanListed(row pgx.CollectableRow) (sequencer.Listed, error) {
	var r sequencer.Listed
	var leaf []byte
	err := row.Scan(&r.N, &r.ID, &r.Origin, &r.Kind, &r.Org, &r.Subject, &r.Case, &r.At, &r.Index, &r.Seq, &leaf, &r.Size,
		&r.TxID, &r.Block, &r.ErasedBy)
	if err != nil {
		return r, err
	}
	switch {
	case leaf == nil:
		r.State = sequencer.StatePending
	case r.Size == 0:
		r.State = sequencer.StateSealed
	default:
		r.State = sequencer.StateAnchored
	}
	if leaf != nil {
		r.Leaf = tlog.Hash(leaf)
	}
	return r, nil
}

// List returns the newest records before a place in the outbox; before 0 means from the newest on.
func (l *Ledger) List(ctx context.Context, f sequencer.Filter, before int64, limit int) ([]sequencer.Listed, error) {
	rows, err := l.db.Query(ctx, `SELECT `+listedColumns+listed+` AND ($10 = 0 OR o.n < $10) ORDER BY o.n DESC LIMIT $11`,
		listedArgs(f, before, limit)...)
	if err != nil {
		return nil, translate(err)
	}
	records, err := pgx.CollectRows(rows, scanListed)
	return records, translate(err)
}

// CountLimit is where counting records stops: beyond it a page's total says only "at least".
const CountLimit = 10_000

// Count returns how many records the filter chooses, at most CountLimit.
func (l *Ledger) Count(ctx context.Context, f sequencer.Filter) (n int64, err error) {
	err = l.db.QueryRow(ctx, `SELECT count(*) FROM (SELECT 1 `+listed+` LIMIT $10) x`,
		listedArgs(f, CountLimit)...).Scan(&n)
	return n, translate(err)
}

// Get returns one record as lists show it.
func (l *Ledger) Get(ctx context.Context, id uuid.UUID) (sequencer.Listed, error) {
	rows, err := l.db.Query(ctx, `SELECT `+listedColumns+listed, listedArgs(sequencer.Filter{ID: id})...)
	if err != nil {
		return sequencer.Listed{}, translate(err)
	}
	r, err := pgx.CollectExactlyOneRow(rows, scanListed)
	return r, translate(err)
}

// ByCode returns the record that a short code stands for, once it is sealed.
func (l *Ledger) ByCode(ctx context.Context, code string) (uuid.UUID, error) {
	b, err := ledger.ShortCodeBytes(code)
	if err != nil {
		return uuid.Nil, err
	}
	var id uuid.UUID
	err = l.db.QueryRow(ctx, `
		SELECT id FROM ledger_entry WHERE substring(sha256(uuid_send(id)) FROM 1 FOR 10) = $1
		ORDER BY origin, idx LIMIT 1`, b).Scan(&id)
	return id, translate(err)
}

// Logs returns the state of every log.
func (l *Ledger) Logs(ctx context.Context) ([]sequencer.LogState, error) {
	var out []sequencer.LogState
	for _, o := range sequencer.Origins {
		s := sequencer.LogState{Origin: o}
		var err error
		if s.Sealed, err = l.Projected(ctx, o); err != nil {
			return nil, err
		}
		var at, oldest *time.Time
		if err := l.db.QueryRow(ctx, logState, string(o)).
			Scan(&s.Pending, &s.Anchored, &s.TxID, &s.Block, &at, &oldest); err != nil {
			return nil, translate(err)
		}
		if at != nil {
			s.At = at.UTC()
		}
		if oldest != nil {
			s.Oldest = oldest.UTC()
		}
		out = append(out, s)
	}
	return out, nil
}

// logState finds the newest anchor of a log and what is behind it: the first entry after it, and the first in the queue.
const logState = `
	WITH newest AS (
		SELECT coalesce(max(c.size), 0) AS size, coalesce(max(c.tx_id), '') AS tx_id, coalesce(max(c.block), 0) AS block,
			max(c.anchored_at) AS at
		FROM (SELECT size, tx_id, block, anchored_at FROM ledger_checkpoint WHERE origin = $1 ORDER BY size DESC LIMIT 1) c
	)
	SELECT (SELECT count(*) FROM ledger_pending WHERE origin = $1), size, tx_id, block, at, least(
		(SELECT o.created_at FROM ledger_pending p JOIN ledger_outbox o ON o.id = p.id WHERE p.origin = $1 ORDER BY p.n LIMIT 1),
		(SELECT o.created_at FROM ledger_entry e JOIN ledger_outbox o ON o.id = e.id WHERE e.origin = $1 AND e.idx = newest.size))
	FROM newest`

// RecentAnchors returns the newest attested checkpoints of a log, newest first, without note and attestation.
func (l *Ledger) RecentAnchors(ctx context.Context, o ledger.Origin, limit int) ([]sequencer.Anchor, error) {
	rows, err := l.db.Query(ctx, `
		SELECT size, root, tx_id, block, anchored_at FROM ledger_checkpoint WHERE origin = $1 ORDER BY size DESC LIMIT $2`,
		string(o), limit)
	if err != nil {
		return nil, translate(err)
	}
	all, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (a sequencer.Anchor, err error) {
		var root []byte
		err = row.Scan(&a.Size, &root, &a.Place.TxID, &a.Place.Block, &a.At)
		if err == nil {
			a.Root, a.At = tlog.Hash(root), a.At.UTC()
		}
		return a, err
	})
	return all, translate(err)
}
