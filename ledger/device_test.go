package ledger_test

import (
	"bytes"
	"errors"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"golang.org/x/mod/sumdb/tlog"

	"plinth/ledger"
)

func TestDeviceFileProvesThatNothingIsMissing(t *testing.T) {
	l, at := town(t)
	size := int64(len(l.entries))
	f := l.file(t, size, true, at...)
	l.prove(t, &f, at[0], 59)
	l.prove(t, &f, at[3], 60)
	v, err := ledger.VerifyDevice(encodeDevice(t, f), l.policy(), "wq-7", start(0), start(5))
	if err != nil || v.Word != ledger.ProvenWithData {
		t.Fatalf("got %s, %v", v.Word, err)
	}
	if v.First != 1 || v.Last != 5 || !v.EndProven || v.Checkpoint.Size != size || v.Chain.Block != 27 {
		t.Errorf("the verdict tells %+v", v)
	}
	var seqs []uint64
	for _, w := range v.Windows {
		seqs = append(seqs, w.Seq)
	}
	if want := []uint64{1, 4, 3, 5}; !slices.Equal(seqs, want) {
		t.Errorf("segments in force %v, want %v: the fourth supersedes the second", seqs, want)
	}
	if want := []ledger.Stretch{{From: start(2), To: start(3)}}; !cmp.Equal(v.Gaps, want) {
		t.Errorf("gaps %v, want %v", v.Gaps, want)
	}
	if !slices.Contains(v.NotChecked, ledger.NotSilence) || slices.Contains(v.NotChecked, ledger.NotEarlierSegments) {
		t.Errorf("not checked: %v", v.NotChecked)
	}
	if len(v.Readings) != 2 || !v.Readings[1].Current || v.Readings[1].Metric != "turbidity" || v.Readings[0].Value != 7+59.0/8 {
		t.Errorf("readings %+v", v.Readings)
	}
	out := v.Report(nil)
	if out.Device == nil || out.Device.Readings != 60+61+60+1 || len(out.Device.Windows) != 4 || out.Proof != nil {
		t.Errorf("the report tells %+v", out.Device)
	}
}

// TestDeviceFileWithoutAPayloadProvesTheRest has the payload of the segment withheld that supersedes another.
func TestDeviceFileWithoutAPayloadProvesTheRest(t *testing.T) {
	l, at := town(t)
	f := l.file(t, int64(len(l.entries)), true, at...)
	f.Segments[3].Salt, f.Segments[3].Payload = nil, nil
	v, err := ledger.VerifyDevice(encodeDevice(t, f), l.policy(), "wq-7", start(0), start(5))
	if err != nil || v.Word != ledger.Proven || v.NotChecked[0] != ledger.NotSilence || !slices.Contains(v.NotChecked, ledger.NotWithheld) {
		t.Fatalf("got %s, %v, not checked %v", v.Word, err, v.NotChecked)
	}
	if w := v.Windows[1]; w.Seq != 4 || !w.Withheld || w.Count != 61 || w.Root != [32]byte{} {
		t.Errorf("of the window in force: %+v", w)
	}
	if out := v.Report(nil).Device.Windows[1]; !out.Withheld || out.RootHash != "" {
		t.Errorf("the report tells %+v", out)
	}
	l.prove(t, &f, at[3], 60)
	if _, err := ledger.VerifyDevice(encodeDevice(t, f), l.policy(), "wq-7", start(0), start(5)); err == nil || !strings.Contains(err.Error(), "has no payload") {
		t.Errorf("a reading of it: got %v", err)
	}
	for i := range f.Segments {
		f.Segments[i].Salt, f.Segments[i].Payload = nil, nil
	}
	f.Readings = nil
	if v, err := ledger.VerifyDevice(encodeDevice(t, f), l.policy(), "wq-7", start(0), start(5)); err == nil || v.Word != ledger.CannotEvaluate {
		t.Errorf("without any payload: got %s, %v", v.Word, err)
	}
	f.Segments[0].Salt = salt
	if _, err := ledger.VerifyDevice(encodeDevice(t, f), l.policy(), "wq-7", start(0), start(5)); err == nil {
		t.Error("a salt without its payload is taken for a payload withheld")
	}
}

func TestDeviceFileSaysWhatItsEndsDoNotProve(t *testing.T) {
	l, at := town(t)
	size := int64(len(l.entries))
	v, err := ledger.VerifyDevice(encodeDevice(t, l.file(t, size, false, at[2:]...)), l.policy(), "wq-7", start(3), start(5))
	if err != nil || v.Word != ledger.Proven || v.EndProven || len(v.Gaps) != 0 {
		t.Fatalf("got %s, %v, %+v", v.Word, err, v)
	}
	if v.NotChecked[0] != ledger.NotNewestEnd || v.NotChecked[1] != ledger.NotEarlierSegments {
		t.Errorf("not checked: %v", v.NotChecked)
	}
	if v.Report(nil).Device.EndProven {
		t.Error("the report says that the end is proven")
	}
}

