package clickhouse

import (
	"context"
	"fmt"
	"strings"
	"time"

	"plinth/pipelines"
)

// Events keeps what people and machines told.
type Events struct{ db *DB }

// NewEvents returns the events of db.
func NewEvents(db *DB) *Events { return &Events{db} }

// InsertEvents stores es; it is durable when it returns. An event stored before is corrected.
func (s *Events) InsertEvents(ctx context.Context, es []pipelines.Event) error {
	n := len(es)
	text := func(of func(*pipelines.Event) string) []string {
		out := make([]string, n)
		for i := range es {
			out[i] = of(&es[i])
		}
		return out
	}
	at, rx, lon, lat := make([]time.Time, n), make([]time.Time, n), make([]float64, n), make([]float64, n)
	attrs := make([]map[string]string, n)
	for i, e := range es {
		at[i], rx[i], lon[i], lat[i], attrs[i] = e.At, e.RX, e.Longitude, e.Latitude, e.Attrs
		if attrs[i] == nil {
			attrs[i] = map[string]string{}
		}
	}
	return s.db.insert(ctx, `INSERT INTO plinth.event (source, source_id, at, class, title, text, street, grid, address,
		longitude, latitude, contact, attrs, rx)`,
		text(func(e *pipelines.Event) string { return e.Source }), text(func(e *pipelines.Event) string { return e.SourceID }), at,
		text(func(e *pipelines.Event) string { return e.Class }), text(func(e *pipelines.Event) string { return e.Title }),
		text(func(e *pipelines.Event) string { return e.Text }), text(func(e *pipelines.Event) string { return e.Street }),
		text(func(e *pipelines.Event) string { return e.Grid }), text(func(e *pipelines.Event) string { return e.Address }),
		lon, lat, text(func(e *pipelines.Event) string { return e.Contact }), attrs, rx)
}

// ByID returns those of a source's events that are stored, by their number there.
func (s *Events) ByID(ctx context.Context, source string, ids []string) (map[string]pipelines.Event, error) {
	es, err := s.query(ctx, `source = ? AND source_id IN ?`, ``, source, ids)
	if err != nil {
		return nil, err
	}
	out := make(map[string]pipelines.Event, len(es))
	for _, e := range es {
		out[e.SourceID] = e
	}
	return out, nil
}

// EventFilter narrows a list of events; zero fields let all through.
type EventFilter struct {
	From, To                     time.Time
	Source, Class, Street, Query string
	// After is the last event of the page before: At and ID.
	After *pipelines.Event
	Limit int
}

// List returns events, newest first.
func (s *Events) List(ctx context.Context, f EventFilter) ([]pipelines.Event, error) {
	where, args := f.where()
	if f.After != nil {
		where = append(where, `(at, source, source_id) < (`+instant+`, ?, ?)`)
		args = append(args, millis(f.After.At), f.After.Source, f.After.SourceID)
	}
	args = append(args, f.Limit)
	return s.query(ctx, strings.Join(where, " AND "), ` ORDER BY at DESC, source DESC, source_id DESC LIMIT ?`, args...)
}

// Count returns the number of events that f lets through, each counted once. After and Limit do not matter.
func (s *Events) Count(ctx context.Context, f EventFilter) (int64, error) {
	where, args := f.where()
	var n uint64
	err := s.db.QueryRow(ctx, `SELECT count() FROM plinth.event FINAL WHERE `+strings.Join(where, " AND "), args...).Scan(&n)
	if err != nil {
		return 0, fmt.Errorf("count events: %w", translate(err))
	}
	return int64(n), nil
}

func (f EventFilter) where() ([]string, []any) {
	where, args := []string{"1"}, []any(nil)
	add := func(sql string, arg any) { where, args = append(where, sql), append(args, arg) }
	if !f.From.IsZero() {
		add("at >= "+instant, millis(f.From))
	}
	if !f.To.IsZero() {
		add("at < "+instant, millis(f.To))
	}
	for _, c := range []struct{ column, value string }{{"source", f.Source}, {"class", f.Class}, {"street", f.Street}} {
		if c.value != "" {
			add(c.column+" = ?", c.value)
		}
	}
	if f.Query != "" {
		add("positionCaseInsensitiveUTF8(concat(title, ' ', text, ' ', address), ?) > 0", f.Query)
	}
	return where, args
}

func (s *Events) query(ctx context.Context, where, tail string, args ...any) ([]pipelines.Event, error) {
	rows, err := s.db.Query(ctx, `
		SELECT source, source_id, at, class, title, text, street, grid, address, longitude, latitude, contact, attrs, rx
		FROM plinth.event FINAL WHERE `+where+tail, args...)
	if err != nil {
		return nil, fmt.Errorf("read events: %w", translate(err))
	}
	defer rows.Close()
	var out []pipelines.Event
	for rows.Next() {
		var e pipelines.Event
		if err := rows.Scan(&e.Source, &e.SourceID, &e.At, &e.Class, &e.Title, &e.Text, &e.Street, &e.Grid, &e.Address,
			&e.Longitude, &e.Latitude, &e.Contact, &e.Attrs, &e.RX); err != nil {
			return nil, fmt.Errorf("read events: %w", err)
		}
		e.At, e.RX = e.At.UTC(), e.RX.UTC()
		out = append(out, e)
	}
	return out, translate(rows.Err())
}
