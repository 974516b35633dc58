package audit

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"

	"plinth/ledger"
)

// onChain is a checkpoint as the replayed state has it.
type onChain struct {
	ledger.Checkpoint
	note  []byte
	tx    string // that anchored it, as the contract noted it
	block uint64
	index uint64 // of the transaction in the block
}

// checkpointAudit compares a log's checkpoints with the chain's.
type checkpointAudit struct {
	log      LogManifest
	dir      string
	policy   ledger.Policy
	height   uint64   // blocks at hand
	listed   []string // all logs' keys as the folder has them
	keys     []ledger.LogKey
	onChain  map[int64]onChain
	sealed   ledger.Checkpoint // the newest, which the log alone has signed
	seen     int64             // objects of the file that were read
	sizes    []int64
	attested map[int64]bool
}

func (c *checkpointAudit) fault(object, format string, args ...any) error {
	return bad(StageCheckpoints, string(c.log.Origin)+" "+object, format, args...)
}

// parseKeys reads the keys of a log as the contract keeps them: the first key and its transaction, then for every
// further key the size from which it signs, the key and its transaction.
func parseKeys(value string) ([]ledger.LogKey, error) {
	lines := strings.Split(value, "\n")
	if len(lines)%3 != 2 {
		return nil, errors.New("the keys of the log are not in the contract's form")
	}
	keys := []ledger.LogKey{{VKey: lines[0], TxID: lines[1]}}
	for rest := lines[2:]; len(rest) > 0; rest = rest[3:] {
		from, err := strconv.ParseInt(rest[0], 10, 64)
		if err != nil || from < 1 {
			return nil, errors.New("the keys of the log are not in the contract's form")
		}
		keys[len(keys)-1].UntilSize = from - 1
		keys = append(keys, ledger.LogKey{VKey: rest[1], FromSize: from, TxID: rest[2]})
	}
	return keys, nil
}

// key returns the verifier of the key that signs checkpoints of a size.
func (c *checkpointAudit) key(size int64) (note.Verifier, error) {
	for _, k := range c.keys {
		if k.Signs(size) {
			return note.NewVerifier(k.VKey)
		}
	}
	return nil, fmt.Errorf("the chain knows no key of the log for size %d", size)
}

// readKeys takes the log's keys out of the replayed state.
func (c *checkpointAudit) readKeys(state map[string]Value) (err error) {
	v, ok := state["log/"+ledger.OriginID(c.log.Name)]
	if !ok {
		return nil
	}
	if c.keys, err = parseKeys(string(v.Bytes)); err != nil {
		return c.fault("keys on the chain", "%v", err)
	}
	return nil
}

// readChain takes the log's checkpoints out of the replayed state, and checks each signature.
func (c *checkpointAudit) readChain(state map[string]Value) error {
	id := ledger.OriginID(c.log.Name)
	c.onChain, c.attested = map[int64]onChain{}, map[int64]bool{}
	for key, v := range state {
		if !strings.HasPrefix(key, "cp/"+id+"/") {
			continue
		}
		tx, signed, _ := strings.Cut(string(v.Bytes), "\n")
		o := onChain{note: []byte(signed), tx: tx, block: v.Block, index: v.TxIndex}
		var err error
		if o.Checkpoint, err = c.open(o.note); err != nil || ledger.CheckpointKey(c.log.Name, o.Size) != key {
			return c.fault("checkpoint on the chain in "+v.place(), "%v", cmp.Or(err, errors.New("its key is another size's")))
		}
		c.onChain[o.Size] = o
		c.sizes = append(c.sizes, o.Size)
	}
	slices.Sort(c.sizes)
	return nil
}

func (v Value) place() string { return fmt.Sprintf("block %d, transaction %d", v.Block, v.TxIndex) }

