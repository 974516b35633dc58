package sequencer_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/uuid"

	"plinth"
	"plinth/internal/postgres"
	"plinth/ledger"
	"plinth/ledger/sequencer"
	"plinth/pipelines"
)

// rows are stored readings by device.
type rows map[string][]ledger.Reading

func (r rows) Readings(_ context.Context, device string, from, to time.Time) ([]ledger.Reading, error) {
	var out []ledger.Reading
	for _, x := range r[device] {
		if !x.At.Before(from) && x.At.Before(to) {
			out = append(out, x)
		}
	}
	return out, nil
}

// device registers a device.
func (h *house) device(id string) {
	h.t.Helper()
	if _, err := h.db.Exec(h.t.Context(), `INSERT INTO device (id, kind, owner, interval_s, segment_s, credential)
		VALUES ($1::text, 'water_quality', 'environment', 1, 60, encode(sha256(convert_to($1::text, 'UTF8')), 'hex'))`, id); err != nil {
		h.t.Fatal(err)
	}
}

func at(minute int) time.Time { return when.Add(time.Duration(minute) * time.Minute) }

// cover seals a device's minute with n readings and returns the segment's record.
func (h *house) cover(r rows, device string, minute, n int) uuid.UUID {
	h.t.Helper()
	var window []ledger.Reading
	for i := range n {
		window = append(window, ledger.Reading{Device: device, Metric: "ph", At: at(minute).Add(time.Duration(i) * time.Second / 2), Seq: uint64(i), Value: 7})
	}
	kept := r[device][:0:0]
	for _, x := range r[device] {
		if x.At.Before(at(minute)) || !x.At.Before(at(minute+1)) {
			kept = append(kept, x)
		}
	}
	r[device] = append(kept, window...)
	seg := pipelines.Segment{Window: pipelines.Window{Device: plinth.DeviceID(device), From: at(minute), To: at(minute + 1)},
		Count: uint64(n), Root: ledger.SegmentRoot(window), Owner: "environment"}
	var err error
	if seg.Payload, err = (ledger.Segment{Device: device, From: seg.From, To: seg.To, Count: seg.Count, Root: seg.Root}).Encode(); err != nil {
		h.t.Fatal(err)
	}
	if err := postgres.NewSegments(h.db).Seal(h.t.Context(), []pipelines.Segment{seg}); err != nil {
		h.t.Fatal(err)
	}
	var id uuid.UUID
	if err := h.db.QueryRow(h.t.Context(), `SELECT record_id FROM segment WHERE device = $1 AND t_from = $2 ORDER BY seq DESC LIMIT 1`,
		device, at(minute)).Scan(&id); err != nil {
		h.t.Fatal(err)
	}
	return id
}

