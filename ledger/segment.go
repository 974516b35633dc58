package ledger

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"time"

	"golang.org/x/mod/sumdb/tlog"
)

// SegmentKind is the kind of the records that cover a device's readings.
const SegmentKind = "device.segment"

// DeviceSubject is the subject of a device's records.
func DeviceSubject(device string) string { return "device:" + device }

// Reading is one measured value as a segment's tree knows it. Quality flags and the time of arrival are not in it: they
// are the house's judgement and its clock, and may differ when a row comes again.
type Reading struct {
	Device string
	Metric string
	At     time.Time // of the measurement, in whole milliseconds
	Seq    uint64    // the device's own count
	Value  float64
}

// readingDomain begins every reading's bytes.
const readingDomain = "plinth-reading/v1"

// ReadingLeaf returns the bytes that stand for r in a segment's tree: each text with its length in two bytes, each
// number in eight, big-endian, the time in milliseconds since 1970, the value as IEEE 754.
func ReadingLeaf(r Reading) []byte {
	b := make([]byte, 0, 64)
	for _, s := range []string{readingDomain, r.Device, r.Metric} {
		b = binary.BigEndian.AppendUint16(b, uint16(len(s)))
		b = append(b, s...)
	}
	b = binary.BigEndian.AppendUint64(b, uint64(r.At.UnixMilli()))
	b = binary.BigEndian.AppendUint64(b, r.Seq)
	return binary.BigEndian.AppendUint64(b, math.Float64bits(r.Value))
}

// ParseReading reads the bytes that ReadingLeaf writes and refuses all others.
func ParseReading(b []byte) (Reading, error) {
	var texts [3]string
	for i := range texts {
		if len(b) < 2 || len(b)-2 < int(binary.BigEndian.Uint16(b)) {
			return Reading{}, errors.New("reading: cut short")
		}
		n := 2 + int(binary.BigEndian.Uint16(b))
		texts[i], b = string(b[2:n]), b[n:]
	}
	if texts[0] != readingDomain || len(b) != 24 {
		return Reading{}, errors.New("reading: not of the form " + readingDomain)
	}
	at := int64(binary.BigEndian.Uint64(b))
	if at < 0 || at > maxMilli {
		return Reading{}, errors.New("reading: its time lies outside 1970 to 9999")
	}
	return Reading{Device: texts[1], Metric: texts[2], At: time.UnixMilli(at).UTC(),
		Seq: binary.BigEndian.Uint64(b[8:]), Value: math.Float64frombits(binary.BigEndian.Uint64(b[16:]))}, nil
}

// Segment is what a device.segment record's payload says: that the readings of one device in one window are Count, and
// the RFC 6962 root over them in order of metric, time and the device's count.
type Segment struct {
	Device   string
	From, To time.Time // the start included, the end not
	Count    uint64
	Root     tlog.Hash
}

// wireSegment is the payload as a CBOR array.
type wireSegment struct {
	_       struct{} `cbor:",toarray"`
	Version int
	Device  string
	From    int64 // milliseconds since 1970
	To      int64
	Count   uint64
	Root    []byte
}

// Encode returns the payload: deterministic CBOR (RFC 8949 §4.2.1).
func (s Segment) Encode() ([]byte, error) {
	b, err := encoding.Marshal(wireSegment{Version: 1, Device: s.Device, From: s.From.UnixMilli(), To: s.To.UnixMilli(),
		Count: s.Count, Root: s.Root[:]})
	if err != nil {
		return nil, fmt.Errorf("segment: %w", err)
	}
	return b, nil
}

// ParseSegment reads a payload and refuses any bytes that Encode would not write.
func ParseSegment(b []byte) (Segment, error) {
	var w wireSegment
	if err := decode(b, &w); err != nil {
		return Segment{}, fmt.Errorf("segment: %w", err)
	}
	switch {
	case w.Version != 1:
		return Segment{}, fmt.Errorf("segment: version %d is not known", w.Version)
	case len(w.Root) != tlog.HashSize:
		return Segment{}, errors.New("segment: its root is not 32 bytes")
	case w.From < 0 || w.To <= w.From || w.To > maxMilli:
		return Segment{}, errors.New("segment: its window is not valid")
	case w.Count == 0 || w.Count > maxCount:
		return Segment{}, errors.New("segment: its count is out of range")
	}
	return Segment{Device: w.Device, From: time.UnixMilli(w.From).UTC(), To: time.UnixMilli(w.To).UTC(), Count: w.Count,
		Root: tlog.Hash(w.Root)}, nil
}

// SegmentRoot is the RFC 6962 root over readings in the order in which they are given.
func SegmentRoot(rs []Reading) tlog.Hash {
	root, err := readingTree(rs)(0, int64(len(rs)))
	if err != nil {
		panic(err) // a tree in memory is always read
	}
	return root
}

// ProveReading returns the proof that the reading at a place is under the segment's root; see RootOf.
func ProveReading(rs []Reading, place int64) ([]tlog.Hash, error) {
	return proveLeaves(int64(len(rs)), []int64{place}, readingTree(rs))
}

// readingTree hashes readings as they are asked for.
func readingTree(rs []Reading) subtree {
	var hash subtree
	hash = func(lo, hi int64) (tlog.Hash, error) {
		switch hi - lo {
		case 0:
			return tlog.TreeHash(0, nil)
		case 1:
			return tlog.RecordHash(ReadingLeaf(rs[lo])), nil
		}
		mid := lo + split(hi-lo)
		left, err := hash(lo, mid)
		if err != nil {
			return tlog.Hash{}, err
		}
		right, err := hash(mid, hi)
		return tlog.NodeHash(left, right), err
	}
	return hash
}
