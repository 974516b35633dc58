package clickhouse

import (
	"context"
	"fmt"
	"strings"

	"plinth/analytics"
)

// Trends reads events for lists, counts and hot words.
type Trends struct{ db *DB }

// NewTrends returns the trends of db.
func NewTrends(db *DB) *Trends { return &Trends{db} }

var (
	_ analytics.Trends    = (*Trends)(nil)
	_ analytics.Incidents = (*Fusion)(nil)
)

// Events returns a page of events, the newest first, and how many there are in all.
func (s *Trends) Events(ctx context.Context, f analytics.EventFilter) ([]analytics.Event, int64, error) {
	where, args := EventFilter{From: f.From, To: f.To, Source: f.Source, Class: f.Class, Street: f.Street, Query: f.Query}.where()
	if f.Grid != "" {
		where, args = append(where, "grid = ?"), append(args, f.Grid)
	}
	var total uint64
	filter := strings.Join(where, " AND ")
	if err := s.db.QueryRow(ctx, `SELECT count() FROM plinth.event FINAL WHERE `+filter, args...).Scan(&total); err != nil {
		return nil, 0, fmt.Errorf("count events: %w", translate(err))
	}
	if f.After != nil {
		filter += ` AND (at, source, source_id) < (` + instant + `, ?, ?)`
		args = append(args, millis(f.After.At), f.After.Source, f.After.SourceID)
	}
	events, err := (&Fusion{s.db}).events(ctx, `SELECT `+eventColumns+` FROM plinth.event AS e FINAL WHERE `+filter+`
		ORDER BY at DESC, source DESC, source_id DESC LIMIT ?`, append(args, f.Limit)...)
	return events, int64(total), err
}

// CountByDay counts events by Shanghai's day and class.
func (s *Trends) CountByDay(ctx context.Context, f analytics.CountFilter) ([]analytics.DayCount, error) {
	where, args := counted(f)
	rows, err := s.db.Query(ctx, `SELECT toString(toDate(at, 'Asia/Shanghai')) AS day, class, count() FROM plinth.event FINAL
		WHERE `+where+` GROUP BY day, class ORDER BY day, class`, args...)
	if err != nil {
		return nil, fmt.Errorf("count events by day: %w", translate(err))
	}
	defer rows.Close()
	var out []analytics.DayCount
	for rows.Next() {
		var c analytics.DayCount
		var n uint64
		if err := rows.Scan(&c.Day, &c.Class, &n); err != nil {
			return nil, fmt.Errorf("count events by day: %w", err)
		}
		c.Count = int64(n)
		out = append(out, c)
	}
	return out, translate(rows.Err())
}

func counted(f analytics.CountFilter) (string, []any) {
	where, args := EventFilter{From: f.From, To: f.To, Source: f.Source, Street: f.Street}.where()
	return strings.Join(where, " AND "), args
}

// document is an event's words: Chinese characters, everything else a blank. What matters stands at the beginning, and
// a bound keeps one long letter from filling the memory.
const document = `substringUTF8(replaceRegexpAll(concat(title, ' ', text), '[^\\p{Han}]+', ' '), 1, 400)`

// Grams counts the documents of each run of one to six Chinese characters.
func (s *Trends) Grams(ctx context.Context, f analytics.CountFilter, least int) (map[string]int64, int64, error) {
	where, args := counted(f)
	_, docs, err := s.Documents(ctx, f, nil)
	if err != nil || docs == 0 {
		return nil, 0, err
	}
	rows, err := s.db.Query(ctx, `
		SELECT gram, count() AS n FROM (
			SELECT arrayJoin(arrayDistinct(arrayConcat(ngrams(t, 1), ngrams(t, 2), ngrams(t, 3), ngrams(t, 4), ngrams(t, 5), ngrams(t, 6)))) AS gram
			FROM (SELECT `+document+` AS t FROM plinth.event FINAL WHERE `+where+`))
		WHERE position(gram, ' ') = 0 GROUP BY gram HAVING n >= ?`, append(args, least)...)
	if err != nil {
		return nil, 0, fmt.Errorf("count grams: %w", translate(err))
	}
	defer rows.Close()
	out := map[string]int64{}
	for rows.Next() {
		var gram string
		var n uint64
		if err := rows.Scan(&gram, &n); err != nil {
			return nil, 0, fmt.Errorf("count grams: %w", err)
		}
		out[gram] = int64(n)
	}
	return out, docs, translate(rows.Err())
}

// Documents counts the documents of each word, and all documents.
func (s *Trends) Documents(ctx context.Context, f analytics.CountFilter, words []string) ([]int64, int64, error) {
	where, args := counted(f)
	var total uint64
	if len(words) == 0 {
		err := s.db.QueryRow(ctx, `SELECT count() FROM plinth.event FINAL WHERE `+where, args...).Scan(&total)
		if err != nil {
			return nil, 0, fmt.Errorf("count documents: %w", translate(err))
		}
		return nil, int64(total), nil
	}
	var counts []uint64
	err := s.db.QueryRow(ctx, `SELECT sumForEach(arrayMap(w -> toUInt64(position(t, w) > 0), ?)), count()
		FROM (SELECT `+document+` AS t FROM plinth.event FINAL WHERE `+where+`)`, append([]any{words}, args...)...).Scan(&counts, &total)
	if err != nil {
		return nil, 0, fmt.Errorf("count documents: %w", translate(err))
	}
	out := make([]int64, len(words))
	for i, n := range counts {
		out[i] = int64(n)
	}
	return out, int64(total), nil
}
