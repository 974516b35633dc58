package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestJourneys runs the scripts of testdata/journeys against one running house with all engines real. Their actors
// are accounts: "as steward POST /v1/datasets file.json" calls the REST API as that account and keeps the answer. The
// scripts of testdata/journeys run beside each other; those of testdata/erasures, which take the export away from others, and those of testdata/kills, which
// kill engines, run after them.
func TestJourneys(t *testing.T) {
	house := startHouse(t)
	t.Run("scripts", func(t *testing.T) { house.play(t, "testdata/journeys") })
	t.Run("strangers", func(t *testing.T) { testStrangers(t, house) })
	t.Run("attacks", func(t *testing.T) { testAttacks(t, house) })
	t.Run("erasures", func(t *testing.T) { house.play(t, "testdata/erasures") })
	t.Run("kills", func(t *testing.T) { house.play(t, "testdata/kills") })
}

// play runs the scripts of a folder and returns when all are over.
func (h *running) play(t *testing.T, dir string) {
	testscript.Run(t, testscript.Params{
		Dir:                 dir,
		RequireExplicitExec: true,
		Setup: func(env *testscript.Env) error {
			env.Setenv("URL", h.url)
			env.Setenv("DATA", h.data)
			env.Setenv("PATH", h.bin+string(os.PathListSeparator)+env.Getenv("PATH"))
			env.Setenv("SHARED", sharedData())
			env.Values[runningKey{}] = h
			return nil
		},
		Condition: func(name string) (bool, error) {
			if name != "shared" {
				return false, fmt.Errorf("unknown condition %q", name)
			}
			_, err := os.Stat(sharedData())
			return err == nil, nil
		},
		Cmds: commands,
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

	feed *feed // of the one script that kills

	mu        sync.Mutex
	tokens    map[string]string
	passwords map[string]string // of accounts that scripts made
}

// signIn returns a session token of an account, and keeps it for the next call.
func (h *running) signIn(login string) (string, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if token := h.tokens[login]; token != "" {
		return token, nil
	}
	passwords := maps.Clone(h.passwords)
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
