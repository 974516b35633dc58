package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestJourneys runs the scripts of testdata/journeys against one running house with all engines real. Their actors
// are accounts: "as steward POST /v1/datasets file.json" calls the REST API as that account and keeps the answer.
func TestJourneys(t *testing.T) {
	house := startHouse(t)
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/journeys",
		RequireExplicitExec: true,
		Setup: func(env *testscript.Env) error {
			env.Setenv("URL", house.url)
			env.Setenv("DATA", house.data)
			env.Setenv("PATH", house.bin+string(os.PathListSeparator)+env.Getenv("PATH"))
			env.Setenv("SHARED", sharedData())
			env.Values[runningKey{}] = house
			return nil
		},
		Condition: func(name string) (bool, error) {
			if name != "shared" {
				return false, fmt.Errorf("unknown condition %q", name)
			}
			_, err := os.Stat(sharedData())
			return err == nil, nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"as": cmdAs, "let": cmdLet, "want": cmdWant, "eventually": cmdEventually, "kill": cmdKill,
		},
	})
}

// sharedData is where the public samples lie, beside the checkout.
func sharedData() string {
	dir, _ := filepath.Abs("../../../shared/data")
	return dir
}

type runningKey struct{}

// running is the running service that the scripts call.
type running struct {
	url, data, bin string

	mu     sync.Mutex
	tokens map[string]string
}

// signIn returns a session token of an account, and keeps it for the next call.
func (h *running) signIn(login string) (string, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if token := h.tokens[login]; token != "" {
		return token, nil
	}
	passwords := map[string]string{}
	data, err := os.ReadFile(filepath.Join(h.data, "credentials.json"))
	if err != nil {
		return "", err
	}
	if err := json.Unmarshal(data, &passwords); err != nil {
		return "", err
	}
	body, _ := json.Marshal(map[string]string{"login": login, "password": passwords[login]})
	status, answer, err := h.call("", "POST", "/v1/auth/signin", body)
	if err != nil || status != http.StatusOK {
		return "", fmt.Errorf("sign in as %s: %d %s %w", login, status, answer, err)
	}
	var session struct{ Token string }
	if err := json.Unmarshal(answer, &session); err != nil {
		return "", err
	}
	h.tokens[login] = session.Token
	return session.Token, nil
}

// call makes one request and returns its answer.
func (h *running) call(token, method, path string, body []byte) (int, []byte, error) {
	req, err := http.NewRequest(method, h.url+path, bytes.NewReader(body))
	if err != nil {
		return 0, nil, err
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, nil, err
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	return resp.StatusCode, answer, err
}

// as calls as an account; "nobody" signs in as no one.
func (h *running) as(login, method, path string, body []byte) (int, []byte, error) {
	if login == "nobody" {
		return h.call("", method, path, body)
	}
	token, err := h.signIn(login)
	if err != nil {
		return 0, nil, err
	}
	return h.call(token, method, path, body)
}

// cmdAs: as LOGIN METHOD PATH [FILE]. The answer is kept for let and want; a code of 400 and more is a failure.
func cmdAs(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) < 3 || len(args) > 4 {
		ts.Fatalf("usage: as LOGIN METHOD PATH [FILE]")
	}
	var body []byte
	if len(args) == 4 {
		body = []byte(os.Expand(ts.ReadFile(args[3]), ts.Getenv))
	}
	status, answer, err := ts.Value(runningKey{}).(*running).as(args[0], args[1], args[2], body)
	ts.Check(err)
	ts.Logf("%d %.2000s", status, answer)
	ts.Check(os.WriteFile(ts.MkAbs("answer"), answer, 0o600))
	if failed := status >= 400; failed != neg {
		ts.Fatalf("%s %s as %s: %d %s", args[1], args[2], args[0], status, answer)
	}
	if status >= 500 {
		ts.Fatalf("%s %s as %s: %d is never right", args[1], args[2], args[0], status)
	}
}

// cmdLet: let NAME PATH takes a value of the last answer, e.g. let DATASET id, let FIRST items.0.code.
func cmdLet(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: let NAME PATH")
	}
	value, err := pick([]byte(ts.ReadFile("answer")), args[1])
	ts.Check(err)
	ts.Setenv(args[0], value)
}

// cmdWant: want PATH VALUE compares a value of the last answer.
func cmdWant(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 2 {
		ts.Fatalf("usage: want PATH VALUE")
	}
	got, err := pick([]byte(ts.ReadFile("answer")), args[0])
	ts.Check(err)
	if (got == args[1]) == neg {
		ts.Fatalf("%s is %q, want %s%q", args[0], got, map[bool]string{true: "not ", false: ""}[neg], args[1])
	}
}

// cmdEventually: eventually SECONDS KEY VALUE LOGIN METHOD PATH repeats a call until its answer has the value. With
// VALUE "+" any value other than empty, 0 and false will do.
func cmdEventually(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 6 {
		ts.Fatalf("usage: eventually SECONDS KEY VALUE LOGIN METHOD PATH")
	}
	seconds, err := strconv.Atoi(args[0])
	ts.Check(err)
	h := ts.Value(runningKey{}).(*running)
	deadline := time.Now().Add(time.Duration(seconds) * time.Second)
	for {
		_, answer, err := h.as(args[3], args[4], args[5], nil)
		got, pickErr := pick(answer, args[1])
		if err == nil && pickErr == nil && (got == args[2] || args[2] == "+" && got != "" && got != "0" && got != "false") {
			ts.Check(os.WriteFile(ts.MkAbs("answer"), answer, 0o600))
			return
		}
		if time.Now().After(deadline) {
			ts.Fatalf("after %s s %s of %s is %q (%v), want %q; the answer: %.1000s", args[0], args[1], args[5], got, err, args[2], answer)
		}
		time.Sleep(100 * time.Millisecond)
	}
}

// pick returns the value at a dotted path of a JSON document as text; an absent key is empty, "#" is a list's length.
func pick(doc []byte, path string) (string, error) {
	var v any
	d := json.NewDecoder(bytes.NewReader(doc))
	d.UseNumber()
	if err := d.Decode(&v); err != nil {
		return "", fmt.Errorf("the answer is not JSON: %w: %.200s", err, doc)
	}
	for _, key := range strings.Split(path, ".") {
		v = step(v, key)
	}
	switch v := v.(type) {
	case nil:
		return "", nil
	case string:
		return v, nil
	case bool, json.Number:
		return fmt.Sprint(v), nil
	}
	text, err := json.Marshal(v)
	return string(text), err
}

func step(v any, key string) any {
	switch v := v.(type) {
	case map[string]any:
		return v[key]
	case []any:
		if key == "#" {
			return json.Number(strconv.Itoa(len(v)))
		}
		if i, err := strconv.Atoi(key); err == nil && i < len(v) {
			return v[i]
		}
	}
	return nil
}

// cmdKill: kill PROCESS sends SIGKILL to one process of the stack, by its name in processes.json.
func cmdKill(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: kill PROCESS")
	}
	pids := map[string]int{}
	data, err := os.ReadFile(filepath.Join(ts.Getenv("DATA"), "processes.json"))
	ts.Check(err)
	ts.Check(json.Unmarshal(data, &pids))
	p, err := os.FindProcess(pids[args[0]])
	if pids[args[0]] == 0 {
		ts.Fatalf("no process %q among %v", args[0], pids)
	}
	ts.Check(err)
	ts.Check(p.Kill())
}
