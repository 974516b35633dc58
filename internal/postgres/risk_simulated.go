package postgres

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"plinth/security"
)

// SimulatePast tells the risk rules what simulated consumers did on days before now, so that they have a habit. It is
// for the simulated district alone. The days are marked as simulated by the table they lie in; no decision is made up
// for them. A day on which the consumer really used data, and one that was told before, is left as it is.
func (s *Risk) SimulatePast(ctx context.Context, past []security.Use) error {
	return s.db.InTx(ctx, func(tx pgx.Tx) error {
		for _, u := range past {
			_, err := tx.Exec(ctx, `
				INSERT INTO risk_simulated_use (consumer, department, dataset, day, rows, queries)
				SELECT $1::text, $2::text, $3::text, $4::date, $5::bigint, $6::bigint
				WHERE NOT EXISTS (SELECT FROM policy_decision WHERE subject = $1 AND day = $4::date)
				ON CONFLICT DO NOTHING`, u.Consumer, u.Department, u.Dataset, u.Day, u.Rows, u.Queries)
			if err != nil {
				return fmt.Errorf("simulate %s's %s: %w", u.Consumer, u.Day, err)
			}
		}
		return nil
	})
}
