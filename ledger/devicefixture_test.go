package ledger_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"plinth/ledger"
	"plinth/ledger/ledgertest"
)

const deviceOrigin = "putuo.plinth/device"

// node reads one hash of a level.
func (m memory) node(level int, n int64) (tlog.Hash, error) {
	return m[tlog.StoredHashIndex(level, n)], nil
}

// deviceLog is a log of devices in memory, with a consortium that attests its end.
type deviceLog struct {
	orgs    []*ledgertest.Org
	skey    string
	vkey    string
	entries [][]byte
	hashes  memory
	tails   map[string]int64              // index of a device's newest entry
	files   map[int64]ledger.SegmentEntry // by index
	rows    map[int64][]ledger.Reading
}

func newDeviceLog(t testing.TB) *deviceLog {
	t.Helper()
	l := &deviceLog{orgs: []*ledgertest.Org{ledgertest.NewOrg("BureauMSP", "peer"), ledgertest.NewOrg("OverseerMSP", "peer")},
		tails: map[string]int64{}, files: map[int64]ledger.SegmentEntry{}, rows: map[int64][]ledger.Reading{}}
	var err error
	if l.skey, l.vkey, err = note.GenerateKey(nil, deviceOrigin); err != nil {
		t.Fatal(err)
	}
	return l
}

// readings are n of a device in the window of a minute.
func readings(device string, minute, n int) []ledger.Reading {
	var out []ledger.Reading
	for i := range n {
		out = append(out, ledger.Reading{Device: device, Metric: "ph", At: start(minute).Add(time.Duration(i) * time.Second),
			Seq: uint64(minute*60 + i), Value: 7 + float64(i)/8})
	}
	return out
}

func start(minute int) time.Time { return when.Add(time.Duration(minute) * time.Minute) }

// seal adds a segment of a device's minute and returns its entry's index.
func (l *deviceLog) seal(t testing.TB, device string, minute int, rows []ledger.Reading, supersedes uuid.UUID) int64 {
	t.Helper()
	seg := ledger.Segment{Device: device, From: start(minute), To: start(minute + 1), Count: uint64(len(rows)), Root: ledger.SegmentRoot(rows)}
	payload, err := seg.Encode()
	if err != nil {
		t.Fatal(err)
	}
	index := int64(len(l.entries))
	e := ledger.Entry{ID: uuid.NewSHA1(uuid.NameSpaceOID, fmt.Append(nil, index)), Kind: ledger.SegmentKind, Org: "environment",
		Tag: ledger.SubjectTag([]byte("tenant"), ledger.DeviceSubject(device)), Seq: 1, Prev: -1, From: seg.From, To: seg.To,
		Count: seg.Count, Commitment: ledger.Commit(salt, payload), Relation: ledger.Attributed, Supersedes: supersedes}
	if before, ok := l.tails[device]; ok {
		last, err := ledger.ParseEntry(l.entries[before])
		if err != nil {
			t.Fatal(err)
		}
		e.Seq, e.Prev = last.Seq+1, before
	}
	b, err := e.Encode()
	if err != nil {
		t.Fatal(err)
	}
	hs, err := tlog.StoredHashesForRecordHash(index, ledger.Leaf(b), l.hashes)
	if err != nil {
		t.Fatal(err)
	}
	l.entries, l.hashes = append(l.entries, b), append(l.hashes, hs...)
	l.tails[device], l.rows[index] = index, rows
	l.files[index] = ledger.SegmentEntry{Index: index, Entry: b, Salt: salt, Payload: payload}
	return index
}

func (l *deviceLog) id(t testing.TB, index int64) uuid.UUID {
	t.Helper()
	e, err := ledger.ParseEntry(l.entries[index])
	if err != nil {
		t.Fatal(err)
	}
	return e.ID
}

// file is an honest file of entries under a size, with the log's end when rest is set.
func (l *deviceLog) file(t testing.TB, size int64, rest bool, at ...int64) ledger.DeviceFile {
	t.Helper()
	var f ledger.DeviceFile
	for _, i := range at {
		f.Segments = append(f.Segments, l.files[i])
	}
	at = slices.Clone(at)
	for i := at[len(at)-1] + 1; rest && i < size; i++ {
		f.Rest, at = append(f.Rest, l.entries[i]), append(at, i)
	}
	var err error
	if f.Proof, err = ledger.ProveLeaves(size, at, l.hashes.node); err != nil {
		t.Fatal(err)
	}
	root, err := tlog.TreeHash(size, l.hashes)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := note.NewSigner(l.skey)
	if err != nil {
		t.Fatal(err)
	}
	if f.Checkpoint, err = (ledger.Checkpoint{Origin: deviceOrigin, Size: size, Root: root}).Sign(signer); err != nil {
		t.Fatal(err)
	}
	f.Attestation = ledgertest.AnswerFor(ledger.AttestedCheckpoint{Channel: ledger.DefaultChannel, Origin: deviceOrigin,
		Size: size, Root: root, TxID: "4f1c9e"}, 27).Attest(l.orgs...)
	return f
}

// prove adds a reading of a segment to the file.
func (l *deviceLog) prove(t testing.TB, f *ledger.DeviceFile, index, place int64) {
	t.Helper()
	e, err := ledger.ParseEntry(l.entries[index])
	if err != nil {
		t.Fatal(err)
	}
	path, err := ledger.ProveReading(l.rows[index], place)
	if err != nil {
		t.Fatal(err)
	}
	f.Readings = append(f.Readings, ledger.ReadingProof{Segment: e.Seq, Place: place, Leaf: ledger.ReadingLeaf(l.rows[index][place]), Path: path})
}

func (l *deviceLog) policy() ledger.Policy {
	p := ledgertest.Policy(l.orgs...)
	p.LogKeys = []string{l.vkey}
	return p
}

func encodeDevice(t testing.TB, f ledger.DeviceFile) []byte {
	t.Helper()
	b, err := f.Encode()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// town is a log in which the device wq-7 has segments of the minutes 0, 1, 3, then minute 1 again, then 4, between
// those of other devices. It returns the places of wq-7's entries.
func town(t testing.TB) (*deviceLog, []int64) {
	l := newDeviceLog(t)
	var at []int64
	others := func(n int) {
		for i := range n {
			l.seal(t, fmt.Sprintf("noise-%d", i), len(l.entries), readings(fmt.Sprintf("noise-%d", i), len(l.entries), 3), uuid.Nil)
		}
	}
	for _, minute := range []int{0, 1, 3} {
		others(37)
		at = append(at, l.seal(t, "wq-7", minute, readings("wq-7", minute, 60), uuid.Nil))
	}
	others(11)
	again := append(readings("wq-7", 1, 60), ledger.Reading{Device: "wq-7", Metric: "turbidity", At: start(1), Value: 3})
	at = append(at, l.seal(t, "wq-7", 1, again, l.id(t, at[1])))
	others(5)
	at = append(at, l.seal(t, "wq-7", 4, readings("wq-7", 4, 1), uuid.Nil))
	others(9)
	return l, at
}
