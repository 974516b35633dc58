package sequencer

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"

	"plinth"
	"plinth/ledger"
)

// DeviceStore finds the segments of a device and its entries.
type DeviceStore interface {
	// Segments returns the device's segments whose windows overlap a stretch, in the order in which they were made, at
	// most limit.
	Segments(ctx context.Context, device string, from, to time.Time, limit int) ([]SegmentState, error)
	// Chain returns the places of a subject's entries that have a number of at least first and lie below a size, in
	// order of their numbers, at most limit.
	Chain(ctx context.Context, o ledger.Origin, subject ledger.Tag, first uint64, size int64, limit int) ([]Link, error)
}

// DeviceRows reads the readings of a device's window as they are stored, in order of metric, time and the device's count.
type DeviceRows interface {
	Readings(ctx context.Context, device string, from, to time.Time) ([]ledger.Reading, error)
}

// SegmentState is one segment and how far its record has come.
type SegmentState struct {
	Record     uuid.UUID
	From, To   time.Time
	Count      uint64
	Root       [32]byte
	Supersedes uuid.UUID // zero when none
	State      State
	// Seq and Index are the number among the device's entries and the place in the log, once it is sealed.
	Seq   uint64
	Index int64
	// Current is false when a later segment of the same window supersedes this one.
	Current bool
}

// Link is one entry of a subject.
type Link struct {
	Seq    uint64
	Index  int64
	Record uuid.UUID
}

// Devices makes the evidence of devices out of the device log.
type Devices struct {
	Logs  *Sequencer
	Store DeviceStore
	Rows  DeviceRows
}

// MaxDevicePeriod is the longest stretch that one answer covers.
const MaxDevicePeriod = 31 * 24 * time.Hour

// DeviceSegments are a device's segments over a stretch, and the parts of it that no segment covers.
type DeviceSegments struct {
	Segments []SegmentState // in order of their windows, of one window in the order in which they were made
	Gaps     []ledger.Stretch
}

// Segments lists the segments of a device that overlap a stretch of at most MaxDevicePeriod.
func (d Devices) Segments(ctx context.Context, device string, from, to time.Time) (DeviceSegments, error) {
	if err := checkPeriod(from, to); err != nil {
		return DeviceSegments{}, err
	}
	all, err := d.Store.Segments(ctx, device, from, to, ledger.MaxDeviceSegments+1)
	if err != nil {
		return DeviceSegments{}, err
	}
	if len(all) > ledger.MaxDeviceSegments {
		return DeviceSegments{}, tooMany()
	}
	newest := map[ledger.Stretch]int{}
	for i, s := range all {
		newest[ledger.Stretch{From: s.From, To: s.To}] = i
	}
	for _, i := range newest {
		all[i].Current = true
	}
	slices.SortStableFunc(all, func(a, b SegmentState) int { return a.From.Compare(b.From) })
	return DeviceSegments{Segments: all, Gaps: gaps(all, from, to)}, nil
}

func checkPeriod(from, to time.Time) error {
	switch {
	case !from.Before(to):
		return plinth.Invalid("from", "the period must begin before it ends")
	case to.Sub(from) > MaxDevicePeriod:
		return plinth.Invalid("to", "the period has at most %d days", MaxDevicePeriod/(24*time.Hour))
	}
	return nil
}

func tooMany() error {
	return plinth.Invalid("from", "the device has more than %d segments from there on: ask for a later or shorter period",
		ledger.MaxDeviceSegments)
}

func gaps(sorted []SegmentState, from, to time.Time) []ledger.Stretch {
	var out []ledger.Stretch
	at := from
	for _, s := range sorted {
		if s.From.After(at) {
			out = append(out, ledger.Stretch{From: at, To: s.From})
		}
		if s.To.After(at) {
			at = s.To
		}
	}
	if at.Before(to) {
		out = append(out, ledger.Stretch{From: at, To: to})
	}
	return out
}

// DeviceAsk is what a device file is asked for.
type DeviceAsk struct {
	Device   string
	From, To time.Time
	// Metric and At choose readings to be proven too, when Metric is not empty; Seq narrows them to one.
	Metric string
	At     time.Time
	Seq    *uint64
}

