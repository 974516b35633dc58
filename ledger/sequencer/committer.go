package sequencer

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"sync"
	"time"

	"plinth/ledger"
)

// CommitConfig shapes a Committer. Zero values are replaced by their defaults.
type CommitConfig struct {
	Entries int           // most entries under one checkpoint; default 16384
	Bytes   int           // most bytes that wait or are being written, entries and their lengths; default 32 MiB
	Linger  time.Duration // how long the first entry of a batch waits for others; default 2 ms
}

func (c CommitConfig) withDefaults() CommitConfig {
	if c.Entries == 0 {
		c.Entries = 16384
	}
	if c.Bytes == 0 {
		c.Bytes = 32 << 20
	}
	if c.Linger == 0 {
		c.Linger = 2 * time.Millisecond
	}
	return c
}

// Committer gives every entry an acknowledgement of its own for the price of a batch's: entries that arrive while one
// batch is being written make up the next. One goroutine, Run, appends; any number submit. What waits is bounded: who
// submits faster than the disk takes is held back.
type Committer struct {
	log *Log
	cfg CommitConfig

	mu     sync.Mutex
	open   *group        // takes entries; never nil
	bytes  int           // of open and of the group being written
	room   chan struct{} // closed when bytes has fallen
	filled chan struct{} // holds a token when open has entries
	ended  error         // why nothing is taken any more
}

// group is the entries of one batch, kept as one piece of memory in bundle form.
type group struct {
	bundle []byte
	count  int
	full   chan struct{} // closed when no more are to be waited for
	done   chan struct{} // closed when first and err are set
	first  int64
	err    error
}

func newGroup(bundle []byte) *group {
	return &group{bundle: bundle[:0], full: make(chan struct{}), done: make(chan struct{})}
}

// Pending is the future of one submitted entry.
type Pending struct {
	group *group
	at    int
}

// Wait returns the entry's index once it is durable: synced, read back from the disk, and under a signed checkpoint
// that is durable too. An error means that the entry is not in the log, except when ctx ended, which tells nothing.
func (p Pending) Wait(ctx context.Context) (int64, error) {
	select {
	case <-p.group.done:
		return p.group.first + int64(p.at), p.group.err
	case <-ctx.Done():
		return 0, fmt.Errorf("wait for the log: %w", ctx.Err())
	}
}

// NewCommitter returns a Committer of a log to which nobody else appends.
func NewCommitter(l *Log, c CommitConfig) *Committer {
	return &Committer{log: l, cfg: c.withDefaults(), open: newGroup(nil), room: make(chan struct{}),
		filled: make(chan struct{}, 1)}
}

// Submit takes a copy of an entry and returns its future. It waits while too much is waiting already.
func (c *Committer) Submit(ctx context.Context, entry []byte) (Pending, error) {
	if len(entry) > ledger.MaxEntry {
		return Pending{}, fmt.Errorf("the entry has %d bytes, at most %d are allowed", len(entry), ledger.MaxEntry)
	}
	for {
		p, room, err := c.take(entry)
		if room == nil || err != nil {
			return p, err
		}
		select {
		case <-room:
		case <-ctx.Done():
			return Pending{}, fmt.Errorf("submit to the log: %w", ctx.Err())
		}
	}
}

// take puts the entry into the open group, or returns the channel that tells when there may be room for it.
func (c *Committer) take(entry []byte) (p Pending, room <-chan struct{}, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	size := 2 + len(entry)
	if c.ended != nil {
		return Pending{}, nil, c.ended
	}
	if c.bytes+size > c.cfg.Bytes && c.bytes > 0 || c.open.count == c.cfg.Entries {
		return Pending{}, c.room, nil
	}
	g := c.open
	p = Pending{group: g, at: g.count}
	g.bundle = append(binary.BigEndian.AppendUint16(g.bundle, uint16(len(entry))), entry...)
	c.bytes += size
	if g.count++; g.count == 1 {
		c.filled <- struct{}{}
	}
	if g.count == c.cfg.Entries {
		close(g.full)
	}
	return p, nil, nil
}

var errCommitterEnded = errors.New("the log takes no more entries")

// Run appends what is submitted until ctx ends or the log is damaged. What waits then is refused. A batch that the log
// could not take is refused, and the next is tried.
func (c *Committer) Run(ctx context.Context) error {
	var spare []byte // the memory of the group before, used again
	for {
		select {
		case <-ctx.Done():
			return c.end(fmt.Errorf("%w: %w", errCommitterEnded, ctx.Err()), nil)
		case <-c.filled:
		}
		g := c.close(ctx, spare)
		c.commit(g)
		spare = g.bundle
		if errors.Is(g.err, ErrDamaged) {
			return c.end(g.err, g.err)
		}
	}
}

// close waits for more entries, at most as long as configured, and puts an empty group in the place of the open one.
func (c *Committer) close(ctx context.Context, spare []byte) *group {
	c.mu.Lock()
	full := c.open.full
	c.mu.Unlock()
	timer := time.NewTimer(c.cfg.Linger)
	defer timer.Stop()
	select {
	case <-full:
	case <-timer.C:
	case <-ctx.Done():
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	g := c.open
	c.open = newGroup(spare)
	c.release(0)
	return g
}

// commit appends a group and tells everyone who waits for it.
func (c *Committer) commit(g *group) {
	entries, err := splitBundle(g.bundle)
	if err == nil {
		g.first = c.log.size()
		_, err = c.log.Append(entries)
	}
	g.err = err
	close(g.done)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.release(len(g.bundle))
}

// release lets those go on who wait for room. It is called with mu held.
func (c *Committer) release(bytes int) {
	c.bytes -= bytes
	close(c.room)
	c.room = make(chan struct{})
}

// end refuses what waits and everything that comes.
func (c *Committer) end(why, result error) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ended = why
	c.open.err = why
	close(c.open.done)
	c.release(len(c.open.bundle))
	return result
}
