package clickhouse_test

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"plinth"
	"plinth/analytics"
	"plinth/internal/clickhouse"
	"plinth/policy"
	policyscope "plinth/policy/scope"
)

var midday = time.Date(2026, 11, 24, 4, 0, 0, 0, time.UTC)

// events is the dataset that the tests grant from.
func events() policy.Dataset {
	d := policy.Dataset{ID: "ds_events", Publisher: "opcentre", Table: "plinth.event", Registered: true}
	for name, kind := range map[string]policy.Kind{"source": policy.String, "source_id": policy.String, "at": policy.Datetime,
		"class": policy.String, "street": policy.String, "title": policy.String, "longitude": policy.Decimal, "contact": policy.String} {
		d.Fields = append(d.Fields, policy.Field{Name: name, Kind: kind})
	}
	return d
}

func grantOf(columns []string, filter ...policy.Condition) policy.Grant {
	return policy.Grant{ID: "gr_1", Version: 1, Dataset: "ds_events", Publisher: "opcentre", Department: "civil",
		Purpose: "statistics", Columns: columns, Filter: filter, AllRows: len(filter) == 0, NotBefore: midday.Add(-time.Hour),
		NotAfter: midday.Add(time.Hour), RowsPerDay: 1000, State: policy.Active}
}

// governed gives an engine with events of two streets alone, each stored twice.
func governed(t *testing.T) *clickhouse.DB {
	t.Helper()
	db := open(t)
	if err := db.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	const insert = `INSERT INTO plinth.event (source, source_id, at, class, title, street, longitude, contact, rx)
		SELECT 'hotline', toString(number), toDateTime64('2026-11-01 00:00:00', 3, 'UTC') + number * 60,
			if(number % 2 = 0, 'noise', 'lift'), concat('工单', toString(number)), if(number % 4 = 0, 'caoyang', 'taopu'),
			121.4 + number / 1000, concat('1390000', toString(1000 + number)), now64(3)
		FROM numbers(400)`
	mustExec(t, db, "TRUNCATE TABLE plinth.event", "SYSTEM STOP MERGES plinth.event", insert, insert)
	t.Cleanup(func() {
		for _, sql := range []string{"SYSTEM START MERGES plinth.event", "TRUNCATE TABLE plinth.event"} {
			if err := db.Exec(context.WithoutCancel(t.Context()), sql); err != nil {
				t.Error(err)
			}
		}
	})
	return db
}

// desk is a policy desk that permits what its grant says and keeps what it was told.
type desk struct {
	grant    policy.Grant
	asked    []policy.Question
	outcomes []policy.Outcome
	rows     int64
}

func (d *desk) Grant(context.Context, plinth.Principal, plinth.GrantID) (policy.Grant, error) {
	return d.grant, nil
}

func (d *desk) Intend(_ context.Context, q policy.Question) (policy.Decision, error) {
	d.asked = append(d.asked, q)
	dec := policy.Decision{ID: "dc_1", Permit: q.Admission == nil, Reserved: q.RowsAsked, Scope: d.grant.Scope, Grant: q.Grant, GrantVersion: 1}
	if q.Admission != nil {
		dec.Reasons = []policy.Reason{{Rule: "query.admitted", Detail: q.Admission.Detail}}
	}
	return dec, nil
}

func (d *desk) Finish(_ context.Context, _ policy.Decision, o policy.Outcome, rows int64) error {
	d.outcomes, d.rows = append(d.outcomes, o), rows
	return nil
}

// opened compiles the grant, applies its scope and returns a governor over it.
func opened(t *testing.T, db *clickhouse.DB, g policy.Grant) (*analytics.Governor, *desk) {
	t.Helper()
	door := clickhouse.NewGoverned(db)
	s, err := policyscope.NewCompiler(door).Compile(t.Context(), g, events())
	if err != nil {
		t.Fatal(err)
	}
	if err := door.ApplyScopes(t.Context(), []policy.Scope{s}); err != nil {
		t.Fatalf("apply %s: %v", s.Select, err)
	}
	g.Scope = s
	d := &desk{grant: g}
	return analytics.NewGovernor(d, clickhouse.NewQueries(db), nil, func() time.Time { return midday }, slog.New(slog.DiscardHandler)), d
}

