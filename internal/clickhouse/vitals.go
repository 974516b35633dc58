package clickhouse

import (
	"context"
	"fmt"
	"time"

	ch "github.com/ClickHouse/clickhouse-go/v2"

	"plinth"
	"plinth/analytics"
	"plinth/analytics/vitals"
)

// Vitals runs the indicators' SQL.
type Vitals struct{ *Queries }

var _ vitals.Engine = (*Vitals)(nil)

// NewVitals returns the vital signs' way to SQL.
func NewVitals(db *DB) *Vitals { return &Vitals{NewQueries(db)} }

// vitalTables are what indicators may read, with the columns that they may name. What a caller said of himself, payloads
// and secrets are not among them.
var vitalTables = map[string][]string{
	"reading": {"device", "metric", "at", "seq", "value", "flags", "rx"},
	"event": {"source", "source_id", "at", "class", "title", "street", "grid", "address", "longitude", "latitude", "attrs",
		"rx"},
	"fusion_log": {"n", "at", "op", "incident", "source", "source_id", "event_at", "event_rx", "class", "title", "street",
		"grid", "longitude", "latitude", "score"},
	"device": {"id", "kind", "owner", "street", "grid", "site", "longitude", "latitude", "interval_s", "life", "rx"},
	"vital": {"indicator", "street", "period", "until", "version", "value", "weight", "baseline", "score", "grade", "trend",
		"since", "computed"},
}

// Limits of one indicator's query: it runs beside the streams and must never slow them.
var vitalLimits = ch.Settings{
	"readonly":             2, // 1 would refuse the settings beside it
	"max_execution_time":   20,
	"max_rows_to_read":     100_000_000,
	"max_bytes_to_read":    8 << 30,
	"max_memory_usage":     512 << 20,
	"max_threads":          1,
	"max_subquery_depth":   20,
	"max_ast_elements":     5000,
	"max_result_rows":      100_000,
	"result_overflow_mode": "throw",
	"read_overflow_mode":   "throw",
}

// Admit implements vitals.Engine.
func (v *Vitals) Admit(ctx context.Context, text string) error {
	var tables, names []string
	for _, t := range []string{"reading", "event", "fusion_log", "device", "vital"} {
		tables = append(tables, serviceDatabase+"."+t)
		names = append(append(names, t), vitalTables[t]...)
	}
	no, err := analytics.AdmitOver(ctx, v, tables, names, text)
	if err != nil {
		return err
	}
	if no != nil {
		return plinth.Invalid("sql", "%s", no.Detail.EN)
	}
	return v.admitColumns(ctx, text)
}

// withheld are columns of those tables that no indicator reads: they hold what people wrote and who they are.
var withheld = map[string]bool{"text": true, "contact": true, "weights": true}

// admitColumns refuses the withheld columns by name, and * that would read them too.
func (v *Vitals) admitColumns(ctx context.Context, text string) error {
	lines, err := v.Tree(ctx, "", text, 1)
	if err != nil {
		return err
	}
	for _, c := range analytics.ColumnsOf(lines) {
		if withheld[c] {
			return plinth.Invalid("sql", "the column %s is not for indicators", c)
		}
	}
	return nil
}

// Tree implements analytics.Reader as the service, without a scope.
func (v *Vitals) Tree(ctx context.Context, _, text string, pass int) ([]string, error) {
	ctx, cancel := limitedTo(ctx, vitalLimits, explainSecond)
	defer cancel()
	rows, err := v.db.Query(ctx, fmt.Sprintf("EXPLAIN QUERY TREE run_passes=%d %s", pass, text))
	if err != nil {
		return nil, vitalFault(err, text)
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
	return out, vitalFault(rows.Err(), text)
}

func limitedTo(ctx context.Context, s ch.Settings, seconds int) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithTimeout(ctx, time.Duration(seconds+10)*time.Second)
	return ch.Context(ctx, ch.WithSettings(s)), cancel
}

// Run implements vitals.Engine.
func (v *Vitals) Run(ctx context.Context, text string, most int) (analytics.Result, error) {
	ctx, cancel := limitedTo(ctx, vitalLimits, 20)
	defer cancel()
	rows, err := v.db.Query(ctx, text)
	if err != nil {
		return analytics.Result{}, vitalFault(err, text)
	}
	table, err := collect(rows, most)
	if err != nil {
		return analytics.Result{}, vitalFault(err, text)
	}
	if table.Truncated {
		cancel()
	}
	_ = rows.Close() // its fault is the cancelling above; faults of reading were told before
	return table, nil
}

// vitalFault is fault in the words of one who may read the tables themselves.
func vitalFault(err error, text string) error {
	switch Code(err) {
	case 60:
		return plinth.Invalid("sql", "there is no such table; indicators read reading, event, fusion_log, device and vital").Because(err)
	case 47:
		name := culprit(err, text)
		if name == "" {
			name = "of this name"
		}
		return plinth.Invalid("sql", "there is no column %s in the tables", name).Because(err)
	}
	return fault(err, text)
}
