package audit

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/tlog"

	"plinth/ledger"
)

// Names of the files in an export. Those of a log lie in a folder of the origin's name.
const (
	ManifestFile    = "export.json"  // Manifest; written last, when the rest is durable
	RootsFile       = "roots.json"   // ledger.Trust as the house has it, for comparison with the auditor's
	BlocksFile      = "chain/blocks" // frames: blocks as a peer has them, from 0
	EntriesFile     = "entries"      // each entry behind its length in two bytes, big-endian (C2SP tlog-tiles bundles)
	CheckpointFile  = "checkpoint"   // newest checkpoint, a signed note; it may be ahead of the chain
	CheckpointsFile = "checkpoints"  // frames: Attested
	RecordsFile     = "records"      // frames: Record, one per entry
	RowsFile        = "rows"         // frames: Rows, one per entry of the device log
	ReceiptsDir     = "receipts"     // *.tlog-proof
	BegunFile       = "begun"        // ReadBegun
)

// HashesFile is the file of a tile level: its hashes one after the other.
func HashesFile(level int) string { return "hashes." + strconv.Itoa(level) }

// formatVersion is the version of the folder's form.
const formatVersion = 1

// Manifest says what an export holds. It proves nothing; it tells an incomplete folder from a complete one.
type Manifest struct {
	Version   int              `json:"version"`
	Channel   string           `json:"channel"`
	Chaincode string           `json:"chaincode"`
	Blocks    int64            `json:"blocks"`
	Logs      []LogManifest    `json:"logs"`
	Files     map[string]int64 `json:"files"` // bytes by name, the receipts and this one aside
}

// LogManifest is one log's part of a manifest.
type LogManifest struct {
	Origin      ledger.Origin `json:"origin"`
	Name        string        `json:"name"` // the origin line
	Size        int64         `json:"size"`
	Root        string        `json:"root"` // of that size, base64
	Checkpoints int64         `json:"checkpoints"`
	Data        bool          `json:"data"` // whether the data of record are there
	Rows        bool          `json:"rows"` // whether the rows of readings are there
}

// NewManifest begins an export; empty names are the defaults.
func NewManifest(channel, chaincode string) Manifest {
	return Manifest{Version: formatVersion, Channel: cmp.Or(channel, ledger.DefaultChannel),
		Chaincode: cmp.Or(chaincode, ledger.DefaultChaincode), Logs: []LogManifest{}, Files: map[string]int64{}}
}

// Log returns the part of one log, to be changed; a new one when there is none.
func (m *Manifest) Log(o ledger.Origin) *LogManifest {
	for i := range m.Logs {
		if m.Logs[i].Origin == o {
			return &m.Logs[i]
		}
	}
	m.Logs = append(m.Logs, LogManifest{Origin: o})
	return &m.Logs[len(m.Logs)-1]
}

// Encode returns the manifest's one form.
func (m Manifest) Encode() []byte { return canonicalJSON(m) }

func canonicalJSON(v any) []byte {
	b, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		panic(err) // the types here always have a form
	}
	return append(b, '\n')
}

// ReadManifest reads a folder's manifest. An error of kind not-exist means that the folder is new.
func ReadManifest(dir string) (Manifest, error) {
	b, err := readSmall(filepath.Join(dir, ManifestFile))
	if err != nil {
		return Manifest{}, err
	}
	var m Manifest
	if err := json.Unmarshal(b, &m); err != nil {
		return Manifest{}, fmt.Errorf("not JSON of the expected form: %w", err)
	}
	if m.Version != formatVersion {
		return Manifest{}, fmt.Errorf("its version is %d, this auditor knows %d", m.Version, formatVersion)
	}
	if !bytes.Equal(m.Encode(), b) {
		return Manifest{}, fmt.Errorf("not in its one form")
	}
	return m, nil
}

// ReadBegun returns what names the making of a folder, "" when it names none. A folder that is made anew, as after an
// erasure, has another name: its data of record do not continue those of before. The name proves nothing.
func ReadBegun(dir string) (string, error) {
	b, err := readSmall(filepath.Join(dir, BegunFile))
	if errors.Is(err, os.ErrNotExist) {
		return "", nil
	}
	return strings.TrimSpace(string(b)), err
}

// maxSmall bounds the files that are read whole.
const maxSmall = 4 << 20

func readSmall(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if info.Size() > maxSmall {
		return nil, fmt.Errorf("it has more than %d bytes", maxSmall)
	}
	return os.ReadFile(path)
}

// Attested is a checkpoint that the organisations attest: an object of CheckpointsFile, a CBOR map.
type Attested struct {
	Note        []byte `cbor:"1,keyasint"`
	Attestation []byte `cbor:"2,keyasint"` // ledger.Attestation
}

// Encode returns the object's bytes.
func (a Attested) Encode() ([]byte, error) { return encoding.Marshal(a) }

// What a Record or Rows object holds.
const (
	HoldsAll    = 0
	HoldsErased = 1 // a record whose payload was shredded with its subject's key
	HoldsLate   = 2 // a segment that a later one of the same window covers again: its rows cannot be told apart any more
	HoldsNone   = 3 // a device entry that is no segment
)

// Record is one row of the data of record with what opens its commitment: an object of RecordsFile, a CBOR map. The
// subject's name is not in it: an auditor could not check it, and the entry has its tag.
type Record struct {
	Holds      uint8    `cbor:"1,keyasint"`
	ID         []byte   `cbor:"2,keyasint"`
	Kind       string   `cbor:"3,keyasint"`
	Org        string   `cbor:"4,keyasint"`
	From       int64    `cbor:"5,keyasint"` // milliseconds since 1970, UTC
	To         int64    `cbor:"6,keyasint"`
	Count      uint64   `cbor:"7,keyasint"`
	Relation   string   `cbor:"8,keyasint,omitempty"`
	Inputs     [][]byte `cbor:"9,keyasint,omitempty"`
	Supersedes []byte   `cbor:"10,keyasint,omitempty"`
	Payload    []byte   `cbor:"11,keyasint,omitempty"`
	Salt       []byte   `cbor:"12,keyasint,omitempty"`
}

// Encode returns the object's bytes.
func (r Record) Encode() ([]byte, error) { return encoding.Marshal(r) }

// Rows are a segment's readings in the order of its tree, each in the bytes that the tree hashes (see the pipelines'
// ReadingLeaf): an object of RowsFile, a CBOR map.
type Rows struct {
	Holds uint8    `cbor:"1,keyasint"`
	Rows  [][]byte `cbor:"2,keyasint,omitempty"`
}

// Encode returns the object's bytes.
func (r Rows) Encode() ([]byte, error) { return encoding.Marshal(r) }

// Limits of the objects, far above what a house writes.
const (
	maxBlock      = 128 << 20
	maxAttested   = 64 << 10
	maxRecord     = ledger.MaxPayload + 1<<16
	maxRows       = 64 << 20
	entriesInTile = 256
	tileHeight    = 8
	hashSize      = tlog.HashSize
)

// ParseAttested reads an object of CheckpointsFile and refuses bytes that Encode would not write, as do the next two.
func ParseAttested(b []byte) (a Attested, err error) { err = decode(b, &a); return a, err }

// ParseRecord reads an object of RecordsFile.
func ParseRecord(b []byte) (r Record, err error) { err = decode(b, &r); return r, err }

// ParseRows reads an object of RowsFile.
func ParseRows(b []byte) (r Rows, err error) { err = decode(b, &r); return r, err }