var civilAnalyst = plinth.Principal{Account: "ac_1", Department: "civil", Roles: []plinth.Role{plinth.RoleAnalyst}}

func query(t *testing.T, g *analytics.Governor, sql string) (analytics.Answer, error) {
	t.Helper()
	return g.Run(t.Context(), civilAnalyst, analytics.Query{Grant: "gr_1", Purpose: "statistics", Text: sql})
}

func TestGovernedQuerySeesGrantedColumnsAndRowsOnce(t *testing.T) {
	db := governed(t)
	g := grantOf([]string{"at", "class", "title", "contact", "source_id", "longitude"},
		policy.Condition{Column: "street", Op: policy.Eq, Values: []string{"caoyang"}},
		policy.Condition{Column: "at", Op: policy.Lt, Values: []string{"2026-11-01T05:00:00.000Z"}},
		policy.Condition{Column: "contact", Op: policy.StartsWith, Values: []string{"139"}})
	g.Masks = map[string]policy.Mask{"contact": policy.MaskPartial, "at": policy.MaskMonth, "source_id": policy.MaskToken, "longitude": policy.MaskNull}
	gov, d := opened(t, db, g)
	if d.grant.Scope.Checked < 800 {
		t.Errorf("compared %d rows, want stored and edge rows", d.grant.Scope.Checked)
	}
	a, err := query(t, gov, "SELECT at, class, title, contact, source_id, longitude FROM event ORDER BY title")
	if err != nil {
		t.Fatal(err)
	}
	if len(a.Rows) != 75 {
		t.Errorf("got %d rows, want the 75 of caoyang before five o'clock, each once", len(a.Rows))
	}
	row := a.Rows[0]
	if row[0] != "2026-11-01T00:00:00Z" || row[1] != "noise" || row[2] != "工单0" || row[3] != "139****1000" || row[5] != nil {
		t.Errorf("got %v", row)
	}
	if tok, _ := row[4].(string); len(tok) != 64 {
		t.Errorf("got token %v, want 64 hex digits", row[4])
	}
	if a, err = query(t, gov, "SELECT uniqExact(source_id) AS n, count() FROM event"); err != nil || a.Rows[0][0] != 75.0 {
		t.Errorf("distinct tokens: %v, %v; want 75", a.Rows, err)
	}
	if !slices.Equal(d.outcomes, []policy.Outcome{policy.Done, policy.Done}) {
		t.Errorf("outcomes %v", d.outcomes)
	}
}

func TestGovernedQueryStopsAtItsRows(t *testing.T) {
	gov, d := opened(t, governed(t), grantOf([]string{"title"}))
	a, err := gov.Run(t.Context(), civilAnalyst, analytics.Query{Grant: "gr_1", Purpose: "statistics", Text: "SELECT title FROM event", MaxRows: 10})
	if err != nil || len(a.Rows) != 10 || !a.Truncated || d.rows != 10 {
		t.Errorf("got %d rows, truncated %t, charged %d, error %v; want 10 of 400", len(a.Rows), a.Truncated, d.rows, err)
	}
}

