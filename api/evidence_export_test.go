package api_test

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"plinth/api"
)

// newExport is one whose folder holds a payload.
func newExport(t *testing.T) *api.Export {
	t.Helper()
	e := &api.Export{Dir: filepath.Join(t.TempDir(), "data", "export")}
	e.Make = func(context.Context, func(string, int64, int64)) error {
		if err := os.MkdirAll(e.Dir, 0o700); err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(e.Dir, "records"), []byte("payload"), 0o600)
	}
	return e
}

func there(e *api.Export) bool {
	_, err := os.Stat(filepath.Join(e.Dir, "records"))
	return !errors.Is(err, fs.ErrNotExist)
}

func TestErasureTakesTheExportAway(t *testing.T) {
	e := newExport(t)
	for range 2 {
		if err := e.Update(t.Context(), nil); err != nil || !there(e) {
			t.Fatalf("made: %v, %v", there(e), err)
		}
		if err := e.Discarding(func() error { return nil }); err != nil || there(e) {
			t.Fatalf("after the erasure there is a payload: %v, %v", there(e), err)
		}
	}
	if left, err := os.ReadDir(filepath.Dir(e.Dir)); err != nil || len(left) > 0 {
		t.Errorf("left beside it: %v, %v", left, err)
	}
}

func TestExportGoesEvenIfTheErasureIsInDoubt(t *testing.T) {
	e, broken := newExport(t), errors.New("the answer was lost")
	if err := e.Update(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	if err := e.Discarding(func() error { return broken }); !errors.Is(err, broken) || there(e) {
		t.Errorf("got %v, there: %v", err, there(e))
	}
}

func TestExportThatIsAuditedGoesWhenTheAuditEnds(t *testing.T) {
	e := newExport(t)
	if err := e.Use(t.Context(), nil, func() error {
		if err := e.Discarding(func() error { return nil }); err != nil {
			return err
		}
		if !there(e) {
			t.Error("taken away under the audit")
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if there(e) {
		t.Error("there after the audit")
	}
}

func TestExportOfAKilledProcessGoesAtTheNextStart(t *testing.T) {
	e := newExport(t)
	if err := e.Update(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	if err := e.Recover(); err != nil || !there(e) {
		t.Fatalf("without an erasure it stays: %v, %v", there(e), err)
	}
	if err := e.Discarding(func() error {
		next := &api.Export{Dir: e.Dir} // as if this process had died here
		if err := next.Recover(); err != nil || there(e) {
			t.Errorf("at the next start it is there: %v, %v", there(e), err)
		}
		return nil
	}); err != nil {
		t.Error(err)
	}
}
