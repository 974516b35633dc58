package pipelines

import (
	"cmp"
	"context"
	"errors"
	"io"
	"log/slog"
	"time"

	"plinth"
	"plinth/pipelines/table"
	"plinth/sensors"
)

// Known finds what of an import is stored already.
type Known interface {
	// ByID returns those of a source's events that are stored, by their number there.
	ByID(ctx context.Context, source string, ids []string) (map[string]Event, error)
	// Known returns the stored readings of a device's metric at the moments.
	Known(ctx context.Context, d plinth.DeviceID, metric string, at []time.Time) ([]sensors.Reading, error)
}

// Importer brings files in. A good row is stored, a bad one goes to dead letters with file, row, field and reason;
// importing a file again changes nothing.
type Importer struct {
	Sink     Sink
	Known    Known
	Runs     Runs
	Registry *sensors.Registry
	Follower Follower // nil when nobody decides on readings
	Meter    *Meter
	Gates    *Gates // nil lets all through
	Now      func() time.Time
	Log      *slog.Logger
}

// ImportOptions say what is imported for whom.
type ImportOptions struct {
	Name     string    // the file's name, for dead letters and for mappings that read it
	By       string    // the account
	Progress func(Run) // called after each chunk, may be nil
	Skip     int64     // rows at the beginning that an import that was broken off has stored
	Kind     RunKind   // an import's when empty
	Pipeline string    // whose run it is; the mapping's when empty
}

// Sizes of an import's chunks: rows per insert, and rows per look-up of what is known.
const (
	importRows  = 10_000
	lookupRows  = 1_000
	importPause = 30 * time.Second // how long an engine may be away before an import gives up
)

// Import reads the file r, whatever its format, by mapping m. The run is recorded whatever happens; on an error it holds what was stored
// until then, and importing the file again is safe.
func (im *Importer) Import(ctx context.Context, r io.Reader, m *Mapping, o ImportOptions) (Run, error) {
	run := Run{ID: plinth.RunID(plinth.NewID("run")), Kind: cmp.Or(o.Kind, ImportRun), Pipeline: cmp.Or(o.Pipeline, m.Name),
		Source: clip(o.Name, maxLabel), StartedBy: o.By, Started: im.Now(), State: Running}
	if run.Source == "" {
		return run, plinth.Invalid("name", "the file's name is needed")
	}
	if p, paused := im.Gates.Paused(run.Pipeline); paused {
		return run, plinth.Errorf(plinth.ErrConflict, "the pipeline %s is paused by %s: %s", run.Pipeline, p.Name, p.Why)
	}
	if err := im.Runs.SaveRun(ctx, run); err != nil {
		return run, err
	}
	job := im.job(m, &run)
	job.skip, job.progress = o.Skip, o.Progress
	err := job.read(ctx, r)
	run.State, run.Ended = Done, im.Now()
	if err != nil {
		run.State, run.Error = Failed, sentence(err)
		im.Log.WarnContext(ctx, "import ended early", "run", run.ID, "mapping", m.Name, "err", err)
	}
	if saved := im.Runs.SaveRun(context.WithoutCancel(ctx), run); err == nil {
		err = saved
	}
	return run, err
}

// sentence is what a caller may read of err.
func sentence(err error) string {
	var e *plinth.Error
	switch {
	case errors.As(err, &e):
		return e.Error()
	case errors.Is(err, context.Canceled):
		return "the import was broken off"
	}
	return "the file could not be read to its end"
}

// job is one import under way.
type job struct {
	*Importer
	m        *Mapping
	run      *Run
	source   string // what dead letters name: the file, or the page of an endpoint
	progress func(Run)
	skip     int64
	rows     *rowMapper
	events   []Event
	readings []sensors.Reading
	dead     []DeadLetter
	archive  map[plinth.DeviceID]*sensors.Watch // judges old readings by their own time
	clock    time.Time
	devices  sensors.Lookup // of this chunk; nil until its first row
}

// job begins an import of a run.
func (im *Importer) job(m *Mapping, run *Run) *job {
	return &job{Importer: im, m: m, run: run, source: run.Source, archive: map[plinth.DeviceID]*sensors.Watch{}}
}

func (j *job) read(ctx context.Context, r io.Reader) error {
	file, _, err := openTable(r, j.m.Delimiter[0], table.Options{Columns: j.m.columns(), Sheet: j.m.Sheet})
	if err != nil {
		return err
	}
	defer file.Close()
	if j.rows, err = newRowMapper(j.m, j.run.Source, file.Header()); err != nil {
		return err
	}
	for more := true; more; {
		if more, err = j.next(ctx, file); err != nil {
			return err
		}
	}
	return j.flush(ctx)
}