// open reads a checkpoint that must be signed by the key that is the log's at its size.
func (c *checkpointAudit) open(signed []byte) (ledger.Checkpoint, error) {
	text, _, _ := strings.Cut(string(signed), "\n\n")
	lines := strings.Split(text, "\n")
	if len(lines) < 2 {
		return ledger.Checkpoint{}, errors.New("it is no signed note")
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	if err != nil {
		return ledger.Checkpoint{}, errors.New("its size is not a number")
	}
	key, err := c.key(size)
	if err != nil {
		return ledger.Checkpoint{}, err
	}
	return ledger.OpenCheckpoint(signed, key)
}

// checkGivenKeys compares the keys on the chain with those that the auditor was given and those in the folder.
func (c *checkpointAudit) checkGivenKeys() error {
	if len(c.keys) == 0 {
		return c.unregistered()
	}
	newest := c.keys[len(c.keys)-1].VKey
	for _, text := range c.listed {
		k, err := ledger.ParseLogKey(text)
		if err != nil {
			return bad(StageFolder, RootsFile, "%v", err)
		}
		name, _, _ := strings.Cut(k.VKey, "+")
		if name == c.log.Name && !slices.ContainsFunc(c.keys, func(l ledger.LogKey) bool { return sameKey(k, l) }) {
			return bad(StageFolder, RootsFile, "it has a key of %s that the chain does not know so", c.log.Name)
		}
	}
	if !slices.Contains(c.own(c.listed), newest) {
		return bad(StageFolder, RootsFile, "the key of %s that is valid now is missing", c.log.Name)
	}
	if given := c.own(c.policy.LogKeys); len(given) > 0 && !slices.Contains(given, newest) {
		return c.fault("key", "the key that is valid on the chain is not one that was given")
	}
	return nil
}

// sameKey tells whether two keys are one and sign the same sizes; no checkpoint has the size 0.
func sameKey(a, b ledger.LogKey) bool {
	return a.VKey == b.VKey && a.UntilSize == b.UntilSize && max(a.FromSize, 1) == max(b.FromSize, 1)
}

// unregistered takes the folder's word for the key of a log that the chain does not know yet.
func (c *checkpointAudit) unregistered() error {
	for _, k := range c.own(c.listed) {
		c.keys = append(c.keys, ledger.LogKey{VKey: k})
	}
	if c.log.Size > 0 && len(c.keys) == 0 {
		return bad(StageFolder, ManifestFile, "the log %s is not on the chain, and there is no key of it", c.log.Name)
	}
	if c.log.Size == 0 && len(c.keys) > 0 || len(c.keys) > 1 {
		return bad(StageFolder, RootsFile, "want one key of %s, and only if it has entries", c.log.Name)
	}
	return nil
}

// own returns the verifier keys that are this log's.
func (c *checkpointAudit) own(keys []string) []string {
	var out []string
	for _, text := range keys {
		k, err := ledger.ParseLogKey(text)
		if err != nil {
			continue
		}
		if name, _, _ := strings.Cut(k.VKey, "+"); name == c.log.Name {
			out = append(out, k.VKey)
		}
	}
	return out
}

// attestedBatch is one object of the file on its way through the pipe.
type attestedBatch struct {
	raw []byte
	n   int64
	err error
	cp  ledger.Checkpoint
	at  ledger.ChainPlace
}

// run checks every attested checkpoint of the file from an offset on, and returns the offset behind the last.
func (c *checkpointAudit) run(ctx context.Context, at int64, tell func(int64)) (int64, error) {
	f, err := openFrames(filepath.Join(c.dir, CheckpointsFile), at, maxAttested)
	if err != nil {
		return at, err
	}
	defer f.close()
	n := c.seen
	read := func(b *attestedBatch) (bool, error) {
		raw, err := f.next()
		if err == io.EOF {
			return false, nil
		}
		if err != nil {
			return false, c.fault(fmt.Sprintf("attested checkpoint %d", n), "%v", err)
		}
		*b, n = attestedBatch{raw: raw, n: n}, n+1
		return true, nil
	}
	take := func(b *attestedBatch) error {
		if b.err != nil {
			return b.err
		}
		c.seen = b.n + 1
		tell(c.seen)
		return c.place(b)
	}
	err = pipe(ctx, func() *attestedBatch { return &attestedBatch{} }, read, c.verify, take)
	return f.at, err
}

// verify checks one object by itself.
func (c *checkpointAudit) verify(b *attestedBatch) {
	name := fmt.Sprintf("attested checkpoint %d", b.n)
	var w Attested
	if err := decode(b.raw, &w); err != nil {
		b.err = c.fault(name, "%v", err)
		return
	}
	var err error
	if b.cp, err = c.open(w.Note); err != nil {
		b.err = c.fault(name, "%v", err)
		return
	}
	a, err := ledger.ParseAttestation(w.Attestation)
	if err == nil {
		b.at, err = ledger.VerifyAttestation(a, b.cp, c.policy)
	}
	if err != nil {
		b.err = c.fault(name, "attestation: %v", err)
	}
}

// place compares an attested checkpoint with the chain.
func (c *checkpointAudit) place(b *attestedBatch) error {
	name := fmt.Sprintf("attested checkpoint %d", b.n)
	o, ok := c.onChain[b.cp.Size]
	switch {
	case !ok && b.at.Block >= c.height:
		return bad(StageChain, fmt.Sprintf("block %d", b.at.Block), "is missing: the organisations attest what it holds")
	case !ok:
		return c.fault(name, "block %d, which it names, does not hold it", b.at.Block)
	case o.Checkpoint != b.cp:
		return c.fault(name, "the chain has another root for size %d", b.cp.Size)
	case o.tx != b.at.TxID || o.block != b.at.Block || o.index != b.at.TxIndex:
		return c.fault(name, "the chain has it in another place than the organisations say")
	case c.attested[b.cp.Size]:
		return c.fault(name, "it is there twice")
	}
	c.attested[b.cp.Size] = true
	return nil
}

// checkHead compares the contract's head with the newest checkpoint.
func (c *checkpointAudit) checkHead(state map[string]Value) error {
	head, ok := state["head/"+ledger.OriginID(c.log.Name)]
	if !ok && len(c.sizes) == 0 {
		return nil
	}
	newest := c.onChain[c.newest()]
	want := fmt.Sprintf("%d\n%s\n%s\n", newest.Size, newest.Root, newest.tx)
	if string(head.Bytes) != want {
		return c.fault("head on the chain", "it is not the newest checkpoint")
	}
	return nil
}

// newest returns the newest size on the chain, 0 when there is none.
func (c *checkpointAudit) newest() int64 {
	if len(c.sizes) == 0 {
		return 0
	}
	return c.sizes[len(c.sizes)-1]
}

// readSealed reads the log's newest own checkpoint.
func (c *checkpointAudit) readSealed() error {
	if c.log.Size == 0 {
		return nil
	}
	b, err := readSmall(filepath.Join(c.dir, CheckpointFile))
	if err != nil {
		return c.fault("checkpoint", "is missing")
	}
	if c.sealed, err = c.open(b); err != nil {
		return c.fault("checkpoint", "%v", err)
	}
	if c.sealed.Size < c.newest() {
		return c.fault("checkpoint", "its size is %d, the chain has seen %d", c.sealed.Size, c.newest())
	}
	return nil
}

// points are all sizes at which the root is known, by size.
func (c *checkpointAudit) points() []anchorPoint {
	var out []anchorPoint
	for _, size := range c.sizes {
		o := c.onChain[size]
		out = append(out, anchorPoint{size, o.Root, fmt.Sprintf("block %d", o.block)})
	}
	if c.sealed.Size > 0 {
		out = append(out, anchorPoint{c.sealed.Size, c.sealed.Root, "the log's newest checkpoint"})
	}
	return out
}

// sortPoints puts points into the order in which a tree grows through them.
func sortPoints(ps []anchorPoint) {
	slices.SortStableFunc(ps, func(a, b anchorPoint) int { return cmp.Compare(a.size, b.size) })
}

// AttestedBlock returns the number of the block that an attestation says its checkpoint was committed in. Nothing is
// verified: that is ledger.VerifyAttestation.
func AttestedBlock(a ledger.Attestation) (uint64, error) {
	var hash, extension, results []byte
	if err := message("response payload", a.Payload, takes{1: &hash, 2: &extension}); err != nil {
		return 0, err
	}
	if err := message("chaincode action", extension, takes{1: &results}, 2, 3, 4); err != nil {
		return 0, err
	}
	sets, err := parseReadWriteSets(results)
	if err != nil {
		return 0, err
	}
	for _, n := range sets {
		if n.name != lifecycle && len(n.reads) == 1 {
			return n.reads[0].version.block, nil
		}
	}
	return 0, errors.New("the answer read no checkpoint")
}
