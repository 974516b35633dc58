package pipelines

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/google/uuid"

	"plinth"
	"plinth/internal/periodic"
	"plinth/ledger"
	"plinth/sensors"
)

// Window is a stretch of one device's readings, the start included.
type Window struct {
	Device   plinth.DeviceID
	From, To time.Time
}

// Touch says that rows of a device at about a time were inserted.
type Touch struct {
	Device plinth.DeviceID
	At     time.Time
}

// Segment is a window's evidence: the root of an RFC 6962 tree over its stored rows. The rows stay in the store, where
// the root can be computed again; a further segment of the same window covers all its rows and supersedes the one before.
type Segment struct {
	Window
	Count   uint64
	Root    [32]byte
	Payload []byte // what the log commits to
	Owner   plinth.AgentID
}

// SegmentRows reads the stored rows, each once.
type SegmentRows interface {
	// Touched returns devices and times, cut to whole steps, of the rows inserted in a stretch of time.
	Touched(ctx context.Context, from, to time.Time, step time.Duration) ([]Touch, error)
	// Window returns the rows of the devices, ordered by device, metric, time and seq.
	Window(ctx context.Context, ds []plinth.DeviceID, from, to time.Time) ([]sensors.Reading, error)
}

// SegmentStore keeps the work list and the segments. Each call is one transaction, durable when it returns.
type SegmentStore interface {
	// Cursor is the insertion time up to which rows have been put on the work list; zero at first.
	Cursor(ctx context.Context) (time.Time, error)
	// Due puts windows on the work list and moves the cursor.
	Due(ctx context.Context, ws []Window, cursor time.Time) error
	// Closed returns windows of the work list that ended before a moment, oldest first, of one From and To.
	Closed(ctx context.Context, before time.Time, limit int) ([]Window, error)
	// Seal takes segments' windows off the list. A segment whose root differs from the window's newest is added, with its
	// record for the log; empty ones only leave the list.
	Seal(ctx context.Context, segments []Segment) error
}

// Segmenter turns stored rows into segments. One runs per deployment. It is safe to kill at any point: the work list
// and the segments move in the store's transactions, and what was read twice has the same root.
type Segmenter struct {
	Registry *sensors.Registry
	Rows     SegmentRows
	Store    SegmentStore
	// Settle is how long after its rx a row may become visible; at least InsertTimeout.
	Settle time.Duration
	// Lateness is how long after its end a window waits for rows before it is sealed for the first time.
	Lateness time.Duration
	Step     time.Duration // what windows are whole multiples of
	Every    time.Duration
	Now      func() time.Time
	Log      *slog.Logger

	group int // windows sealed at once: as many as had rowsAtOnce rows the time before
}

// Bounds of a group: rows read at once are held in memory.
const (
	fewWindows, manyWindows = 20, 200
	rowsAtOnce              = 100_000
)

// NewSegmenter returns a Segmenter with the usual times.
func NewSegmenter(r *sensors.Registry, rows SegmentRows, store SegmentStore, now func() time.Time, log *slog.Logger) *Segmenter {
	return &Segmenter{Registry: r, Rows: rows, Store: store, Settle: InsertTimeout + 2*time.Second, Lateness: 20 * time.Second,
		Step: time.Minute, Every: 5 * time.Second, Now: now, Log: log}
}

// Run works until ctx ends.
func (s *Segmenter) Run(ctx context.Context) error {
	return periodic.AtOnce(s.Every).Try(ctx, s.Log, "segments wait", s.Work)
}

// Work puts newly inserted rows on the work list and seals the windows that are closed.
func (s *Segmenter) Work(ctx context.Context) error {
	if err := s.collect(ctx); err != nil {
		return err
	}
	for {
		n, err := s.seal(ctx)
		if err != nil || n == 0 {
			return err
		}
	}
}

func (s *Segmenter) collect(ctx context.Context) error {
	from, err := s.Store.Cursor(ctx)
	if err != nil {
		return fmt.Errorf("read segment cursor: %w", err)
	}
	to := s.Now().Add(-s.Settle).Truncate(time.Millisecond)
	if !to.After(from) {
		return nil
	}
	touched, err := s.Rows.Touched(ctx, from, to, s.Step)
	if err != nil {
		return err
	}
	seen := map[Window]bool{}
	var windows []Window
	for _, t := range touched {
		d := s.Registry.Device(t.Device)
		if d == nil {
			s.Log.WarnContext(ctx, "rows of a device that is not registered have no evidence", "device", t.Device)
			continue
		}
		if w := window(d, t.At); !seen[w] {
			seen[w] = true
			windows = append(windows, w)
		}
	}
	if err := s.Store.Due(ctx, windows, to); err != nil {
		return fmt.Errorf("note due windows: %w", err)
	}
	return nil
}