// TestDeviceFileOfTheRunningLogIsProven follows one device among others, with a minute that gets late readings.
func TestDeviceFileOfTheRunningLogIsProven(t *testing.T) {
	h := newHouse(t)
	r := rows{}
	for _, d := range []string{"wq-7", "wq-8", "wq-9"} {
		h.device(d)
	}
	s, _ := h.run()
	devices := sequencer.Devices{Logs: s, Store: postgres.NewLedger(h.db), Rows: r}
	ask := sequencer.DeviceAsk{Device: "wq-7", From: at(0), To: at(5)}
	if _, err := devices.File(t.Context(), ask); !errors.Is(err, plinth.ErrNotFound) {
		t.Errorf("before its first segment: got %v, want ErrNotFound", err)
	}
	for _, minute := range []int{0, 1, 3} {
		h.wait("anchored", h.cover(r, "wq-8", minute, 4), h.cover(r, "wq-7", minute, 60))
	}
	late := h.cover(r, "wq-7", 1, 61)
	h.wait("anchored", late, h.cover(r, "wq-9", 0, 2))

	ask.Metric, ask.At = "ph", at(1).Add(59*time.Second)
	if _, err := devices.File(t.Context(), ask); !errors.Is(err, plinth.ErrInvalid) {
		t.Errorf("a moment without a reading: got %v, want ErrInvalid", err)
	}
	ask.At = at(1).Add(7 * time.Second)
	file, err := devices.File(t.Context(), ask)
	if err != nil {
		t.Fatal(err)
	}
	v, err := ledger.VerifyDevice(file, h.trust(), "wq-7", at(0), at(5))
	if err != nil || v.Word != ledger.ProvenWithData {
		t.Fatalf("got %s, %v", v.Word, err)
	}
	if v.First != 1 || v.Last != 4 || !v.EndProven || len(v.Windows) != 3 || len(v.Gaps) != 2 || v.Windows[1].Record != late {
		t.Errorf("the verdict tells %+v", v)
	}
	if len(v.Readings) != 1 || v.Readings[0].Record != late || !v.Readings[0].Current {
		t.Errorf("readings %+v, want one in the segment %s", v.Readings, late)
	}

	got, err := devices.Segments(t.Context(), "wq-7", at(0), at(5))
	if err != nil || len(got.Segments) != 4 || len(got.Gaps) != 2 {
		t.Fatalf("segments %+v, %v", got, err)
	}
	if old, new := got.Segments[1], got.Segments[2]; old.Current || !new.Current || new.Supersedes != old.Record || new.Seq != 4 || new.State != "anchored" {
		t.Errorf("of the minute with late readings: %+v, %+v", old, new)
	}

	r["wq-7"][1].Value = 9 // somebody changes a stored row
	ask.At = r["wq-7"][0].At
	if _, err := devices.File(t.Context(), ask); !errors.Is(err, plinth.ErrConflict) {
		t.Errorf("of readings that are not those sealed: got %v, want ErrConflict", err)
	}
}

func TestDeviceFileIsBounded(t *testing.T) {
	h := newHouse(t)
	s, _ := h.run()
	devices := sequencer.Devices{Logs: s, Store: postgres.NewLedger(h.db), Rows: rows{}}
	for _, p := range []struct{ from, to int }{{1, 1}, {2, 1}, {0, 31*24*60 + 1}} {
		if _, err := devices.File(t.Context(), sequencer.DeviceAsk{Device: "wq-7", From: at(p.from), To: at(p.to)}); !errors.Is(err, plinth.ErrInvalid) {
			t.Errorf("minutes %d to %d: got %v, want ErrInvalid", p.from, p.to, err)
		}
		if _, err := devices.Segments(t.Context(), "wq-7", at(p.from), at(p.to)); !errors.Is(err, plinth.ErrInvalid) {
			t.Errorf("segments of minutes %d to %d: got %v, want ErrInvalid", p.from, p.to, err)
		}
	}
}

// TestDeviceFileLooksBackWhenMuchFollows has more entries of others after a device's last than a file may show.
func TestDeviceFileLooksBackWhenMuchFollows(t *testing.T) {
	h := newHouse(t)
	r := rows{}
	h.device("wq-7")
	s, _ := h.run()
	h.wait("anchored", h.cover(r, "wq-7", 0, 3))
	var ids []uuid.UUID
	for i := range ledger.MaxDeviceRest + 10 {
		ids = append(ids, uuid.NewSHA1(uuid.NameSpaceOID, fmt.Append(nil, i)))
	}
	if _, err := h.db.Exec(t.Context(), `INSERT INTO ledger_outbox (id, origin, kind, org, subject, t_from, t_to, count, payload, relation)
		SELECT id, 'device', 'device.segment', 'environment', 'device:other', $2, $2, 1, '', '' FROM unnest($1::uuid[]) AS x (id)`, ids, when); err != nil {
		t.Fatal(err)
	}
	h.wait("anchored", ids...)
	file, err := sequencer.Devices{Logs: s, Store: postgres.NewLedger(h.db), Rows: r}.File(t.Context(), sequencer.DeviceAsk{Device: "wq-7", From: at(0), To: at(1)})
	if err != nil {
		t.Fatal(err)
	}
	v, err := ledger.VerifyDevice(file, h.trust(), "wq-7", at(0), at(1))
	if err != nil || !v.EndProven || v.Checkpoint.Size >= ledger.MaxDeviceRest {
		t.Errorf("got %+v, %v; want the log's end as of an old checkpoint", v, err)
	}
}
