package vitals

import (
	"context"
	"fmt"
	"math"
	"strings"
	"time"

	"plinth"
	"plinth/analytics"
)

// Engine runs the indicators' SQL, read-only and within limits of time, rows and memory.
type Engine interface {
	// Admit tells whether text is one SELECT over the tables that indicators may read; ErrInvalid with the field "sql"
	// says why not. Nothing is executed but constant expressions.
	Admit(ctx context.Context, text string) error
	// Run gives at most rows rows. Faults of the text are ErrInvalid with the field "sql", limits ErrExhausted.
	Run(ctx context.Context, text string, rows int) (analytics.Result, error)
}

// What one query may give.
const (
	maxStreets  = 2000
	maxEvidence = 200
)

// filled is the text with the period's ends, and the street of an evidence query, as constants.
func filled(text string, from, to time.Time, street string) string {
	return strings.NewReplacer("{from}", instant(from), "{to}", instant(to), "{street}", literal(street)).Replace(text)
}

func instant(t time.Time) string {
	return fmt.Sprintf("fromUnixTimestamp64Milli(toInt64(%d), 'UTC')", t.UnixMilli())
}

func literal(s string) string {
	return "'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(s) + "'"
}

// rowsOf reads what an indicator's SQL gave. A value that is NULL or no finite number is left out: it says nothing.
func rowsOf(r analytics.Result) ([]measured, error) {
	street, value, weight := -1, -1, -1
	for i, c := range r.Columns {
		switch c.Name {
		case "street":
			street = i
		case "value":
			value = i
		case "weight":
			weight = i
		default:
			return nil, plinth.Invalid("sql", "the column %.40q is none of street, value, weight", c.Name)
		}
	}
	switch {
	case street < 0 || value < 0:
		return nil, plinth.Invalid("sql", "the query must give the columns street and value")
	case r.Truncated:
		return nil, plinth.Invalid("sql", "the query gives more than %d rows; one per street is meant", maxStreets)
	}
	var out []measured
	seen := map[string]bool{}
	for _, row := range r.Rows {
		m, ok, err := measure(row, street, value, weight)
		if err != nil {
			return nil, err
		}
		if seen[m.street] {
			return nil, plinth.Invalid("sql", "the query gives the street %.40q twice", m.street)
		}
		seen[m.street] = true
		if ok {
			out = append(out, m)
		}
	}
	return out, nil
}

func measure(row []any, street, value, weight int) (measured, bool, error) {
	m := measured{weight: 1}
	var ok bool
	if m.street, ok = row[street].(string); !ok {
		return m, false, plinth.Invalid("sql", "the column street must be text")
	}
	if m.value, ok = number(row[value]); !ok {
		return m, false, plinth.Invalid("sql", "the column value must be a number, write toFloat64(…)")
	}
	if weight >= 0 {
		if m.weight, ok = number(row[weight]); !ok || m.weight < 0 {
			return m, false, plinth.Invalid("sql", "the column weight must be a number not below 0")
		}
	}
	return m, !math.IsNaN(m.value) && !math.IsNaN(m.weight), nil
}

// number reads a number of an answer; NULL, NaN and infinity are NaN.
func number(v any) (float64, bool) {
	switch x := v.(type) {
	case nil:
		return math.NaN(), true
	case float64:
		return x, true
	case string: // how answers write what JSON has no number for
		if x == "NaN" || x == "Infinity" || x == "-Infinity" {
			return math.NaN(), true
		}
	}
	return 0, false
}

// cells makes text of an evidence row.
func cells(row []any) []string {
	out := make([]string, len(row))
	for i, v := range row {
		if v != nil {
			out[i] = fmt.Sprint(v)
		}
	}
	return out
}
