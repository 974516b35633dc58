package ledger

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"golang.org/x/mod/sumdb/tlog"
)

// TileWidth is how many leaves a tile of the lowest level has (C2SP tlog-tiles).
const TileWidth = 256

// Batch is the receipt of many records of one tile: the tile's leaves, the entries among them, and one path from the
// tile to a checkpoint. It is a twenty-fifth of the size of as many receipts and costs one path and one attestation to
// check. C2SP has no such form; ours is deterministic CBOR, see wireBatch.
type Batch struct {
	First       int64            // index of the first leaf: a multiple of TileWidth
	Leaves      []tlog.Hash      // all of the tile that are under the checkpoint
	Entries     map[int64][]byte // by index; none, some or all
	Path        []tlog.Hash      // from the tile's root to the checkpoint's
	Checkpoint  []byte           // signed note
	Attestation Attestation
	Timestamp   []byte // as in Receipt
}

// batchDomain is what key 1 of a batch's file holds.
const batchDomain = "plinth-batch/v1"

// wireBatch is the batch's CBOR map. Hashes stand one behind the other; entries are arrays of the place in the tile and
// the bytes, in ascending order.
type wireBatch struct {
	Domain      string          `cbor:"1,keyasint"`
	First       int64           `cbor:"2,keyasint"`
	Leaves      []byte          `cbor:"3,keyasint"`
	Entries     []wirePlaced    `cbor:"4,keyasint"`
	Path        []byte          `cbor:"5,keyasint"`
	Checkpoint  []byte          `cbor:"6,keyasint"`
	Attestation wireAttestation `cbor:"7,keyasint"`
	Timestamp   []byte          `cbor:"8,keyasint,omitempty"`
}

type wirePlaced struct {
	_     struct{} `cbor:",toarray"`
	Place uint16
	Entry []byte
}

// MaxBatch bounds a batch's file.
const MaxBatch = 256 << 10

// Encode returns the batch's file.
func (b Batch) Encode() ([]byte, error) {
	w := wireBatch{Domain: batchDomain, First: b.First, Leaves: joinHashes(b.Leaves), Path: joinHashes(b.Path),
		Checkpoint: b.Checkpoint, Attestation: b.Attestation.wire(), Timestamp: b.Timestamp,
		Entries: make([]wirePlaced, 0, len(b.Entries))}
	for _, i := range slices.Sorted(maps.Keys(b.Entries)) {
		if i < b.First || i >= b.First+int64(len(b.Leaves)) {
			return nil, fmt.Errorf("batch: entry %d is not of the tile", i)
		}
		w.Entries = append(w.Entries, wirePlaced{Place: uint16(i - b.First), Entry: b.Entries[i]})
	}
	return encoding.Marshal(w)
}

// ParseBatch reads a batch's file and refuses any bytes that Encode would not write. What it says is not checked; that
// is VerifyBatch.
func ParseBatch(file []byte) (Batch, error) {
	b, err := parseBatch(file)
	if err != nil {
		return Batch{}, &Fault{Part: PartFile, Err: err}
	}
	return b, nil
}

func parseBatch(file []byte) (Batch, error) {
	if len(file) > MaxBatch {
		return Batch{}, fmt.Errorf("%d bytes are too many, at most %d are allowed", len(file), MaxBatch)
	}
	var w wireBatch
	if err := decode(file, &w); err != nil {
		return Batch{}, err
	}
	if err := w.check(); err != nil {
		return Batch{}, err
	}
	b := Batch{First: w.First, Checkpoint: w.Checkpoint, Timestamp: w.Timestamp, Entries: map[int64][]byte{}}
	for i, e := range w.Entries {
		if i > 0 && w.Entries[i-1].Place >= e.Place || int(e.Place)*tlog.HashSize >= len(w.Leaves) {
			return Batch{}, errors.New("the entries' places do not ascend within the tile")
		}
		b.Entries[w.First+int64(e.Place)] = e.Entry
	}
	var err1, err2, err3 error
	b.Leaves, err1 = splitHashes(w.Leaves)
	b.Path, err2 = splitHashes(w.Path)
	b.Attestation, err3 = w.Attestation.attestation()
	return b, errors.Join(err1, err2, err3)
}

