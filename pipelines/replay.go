package pipelines

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"

	"plinth"
	"plinth/ledger"
	"plinth/sensors"
)

// Replay sends a stream's stored rows and open dead letters of a period through its present checks and flags, beside the
// real rows, and says what would be otherwise. It reads what is stored: the messages themselves are not kept.
type Replay struct {
	ID                string
	Pipeline          string
	From, To          time.Time
	Devices           []plinth.DeviceID // empty is all of the pipeline
	State             ReplayState
	By                plinth.AccountID
	Name              string
	Started, Ended    time.Time // Ended is zero while it runs
	Done, Total, Rows int64     // devices done and in all; rows seen
	Differences       []Difference
	Error             string
	Applied           *Applied // nil until it is applied
	Record            uuid.UUID
	Evidence          string // how far the record has come
}

// ReplayState is how far a replay is.
type ReplayState string

// The states.
const (
	ReplayRunning     ReplayState = "running"
	ReplayDone        ReplayState = "done"
	ReplayFailed      ReplayState = "failed"
	ReplayCancelled   ReplayState = "cancelled"
	ReplayInterrupted ReplayState = "interrupted" // its instance stopped
	ReplayApplying    ReplayState = "applying"    // decided and recorded; the rows follow
	ReplayApplied     ReplayState = "applied"
)

// Applied says who had the live rows become what a replay says, and why.
type Applied struct {
	By         plinth.AccountID `json:"by"`
	Name       string           `json:"name"`
	Department plinth.AgentID   `json:"department"`
	Why        string           `json:"why"`
	At         time.Time        `json:"at"`
	Rows       int64            `json:"rows"` // that are as the replay says
}

// Difference is one kind of thing that came out otherwise.
type Difference struct {
	Kind                string           `json:"kind"` // "rows", "flags", "letters" or "hours"
	Compared, Different int64            `json:",omitempty"`
	By                  map[string]int64 `json:"by,omitempty"`
	Examples            []Example        `json:"examples,omitempty"`
}

// Example is one thing that differs.
type Example struct {
	Device           plinth.DeviceID
	Metric           string
	At               time.Time
	Seq              uint64
	Stored, Replayed string
}

// ReplayStore keeps replays. Each call is one transaction, durable when it returns.
type ReplayStore interface {
	// AddReplay adds r; ErrConflict while another of its pipeline runs or is applied.
	AddReplay(ctx context.Context, r Replay, now time.Time) error
	// SaveReplay writes r when it is in one of the states, with its record when there is one, and says that its instance
	// lives; ErrConflict when it is in another state, such as after someone cancelled it.
	SaveReplay(ctx context.Context, r Replay, now time.Time, rec *ledger.Record, in ...ReplayState) error
	Replay(ctx context.Context, id string) (Replay, error)
	// SilentReplays returns those at work whose instance was last heard of before a moment.
	SilentReplays(ctx context.Context, before time.Time) ([]Replay, error)
}

// ReplayDesk is where replays are started, cancelled and applied. Its Run does the work.
type ReplayDesk struct {
	Store    ReplayStore
	Board    *Board
	Registry *sensors.Registry
	Rows     ReplayRows
	Shadow   Shadow
	Changes  ShadowChanges
	Sink     Sink
	Known    Known
	Letters  *LetterDesk // with the streams' own code
	Now      func() time.Time
	Log      *slog.Logger

	once sync.Once
	jobs chan Replay
}

// Bounds of a replay: its period, the devices one may name, how many run in one instance, and how long the shadow is kept
// to be applied (the store forgets it later).
const (
	MaxReplay        = 366 * 24 * time.Hour
	maxReplayDevices = 10_000
	maxReplays       = 4
	shadowKept       = 13 * 24 * time.Hour
)

// Start begins a replay and returns it; it goes on behind.
func (d *ReplayDesk) Start(ctx context.Context, by plinth.Principal, pipeline string, from, to time.Time, devices []plinth.DeviceID) (Replay, error) {
	from, to = from.UTC().Truncate(time.Millisecond), to.UTC().Truncate(time.Millisecond)
	switch {
	case !from.Before(to):
		return Replay{}, plinth.Invalid("from", "the period must begin before it ends")
	case to.Sub(from) > MaxReplay:
		return Replay{}, plinth.Invalid("to", "the period is at most %d days", int(MaxReplay/(24*time.Hour)))
	case len(devices) > maxReplayDevices:
		return Replay{}, plinth.Invalid("devices", "at most %d are named; name none to take all", maxReplayDevices)
	}
	p, err := d.Board.Get(ctx, pipeline)
	if err != nil {
		return Replay{}, err
	}
	if p.Kind != StreamPipeline {
		return Replay{}, plinth.Invalid("pipeline", "only streams are replayed: a stored reading is its device's, whichever way it came; "+
			"a file is imported again with its mapping")
	}
	chosen, err := d.chosen(p.ID, devices)
	if err != nil {
		return Replay{}, err
	}
	now := d.Now().UTC().Truncate(time.Millisecond)
	r := Replay{ID: plinth.NewID("rpl"), Pipeline: p.ID, From: from, To: to, Devices: devices, State: ReplayRunning, By: by.Account,
		Name: by.Name, Started: now, Total: int64(len(chosen))}
	if err := d.Store.AddReplay(ctx, r, now); err != nil {
		return Replay{}, err
	}
	return r, d.give(ctx, r)
}

