// Command tessera is the peer that our log is measured against: Tessera's POSIX log, fed by many workers, each of which
// waits until its entry is under a published checkpoint before it brings the next. It has a module of its own, so that
// nothing of it becomes a dependency of ours.
//
// It prints one line of JSON: entries whose publication their worker has seen, seconds, and seconds of processor time.
package main

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"flag"
	"fmt"
	"log"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/transparency-dev/tessera"
	"github.com/transparency-dev/tessera/storage/posix"
	"golang.org/x/mod/sumdb/note"
)

var (
	dir     = flag.String("dir", "", "an empty folder for the log")
	lasting = flag.Duration("for", 20*time.Second, "how long to append")
	workers = flag.Int("workers", 16384, "entries under way at a time")
	size    = flag.Int("size", 256, "bytes of an entry")
)

// result is the printed line.
type result struct {
	Entries    int64   `json:"entries"`
	Seconds    float64 `json:"seconds"`
	CPUSeconds float64 `json:"cpuSeconds"`
}

func main() {
	flag.Parse()
	if err := run(context.Background()); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context) error {
	skey, _, err := note.GenerateKey(rand.Reader, "bench/tessera")
	if err != nil {
		return err
	}
	signer, err := note.NewSigner(skey)
	if err != nil {
		return err
	}
	driver, err := posix.New(ctx, posix.Config{Path: *dir})
	if err != nil {
		return err
	}
	// The settings that served Tessera best here: its default batch is 256.
	options := tessera.NewAppendOptions().WithCheckpointSigner(signer).WithBatching(4096, 250*time.Millisecond).
		WithCheckpointInterval(time.Second).WithPushback(uint(2 * *workers))
	appender, shutdown, reader, err := tessera.NewAppender(ctx, driver, options)
	if err != nil {
		return err
	}
	awaiter := tessera.NewPublicationAwaiter(ctx, reader.ReadCheckpoint, 50*time.Millisecond)
	r, err := load(ctx, appender, awaiter)
	if err != nil {
		return err
	}
	if err := json.NewEncoder(os.Stdout).Encode(r); err != nil {
		return err
	}
	return shutdown(ctx)
}

// load appends from all workers for the time, and counts what was seen published within it.
func load(ctx context.Context, to *tessera.Appender, until *tessera.PublicationAwaiter) (result, error) {
	var published atomic.Int64
	var fault atomic.Pointer[error]
	var all sync.WaitGroup
	began, cpu := time.Now(), cpuSeconds()
	end := began.Add(*lasting)
	for w := range *workers {
		all.Go(func() {
			for n := 0; time.Now().Before(end) && fault.Load() == nil; n++ {
				if _, _, err := until.Await(ctx, to.Add(ctx, tessera.NewEntry(entry(w, n)))); err != nil {
					fault.Store(&err)
				} else if time.Now().Before(end) {
					published.Add(1)
				}
			}
		})
	}
	time.Sleep(time.Until(end))
	r := result{Entries: published.Load(), Seconds: time.Since(began).Seconds(), CPUSeconds: cpuSeconds() - cpu}
	all.Wait()
	if err := fault.Load(); err != nil {
		return r, *err
	}
	return r, nil
}

func entry(worker, n int) []byte {
	b := make([]byte, *size)
	copy(b, fmt.Sprintf("%d/%d", worker, n))
	return b
}

func cpuSeconds() float64 {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u) // it cannot fail for ourselves
	return time.Duration(u.Utime.Nano() + u.Stime.Nano()).Seconds()
}
