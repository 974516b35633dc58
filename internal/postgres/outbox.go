package postgres

import (
	"context"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"plinth/ledger"
)

// AppendRecord writes r into the outbox of the log, in the transaction of the fact it records. A record whose ID is
// there already is left as it is. The records of one case are numbered in the order in which they commit: the first one
// of a transaction holds the case until it ends.
func (db *DB) AppendRecord(ctx context.Context, tx pgx.Tx, r ledger.Record) error {
	if err := r.Validate(); err != nil {
		return err
	}
	if r.Payload == nil {
		r.Payload = []byte{}
	}
	if r.Inputs == nil {
		r.Inputs = []uuid.UUID{}
	}
	if err := lockCase(ctx, tx, r.Case); err != nil {
		return err
	}
	payload, epoch, err := db.encrypt(ctx, tx, r)
	if err != nil {
		return fmt.Errorf("append record %s: %w", r.Kind, err)
	}
	_, err = tx.Exec(ctx, `
		INSERT INTO ledger_outbox (id, origin, kind, org, subject, t_from, t_to, count, payload, relation, inputs, supersedes,
			case_id, key_epoch)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)
		ON CONFLICT (id) DO NOTHING`,
		r.ID, string(r.Origin), r.Kind, r.Org, r.Subject, r.From.UTC(), r.To.UTC(), int64(r.Count), payload,
		string(r.Relation), r.Inputs, uuid.NullUUID{UUID: r.Supersedes, Valid: r.Supersedes != uuid.Nil}, r.Case, epoch)
	if err != nil {
		return fmt.Errorf("append record %s: %w", r.Kind, err)
	}
	return nil
}

// lockCase makes transactions that add to one case wait for each other. Who reads something on which its step depends,
// such as whether a grant is still valid, takes the lock before it reads.
func lockCase(ctx context.Context, tx pgx.Tx, id string) error {
	if id == "" {
		return nil
	}
	if _, err := tx.Exec(ctx, `SELECT pg_advisory_xact_lock(7164652, hashtext($1))`, id); err != nil {
		return fmt.Errorf("lock case: %w", err)
	}
	return nil
}
