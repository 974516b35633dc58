package clickhouse_test

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	ch "github.com/ClickHouse/clickhouse-go/v2"

	"plinth"
	"plinth/internal/clickhouse"
	"plinth/internal/stack/stacktest"
)

func TestKillLosesNoAcknowledgedRow(t *testing.T) {
	dir := t.TempDir()
	acknowledged := int64(0)
	const size = 500
	for round := range 3 {
		p := start(t, dir)
		db := openAt(t, p.cfg)
		if round == 0 {
			mustExec(t, db, "CREATE TABLE log (id UInt64, at DateTime64(3, 'UTC'), s String) ENGINE = MergeTree ORDER BY id")
		}
		rows, lost := countLog(t, db, acknowledged, size)
		if lost != 0 || rows%size != 0 {
			t.Fatalf("round %d: %d acknowledged batches are lost, %d rows are no whole batches", round, lost, rows)
		}
		var sent atomic.Int64
		sent.Store(acknowledged)
		stopped := make(chan error, 1)
		go func() {
			for {
				if err := insertLog(t.Context(), db, sent.Load(), size); err != nil {
					stopped <- err
					return
				}
				sent.Add(1)
			}
		}()
		for deadline := time.Now().Add(20 * time.Second); sent.Load() < acknowledged+20; time.Sleep(time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatalf("round %d: only %d batches went in", round, sent.Load()-acknowledged)
			}
		}
		p.kill()
		if err := <-stopped; !errors.Is(err, plinth.ErrUnavailable) {
			t.Errorf("the batch that was on its way: got %v, want unavailable", err)
		}
		acknowledged = sent.Load()
	}
	db := openAt(t, start(t, dir).cfg)
	if rows, lost := countLog(t, db, acknowledged, size); lost != 0 {
		t.Errorf("%d of %d acknowledged batches are lost (%d rows)", lost, acknowledged, rows)
	}
}

// insertLog sends batch n of the log; a batch sent again has the same ids.
func insertLog(ctx context.Context, db *clickhouse.DB, n int64, size int) error {
	b, err := db.PrepareBatch(ctx, "INSERT INTO log")
	if err != nil {
		return err
	}
	for i := range size {
		if err := b.Append(uint64(n)*uint64(size)+uint64(i), time.Unix(int64(i), 0), "x"); err != nil {
			return err
		}
	}
	return b.Send()
}

func countLog(t *testing.T, db *clickhouse.DB, batches int64, size int) (rows, lost int64) {
	t.Helper()
	var n, distinct uint64
	err := db.QueryRow(t.Context(), "SELECT count(), uniqExactIf(id, id < {n:UInt64}) FROM log", clickhouse.Param("n", uint64(batches)*uint64(size))).Scan(&n, &distinct)
	if err != nil {
		t.Fatal(err)
	}
	return int64(n), batches - int64(distinct)/int64(size)
}

func TestDBFindsTheEngineAgain(t *testing.T) {
	dir := t.TempDir()
	p := start(t, dir)
	db := openAt(t, p.cfg)
	u, err := url.Parse(p.cfg.URL)
	if err != nil {
		t.Fatal(err)
	}
	p.kill()
	if err := db.Ping(t.Context()); !errors.Is(err, plinth.ErrUnavailable) {
		t.Errorf("ping of a dead engine: got %v, want unavailable", err)
	}
	if err := db.ApplyScopes(t.Context(), nil); !errors.Is(err, plinth.ErrUnavailable) {
		t.Errorf("rights on a dead engine: got %v, want unavailable", err)
	}
	start(t, dir, "--listen", u.Host)
	for deadline := time.Now().Add(5 * time.Second); db.Ping(t.Context()) != nil; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("ping of the new engine: %v", db.Ping(t.Context()))
		}
	}
}

func TestSecondEngineOnAFolderIsRefused(t *testing.T) {
	dir := t.TempDir()
	p := start(t, dir)
	_, err := launch(dir)
	if err == nil || !strings.Contains(err.Error(), "pid "+strconv.Itoa(p.cmd.Process.Pid)) {
		t.Errorf("got %v, want the pid %d of the one that has it", err, p.cmd.Process.Pid)
	}
}

func TestStopKeepsDataAndEndsInTime(t *testing.T) {
	dir := t.TempDir()
	p := start(t, dir)
	mustExec(t, openAt(t, p.cfg), "CREATE TABLE x (a UInt8) ENGINE = MergeTree ORDER BY a", "INSERT INTO x VALUES (1), (2)")
	began := time.Now()
	p.stop()
	if took := time.Since(began); took > 8*time.Second || p.cmd.ProcessState.ExitCode() != 0 {
		t.Errorf("took %v, exit %v: %s", took, p.cmd.ProcessState, p.stderr)
	}
	var n uint64
	if err := openAt(t, start(t, dir).cfg).QueryRow(t.Context(), "SELECT count() FROM x").Scan(&n); err != nil || n != 2 {
		t.Errorf("got %d rows, %v", n, err)
	}
}

