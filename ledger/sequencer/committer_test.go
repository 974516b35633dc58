package sequencer_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"plinth/ledger/sequencer"
)

// startCommitter runs a committer until the test ends.
func startCommitter(t testing.TB, l *sequencer.Log, c sequencer.CommitConfig) *sequencer.Committer {
	t.Helper()
	w := sequencer.NewCommitter(l, c)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- w.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		<-done
	})
	return w
}

// TestEveryAcknowledgedEntryIsWhereItsFutureSays submits from many goroutines and looks for each entry on the disk, by
// opening the files anew.
func TestEveryAcknowledgedEntryIsWhereItsFutureSays(t *testing.T) {
	dir, skey := t.TempDir(), signerKey(t)
	l := openLog(t, dir, skey)
	w := startCommitter(t, l, sequencer.CommitConfig{Entries: 100, Bytes: 4000})
	var mu sync.Mutex
	told := map[int64]string{}
	var group sync.WaitGroup
	for i := range 20 {
		group.Go(func() {
			for j := range 50 {
				entry := fmt.Sprintf("%d of %d", j, i)
				p, err := w.Submit(t.Context(), []byte(entry))
				if err != nil {
					t.Error(err)
					return
				}
				index, err := p.Wait(t.Context())
				if err != nil {
					t.Error(err)
					return
				}
				if c, _ := l.Checkpoint(); c.Size <= index {
					t.Errorf("told of %d under a checkpoint of size %d", index, c.Size)
				}
				mu.Lock()
				if old, ok := told[index]; ok {
					t.Errorf("%q and %q have one place", old, entry)
				}
				told[index] = entry
				mu.Unlock()
			}
		})
	}
	group.Wait()
	l.Close()
	l = openLog(t, dir, skey)
	for index, entry := range told {
		if got, err := l.Entry(index); err != nil || string(got) != entry {
			t.Errorf("entry %d: got %q, %v, want %q", index, got, err, entry)
		}
	}
	if c, _ := l.Checkpoint(); len(told) != 1000 || c.Size != 1000 {
		t.Errorf("%d were told, the log has %d", len(told), c.Size)
	}
}

