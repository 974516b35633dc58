package main

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// commands are what the scripts can say.
var commands = map[string]func(*testscript.TestScript, bool, []string){
	"as": cmdAs, "let": cmdLet, "want": cmdWant, "eventually": cmdEventually, "name": cmdName, "moment": cmdMoment,
	"account": cmdAccount, "flip": cmdFlip, "publish": cmdPublish, "feed": cmdFeed, "crash": cmdCrash, "readyz": cmdReadyz, "bend": cmdBend,
	"bendcase": cmdBendcase, "fetch": cmdFetch, "endpoint": cmdEndpoint,
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

// cmdName: name NAME PREFIX sets NAME to PREFIX and something unique, for ids that are free to choose.
func cmdName(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: name NAME PREFIX")
	}
	ts.Setenv(args[0], args[1]+strings.ToLower(rand.Text()[:8]))
}

// cmdMoment: moment NAME OFFSET sets NAME to the time so far from now, e.g. moment SOON 20s.
func cmdMoment(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: moment NAME OFFSET")
	}
	offset, err := time.ParseDuration(args[1])
	ts.Check(err)
	ts.Setenv(args[0], time.Now().Add(offset).UTC().Format("2006-01-02T15:04:05.000Z07:00"))
}

// cmdAccount: account NAME ROLE DEPARTMENT has the operator make an account, whose login is then $NAME.
func cmdAccount(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: account NAME ROLE DEPARTMENT")
	}
	h := ts.Value(runningKey{}).(*running)
	login, password := args[1]+"-"+strings.ToLower(rand.Text()[:6]), rand.Text()
	body, err := json.Marshal(map[string]any{"login": login, "name": login, "department": args[2], "roles": []string{args[1]}, "password": password})
	ts.Check(err)
	status, answer, err := h.as("operator", "POST", "/v1/accounts", body)
	ts.Check(err)
	if status != 200 {
		ts.Fatalf("account %s: %d %s", login, status, answer)
	}
	h.mu.Lock()
	h.passwords[login] = password
	h.mu.Unlock()
	ts.Setenv(args[0], login)
}

// cmdFlip: flip FILE MARK OUT copies the file with one bit changed in the tenth byte after MARK.
func cmdFlip(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: flip FILE MARK OUT")
	}
	data := []byte(ts.ReadFile(args[0]))
	at := bytes.Index(data, []byte(args[1]))
	if at < 0 || at+len(args[1])+10 > len(data) {
		ts.Fatalf("%s does not hold %q and ten bytes more", args[0], args[1])
	}
	data[at+len(args[1])+9] ^= 1
	ts.Check(os.WriteFile(ts.MkAbs(args[2]), data, 0o600))
}

// lines are the lines of a text that are not empty.
func lines(text string) []string {
	return slices.DeleteFunc(strings.Split(text, "\n"), func(l string) bool { return strings.TrimSpace(l) == "" })
}

// pick returns the value at a dotted path of a JSON document as text; an absent key is empty, "len" is a list's length.
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
		if key == "len" {
			return json.Number(strconv.Itoa(len(v)))
		}
		if i, err := strconv.Atoi(key); err == nil && i < len(v) {
			return v[i]
		}
	}
	return nil
}

// cmdCrash: crash PROCESS sends SIGKILL to one process of the stack, by its name in processes.json.
func cmdCrash(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: crash PROCESS")
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

// cmdReadyz: readyz ENGINE waits until /readyz says that the engine is gone, and then until it says that all serve.
func cmdReadyz(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: readyz ENGINE")
	}
	h := ts.Value(runningKey{}).(*running)
	begun := time.Now()
	seen := false
	for {
		status, answer, err := h.call("", "GET", "/readyz", nil)
		ts.Check(err)
		var said struct {
			Engines []struct {
				Name  string
				Ready bool
			}
		}
		ts.Check(json.Unmarshal(answer, &said))
		for _, e := range said.Engines {
			if e.Name == args[0] && !e.Ready && status == 503 && !seen {
				seen = true
				ts.Logf("%s missed after %s", args[0], time.Since(begun))
			}
		}
		switch took := time.Since(begun); {
		case seen && status == 200:
			ts.Logf("all serve after %s", took)
			return
		case !seen && took > 20*time.Second:
			ts.Fatalf("/readyz never said that %s is gone", args[0])
		case took > 2*time.Minute:
			ts.Fatalf("after %s not all serve: %s", took, answer)
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// cmdEndpoint: endpoint NAME FILE starts an endpoint of others that answers every question with the file, and sets NAME to
// its URL.
func cmdEndpoint(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: endpoint NAME FILE")
	}
	answer := []byte(os.Expand(ts.ReadFile(args[1]), ts.Getenv))
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(answer) }))
	ts.Defer(server.Close)
	ts.Setenv(args[0], server.URL)
}
