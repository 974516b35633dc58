package pipelines

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"plinth"
	"plinth/internal/periodic"
	"plinth/sensors"
)

// ReplayRows reads stored readings, each once.
type ReplayRows interface {
	// Before returns the newest n of each series of the devices before a moment and not before since, in order of time.
	Before(ctx context.Context, ds []plinth.DeviceID, since, at time.Time, n int) ([]sensors.Reading, error)
	// Following returns at most limit readings of the devices that come after one and before a moment, in order of time,
	// sequence, device and metric.
	Following(ctx context.Context, ds []plinth.DeviceID, after sensors.Reading, to time.Time, limit int) ([]sensors.Reading, error)
}

// Shadow keeps what replays come to. An insert is durable when it returns, and harmless when repeated.
type Shadow interface {
	InsertShadow(ctx context.Context, replay string, rs []ShadowRow) error
	InsertShadowLetters(ctx context.Context, replay string, ls []ShadowLetter) error
	// Compare sums up what came out otherwise.
	Compare(ctx context.Context, replay string) ([]Difference, error)
	DropShadow(ctx context.Context, replay string) error
}

// ShadowRow is a reading as it would be.
type ShadowRow struct {
	sensors.Reading
	Was    sensors.Flags // of the stored row
	Came   string        // RowSame, RowFlags, RowGone, RowAdded or RowValue
	Reason string        // of one that is gone
}

// What became of a row.
const (
	RowSame  = "same"
	RowFlags = "flags" // flagged otherwise
	RowGone  = "gone"  // a present check refuses it
	RowAdded = "added" // a dead letter is mended
	RowValue = "value" // a mended dead letter says another value
)

// ShadowLetter is what became of a dead letter.
type ShadowLetter struct {
	ID, Came      string // LetterMended or LetterAgain
	Field, Reason string // of one that is refused again
	Rows          int64
}

// What became of a letter.
const (
	LetterMended = "mended"
	LetterAgain  = "again"
)

// Bounds of the work in hand, so that memory does not grow with the period.
const (
	replayPage    = 10_000 // rows read at once
	replayGroup   = 20     // devices read at once; twins are never parted
	replayLetters = 200
	replayWarm    = 64 // readings of a series before the period, from which its state is learnt
	replayWarmth  = 7 * 24 * time.Hour
	replayBeat    = 3 * time.Second
	replaySilence = 30 * time.Second // after which an instance is taken to have stopped
	replayLook    = 10 * time.Second
)

// Run works until ctx ends. It also ends what an instance that stopped left running, and takes up what was decided.
func (d *ReplayDesk) Run(ctx context.Context) error {
	var g errgroup.Group
	g.SetLimit(maxReplays)
	var mending sync.WaitGroup
	mending.Go(func() { _ = periodic.AtOnce(replayLook).Try(ctx, d.Log, "replays not looked after", d.Mend) })
	defer mending.Wait()
	for {
		select {
		case <-ctx.Done():
			return g.Wait()
		case r := <-d.queue():
			g.Go(func() error { d.Work(ctx, r); return nil })
		}
	}
}

// Mend ends or takes up the replays whose instance has been silent for long.
func (d *ReplayDesk) Mend(ctx context.Context) error {
	silent, err := d.Store.SilentReplays(ctx, d.Now().Add(-replaySilence))
	if err != nil {
		return err
	}
	for _, r := range silent {
		if r.State == ReplayApplying {
			err = d.give(ctx, r)
		} else {
			err = d.end(ctx, r, ReplayInterrupted, "the service stopped; start it again")
		}
		if err != nil && !errors.Is(err, plinth.ErrConflict) {
			return err
		}
	}
	return nil
}

