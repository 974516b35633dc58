package inspection_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"plinth"
	"plinth/internal/postgres"
	"plinth/internal/stack/stacktest"
	"plinth/ledger/inspection"
)

func TestMain(m *testing.M) { stacktest.Main(m) }

var auditor = plinth.Principal{Account: "ac_auditor", Name: "审计员", Roles: []plinth.Role{plinth.RoleAuditor}}

// office is a desk on a real database, with work that tests steer.
type office struct {
	*inspection.Desk
	db      *postgres.DB
	scratch string
	begun   chan inspection.Job
	finish  chan error // what the work ends with
}

func newOffice(t *testing.T) *office {
	t.Helper()
	db, err := postgres.Open(t.Context(), stacktest.Postgres(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(db.Close)
	o := &office{db: db, scratch: filepath.Join(t.TempDir(), "inspections")}
	o.open(t)
	return o
}

// open is what a process does when it starts.
func (o *office) open(t *testing.T) {
	t.Helper()
	o.begun, o.finish = make(chan inspection.Job), make(chan error)
	d, err := inspection.Open(t.Context(), inspection.Config{Store: postgres.NewInspections(o.db), Scratch: o.scratch, Now: time.Now,
		Log: slog.New(slog.NewTextHandler(io.Discard, nil)), Works: map[inspection.Kind]inspection.Work{inspection.Audit: o.work, inspection.Drill: o.work}})
	if err != nil {
		t.Fatal(err)
	}
	o.Desk = d
}

func (o *office) work(ctx context.Context, j inspection.Job, scratch string, tell func(inspection.Progress)) (inspection.Outcome, error) {
	if err := os.WriteFile(filepath.Join(scratch, "copy"), []byte("x"), 0o600); err != nil {
		return inspection.Outcome{}, err
	}
	tell(inspection.Progress{Stage: "tree", Done: 3, Total: 10})
	o.begun <- j
	select {
	case <-ctx.Done():
		return inspection.Outcome{}, ctx.Err()
	case err := <-o.finish:
		return inspection.Outcome{Word: "log-proven", Report: json.RawMessage(`{"word":"log-proven"}`)}, err
	}
}

// serve runs the desk and returns what kills its process.
func (o *office) serve(t *testing.T) (kill func()) {
	t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- o.Run(ctx) }()
	return func() {
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}

func (o *office) start(t *testing.T, k inspection.Kind, rounds int) inspection.Job {
	t.Helper()
	j, err := o.Start(t.Context(), k, auditor, 7, rounds)
	if err != nil {
		t.Fatal(err)
	}
	if begun := <-o.begun; begun.ID != j.ID || begun.Seed != 7 || begun.Rounds != rounds {
		t.Fatalf("began %+v", begun)
	}
	return j
}

func (o *office) await(t *testing.T, id string, want inspection.State) inspection.Job {
	t.Helper()
	var j inspection.Job
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		var err error
		if j, err = o.Get(t.Context(), id); err != nil {
			t.Fatal(err)
		}
		if j.State == want {
			return j
		}
	}
	t.Fatalf("state is %s, want %s", j.State, want)
	return j
}

func TestAnAuditIsWatchedAndItsReportStays(t *testing.T) {
	o := newOffice(t)
	kill := o.serve(t)
	defer kill()
	j := o.start(t, inspection.Audit, 0)
	if got := o.await(t, j.ID, inspection.Running); got.Progress != (inspection.Progress{Stage: "tree", Done: 3, Total: 10}) {
		t.Errorf("progress is %+v", got.Progress)
	}
	o.finish <- nil
	got := o.await(t, j.ID, inspection.Done)
	if got.Word != "log-proven" || string(got.Report) != `{"word":"log-proven"}` || got.EndedAt.Before(got.StartedAt) || got.ByName != "审计员" {
		t.Errorf("kept %+v", got)
	}
	if left, err := os.ReadDir(o.scratch); err != nil || len(left) > 0 {
		t.Errorf("left in the scratch folder: %v, %v", left, err)
	}
}

func TestOneInspectionRunsAtATime(t *testing.T) {
	o := newOffice(t)
	kill := o.serve(t)
	defer kill()
	j := o.start(t, inspection.Drill, 5)
	if _, err := o.Start(t.Context(), inspection.Audit, auditor, 0, 0); !errors.Is(err, plinth.ErrConflict) {
		t.Errorf("a second one: %v", err)
	}
	if _, err := o.Cancel(t.Context(), j.ID); err != nil {
		t.Fatal(err)
	}
	if got := o.await(t, j.ID, inspection.Cancelled); got.Report != nil {
		t.Errorf("a cancelled one has a report: %s", got.Report)
	}
	if _, err := o.Cancel(t.Context(), j.ID); !errors.Is(err, plinth.ErrConflict) {
		t.Errorf("cancelled twice: %v", err)
	}
	second := o.start(t, inspection.Audit, 0)
	o.finish <- errors.New("disk on fire")
	if got := o.await(t, second.ID, inspection.Failed); got.Reason == "" || got.Reason == "disk on fire" {
		t.Errorf("reason is %q", got.Reason)
	}
	all, err := o.List(t.Context(), "", 10)
	if err != nil || len(all) != 2 || all[0].ID != second.ID || all[1].ID != j.ID {
		t.Errorf("list: %v, %v", all, err)
	}
	if rest, err := o.List(t.Context(), second.ID, 10); err != nil || len(rest) != 1 || rest[0].ID != j.ID {
		t.Errorf("list after the newest: %v, %v", rest, err)
	}
}

func TestWhatAKilledProcessLeftIsInterrupted(t *testing.T) {
	o := newOffice(t)
	kill := o.serve(t)
	j := o.start(t, inspection.Audit, 0)
	kill()
	if err := os.MkdirAll(filepath.Join(o.scratch, "of-the-dead"), 0o700); err != nil {
		t.Fatal(err)
	}
	o.open(t)
	got := o.await(t, j.ID, inspection.Interrupted)
	if got.Stage != "tree" || got.EndedAt.IsZero() {
		t.Errorf("kept %+v", got)
	}
	if _, err := os.Stat(o.scratch); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the dead process's copies are there: %v", err)
	}
	kill = o.serve(t)
	defer kill()
	next := o.start(t, inspection.Audit, 0)
	o.finish <- nil
	o.await(t, next.ID, inspection.Done)
}

func TestBadOrdersAreRefusedWithTheirField(t *testing.T) {
	o := newOffice(t)
	for _, tt := range []struct {
		kind   inspection.Kind
		rounds int
		field  string
	}{{"siege", 0, "kind"}, {inspection.Drill, 0, "rounds"}, {inspection.Drill, -1, "rounds"}, {inspection.Drill, inspection.MaxRounds + 1, "rounds"}} {
		_, err := o.Start(t.Context(), tt.kind, auditor, 0, tt.rounds)
		var said *plinth.Error
		if !errors.As(err, &said) || said.Field != tt.field {
			t.Errorf("%s, %d rounds: %v", tt.kind, tt.rounds, err)
		}
	}
	if _, err := o.Get(t.Context(), "ij_unknown"); !errors.Is(err, plinth.ErrNotFound) {
		t.Errorf("unknown: %v", err)
	}
	if _, err := o.Cancel(t.Context(), "ij_unknown"); !errors.Is(err, plinth.ErrNotFound) {
		t.Errorf("cancel unknown: %v", err)
	}
}