// File returns a ledger.DeviceFile's bytes. It answers as of an attested checkpoint, which the file names: the newest,
// or an older one when under the newest the file would be too long or could not show the log's end. It fails with
// plinth.ErrNotFound when the device has no segment, and plinth.ErrConflict while none is attested.
func (d Devices) File(ctx context.Context, ask DeviceAsk) ([]byte, error) {
	if err := checkPeriod(ask.From, ask.To); err != nil {
		return nil, err
	}
	l, err := d.Logs.Log(ledger.Device)
	if err != nil {
		return nil, err
	}
	p, err := d.plan(ctx, ask)
	if err != nil {
		return nil, err
	}
	f := ledger.DeviceFile{Checkpoint: p.anchor.Note, Attestation: p.anchor.Attestation}
	at := make([]int64, 0, len(p.chain))
	for _, link := range p.chain {
		s, err := d.entry(ctx, l, link)
		if err != nil {
			return nil, err
		}
		f.Segments, at = append(f.Segments, s), append(at, link.Index)
	}
	if f.Rest, err = rest(l, at[len(at)-1], p.anchor.Size); err != nil {
		return nil, err
	}
	for i := range f.Rest {
		at = append(at, p.chain[len(p.chain)-1].Index+1+int64(i))
	}
	if f.Proof, err = ledger.ProveLeaves(p.anchor.Size, at, l.main.nodes(p.anchor.Size)); err != nil {
		return nil, err
	}
	if err := d.proveReadings(ctx, ask, &f); err != nil {
		return nil, err
	}
	return f.Encode()
}

// devicePlan is the checkpoint that a file stands under, and the entries that it holds.
type devicePlan struct {
	anchor Anchor
	chain  []Link
}

// cheapChain is how many entries a file holds even if fewer were needed: it then begins at the device's first entry,
// and leaves nothing open before.
const cheapChain = 2048

// plan takes the newest checkpoint under which the file is not too long and shows the log's end; else the newest under
// which it is not too long.
func (d Devices) plan(ctx context.Context, ask DeviceAsk) (devicePlan, error) {
	tag := ledger.SubjectTag(d.Logs.keys.Tenant, ledger.DeviceSubject(ask.Device))
	first, places, err := d.needs(ctx, ask, tag)
	if err != nil {
		return devicePlan{}, err
	}
	anchors, err := d.anchors(ctx, places)
	if err != nil {
		return devicePlan{}, err
	}
	var second *devicePlan
	long := false
	for _, a := range anchors {
		p := devicePlan{anchor: a}
		if p.chain, err = d.Store.Chain(ctx, ledger.Device, tag, first, a.Size, ledger.MaxDeviceSegments+1); err != nil {
			return p, err
		}
		switch n := len(p.chain); {
		case n > ledger.MaxDeviceSegments:
			long = true
		case n > 0 && a.Size-p.chain[n-1].Index-1 <= ledger.MaxDeviceRest:
			return p, nil
		case n > 0 && second == nil:
			second = &p
		}
	}
	switch {
	case second != nil:
		return *second, nil
	case long:
		return devicePlan{}, tooMany()
	}
	return devicePlan{}, plinth.Errorf(plinth.ErrConflict, "%w", errNotAnchored)
}

// needs returns the number of the first entry that the stretch needs, and the places of the device's newest entry and
// of the last needed one.
func (d Devices) needs(ctx context.Context, ask DeviceAsk, tag ledger.Tag) (first uint64, places []int64, err error) {
	tails, err := d.Logs.store.Tails(ctx, ledger.Device, []ledger.Tag{tag})
	if err != nil {
		return 0, nil, err
	}
	newest := tails[tag]
	if newest.Seq == 0 {
		return 0, nil, plinth.Errorf(plinth.ErrNotFound, "the log has no segment of the device %q", ask.Device)
	}
	needed, err := d.Store.Segments(ctx, ask.Device, ask.From, ask.To, ledger.MaxDeviceSegments+1)
	if err != nil {
		return 0, nil, err
	}
	first, last := newest.Seq, int64(-1)
	for _, s := range needed {
		if s.Seq > 0 {
			first, last = min(first, s.Seq), max(last, s.Index)
		}
	}
	if newest.Seq <= cheapChain {
		first = 1
	}
	places = []int64{newest.Index}
	if last >= 0 && last < newest.Index {
		places = append(places, last)
	}
	return first, places, nil
}

