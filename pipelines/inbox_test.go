package pipelines_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/xuri/excelize/v2"

	"plinth/internal/postgres"
	"plinth/pipelines"
)

func (l *lab) inbox(t *testing.T, root string, sink pipelines.Sink) *pipelines.Inbox {
	t.Helper()
	library, err := pipelines.OpenLibrary(filepath.Join(root, "mappings"), l.log)
	if err != nil {
		t.Fatal(err)
	}
	im := l.importer()
	im.Sink = sink
	return &pipelines.Inbox{Root: root, Importer: im, Mappings: library.All, Gates: &pipelines.Gates{}, Marks: postgres.NewMarks(l.pg),
		Declared: func(context.Context) ([]pipelines.Pipeline, error) { return nil, nil }, Now: time.Now, Log: l.log}
}

func put(t *testing.T, name string, data []byte) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, data, 0o644); err != nil {
		t.Fatal(err)
	}
}

func there(name string) bool { _, err := os.Stat(name); return err == nil }

// plug is a store whose process is gone after so many inserts of readings.
type plug struct {
	pipelines.Sink
	left int
	stop context.CancelFunc
}

func (p *plug) InsertDeadLetters(ctx context.Context, ds []pipelines.DeadLetter) error {
	if p.left--; p.left < 0 {
		p.stop()
		return ctx.Err()
	}
	return p.Sink.InsertDeadLetters(ctx, ds)
}

const probes = `name: probes
title: {zh: 探头, en: Probes}
target: readings
zone: Asia/Shanghai
fields:
  device: {column: device, id: true}
  metric: {const: value}
  at: {column: at, times: [excel, "2006-01-02T15:04:05Z07:00"]}
  value: {column: value}
register: {kind: probe, owner: databureau, unit: "1", interval: 1m, segment: 24h}
`

