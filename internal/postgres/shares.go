package postgres

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"plinth"
	"plinth/pipelines"
)

// Shares keeps which member of the ingest works which part. Each process has its own, which knows its member from another
// process of the same name.
type Shares struct {
	db      *DB
	process uuid.UUID
	claimed bool // the member's name was ours at the last call
}

var (
	_ pipelines.Shares  = (*Shares)(nil)
	_ pipelines.Reports = (*Shares)(nil)
)

// NewShares returns the shares of db.
func NewShares(db *DB) *Shares { return &Shares{db: db, process: uuid.New()} }

// shareLock is the advisory lock under which shares change, one member at a time.
const shareLock = 0x706c7368 // "plsh"

// Share renews the member's lease and deals the parts out anew. All times are the database's.
func (s *Shares) Share(ctx context.Context, member string, parts, working []string, ttl time.Duration) (held []string,
	alone bool, err error) {
	err = s.db.InTx(ctx, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, `SELECT pg_advisory_xact_lock($1)`, shareLock); err != nil {
			return err
		}
		if err := s.claim(ctx, tx, member); err != nil {
			return err
		}
		if parts, err = name(ctx, tx, parts); err != nil {
			return err
		}
		rank, members, err := renew(ctx, tx, member, ttl)
		if err != nil {
			return err
		}
		taken, err := leases(ctx, tx)
		if err != nil {
			return err
		}
		alone = members == 1
		held = deal(member, rank, members, parts, taken)
		return keep(ctx, tx, member, slices.Concat(held, ours(member, working, taken)), ttl)
	})
	s.claimed = s.claimed || err == nil
	return held, alone, err
}

// claim makes the member's name this process's. A process that starts takes it from one that ran before; one that runs
// already must not lose it, since the two would take the parts from each other for ever.
func (s *Shares) claim(ctx context.Context, tx pgx.Tx, member string) error {
	var holder uuid.UUID
	err := tx.QueryRow(ctx, `SELECT process FROM ingest_member WHERE id = $1`, member).Scan(&holder)
	switch {
	case err == nil && s.claimed && holder != s.process:
		return plinth.Errorf(plinth.ErrConflict, "another process takes in messages under the name %s; give each its own", member)
	case err != nil && !errors.Is(err, pgx.ErrNoRows):
		return err
	}
	_, err = tx.Exec(ctx, `
		INSERT INTO ingest_member (id, process, seen) VALUES ($1, $2, clock_timestamp())
		ON CONFLICT (id) DO UPDATE SET process = excluded.process, seen = excluded.seen`, member, s.process)
	return err
}

// renew forgets members that are dead and leases that have ended, and returns the member's place among the rest.
func renew(ctx context.Context, tx pgx.Tx, member string, ttl time.Duration) (rank, members int, err error) {
	if _, err := tx.Exec(ctx, `DELETE FROM ingest_member WHERE seen < clock_timestamp() - $1::interval`, ttl); err != nil {
		return 0, 0, err
	}
	if _, err := tx.Exec(ctx, `DELETE FROM ingest_share WHERE until < clock_timestamp()`); err != nil {
		return 0, 0, err
	}
	err = tx.QueryRow(ctx, `
		SELECT count(*) FILTER (WHERE id COLLATE "C" < $1 COLLATE "C"), count(*) FROM ingest_member`, member).
		Scan(&rank, &members)
	return rank, members, err
}

// name adds parts to those that any member has named, and returns all of these.
func name(ctx context.Context, tx pgx.Tx, parts []string) ([]string, error) {
	rows, err := tx.Query(ctx, `
		WITH added AS (
			INSERT INTO ingest_part (part) SELECT unnest($1::text[]) ON CONFLICT DO NOTHING RETURNING part)
		SELECT part FROM ingest_part UNION SELECT part FROM added`, parts)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[string])
}