// anchors are the newest attested checkpoint and the oldest ones above the places, newest first.
func (d Devices) anchors(ctx context.Context, places []int64) ([]Anchor, error) {
	newest, err := d.Logs.store.Newest(ctx, ledger.Device)
	if err != nil || newest.Size == 0 {
		return nil, err
	}
	out := []Anchor{newest}
	for _, i := range places {
		a, err := d.Logs.store.Covering(ctx, ledger.Device, i)
		if errors.Is(err, plinth.ErrNotFound) {
			continue
		}
		if err != nil {
			return nil, err
		}
		out = append(out, a)
	}
	return out, nil
}

// entry reads one entry of the device with what its payload says.
func (d Devices) entry(ctx context.Context, l *Log, link Link) (ledger.SegmentEntry, error) {
	s := ledger.SegmentEntry{Index: link.Index}
	var err error
	if s.Entry, err = l.Entry(link.Index); err != nil {
		return s, err
	}
	e, err := ledger.ParseEntry(s.Entry)
	if err != nil || e.Kind != ledger.SegmentKind {
		return s, err
	}
	r := ledger.Receipt{}
	err = d.Logs.disclose(ctx, &r, link.Record, DisclosePayload)
	if errors.Is(err, errShredded) {
		return s, nil // the entry proves its window, count and place without it
	}
	s.Salt, s.Payload = r.Salt, r.Payload
	return s, err
}

// rest returns the entries after a place up to a size; none when they are too many.
func rest(l *Log, last, size int64) ([][]byte, error) {
	n := size - last - 1
	if n == 0 || n > ledger.MaxDeviceRest {
		return nil, nil
	}
	out, err := l.Range(last+1, int(n))
	if err == nil && int64(len(out)) != n {
		err = fmt.Errorf("the log ends at %d, before the attested size %d", last+1+int64(len(out)), size)
	}
	return out, err
}

// proveReadings adds the readings that are asked for, from the segment of their window that is in force.
func (d Devices) proveReadings(ctx context.Context, ask DeviceAsk, f *ledger.DeviceFile) error {
	if ask.Metric == "" {
		return nil
	}
	seq, seg, err := holding(f.Segments, ask.At)
	if err != nil {
		return err
	}
	rows, err := d.Rows.Readings(ctx, ask.Device, seg.From, seg.To)
	if err != nil {
		return err
	}
	if uint64(len(rows)) != seg.Count || ledger.SegmentRoot(rows) != seg.Root {
		return plinth.Errorf(plinth.ErrConflict, "the stored readings of that window are no longer those of its segment %d: "+
			"later ones are not sealed yet, or they were changed", seq)
	}
	for i, r := range rows {
		if r.Metric != ask.Metric || !r.At.Equal(ask.At) || ask.Seq != nil && r.Seq != *ask.Seq {
			continue
		}
		path, err := ledger.ProveReading(rows, int64(i))
		if err != nil {
			return err
		}
		f.Readings = append(f.Readings, ledger.ReadingProof{Segment: seq, Place: int64(i), Leaf: ledger.ReadingLeaf(r), Path: path})
	}
	if len(f.Readings) == 0 {
		return plinth.Invalid("at", "the device has no such reading of %.64q at that moment", ask.Metric)
	}
	return nil
}

// holding finds the newest segment whose window holds a moment.
func holding(all []ledger.SegmentEntry, at time.Time) (uint64, ledger.Segment, error) {
	for _, s := range slices.Backward(all) {
		e, err := ledger.ParseEntry(s.Entry)
		if err != nil {
			return 0, ledger.Segment{}, err
		}
		if e.Kind != ledger.SegmentKind || at.Before(e.From) || !at.Before(e.To) {
			continue
		}
		if len(s.Payload) == 0 {
			return 0, ledger.Segment{}, plinth.Errorf(plinth.ErrNotFound, "no reading of that moment can be proven: the payload of "+
				"its segment %d was shredded with the device's key", e.Seq)
		}
		seg, err := ledger.ParseSegment(s.Payload)
		return e.Seq, seg, err
	}
	return 0, ledger.Segment{}, plinth.Invalid("at", "no attested segment of the device covers that moment")
}