// The attacks of the red-team list. Each must be refused before anything runs, or be harmless.
func TestAdmissionRefusesAttacks(t *testing.T) {
	gov, d := opened(t, governed(t), grantOf([]string{"title", "street"}, policy.Condition{Column: "street", Op: policy.Eq, Values: []string{"caoyang"}}))
	attacks := []string{
		"SELECT 1; SELECT 2",
		"SELECT 1;",
		"SELECT 1; SET ROLE r_svc",
		"SELECT title FROM event SETTINGS max_threads = 1",
		"SELECT * FROM (SELECT title FROM event SETTINGS additional_table_filters = {'plinth.event': '1'})",
		"SELECT title FROM event INTO OUTFILE '/tmp/x'",
		"SELECT title FROM event FORMAT Null",
		"SELECT file('/etc/passwd')",
		"SELECT arrayMap(file, ['/etc/passwd'])",
		"SELECT arrayMap(`file`, ['/etc/passwd'])",
		"WITH x -> file(x) AS f SELECT f('/etc/passwd')",
		"WITH file('/etc/passwd') AS z SELECT 1",
		"SELECT * APPLY(file) FROM event",
		"SELECT * REPLACE(file('/etc/passwd') AS title) FROM event",
		"SELECT COLUMNS('t') APPLY(x -> file(x)) FROM event",
		"SELECT * FROM file('/etc/passwd', 'LineAsString')",
		"SELECT * FROM url('http://127.0.0.1/', 'LineAsString')",
		"SELECT * FROM remote('127.0.0.1', 'plinth.event')",
		"SELECT * FROM merge('plinth', '.*')",
		"SELECT * FROM merge(REGEXP('.*'), 'event')",
		"SELECT * FROM view(SELECT * FROM plinth.event)",
		"SELECT * FROM viewIfPermitted(SELECT 1 AS a ELSE null('a UInt8'))",
		"SELECT * FROM loop(event)",
		"SELECT * FROM system.processes",
		"SELECT * FROM `system`.`tables`",
		"SELECT * FROM \"information_schema\".\"tables\"",
		"SELECT name FROM system.tables WHERE 0 IN (SELECT 1)",
		"SELECT * FROM (EXPLAIN SELECT 1)",
		"EXPLAIN SELECT 1",
		"SHOW TABLES",
		"SET max_threads = 1",
		"INSERT INTO event SELECT * FROM event",
		"(SELECT 1)",
		"FROM event SELECT title",
		"SELECT dictGet('d', 'a', 1)",
		"SELECT joinGet('j', 'a', 1)",
		"SELECT getSetting('max_threads')",
		"SELECT sleep(1)",
		"SELECT throwIf(title = 'x') FROM event",
		"SELECT currentUser()",
		"SELECT hostName()",
		"SELECT arrayMap(currentUser, [1])",
		"SELECT title AS `x\n  TABLE id: 9, table_name: s.t` FROM event",
		"SELECT title AS `x, function_name: count` FROM event",
		"SELECT title AS \"a\\nb\" FROM event",
		"SELECT “title” AS t FROM event WHERE title = ‘x’",
		"SELECT ‘a’",
		"SELECT $$a$$",
		"SELECT 1 !",
		"SELECT @@version",
		"SELECT 1 -- \x00",
		"SELECT {p:UInt8}",
		"SELECT countMerge(title) FROM event",
		"SELECT initializeAggregation('count', 1)",
		"SELECT formatRow('CSV', title) FROM event",
		"SELECT evalMLMethod(1)",
		"SELECT * FROM values('a String', file('/etc/passwd'))",
		"SELECT * FROM generateRandom('a UInt8')",
		"WITH RECURSIVE r AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM r WHERE n < 3) SELECT * FROM r",
	}
	for _, sql := range attacks {
		before := len(d.outcomes)
		_, err := query(t, gov, sql)
		switch {
		case err == nil:
			t.Errorf("ran: %q", sql)
		case len(d.outcomes) != before:
			t.Errorf("%q: was stopped only while it ran: %v", sql, err)
		case !errors.Is(err, plinth.ErrDenied) && !errors.Is(err, plinth.ErrInvalid):
			t.Errorf("%q: %v, want a denial", sql, err)
		}
	}
}

// What the text cannot reach although it is one SELECT.
func TestGovernedQueryCannotReachBeyondItsView(t *testing.T) {
	gov, _ := opened(t, governed(t), grantOf([]string{"title"}, policy.Condition{Column: "street", Op: policy.Eq, Values: []string{"caoyang"}}))
	for _, sql := range []string{
		"SELECT contact FROM event",
		"SELECT street FROM event",
		"SELECT * FROM plinth.event",
		"SELECT title FROM event WHERE title IN (SELECT title FROM plinth.event)",
		"SELECT title FROM event WHERE title IN plinth.event",
		"SELECT (SELECT max(contact) FROM plinth.event)",
		"SELECT title FROM event JOIN plinth.scope_key AS k ON 1",
		"SELECT k FROM plinth.scope_key",
		"SELECT title FROM event PREWHERE contact = '1'",
		"SELECT title FROM event ORDER BY contact",
	} {
		a, err := query(t, gov, sql)
		if err == nil {
			t.Errorf("%q gave %d rows", sql, len(a.Rows))
			continue
		}
		if said := err.Error(); strings.Contains(said, "def_") || strings.Contains(said, "caoyang") {
			t.Errorf("%q: the fault tells too much: %s", sql, said)
		}
	}
}

