package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
)

// testAttacks sends what is malformed, of the wrong type, out of range or hostile to every operation: each is refused
// with an answer of the right kind or taken as the plain text it is.
func testAttacks(t *testing.T, h *running) {
	t.Run("bodies", func(t *testing.T) { attackBodies(t, h) })
	t.Run("parameters", func(t *testing.T) { attackParameters(t, h) })
	t.Run("100 MB", func(t *testing.T) { attackSize(t, h) })
	t.Run("tokens", func(t *testing.T) { attackTokens(t, h) })
	t.Run("times", func(t *testing.T) { attackTimes(t, h) })
	status, _, err := h.call("", "GET", "/healthz", nil)
	if err != nil || status != 200 {
		t.Errorf("after the attacks /healthz says %d %v", status, err)
	}
}

const injection = `x'); DROP TABLE plinth.event; SELECT ('\\' OR 1=1 --`

// hostile returns values that are wrong for a field, or that try to be more than text.
func (s schema) hostile() []string {
	quoted, _ := json.Marshal(injection)
	switch {
	case s.Format == "date-time":
		return []string{`"1970-01-01T00:00:00Z"`, `"2999-12-31T23:59:59Z"`, `"9999-99-99"`, string(quoted), `12`}
	case s.Type == "string":
		return []string{string(quoted), `7`, `{"a":1}`, `["x"]`, `"\u0000"`, `"` + strings.Repeat("长", 20_000) + `"`}
	case s.Type == "integer" || s.Type == "number":
		return []string{`"NaN"`, `NaN`, `1e400`, `-1`, `99999999999999999999`, string(quoted)}
	case s.Type == "boolean":
		return []string{`"yes"`, `2`}
	case s.Type == "array":
		return []string{`{"a":1}`, `"x"`, `[null]`, `[` + string(quoted) + `]`, `[{"nothing":1}]`}
	}
	return []string{`"x"`, `[1]`, `{"nothing":{}}`, `null`}
}

// mustRefuse are bodies that are no request of any operation.
var mustRefuse = []string{`{`, `{"a":`, `[]`, `"x"`, `nul`, `{"noSuchField":1}`, "{\"note\":\"\xff\xfe\"}", `{} {}`,
	strings.Repeat(`{"a":`, 100) + `1` + strings.Repeat(`}`, 100), `{"id":"a","id":"b"}`}

func attackBodies(t *testing.T, h *running) {
	before := total(t, h, "/v1/datasets")
	created := 0
	for _, op := range operations(t, h) {
		if op.body == nil || strings.HasPrefix(op.path, "/v1/auth/") {
			continue
		}
		for _, body := range mustRefuse {
			if status := attack(t, h, op, body); status < 400 {
				t.Errorf("%s %s takes %.80q", op.method, op.path, body)
			}
		}
		for _, field := range slices.Sorted(maps.Keys(op.body)) {
			for _, value := range op.body[field].hostile() {
				if attack(t, h, op, fmt.Sprintf(`{%q:%s}`, field, value)) == 200 && op.method+op.path == "POST/v1/datasets" {
					created++
				}
			}
			twice := fmt.Sprintf(`{%q:null,%q:null}`, field, field)
			if status := attack(t, h, op, twice); status < 400 {
				t.Errorf("%s %s takes %s", op.method, op.path, twice)
			}
		}
	}
	if got := total(t, h, "/v1/datasets"); got != before+created {
		t.Errorf("%d datasets, want %d: what was refused must leave nothing", got, before+created)
	}
}

// attack sends a body and fails the test when the answer is not one of ours.
func attack(t *testing.T, h *running, op operation, body string) int {
	t.Helper()
	status, answer, err := h.as(op.who(), op.method, op.at("x"), []byte(body))
	judge(t, op.method+" "+op.path+fmt.Sprintf(" %.120q", body), status, answer, err)
	return status
}

// judge refuses a failure of ours and an error without its sentence.
func judge(t *testing.T, what string, status int, answer []byte, err error) {
	t.Helper()
	var said struct{ Code, Message string }
	switch {
	case err != nil:
		t.Errorf("%s: %v", what, err)
	case status >= 500:
		t.Errorf("%s: %d %.300s", what, status, answer)
	case status >= 400 && (json.Unmarshal(answer, &said) != nil || said.Code == "" || said.Message == ""):
		t.Errorf("%s: %d without code and message: %.300s", what, status, answer)
	}
}

func total(t *testing.T, h *running, path string) int {
	t.Helper()
	_, answer, err := h.as("steward", "GET", path, nil)
	if err != nil {
		t.Fatal(err)
	}
	var page struct{ TotalSize int }
	if err := json.Unmarshal(answer, &page); err != nil {
		t.Fatal(err)
	}
	return page.TotalSize
}

func attackParameters(t *testing.T, h *running) {
	values := []string{injection, "-1", "99999999999999999999", "NaN", "2999-01-01T00:00:00Z", "1970-01-01T00:00:00Z", "\x00", "\xff", "长"}
	for _, op := range operations(t, h) {
		if op.method != "GET" {
			continue
		}
		for _, id := range []string{injection, "../../etc/passwd", "\x00", "\xff\xfe", strings.Repeat("a", 5000)} {
			if strings.Contains(op.path, "{") {
				status, answer, err := h.as(op.who(), "GET", op.at(id), nil)
				judge(t, fmt.Sprintf("%s with id %.40q", op.path, id), status, answer, err)
			}
		}
		for _, name := range op.query {
			for _, value := range values {
				status, answer, err := h.as(op.who(), "GET", op.at("x")+"?"+url.Values{name: {value}}.Encode(), nil)
				judge(t, fmt.Sprintf("%s?%s=%.40q", op.path, name, value), status, answer, err)
			}
		}
	}
}

