package pipelines

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"maps"
	"os"
	"path"
	"path/filepath"
	"strings"
	"time"

	"plinth"
)

// Marks keep how far something has been read, by a key. A call is durable when it returns. Many goroutines may use it.
type Marks interface {
	// Mark returns the mark, or "" when there is none.
	Mark(ctx context.Context, pipeline, key string) (string, error)
	// SetMark keeps the mark; "" forgets it.
	SetMark(ctx context.Context, pipeline, key, mark string) error
}

// Inbox imports the files that appear in folders: <Root>/inbox/<mapping>/, and the folders of watch pipelines. A file is
// taken when it is complete, imported, and moved to done/ or failed/ beside it with a report; while an engine is away or
// its pipeline is paused it stays. An import that was broken off goes on after the rows that are stored.
type Inbox struct {
	Root     string
	Importer *Importer
	Mappings func() map[string]*Mapping
	Declared func(ctx context.Context) ([]Pipeline, error)
	Gates    *Gates
	Marks    Marks
	Now      func() time.Time
	Log      *slog.Logger

	sizes map[string]seen      // what the last look found, by path
	due   map[string]time.Time // when a watch pipeline's folder is looked at next, by pipeline
}

// seen is a file as it was looked at.
type seen struct {
	size int64
	at   time.Time
}

// intake is one folder that is watched.
type intake struct {
	pipeline, folder, pattern, mapping string
	every                              time.Duration // as declared; 0 is at each look
}

// inboxEvery is how often folders are looked at that no pipeline declares, and one in which a file may still grow.
const inboxEvery = 2 * time.Second

