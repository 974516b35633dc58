package postgres

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"plinth"
	"plinth/ledger"
	"plinth/ledger/sequencer"
)

// Erase destroys a subject's key in one transaction with the record that tells of it. See sequencer.Eraser.
func (l *Ledger) Erase(ctx context.Context, e sequencer.Erasure, at time.Time) (id uuid.UUID, err error) {
	err = l.db.InTx(ctx, func(tx pgx.Tx) error {
		id = uuid.New()
		if err := lockSubject(ctx, tx, e.Subject, true); err != nil {
			return err
		}
		epoch, err := erasable(ctx, tx, e.Subject)
		if err != nil {
			return err
		}
		erased, err := erasedRecords(ctx, tx, e.Subject, epoch)
		if err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `
			UPDATE subject_key SET key = NULL, destroyed_at = $3, erased_by = $4 WHERE subject = $1 AND epoch = $2`,
			e.Subject, epoch, at, id); err != nil {
			return fmt.Errorf("destroy the key: %w", err)
		}
		return l.recordErasure(ctx, tx, e, id, epoch, at, erased)
	})
	if err != nil {
		return uuid.Nil, err
	}
	// The row's old version, which held the key, must not stay in the table's file. What the write-ahead log and
	// backups hold of it is wrapped under the master key and goes with them.
	if _, err := l.db.Exec(ctx, `VACUUM FULL subject_key`); err != nil {
		return id, fmt.Errorf("the key is destroyed, but its old row could not be cleared: %w", translate(err))
	}
	return id, nil
}

// erasable returns the epoch of the subject's live key, or why it cannot be destroyed now.
func erasable(ctx context.Context, tx pgx.Tx, subject string) (epoch int, err error) {
	var waiting, clear bool
	err = tx.QueryRow(ctx, `SELECT epoch FROM subject_key WHERE subject = $1 AND key IS NOT NULL`, subject).Scan(&epoch)
	if errors.Is(err, pgx.ErrNoRows) {
		return 0, plinth.Errorf(plinth.ErrNotFound, "there is nothing of this subject to erase")
	}
	if err != nil {
		return 0, err
	}
	err = tx.QueryRow(ctx, `
		SELECT EXISTS (SELECT FROM ledger_outbox o JOIN ledger_pending p ON p.id = o.id WHERE o.origin IN ('authz', 'device') AND o.subject = $1),
			EXISTS (SELECT FROM ledger_outbox WHERE origin IN ('authz', 'device') AND subject = $1 AND key_epoch = 0)`, subject).
		Scan(&waiting, &clear)
	switch {
	case err != nil:
		return 0, err
	case clear:
		return 0, plinth.Errorf(plinth.ErrInvalid, "the subject has records from before payloads were encrypted; they cannot be shredded")
	case waiting:
		return 0, plinth.Errorf(plinth.ErrConflict, "%w", sequencer.ErrErasureWaits)
	}
	return epoch, nil
}

// erasedRecords are the newest records whose payloads go with the key, as many as a record may name.
func erasedRecords(ctx context.Context, tx pgx.Tx, subject string, epoch int) ([]uuid.UUID, error) {
	rows, err := tx.Query(ctx, `
		SELECT id FROM ledger_outbox WHERE origin IN ('authz', 'device') AND subject = $1 AND key_epoch = $2
		ORDER BY n DESC LIMIT $3`, subject, epoch, ledger.MaxInputs)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
}

// recordErasure writes the record, under the subject's next key, and lets the chain note what was shredded.
func (l *Ledger) recordErasure(ctx context.Context, tx pgx.Tx, e sequencer.Erasure, id uuid.UUID, epoch int, at time.Time, erased []uuid.UUID) error {
	payload, err := json.Marshal(struct {
		Subject string    `json:"subject"`
		Epoch   int       `json:"epoch"`
		Reason  string    `json:"reason"`
		By      string    `json:"by"`
		At      time.Time `json:"at"`
	}{e.Subject, epoch, e.Reason, e.By, at.UTC()})
	if err != nil {
		return err
	}
	if err := l.db.AppendRecord(ctx, tx, ledger.Record{ID: id, Origin: ledger.Authz, Kind: "subject.erased", Org: e.Org,
		Subject: e.Subject, From: at, To: at, Count: 1, Payload: payload, Relation: ledger.Invalidated, Inputs: erased}); err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `
		INSERT INTO ledger_mark (record_id, mark, by_record) SELECT r, 'redacted', $2 FROM unnest($1::uuid[]) AS r`, erased, id)
	return err
}