// Work does one replay, or applies it, to its end.
func (d *ReplayDesk) Work(ctx context.Context, r Replay) {
	alive, stop := context.WithCancel(ctx)
	t := &trial{ReplayDesk: d, r: r}
	var beats sync.WaitGroup
	beats.Go(func() { t.beat(alive, stop) })
	err := t.do(alive)
	lost := alive.Err() != nil && ctx.Err() == nil // someone cancelled it
	stop()
	beats.Wait()
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	r = t.state()
	switch {
	case lost:
		err = d.Shadow.DropShadow(last, r.ID)
	case r.State == ReplayApplying && err == nil:
		err = d.end(last, r, ReplayApplied, "")
	case r.State == ReplayApplying: // decided: Mend takes it up again
	case err == nil:
		err = d.end(last, r, ReplayDone, "")
	case ctx.Err() != nil:
		err = d.end(last, r, ReplayInterrupted, "the service stopped; start it again")
	default:
		err = errors.Join(err, d.end(last, r, ReplayFailed, err.Error()))
	}
	if err != nil {
		d.Log.WarnContext(ctx, "replay not finished", "replay", r.ID, "state", r.State, "err", err)
	}
}

// end writes r's last state over the one that it has.
func (d *ReplayDesk) end(ctx context.Context, r Replay, state ReplayState, why string) error {
	was := r.State
	if r.State, r.Error = state, why; was == ReplayRunning {
		r.Ended = d.Now().UTC().Truncate(time.Millisecond)
	}
	return d.Store.SaveReplay(ctx, r, d.Now(), nil, was)
}

// trial is a replay at work.
type trial struct {
	*ReplayDesk
	chosen map[plinth.DeviceID]bool
	rules  *Rules
	at     time.Time // of the reading that is judged
	watch  *sensors.Watch
	rows   []ShadowRow // not yet written

	mu sync.Mutex
	r  Replay
}

func (t *trial) state() Replay {
	t.mu.Lock()
	defer t.mu.Unlock()
	r := t.r
	if r.Applied != nil {
		a := *r.Applied
		r.Applied = &a
	}
	return r
}

func (t *trial) change(f func(r *Replay)) {
	t.mu.Lock()
	defer t.mu.Unlock()
	f(&t.r)
}

// beat saves the progress, so that others see it and know that the instance lives. It stops the work when the replay is
// no longer its own.
func (t *trial) beat(ctx context.Context, stop func()) {
	log := t.Log.With("replay", t.r.ID)
	_ = periodic.AtOnce(replayBeat).Try(ctx, log, "progress of a replay not saved", func(ctx context.Context) error {
		r := t.state()
		err := t.Store.SaveReplay(ctx, r, t.Now(), nil, r.State)
		if errors.Is(err, plinth.ErrConflict) {
			stop()
		}
		return err
	})
}

func (t *trial) do(ctx context.Context) error {
	if t.r.State == ReplayApplying {
		return t.apply(ctx)
	}
	if err := t.run(ctx); err != nil {
		return err
	}
	ds, err := t.Shadow.Compare(ctx, t.r.ID)
	t.change(func(r *Replay) { r.Differences = ds })
	return err
}

func (t *trial) run(ctx context.Context) error {
	var err error
	if t.chosen, err = t.ReplayDesk.chosen(t.r.Pipeline, t.r.Devices); err != nil {
		return err
	}
	p, err := t.Board.Get(ctx, t.r.Pipeline)
	if err != nil {
		return err
	}
	if t.rules, err = compileRules(p.Checks, p.Sink); err != nil {
		return err
	}
	for _, group := range t.groups() {
		if err := t.group(ctx, group); err != nil {
			return err
		}
	}
	if err := t.flush(ctx); err != nil {
		return err
	}
	if err := t.letters(ctx); err != nil {
		return err
	}
	return t.flush(ctx)
}

