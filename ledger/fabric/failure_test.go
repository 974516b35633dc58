package fabric_test

import (
	"context"
	"errors"
	"log/slog"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"plinth"
	"plinth/internal/stack"
	"plinth/internal/stack/stacktest"
	"plinth/ledger"
	"plinth/ledger/fabric"
)

// A caller who goes away in the middle must be able to find out what became of the transaction.
func TestOutcomeOfAnInterruptedAnchorIsFoundByReading(t *testing.T) {
	patient, hasty := open(t, fabricConfig), open(t, fabric.Config{Settle: time.Millisecond, Commit: 15 * time.Second})
	l := newLog(t).register(patient)
	if _, err := hasty.Height(t.Context()); err != nil { // so that the interruption does not hit the first dial
		t.Fatal(err)
	}
	var unknown int
	for range 12 {
		from := l.size
		l.grow(1, "leaf")
		ctx, cancel := context.WithTimeout(t.Context(), 70*time.Millisecond) // less than the orderer's batch timeout
		_, _, err := l.anchor(ctx, hasty, from)
		cancel()
		switch {
		case errors.Is(err, ledger.ErrUnknownOutcome):
			unknown++
		case err != nil && !errors.Is(err, plinth.ErrUnavailable):
			t.Fatalf("got %v, want success, unknown or unavailable", err)
		}
		l.mustAnchor(patient, from) // whatever became of it, anchoring again tells
	}
	if unknown == 0 {
		t.Error("no outcome was unknown: the test proves nothing")
	}
	size, root, err := patient.Head(t.Context(), l.origin)
	if err != nil || size != l.size || root != l.root() {
		t.Errorf("head %d, %v; want %d", size, err, l.size)
	}
}

// With time to settle, the same interruption is no unknown at all.
func TestInterruptedAnchorSettlesByItself(t *testing.T) {
	c := open(t, fabricConfig)
	l := newLog(t).register(c).grow(3, "leaf")
	ctx, cancel := context.WithTimeout(t.Context(), 90*time.Millisecond)
	defer cancel()
	_, _, err := l.anchor(ctx, c, 0)
	if err != nil && !errors.Is(err, plinth.ErrUnavailable) { // the time may be over before anything is sent
		t.Errorf("got %v, want the outcome, known by reading a little longer", err)
	}
}

func TestClientRecoversFromAKilledProcess(t *testing.T) {
	n := stacktest.FabricNetwork(t)
	c := open(t, fabric.Config{Patience: time.Second, Commit: 3 * time.Second})
	l := newLog(t).register(c).grow(1, "leaf")
	l.mustAnchor(c, 0)
	for _, victims := range [][]string{{"peer-bureau"}, {"peer-overseer"}, {"orderer"}, {"chaincode-overseer"}, {"chaincode-bureau"},
		{"orderer", "peer-bureau", "peer-overseer", "chaincode-overseer", "chaincode-bureau"}} {
		t.Run(strings.Join(victims, "+"), func(t *testing.T) {
			kill(t, n, victims...)
			from := l.size
			l.grow(1, "leaf")
			eventually(t, 60*time.Second, func() error {
				_, _, err := l.anchor(t.Context(), c, from)
				if err != nil && !errors.Is(err, plinth.ErrUnavailable) && !errors.Is(err, ledger.ErrUnknownOutcome) {
					t.Fatalf("got %v; an engine that is away is unavailable, or its outcome unknown", err)
				}
				return err
			})
			of := ledger.Checkpoint{Origin: l.origin, Size: l.size, Root: l.root()}
			a, err := c.Attest(t.Context(), l.origin, l.size)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := ledger.VerifyAttestation(a, of, trust(t)); err != nil {
				t.Fatal(err)
			}
		})
	}
}

