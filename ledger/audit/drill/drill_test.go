package drill_test

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"plinth"
	"plinth/internal/postgres"
	"plinth/internal/stack/stacktest"
	"plinth/ledger"
	"plinth/ledger/audit"
	"plinth/ledger/audit/drill"
	"plinth/ledger/fabric"
	"plinth/ledger/fabric/network"
	"plinth/ledger/sequencer"
)

func TestMain(m *testing.M) { stacktest.Main(m) }

var when = time.Date(2026, 11, 24, 8, 0, 0, 0, time.UTC)

// house is a sequencer on a real database and a real chain.
type house struct {
	t      *testing.T
	db     *postgres.DB
	store  *postgres.Ledger
	chain  *fabric.Client
	s      *sequencer.Sequencer
	trust  ledger.Trust
	policy ledger.Policy
	rows   rows
}

// rows are the stored readings of one window each, by device.
type rows map[string][]ledger.Reading

// Rows implements sequencer.RowSource.
func (r rows) Rows(_ context.Context, devices []string, from, to time.Time) (out []ledger.Reading, err error) {
	slices.Sort(devices)
	for _, d := range devices {
		for _, reading := range r[d] {
			if !reading.At.Before(from) && reading.At.Before(to) {
				out = append(out, reading)
			}
		}
	}
	return out, nil
}

func newHouse(t *testing.T) *house {
	t.Helper()
	h := &house{t: t, rows: rows{}}
	var err error
	if h.db, err = postgres.Open(t.Context(), stacktest.Postgres(t)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(h.db.Close)
	if err := h.db.OpenVault(t.Context(), filepath.Join(t.TempDir(), "keys", "subjects.key")); err != nil {
		t.Fatal(err)
	}
	h.store = postgres.NewLedger(h.db)
	log := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
	path := stacktest.Fabric(t)
	d, err := network.Read(path)
	if err != nil {
		t.Fatal(err)
	}
	if h.trust, err = d.Trust(); err != nil {
		t.Fatal(err)
	}
	if h.policy, err = h.trust.Policy(); err != nil {
		t.Fatal(err)
	}
	h.policy.Channel, h.policy.Chaincode, h.policy.At = d.Channel, d.Chaincode, time.Now()
	if h.chain, err = fabric.Open(fabric.Config{Network: path, State: t.TempDir()}, log); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(h.chain.Close)
	h.s, err = sequencer.Open(t.Context(), sequencer.Config{Dir: t.TempDir(), Name: "drill.plinth", Trust: h.policy, MinFree: 1,
		SealEvery: 5 * time.Millisecond, AnchorEvery: 10 * time.Millisecond}, h.store, h.chain, time.Now, log)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- h.s.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := errors.Join(<-done, h.s.Close()); err != nil {
			t.Error(err)
		}
	})
	return h
}