// leases are the members that hold parts now, by part.
func leases(ctx context.Context, tx pgx.Tx) (map[string]string, error) {
	rows, err := tx.Query(ctx, `SELECT part, member FROM ingest_share`)
	if err != nil {
		return nil, err
	}
	taken := map[string]string{}
	var part, holder string
	_, err = pgx.ForEachRow(rows, []any{&part, &holder}, func() error {
		taken[part] = holder
		return nil
	})
	return taken, err
}

// deal returns the parts that the member should work: what it has, up to its quota, then free ones in order.
func deal(member string, rank, members int, parts []string, taken map[string]string) []string {
	quota := len(parts) / members
	if rank < len(parts)%members {
		quota++
	}
	var mine, free []string
	for _, p := range slices.Sorted(slices.Values(parts)) {
		switch taken[p] {
		case member:
			mine = append(mine, p)
		case "":
			free = append(free, p)
		}
	}
	all := append(mine, free...)
	return all[:min(quota, len(all))]
}

// ours are the parts of working that are leased to the member.
func ours(member string, working []string, taken map[string]string) []string {
	return slices.DeleteFunc(slices.Clone(working), func(p string) bool { return taken[p] != member })
}

// keep makes parts the member's leases, and no others.
func keep(ctx context.Context, tx pgx.Tx, member string, parts []string, ttl time.Duration) error {
	if _, err := tx.Exec(ctx, `DELETE FROM ingest_share WHERE member = $1 AND part <> ALL ($2)`, member, parts); err != nil {
		return err
	}
	slices.Sort(parts)
	_, err := tx.Exec(ctx, `
		INSERT INTO ingest_share (part, member, until)
		SELECT p, $1, clock_timestamp() + $3::interval FROM unnest($2::text[]) AS p
		ON CONFLICT (part) DO UPDATE SET until = excluded.until`, member, slices.Compact(parts), ttl)
	return err
}

// Opened notes that the broker keeps a part's messages under a session's name.
func (s *Shares) Opened(ctx context.Context, part, session string) error {
	_, err := s.db.Exec(ctx, `
		INSERT INTO ingest_part (part, session) VALUES ($1, $2)
		ON CONFLICT (part) DO UPDATE SET session = excluded.session WHERE ingest_part.session <> excluded.session`, part, session)
	return translate(err)
}

// Unopened returns those of parts whose messages the broker does not keep yet under a session's name.
func (s *Shares) Unopened(ctx context.Context, parts []string, session string) ([]string, error) {
	rows, err := s.db.Query(ctx, `
		SELECT p FROM unnest($1::text[]) AS p WHERE NOT EXISTS (SELECT FROM ingest_part WHERE part = p AND session = $2)`, parts, session)
	if err != nil {
		return nil, translate(err)
	}
	unopened, err := pgx.CollectRows(rows, pgx.RowTo[string])
	return unopened, translate(err)
}

// Report tells the other members what this one has counted since it began, in place of what it said before.
func (s *Shares) Report(ctx context.Context, member string, counts []pipelines.Counts) error {
	_, err := s.db.Exec(ctx, `UPDATE ingest_member SET counts = $3 WHERE id = $1 AND process = $2`, member, s.process, counts)
	return translate(err)
}

// Reported implements pipelines.Reports: what processes other than this one have counted.
func (s *Shares) Reported(ctx context.Context) (map[string][]pipelines.Counts, error) {
	rows, err := s.db.Query(ctx, `SELECT process::text, counts FROM ingest_member WHERE process <> $1`, s.process)
	if err != nil {
		return nil, translate(err)
	}
	out := map[string][]pipelines.Counts{}
	var process string
	var counts []pipelines.Counts
	_, err = pgx.ForEachRow(rows, []any{&process, &counts}, func() error {
		out[process], counts = counts, nil
		return nil
	})
	return out, translate(err)
}

// Leave gives the member's parts back.
func (s *Shares) Leave(ctx context.Context, member string) error {
	_, err := s.db.Exec(ctx, `DELETE FROM ingest_member WHERE id = $1 AND process = $2`, member, s.process)
	return translate(err)
}