// next takes the next row, unless it is to be skipped. It tells whether there was one.
func (j *job) next(ctx context.Context, file table.Reader) (more bool, err error) {
	record, err := file.Read()
	var broken *errRecord
	switch {
	case errors.Is(err, io.EOF):
		return false, nil
	case err != nil && !errors.As(err, &broken):
		return false, err
	case j.skip > 0:
		j.skip--
		return true, nil
	case broken != nil:
		j.refuse(file.Row(), fault{"row", clip(broken.Reason, 1000)}, j.rows.asLine(j.rows.header)+broken.Raw)
	default:
		if err := j.take(ctx, file.Row(), record); err != nil {
			return false, err
		}
	}
	j.run.In++
	if len(j.events)+len(j.readings)+len(j.dead) < importRows {
		return true, nil
	}
	return true, j.flush(ctx)
}

// take maps one record.
func (j *job) take(ctx context.Context, row uint64, record []string) error {
	if j.m.Target == ToEvents {
		e, bad := j.rows.event(record)
		if bad == nil {
			bad = j.Gates.Rules(j.run.Pipeline).Event(&e)
		}
		if bad != nil {
			j.refuse(row, *bad, j.rows.asFile(record))
			return nil
		}
		j.events = append(j.events, e)
		return nil
	}
	r, bad := j.rows.reading(record)
	if bad == nil {
		var err error
		if bad, err = j.admit(ctx, &r); err != nil {
			return err
		}
	}
	if bad != nil {
		j.refuse(row, *bad, j.rows.asFile(record))
		return nil
	}
	j.readings = append(j.readings, r)
	return nil
}

// admit finds or registers the reading's device and judges the reading.
func (j *job) admit(ctx context.Context, r *sensors.Reading) (*fault, error) {
	d, err := j.device(ctx, r.Device)
	if err != nil {
		return nil, err
	}
	if d == nil && j.m.Register != nil {
		err := j.Registry.Ensure(ctx, j.m.Register.device(r.Device, r.Metric, string(r.Device)))
		if errors.Is(err, plinth.ErrInvalid) {
			return &fault{"device", err.Error()}, nil
		}
		if err != nil && !errors.Is(err, plinth.ErrConflict) {
			return nil, err
		}
		d = j.Registry.Device(r.Device)
	}
	if d == nil {
		return &fault{"device", "the device " + quote(string(r.Device)) + " is not registered"}, nil
	}
	if f := sensors.Check(d, *r); f != nil {
		return &fault{f.Field, f.Reason}, nil
	}
	if f := j.Gates.Rules(j.run.Pipeline).Reading(d, r); f != nil {
		return &fault{f.Field, f.Reason}, nil
	}
	if j.archive[d.ID] == nil {
		j.archive[d.ID] = sensors.NewWatch(func() time.Time { return j.clock })
	}
	one := []sensors.Reading{*r}
	j.clock = r.At
	j.archive[d.ID].Judge(d, one)
	*r = one[0]
	return nil, nil
}

// device finds a device of now, or of when this chunk of rows began; nil when there is none.
func (j *job) device(ctx context.Context, id plinth.DeviceID) (d *sensors.Device, err error) {
	if j.devices == nil {
		j.devices = j.Registry.Lookup(ctx)
	}
	err = j.patiently(ctx, func(context.Context) error {
		d, err = j.devices(id)
		return err
	})
	return d, err
}

func (j *job) refuse(row uint64, f fault, raw string) {
	j.dead = append(j.dead, DeadLetter{Source: j.source, Row: row, Field: clip(f.field, maxLabel), Reason: clip(f.reason, 1000),
		Payload: raw[:min(len(raw), MaxDeadPayload)], Size: uint64(len(raw)), Run: j.run.ID, Pipeline: j.run.Pipeline})
}

// flush stores what is in hand and saves the run's counts.
func (j *job) flush(ctx context.Context) error {
	j.devices = nil
	if err := j.patiently(ctx, j.storeEvents); err != nil {
		return err
	}
	if err := j.patiently(ctx, j.storeReadings); err != nil {
		return err
	}
	if err := j.patiently(ctx, j.storeDead); err != nil {
		return err
	}
	if j.progress != nil {
		j.progress(*j.run)
	}
	return j.Runs.SaveRun(ctx, *j.run)
}

