package postgres

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"plinth"
	"plinth/catalog"
	"plinth/ledger"
)

// OpenEntries implements catalog.ListKeeper.
func (s *Catalog) OpenEntries(ctx context.Context, now time.Time) ([]catalog.Entry, error) {
	all, err := openEntries(ctx, s.db, now)
	return all, translate(err)
}

func openEntries(ctx context.Context, q querier, now time.Time) ([]catalog.Entry, error) {
	rows, err := q.Query(ctx, `
		SELECT d.code, d.id, d.revision, i.content, a.name_zh, a.name_en, d.registered_at, d.valid_until
		FROM dataset d JOIN dataset_index i ON i.dataset = d.id AND i.published JOIN agent a ON a.id = i.publisher
		WHERE d.state = 'registered' AND d.valid_until > $1 AND i.openness IN ('unconditional', 'conditional')
		ORDER BY d.code COLLATE "C"`, now)
	if err != nil {
		return nil, fmt.Errorf("read open datasets: %w", err)
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (e catalog.Entry, err error) {
		var c catalog.Content
		err = row.Scan(&e.Code, &e.Dataset, &e.Revision, &c, &e.PublisherName.ZH, &e.PublisherName.EN, &e.RegisteredAt, &e.ValidUntil)
		e.Fill(c)
		e.RegisteredAt, e.ValidUntil = e.RegisteredAt.UTC(), e.ValidUntil.UTC()
		return e, err
	})
}

const selectOpenList = `
	SELECT l.number, l.published_at, l.actor, l.actor_name, l.note, l.entry_count, l.sha256, l.added, l.removed, l.changed,
		l.record_id::text, coalesce(s.state, 'pending'), `

func scanOpenList(l *catalog.OpenList, more ...any) []any {
	return append([]any{&l.Number, &l.PublishedAt, &l.By, &l.ByName, &l.Note, &l.Count, &l.SHA256, &l.Added, &l.Removed, &l.Changed,
		&l.Record, &l.Evidence}, more...)
}

// OpenList implements catalog.ListKeeper.
func (s *Catalog) OpenList(ctx context.Context, number int) (catalog.OpenList, error) {
	l, err := openList(ctx, s.db, `l.number = $1`, number)
	return l, translate(err)
}

func openList(ctx context.Context, q querier, where string, args ...any) (catalog.OpenList, error) {
	rows, err := q.Query(ctx, selectOpenList+`l.entries, l.csv, l.jsonld
		FROM open_list l LEFT JOIN ledger_state s ON s.id = l.record_id WHERE `+where, args...)
	if err != nil {
		return catalog.OpenList{}, fmt.Errorf("read open list: %w", err)
	}
	l, err := pgx.CollectExactlyOneRow(rows, func(row pgx.CollectableRow) (l catalog.OpenList, err error) {
		err = row.Scan(scanOpenList(&l, &l.Entries, &l.CSV, &l.JSONLD)...)
		return l, err
	})
	if errors.Is(err, pgx.ErrNoRows) {
		err = plinth.Errorf(plinth.ErrNotFound, "there is no such open list")
	}
	return l, err
}

// OpenLists implements catalog.ListKeeper.
func (s *Catalog) OpenLists(ctx context.Context, limit, before int) ([]catalog.OpenList, error) {
	rows, err := s.db.Query(ctx, selectOpenList+`0
		FROM open_list l LEFT JOIN ledger_state s ON s.id = l.record_id
		WHERE $2 <= 0 OR l.number < $2 ORDER BY l.number DESC LIMIT $1`, limit, before)
	if err != nil {
		return nil, fmt.Errorf("list open lists: %w", translate(err))
	}
	all, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (l catalog.OpenList, err error) {
		var none int
		err = row.Scan(scanOpenList(&l, &none)...)
		return l, err
	})
	return all, translate(err)
}

// Publish implements catalog.ListKeeper.
func (s *Catalog) Publish(ctx context.Context, now time.Time,
	freeze func([]catalog.Entry, catalog.OpenList) (catalog.OpenList, ledger.Record, error)) (catalog.OpenList, error) {
	var made catalog.OpenList
	err := s.db.InTx(ctx, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, `LOCK TABLE open_list IN EXCLUSIVE MODE`); err != nil {
			return fmt.Errorf("lock open lists: %w", err)
		}
		before, err := openList(ctx, tx, `l.number = (SELECT max(number) FROM open_list)`)
		if err != nil && !errors.Is(err, plinth.ErrNotFound) {
			return err
		}
		entries, err := openEntries(ctx, tx, now)
		if err != nil {
			return err
		}
		l, record, err := freeze(entries, before)
		if err != nil {
			return err
		}
		made = l
		return s.writeOpenList(ctx, tx, l, record)
	})
	return made, err
}

func (s *Catalog) writeOpenList(ctx context.Context, tx pgx.Tx, l catalog.OpenList, record ledger.Record) error {
	used, err := registrations(ctx, tx, onList(l)...)
	if err != nil {
		return err
	}
	record.Inputs = append(slices.Clone(record.Inputs), used...)
	if err := s.db.AppendRecord(ctx, tx, record); err != nil {
		return err
	}
	some := func(codes []string) []string { return append([]string{}, codes...) } // never NULL
	entries := append([]catalog.Entry{}, l.Entries...)
	_, err = tx.Exec(ctx, `
		INSERT INTO open_list (number, published_at, actor, actor_name, note, entries, entry_count, csv, jsonld, sha256,
			added, removed, changed, record_id)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)`,
		l.Number, l.PublishedAt, l.By, l.ByName, l.Note, entries, len(entries), l.CSV, l.JSONLD, l.SHA256,
		some(l.Added), some(l.Removed), some(l.Changed), record.ID)
	if err != nil {
		return fmt.Errorf("publish open list: %w", err)
	}
	return nil
}

// onList are the datasets whose registrations a list is made from: all that are on it, or, when a record cannot name as
// many, those added or changed since the list before, which is among its inputs.
func onList(l catalog.OpenList) []string {
	const most = ledger.MaxInputs - 1 // one is the list before
	var all, changed []string
	for _, e := range l.Entries {
		all = append(all, string(e.Dataset))
		if slices.Contains(l.Added, e.Code) || slices.Contains(l.Changed, e.Code) {
			changed = append(changed, string(e.Dataset))
		}
	}
	if len(all) <= most {
		return all
	}
	return changed[:min(most, len(changed))]
}