func TestUsualQueriesAreAdmitted(t *testing.T) {
	gov, _ := opened(t, governed(t), grantOf([]string{"at", "class", "title", "street", "longitude"}))
	for _, sql := range []string{
		"SELECT count() FROM event",
		"select class, count(*) n, uniq(street) from event group by class having n > 1 order by n desc limit 5",
		"SELECT toStartOfDay(at) AS day, countIf(class = 'noise') AS c FROM event GROUP BY day ORDER BY day WITH FILL",
		"WITH a AS (SELECT class, count() AS n FROM event GROUP BY class) SELECT sum(n) FROM a",
		"SELECT e.class, x.n FROM event AS e JOIN (SELECT class, count() AS n FROM event GROUP BY class) AS x USING (class) LIMIT 3",
		"SELECT title, row_number() OVER (PARTITION BY class ORDER BY at) AS r FROM event QUALIFY r = 1",
		"SELECT class, quantile(0.9)(longitude), avg(longitude), max(at) FROM event GROUP BY class WITH TOTALS",
		"SELECT CASE WHEN class = 'lift' THEN '电梯' ELSE '其他' END AS `类别`, count() FROM event GROUP BY `类别`",
		"SELECT class FROM event WHERE at >= now() - INTERVAL 30 DAY OR title LIKE '%工单1%' /* 注释 */ -- end",
		"SELECT * EXCEPT(title) FROM event WHERE street IN ('caoyang', 'taopu') LIMIT 2",
		"SELECT class FROM event UNION ALL SELECT street FROM event",
		"SELECT arrayMap(x -> x + 1, groupArray(longitude)) FROM event",
		"SELECT number, count() FROM numbers(3) AS n LEFT JOIN event AS e ON toHour(e.at) = n.number GROUP BY number",
		"SELECT title FROM event WHERE class = 'format; SETTINGS x' OR title = 'it''s'",
		"SELECT\u00a0count() FROM event",
		"SELECT date_trunc('hour', at) AS h, count() FROM event GROUP BY ALL ORDER BY ALL LIMIT 3",
	} {
		if _, err := query(t, gov, sql); err != nil {
			t.Errorf("%q: %v", sql, err)
		}
	}
}

func TestFaultsOfTheTextAreSentences(t *testing.T) {
	gov, _ := opened(t, governed(t), grantOf([]string{"title", "class"}, policy.Condition{Column: "street", Op: policy.Eq, Values: []string{"caoyang"}}))
	for sql, want := range map[string]string{
		"SELECT nope FROM event":              "sql: there is no column nope in the view",
		"SELECT title FROM nowhere":           "sql: there is no table nowhere; the grant's view is the only one",
		"SELECT title FRM event WHERE":        "sql: the text is not valid SQL",
		"SELECT sum(title) FROM event":        "sql: a function does not take arguments of this type",
		"SELECT title, count() FROM event":    "sql: a column is neither aggregated nor in GROUP BY",
		"SELECT toInt32(title) FROM event":    "sql: a value cannot be read as the type asked for",
		"SELECT nofunction(title) FROM event": "",
	} {
		_, err := query(t, gov, sql)
		if err == nil || want != "" && err.Error() != want {
			t.Errorf("%q: got %v, want %q", sql, err, want)
		}
	}
}