func TestStartSaysWhatIsMissing(t *testing.T) {
	other := filepath.Join(t.TempDir(), "libchdb.so")
	if err := os.WriteFile(other, []byte("not a library"), 0o600); err != nil {
		t.Fatal(err)
	}
	loose := filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(loose, []byte("long-enough-for-us\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	tests := map[string]struct {
		args []string
		want string
	}{
		"library missing":     {[]string{"--engines", t.TempDir()}, "npm ci"},
		"another library":     {[]string{"--library", other}, "not the pinned build"},
		"open to the network": {[]string{"--listen", "0.0.0.0:0"}, "not a loopback address"},
		"too little memory":   {[]string{"--memory", "10"}, "the least is 256"},
		"password readable":   {[]string{"--password-file", loose}, "0600"},
		"stray argument":      {[]string{"more"}, "unknown argument"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if _, err := launch(t.TempDir(), tt.args...); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %q in it", err, tt.want)
			}
		})
	}
}

func TestLoginIsRefusedWithoutTheSecret(t *testing.T) {
	cfg := stacktest.ClickHouse(t)
	for name, c := range map[string]clickhouse.Config{
		"wrong password": {URL: cfg.URL, User: cfg.User, Password: "wrong-password"},
		"no password":    {URL: cfg.URL, User: cfg.User},
		"unknown user":   {URL: cfg.URL, User: "default", Password: cfg.Password},
		"unknown scope":  {URL: cfg.URL, User: "q_nowhere", Password: cfg.Password},
		"derived":        {URL: cfg.URL, User: "q_nowhere", Password: clickhouse.ReaderPassword(cfg.Password, "nowhere")},
	} {
		if _, err := clickhouse.Open(t.Context(), c); !errors.Is(err, plinth.ErrDenied) || clickhouse.Code(err) != 516 {
			t.Errorf("%s: got %v, want denied with code 516", name, err)
		}
	}
	for _, path := range []string{"/?query=SELECT+1", "/access"} {
		res, err := http.Get(cfg.URL + path)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		if res.StatusCode != http.StatusForbidden {
			t.Errorf("%s without a login: got %s, want 403", path, res.Status)
		}
	}
}

func TestReadersMayNotChangeRights(t *testing.T) {
	cfg, _, _ := scoped(t)
	for _, method := range []string{http.MethodGet, http.MethodPut} {
		req, _ := http.NewRequestWithContext(t.Context(), method, cfg.URL+"/access", strings.NewReader("[]"))
		req.SetBasicAuth("q_a", clickhouse.ReaderPassword(cfg.Password, "a"))
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		if res.StatusCode != http.StatusForbidden {
			t.Errorf("%s: got %s, want 403", method, res.Status)
		}
	}
}

func TestOneQueryCannotTakeAllMemory(t *testing.T) {
	db := open(t)
	ctx := ch.Context(t.Context(), ch.WithSettings(ch.Settings{"max_memory_usage": 0}))
	if _, err := drainQuery(ctx, db, "SELECT length(groupArray(repeat('x', 1000000))) FROM numbers(10000)"); !errors.Is(err, plinth.ErrExhausted) {
		t.Errorf("got %v, want exhausted by the bound of the whole engine", err)
	}
	if err := db.Ping(t.Context()); err != nil {
		t.Errorf("afterwards: %v", err)
	}
}

