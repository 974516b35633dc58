package fabric_test

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"plinth/ledger"
	"plinth/ledger/fabric"
	"plinth/ledger/sequencer"
)

// perAnchor is how many new records one transaction covers in BenchmarkRecordsPerCommit.
const perAnchor = 100_000

// BenchmarkRecordsPerCommit commits records in both ways on one network: one record per transaction, from many clients
// at a time, and a checkpoint with its consistency proof over perAnchor new records, one at a time. It is the chain that
// is measured: the log has grown before the clock runs.
func BenchmarkRecordsPerCommit(b *testing.B) {
	c := open(b, fabricConfig)
	l := newLog(b).register(c)
	single := stepsPerSecond(b, c, l.origin, 10*time.Second)
	l.grow(1, "leaf").mustAnchor(c, 0)
	var took time.Duration
	anchors := 0
	for b.Loop() {
		from := l.size
		l.grow(perAnchor, "leaf")
		s := l.submission(from)
		begun := time.Now()
		if _, err := c.Anchor(b.Context(), l.origin, s); err != nil {
			b.Fatal(err)
		}
		took += time.Since(begun)
		anchors++
	}
	b.ReportMetric(single, "single/s")
	b.ReportMetric(perAnchor*float64(anchors)/took.Seconds(), "records/s")
}

// stepsPerSecond puts one record a transaction, each the first step of its own case, from 200 clients.
func stepsPerSecond(b *testing.B, c *fabric.Client, origin string, lasting time.Duration) float64 {
	b.Helper()
	var committed atomic.Int64
	var clients sync.WaitGroup
	ctx, cancel := context.WithTimeout(b.Context(), lasting)
	defer cancel()
	began := time.Now()
	for range 200 {
		clients.Go(func() {
			for ctx.Err() == nil {
				if _, err := c.PutStep(ctx, firstStep(origin)); err == nil {
					committed.Add(1)
				} else if ctx.Err() == nil && !errors.Is(err, ledger.ErrUnknownOutcome) {
					b.Error(err)
					return
				}
			}
		})
	}
	<-ctx.Done()
	rate := float64(committed.Load()) / time.Since(began).Seconds()
	clients.Wait()
	return rate
}

func firstStep(origin string) ledger.Step {
	s := ledger.Step{Seq: 1, Kind: "request.created", Record: uuid.New(), Origin: origin}
	rand.Read(s.Case[:])
	rand.Read(s.Leaf[:])
	return s
}

// BenchmarkAcceptedToReceipt feeds a log with 100 000 records a second for as long as the benchmark lasts and has its
// checkpoints anchored and attested without a pause. Of every thousandth record it takes the time from when it was
// submitted until the organisations' attestation of a checkpoint above it has been verified: then its receipt exists.
func BenchmarkAcceptedToReceipt(b *testing.B) {
	c := open(b, fabricConfig)
	x := newLoad(b, c)
	ctx, cancel := context.WithCancel(b.Context())
	var running sync.WaitGroup
	running.Go(func() { _ = x.committer.Run(ctx) })
	running.Go(func() { x.anchor(ctx) })
	defer running.Wait()
	defer cancel()
	began := time.Now()
	for n := 0; b.Loop(); n++ { // one iteration is a millisecond's worth of records
		time.Sleep(time.Until(began.Add(time.Duration(n) * time.Millisecond)))
		x.submit(100)
	}
	rate := float64(x.submitted) / time.Since(began).Seconds()
	x.await()
	slices.Sort(x.took)
	b.ReportMetric(rate, "records/s")
	b.ReportMetric(x.took[len(x.took)/2].Seconds(), "p50-s")
	b.ReportMetric(x.took[len(x.took)*99/100].Seconds(), "p99-s")
}

// load is a log under load with its way to the chain.
type load struct {
	b         *testing.B
	chain     *fabric.Client
	log       *sequencer.Log
	committer *sequencer.Committer
	policy    ledger.Policy
	submitted int
	entry     [256]byte

	mu      sync.Mutex
	waiting []sample
	took    []time.Duration
}

// sample is one record whose receipt is waited for.
type sample struct {
	pending sequencer.Pending
	at      time.Time
}

func newLoad(b *testing.B, c *fabric.Client) *load {
	b.Helper()
	l := newLog(b)
	skey, vkey, err := note.GenerateKey(rand.Reader, l.origin)
	if err != nil {
		b.Fatal(err)
	}
	if err := c.RegisterLog(b.Context(), l.origin, vkey); err != nil {
		b.Fatal(err)
	}
	log, err := sequencer.OpenLog(sequencer.LogConfig{Dir: b.TempDir(), Keys: []sequencer.SigningKey{{Key: skey}}})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = log.Close() })
	return &load{b: b, chain: c, log: log, committer: sequencer.NewCommitter(log, sequencer.CommitConfig{}), policy: trust(b, vkey)}
}

// submit brings n records; every thousandth of all is a sample.
func (x *load) submit(n int) {
	for range n {
		x.submitted++
		binary.BigEndian.PutUint64(x.entry[:], uint64(x.submitted))
		at := time.Now()
		p, err := x.committer.Submit(x.b.Context(), x.entry[:])
		if err != nil {
			x.b.Fatal(err)
		}
		if x.submitted%1000 == 0 {
			x.mu.Lock()
			x.waiting = append(x.waiting, sample{p, at})
			x.mu.Unlock()
		}
	}
}

// anchor has the newest checkpoint anchored and attested, over and over.
func (x *load) anchor(ctx context.Context) {
	var head int64
	for ctx.Err() == nil {
		c, signed := x.log.Checkpoint()
		if c.Size == head {
			time.Sleep(time.Millisecond)
			continue
		}
		if err := x.attested(ctx, c, signed, head); err != nil {
			if ctx.Err() == nil {
				x.b.Error(err)
			}
			return
		}
		head = c.Size
		x.count(head)
	}
}

func (x *load) attested(ctx context.Context, c ledger.Checkpoint, signed []byte, head int64) error {
	var proof tlog.TreeProof
	var err error
	if head > 0 {
		if proof, err = x.log.ProveTree(c.Size, head); err != nil {
			return err
		}
	}
	if _, err := x.chain.Anchor(ctx, c.Origin, sequencer.Submission{Note: signed, Proof: proof}); err != nil {
		return err
	}
	a, err := x.chain.Attest(ctx, c.Origin, c.Size)
	if err != nil {
		return err
	}
	_, err = ledger.VerifyAttestation(a, c, x.policy)
	return err
}

// count takes the samples below an attested size. It alone takes any, so the first stays the first while it waits.
func (x *load) count(size int64) {
	now := time.Now()
	for {
		x.mu.Lock()
		if len(x.waiting) == 0 {
			x.mu.Unlock()
			return
		}
		first := x.waiting[0]
		x.mu.Unlock()
		index, err := first.pending.Wait(x.b.Context())
		if err != nil {
			x.b.Error(err)
			return
		}
		if index >= size {
			return
		}
		x.mu.Lock()
		x.took, x.waiting = append(x.took, now.Sub(first.at)), x.waiting[1:]
		x.mu.Unlock()
	}
}

// await waits until every sample has its receipt.
func (x *load) await() {
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(10 * time.Millisecond) {
		x.mu.Lock()
		left := len(x.waiting)
		x.mu.Unlock()
		if left == 0 && len(x.took) > 0 {
			return
		}
		if time.Now().After(deadline) {
			x.b.Fatalf("%d samples have no receipt after a minute", left)
		}
	}
}