// chosen are the devices of a kind that are named, or all, by id.
func (d *ReplayDesk) chosen(kind string, named []plinth.DeviceID) (map[plinth.DeviceID]bool, error) {
	out := map[plinth.DeviceID]bool{}
	for i, id := range named {
		if dev := d.Registry.Device(id); dev == nil || dev.Kind != kind {
			return nil, plinth.Invalid(fmt.Sprintf("devices[%d]", i), "the pipeline has no device %q", clip(string(id), 64))
		}
		out[id] = true
	}
	if len(named) > 0 {
		return out, nil
	}
	for _, dev := range d.Registry.Devices(sensors.Filter{Kind: kind}, nil) {
		out[dev.ID] = true
	}
	return out, nil
}

// give hands a job to Run. When too many wait, it fails the job and says so.
func (d *ReplayDesk) give(ctx context.Context, r Replay) error {
	select {
	case d.queue() <- r:
		return nil
	default:
	}
	err := plinth.Errorf(plinth.ErrUnavailable, "too many replays are under way, try again later")
	if r.State == ReplayRunning {
		r.State, r.Error, r.Ended = ReplayFailed, err.Error(), d.Now().UTC()
		if err := d.Store.SaveReplay(ctx, r, d.Now(), nil, ReplayRunning); err != nil {
			return err
		}
		return err
	}
	return nil // one that is decided is taken up again by Run
}

func (d *ReplayDesk) queue() chan Replay {
	d.once.Do(func() { d.jobs = make(chan Replay, maxReplays) })
	return d.jobs
}

// Cancel stops a replay that runs. Its instance notices within seconds.
func (d *ReplayDesk) Cancel(ctx context.Context, id string) (Replay, error) {
	r, err := d.Get(ctx, id)
	if err != nil {
		return r, err
	}
	r.State, r.Ended = ReplayCancelled, d.Now().UTC().Truncate(time.Millisecond)
	if err := d.Store.SaveReplay(ctx, r, d.Now(), nil, ReplayRunning); err != nil {
		return r, err
	}
	return r, nil
}

// Get returns one replay.
func (d *ReplayDesk) Get(ctx context.Context, id string) (Replay, error) {
	return d.Store.Replay(ctx, id)
}

// Apply decides that the live rows become what r says. The decision is recorded; Run does it.
func (d *ReplayDesk) Apply(ctx context.Context, by plinth.Principal, id, why string) (Replay, error) {
	why = strings.TrimSpace(why)
	if why == "" || len(why) > maxReason {
		return Replay{}, plinth.Invalid("reason", "say why, in at most %d bytes", maxReason)
	}
	r, err := d.Get(ctx, id)
	if err != nil {
		return r, err
	}
	now := d.Now().UTC().Truncate(time.Millisecond)
	switch {
	case r.State != ReplayDone:
		return r, plinth.Errorf(plinth.ErrConflict, "a replay that is %s cannot be applied", r.State)
	case !r.Differs():
		return r, plinth.Errorf(plinth.ErrConflict, "nothing came out otherwise, so there is nothing to apply")
	case now.Sub(r.Ended) > shadowKept:
		return r, plinth.Errorf(plinth.ErrConflict, "what it came to is no longer kept, replay the period again")
	}
	r.State, r.Applied = ReplayApplying, &Applied{By: by.Account, Name: by.Name, Department: by.Department, Why: why, At: now}
	rec, err := r.record(by)
	if err != nil {
		return r, err
	}
	r.Record, r.Evidence = rec.ID, "pending"
	if err := d.Store.SaveReplay(ctx, r, now, &rec, ReplayDone); err != nil {
		return r, err
	}
	return r, d.give(ctx, r)
}

// Differs tells whether there is anything to apply.
func (r *Replay) Differs() bool {
	return slices.ContainsFunc(r.Differences, func(d Difference) bool {
		return (d.Kind == "rows" || d.Kind == "flags" || d.Kind == "letters") && d.Different > 0
	})
}

func (r *Replay) record(by plinth.Principal) (ledger.Record, error) {
	counts := map[string]map[string]int64{}
	for _, d := range r.Differences {
		counts[d.Kind] = d.By
	}
	payload, err := json.Marshal(map[string]any{"replay": r.ID, "pipeline": r.Pipeline, "from": r.From, "to": r.To, "devices": r.Devices,
		"differences": counts, "reason": r.Applied.Why, "by": r.Applied.By})
	if err != nil {
		return ledger.Record{}, fmt.Errorf("record of a replay: %w", err)
	}
	return actRecord("replay.applied", "replay:"+r.ID, by, r.Applied.At, payload, uuid.Nil), nil
}