func TestServiceIsRefusedTheFileSystemAndTheNetwork(t *testing.T) {
	db := open(t)
	for _, sql := range []string{
		"SELECT file('/etc/hostname')",
		"SELECT `fi\\x6ce`('/etc/hostname')",
		"SELECT 1 INTO OUTFILE '/tmp/plinth-outfile-test'",
		"EXPLAIN SELECT 1 INTO OUTFILE '/tmp/plinth-outfile-test'",
		"INSERT INTO migration FROM INFILE '/etc/hostname' FORMAT CSV",
		"SELECT * FROM file('/etc/hostname', 'LineAsString')",
		"CREATE TABLE f (a String) ENGINE = File(CSV, '/etc/hostname')",
		"CREATE TABLE f (a String) ENGINE = URL('http://127.0.0.1:1/', CSV)",
		"SELECT * FROM url('http://127.0.0.1:1/', 'CSV', 'a String')",
		"SELECT * FROM s3('http://127.0.0.1:1/x', 'CSV', 'a String')",
		"SELECT * FROM remote('127.0.0.1', 'system.one')",
		"SELECT * FROM default.`/etc/hostname`",
		"SELECT 1; DROP TABLE migration",
		"SET ROLE r_a",
		"SET max_threads = 1",
		"EXECUTE AS def_a SELECT 1",
		"CREATE USER x",
	} {
		if n, err := drainQuery(t.Context(), db, sql); err == nil || clickhouse.Code(err) == 0 {
			t.Errorf("%s: got %d rows, %v; want a refusal", sql, n, err)
		}
	}
	if _, err := os.Stat("/tmp/plinth-outfile-test"); err == nil {
		t.Error("a file was written")
	}
	var word string
	if err := db.QueryRow(t.Context(), "SELECT 'file (' || `file` FROM (SELECT 'x' AS file)").Scan(&word); err != nil || word != "file (x" {
		t.Errorf("the word alone: got %q, %v", word, err)
	}
}

// post sends a raw request as the service and returns the status, the exception's code and the body.
func post(t *testing.T, cfg clickhouse.Config, query string, header http.Header, body []byte) (int, string, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, cfg.URL+"/?"+query, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for k, v := range header {
		req.Header[k] = v
	}
	req.SetBasicAuth(cfg.User, cfg.Password)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	var out bytes.Buffer
	out.ReadFrom(res.Body)
	return res.StatusCode, res.Header.Get("X-ClickHouse-Exception-Code"), out.String()
}

func TestMalformedRequestsGetAClearError(t *testing.T) {
	cfg := stacktest.ClickHouse(t)
	mustExec(t, openAt(t, cfg), "CREATE TABLE IF NOT EXISTS malformed (a UInt32) ENGINE = MergeTree ORDER BY a")
	insert := "query=" + url.QueryEscape("INSERT INTO malformed FORMAT Native")
	tests := map[string]struct {
		query  string
		header http.Header
		body   string
		status int
	}{
		"empty":                   {"", nil, "", 400},
		"query string":            {"query=%zz", nil, "", 400},
		"invalid UTF-8":           {"", nil, "SELECT \xff\xfe", 400},
		"NUL":                     {"", nil, "SELECT 1 \x00 2", 400},
		"setting's name":          {"max%27threads=1", nil, "SELECT 1", 400},
		"setting with quotes":     {"max_threads=1'", nil, "SELECT 1", 400},
		"database's name":         {"database=x;y", nil, "SELECT 1", 400},
		"unknown database":        {"database=nowhere", nil, "SELECT 1", 404},
		"format's name":           {"default_format=No+Such", nil, "SELECT 1", 400},
		"unknown format":          {"default_format=NoSuch", nil, "SELECT 1", 400},
		"compressed statement":    {"decompress=1", nil, "this is no compressed block", 400},
		"gzip":                    {"", http.Header{"Content-Encoding": {"gzip"}}, "x", 400},
		"multipart":               {"", http.Header{"Content-Type": {"multipart/form-data; boundary=x"}}, "--x--", 501},
		"session":                 {"session_id=1", nil, "SELECT 1", 501},
		"missing parameter":       {"", nil, "SELECT {x:String}", 400},
		"parameter of wrong type": {"param_x=abc", nil, "SELECT {x:UInt8}", 400},
		"data in the text":        {"", nil, "INSERT INTO malformed FORMAT CSV\n1\n\n2\n", 501},
		"native garbage":          {insert, nil, "\x01\x01\x01a\x06UInt32garbage and more of it", 400},
		"native cut short":        {insert, nil, "\x01\x05\x01a\x06UInt32\x01\x00", 400},
		"native wrong column":     {insert, nil, "\x01\x01\x01b\x06UInt32\x01\x00\x00\x00", 400},
		"too long":                {"", nil, "SELECT '" + strings.Repeat("x", 17<<20) + "'", 400},
		"thousand brackets":       {"", nil, "SELECT " + strings.Repeat("(", 5000) + "1" + strings.Repeat(")", 5000), 400},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			status, code, body := post(t, cfg, tt.query, tt.header, []byte(tt.body))
			if status != tt.status || code == "" {
				t.Errorf("got %d with code %q: %.200s; want %d with a code", status, code, body, tt.status)
			}
		})
	}
	var n uint64
	if err := openAt(t, cfg).QueryRow(t.Context(), "SELECT count() FROM malformed").Scan(&n); err != nil || n != 0 {
		t.Errorf("got %d rows, %v; want nothing half-written", n, err)
	}
}
