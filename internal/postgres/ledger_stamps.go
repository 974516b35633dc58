package postgres

import (
	"context"
	"crypto/sha256"
	"time"

	"github.com/jackc/pgx/v5"

	"plinth/ledger"
	"plinth/ledger/sequencer"
)

// Unstamped returns the newest attested checkpoint of a log that has no time-stamp token.
func (l *Ledger) Unstamped(ctx context.Context, o ledger.Origin) (sequencer.Anchor, error) {
	return l.anchor(ctx, `origin = $1 AND token IS NULL ORDER BY size DESC`, string(o))
}

// SaveTimestamp keeps a checkpoint's token; the first one stays.
func (l *Ledger) SaveTimestamp(ctx context.Context, o ledger.Origin, size int64, token []byte, at time.Time) error {
	_, err := l.db.Exec(ctx, `
		INSERT INTO ledger_timestamp (origin, size, token, stamped_at) VALUES ($1, $2, $3, $4)
		ON CONFLICT (origin, size) DO NOTHING`, string(o), size, token, at.UTC())
	return translate(err)
}

// Certificates returns the peers' certificates of all attestations, in DER, in the order of their organisations.
func (l *Ledger) Certificates(ctx context.Context) ([][]byte, error) {
	rows, err := l.db.Query(ctx, `SELECT der FROM ledger_certificate ORDER BY msp, sha256`)
	if err != nil {
		return nil, translate(err)
	}
	all, err := pgx.CollectRows(rows, pgx.RowTo[[]byte])
	return all, translate(err)
}

// saveCertificates keeps the certificates of an attestation.
func saveCertificates(ctx context.Context, tx pgx.Tx, a ledger.Attestation) error {
	for _, e := range a.Endorsements {
		sum := sha256.Sum256(e.Certificate)
		if _, err := tx.Exec(ctx, `
			INSERT INTO ledger_certificate (sha256, msp, der) VALUES ($1, $2, $3)
			ON CONFLICT (sha256) DO NOTHING`, sum[:], e.MSP, e.Certificate); err != nil {
			return err
		}
	}
	return nil
}
