package clickhouse

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"sync"
	"time"

	ch "github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"plinth"
	"plinth/analytics"
)

// Queries runs governed queries: the text is read and run as the scope's own login, never as the service.
type Queries struct {
	db *DB

	mu        sync.Mutex
	functions map[string]bool
}

var _ analytics.Scoped = (*Queries)(nil)

// NewQueries returns the governed query's door to ClickHouse.
func NewQueries(db *DB) *Queries { return &Queries{db: db} }

// Limits of one governed query beneath the engine's own.
const (
	querySeconds  = 30
	explainSecond = 5
)

// Tokens implements analytics.Reader. Only the lexer runs; the text is a value here.
func (q *Queries) Tokens(ctx context.Context, text string) ([]analytics.Token, error) {
	rows, err := q.db.Query(ctx, `
		SELECT toUInt64(t.1), toUInt64(t.2), toString(t.3) FROM (SELECT arrayJoin(tokenizeQuery({q:String})) AS t)`, Param("q", text))
	if err != nil {
		return nil, fmt.Errorf("read the query's tokens: %w", err)
	}
	defer rows.Close()
	var out []analytics.Token
	for rows.Next() {
		var from, to uint64
		var kind string
		if err := rows.Scan(&from, &to, &kind); err != nil {
			return nil, err
		}
		if from > to || to > uint64(len(text)) {
			return nil, errors.New("read the query's tokens: a token lies outside the text")
		}
		out = append(out, analytics.Token{Kind: kind, Text: text[from:to]})
	}
	return out, rows.Err()
}

// Functions implements analytics.Reader.
func (q *Queries) Functions(ctx context.Context) (map[string]bool, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.functions != nil {
		return q.functions, nil
	}
	var names []string
	if err := q.db.QueryRow(ctx, `SELECT groupArray(lower(name)) FROM system.functions`).Scan(&names); err != nil {
		return nil, fmt.Errorf("list functions: %w", err)
	}
	out := make(map[string]bool, len(names))
	for _, n := range names {
		out[n] = true
	}
	q.functions = out
	return out, nil
}

// Tree implements analytics.Reader. The text must have passed the check of its tokens.
func (q *Queries) Tree(ctx context.Context, scope, text string, pass int) ([]string, error) {
	c, err := q.db.AsScope(ctx, scope)
	if err != nil {
		return nil, err
	}
	rows, err := c.Query(limited(ctx, explainSecond, 100_000), fmt.Sprintf("EXPLAIN QUERY TREE run_passes=%d %s", pass, text))
	if err != nil {
		return nil, fault(err, text)
	}
	defer rows.Close()
	var out []string
	for rows.Next() {
		var line string
		if err := rows.Scan(&line); err != nil {
			return nil, err
		}
		out = append(out, line)
	}
	return out, fault(rows.Err(), text)
}

// Run implements analytics.Scoped.
func (q *Queries) Run(ctx context.Context, scope, text string, most int) (analytics.Result, error) {
	c, err := q.db.AsScope(ctx, scope)
	if err != nil {
		return analytics.Result{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, (querySeconds+5)*time.Second)
	defer cancel() // also ends the engine's work when there are more rows than asked for
	rows, err := c.Query(limited(ctx, querySeconds, 0), text)
	if err != nil {
		return analytics.Result{}, fault(err, text)
	}
	table, err := collect(rows, most)
	if err != nil {
		return analytics.Result{}, fault(err, text)
	}
	if table.Truncated {
		cancel()
	}
	_ = rows.Close() // its fault is the cancelling above; faults of reading were told before
	return table, nil
}

// limited is ctx with the settings of one governed statement. The text goes as it is, so the driver must not take ? and
// {} in it for parameters: no arguments are passed.
func limited(ctx context.Context, seconds, rows int) context.Context {
	s := ch.Settings{"max_execution_time": seconds}
	if rows > 0 {
		s["max_result_rows"] = rows
	}
	return ch.Context(ctx, ch.WithSettings(s))
}

func collect(rows driver.Rows, most int) (analytics.Result, error) {
	types := rows.ColumnTypes()
	t := analytics.Result{Columns: make([]analytics.Column, len(types))}
	for i, c := range types {
		t.Columns[i] = analytics.Column{Name: c.Name(), Type: c.DatabaseTypeName()}
	}
	for rows.Next() {
		if len(t.Rows) == most {
			t.Truncated = true
			return t, nil
		}
		row, err := scanValues(rows, types)
		if err != nil {
			return t, err
		}
		t.Rows = append(t.Rows, row)
	}
	return t, rows.Err()
}

// named finds the word that the engine complains of. It is told only if it is a plain word of the caller's own text.
var named = regexp.MustCompile("(?:identifier|identifiers|[Ff]unction with name|[Ff]unction|[Cc]olumn|[Tt]able|[Dd]atabase) [`']([A-Za-z0-9_.]{1,100})[`']")

// fault turns an engine's error into a sentence for the caller: by its code, never with its text, which may hold values
// of rows, names of bases and the definer. What is no fault of the text keeps its kind.
func fault(err error, text string) error {
	var known *plinth.Error
	switch {
	case err == nil, errors.Is(err, context.Canceled):
		return err
	case errors.Is(err, context.DeadlineExceeded):
		return plinth.Errorf(plinth.ErrExhausted, "the query takes longer than its limit").Because(err)
	case Code(err) == 192 || Code(err) == 511 || Code(err) == 516:
		return plinth.Errorf(plinth.ErrNotFound, "the scope is gone").Because(err)
	case errors.As(err, &known):
		return err
	}
	if said := analytics.QueryFault(Code(err), culprit(err, text)); said != nil {
		return said
	}
	if code := Code(err); code != 0 {
		return plinth.Invalid("sql", "the query fails (ClickHouse code %d)", code).Because(err)
	}
	return err
}

func culprit(err error, text string) string {
	m := named.FindStringSubmatch(err.Error())
	if m == nil || !strings.Contains(text, m[1]) {
		return ""
	}
	return m[1]
}
