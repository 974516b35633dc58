package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
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
	Mapping string   `required:"" help:"How the columns are read, e.g. hotline-complaints; GET /v1/mappings lists them."`
	URL     string   `name:"url" help:"The running service." default:"http://127.0.0.1:8640"`
	JSON    bool     `name:"json" help:"Print the runs as NDJSON instead of text."`
	Files   []string `arg:"" help:"CSV files, or folders of them." type:"existingpath"`
	tokenFlag

	out    io.Writer // standard output when nil
	remote *remote
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
	files, err := csvFiles(cmd.Files)
	if err != nil {
		return err
	}
	if cmd.remote, err = dialRemote(ctx, cmd.URL, cmd.TokenFile, c.Data); err != nil {
		return err
	}
	var total importRun
	var faults []error
	for _, path := range files {
		run, err := cmd.one(ctx, path)
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

// one imports one file and prints its progress and its end.
func (cmd *ImportCmd) one(ctx context.Context, path string) (importRun, error) {
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
	resp, err := cmd.remote.post(ctx, "/v1/imports?"+query.Encode(), "text/csv", f)
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