func window(d *sensors.Device, at time.Time) Window {
	length := d.SegmentWindow()
	from := at.UTC().Truncate(length)
	return Window{d.ID, from, from.Add(length)}
}

// seal seals a group of closed windows and returns how many they were.
func (s *Segmenter) seal(ctx context.Context) (int, error) {
	ws, err := s.Store.Closed(ctx, s.Now().Add(-s.Lateness), cmp.Or(s.group, fewWindows))
	if err != nil || len(ws) == 0 {
		return 0, err
	}
	ids := make([]plinth.DeviceID, len(ws))
	for i, w := range ws {
		ids[i] = w.Device
	}
	rows, err := s.Rows.Window(ctx, ids, ws[0].From, ws[0].To)
	if err != nil {
		return 0, err
	}
	s.group = min(max(len(ws)*rowsAtOnce/max(len(rows), 1), 1), manyWindows)
	segments := make([]Segment, 0, len(ws))
	for _, w := range ws {
		seg, err := s.segment(w, rowsOf(rows, w.Device))
		if err != nil {
			return 0, err
		}
		segments = append(segments, seg)
	}
	if err := s.Store.Seal(ctx, segments); err != nil {
		return 0, fmt.Errorf("seal segments: %w", err)
	}
	return len(ws), nil
}

// rowsOf returns the part of rows, which are ordered by device, that is of d.
func rowsOf(rows []sensors.Reading, d plinth.DeviceID) []sensors.Reading {
	from := slices.IndexFunc(rows, func(r sensors.Reading) bool { return r.Device == d })
	if from < 0 {
		return nil
	}
	to := from
	for to < len(rows) && rows[to].Device == d {
		to++
	}
	return rows[from:to]
}

func (s *Segmenter) segment(w Window, rows []sensors.Reading) (Segment, error) {
	seg := Segment{Window: w, Count: uint64(len(rows)), Root: SegmentRoot(rows)}
	if d := s.Registry.Device(w.Device); d != nil {
		seg.Owner = d.Owner
	}
	payload, err := ledger.Segment{Device: string(w.Device), From: w.From, To: w.To, Count: seg.Count, Root: seg.Root}.Encode()
	if err != nil {
		return Segment{}, err
	}
	seg.Payload = payload
	return seg, nil
}

// Record is the segment's record for the log. Its id follows from what it says, so a repeat is the same record.
func (s Segment) Record(supersedes uuid.UUID) ledger.Record {
	return ledger.Record{
		ID:     uuid.NewSHA1(segmentSpace, slices.Concat(s.Payload, supersedes[:])),
		Origin: ledger.Device, Kind: ledger.SegmentKind, Org: string(s.Owner), Subject: ledger.DeviceSubject(string(s.Device)),
		From: s.From, To: s.To, Count: s.Count, Payload: s.Payload, Relation: ledger.Attributed, Supersedes: supersedes,
	}
}

var segmentSpace = uuid.NewSHA1(uuid.NameSpaceURL, []byte("plinth/device.segment/v1"))

// SegmentRoot is the root of a segment's tree over rows in order of metric, time and seq; see ledger.SegmentRoot.
func SegmentRoot(rows []sensors.Reading) [32]byte { return ledger.SegmentRoot(EvidenceReadings(rows)) }

// ReadingLeaf is the bytes that stand for r in a segment's tree; see ledger.ReadingLeaf.
func ReadingLeaf(r sensors.Reading) []byte { return ledger.ReadingLeaf(evidenceReading(r)) }

// EvidenceReadings are rows as the ledger knows readings.
func EvidenceReadings(rows []sensors.Reading) []ledger.Reading {
	out := make([]ledger.Reading, len(rows))
	for i, r := range rows {
		out[i] = evidenceReading(r)
	}
	return out
}

func evidenceReading(r sensors.Reading) ledger.Reading {
	return ledger.Reading{Device: string(r.Device), Metric: r.Metric, At: r.At, Seq: r.Seq, Value: r.Value}
}