// write commits records and waits until they are anchored.
func (h *house) write(rs ...ledger.Record) {
	h.t.Helper()
	var ids []uuid.UUID
	err := h.db.InTx(h.t.Context(), func(tx pgx.Tx) error {
		for _, r := range rs {
			ids = append(ids, r.ID)
			if err := h.db.AppendRecord(h.t.Context(), tx, r); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		h.t.Fatal(err)
	}
	h.await(ids...)
}

// await waits until records are anchored.
func (h *house) await(ids ...uuid.UUID) {
	h.t.Helper()
	deadline := time.Now().Add(time.Minute)
	for n := 0; n < len(ids); time.Sleep(5 * time.Millisecond) {
		if err := h.db.QueryRow(h.t.Context(), `SELECT count(*) FROM ledger_state WHERE id = ANY($1) AND state = 'anchored'`, ids).Scan(&n); err != nil {
			h.t.Fatal(err)
		}
		if time.Now().After(deadline) {
			h.t.Fatalf("%d of %d records are anchored", n, len(ids))
		}
	}
}

func grants(n int) (out []ledger.Record) {
	for i := range n {
		out = append(out, ledger.Record{ID: uuid.New(), Origin: ledger.Authz, Kind: "grant.created", Org: "databureau",
			Subject: fmt.Sprintf("grant:g_%d", i%3), From: when, To: when, Count: 1, Payload: fmt.Appendf(nil, `{"n":%d}`, i),
			Relation: ledger.Generated, Inputs: []uuid.UUID{uuid.New()}})
	}
	return out
}

// segment stores a window's readings and returns their record.
func (h *house) segment(device string, minute, n int, supersedes uuid.UUID) ledger.Record {
	h.t.Helper()
	from := when.Add(time.Duration(minute) * time.Minute)
	var rs []ledger.Reading
	for i := range n {
		rs = append(rs, ledger.Reading{Device: device, Metric: "pm25", At: from.Add(time.Duration(i) * time.Second), Seq: uint64(i), Value: float64(i) / 2})
	}
	h.rows[device] = append(slices.DeleteFunc(h.rows[device], func(r ledger.Reading) bool {
		return !r.At.Before(from) && r.At.Before(from.Add(time.Minute))
	}), rs...)
	s := ledger.Segment{Device: device, From: from, To: from.Add(time.Minute), Count: uint64(n), Root: ledger.SegmentRoot(rs)}
	payload, err := s.Encode()
	if err != nil {
		h.t.Fatal(err)
	}
	return ledger.Record{ID: uuid.New(), Origin: ledger.Device, Kind: ledger.SegmentKind, Org: "envbureau", Subject: ledger.DeviceSubject(device),
		From: s.From, To: s.To, Count: s.Count, Payload: payload, Relation: ledger.Attributed, Supersedes: supersedes}
}

func (h *house) export(dir string) {
	h.t.Helper()
	err := h.s.Export(h.t.Context(), dir, sequencer.ExportFrom{Store: h.store, Blocks: h.chain, Rows: h.rows, Roots: h.trust.Roots})
	if err != nil {
		h.t.Fatal(err)
	}
}

// TestDrill lets a house of a real network work, exports it, audits it as it grows, and drills with the export.
func TestDrill(t *testing.T) {
	h := newHouse(t)
	var first ledger.Record
	for i := range 6 {
		s := h.segment("air-1", i, 4, uuid.Nil)
		if i == 0 {
			first = s
		}
		h.write(append(grants(3+i), s, h.segment("air-2", i, 3, uuid.Nil))...)
	}
	dir := filepath.Join(t.TempDir(), "export")
	h.export(dir)
	report := h.audit(dir, audit.Options{Resume: true}, ledger.ProvenWithData)
	if len(report.Logs) != 2 || report.Logs[0].Size != 33 || report.Logs[1].Size != 12 || report.Logs[0].Anchored != 33 {
		t.Errorf("logs: %+v", report.Logs)
	}

	// A late row: the window is sealed again, and the rows of the segment before cannot be told apart any more.
	h.write(append(grants(2), h.segment("air-1", 0, 5, first.ID))...)
	again := filepath.Join(t.TempDir(), "export")
	h.export(again)
	report = h.audit(again, audit.Options{}, ledger.ProvenWithData)
	if !skipped(report, audit.NotLateRows, 1) || skipped(report, audit.NotPendingRows, 1) {
		t.Errorf("not checked: %+v", report.NotChecked)
	}
	t.Run("a second export adds to the first, and the audit goes on from it", func(t *testing.T) { h.testSecond(dir) })
	t.Run("an export made anew after an erasure is audited on", func(t *testing.T) { h.testMadeAnew(dir) })
	t.Run("an audit that was stopped goes on", func(t *testing.T) { h.testStopped(again) })
	t.Run("an auditor with other roots is told so", func(t *testing.T) { h.testOtherRoots(again) })
	t.Run("every alteration is found", func(t *testing.T) { h.testDrill(again) })
}

func skipped(r audit.Report, what ledger.Check, n int64) bool {
	return slices.Contains(r.NotChecked, audit.Skipped{What: what, Count: n})
}

// audit audits and wants a word.
func (h *house) audit(dir string, o audit.Options, want ledger.Word) audit.Report {
	h.t.Helper()
	r, err := audit.Run(h.t.Context(), dir, h.policy, o)
	if err != nil || r.Word != want {
		h.t.Fatalf("audit: %s, %v, %v, want %s", r.Word, r.Fault, err, want)
	}
	return r
}

func (h *house) testSecond(dir string) {
	h.export(dir)
	r := h.audit(dir, audit.Options{Resume: true}, ledger.ProvenWithData)
	for _, s := range r.Stages {
		if s.Stage == audit.StageData && (s.Count != 3 || s.From != 45) {
			h.t.Errorf("data: %+v, want 3 records from 45", s)
		}
		if s.Stage == audit.StageChain && (s.From == 0 || s.Count == 0) {
			h.t.Errorf("chain: %+v, want some blocks from where the audit before ended", s)
		}
	}
	if whole := h.audit(dir, audit.Options{}, ledger.ProvenWithData); !slices.Equal(whole.Logs, r.Logs) {
		h.t.Errorf("audited on: %+v, from the beginning: %+v", r.Logs, whole.Logs)
	}
}

// testMadeAnew erases a subject and makes the export anew, as the service does: its data of record are shorter now.
func (h *house) testMadeAnew(dir string) {
	id, err := h.s.Erase(h.t.Context(), sequencer.Erasure{Subject: "grant:g_0", Reason: "r"})
	if err != nil {
		h.t.Fatal(err)
	}
	h.await(id)
	if err := os.RemoveAll(dir); err != nil {
		h.t.Fatal(err)
	}
	h.export(dir)
	r := h.audit(dir, audit.Options{Resume: true}, ledger.ProvenWithData)
	for _, s := range r.Stages {
		if s.Stage == audit.StageData && s.From != 0 {
			h.t.Errorf("data: %+v, want all from the first", s)
		}
		if s.Stage == audit.StageChain && s.From == 0 {
			h.t.Errorf("chain: %+v, want it to go on", s)
		}
	}
	again := h.audit(dir, audit.Options{Resume: true}, ledger.ProvenWithData)
	whole := h.audit(dir, audit.Options{}, ledger.ProvenWithData)
	for _, got := range []audit.Report{r, again} {
		if !slices.Equal(got.Logs, whole.Logs) || erased(got) != erased(whole) || erased(whole) == 0 {
			h.t.Errorf("audited on: %+v, %d erased; from the beginning: %+v, %d erased", got.Logs, erased(got), whole.Logs, erased(whole))
		}
	}
}

// erased is how many payloads a report says were erased.
func erased(r audit.Report) int64 {
	for _, s := range r.NotChecked {
		if s.What == audit.NotErased {
			return s.Count
		}
	}
	return 0
}

// testStopped stops an audit at every stage that takes long, and lets it go on each time.
func (h *house) testStopped(dir string) {
	o := audit.Options{Resume: true, State: filepath.Join(h.t.TempDir(), "state")}
	for _, at := range []audit.Stage{audit.StageChain, audit.StageTree, audit.StageData} {
		ctx, cancel := context.WithCancel(h.t.Context())
		o.Progress = func(p audit.Progress) {
			if p.Stage == at {
				cancel()
			}
		}
		if r, err := audit.Run(ctx, dir, h.policy, o); r.Fault != nil || err != nil && !errors.Is(err, context.Canceled) {
			h.t.Errorf("stopped in %s: %v, %v", at, r.Fault, err)
		}
		cancel()
	}
	o.Progress = nil
	r := h.audit(dir, o, ledger.ProvenWithData)
	if whole := h.audit(dir, audit.Options{}, ledger.ProvenWithData); !slices.Equal(whole.Logs, r.Logs) || whole.Chain != r.Chain {
		h.t.Errorf("went on: %+v %+v, in one go: %+v %+v", r.Logs, r.Chain, whole.Logs, whole.Chain)
	}
}

func (h *house) testOtherRoots(dir string) {
	p := h.policy
	p.Roots = map[string][]*x509.Certificate{"BureauMSP": p.Roots["OverseerMSP"], "OverseerMSP": p.Roots["OverseerMSP"]}
	r, err := audit.Run(h.t.Context(), dir, p, audit.Options{})
	if err != nil || r.Word != ledger.Untrusted || r.Fault.Object != audit.RootsFile {
		h.t.Errorf("with another root: %s, %v, %v", r.Word, r.Fault, err)
	}
	p.Roots = nil
	if r, err = audit.Run(h.t.Context(), dir, p, audit.Options{}); !errors.Is(err, plinth.ErrInvalid) || r.Word != ledger.UsageError {
		h.t.Errorf("without roots: %s, %v", r.Word, err)
	}
}

func (h *house) testDrill(dir string) {
	r, err := drill.Run(h.t.Context(), dir, h.t.TempDir(), h.policy, drill.Options{Seed: 1, Rounds: rounds(h.t)})
	if err != nil {
		h.t.Fatal(err)
	}
	h.t.Logf("%d alterations: %d found, %d named right; %d clean copies, %d false alarms; %.1f s", len(r.Rounds), r.Found, r.Right,
		r.Clean, r.FalseAlarms, r.Seconds)
	for _, round := range r.Rounds {
		if !round.Found || !round.Right {
			h.t.Errorf("%s of %s: found %t, the audit named %q: %s", round.Kind, round.Where, round.Found, round.Object, round.Reason)
		}
	}
	if !r.Passed() {
		h.t.Error("the drill is not passed")
	}
}

// rounds is how many alterations are tried: 124, or as many as PLINTH_DRILL_ROUNDS says.
func rounds(t *testing.T) int {
	n := 124
	if s := os.Getenv("PLINTH_DRILL_ROUNDS"); s != "" {
		if _, err := fmt.Sscan(s, &n); err != nil {
			t.Fatal(err)
		}
	}
	return n
}