func (w wireBatch) check() error {
	switch {
	case w.Domain != batchDomain:
		return errors.New("not a batch: key 1 must be " + batchDomain)
	case w.First < 0 || w.First%TileWidth != 0 || w.First > maxIndex:
		return fmt.Errorf("it does not begin with a tile: %d is not a multiple of %d", w.First, TileWidth)
	case len(w.Leaves) == 0 || len(w.Leaves) > TileWidth*tlog.HashSize || len(w.Path) > maxPath*tlog.HashSize:
		return errors.New("the number of leaves or of hashes in the path is not that of a tile")
	case len(w.Timestamp) > maxTimestamp:
		return errors.New("the time-stamp token is too long")
	}
	return nil
}

// maxIndex leaves room to add a tile's width to an index.
const maxIndex = 1 << 62

// BatchVerdict is what a verification of a batch found.
type BatchVerdict struct {
	Verdict
	First   int64         // index of the tile's first leaf
	Leaves  int           // of the tile, all under the checkpoint
	Records []ProvenPlace // the entries in the file, by index
}

// ProvenPlace is an entry with its index.
type ProvenPlace struct {
	Index int64
	Entry Entry
}

// VerifyBatch checks a batch's file against the policy. The error is nil only if all entries in it are proven.
func VerifyBatch(file []byte, policy Policy) (BatchVerdict, error) {
	v := &batchVerification{verification: newVerification(policy)}
	err := v.run(file)
	v.out.Verdict = v.conclude(err)
	return v.out, err
}

// batchVerification is one run of VerifyBatch.
type batchVerification struct {
	*verification
	batch Batch
	out   BatchVerdict
}

func (v *batchVerification) run(file []byte) error {
	if err := v.checkPolicy(); err != nil {
		return v.fail(CannotEvaluate, PartPolicy, "", err)
	}
	var err error
	if v.batch, err = ParseBatch(file); err != nil {
		return err
	}
	if v.policy.Payload != nil {
		return v.fail(CannotEvaluate, PartPayload, "", errors.New("a batch opens no payloads"))
	}
	v.checked(CheckForm)
	b := v.batch
	v.receipt = Receipt{Checkpoint: b.Checkpoint, Attestation: b.Attestation, Timestamp: b.Timestamp}
	steps := append([]func() error{v.checkEntries, v.checkToken}, v.attestationSteps()...)
	return v.walk(append(steps, v.checkCheckpoint, v.checkLogSignature, v.checkLeaves, v.checkTile, v.checkStamp))
}

func (v *batchVerification) checkEntries() error {
	for _, i := range slices.Sorted(maps.Keys(v.batch.Entries)) {
		e, err := ParseEntry(v.batch.Entries[i])
		if err != nil {
			return v.fail(Untrusted, PartEntry, "", fmt.Errorf("%d: %w", i, err))
		}
		v.out.Records = append(v.out.Records, ProvenPlace{Index: i, Entry: e})
	}
	v.checked(CheckEntry)
	return nil
}

// checkLeaves checks that each entry's hash is the leaf in its place.
func (v *batchVerification) checkLeaves() error {
	for _, r := range v.out.Records {
		if Leaf(v.batch.Entries[r.Index]) != v.batch.Leaves[r.Index-v.batch.First] {
			return v.fail(Untrusted, PartInclusion, "", fmt.Errorf("the entry is not at place %d of the tile", r.Index))
		}
	}
	return nil
}

// checkTile checks that the leaves are all of the tile under the checkpoint, and in its tree.
func (v *batchVerification) checkTile() error {
	b, size := v.batch, v.note.Size
	want := min(TileWidth, size-b.First)
	if int64(len(b.Leaves)) != want {
		return v.fail(Untrusted, PartInclusion, "", fmt.Errorf("the tile has %d leaves under the checkpoint, not %d", want, len(b.Leaves)))
	}
	root, ok := climb(rootOf(b.Leaves), b.First/TileWidth, (size-1)/TileWidth+1, b.Path)
	if !ok || root != v.note.Root {
		return v.fail(Untrusted, PartInclusion, "", errors.New("the tile is not in its place under the attested root"))
	}
	v.out.First, v.out.Leaves = b.First, len(b.Leaves)
	v.checked(CheckInclusion)
	return nil
}

// TilePath cuts the path of a tile's first leaf down to the path of the tile.
func TilePath(leafPath tlog.RecordProof, width int) []tlog.Hash {
	within := 0
	for last := width - 1; last > 0; last >>= 1 {
		within++
	}
	return leafPath[min(within, len(leafPath)):]
}