func TestAReadingOfASupersededSegmentIsSaidToBe(t *testing.T) {
	l, at := town(t)
	f := l.file(t, int64(len(l.entries)), true, at...)
	l.prove(t, &f, at[1], 0)
	v, err := ledger.VerifyDevice(encodeDevice(t, f), l.policy(), "wq-7", start(0), start(5))
	if err != nil || v.Readings[0].Current {
		t.Errorf("%v, %+v", err, v.Readings)
	}
}

// deviceCase is one way in which a file lies, and what must be said of it.
type deviceCase struct {
	name   string
	note   string
	device string
	word   ledger.Word
	part   ledger.Part
	says   string
	bend   func(t testing.TB, l *deviceLog, at []int64, f *ledger.DeviceFile)
}

var deviceCases = []deviceCase{
	{"segment-omitted", "the third entry is left out", "wq-7", ledger.Untrusted, ledger.PartSegment, "entry 3 is missing: 4 follows 2",
		func(t testing.TB, l *deviceLog, at []int64, f *ledger.DeviceFile) {
			*f = l.file(t, int64(len(l.entries)), true, at[0], at[1], at[3], at[4])
		}},
	{"newest-omitted", "the newest entry is left out, and the log's end with it told", "wq-7", ledger.Untrusted, ledger.PartSegment, "entry 5 of the device is at place",
		func(t testing.TB, l *deviceLog, at []int64, f *ledger.DeviceFile) {
			*f = l.file(t, int64(len(l.entries)), true, at[:4]...)
		}},
	{"segments-swapped", "two entries change places", "wq-7", ledger.Untrusted, ledger.PartSegment, "entry 3 is missing: 4 follows 2",
		func(_ testing.TB, _ *deviceLog, _ []int64, f *ledger.DeviceFile) {
			f.Segments[2], f.Segments[3] = f.Segments[3], f.Segments[2]
		}},
	{"count-changed", "a payload tells another count", "wq-7", ledger.Untrusted, ledger.PartPayload, "entry 1: the payload is not the one",
		func(t testing.TB, _ *deviceLog, _ []int64, f *ledger.DeviceFile) {
			s, err := ledger.ParseSegment(f.Segments[0].Payload)
			if err != nil {
				t.Fatal(err)
			}
			s.Count++
			if f.Segments[0].Payload, err = s.Encode(); err != nil {
				t.Fatal(err)
			}
		}},
	{"entry-count-changed", "an entry tells another count", "wq-7", ledger.Untrusted, ledger.PartProof, "entry 3: its window or count is not the payload's",
		func(t testing.TB, _ *deviceLog, _ []int64, f *ledger.DeviceFile) {
			e, err := ledger.ParseEntry(f.Segments[2].Entry)
			if err != nil {
				t.Fatal(err)
			}
			e.Count = 59
			if f.Segments[2].Entry, err = e.Encode(); err != nil {
				t.Fatal(err)
			}
		}},
	{"entry-org-changed", "an entry names another organisation", "wq-7", ledger.Untrusted, ledger.PartProof, "not at their places under the attested root",
		func(t testing.TB, _ *deviceLog, _ []int64, f *ledger.DeviceFile) {
			e, err := ledger.ParseEntry(f.Segments[2].Entry)
			if err != nil {
				t.Fatal(err)
			}
			e.Org = "market"
			if f.Segments[2].Entry, err = e.Encode(); err != nil {
				t.Fatal(err)
			}
		}},
	{"place-changed", "the newest entry's place", "wq-7", ledger.Untrusted, ledger.PartSegment, "do not reach to the checkpoint's end",
		func(_ testing.TB, _ *deviceLog, _ []int64, f *ledger.DeviceFile) { f.Segments[4].Index++ }},
	{"proof-bit", "a bit of the proof", "wq-7", ledger.Untrusted, ledger.PartProof, "not at their places",
		func(_ testing.TB, _ *deviceLog, _ []int64, f *ledger.DeviceFile) { f.Proof[2][7] ^= 1 }},
	{"proof-long", "one hash too many", "wq-7", ledger.Untrusted, ledger.PartProof, "too long",
		func(_ testing.TB, _ *deviceLog, _ []int64, f *ledger.DeviceFile) {
			f.Proof = append(f.Proof, f.Proof[0])
		}},
	{"proof-short", "one hash too few", "wq-7", ledger.Untrusted, ledger.PartProof, "too short",
		func(_ testing.TB, _ *deviceLog, _ []int64, f *ledger.DeviceFile) { f.Proof = f.Proof[:len(f.Proof)-1] }},
	{"older-checkpoint", "another, older checkpoint, attested too", "wq-7", ledger.Untrusted, ledger.PartSegment, "cannot be at place",
		func(t testing.TB, l *deviceLog, at []int64, f *ledger.DeviceFile) {
			old := l.file(t, at[4]-1, true, at[:4]...)
			f.Checkpoint, f.Attestation = old.Checkpoint, old.Attestation
		}},
	{"foreign-device", "an honest file of another device", "noise-3", ledger.PolicyFailed, ledger.PartDevice, `of the device "wq-7", want "noise-3"`,
		func(testing.TB, *deviceLog, []int64, *ledger.DeviceFile) {}},
	{"foreign-entry", "an entry of another device in between", "wq-7", ledger.Untrusted, ledger.PartSegment, "another subject's",
		func(_ testing.TB, l *deviceLog, at []int64, f *ledger.DeviceFile) { f.Segments[2] = l.files[at[2]-1] }},
	{"reading-of-another-segment", "a reading with another segment's number", "wq-7", ledger.Untrusted, ledger.PartReading, "not of the device and window of segment 3",
		func(t testing.TB, l *deviceLog, at []int64, f *ledger.DeviceFile) {
			l.prove(t, f, at[0], 3)
			f.Readings[0].Segment = 3
		}},
	{"reading-changed", "a reading with another value", "wq-7", ledger.Untrusted, ledger.PartReading, "not at place 3 of segment 1",
		func(t testing.TB, l *deviceLog, at []int64, f *ledger.DeviceFile) {
			l.prove(t, f, at[0], 3)
			r := l.rows[at[0]][3]
			r.Value += 0.5
			f.Readings[0].Leaf = ledger.ReadingLeaf(r)
		}},
	{"reading-moved", "a reading at another place", "wq-7", ledger.Untrusted, ledger.PartReading, "not at place 4 of segment 1",
		func(t testing.TB, l *deviceLog, at []int64, f *ledger.DeviceFile) {
			l.prove(t, f, at[0], 3)
			f.Readings[0].Place = 4
		}},
	{"reading-twice", "a reading told twice", "wq-7", ledger.Untrusted, ledger.PartReading, "twice",
		func(t testing.TB, l *deviceLog, at []int64, f *ledger.DeviceFile) {
			l.prove(t, f, at[0], 3)
			l.prove(t, f, at[0], 3)
		}},
	{"salt-cut", "a salt of 16 bytes", "wq-7", ledger.Untrusted, ledger.PartPayload, "salt has 16 bytes",
		func(_ testing.TB, _ *deviceLog, _ []int64, f *ledger.DeviceFile) { f.Segments[1].Salt = salt[:16] }},
	{"one-org", "attested by one organisation", "wq-7", ledger.PolicyFailed, ledger.PartEndorsement, "required and missing",
		func(_ testing.TB, _ *deviceLog, _ []int64, f *ledger.DeviceFile) {
			f.Attestation.Endorsements = f.Attestation.Endorsements[:1]
		}},
}

