package ledger

import (
	"errors"
	"fmt"

	"golang.org/x/mod/sumdb/tlog"
)

// DeviceFile is all that is needed to check years later, without asking anyone, that a device's segments are complete
// over a stretch: the device's entries one after the other up to its newest under a checkpoint, what their payloads
// say, and the organisations' word that this checkpoint is on the chain. See VerifyDevice.
type DeviceFile struct {
	Checkpoint  []byte // signed note
	Attestation Attestation
	Segments    []SegmentEntry // the entries of one subject, with consecutive numbers
	// Rest are all entries of the log between the last segment and the checkpoint's end. They show that the device has
	// no newer one. Without them, unless the last segment is the log's last entry, the file's end is not proven.
	Rest     [][]byte
	Proof    []tlog.Hash // of the segments' and the rest's leaves; see RootOf
	Readings []ReadingProof
}

// SegmentEntry is one entry of the device's subject. Salt and Payload are there for every entry of SegmentKind,
// but for those whose payload was shredded with the device's key: both are empty then.
type SegmentEntry struct {
	Index   int64
	Entry   []byte
	Salt    []byte
	Payload []byte
}

// ReadingProof is one reading and its way to the root of its segment.
type ReadingProof struct {
	Segment uint64 // the segment's number among the device's entries
	Place   int64  // among the segment's readings, from 0
	Leaf    []byte // see ReadingLeaf
	Path    []tlog.Hash
}

// Limits of a device file. Within them a file of 60-second segments covers eleven days.
const (
	MaxDeviceFile     = 16 << 20
	MaxDeviceSegments = 16384
	MaxDeviceRest     = 4096
	MaxDeviceReadings = 1024
)

const deviceDomain = "plinth-device/v1"

// wireDevice is the file's CBOR map. Hashes lie one after the other in one byte string.
type wireDevice struct {
	Domain      string          `cbor:"1,keyasint"`
	Checkpoint  []byte          `cbor:"2,keyasint"`
	Attestation wireAttestation `cbor:"3,keyasint"`
	Segments    []wireEntryAt   `cbor:"4,keyasint"`
	Rest        [][]byte        `cbor:"5,keyasint,omitempty"`
	Proof       []byte          `cbor:"6,keyasint"`
	Readings    []wireReading   `cbor:"7,keyasint,omitempty"`
}

type wireEntryAt struct {
	_       struct{} `cbor:",toarray"`
	Index   int64
	Entry   []byte
	Salt    []byte
	Payload []byte
}

type wireReading struct {
	_       struct{} `cbor:",toarray"`
	Segment uint64
	Place   int64
	Leaf    []byte
	Path    []byte
}

// Encode returns the file: deterministic CBOR (RFC 8949 §4.2.1).
func (f DeviceFile) Encode() ([]byte, error) {
	w := wireDevice{Domain: deviceDomain, Checkpoint: f.Checkpoint, Attestation: f.Attestation.wire(), Rest: f.Rest,
		Proof: joinHashes(f.Proof), Segments: []wireEntryAt{}}
	for _, s := range f.Segments {
		w.Segments = append(w.Segments, wireEntryAt{Index: s.Index, Entry: s.Entry, Salt: full(s.Salt), Payload: full(s.Payload)})
	}
	for _, r := range f.Readings {
		w.Readings = append(w.Readings, wireReading{Segment: r.Segment, Place: r.Place, Leaf: r.Leaf, Path: joinHashes(r.Path)})
	}
	b, err := encoding.Marshal(w)
	if err != nil {
		return nil, fmt.Errorf("device file: %w", err)
	}
	if len(b) > MaxDeviceFile {
		return nil, fmt.Errorf("device file: %d bytes are too many, at most %d are allowed", len(b), MaxDeviceFile)
	}
	return b, nil
}

// full keeps an absent byte string an empty one, never CBOR's null.
func full(b []byte) []byte {
	if b == nil {
		return []byte{}
	}
	return b
}

// ParseDeviceFile reads a file and refuses any bytes that Encode would not write. What it says is not checked; that is
// VerifyDevice.
func ParseDeviceFile(b []byte) (DeviceFile, error) {
	f, err := parseDeviceFile(b)
	if err != nil {
		return DeviceFile{}, &Fault{Part: PartFile, Err: err}
	}
	return f, nil
}

func parseDeviceFile(b []byte) (DeviceFile, error) {
	if len(b) > MaxDeviceFile {
		return DeviceFile{}, fmt.Errorf("%d bytes are too many, at most %d are allowed", len(b), MaxDeviceFile)
	}
	var w wireDevice
	if err := longEncoding.Unmarshal(b, &w); err != nil {
		return DeviceFile{}, err
	}
	if err := w.check(); err != nil {
		return DeviceFile{}, err
	}
	return w.file()
}

func (w wireDevice) check() error {
	switch {
	case w.Domain != deviceDomain:
		return errors.New("not a device file: key 1 must be " + deviceDomain)
	case len(w.Segments) == 0 || len(w.Segments) > MaxDeviceSegments:
		return fmt.Errorf("it must hold 1 to %d entries of the device", MaxDeviceSegments)
	case len(w.Rest) > MaxDeviceRest:
		return fmt.Errorf("at most %d further entries are allowed", MaxDeviceRest)
	case len(w.Readings) > MaxDeviceReadings:
		return fmt.Errorf("at most %d readings are allowed", MaxDeviceReadings)
	}
	return nil
}

func (w wireDevice) file() (f DeviceFile, err error) {
	f = DeviceFile{Checkpoint: w.Checkpoint, Rest: w.Rest}
	if f.Attestation, err = w.Attestation.attestation(); err != nil {
		return f, err
	}
	if f.Proof, err = splitHashes(w.Proof); err != nil {
		return f, err
	}
	for _, s := range w.Segments {
		f.Segments = append(f.Segments, SegmentEntry{Index: s.Index, Entry: s.Entry, Salt: s.Salt, Payload: s.Payload})
	}
	for _, r := range w.Readings {
		path, err := splitHashes(r.Path)
		if err != nil {
			return f, err
		}
		f.Readings = append(f.Readings, ReadingProof{Segment: r.Segment, Place: r.Place, Leaf: r.Leaf, Path: path})
	}
	return f, nil
}

func joinHashes(hs []tlog.Hash) []byte {
	b := make([]byte, 0, len(hs)*tlog.HashSize)
	for _, h := range hs {
		b = append(b, h[:]...)
	}
	return b
}

func splitHashes(b []byte) ([]tlog.Hash, error) {
	if len(b)%tlog.HashSize != 0 {
		return nil, errors.New("hashes are not a whole number of 32 bytes")
	}
	hs := make([]tlog.Hash, 0, len(b)/tlog.HashSize)
	for ; len(b) > 0; b = b[tlog.HashSize:] {
		hs = append(hs, tlog.Hash(b))
	}
	return hs, nil
}

// longEncoding is encoding for files that hold many entries.
var longEncoding = NewCBOR(MaxDeviceSegments, 32)