// TestNothingIsAcknowledgedBeforeItsCheckpoint stops the log between sync and signature and looks at the futures.
func TestNothingIsAcknowledgedBeforeItsCheckpoint(t *testing.T) {
	l := openLog(t, t.TempDir(), signerKey(t))
	at, goOn := make(chan string), make(chan bool)
	l.SetFault(func(step string) error {
		at <- step
		<-goOn
		return nil
	})
	w := startCommitter(t, l, sequencer.CommitConfig{})
	p, err := w.Submit(t.Context(), []byte("entry"))
	if err != nil {
		t.Fatal(err)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	for step := ""; step != "end"; goOn <- true {
		step = <-at
		if _, err := p.Wait(ended); !errors.Is(err, context.Canceled) {
			t.Errorf("at %q: got %v, want no answer yet", step, err)
		}
	}
	if index, err := p.Wait(t.Context()); index != 0 || err != nil {
		t.Errorf("got %d, %v", index, err)
	}
}

func TestBatchThatTheDiskRefusesIsRefusedAndTheNextIsTaken(t *testing.T) {
	l := openLog(t, t.TempDir(), signerKey(t))
	var broken atomic.Bool
	broken.Store(true)
	l.SetFault(func(step string) error {
		if broken.Load() && step == "synced" {
			return errors.New("input/output error")
		}
		return nil
	})
	w := startCommitter(t, l, sequencer.CommitConfig{})
	if index, err := submit(t, w, "lost"); err == nil {
		t.Errorf("acknowledged at %d", index)
	}
	broken.Store(false)
	if index, err := submit(t, w, "kept"); err != nil || index != 0 {
		t.Errorf("got %d, %v, want the place of the one that was refused", index, err)
	}
}

func submit(t testing.TB, w *sequencer.Committer, entry string) (int64, error) {
	t.Helper()
	p, err := w.Submit(t.Context(), []byte(entry))
	if err != nil {
		return 0, err
	}
	return p.Wait(t.Context())
}

// TestFullDiskHoldsAtTheFloorAndGoesOnAbove lets the disk run full below a committer and makes room again.
func TestFullDiskHoldsAtTheFloorAndGoesOnAbove(t *testing.T) {
	c := config(t.TempDir(), signerKey(t))
	c.MinFree = 1 << 20
	l, err := sequencer.OpenLog(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	var free atomic.Uint64
	l.SetFree(func() (uint64, error) { return free.Load(), nil })
	w := startCommitter(t, l, sequencer.CommitConfig{})
	free.Store(1 << 20)
	if index, err := submit(t, w, "at the floor"); err != nil || index != 0 {
		t.Errorf("got %d, %v", index, err)
	}
	free.Store(1<<20 - 1)
	if _, err := submit(t, w, "below it"); err == nil || !bytes.Contains([]byte(err.Error()), []byte("floor")) {
		t.Errorf("got %v", err)
	}
	if b, err := l.Entry(0); err != nil || string(b) != "at the floor" {
		t.Errorf("a full disk's log is not read: %q, %v", b, err)
	}
	free.Store(1 << 30)
	if index, err := submit(t, w, "after it"); err != nil || index != 1 {
		t.Errorf("got %d, %v", index, err)
	}
}

// TestSubmitIsHeldBackWhenTooMuchWaits blocks the disk and counts what gets in.
func TestSubmitIsHeldBackWhenTooMuchWaits(t *testing.T) {
	l := openLog(t, t.TempDir(), signerKey(t))
	blocked := make(chan bool)
	l.SetFault(func(step string) error {
		if step == "synced" {
			<-blocked
		}
		return nil
	})
	w := startCommitter(t, l, sequencer.CommitConfig{Bytes: 10 * 102})
	entry := make([]byte, 100)
	var futures []sequencer.Pending
	for range 10 {
		p, err := w.Submit(t.Context(), entry)
		if err != nil {
			t.Fatal(err)
		}
		futures = append(futures, p)
	}
	short, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := w.Submit(short, entry); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("one more got in: %v", err)
	}
	close(blocked)
	if _, err := submit(t, w, "room again"); err != nil {
		t.Error(err)
	}
	for _, p := range futures {
		if _, err := p.Wait(t.Context()); err != nil {
			t.Error(err)
		}
	}
}

func TestCommitterThatEndsRefusesWhatWaits(t *testing.T) {
	l := openLog(t, t.TempDir(), signerKey(t))
	w := sequencer.NewCommitter(l, sequencer.CommitConfig{})
	p, err := w.Submit(t.Context(), []byte("waits"))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	w.Run(ctx)
	if _, err := p.Wait(t.Context()); err == nil {
		if c, _ := l.Checkpoint(); c.Size != 1 {
			t.Error("acknowledged and not there")
		}
	}
	if _, err := w.Submit(t.Context(), []byte("late")); err == nil {
		t.Error("taken after the end")
	}
	if _, err := w.Submit(t.Context(), make([]byte, 257)); err == nil {
		t.Error("an entry that is too long was taken")
	}
}

// BenchmarkSubmit submits entries of 256 B from two goroutines and waits for the acknowledgement of every single one:
// synced, read back, signed. It is measured by time: go test -bench Submit -benchtime 60s.
func BenchmarkSubmit(b *testing.B) {
	for _, kind := range []string{"sha256", "twin"} {
		b.Run(kind, func(b *testing.B) {
			c := config(b.TempDir(), signerKey(b))
			if kind == "twin" {
				c.Twin = []sequencer.SigningKey{{Key: twinKey(b)}}
			}
			l, err := sequencer.OpenLog(c)
			if err != nil {
				b.Fatal(err)
			}
			b.Cleanup(func() { l.Close() })
			w := startCommitter(b, l, sequencer.CommitConfig{})
			b.SetBytes(256)
			b.ResetTimer()
			b.SetParallelism(1)
			futures := make(chan sequencer.Pending, 1<<16)
			acknowledged := make(chan int64)
			go acknowledge(b, futures, acknowledged)
			began := cpuTime(b)
			submitMany(b, w, futures)
			close(futures)
			if n := <-acknowledged; n != int64(b.N) {
				b.Fatalf("%d of %d were acknowledged", n, b.N)
			}
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "appends/s")
			b.ReportMetric(float64(cpuTime(b)-began)/float64(b.N), "cpu-ns/append")
		})
	}
}

// cpuTime returns the nanoseconds of processor time that this process has used.
func cpuTime(b *testing.B) int64 {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return u.Utime.Nano() + u.Stime.Nano()
}

func submitMany(b *testing.B, w *sequencer.Committer, futures chan<- sequencer.Pending) {
	var next atomic.Int64
	b.RunParallel(func(pb *testing.PB) {
		entry := make([]byte, 256)
		for pb.Next() {
			binary.BigEndian.PutUint64(entry, uint64(next.Add(1)))
			p, err := w.Submit(context.Background(), entry)
			if err != nil {
				b.Error(err)
				return
			}
			futures <- p
		}
	})
}

func acknowledge(b *testing.B, futures <-chan sequencer.Pending, acknowledged chan<- int64) {
	var n int64
	for p := range futures {
		if _, err := p.Wait(context.Background()); err != nil {
			b.Error(err)
		}
		n++
	}
	acknowledged <- n
}