func TestDeviceFileThatLiesIsRefusedWithItsFirstFault(t *testing.T) {
	l, at := town(t)
	for _, c := range deviceCases {
		t.Run(c.name, func(t *testing.T) {
			f := l.file(t, int64(len(l.entries)), true, at...)
			c.bend(t, l, at, &f)
			v, err := ledger.VerifyDevice(encodeDevice(t, f), l.policy(), c.device, start(0), start(5))
			var fault *ledger.Fault
			if !errors.As(err, &fault) || v.Word != c.word || fault.Part != c.part || !strings.Contains(err.Error(), c.says) {
				t.Errorf("got %s, %v; want %s, %s: %s", v.Word, err, c.word, c.part, c.says)
			}
			if v.Report(err).Device != nil {
				t.Error("the report tells of windows that are not proven")
			}
		})
	}
}

// TestSegmentsOfOneWindowMustSupersede has the log's own writer seal one window twice without saying so.
func TestSegmentsOfOneWindowMustSupersede(t *testing.T) {
	for name, supersedes := range map[string]uuid.UUID{"twice": uuid.Nil, "another": uuid.NameSpaceDNS} {
		l := newDeviceLog(t)
		a := l.seal(t, "wq-7", 0, readings("wq-7", 0, 2), uuid.Nil)
		b := l.seal(t, "wq-7", 0, readings("wq-7", 0, 3), supersedes)
		_, err := ledger.VerifyDevice(encodeDevice(t, l.file(t, 2, true, a, b)), l.policy(), "wq-7", start(0), start(1))
		if err == nil || !strings.Contains(err.Error(), "does not supersede") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestDeviceFileIsForALogOfDevices(t *testing.T) {
	f := newFixture(t, 3)
	r := f.receipt(t, 0)
	proof, err := ledger.ProveLeaves(3, []int64{0}, f.hashes.node)
	if err != nil {
		t.Fatal(err)
	}
	file := ledger.DeviceFile{Checkpoint: r.Checkpoint, Attestation: r.Attestation, Proof: proof,
		Segments: []ledger.SegmentEntry{{Entry: r.Entry}}}
	v, err := ledger.VerifyDevice(encodeDevice(t, file), f.policy(), "wq-7", start(0), start(1))
	if v.Word != ledger.PolicyFailed || err == nil {
		t.Errorf("got %s, %v", v.Word, err)
	}
}

func TestDeviceFileWithoutAPeriodCannotBeEvaluated(t *testing.T) {
	l, at := town(t)
	v, err := ledger.VerifyDevice(encodeDevice(t, l.file(t, 100, true, at[0])), l.policy(), "wq-7", start(1), start(1))
	if v.Word != ledger.CannotEvaluate || err == nil {
		t.Errorf("got %s, %v", v.Word, err)
	}
}

func TestEveryFlippedByteOfADeviceFileIsRefused(t *testing.T) {
	l, at := town(t)
	f := l.file(t, at[4]+1, true, at[2:]...)
	l.prove(t, &f, at[2], 7)
	good := encodeDevice(t, f)
	p := l.policy()
	for i := range good {
		bad := bytes.Clone(good)
		bad[i] ^= 1 << (i % 8)
		if _, err := ledger.VerifyDevice(bad, p, "wq-7", start(3), start(5)); err == nil {
			t.Fatalf("byte %d of %d changed, and the file is proven", i, len(good))
		}
	}
	for n := range len(good) {
		if _, err := ledger.ParseDeviceFile(good[:n]); err == nil {
			t.Fatalf("cut to %d bytes, and read", n)
		}
	}
}

func TestAProofOfLeavesIsTheInclusionProofInOrder(t *testing.T) {
	l, _ := town(t)
	for size := int64(1); size < int64(len(l.entries)); size += 13 {
		root, err := tlog.TreeHash(size, l.hashes)
		if err != nil {
			t.Fatal(err)
		}
		for i := range size {
			at := []int64{i}
			if j := (i + size/2) % size; j > i {
				at = append(at, j)
			}
			proof, err := ledger.ProveLeaves(size, at, l.hashes.node)
			if err != nil {
				t.Fatal(err)
			}
			var leaves []tlog.Hash
			for _, n := range at {
				leaves = append(leaves, ledger.Leaf(l.entries[n]))
			}
			if got, err := ledger.RootOf(size, at, leaves, proof); err != nil || got != root {
				t.Fatalf("size %d, %v: %v, %v", size, at, got, err)
			}
			single, err := tlog.ProveRecord(size, i, l.hashes)
			if err != nil || len(at) == 1 && len(single) != len(proof) {
				t.Fatalf("size %d, %d: %d hashes, RFC 6962 has %d, %v", size, i, len(proof), len(single), err)
			}
		}
	}
	for _, at := range [][]int64{nil, {-1}, {3}, {1, 1}, {2, 1}} {
		if _, err := ledger.ProveLeaves(3, at, l.hashes.node); err == nil {
			t.Errorf("places %v of 3 are taken", at)
		}
	}
}

func TestReadingHasOneForm(t *testing.T) {
	for _, r := range []ledger.Reading{
		{}, {Device: "wq-7", Metric: "ph", At: when, Seq: math.MaxUint64, Value: math.Inf(-1)},
		{Device: strings.Repeat("设", 100), Metric: "é", At: when.Add(time.Millisecond), Value: math.SmallestNonzeroFloat64},
	} {
		if r.At.IsZero() {
			r.At = time.UnixMilli(0).UTC()
		}
		got, err := ledger.ParseReading(ledger.ReadingLeaf(r))
		if err != nil || got != r {
			t.Errorf("%+v became %+v, %v", r, got, err)
		}
	}
	good := ledger.ReadingLeaf(ledger.Reading{Device: "d", Metric: "m", At: when})
	for _, bad := range [][]byte{nil, {0}, good[:10], good[:len(good)-1], append(bytes.Clone(good), 0), append([]byte{0, 0}, good[2:]...)} {
		if _, err := ledger.ParseReading(bad); err == nil {
			t.Errorf("%x is taken", bad)
		}
	}
}