// A peer that hangs is worse than one that is dead: its connections stay open and say nothing.
func TestAHangingPeerCostsNoMoreThanPatience(t *testing.T) {
	n := stacktest.FabricNetwork(t)
	c := open(t, fabric.Config{Patience: time.Second})
	l := newLog(t).register(c).grow(3, "leaf")
	pid := n.Runner("peer-overseer").PID()
	if err := syscall.Kill(pid, syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	resume := sync.OnceFunc(func() { _ = syscall.Kill(pid, syscall.SIGCONT) })
	defer resume()
	begun := time.Now()
	if _, _, err := l.anchor(t.Context(), c, 0); !errors.Is(err, plinth.ErrUnavailable) {
		t.Errorf("got %v, want unavailable", err)
	}
	if took := time.Since(begun); took > 5*time.Second {
		t.Errorf("it took %v to say so", took)
	}
	time.AfterFunc(time.Second, resume)
	eventually(t, 20*time.Second, func() error { _, _, err := l.anchor(t.Context(), c, 0); return err })
}

// kill ends processes as a crash would, and waits until the supervisor has seen it.
func kill(t *testing.T, n *stack.FabricNetwork, names ...string) {
	t.Helper()
	before := map[string]int{}
	for _, name := range names {
		before[name] = n.Runner(name).Restarts()
		if err := syscall.Kill(n.Runner(name).PID(), syscall.SIGKILL); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
	}
	eventually(t, 10*time.Second, func() error {
		for _, name := range names {
			if n.Runner(name).Restarts() == before[name] {
				return errors.New(name + " is still thought to run")
			}
		}
		return nil
	})
}

func TestOpenNeedsNoNetworkYet(t *testing.T) {
	stacktest.FabricNetwork(t)
	dir := filepath.Join(t.TempDir(), "net")
	n, err := stack.StartFabric(t.Context(), dir, stack.FabricConfig{}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	l := newLog(t).grow(3, "leaf")
	config := fabric.Config{Network: n.Description}
	first, err := fabric.Open(config, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	l.register(first).mustAnchor(first, 0)
	first.Close()
	n.Stop()

	c, err := fabric.Open(config, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatalf("open while the network is down: %v", err)
	}
	defer c.Close()
	if _, err := c.Height(t.Context()); !errors.Is(err, plinth.ErrUnavailable) {
		t.Errorf("height of a stopped network: %v, want unavailable", err)
	}
	begun := time.Now()
	n, err = stack.StartFabric(t.Context(), dir, stack.FabricConfig{}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer n.Stop()
	t.Logf("warm start took %v", time.Since(begun))
	eventually(t, 30*time.Second, func() error {
		size, root, err := c.Head(t.Context(), l.origin)
		if err == nil && (size != l.size || root != l.root()) {
			t.Fatalf("head after the restart: size %d, want %d", size, l.size)
		}
		return err
	})
	l.grow(2, "leaf")
	eventually(t, 30*time.Second, func() error { _, _, err := l.anchor(t.Context(), c, 3); return err })
	t.Logf("first anchor after %v", time.Since(begun))
}

// The same for a step: put again, it is there once, whatever became of it before.
func TestOutcomeOfAnInterruptedStepIsFoundByPuttingItAgain(t *testing.T) {
	patient, hasty := open(t, fabricConfig), open(t, fabric.Config{Settle: time.Millisecond, Commit: 15 * time.Second})
	f := newFile(newLog(t).register(patient)).mustPut(patient, "request.created", "request.approved", "grant.created")
	if _, err := hasty.Height(t.Context()); err != nil {
		t.Fatal(err)
	}
	var unknown int
	for range 12 {
		s := f.next("decision.permit")
		ctx, cancel := context.WithTimeout(t.Context(), 70*time.Millisecond)
		_, err := hasty.PutStep(ctx, s)
		cancel()
		switch {
		case errors.Is(err, ledger.ErrUnknownOutcome):
			unknown++
		case err != nil && !errors.Is(err, plinth.ErrUnavailable):
			t.Fatalf("got %v, want success, unknown or unavailable", err)
		}
		if _, err := patient.PutStep(t.Context(), s); err != nil {
			t.Fatalf("put again: %v", err)
		}
		f.seq, f.digest = s.Seq, f.digest.Add(s)
	}
	if unknown == 0 {
		t.Error("no outcome was unknown: the test proves nothing")
	}
	attestation, err := patient.AttestCase(t.Context(), f.tag)
	if err != nil {
		t.Fatal(err)
	}
	got, _, err := ledger.VerifyCaseAttestation(attestation, trust(t))
	if err != nil || got.Count != f.seq || got.Digest != f.digest {
		t.Errorf("attested %+v, %v; want %d steps, each once", got, err, f.seq)
	}
}
