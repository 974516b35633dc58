package embedded

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/ClickHouse/ch-go/compress"
)

// maxStatement bounds a statement's text; data of an INSERT is streamed and has no such bound.
const maxStatement = 16 << 20

// request is one statement as the ClickHouse HTTP interface carries it.
type request struct {
	sql      string
	format   string // of the output, unless the text says otherwise
	queryID  string
	database string
	params   []param
	settings []setting
	method   compress.Method // of the answer
	wait     bool            // answer only when all is known to be well

	insert     string    // the INSERT without its FORMAT, when data follows as the body
	data       io.Reader // of insert
	dataFormat string
}

// setting is a key of the request that the engine knows; the text is the caller's.
type setting struct{ name, value string }

// reserved are keys of the interface that are not settings.
var reserved = []string{"query", "database", "default_format", "query_id", "session_id", "session_timeout",
	"session_check", "compress", "decompress", "client_protocol_version", "quota_key", "user", "password", "role",
	"wait_end_of_query", "buffer_size", "stacktrace", "close_session", "enable_http_compression", "log_comment",
	"network_compression_method", "network_zstd_compression_level", "implicit_select", "allow_introspection_functions"}

var identifier = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// insertFormat finds the format of an INSERT whose data is the body.
var insertFormat = regexp.MustCompile(`(?is)^(\s*INSERT\s.*?)\s+FORMAT\s+([A-Za-z0-9_]+)\s*;?\s*$`)

// inlineData finds an INSERT that carries data other than VALUES in its own text.
var inlineData = regexp.MustCompile(`(?is)^\s*INSERT\s+INTO\s+[^()]*(\([^()]*\))?\s*FORMAT\s+([A-Za-z0-9_]+)\s+\S`)

// parseRequest reads the statement and its surroundings. It does not read an INSERT's data. Errors are Exceptions.
func parseRequest(r *http.Request) (*request, error) {
	if r.Method != http.MethodPost && r.Method != http.MethodGet {
		return nil, exceptionf(1000, "POCO_EXCEPTION", "the method %s is not served", r.Method)
	}
	q, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return nil, exceptionf(36, "BAD_ARGUMENTS", "the query string cannot be read")
	}
	if e := r.Header.Get("Content-Encoding"); e != "" && e != "identity" {
		return nil, exceptionf(36, "BAD_ARGUMENTS", "the body's encoding %q is not served: use none, LZ4 or ZSTD blocks (decompress=1)", e)
	}
	if strings.HasPrefix(r.Header.Get("Content-Type"), "multipart/") {
		return nil, exceptionf(48, "NOT_IMPLEMENTED", "external tables are not served")
	}
	if q.Get("session_id") != "" {
		return nil, exceptionf(48, "NOT_IMPLEMENTED", "sessions are not served: each request stands alone")
	}
	req := &request{format: q.Get("default_format"), queryID: q.Get("query_id"), database: q.Get("database"), wait: q.Get("wait_end_of_query") == "1"}
	if req.format == "" {
		req.format = "TabSeparated"
	}
	if err := req.readKeys(q); err != nil {
		return nil, err
	}
	return req, req.readStatement(q, r.Body)
}

// readKeys sorts the query string's keys into parameters, settings and what is neither.
func (req *request) readKeys(q url.Values) error {
	if !identifier.MatchString(req.format) {
		return exceptionf(73, "UNKNOWN_FORMAT", "the format's name is not a word")
	}
	if req.database != "" && !identifier.MatchString(req.database) {
		return exceptionf(81, "UNKNOWN_DATABASE", "the database's name is not a word")
	}
	names := make([]string, 0, len(q))
	for name := range q {
		names = append(names, name)
	}
	slices.Sort(names) // the order in which faults are reported is the same each time
	for _, name := range names {
		value := q.Get(name)
		if p, ok := strings.CutPrefix(name, "param_"); ok {
			req.params = append(req.params, param{p, value})
			continue
		}
		if slices.Contains(reserved, name) {
			continue
		}
		if !identifier.MatchString(name) {
			return exceptionf(115, "UNKNOWN_SETTING", "a setting's name is not a word: %.64q", name)
		}
		req.settings = append(req.settings, setting{name, value})
	}
	return req.readCompression(q)
}

func (req *request) readCompression(q url.Values) error {
	if q.Get("compress") != "1" {
		req.method = compress.None
		return nil
	}
	switch m := strings.ToUpper(q.Get("network_compression_method")); m {
	case "", "LZ4":
		req.method = compress.LZ4
	case "ZSTD":
		req.method = compress.ZSTD
	case "NONE":
		req.method = compress.None
	default:
		return exceptionf(36, "BAD_ARGUMENTS", "the compression %.32q is not served", m)
	}
	return nil
}

// compressed tells whether the answer is in compressed blocks.
func (req *request) compressed() bool { return req.method != compress.None }

func (req *request) readStatement(q url.Values, body io.Reader) error {
	if q.Get("decompress") == "1" {
		body = compress.NewReader(body)
	}
	req.sql = q.Get("query")
	if m := insertFormat.FindStringSubmatch(req.sql); m != nil && !strings.EqualFold(m[2], "Values") {
		req.insert, req.data, req.dataFormat = m[1], body, m[2]
		return nil
	}
	text, err := readText(body)
	if err != nil {
		return err
	}
	if req.sql != "" && text != "" {
		req.sql += "\n"
	}
	req.sql += text
	// The engine ends such data at the first blank line and would drop the rest without a word.
	if m := inlineData.FindStringSubmatch(req.sql); m != nil && !strings.EqualFold(m[2], "Values") {
		return exceptionf(48, "NOT_IMPLEMENTED", "data in the statement's text is not served: send INSERT … FORMAT %s as the query key and the data as the body", m[2])
	}
	return nil
}

func readText(body io.Reader) (string, error) {
	b, err := io.ReadAll(io.LimitReader(body, maxStatement+1))
	if err != nil && !errors.Is(err, io.EOF) {
		return "", bodyError(err)
	}
	if len(b) > maxStatement {
		return "", exceptionf(36, "BAD_ARGUMENTS", "the statement is longer than %d MiB", maxStatement>>20)
	}
	return string(b), nil
}

// bodyError tells a body that broke off or is corrupt.
func bodyError(err error) error {
	return exceptionf(33, "CANNOT_READ_ALL_DATA", "the request's body cannot be read to its end: %.200s", err)
}

// setStatement is the SET that gives a session the settings; "" for none.
func setStatement(settings []setting) string {
	if len(settings) == 0 {
		return ""
	}
	parts := make([]string, len(settings))
	for i, s := range settings {
		parts[i] = fmt.Sprintf("%s = '%s'", s.name, quoteEscaper.Replace(s.value))
	}
	return "SET " + strings.Join(parts, ", ")
}

var quoteEscaper = strings.NewReplacer(`\`, `\\`, `'`, `\'`)
