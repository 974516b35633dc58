package postgres

import (
	"context"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"plinth/ledger"
)

// AppendRecord writes r into the outbox of the log, in the transaction of the fact it records. A record whose ID is
// there already is left as it is.
func AppendRecord(ctx context.Context, tx pgx.Tx, r ledger.Record) error {
	if err := r.Validate(); err != nil {
		return err
	}
	if r.Payload == nil {
		r.Payload = []byte{}
	}
	if r.Inputs == nil {
		r.Inputs = []uuid.UUID{}
	}
	_, err := tx.Exec(ctx, `
		INSERT INTO ledger_outbox (id, origin, kind, org, subject, t_from, t_to, count, payload, relation, inputs, supersedes)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
		ON CONFLICT (id) DO NOTHING`,
		r.ID, string(r.Origin), r.Kind, r.Org, r.Subject, r.From.UTC(), r.To.UTC(), int64(r.Count), r.Payload,
		string(r.Relation), r.Inputs, uuid.NullUUID{UUID: r.Supersedes, Valid: r.Supersedes != uuid.Nil})
	if err != nil {
		return fmt.Errorf("append record %s: %w", r.Kind, err)
	}
	return nil
}
