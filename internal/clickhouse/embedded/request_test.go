package embedded

import (
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"plinth/internal/clickhouse"
)

// FuzzParseRequest feeds the parser what a stranger could send: it answers with a request whose parts cannot break out of
// the statements built of them, or with an Exception.
func FuzzParseRequest(f *testing.F) {
	f.Add("default_format=Native&database=plinth&param_x=1&max_threads=2", "SELECT 1", "", "")
	f.Add("query="+url.QueryEscape("INSERT INTO t (a) FORMAT Native")+"&decompress=1", "x", "", "")
	f.Add("compress=1&network_compression_method=ZSTD&wait_end_of_query=1", "/* x", "", "")
	f.Add("query=%zz", "", "gzip", "")
	f.Add("a'b=1&session_id=2", "INSERT INTO t FORMAT CSV 1", "", "multipart/form-data")
	f.Add("max_threads=1%27%2C+readonly+%3D+%270&query=SELECT", "\x00\xff`\\x66ile`", "", "")
	f.Fuzz(func(t *testing.T, query, body, encoding, contentType string) {
		r := &http.Request{Method: http.MethodPost, URL: &url.URL{Path: "/", RawQuery: query}, Header: http.Header{},
			Body: http.NoBody}
		r.Body = readCloser{strings.NewReader(body)}
		r.Header.Set("Content-Encoding", encoding)
		r.Header.Set("Content-Type", contentType)
		req, err := parseRequest(r)
		if err != nil {
			var e *Exception
			if !errors.As(err, &e) || e.Code == 0 || !strings.HasPrefix(e.Text, "Code: ") {
				t.Fatalf("got %v, want an Exception", err)
			}
			return
		}
		checkRequest(t, req)
	})
}

type readCloser struct{ *strings.Reader }

func (readCloser) Close() error { return nil }

func checkRequest(t *testing.T, req *request) {
	t.Helper()
	if !identifier.MatchString(req.format) || req.database != "" && !identifier.MatchString(req.database) {
		t.Errorf("format %q, database %q are not words", req.format, req.database)
	}
	for _, s := range req.settings {
		if !identifier.MatchString(s.name) {
			t.Errorf("setting %q is not a word", s.name)
		}
	}
	if set := setStatement(req.settings); strings.Count(unquote(set), "'") != 0 {
		t.Errorf("a setting's value leaves its quotes: %s", set)
	}
	if req.data != nil && (req.insert == "" || req.dataFormat == "") {
		t.Errorf("data without an INSERT: %+v", req)
	}
	firstWord(req.sql)
	mayNameFiles(req.sql)
}

// unquote removes the quoted values of a SET statement as the engine would read them.
func unquote(s string) string {
	var b strings.Builder
	quoted := false
	for i := 0; i < len(s); i++ {
		switch {
		case quoted && s[i] == '\\':
			i++
		case s[i] == '\'':
			quoted = !quoted
		case !quoted:
			b.WriteByte(s[i])
		}
	}
	if quoted {
		return b.String() + "'"
	}
	return b.String()
}

func TestSettingsThatCouldUndoAGateAreIgnored(t *testing.T) {
	r := &http.Request{Method: http.MethodPost, URL: &url.URL{RawQuery: "implicit_select=1&allow_introspection_functions=1&log_comment=x&role=r_svc&user=svc&max_threads=3"},
		Header: http.Header{}, Body: readCloser{strings.NewReader("SELECT 1")}}
	req, err := parseRequest(r)
	if err != nil {
		t.Fatal(err)
	}
	if got := setStatement(req.settings); got != "SET max_threads = '3'" {
		t.Errorf("got %q", got)
	}
}

func TestUsersFileEscapesFilters(t *testing.T) {
	got := usersXML([]clickhouse.Scope{{Name: "a", Tables: []clickhouse.ScopeTable{{Base: "event", Columns: []string{"id"},
		Filter: "region = 'A' AND id < 5 AND note != ']]></filter><grants>&'"}}}})
	if strings.Contains(got, "</filter><grants>") || !strings.Contains(got, "id &lt; 5") {
		t.Errorf("the filter is not escaped:\n%s", got)
	}
}
