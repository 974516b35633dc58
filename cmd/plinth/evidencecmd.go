package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"plinth/ledger/audit"
	"plinth/ledger/sequencer"
)

// evidenceCmd is what an auditor and an operator do with evidence.
type evidenceCmd struct {
	Export exportCmd `cmd:"" help:"Fetch all that an auditor needs into a folder; a second time fetches only what is new."`
	Erase  eraseCmd  `cmd:"" help:"Shred the payloads of a subject's records, for good. All proofs stay valid."`
}

// exportCmd fetches an export from a running service. The folder holds payloads: keep it as safe as the database.
type exportCmd struct {
	Dir string `arg:"" help:"The folder; it is made when it is not there." type:"path"`
	URL string `name:"url" help:"The running service." default:"http://127.0.0.1:8640"`
	tokenFlag

	remote *remote
}

// Run has the service bring its export up to date and fetches what is new in it.
func (cmd *exportCmd) Run(ctx context.Context, c *Config) (err error) {
	if cmd.remote, err = dialRemoteAs(ctx, "auditor", cmd.URL, cmd.TokenFile, c.Data); err != nil {
		return err
	}
	receipts, err := cmd.make(ctx)
	if err != nil {
		return err
	}
	m, raw, err := cmd.manifest(ctx)
	if err != nil {
		return err
	}
	if err := cmd.begin(ctx); err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(m.Files)) {
		if err := cmd.fetch(ctx, name, m.Files[name]); err != nil {
			return fmt.Errorf("fetch %s: %w", name, err)
		}
	}
	whole := append([]string{audit.RootsFile}, receipts...)
	for _, log := range m.Logs {
		if log.Size > 0 {
			whole = append(whole, string(log.Origin)+"/"+audit.CheckpointFile)
		}
	}
	for _, name := range whole {
		if err := cmd.fetchWhole(ctx, name); err != nil {
			return fmt.Errorf("fetch %s: %w", name, err)
		}
	}
	if _, now, err := cmd.manifest(ctx); err != nil || string(now) != string(raw) {
		return errors.Join(err, errors.New("the export changed meanwhile: run this again, it goes on from here"))
	}
	if err := os.WriteFile(filepath.Join(cmd.Dir, audit.ManifestFile), raw, 0o600); err != nil {
		return err
	}
	for _, log := range m.Logs {
		fmt.Fprintf(os.Stderr, "%s: %d entries, %d attested checkpoints\n", log.Name, log.Size, log.Checkpoints)
	}
	fmt.Fprintf(os.Stderr, "%d blocks of %s; check it with: plinth-verify audit %s --roots …\n", m.Blocks, m.Channel, cmd.Dir)
	return nil
}

// make has the service bring its export up to date, and tells how far it is.
func (cmd *exportCmd) make(ctx context.Context) (receipts []string, err error) {
	resp, err := cmd.remote.post(ctx, "/v1/evidence/export", "application/json", nil)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	d := json.NewDecoder(resp.Body)
	for {
		var line struct {
			Part, Error string
			Done, Total int64
			Receipts    []string
			Complete    bool
		}
		if err := d.Decode(&line); err != nil {
			return nil, fmt.Errorf("the service stopped exporting: %w", err)
		}
		switch {
		case line.Error != "":
			return nil, errors.New(line.Error)
		case line.Complete:
			fmt.Fprint(os.Stderr, "\r\033[K")
			return line.Receipts, nil
		}
		fmt.Fprintf(os.Stderr, "\r\033[K%s %d", line.Part, line.Done)
	}
}

func (cmd *exportCmd) manifest(ctx context.Context) (m audit.Manifest, raw []byte, err error) {
	resp, err := cmd.remote.get(ctx, "/v1/evidence/export/"+audit.ManifestFile, 0)
	if err != nil {
		return m, nil, err
	}
	defer resp.Body.Close()
	if raw, err = io.ReadAll(io.LimitReader(resp.Body, 1<<20)); err != nil {
		return m, nil, err
	}
	if err := json.Unmarshal(raw, &m); err != nil {
		return m, nil, fmt.Errorf("read the manifest: %w", err)
	}
	for name := range m.Files {
		if !filepath.IsLocal(name) {
			return m, nil, fmt.Errorf("the manifest names %q", name)
		}
	}
	return m, raw, nil
}

// begin takes away what the folder holds of an export that the service has made anew since, as it does after an erasure:
// its files do not continue those.
func (cmd *exportCmd) begin(ctx context.Context) error {
	resp, err := cmd.remote.get(ctx, "/v1/evidence/export/"+audit.BegunFile, 0)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	now, err := io.ReadAll(io.LimitReader(resp.Body, 1<<10))
	if err != nil {
		return err
	}
	if before, err := audit.ReadBegun(cmd.Dir); err != nil || before == strings.TrimSpace(string(now)) {
		return err
	}
	if err := cmd.forget(); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(cmd.Dir, audit.BegunFile), now, 0o600)
}

// forget takes away the files of an export, and nothing else that lies in the folder.
func (cmd *exportCmd) forget() error {
	if err := os.MkdirAll(cmd.Dir, 0o700); err != nil {
		return err
	}
	names := []string{audit.ManifestFile, audit.RootsFile, audit.ReceiptsDir, filepath.Dir(audit.BlocksFile)}
	for _, o := range sequencer.Origins {
		names = append(names, string(o))
	}
	for _, name := range names {
		if err := os.RemoveAll(filepath.Join(cmd.Dir, name)); err != nil {
			return err
		}
	}
	return nil
}

// fetch appends what a file lacks up to a size.
func (cmd *exportCmd) fetch(ctx context.Context, name string, size int64) error {
	f, err := cmd.open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	at, err := f.Seek(0, io.SeekEnd)
	if err == nil && at > size {
		if err = f.Truncate(size); err == nil {
			at, err = f.Seek(0, io.SeekEnd)
		}
	}
	if err != nil || at == size {
		return err
	}
	resp, err := cmd.remote.get(ctx, "/v1/evidence/export/"+name, at)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if _, err := io.CopyN(f, resp.Body, size-at); err != nil {
		return err
	}
	return f.Sync()
}

func (cmd *exportCmd) fetchWhole(ctx context.Context, name string) error {
	if !filepath.IsLocal(name) {
		return fmt.Errorf("the service names %q", name)
	}
	f, err := cmd.open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	resp, err := cmd.remote.get(ctx, "/v1/evidence/export/"+name, 0)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if err := f.Truncate(0); err != nil {
		return err
	}
	_, err = io.Copy(f, resp.Body)
	return err
}

func (cmd *exportCmd) open(name string) (*os.File, error) {
	path := filepath.Join(cmd.Dir, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, err
	}
	return os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
}