// patiently tries f again while an engine is away, for a while.
func (j *job) patiently(ctx context.Context, f func(context.Context) error) error {
	deadline := time.Now().Add(importPause)
	for pause := firstPause; ; pause = min(2*pause, lastPause) {
		err := f(ctx)
		if !errors.Is(err, plinth.ErrUnavailable) || time.Now().After(deadline) {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(pause):
		}
	}
}

func (j *job) storeEvents(ctx context.Context) error {
	fresh, known, err := j.freshEvents(ctx)
	if err != nil {
		return err
	}
	if len(fresh) > 0 {
		now := j.Now()
		for i := range fresh {
			fresh[i].RX = now
		}
		if err := j.Sink.InsertEvents(ctx, fresh); err != nil {
			return err
		}
	}
	j.run.Stored += int64(len(fresh))
	j.run.Known += known
	j.events = j.events[:0]
	return nil
}

// freshEvents are those that the store does not have, or has otherwise; the newest of each identity alone.
func (j *job) freshEvents(ctx context.Context) ([]Event, int64, error) {
	var fresh []Event
	var known int64
	place := map[string]int{}
	for from := 0; from < len(j.events); from += lookupRows {
		part := j.events[from:min(from+lookupRows, len(j.events))]
		ids := make([]string, len(part))
		for i, e := range part {
			ids[i] = e.SourceID
		}
		stored, err := j.Known.ByID(ctx, j.m.Source, ids)
		if err != nil {
			return nil, 0, err
		}
		for _, e := range part {
			at, twice := place[e.SourceID]
			old, there := stored[e.SourceID]
			switch {
			case twice && fresh[at].Same(e), !twice && there && old.Same(e):
				known++
			case twice:
				fresh[at] = e // a later row of the file corrects an earlier
			default:
				place[e.SourceID] = len(fresh)
				fresh = append(fresh, e)
			}
		}
	}
	return fresh, known, nil
}

func (j *job) storeReadings(ctx context.Context) error {
	fresh, err := j.freshReadings(ctx)
	if err != nil {
		return err
	}
	if len(fresh) > 0 {
		now := j.Now()
		for i := range fresh {
			fresh[i].RX = now
		}
		if err := j.Sink.InsertReadings(ctx, fresh); err != nil {
			return err
		}
	}
	// All of them, not the fresh alone: an import that was cut off here may run again.
	if err := follow(ctx, j.Follower, j.readings); err != nil {
		return err
	}
	j.run.Stored += int64(len(fresh))
	j.run.Known += int64(len(j.readings) - len(fresh))
	j.Meter.Direct("import", len(fresh), 0)
	j.readings = j.readings[:0]
	return nil
}

// identity is what makes two rows the same reading.
type identity struct {
	device plinth.DeviceID
	metric string
	at     int64
	seq    uint64
}

func identityOf(r sensors.Reading) identity {
	return identity{r.Device, r.Metric, r.At.UnixMilli(), r.Seq}
}

func (j *job) freshReadings(ctx context.Context) ([]sensors.Reading, error) {
	var fresh []sensors.Reading
	seen := map[identity]float64{}
	for from := 0; from < len(j.readings); from += lookupRows {
		part := j.readings[from:min(from+lookupRows, len(j.readings))]
		if err := j.lookup(ctx, part, seen); err != nil {
			return nil, err
		}
		for _, r := range part {
			if old, ok := seen[identityOf(r)]; ok && old == r.Value {
				continue
			}
			seen[identityOf(r)] = r.Value
			fresh = append(fresh, r)
		}
	}
	return fresh, nil
}

// lookup adds what the store has at the moments of part to seen.
func (j *job) lookup(ctx context.Context, part []sensors.Reading, seen map[identity]float64) error {
	type series struct {
		device plinth.DeviceID
		metric string
	}
	at := map[series][]time.Time{}
	for _, r := range part {
		s := series{r.Device, r.Metric}
		at[s] = append(at[s], r.At)
	}
	for s, times := range at {
		stored, err := j.Known.Known(ctx, s.device, s.metric, times)
		if err != nil {
			return err
		}
		for _, r := range stored {
			if _, newer := seen[identityOf(r)]; !newer {
				seen[identityOf(r)] = r.Value
			}
		}
	}
	return nil
}

func (j *job) storeDead(ctx context.Context) error {
	if len(j.dead) == 0 {
		return nil
	}
	now := j.Now()
	for i := range j.dead {
		j.dead[i].At = now
	}
	if err := j.Sink.InsertDeadLetters(ctx, j.dead); err != nil {
		return err
	}
	j.run.Dead += int64(len(j.dead))
	j.Meter.Direct("import", 0, len(j.dead))
	j.dead = j.dead[:0]
	return nil
}