func TestCompilerBlocksWhatItCannotProve(t *testing.T) {
	db := governed(t)
	mustExec(t, db, "DROP TABLE IF EXISTS plinth.odd", "CREATE TABLE plinth.odd (a Enum8('x' = 1), n Nullable(Int32), f Float64, s String) ENGINE = MergeTree ORDER BY tuple()",
		"INSERT INTO plinth.odd VALUES ('x', 1, nan, 'a'), ('x', NULL, 1.5, 'b')")
	d := policy.Dataset{ID: "ds_odd", Table: "plinth.odd", Fields: []policy.Field{{Name: "a", Kind: policy.String},
		{Name: "n", Kind: policy.Integer}, {Name: "f", Kind: policy.Decimal}, {Name: "s", Kind: policy.Datetime}, {Name: "gone", Kind: policy.String}}}
	compile := func(cond policy.Condition) error {
		_, err := policyscope.NewCompiler(clickhouse.NewGoverned(db)).Compile(t.Context(), grantOf([]string{"f"}, cond), d)
		return err
	}
	var counter *policy.Counterexample
	for _, bad := range []policy.Condition{
		{Column: "a", Op: policy.Eq, Values: []string{"x"}},                        // an enum is not text
		{Column: "s", Op: policy.Gt, Values: []string{"2026-01-01T00:00:00.000Z"}}, // text is not a time
		{Column: "gone", Op: policy.Eq, Values: []string{"x"}},
	} {
		if err := compile(bad); !errors.As(err, &counter) {
			t.Errorf("%v: got %v, want a block", bad, err)
		}
	}
	for _, good := range []policy.Condition{
		{Column: "n", Op: policy.Ne, Values: []string{"5"}}, // NULL is hidden on both sides
		{Column: "f", Op: policy.Ne, Values: []string{"2"}}, // so is NaN
		{Column: "f", Op: policy.In, Values: []string{"1.5", "0.1"}},
	} {
		if err := compile(good); err != nil {
			t.Errorf("%v: %v", good, err)
		}
	}
	empty := grantOf([]string{"f"})
	empty.AllRows = false
	if _, err := policyscope.NewCompiler(clickhouse.NewGoverned(db)).Compile(t.Context(), empty, d); !errors.As(err, &counter) {
		t.Errorf("no filter without all_rows: got %v, want a block", err)
	}
}

func TestFiltersOfEveryKindMeanTheSame(t *testing.T) {
	db := governed(t)
	compiler := policyscope.NewCompiler(clickhouse.NewGoverned(db))
	for i, cond := range []policy.Condition{
		{Column: "street", Op: policy.In, Values: []string{"caoyang", "it's", `a\b`, "\n", "曹杨"}},
		{Column: "title", Op: policy.StartsWith, Values: []string{"工单1"}},
		{Column: "title", Op: policy.Gt, Values: []string{"工单2"}},
		{Column: "title", Op: policy.Le, Values: []string{"'; DROP TABLE x --"}},
		{Column: "class", Op: policy.Ne, Values: []string{"noise"}},
		{Column: "at", Op: policy.Ge, Values: []string{"2026-11-01T01:00:00.001Z"}},
		{Column: "longitude", Op: policy.Lt, Values: []string{"121.5"}},
		{Column: "longitude", Op: policy.Eq, Values: []string{"121.41"}},
	} {
		s, err := compiler.Compile(t.Context(), grantOf([]string{"title"}, cond), events())
		if err != nil {
			t.Errorf("%d %v: %v", i, cond, err)
			continue
		}
		if s.Checked == 0 || s.Filter == "1" {
			t.Errorf("%d %v: checked %d rows, filter %s", i, cond, s.Checked, s.Filter)
		}
	}
}

func TestWithdrawnScopeRefusesAtOnce(t *testing.T) {
	db := governed(t)
	gov, d := opened(t, db, grantOf([]string{"title"}))
	if _, err := query(t, gov, "SELECT count() FROM event"); err != nil {
		t.Fatal(err)
	}
	running := make(chan error, 1)
	go func() {
		_, err := gov.Run(context.WithoutCancel(t.Context()), civilAnalyst, analytics.Query{Grant: "gr_1", Purpose: "statistics",
			Text: "SELECT sum(sipHash64(a.number, b.number)) FROM numbers(1000000) AS a CROSS JOIN numbers(1000000) AS b"})
		running <- err
	}()
	waitFor(t, func() bool { return len(d.asked) == 2 })
	if err := clickhouse.NewGoverned(db).ApplyScopes(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	select {
	case err := <-running:
		if err == nil {
			t.Error("the running query ended well after its scope was withdrawn")
		}
	case <-time.After(5 * time.Second):
		t.Error("the running query went on after its scope was withdrawn")
	}
	if _, err := query(t, gov, "SELECT count() FROM event"); !errors.Is(err, plinth.ErrUnavailable) {
		t.Errorf("after the withdrawal: %v, want no answer", err)
	}
}

func waitFor(t *testing.T, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("waited ten seconds in vain")
		}
	}
}