// attackSize sends 100 MB without saying so before. The house stops reading; the connection may break while we write.
func attackSize(t *testing.T, h *running) {
	token, err := h.signIn("steward")
	if err != nil {
		t.Fatal(err)
	}
	for _, auth := range []string{"", "Bearer " + token} {
		endless := io.MultiReader(strings.NewReader(`{"title":{"zh":"`), io.LimitReader(letters{}, 100<<20), strings.NewReader(`"}}`))
		req, err := http.NewRequestWithContext(t.Context(), "POST", h.url+"/v1/datasets", io.NopCloser(endless))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", auth)
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Logf("the connection was cut: %v", err)
			continue
		}
		answer, _ := io.ReadAll(resp.Body)
		resp.Body.Close()
		if resp.StatusCode < 400 || resp.StatusCode >= 500 {
			t.Errorf("100 MB: %d %.200s", resp.StatusCode, answer)
		}
		t.Logf("100 MB: %d %.200s", resp.StatusCode, answer)
	}
}

type letters struct{}

func (letters) Read(p []byte) (int, error) {
	copy(p, bytes.Repeat([]byte("a"), len(p)))
	return len(p), nil
}

// attackTokens uses an API token that was revoked and one that has expired.
func attackTokens(t *testing.T, h *running) {
	for _, end := range []string{"revoked", "expired"} {
		_, answer, err := h.as("auditor", "POST", "/v1/auth/tokens", []byte(`{"name":"`+end+`","scopes":["auditor"],"validDays":1}`))
		if err != nil {
			t.Fatal(err)
		}
		var made struct {
			Token  struct{ ID string }
			Secret string
		}
		if err := json.Unmarshal(answer, &made); err != nil || made.Secret == "" {
			t.Fatalf("token: %.300s %v", answer, err)
		}
		if end == "revoked" {
			if status, answer, err := h.call(made.Secret, "GET", "/v1/evidence/chain", nil); err != nil || status != 200 {
				t.Errorf("a fresh token: %d %s %v", status, answer, err)
			}
			_, _, err = h.as("auditor", "POST", "/v1/auth/tokens/"+made.Token.ID+":revoke", []byte("{}"))
		} else {
			err = expire(t, h, made.Token.ID)
		}
		if err != nil {
			t.Fatal(err)
		}
		status, answer, err := h.call(made.Secret, "GET", "/v1/evidence/chain", nil)
		if err != nil || status != http.StatusUnauthorized {
			t.Errorf("a token that is %s: %d %s %v, want 401", end, status, answer, err)
		}
	}
}

// expire moves a token's life into the past, which no call of the API can.
func expire(t *testing.T, h *running, id string) error {
	secret, err := os.ReadFile(filepath.Join(h.data, "postgres", "password"))
	if err != nil {
		return err
	}
	ports := map[string]int{}
	data, err := os.ReadFile(filepath.Join(h.data, "ports.json"))
	if err != nil {
		return err
	}
	if err := json.Unmarshal(data, &ports); err != nil {
		return err
	}
	conn, err := pgx.Connect(t.Context(), fmt.Sprintf("postgres://plinth:%s@127.0.0.1:%d/postgres", strings.TrimSpace(string(secret)), ports["postgres"]))
	if err != nil {
		return err
	}
	defer conn.Close(t.Context())
	tag, err := conn.Exec(t.Context(), `UPDATE api_token SET created_at = now() - interval '2 days', expires_at = now() - interval '1 day' WHERE id = $1`, id)
	if err == nil && tag.RowsAffected() != 1 {
		err = fmt.Errorf("%d tokens changed", tag.RowsAffected())
	}
	return err
}

// attackTimes sends readings whose clocks are broken and values that are no numbers.
func attackTimes(t *testing.T, h *running) {
	for _, c := range []struct {
		body    string
		refused bool
	}{
		{`{"readings":[{"metric":"leq","at":"2999-01-01T00:00:00Z","value":50,"seq":1}]}`, true},
		{`{"readings":[{"metric":"leq","at":"1969-12-31T23:59:59Z","value":50,"seq":1}]}`, true},
		{`{"readings":[{"metric":"leq","at":"2026-01-01T00:00:00Z","value":"NaN","seq":1}]}`, true},
		{`{"readings":[{"metric":"leq","at":"2026-01-01T00:00:00Z","value":"Infinity","seq":1}]}`, true},
		{`{"readings":[{"metric":"` + "leq'; DROP" + `","at":"2026-01-01T00:00:00Z","value":1,"seq":1}]}`, true},
		{`{"readings":[{"metric":"leq","at":"1970-01-02T00:00:00Z","value":50,"seq":1}]}`, false}, // stored, flagged
	} {
		status, answer, err := h.as("operator", "POST", "/v1/devices/noise-0001/readings", []byte(c.body))
		judge(t, c.body, status, answer, err)
		var said struct{ Refused []string }
		_ = json.Unmarshal(answer, &said)
		if got := status >= 400 || len(said.Refused) > 0; got != c.refused {
			t.Errorf("%s: %d %s, want refused %t", c.body, status, answer, c.refused)
		}
	}
	status, answer, err := h.as("operator", "POST", "/v1/devices/no-such-device/readings",
		[]byte(`{"readings":[{"metric":"leq","at":"2026-01-01T00:00:00Z","value":50,"seq":1}]}`))
	if judge(t, "unknown device", status, answer, err); status != http.StatusNotFound {
		t.Errorf("unknown device: %d %s, want 404", status, answer)
	}
}
