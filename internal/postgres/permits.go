package postgres

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"plinth/ledger"
	"plinth/sensors/alarm"
)

// PutPermits implements alarm.PermitStore.
func (s *Alarms) PutPermits(ctx context.Context, ps []alarm.Permit, record func(alarm.Permit) ledger.Record) (added, changed int, err error) {
	err = s.db.InTx(ctx, func(tx pgx.Tx) error {
		added, changed = 0, 0
		for _, p := range ps {
			rec := record(p)
			var fresh bool
			err := tx.QueryRow(ctx, `
				INSERT INTO permit AS p (id, kind, site, street, t_from, t_to, issuer, revoked, record_id)
				VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
				ON CONFLICT (id) DO UPDATE SET kind = $2, site = $3, street = $4, t_from = $5, t_to = $6, issuer = $7, revoked = $8, record_id = $9
				WHERE (p.kind, p.site, p.street, p.t_from, p.t_to, p.issuer, p.revoked) IS DISTINCT FROM ($2, $3, $4, $5, $6, $7, $8)
				RETURNING xmax = 0`,
				p.ID, p.Kind, p.Site, p.Street, p.From, p.To, string(p.Issuer), p.Revoked, rec.ID).Scan(&fresh)
			switch {
			case err == pgx.ErrNoRows:
				continue
			case err != nil:
				return fmt.Errorf("put permit: %w", err)
			case fresh:
				added++
			default:
				changed++
			}
			if err := s.db.AppendRecord(ctx, tx, rec); err != nil {
				return err
			}
		}
		return nil
	})
	return added, changed, err
}

// Permits implements alarm.PermitStore.
func (s *Alarms) Permits(ctx context.Context, f alarm.PermitFilter) ([]alarm.Permit, int, error) {
	const where = ` FROM permit WHERE ($1 = '' OR kind = $1) AND ($2 = '' OR site = $2)
		AND ($3::timestamptz IS NULL OR NOT revoked AND t_from <= $3 AND $3 < t_to)`
	args := []any{f.Kind, f.Site, ended(f.At)}
	var total int
	if err := s.db.QueryRow(ctx, `SELECT count(*)`+where, args...).Scan(&total); err != nil {
		return nil, 0, translate(err)
	}
	rows, err := s.db.Query(ctx, `SELECT id, kind, site, street, t_from, t_to, issuer, revoked`+where+`
		ORDER BY t_to DESC, id LIMIT $4 OFFSET $5`, append(args, f.Limit, f.Offset)...)
	if err != nil {
		return nil, 0, translate(err)
	}
	out, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (p alarm.Permit, err error) {
		err = row.Scan(&p.ID, &p.Kind, &p.Site, &p.Street, &p.From, &p.To, &p.Issuer, &p.Revoked)
		p.From, p.To = p.From.UTC(), p.To.UTC()
		return p, err
	})
	return out, total, translate(err)
}