// groups are the devices in portions. Twins are together, those that were not chosen too, since they are judged by each
// other.
func (t *trial) groups() [][]*sensors.Device {
	twins := map[string]bool{}
	for id := range t.chosen {
		if d := t.Registry.Device(id); d != nil && d.Twins != "" {
			twins[d.Twins] = true
		}
	}
	all := t.Registry.Devices(sensors.Filter{Kind: t.r.Pipeline}, func(d *sensors.Device) bool { return t.chosen[d.ID] || twins[d.Twins] })
	slices.SortStableFunc(all, func(a, b *sensors.Device) int { return cmp.Compare(a.Twins, b.Twins) })
	var out [][]*sensors.Device
	for from := 0; from < len(all); {
		to := min(from+replayGroup, len(all))
		for to < len(all) && all[to].Twins != "" && all[to].Twins == all[to-1].Twins {
			to++
		}
		out = append(out, all[from:to])
		from = to
	}
	return out
}

// group replays the rows of a few devices in order of time.
func (t *trial) group(ctx context.Context, group []*sensors.Device) error {
	devices, ids := map[plinth.DeviceID]*sensors.Device{}, []plinth.DeviceID(nil)
	for _, d := range group {
		now := *d
		now.Life = sensors.Active // that it is retired today says nothing of its rows
		devices[d.ID], ids = &now, append(ids, d.ID)
	}
	t.watch = sensors.NewWatch(func() time.Time { return t.at })
	warm, err := t.Rows.Before(ctx, ids, t.r.From.Add(-replayWarmth), t.r.From, replayWarm)
	if err != nil {
		return err
	}
	for i := range warm {
		t.judge(devices[warm[i].Device], &warm[i])
	}
	after := sensors.Reading{At: t.r.From}
	for {
		page, err := t.Rows.Following(ctx, ids, after, t.r.To, replayPage)
		if err != nil {
			return err
		}
		if err := t.take(ctx, devices, page); err != nil {
			return err
		}
		if len(page) < replayPage {
			break
		}
		after = page[len(page)-1]
	}
	t.change(func(r *Replay) {
		for _, d := range group {
			if t.chosen[d.ID] {
				r.Done++
			}
		}
	})
	return nil
}

func (t *trial) take(ctx context.Context, devices map[plinth.DeviceID]*sensors.Device, page []sensors.Reading) error {
	for i := range page {
		row := t.judge(devices[page[i].Device], &page[i])
		if t.chosen[row.Device] {
			t.rows = append(t.rows, row)
		}
	}
	t.change(func(r *Replay) { r.Rows += int64(len(page)) })
	if len(t.rows) < 2*replayPage {
		return nil
	}
	return t.flush(ctx)
}

func (t *trial) flush(ctx context.Context) error {
	if len(t.rows) == 0 {
		return nil
	}
	err := t.Shadow.InsertShadow(ctx, t.r.ID, t.rows)
	t.rows = t.rows[:0]
	return err
}

// ofArrival are the flags that say how a row came. What is stored does not tell that again, so they stay.
const ofArrival = sensors.Late | sensors.Clock | sensors.Replay

// judge is what the present code makes of a stored row. A row that was late, or whose clock was wrong, is judged by its
// value alone and leaves its series as it is, as when it came.
func (t *trial) judge(d *sensors.Device, r *sensors.Reading) ShadowRow {
	out := ShadowRow{Reading: *r, Was: r.Flags, Came: RowSame}
	f := sensors.Check(d, *r)
	if f == nil {
		f = t.rules.Reading(d, r)
	}
	if f != nil {
		out.Flags |= sensors.Refused
		if out.Came = RowGone; out.Was&sensors.Refused != 0 {
			out.Came = RowSame
		}
		out.Reason = clip(f.Reason, 1000)
		return out
	}
	out.Flags = r.Flags&ofArrival | t.flags(d, r)
	if out.Flags != out.Was {
		out.Came = RowFlags
	}
	return out
}

func (t *trial) flags(d *sensors.Device, r *sensors.Reading) sensors.Flags {
	t.at = r.At
	one, watch := []sensors.Reading{*r}, t.watch
	if r.Flags&(sensors.Late|sensors.Clock) != 0 {
		watch = sensors.NewWatch(func() time.Time { return r.At })
	}
	watch.Judge(d, one)
	return one[0].Flags
}
