package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// ImportCmd brings files into a running service. A bad row goes to dead letters and does not fail the import; importing
// a file again changes nothing.
type ImportCmd struct {
	Mapping   string   `required:"" help:"How the columns are read, e.g. hotline-complaints; GET /v1/mappings lists them."`
	URL       string   `name:"url" help:"The running service." default:"http://127.0.0.1:8640"`
	TokenFile string   `help:"File with an operator's token; - is standard input. Without it, the operator of the first run in --data signs in." type:"path"`
	JSON      bool     `name:"json" help:"Print the runs as NDJSON instead of text."`
	Files     []string `arg:"" help:"CSV files, or folders of them." type:"existingpath"`

	out    io.Writer // standard output when nil
	client *http.Client
}

// importRun is a run as the service tells it. protojson writes 64-bit numbers as strings.
type importRun struct {
	ID     string `json:"id"`
	Source string `json:"source"`
	State  string `json:"state"`
	In     int64  `json:"rowsIn,string"`
	Stored int64  `json:"rowsStored,string"`
	Known  int64  `json:"rowsKnown,string"`
	Dead   int64  `json:"rowsDead,string"`
	Error  string `json:"error"`
}

// Run imports the files one after the other and fails when one of them did.
func (cmd *ImportCmd) Run(ctx context.Context, c *Config) error {
	if cmd.out == nil {
		cmd.out = os.Stdout
	}
	if cmd.client == nil {
		cmd.client = &http.Client{}
	}
	files, err := csvFiles(cmd.Files)
	if err != nil {
		return err
	}
	token, err := cmd.token(ctx, c.Data)
	if err != nil {
		return err
	}
	var total importRun
	var faults []error
	for _, path := range files {
		run, err := cmd.one(ctx, token, path)
		if err != nil {
			faults = append(faults, fmt.Errorf("%s: %w", path, err))
		}
		total.In, total.Stored, total.Known, total.Dead = total.In+run.In, total.Stored+run.Stored, total.Known+run.Known, total.Dead+run.Dead
	}
	if !cmd.JSON && len(files) > 1 {
		fmt.Fprintf(cmd.out, "%d files: %s\n", len(files), total.counts())
	}
	return errors.Join(faults...)
}

func (r importRun) counts() string {
	return fmt.Sprintf("%d rows, %d stored, %d already known, %d to dead letters", r.In, r.Stored, r.Known, r.Dead)
}

// csvFiles replaces folders by the CSV files in them, at any depth.
func csvFiles(paths []string) ([]string, error) {
	var out []string
	for _, p := range paths {
		before := len(out)
		err := filepath.WalkDir(p, func(path string, d os.DirEntry, err error) error {
			if err == nil && !d.IsDir() && (path == p || strings.EqualFold(filepath.Ext(path), ".csv")) {
				out = append(out, path)
			}
			return err
		})
		if err != nil {
			return nil, fmt.Errorf("find files: %w", err)
		}
		if len(out) == before {
			return nil, fmt.Errorf("there is no CSV file in %s", p)
		}
	}
	return out, nil
}

// token reads the token, or signs in as the operator whose first password lies in the data folder.
func (cmd *ImportCmd) token(ctx context.Context, data string) (string, error) {
	switch cmd.TokenFile {
	case "":
		return cmd.signIn(ctx, filepath.Join(data, "credentials.json"))
	case "-":
		raw, err := io.ReadAll(io.LimitReader(os.Stdin, 4096))
		return strings.TrimSpace(string(raw)), err
	}
	return readSecret(cmd.TokenFile)
}

func (cmd *ImportCmd) signIn(ctx context.Context, credentials string) (string, error) {
	raw, err := os.ReadFile(credentials)
	if err != nil {
		return "", fmt.Errorf("no --token-file, and no first passwords: %w", err)
	}
	passwords := map[string]string{}
	if err := json.Unmarshal(raw, &passwords); err != nil {
		return "", fmt.Errorf("read the first passwords: %w", err)
	}
	body, err := json.Marshal(map[string]string{"login": "operator", "password": passwords["operator"]})
	if err != nil {
		return "", err
	}
	resp, err := cmd.post(ctx, "", "/v1/auth/signin", "application/json", strings.NewReader(string(body)))
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
func (cmd *ImportCmd) post(ctx context.Context, token, path, kind string, body io.Reader) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, strings.TrimSuffix(cmd.URL, "/")+path, body)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", kind)
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	resp, err := cmd.client.Do(req)
	if err != nil {
		return nil, fmt.Errorf("reach the service: %w", err)
	}
	if resp.StatusCode == http.StatusOK {
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
	return nil, errors.New(problem.Message)
}

// one imports one file and prints its progress and its end.
func (cmd *ImportCmd) one(ctx context.Context, token, path string) (importRun, error) {
	f, err := os.Open(path)
	if err != nil {
		return importRun{}, err
	}
	defer f.Close()
	size := int64(0)
	if fi, err := f.Stat(); err == nil {
		size = fi.Size()
	}
	query := url.Values{"mapping": {cmd.Mapping}, "name": {filepath.Base(path)}}
	resp, err := cmd.post(ctx, token, "/v1/imports?"+query.Encode(), "text/csv", f)
	if err != nil {
		return importRun{}, err
	}
	defer resp.Body.Close()
	run, err := cmd.follow(resp.Body, f, size)
	if err != nil {
		return run, err
	}
	if run.State != "done" {
		return run, fmt.Errorf("the import %s ended early: %s; import the file again to go on", run.ID, run.Error)
	}
	if !cmd.JSON {
		fmt.Fprintf(cmd.out, "%s: %s (run %s)\n", filepath.Base(path), run.counts(), run.ID)
	}
	return run, nil
}

// follow reads the runs as they progress and returns the last.
func (cmd *ImportCmd) follow(body io.Reader, f *os.File, size int64) (importRun, error) {
	var run importRun
	shown := time.Now()
	lines := bufio.NewScanner(body)
	for lines.Scan() {
		if err := json.Unmarshal(lines.Bytes(), &run); err != nil {
			return run, fmt.Errorf("read the progress: %w", err)
		}
		if cmd.JSON {
			fmt.Fprintf(cmd.out, "%s\n", lines.Bytes())
		} else if time.Since(shown) > time.Second && run.State == "running" {
			shown = time.Now()
			fmt.Fprintf(os.Stderr, "  %s %s: %s\n", run.Source, progressOf(f, size), run.counts())
		}
	}
	if err := lines.Err(); err != nil {
		return run, fmt.Errorf("read the progress: %w", err)
	}
	if run.ID == "" {
		return run, errors.New("the service said nothing of the import")
	}
	return run, nil
}

// progressOf tells how much of the file has been sent.
func progressOf(f *os.File, size int64) string {
	at, err := f.Seek(0, io.SeekCurrent)
	if err != nil || size == 0 {
		return "…"
	}
	return strconv.FormatInt(100*at/size, 10) + " %"
}