func TestTheInboxTakesFilesOnceThroughBreakOffs(t *testing.T) {
	l, root := newLab(t), t.TempDir()
	put(t, filepath.Join(root, "mappings", "probes.yaml"), []byte(probes))
	in := filepath.Join(root, "inbox", "probes")
	var long strings.Builder
	at := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
	const rows = 25_000 // three chunks, each with a bad row
	for i := range rows {
		value := fmt.Sprint(i)
		if i%10_000 == 5 {
			value = "bad"
		}
		fmt.Fprintf(&long, "{\"device\":\"p1\",\"at\":%q,\"value\":%q}\n", at.Add(time.Duration(i)*time.Second).Format(time.RFC3339), value)
	}
	put(t, filepath.Join(in, "long.csv"), []byte(long.String())) // NDJSON by content, whatever its name says
	put(t, filepath.Join(in, "later.csv.part"), []byte("device,at"))

	ctx, stop := context.WithCancel(t.Context())
	broken := l.inbox(t, root, &plug{Sink: l.sink, left: 1, stop: stop})
	_ = broken.Look(ctx) // sees the file
	if there(filepath.Join(in, "done", "long.csv")) {
		t.Fatal("a file was taken when it was first seen: it may still grow")
	}
	if err := broken.Look(ctx); !errors.Is(err, context.Canceled) || !there(filepath.Join(in, "long.csv")) {
		t.Fatalf("the broken-off import: %v; want the file to stay", err)
	}

	x := l.inbox(t, root, l.sink)
	for range 2 {
		if err := x.Look(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	report, err := os.ReadFile(filepath.Join(in, "done", "long.csv.report.json"))
	if err != nil || !there(filepath.Join(in, "done", "long.csv")) || there(filepath.Join(in, "long.csv")) {
		t.Fatalf("the file is not in done/ with its report: %v", err)
	}
	if !strings.Contains(string(report), `"skipped": 10000`) || !strings.Contains(string(report), `"in": 15000`) {
		t.Errorf("the second attempt did not go on where the first ended:\n%s", report)
	}
	rs, err := l.sink.Of(t.Context(), "p1", at, at.AddDate(0, 1, 0))
	if err != nil || len(rs) != rows-3 {
		t.Errorf("%d rows are stored, want %d: %v", len(rs), rows-3, err)
	}
	dead, err := l.sink.Letters(t.Context(), pipelines.LetterFilter{Source: "long.csv"}, 10)
	if err != nil || len(dead) != 3 {
		t.Errorf("%d dead letters, want one of each bad row: %v %v", len(dead), dead, err)
	}
	if !there(filepath.Join(in, "later.csv.part")) {
		t.Error("a file that is being written was taken")
	}
}

func TestTheInboxReadsWorkbooksAndSaysWhatItCannotRead(t *testing.T) {
	l, root := newLab(t), t.TempDir()
	put(t, filepath.Join(root, "mappings", "probes.yaml"), []byte(probes))
	in := filepath.Join(root, "inbox", "probes")
	f := excelize.NewFile()
	for i, row := range [][]any{{"device", "at", "value"}, {"P 2", 46350.5, 7.25}} {
		if err := f.SetSheetRow("Sheet1", fmt.Sprintf("A%d", i+1), &row); err != nil {
			t.Fatal(err)
		}
	}
	b, err := f.WriteToBuffer()
	if err != nil {
		t.Fatal(err)
	}
	put(t, filepath.Join(in, "book.xlsx"), b.Bytes())
	put(t, filepath.Join(in, "wrong.csv"), []byte("a,b\n1,2\n"))
	x := l.inbox(t, root, l.sink)
	for range 2 {
		if err := x.Look(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	noon := time.Date(2026, 11, 24, 4, 0, 0, 0, time.UTC) // of Shanghai
	rs, err := l.sink.Of(t.Context(), "p-2", noon, noon.Add(time.Second))
	if err != nil || len(rs) != 1 || rs[0].Value != 7.25 {
		t.Errorf("readings %v, %v", rs, err)
	}
	report, err := os.ReadFile(filepath.Join(in, "failed", "wrong.csv.report.json"))
	if err != nil || !strings.Contains(string(report), `the column \"at\" of the mapping probes is not in the file`) {
		t.Errorf("report %s, %v", report, err)
	}
}

func TestAWatchedFolderIsLookedAtAsOftenAsDeclared(t *testing.T) {
	l, root := newLab(t), t.TempDir()
	put(t, filepath.Join(root, "mappings", "probes.yaml"), []byte(probes))
	x := l.inbox(t, root, l.sink)
	now := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	x.Now = func() time.Time { return now }
	x.Declared = func(context.Context) ([]pipelines.Pipeline, error) {
		return []pipelines.Pipeline{{Declaration: pipelines.Declaration{ID: "slow", Kind: pipelines.WatchPipeline, Mapping: "probes",
			Source: pipelines.Intake{Folder: "slow", Every: "10m"}}}}, nil
	}
	look := func(after time.Duration) {
		t.Helper()
		now = now.Add(after)
		if err := x.Look(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	taken := func() bool { return there(filepath.Join(root, "slow", "done", "a.csv")) }
	look(0)
	put(t, filepath.Join(root, "slow", "a.csv"), []byte("device,at,value\np1,2026-11-01T00:00:00Z,1\n"))
	for range 3 {
		look(3 * time.Minute)
		if taken() {
			t.Fatal("a folder that is declared for every ten minutes was looked at before")
		}
	}
	look(time.Minute) // it is seen
	look(time.Second) // it may still grow
	if taken() {
		t.Fatal("a file was taken a second after it was seen")
	}
	look(time.Second)
	if !taken() {
		t.Error("a file that stood still for two seconds was not taken")
	}
}

func TestAMappingsFaultNamesItsLine(t *testing.T) {
	dir := t.TempDir()
	put(t, filepath.Join(dir, "probes.yaml"), []byte(strings.Replace(probes, "{const: value}", "{const: value, column: v}", 1)))
	put(t, filepath.Join(dir, "typo.yaml"), []byte("name: typo\ntargett: readings\n"))
	var log strings.Builder
	library, err := pipelines.OpenLibrary(dir, slog.New(slog.NewTextHandler(&log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"fields.metric: line 7", "line 2: field targett"} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("the log does not say %q:\n%s", want, log.String())
		}
	}
	if library.All()["probes"] != nil || library.All()["nyc311"] == nil {
		t.Error("a faulty mapping is there, or a shipped one is gone")
	}
	put(t, filepath.Join(dir, "probes.yaml"), []byte(probes))
	if err := library.Reload(); err != nil || library.All()["probes"] == nil {
		t.Errorf("the mended mapping is not there: %v", err)
	}
}
