package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
)

// tokenFlag says as whom a command calls a running service.
type tokenFlag struct {
	TokenFile string `help:"File with a token of the role that this needs; - is standard input. Without it, the demonstration account of that role in --data signs in." type:"path"`
}

// remote is a running service as a command calls it.
type remote struct{ url, token string }

// remoteError is the service's refusal.
type remoteError struct {
	code int
	text string
}

func (e *remoteError) Error() string { return e.text }

// dialRemote reads the token from file, or from standard input if that is "-"; without a file it signs in as the operator
// whose first password lies in the data folder.
func dialRemote(ctx context.Context, url, file, data string) (*remote, error) {
	return dialRemoteAs(ctx, "operator", url, file, data)
}

// dialRemoteAs is dialRemote for what another account of the first run may do.
func dialRemoteAs(ctx context.Context, login, url, file, data string) (*remote, error) {
	r := &remote{url: strings.TrimSuffix(url, "/")}
	var err error
	switch file {
	case "":
		r.token, err = r.signIn(ctx, login, filepath.Join(data, "credentials.json"))
	case "-":
		var raw []byte
		raw, err = io.ReadAll(io.LimitReader(os.Stdin, 4096))
		r.token = strings.TrimSpace(string(raw))
	default:
		r.token, err = readSecret(file)
	}
	return r, err
}

func (r *remote) signIn(ctx context.Context, login, credentials string) (string, error) {
	raw, err := os.ReadFile(credentials)
	if err != nil {
		return "", fmt.Errorf("no --token-file, and no first passwords: %w", err)
	}
	passwords := map[string]string{}
	if err := json.Unmarshal(raw, &passwords); err != nil {
		return "", fmt.Errorf("read the first passwords: %w", err)
	}
	body, err := json.Marshal(map[string]string{"login": login, "password": passwords[login]})
	if err != nil {
		return "", err
	}
	resp, err := r.post(ctx, "/v1/auth/signin", "application/json", strings.NewReader(string(body)))
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	var session struct{ Token string }
	if err := json.NewDecoder(io.LimitReader(resp.Body, 64<<10)).Decode(&session); err != nil {
		return "", fmt.Errorf("sign in: %w", err)
	}
	return session.Token, nil
}

// post posts body and turns an answer that is no success into an error.
func (r *remote) post(ctx context.Context, path, kind string, body io.Reader) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, r.url+path, body)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", kind)
	return r.do(req)
}

// get reads a file from a byte on.
func (r *remote) get(ctx context.Context, path string, from int64) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, r.url+path, nil)
	if err != nil {
		return nil, err
	}
	if from > 0 {
		req.Header.Set("Range", fmt.Sprintf("bytes=%d-", from))
	}
	return r.do(req)
}

func (r *remote) do(req *http.Request) (*http.Response, error) {
	if r.token != "" {
		req.Header.Set("Authorization", "Bearer "+r.token)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, fmt.Errorf("reach the service: %w", err)
	}
	if resp.StatusCode == http.StatusOK || resp.StatusCode == http.StatusPartialContent {
		return resp, nil
	}
	defer resp.Body.Close()
	var problem struct{ Message, Field string }
	raw, _ := io.ReadAll(io.LimitReader(resp.Body, 64<<10))
	if json.Unmarshal(raw, &problem) != nil || problem.Message == "" {
		problem.Message = resp.Status
	}
	if problem.Field != "" {
		problem.Message = problem.Field + ": " + problem.Message
	}
	return nil, &remoteError{resp.StatusCode, problem.Message}
}
