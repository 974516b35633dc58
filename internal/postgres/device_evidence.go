package postgres

import (
	"context"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"plinth/ledger"
	"plinth/ledger/sequencer"
)

var _ sequencer.DeviceStore = (*Ledger)(nil)

// longestWindow is more than any segment's window lasts: the table of devices allows 31 days.
const longestWindow = 32 * 24 * time.Hour

// Segments implements sequencer.DeviceStore.
func (l *Ledger) Segments(ctx context.Context, device string, from, to time.Time, limit int) ([]sequencer.SegmentState, error) {
	rows, err := l.db.Query(ctx, `
		SELECT s.record_id, s.t_from, s.t_to, s.count, s.root, s.supersedes, coalesce(e.seq, 0), coalesce(e.idx, 0),
			CASE WHEN e.id IS NULL THEN 'pending' WHEN e.idx < a.size THEN 'anchored' ELSE 'sealed' END
		FROM segment s
		LEFT JOIN ledger_entry e ON e.id = s.record_id
		CROSS JOIN (SELECT coalesce(max(size), 0) AS size FROM ledger_checkpoint WHERE origin = 'device') a
		WHERE s.device = $1 AND s.t_from < $3 AND s.t_to > $2 AND s.t_from > $4
		ORDER BY s.seq LIMIT $5`, device, from.UTC(), to.UTC(), from.UTC().Add(-longestWindow), limit)
	if err != nil {
		return nil, translate(err)
	}
	out, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (s sequencer.SegmentState, err error) {
		var count, seq int64
		var root []byte
		var supersedes uuid.NullUUID
		err = row.Scan(&s.Record, &s.From, &s.To, &count, &root, &supersedes, &seq, &s.Index, &s.State)
		s.From, s.To, s.Count, s.Seq, s.Supersedes = s.From.UTC(), s.To.UTC(), uint64(count), uint64(seq), supersedes.UUID
		copy(s.Root[:], root)
		return s, err
	})
	return out, translate(err)
}

// Chain implements sequencer.DeviceStore.
func (l *Ledger) Chain(ctx context.Context, o ledger.Origin, subject ledger.Tag, first uint64, size int64, limit int) ([]sequencer.Link, error) {
	rows, err := l.db.Query(ctx, `
		SELECT seq, idx, id FROM ledger_entry WHERE origin = $1 AND tag = $2 AND seq >= $3 AND idx < $4 ORDER BY seq LIMIT $5`,
		string(o), subject[:], int64(first), size, limit)
	if err != nil {
		return nil, translate(err)
	}
	out, err := pgx.CollectRows(rows, pgx.RowToStructByPos[sequencer.Link])
	return out, translate(err)
}
