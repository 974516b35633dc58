package audit

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"slices"

	"golang.org/x/mod/sumdb/tlog"

	"plinth/ledger"
)

// saved is what an audit leaves for the next: as far as everything was right, where that is in the files, and what is
// needed to go on. It is the auditor's own file; a hash over it shows damage, not malice.
type saved struct {
	Version uint8                `cbor:"1,keyasint"`
	Channel string               `cbor:"2,keyasint"`
	Chain   savedChain           `cbor:"3,keyasint"`
	Logs    map[string]*savedLog `cbor:"4,keyasint"` // by origin
	Skipped map[string]int64     `cbor:"5,keyasint"`
	Begun   string               `cbor:"6,keyasint,omitempty"` // see ReadBegun; of another making the data are looked at from the first
}

type savedChain struct {
	Height       uint64 `cbor:"1,keyasint"`
	Offset       int64  `cbor:"2,keyasint"`
	Previous     []byte `cbor:"3,keyasint"`
	CommitHash   []byte `cbor:"4,keyasint"`
	Config       []byte `cbor:"5,keyasint"`
	State        State  `cbor:"6,keyasint"`
	IDs          []byte `cbor:"7,keyasint"` // 16 bytes each
	Transactions int64  `cbor:"8,keyasint"`
	Signatures   int64  `cbor:"9,keyasint"`
}

// savedLog is one log. Size and Root are the newest checkpoint that was found right: what comes later must extend it.
type savedLog struct {
	Name     string           `cbor:"1,keyasint"`
	Size     int64            `cbor:"2,keyasint"`
	Root     []byte           `cbor:"3,keyasint"`
	Tree     int64            `cbor:"4,keyasint"` // entries under Range
	Range    [][]byte         `cbor:"5,keyasint"`
	Offset   int64            `cbor:"6,keyasint"`
	Seen     int64            `cbor:"7,keyasint"` // attested checkpoints
	SeenAt   int64            `cbor:"8,keyasint"`
	Data     []int64          `cbor:"9,keyasint"`  // index, offsets of entries, records, rows
	Subjects []byte           `cbor:"10,keyasint"` // tag, sequence and index of each, 32 bytes
	Late     map[string]int64 `cbor:"11,keyasint"`
	Erasures []byte           `cbor:"12,keyasint"` // tags of subjects whose erasure was told of, 16 bytes each
}

const stateVersion = 1

// loadState reads a state file; a file that is not there is an audit that begins.
func loadState(path string) (*saved, error) {
	b, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	if len(b) < sha256.Size {
		return nil, fmt.Errorf("audit state %s: it is cut short", path)
	}
	body, sum := b[:len(b)-sha256.Size], b[len(b)-sha256.Size:]
	if want := sha256.Sum256(body); !bytes.Equal(want[:], sum) {
		return nil, fmt.Errorf("audit state %s: it is damaged; remove it to audit from the beginning", path)
	}
	var s saved
	if err := stateEncoding.Unmarshal(body, &s); err != nil {
		return nil, fmt.Errorf("audit state %s: %w", path, err)
	}
	if s.Version != stateVersion {
		return nil, fmt.Errorf("audit state %s: version %d is not known", path, s.Version)
	}
	return &s, nil
}

// madeAnew has the data of record looked at from the first when the folder is not the one of the audit before: their
// places in the files are others now. Chain, checkpoints and trees have one form and go on.
func (s *saved) madeAnew(begun string) bool {
	if s.Begun == begun {
		return false
	}
	s.Begun = begun
	for _, l := range s.Logs {
		l.Data, l.Subjects, l.Late, l.Erasures = make([]int64, 4), nil, nil, nil
	}
	return true
}

// save writes the state beside the old one and puts it in its place.
func (s *saved) save(path string) error {
	b, err := stateEncoding.Marshal(s)
	if err != nil {
		return err
	}
	sum := sha256.Sum256(b)
	if err := os.WriteFile(path+".new", append(b, sum[:]...), 0o600); err != nil {
		return err
	}
	return os.Rename(path+".new", path)
}

func (c *chainAudit) save(offset int64) savedChain {
	s := savedChain{Height: c.height, Offset: offset, Previous: c.previous, CommitHash: c.commitHash, Config: c.configAt,
		State: c.state, Transactions: c.report.Transactions, Signatures: c.report.Signatures}
	for id := range c.ids {
		s.IDs = append(s.IDs, id[:]...)
	}
	return s
}

// load goes on from a saved chain.
func (c *chainAudit) load(s savedChain) error {
	config, err := parseConfig(s.Config)
	if err != nil {
		return err
	}
	if err := c.adopt(config); err != nil {
		return err
	}
	c.height, c.previous, c.commitHash, c.configAt = s.Height, s.Previous, s.CommitHash, s.Config
	c.report.Blocks, c.report.Transactions, c.report.Signatures = int64(s.Height), s.Transactions, s.Signatures
	c.report.Head = hexOf([sha256.Size]byte(s.Previous))
	if s.State != nil {
		c.state = s.State
	}
	for id := range slices.Chunk(s.IDs, len(txID{})) {
		c.ids[txID(id)] = true
	}
	return nil
}

func (l *savedLog) point() (anchorPoint, bool) {
	if l.Size == 0 || len(l.Root) != hashSize {
		return anchorPoint{}, false
	}
	return anchorPoint{l.Size, tlog.Hash(l.Root), "the audit before"}, true
}

func (l *savedLog) tree() compact {
	c := compact{size: l.Tree}
	for _, h := range l.Range {
		c.hashes = append(c.hashes, tlog.Hash(h))
	}
	return c
}

func (l *savedLog) setTree(c compact, offset int64) {
	l.Tree, l.Offset, l.Range = c.size, offset, nil
	for _, h := range c.hashes {
		l.Range = append(l.Range, h[:])
	}
}

func (l *savedLog) setSubjects(all map[ledger.Tag]subject) {
	l.Subjects = make([]byte, 0, 32*len(all))
	for tag, s := range all {
		l.Subjects = append(l.Subjects, tag[:]...)
		l.Subjects = binary.BigEndian.AppendUint64(l.Subjects, s.Seq)
		l.Subjects = binary.BigEndian.AppendUint64(l.Subjects, uint64(s.Index))
	}
}

func (l *savedLog) subjects() map[ledger.Tag]subject {
	out := make(map[ledger.Tag]subject, len(l.Subjects)/32)
	for b := range slices.Chunk(l.Subjects, 32) {
		out[ledger.Tag(b)] = subject{binary.BigEndian.Uint64(b[16:]), int64(binary.BigEndian.Uint64(b[24:]))}
	}
	return out
}

func (l *savedLog) setErasures(all map[ledger.Tag]bool) {
	l.Erasures = nil
	for tag := range all {
		l.Erasures = append(l.Erasures, tag[:]...)
	}
}

func (l *savedLog) loadErasures(into map[ledger.Tag]bool) {
	for tag := range slices.Chunk(l.Erasures, len(ledger.Tag{})) {
		into[ledger.Tag(tag)] = true
	}
}

// stateEncoding allows what a state may hold and no object of an export: a chain's keys by the million.
var stateEncoding = ledger.NewCBOR(1<<20, 1<<30)
