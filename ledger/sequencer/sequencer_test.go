package sequencer_test

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"plinth"
	"plinth/internal/postgres"
	"plinth/internal/stack/stacktest"
	"plinth/ledger"
	"plinth/ledger/ledgertest"
	"plinth/ledger/sequencer"
)

func TestMain(m *testing.M) {
	if os.Getenv(killDir) != "" {
		runToBeKilled()
		return
	}
	stacktest.Main(m)
}

var when = time.Date(2026, 11, 24, 8, 0, 0, 0, time.UTC)

// house is a deployment whose sequencer can be stopped and started again.
type house struct {
	t     testing.TB
	dir   string
	db    *postgres.DB
	chain *ledgertest.Chain

	twin   bool
	master string       // file of the key that wraps the subjects' keys
	logger *slog.Logger // nil for warnings to standard error

	timestamper sequencer.Timestamper
	tsaRoots    []*x509.Certificate
}

func newHouse(t testing.TB) *house {
	t.Helper()
	return newHouseAt(t, stacktest.Postgres(t))
}

func newHouseAt(t testing.TB, url string) *house {
	t.Helper()
	db, err := postgres.Open(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(db.Close)
	dir := t.TempDir()
	h := &house{t: t, dir: dir, db: db, chain: ledgertest.NewChain(), master: filepath.Join(dir, "subjects.key")}
	if err := db.OpenVault(t.Context(), h.master); err != nil {
		t.Fatal(err)
	}
	return h
}

func (h *house) trust() ledger.Policy { return ledgertest.Policy(h.chain.Orgs...) }

func (h *house) open() (*sequencer.Sequencer, error) {
	logger := h.logger
	if logger == nil {
		logger = slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
	}
	trust := h.trust()
	trust.TimestampRoots = h.tsaRoots
	return sequencer.Open(h.t.Context(), sequencer.Config{Dir: h.dir, Name: "putuo.plinth", Trust: trust, Timestamper: h.timestamper, MinFree: 1, Twin: h.twin,
		SealEvery: 5 * time.Millisecond, AnchorEvery: 10 * time.Millisecond, StepEvery: 10 * time.Millisecond},
		postgres.NewLedger(h.db), h.chain, func() time.Time { return when }, logger)
}

// run opens the sequencer and runs it until stop is called; stop returns what Run returned.
func (h *house) run() (s *sequencer.Sequencer, stop func() error) {
	h.t.Helper()
	s, err := h.open()
	if err != nil {
		h.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(h.t.Context())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	stopped := false
	stop = func() error {
		if stopped {
			return nil
		}
		stopped = true
		cancel()
		return errors.Join(<-done, s.Close())
	}
	h.t.Cleanup(func() { stop() })
	return s, stop
}

// write commits n records about a few subjects, together, and returns their ids.
func (h *house) write(n int) []uuid.UUID {
	h.t.Helper()
	var ids []uuid.UUID
	for range n {
		ids = append(ids, uuid.New())
	}
	if err := h.db.InTx(h.t.Context(), func(tx pgx.Tx) error {
		for i, id := range ids {
			if err := h.db.AppendRecord(h.t.Context(), tx, ledger.Record{ID: id, Origin: ledger.Authz,
				Kind: "grant.created", Org: "databureau", Subject: fmt.Sprintf("grant:g_%d", i%3), From: when, To: when,
				Count: 1, Payload: fmt.Appendf(nil, `{"n":%d}`, i), Relation: ledger.Generated}); err != nil {
				return err
			}
		}
		return nil
	}); err != nil {
		h.t.Fatal(err)
	}
	return ids
}

// wait polls until every record has the state.
func (h *house) wait(state string, ids ...uuid.UUID) {
	h.t.Helper()
	deadline := time.Now().Add(20 * time.Second)
	var n int
	for time.Now().Before(deadline) {
		if err := h.db.QueryRow(h.t.Context(), `SELECT count(*) FROM ledger_state WHERE id = ANY($1) AND state = $2`,
			ids, state).Scan(&n); err != nil {
			h.t.Fatal(err)
		}
		if n == len(ids) {
			return
		}
		time.Sleep(5 * time.Millisecond)
	}
	h.t.Fatalf("%d of %d records are %s", n, len(ids), state)
}

// verify checks the receipt of every record, and that subjects are numbered without gaps.
func (h *house) verify(s *sequencer.Sequencer, ids []uuid.UUID) {
	h.t.Helper()
	p := h.trust()
	p.LogKeys = s.LogKeys()
	type subject struct {
		seq  uint64
		last int64
	}
	subjects := map[ledger.Tag]subject{}
	places := map[int64]bool{}
	for i, id := range ids {
		file, err := s.Receipt(h.t.Context(), id, sequencer.DisclosePayload)
		if err != nil {
			h.t.Fatal(err)
		}
		v, err := ledger.Verify(file, p)
		if err != nil || v.Word != ledger.ProvenWithData {
			h.t.Fatalf("record %d: %s, %v", i, v.Word, err)
		}
		at, ok := subjects[v.Entry.Tag]
		if v.Entry.ID != id || v.Entry.Seq != at.seq+1 || places[v.Index] || ok && v.Entry.Prev != at.last {
			h.t.Fatalf("record %d: entry %+v at %d after %+v", i, v.Entry, v.Index, at)
		}
		subjects[v.Entry.Tag], places[v.Index] = subject{v.Entry.Seq, v.Index}, true
	}
	l, err := s.Log(ledger.Authz)
	if err != nil {
		h.t.Fatal(err)
	}
	if c, _ := l.Checkpoint(); c.Size != int64(len(ids)) {
		h.t.Fatalf("the log has %d entries for %d records", c.Size, len(ids))
	}
}

func TestRecordsBecomeAnchoredAndProven(t *testing.T) {
	h := newHouse(t)
	ids := h.write(20)
	s, stop := h.run()
	h.wait("anchored", ids...)
	ids = append(ids, h.write(5)...)
	h.wait("anchored", ids...)
	h.verify(s, ids)
	if err := stop(); err != nil {
		t.Error(err)
	}
}

func TestReceiptIsNotGivenTooEarly(t *testing.T) {
	h := newHouse(t)
	away := plinth.Errorf(plinth.ErrUnavailable, "chain is away")
	for range 3000 {
		h.chain.Fail(ledgertest.Fault{Call: "Head", Err: away})
	}
	ids := h.write(3)
	s, _ := h.run()
	h.wait("sealed", ids...)
	if _, err := s.Receipt(t.Context(), ids[0], sequencer.DiscloseNothing); !errors.Is(err, plinth.ErrConflict) {
		t.Errorf("got %v, want ErrConflict", err)
	}
	if _, err := s.Receipt(t.Context(), uuid.New(), sequencer.DiscloseNothing); !errors.Is(err, plinth.ErrNotFound) {
		t.Errorf("unknown record: got %v, want ErrNotFound", err)
	}
	deadline := time.Now().Add(5 * time.Second)
	for s.Status()[0].AnchorErr == nil && time.Now().Before(deadline) {
		time.Sleep(5 * time.Millisecond)
	}
	if err := s.Status()[0].AnchorErr; !errors.Is(err, plinth.ErrUnavailable) {
		t.Errorf("status says %v", err)
	}
}

// TestChainTroubleIsWaitedOut lets each call fail once before and once after its effect; in the end all is anchored,
// nothing twice.
func TestChainTroubleIsWaitedOut(t *testing.T) {
	h := newHouse(t)
	for _, call := range []string{"Head", "RegisterLog", "Anchor", "Attest"} {
		h.chain.Fail(ledgertest.Fault{Call: call, Err: plinth.Errorf(plinth.ErrUnavailable, "away")},
			ledgertest.Fault{Call: call, After: true, Err: ledger.ErrUnknownOutcome})
	}
	s, _ := h.run()
	var ids []uuid.UUID
	for range 5 {
		ids = append(ids, h.write(7)...)
		h.wait("anchored", ids...)
	}
	h.verify(s, ids)
}

// TestCrashAtEveryStepLosesAndDoublesNothingRecorded stops Append at every step of a running house and starts it anew.
func TestCrashAtEveryStepLosesAndDoublesNothingRecorded(t *testing.T) {
	h := newHouse(t)
	var ids []uuid.UUID
	for _, step := range []string{"entries torn", "entries", "offsets torn", "offsets", "hashes torn", "hashes", "synced",
		"reread", "checkpoint written", "checkpoint renamed", "end"} {
		s, stop := h.run()
		h.wait("anchored", ids...)
		l, err := s.Log(ledger.Authz)
		if err != nil {
			t.Fatal(err)
		}
		if c, _ := l.Checkpoint(); step[:3] == "off" { // a bundle begins in the batch that crashes
			ids = append(ids, h.write(int(256-c.Size%256))...)
			h.wait("anchored", ids...)
		}
		crashed := make(chan bool, 1)
		l.SetFault(func(name string) error {
			if name != step {
				return nil
			}
			select {
			case crashed <- true:
			default: // it has crashed before and tries again, which a dead process would not
			}
			return errors.New("crash")
		})
		ids = append(ids, h.write(5)...)
		select {
		case <-crashed:
		case <-time.After(20 * time.Second):
			t.Fatalf("never came to %q", step)
		}
		stop()
	}
	s, _ := h.run()
	h.wait("anchored", ids...)
	h.verify(s, ids)
}

func TestLostProjectionIsRebuiltFromTheLog(t *testing.T) {
	h := newHouse(t)
	ids := h.write(30)
	s, stop := h.run()
	h.wait("anchored", ids...)
	stop()
	for _, q := range []string{`DELETE FROM ledger_entry`, `DELETE FROM ledger_log`, `DELETE FROM ledger_checkpoint`,
		`INSERT INTO ledger_pending (origin, n, id) SELECT origin, n, id FROM ledger_outbox`} {
		if _, err := h.db.Exec(t.Context(), q); err != nil {
			t.Fatal(err)
		}
	}
	s, _ = h.run()
	h.wait("anchored", ids...)
	h.verify(s, ids)
}

// TestRestoredBackupIsRefused starts with files that are older than what the chain has seen.
func TestRestoredBackupIsRefused(t *testing.T) {
	h := newHouse(t)
	ids := h.write(5)
	_, stop := h.run()
	h.wait("anchored", ids...)
	stop()
	backup := t.TempDir()
	if err := os.CopyFS(filepath.Join(backup, "data"), os.DirFS(h.dir)); err != nil {
		t.Fatal(err)
	}
	_, stop = h.run()
	h.wait("anchored", h.write(5)...)
	stop()
	h.dir = filepath.Join(backup, "data")
	closeKeys(t, h.dir)
	if _, err := h.open(); !errors.Is(err, sequencer.ErrDamaged) {
		t.Errorf("with the database as it was: got %v, want ErrDamaged", err)
	}
	for _, q := range []string{`DELETE FROM ledger_entry`, `DELETE FROM ledger_log`, `DELETE FROM ledger_checkpoint`} {
		if _, err := h.db.Exec(t.Context(), q); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := h.open(); !errors.Is(err, sequencer.ErrDamaged) {
		t.Errorf("with the database restored too: got %v, want ErrDamaged by the chain", err)
	}
}

// TestForkIsNoticedWhenTheChainReturns begins a second history while the chain is away.
func TestForkIsNoticedWhenTheChainReturns(t *testing.T) {
	h := newHouse(t)
	ids := h.write(5)
	_, stop := h.run()
	h.wait("anchored", ids...)
	stop()
	if err := os.RemoveAll(filepath.Join(h.dir, "authz")); err != nil {
		t.Fatal(err)
	}
	for _, q := range []string{`DELETE FROM ledger_entry`, `DELETE FROM ledger_log`, `DELETE FROM ledger_checkpoint`} {
		if _, err := h.db.Exec(t.Context(), q); err != nil {
			t.Fatal(err)
		}
	}
	h.chain.Fail(ledgertest.Fault{Call: "Head", Err: plinth.Errorf(plinth.ErrUnavailable, "away")},
		ledgertest.Fault{Call: "Head", Err: plinth.Errorf(plinth.ErrUnavailable, "away")})
	s, err := h.open()
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	h.write(9)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	if err := s.Run(ctx); !errors.Is(err, sequencer.ErrDamaged) {
		t.Errorf("got %v, want ErrDamaged", err)
	}
}

func TestLateCommitIsNotMissed(t *testing.T) {
	h := newHouse(t)
	early, err := h.db.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	late := ledger.Record{ID: uuid.New(), Origin: ledger.Authz, Kind: "grant.created", Org: "databureau",
		Subject: "grant:late", From: when, To: when, Count: 1}
	if err := h.db.AppendRecord(t.Context(), early, late); err != nil {
		t.Fatal(err)
	}
	h.run()
	h.wait("anchored", h.write(4)...)
	if err := early.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	h.wait("anchored", late.ID)
}

func TestRecordsAreNeverChanged(t *testing.T) {
	h := newHouse(t)
	h.write(1)
	for _, q := range []string{`UPDATE ledger_outbox SET org = 'x'`, `DELETE FROM ledger_outbox`, `TRUNCATE ledger_outbox`} {
		if _, err := h.db.Exec(t.Context(), q); err == nil {
			t.Errorf("%s: allowed", q)
		}
	}
}

// closeKeys gives copied keys the modes that os.CopyFS does not keep.
func closeKeys(t *testing.T, dir string) {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, "keys", "*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		if err := os.Chmod(name, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chmod(filepath.Join(dir, "keys"), 0o700); err != nil {
		t.Fatal(err)
	}
}

func copyKeys(t *testing.T, from, to string) {
	t.Helper()
	if err := os.CopyFS(filepath.Join(to, "keys"), os.DirFS(filepath.Join(from, "keys"))); err != nil {
		t.Fatal(err)
	}
	closeKeys(t, to)
}