// Run looks again and again until ctx ends.
func (x *Inbox) Run(ctx context.Context) error {
	for {
		if err := x.Look(ctx); err != nil && ctx.Err() == nil {
			x.Log.WarnContext(ctx, "inbox not read, trying again", "err", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(x.pause()):
		}
	}
}

// pause is how long until the next look: less than inboxEvery when a folder is due before.
func (x *Inbox) pause() time.Duration {
	pause, now := inboxEvery, x.Now()
	for _, at := range x.due {
		pause = min(pause, max(at.Sub(now), inboxLeast))
	}
	return pause
}

// inboxLeast is the shortest pause between two looks.
const inboxLeast = 100 * time.Millisecond

// Look takes the files that are complete: those that are as they were when it last looked.
func (x *Inbox) Look(ctx context.Context) error {
	folders, err := x.folders(ctx)
	if err != nil {
		return err
	}
	now, due := map[string]seen{}, map[string]time.Time{}
	for _, in := range folders {
		if in.every > 0 {
			if due[in.pipeline] = x.due[in.pipeline]; x.Now().Before(x.due[in.pipeline]) {
				maps.Copy(now, x.seenIn(in.folder))
				continue
			}
		}
		before := len(now)
		if err := x.look(ctx, in, now); err != nil {
			return err
		}
		if in.every > 0 {
			due[in.pipeline] = x.Now().Add(in.every)
			if len(now) > before { // a file that may still grow is looked at again soon
				due[in.pipeline] = x.Now().Add(min(in.every, inboxEvery))
			}
		}
	}
	x.sizes, x.due = now, due
	return nil
}

// seenIn is what the last look found in a folder.
func (x *Inbox) seenIn(folder string) map[string]seen {
	out := maps.Clone(x.sizes)
	maps.DeleteFunc(out, func(name string, _ seen) bool { return filepath.Dir(name) != folder })
	return out
}

// folders are those that are watched.
func (x *Inbox) folders(ctx context.Context) ([]intake, error) {
	var out []intake
	taken := map[string]bool{}
	all, err := x.Declared(ctx)
	if err != nil {
		return nil, err
	}
	for _, p := range all {
		if p.Kind != WatchPipeline {
			continue
		}
		folder := filepath.Join(x.Root, filepath.FromSlash(p.Source.Folder))
		taken[folder] = true
		out = append(out, intake{p.ID, folder, p.Source.Pattern, p.Mapping, p.Source.Interval()})
	}
	dirs, err := os.ReadDir(filepath.Join(x.Root, "inbox"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	for _, d := range dirs {
		folder := filepath.Join(x.Root, "inbox", d.Name())
		if d.IsDir() && !taken[folder] && x.Mappings()[d.Name()] != nil {
			out = append(out, intake{d.Name(), folder, "", d.Name(), 0})
		}
	}
	return out, nil
}

func (x *Inbox) look(ctx context.Context, in intake, now map[string]seen) error {
	m := x.Mappings()[in.mapping]
	entries, err := os.ReadDir(in.folder)
	if errors.Is(err, fs.ErrNotExist) || m == nil {
		return nil
	}
	if err != nil {
		return err
	}
	for _, e := range entries {
		if _, paused := x.Gates.Paused(in.pipeline); paused {
			return nil
		}
		info, err := e.Info()
		if err != nil || !info.Mode().IsRegular() || !wanted(e.Name(), in.pattern) {
			continue // gone, a folder, or not for us
		}
		name, s := filepath.Join(in.folder, e.Name()), seen{info.Size(), info.ModTime()}
		if before, ok := x.sizes[name]; !ok || before != s {
			now[name] = s // it may still grow
			continue
		}
		if err := x.take(ctx, in, m, name, s); err != nil {
			return err
		}
	}
	return nil
}

// wanted leaves out what is hidden or still being written by its name.
func wanted(name, pattern string) bool {
	if strings.HasPrefix(name, ".") || strings.HasSuffix(name, ".part") || strings.HasSuffix(name, ".tmp") {
		return false
	}
	ok, err := path.Match(pattern, name)
	return pattern == "" || ok && err == nil
}

// take imports one file and moves it away. It returns what is not the file's fault: then the file stays for the next look.
func (x *Inbox) take(ctx context.Context, in intake, m *Mapping, name string, s seen) error {
	key := fmt.Sprintf("%s|%d|%d", filepath.Base(name), s.size, s.at.UnixNano())
	mark, err := x.Marks.Mark(ctx, in.pipeline, key)
	if err != nil {
		return err
	}
	var skip int64
	if mark != "" {
		if _, err := fmt.Sscan(mark, &skip); err != nil {
			return fmt.Errorf("read the mark of %s: %w", key, err)
		}
	}
	run, failed := x.bring(ctx, in, m, name, key, skip)
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case failed != nil && !errors.Is(failed, plinth.ErrInvalid) && !errors.Is(failed, plinth.ErrExhausted):
		return failed
	}
	return x.finish(ctx, in, name, key, skip, run, failed)
}

// bring runs the import and keeps a mark after each chunk that is stored.
func (x *Inbox) bring(ctx context.Context, in intake, m *Mapping, name, key string, skip int64) (Run, error) {
	f, err := os.Open(name)
	if err != nil {
		return Run{}, err
	}
	defer f.Close()
	var marked error
	run, err := x.Importer.Import(ctx, f, m, ImportOptions{Name: filepath.Base(name), By: "service", Skip: skip, Kind: WatchRun,
		Pipeline: in.pipeline, Progress: func(r Run) {
			marked = x.Marks.SetMark(ctx, in.pipeline, key, fmt.Sprint(skip+r.In))
		}})
	if marked != nil && err == nil { // only another attempt would need it
		x.Log.WarnContext(ctx, "progress of a file not kept", "pipeline", in.pipeline, "err", marked)
	}
	return run, err
}

// report is what stands beside a file that was taken.
type report struct {
	File     string    `json:"file"`
	Pipeline string    `json:"pipeline"`
	Mapping  string    `json:"mapping"`
	Run      string    `json:"run"`
	State    RunState  `json:"state"`
	Skipped  int64     `json:"skipped,omitempty"` // rows that an earlier attempt had taken
	In       int64     `json:"in"`
	Stored   int64     `json:"stored"`
	Known    int64     `json:"known"`
	Dead     int64     `json:"dead"`
	Error    string    `json:"error,omitempty"`
	Ended    time.Time `json:"ended"`
}

// finish writes the report and moves the file: the report first, so that a file that has moved has one.
func (x *Inbox) finish(ctx context.Context, in intake, name, key string, skipped int64, run Run, failed error) error {
	dir := "done"
	r := report{File: filepath.Base(name), Pipeline: in.pipeline, Mapping: in.mapping, Run: string(run.ID), State: run.State,
		Skipped: skipped, In: run.In, Stored: run.Stored, Known: run.Known, Dead: run.Dead, Ended: x.Now().UTC()}
	if failed != nil {
		dir, r.State, r.Error = "failed", Failed, sentence(failed)
	}
	folder := filepath.Join(in.folder, dir)
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return err
	}
	target := filepath.Join(folder, filepath.Base(name))
	if _, err := os.Stat(target); err == nil { // a file of that name came before: both stay
		target = filepath.Join(folder, string(run.ID)+"-"+filepath.Base(name))
	}
	data, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	if err := os.WriteFile(target+".report.json", append(data, '\n'), 0o644); err != nil {
		return err
	}
	if err := os.Rename(name, target); err != nil {
		return err
	}
	x.Log.InfoContext(ctx, "file taken", "pipeline", in.pipeline, "file", r.File, "state", r.State, "stored", r.Stored, "dead", r.Dead)
	return x.Marks.SetMark(ctx, in.pipeline, key, "")
}
