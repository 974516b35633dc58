package postgres_test

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"plinth"
	"plinth/internal/postgres"
	"plinth/pipelines"
)

var keeper = plinth.Principal{Account: "ac_op", Name: "运维员", Department: "ecology", Roles: []plinth.Role{plinth.RoleOperator}}

func newBoard(t *testing.T, db *postgres.DB) *pipelines.Board {
	t.Helper()
	mappings, err := pipelines.Mappings()
	if err != nil {
		t.Fatal(err)
	}
	b := &pipelines.Board{Store: postgres.NewPipelines(db), Gates: &pipelines.Gates{}, Now: time.Now, Log: slog.New(slog.DiscardHandler),
		Mappings: func() map[string]*pipelines.Mapping { return mappings }}
	ds := append(pipelines.ShippedFiles(mappings, "data-bureau"), pipelines.ShippedHTTP("data-bureau"), pipelines.ShippedStream("lift", "data-bureau"))
	for range 2 { // as when the service starts again
		if err := b.Ship(t.Context(), ds...); err != nil {
			t.Fatal(err)
		}
	}
	return b
}

func tally(t *testing.T, db *postgres.DB, query string, args ...any) int {
	t.Helper()
	var n int
	if err := db.QueryRow(t.Context(), query, args...).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

func TestWhatShipsIsDeclaredOnceAndWithoutARecord(t *testing.T) {
	db := open(t)
	b := newBoard(t, db)
	all, err := b.List(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	kinds := map[pipelines.PipelineKind]int{}
	for _, p := range all {
		kinds[p.Kind]++
		if p.Version != 1 || p.Origin != pipelines.Shipped || p.Evidence != "" {
			t.Errorf("%s: version %d, origin %s, evidence %q", p.ID, p.Version, p.Origin, p.Evidence)
		}
	}
	if kinds["stream"] != 1 || kinds["http"] != 1 || kinds["file"] == 0 {
		t.Errorf("kinds %v", kinds)
	}
	if n := tally(t, db, `SELECT count(*) FROM ledger_outbox WHERE kind LIKE 'pipeline.%'`); n != 0 {
		t.Errorf("%d records of what ships", n)
	}
}

func TestAPauseHoldsThePipelineAndIsRecordedWithIt(t *testing.T) {
	db := open(t)
	b := newBoard(t, db)
	ctx := t.Context()
	if _, err := b.Pause(ctx, keeper, "lift", "  "); !errors.Is(err, plinth.ErrInvalid) {
		t.Errorf("a pause without a reason: %v", err)
	}
	p, err := b.Pause(ctx, keeper, "lift", "clock of the broker is wrong")
	if err != nil {
		t.Fatal(err)
	}
	if p.Pause == nil || p.Pause.By != keeper.Account || p.Version != 2 {
		t.Errorf("paused: %+v", p)
	}
	if _, err := b.Pause(ctx, keeper, "lift", "again"); !errors.Is(err, plinth.ErrConflict) {
		t.Errorf("paused twice: %v", err)
	}
	held, cancel := context.WithTimeout(ctx, 50*time.Millisecond)
	defer cancel()
	if err := b.Gates.Wait(held, "lift"); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a paused pipeline's gate: %v", err)
	}
	other := newBoard(t, db) // another instance; shipping again must not resume
	if _, paused := other.Gates.Paused("lift"); !paused {
		t.Error("another instance does not see the pause")
	}
	through := make(chan error, 1)
	go func() { through <- b.Gates.Wait(ctx, "lift") }()
	if p, err = b.Resume(ctx, keeper, "lift"); err != nil || p.Pause != nil || p.Version != 3 {
		t.Errorf("resumed: %+v, %v", p, err)
	}
	if err := <-through; err != nil {
		t.Errorf("the gate after the resumption: %v", err)
	}
	if n := tally(t, db, `SELECT count(*) FROM ledger_outbox WHERE subject = 'pipeline:lift' AND org = 'ecology'
		AND kind IN ('pipeline.paused', 'pipeline.resumed')`); n != 2 {
		t.Errorf("%d records, want 2", n)
	}
	if n := tally(t, db, `SELECT count(*) FROM ledger_outbox o JOIN pipeline p ON p.record_id = o.id WHERE p.id = 'lift' AND o.kind = 'pipeline.resumed'`); n != 1 {
		t.Errorf("the pipeline names %d newest records", n)
	}
}

func TestAChangeOfAnOldVersionIsAConflict(t *testing.T) {
	db := open(t)
	b := newBoard(t, db)
	yaml := func(title string) []byte {
		d := pipelines.ShippedStream("lift", "ecology")
		d.Title.EN = title
		return []byte(d.YAML())
	}
	p, err := b.Declare(t.Context(), keeper, yaml("Lifts"), 1)
	if err != nil || p.Version != 2 || p.Origin != pipelines.ByAPI {
		t.Fatalf("declared %+v, %v", p, err)
	}
	if _, err := b.Declare(t.Context(), keeper, yaml("Other"), 1); !errors.Is(err, plinth.ErrConflict) {
		t.Errorf("declared from an old version: %v", err)
	}
	stale := p
	if err := postgres.NewPipelines(db).PutPipeline(t.Context(), stale, nil); !errors.Is(err, plinth.ErrConflict) {
		t.Errorf("put over the same version: %v", err)
	}
	newBoard(t, db)
	if p, err = b.Get(t.Context(), "lift"); err != nil || p.Title.EN != "Lifts" {
		t.Errorf("after a start again: %+v, %v", p, err)
	}
	if _, err := b.Get(t.Context(), "nobody"); !errors.Is(err, plinth.ErrNotFound) {
		t.Errorf("unknown: %v", err)
	}
}

func TestAFileOfTheFolderDeclaresAPipelineWhenItChanges(t *testing.T) {
	db := open(t)
	b := newBoard(t, db)
	ctx, dir := t.Context(), t.TempDir()
	write := func(title, mapping string) {
		d := pipelines.Declaration{ID: "inbox", Title: pipelines.Label{ZH: "收件箱", EN: title}, Kind: pipelines.WatchPipeline, Mapping: mapping,
			Source: pipelines.Intake{Folder: "inbox", Pattern: "*.csv", Every: "30s"}, Sink: pipelines.ToEvents, Owner: "ecology"}
		if err := os.WriteFile(filepath.Join(dir, "inbox.yaml"), []byte(d.YAML()), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := b.LoadFolder(ctx, dir); err != nil {
			t.Fatal(err)
		}
	}
	write("First", "hotline-complaints")
	p, err := b.Get(ctx, "inbox")
	if err != nil || p.Origin != pipelines.ByFile || p.Version != 1 {
		t.Fatalf("declared %+v, %v", p, err)
	}
	if err := b.LoadFolder(ctx, dir); err != nil {
		t.Fatal(err)
	}
	if _, err := b.Pause(ctx, keeper, "inbox", "holiday"); err != nil {
		t.Fatal(err)
	}
	write("Second", "hotline-complaints")
	if p, err = b.Get(ctx, "inbox"); err != nil || p.Title.EN != "Second" || p.Version != 3 || p.Pause == nil {
		t.Errorf("changed %+v, %v; want version 3, still paused", p, err)
	}
	write("Third", "no-such-mapping")
	if p, err = b.Get(ctx, "inbox"); err != nil || p.Title.EN != "Second" {
		t.Errorf("after a faulty file %+v, %v", p, err)
	}
}

func TestTotalsSumAPipelinesRunsAndNameTheNewest(t *testing.T) {
	s := postgres.NewPipelines(open(t))
	began := time.Date(2026, 11, 24, 8, 0, 0, 0, time.UTC)
	for i, r := range []pipelines.Run{
		{ID: "run_a", Pipeline: "lift", Kind: pipelines.StreamRun, In: 10, Stored: 9, Dead: 1, State: pipelines.Done, Ended: began.Add(time.Hour)},
		{ID: "run_b", Pipeline: "lift", Kind: pipelines.StreamRun, In: 5, Stored: 5, State: pipelines.Running},
		{ID: "run_c", Pipeline: "hotline-complaints", Kind: pipelines.ImportRun, In: 3, Known: 3, State: pipelines.Done, Ended: began.Add(3 * time.Hour)},
	} {
		r.Started, r.StartedBy = began.Add(time.Duration(i)*time.Hour), "ac_op"
		if err := s.SaveRun(t.Context(), r); err != nil {
			t.Fatal(err)
		}
	}
	all, err := s.Totals(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if got := all["lift"]; got.In != 15 || got.Stored != 14 || got.Dead != 1 || got.Last.ID != "run_b" {
		t.Errorf("lift: %+v", got)
	}
	if got := all["hotline-complaints"]; got.Known != 3 || got.Last.ID != "run_c" || !got.Last.Ended.Equal(began.Add(3*time.Hour)) {
		t.Errorf("hotline: %+v", got)
	}
	list, err := s.List(t.Context(), postgres.RunFilter{Pipeline: "lift", State: pipelines.Done, Limit: 5})
	if err != nil || len(list) != 1 || list[0].ID != "run_a" {
		t.Errorf("list %+v, %v", list, err)
	}
}
