package clickhouse_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"plinth"
	"plinth/analytics/vitals"
	"plinth/internal/clickhouse"
)

func filledSQL(sql string) string {
	return strings.NewReplacer("{from}", "fromUnixTimestamp64Milli(toInt64(1790000000000), 'UTC')",
		"{to}", "fromUnixTimestamp64Milli(toInt64(1790000900000), 'UTC')", "{street}", "'taopu'").Replace(sql)
}

func TestEveryShippedIndicatorIsAdmittedAndRuns(t *testing.T) {
	v := clickhouse.NewVitals(migrated(t))
	all, err := vitals.ShippedIndicators()
	if err != nil {
		t.Fatal(err)
	}
	sectors := map[string]int{}
	for _, i := range all {
		sectors[i.Sector]++
		for what, sql := range map[string]string{"sql": i.SQL, "evidence": i.Evidence} {
			if err := v.Admit(t.Context(), filledSQL(sql)); err != nil {
				t.Errorf("%s %s: %v", i.ID, what, err)
			} else if _, err := v.Run(t.Context(), filledSQL(sql), 10); err != nil {
				t.Errorf("%s %s runs: %v", i.ID, what, err)
			}
		}
	}
	if len(all) < 16 || len(sectors) != 8 {
		t.Errorf("%d indicators over %d sectors", len(all), len(sectors))
	}
}

func TestIndicatorSQLThatIsNoSelectOverTheStreamsIsRefused(t *testing.T) {
	v := clickhouse.NewVitals(migrated(t))
	for name, tt := range map[string]struct{ sql, says string }{
		"two statements":  {"SELECT 1 AS value; SELECT 2", "one statement"},
		"insert":          {"INSERT INTO plinth.vital (street) VALUES ('x')", "begin with SELECT"},
		"drop":            {"DROP TABLE plinth.event", "begin with SELECT"},
		"unknown table":   {"SELECT street, 1 AS value FROM plinth.nowhere", "no such table"},
		"unknown column":  {"SELECT straat, 1 AS value FROM plinth.event", "straat"},
		"other table":     {"SELECT scope AS street, 1 AS value FROM plinth.scope_key", "only these"},
		"system":          {"SELECT name AS street, 1 AS value FROM system.tables", "SYSTEM"},
		"file":            {"SELECT street, length(file('/etc/passwd')) AS value FROM plinth.event", "file"},
		"url":             {"SELECT 1 AS value FROM url('http://127.0.0.1/', CSV)", "url"},
		"settings":        {"SELECT street, 1 AS value FROM plinth.event SETTINGS max_threads = 64", "SETTINGS"},
		"personal":        {"SELECT contact AS street, 1 AS value FROM plinth.event", "contact"},
		"personal by *":   {"SELECT * FROM plinth.event", "not for indicators"},
		"personal hidden": {"SELECT street, sum(n) AS value FROM (SELECT street, length(text) AS n FROM plinth.event) GROUP BY street", "text"},
		"broken":          {"SELECT street, FROM WHERE", ""},
		"empty":           {"   ", "begin with SELECT"},
	} {
		err := v.Admit(t.Context(), tt.sql)
		if !errors.Is(err, plinth.ErrInvalid) || !strings.Contains(err.Error(), tt.says) {
			t.Errorf("%s: got %v, want invalid saying %q", name, err, tt.says)
		}
	}
}

func TestARunawayIndicatorIsEnded(t *testing.T) {
	v := clickhouse.NewVitals(migrated(t))
	for name, sql := range map[string]string{
		"rows":   "SELECT toString(number % 3) AS street, count() AS value FROM numbers(1000000000000) GROUP BY street",
		"memory": "SELECT 'x' AS street, length(groupArray(toString(number))) AS value FROM numbers(150000000)",
	} {
		if err := v.Admit(t.Context(), sql); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := v.Run(t.Context(), sql, 10); !errors.Is(err, plinth.ErrExhausted) {
			t.Errorf("%s: got %v, want exhausted", name, err)
		}
	}
}

func TestIndicatorSQLCannotWrite(t *testing.T) {
	v := clickhouse.NewVitals(migrated(t))
	if _, err := v.Run(t.Context(), "INSERT INTO plinth.event (source) SELECT 'written'", 1); err == nil {
		t.Error("an indicator wrote")
	}
}

func TestTheBoardKeepsTheNewestPeriodWhateverIsComputedLast(t *testing.T) {
	s := clickhouse.NewVitalValues(migrated(t))
	at := noon.Truncate(time.Hour)
	value := func(from time.Time, v float64, computed time.Time) vitals.Value {
		return vitals.Value{Indicator: "board_test", Street: "taopu", From: from, To: from.Add(time.Hour), Version: 1, Value: v, Weight: 1,
			Grade: vitals.Notice, Since: from, Computed: computed}
	}
	steps := []vitals.Value{value(at, 1, noon), value(at.Add(time.Hour), 2, noon), value(at, 3, noon.Add(time.Minute)),
		value(at.Add(time.Hour), 4, noon.Add(time.Minute))}
	for _, v := range steps {
		if err := s.Put(t.Context(), []vitals.Value{v}); err != nil {
			t.Fatal(err)
		}
	}
	now, err := s.Now(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range now {
		if v.Indicator == "board_test" && (v.Value != 4 || !v.Since.Equal(at.Add(time.Hour))) {
			t.Errorf("the board shows %+v", v)
		}
	}
	history, err := s.History(t.Context(), "board_test", "taopu", at, at.Add(3*time.Hour), 10)
	if err != nil || len(history) != 2 || history[0].Value != 3 || history[1].Value != 4 {
		t.Errorf("history %+v, %v", history, err)
	}
	some, err := s.At(t.Context(), "board_test", []time.Time{at.Add(time.Hour), at.Add(9 * time.Hour)})
	if err != nil || len(some) != 1 || some[0].Value != 4 {
		t.Errorf("at %+v, %v", some, err)
	}
}
