package main

import (
	"bufio"
	"cmp"
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"time"

	"plinth/api"
	"plinth/pipelines"
)

// deviceCmd brings devices into a running service's registry, and out of it.
type deviceCmd struct {
	Import deviceImportCmd `cmd:"" help:"Register the devices of a CSV, XLSX or NDJSON file; what is registered already is left as it is."`
	Export deviceExportCmd `cmd:"" help:"Write the devices as a CSV file that import reads back."`
}

type deviceImportCmd struct {
	File        string `arg:"" help:"CSV in UTF-8 or GB 18030, XLSX or NDJSON; the columns are in docs/streams.md." type:"existingfile"`
	DryRun      bool   `help:"Say what would happen and register nothing."`
	RenewSince  string `help:"When an import of this file began whose credentials did not arrive, by RFC 3339: devices registered since that have sent nothing get other ones."`
	Credentials string `help:"File to which the new devices' credentials are added, for its owner alone; FILE.credentials.csv without it." type:"path"`
	URL         string `name:"url" help:"The running service." default:"http://127.0.0.1:8640"`
	tokenFlag

	out io.Writer // standard output when nil
}

// importLine is one line of the service's answer.
type importLine struct {
	Fault      *pipelines.DeviceFault
	Credential *struct{ ID, Secret string }
	Progress   *struct {
		pipelines.DeviceCounts
		Lines int
	}
	Counts *pipelines.DeviceCounts
	Error  string
}

// Run fails when a row was not registered, after all good ones were.
func (cmd *deviceImportCmd) Run(ctx context.Context, c *Config) error {
	if cmd.out == nil {
		cmd.out = os.Stdout
	}
	if cmd.Credentials == "" {
		cmd.Credentials = cmd.File + ".credentials.csv"
	}
	remote, err := dialRemote(ctx, cmd.URL, cmd.TokenFile, c.Data)
	if err != nil {
		return err
	}
	in, err := os.Open(cmd.File)
	if err != nil {
		return err
	}
	defer in.Close()
	// The file is made before anything is registered: a secret that cannot be kept is lost.
	secrets, err := os.OpenFile(cmd.Credentials, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer dropEmpty(secrets)
	if info, err := secrets.Stat(); err != nil || info.Mode().Perm()&0o077 != 0 {
		return fmt.Errorf("others may read %s, want mode 0600", cmd.Credentials)
	}
	began := time.Now().Add(-time.Minute).UTC().Format(time.RFC3339) // clocks differ
	resp, err := remote.post(ctx, fmt.Sprintf("/v1/device-imports?dry_run=%v&renew_since=%s", cmd.DryRun, url.QueryEscape(cmd.RenewSince)), "application/octet-stream", in)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	return cmd.follow(resp.Body, secrets, cmp.Or(cmd.RenewSince, resp.Header.Get(api.ImportBegan), began))
}

// dropEmpty removes the file when no secret came.
func dropEmpty(f *os.File) {
	if info, err := f.Stat(); err == nil && info.Size() == 0 {
		_ = os.Remove(f.Name())
	}
	_ = f.Close()
}

// follow reads the answer of an import that began at a moment.
func (cmd *deviceImportCmd) follow(body io.Reader, secrets io.Writer, began string) error {
	w := csv.NewWriter(secrets)
	lines := bufio.NewScanner(body)
	for lines.Scan() {
		var line importLine
		if err := json.Unmarshal(lines.Bytes(), &line); err != nil {
			return fmt.Errorf("read the answer: %w", err)
		}
		switch {
		case line.Fault != nil:
			fmt.Fprintf(cmd.out, "row %d %s: %s: %s\n", line.Fault.Row, line.Fault.ID, line.Fault.Field, line.Fault.Rule)
		case line.Credential != nil:
			if err := w.Write([]string{line.Credential.ID, line.Credential.Secret}); err != nil {
				return fmt.Errorf("keep the credential of %s: %w", line.Credential.ID, err)
			}
			if w.Flush(); w.Error() != nil {
				return fmt.Errorf("keep the credential of %s: %w", line.Credential.ID, w.Error())
			}
		case line.Progress != nil:
			fmt.Fprintf(os.Stderr, "%d of %d lines\r", line.Progress.In, line.Progress.Lines)
		case line.Counts != nil:
			return cmd.end(*line.Counts)
		default:
			return errors.New(line.Error)
		}
	}
	return errors.Join(fmt.Errorf("the answer ended early; bring the file again with --renew-since %s, what is registered is known", began), lines.Err())
}

func (cmd *deviceImportCmd) end(c pipelines.DeviceCounts) error {
	verb := "registered"
	if cmd.DryRun {
		verb = "would be registered"
	}
	fmt.Fprintf(cmd.out, "%d rows: %d %s, %d already known, %d refused\n", c.In, c.Registered, verb, c.Known, c.Refused)
	if c.Renewed > 0 {
		fmt.Fprintf(cmd.out, "Of the known, %d get another credential in place of the one that did not arrive.\n", c.Renewed)
	}
	if c.Registered+c.Renewed > 0 && !cmd.DryRun {
		fmt.Fprintf(cmd.out, "The credentials are in %s, and nowhere else.\n", cmd.Credentials)
	}
	if c.Refused > 0 {
		return fmt.Errorf("%d of %d rows were refused", c.Refused, c.In)
	}
	return nil
}

type deviceExportCmd struct {
	Out string `help:"File to write; standard output without it." type:"path"`
	URL string `name:"url" help:"The running service." default:"http://127.0.0.1:8640"`
	tokenFlag
}

// Run writes the file.
func (cmd *deviceExportCmd) Run(ctx context.Context, c *Config) error {
	remote, err := dialRemote(ctx, cmd.URL, cmd.TokenFile, c.Data)
	if err != nil {
		return err
	}
	resp, err := remote.get(ctx, "/v1/device-exports", 0)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if cmd.Out == "" {
		_, err = io.Copy(os.Stdout, resp.Body)
		return err
	}
	f, err := os.Create(cmd.Out)
	if err != nil {
		return err
	}
	_, err = io.Copy(f, resp.Body)
	return errors.Join(err, f.Close())
}
