package ledger

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/mod/sumdb/tlog"

	"plinth/ledger/twin"
)

// TwinProof is a receipt's second proof: the same entry at the same place in the log's twin (SM3, SM2), and the
// organisations' word that the twin's checkpoint of the same size is on the chain.
type TwinProof struct {
	Path        []twin.Hash
	Checkpoint  []byte // signed note of the twin's origin
	Attestation Attestation
	Timestamp   []byte // as in Receipt, over the twin's checkpoint and attestation
}

// wireTwin is the twin's CBOR map. The path's hashes stand one behind the other.
type wireTwin struct {
	Path        []byte          `cbor:"1,keyasint"`
	Checkpoint  []byte          `cbor:"2,keyasint"`
	Attestation wireAttestation `cbor:"3,keyasint"`
	Timestamp   []byte          `cbor:"4,keyasint,omitempty"`
}

func (p *TwinProof) wire() *wireTwin {
	if p == nil {
		return nil
	}
	w := &wireTwin{Path: make([]byte, 0, len(p.Path)*tlog.HashSize), Checkpoint: p.Checkpoint,
		Attestation: p.Attestation.wire(), Timestamp: p.Timestamp}
	for _, h := range p.Path {
		w.Path = append(w.Path, h[:]...)
	}
	return w
}

func (w *wireTwin) proof() (*TwinProof, error) {
	switch {
	case w == nil:
		return nil, nil
	case w.Path == nil || len(w.Path)%tlog.HashSize != 0 || len(w.Path) > maxPath*tlog.HashSize:
		return nil, errors.New("twin: the path is not one of whole hashes")
	case len(w.Timestamp) > maxTimestamp:
		return nil, errors.New("twin: the time-stamp token is too long")
	}
	p := &TwinProof{Checkpoint: w.Checkpoint, Timestamp: w.Timestamp}
	for b := range slices.Chunk(w.Path, tlog.HashSize) {
		p.Path = append(p.Path, twin.Hash(b))
	}
	var err error
	if p.Attestation, err = w.Attestation.attestation(); err != nil {
		return nil, fmt.Errorf("twin: %w", err)
	}
	return p, nil
}

// byReference returns the twin with the peers' certificates replaced by their SHA-256.
func (p *TwinProof) byReference() *TwinProof {
	if p == nil {
		return nil
	}
	out := *p
	out.Attestation = p.Attestation.ByReference()
	return &out
}

// Hash names the trees by which a receipt is judged.
type Hash string

// The choices. Whichever it is, the organisations endorse with ECDSA and SHA-256, as Fabric's peers do, and payloads are
// committed to with SHA-256.
const (
	HashDefault Hash = ""       // by the log, and by its twin where the receipt has one: both must hold
	HashBoth    Hash = "both"   // by both, and a receipt without a twin is refused
	HashSHA256  Hash = "sha256" // by the log alone (SHA-256, Ed25519)
	HashSM3     Hash = "sm3"    // by the twin alone (SM3, SM2)
)

// ParseHash reads the text of a choice.
func ParseHash(text string) (Hash, error) {
	h := Hash(text)
	if !slices.Contains([]Hash{HashDefault, HashBoth, HashSHA256, HashSM3}, h) {
		return "", errors.New("want sha256, sm3 or both")
	}
	return h, nil
}

// checkHash refuses what this form of evidence cannot be judged by, rather than to pass over it.
func (v *verification) checkHash() error {
	h, err := ParseHash(string(v.policy.Hash))
	if err != nil {
		return fmt.Errorf("the choice of trees: %w", err)
	}
	if (h == HashBoth || h == HashSM3) && !v.twins {
		return errors.New("this form of evidence carries no twin: it cannot be judged by SM3")
	}
	return nil
}

// takeTwin makes the twin the side that is judged in place of the log. The steps that follow look at it alone.
func (v *verification) takeTwin() error {
	p := v.receipt.Twin
	if p == nil {
		return v.fail(PolicyFailed, PartTwin, "", errors.New("it is asked for and missing"))
	}
	v.receipt.Checkpoint, v.receipt.Attestation, v.receipt.Timestamp = p.Checkpoint, p.Attestation, p.Timestamp
	return nil
}

// twinSteps judge the twin from the organisations' signatures inward. Whose twin it must be, fits tells.
func (v *verification) twinSteps(fits func() error) []func() error {
	steps := append([]func() error{v.takeTwin, v.checkToken}, v.attestationSteps()...)
	return append(steps, v.checkCheckpoint, fits, v.checkLogSignature, v.checkTwinInclusion)
}

// checkIsTwin is for the twin alone: its origin must be one of a twin.
func (v *verification) checkIsTwin() error {
	if !strings.HasSuffix(v.note.Origin, twin.Suffix) {
		return v.fail(Untrusted, PartTwin, "", fmt.Errorf("%s is not the origin of a twin", v.note.Origin))
	}
	return nil
}

// checkTwinOf is for the twin beside its log: it must be the log's own, of the same size. The place is the same because
// a receipt has but one.
func (v *verification) checkTwinOf(log Checkpoint) error {
	c := v.note.Checkpoint
	if c.Origin != twin.Origin(log.Origin) {
		return v.fail(Untrusted, PartTwin, "", fmt.Errorf("%s is not the twin of %s", c.Origin, log.Origin))
	}
	if c.Size != log.Size {
		return v.fail(Untrusted, PartTwin, "", fmt.Errorf("it has size %d, the log %d", c.Size, log.Size))
	}
	return nil
}

func (v *verification) checkTwinInclusion() error {
	r := v.receipt
	if twin.CheckInclusion(r.Twin.Path, v.note.Size, twin.Hash(v.note.Root), r.Index, twin.Leaf(r.Entry)) != nil {
		return v.fail(Untrusted, PartInclusion, "",
			fmt.Errorf("the entry is not at place %d under the twin's attested root", r.Index))
	}
	v.checked(CheckInclusion)
	return nil
}

// twinAlone are the steps for who accepts neither SHA-256 trees nor Ed25519.
func (v *verification) twinAlone() []func() error {
	v.notChecked(CheckLogTree)
	return append(v.twinSteps(v.checkIsTwin), v.tellTwin, v.checkContent, v.checkStamp)
}

// tellTwin says that the twin holds.
func (v *verification) tellTwin() error {
	v.checked(CheckTwin)
	return nil
}

// checkTwin checks the receipt's twin beside its log, with the same steps.
func (v *verification) checkTwin() error {
	switch {
	case v.receipt.Twin == nil && v.policy.Hash == HashBoth:
		return v.fail(PolicyFailed, PartTwin, "", errors.New("it is asked for and missing"))
	case v.receipt.Twin == nil || v.policy.Hash == HashSHA256:
		if v.receipt.Twin != nil || v.expectsTwin() {
			v.notChecked(CheckTwin)
		}
		return nil
	}
	second := v.ofTwin()
	steps := second.twinSteps(func() error { return second.checkTwinOf(v.note.Checkpoint) })
	if err := second.walk(append(steps, second.checkStamp)); err != nil {
		return v.failTwin(second.verdict.Word, err)
	}
	v.joinTwin(second)
	return nil
}

// ofTwin begins the twin's verification. Without a key of the twin its signature is not checked, and the verdict says so:
// a trust file may be older than the twin.
func (v *verification) ofTwin() *verification {
	second := newVerification(v.policy)
	second.receipt, second.twins = v.receipt, true
	second.keys = slices.DeleteFunc(slices.Clone(v.keys), func(k trustedKey) bool { return k.Name() != twin.Origin(v.note.Origin) })
	return second
}

// joinTwin tells of a twin that holds.
func (v *verification) joinTwin(second *verification) {
	v.verdict.Twin, v.verdict.TwinChain = second.note.Checkpoint, second.verdict.Chain
	v.checked(CheckTwin)
	if slices.Contains(second.verdict.Checked, CheckLogSignature) {
		v.checked(CheckTwinSignature)
	} else {
		v.notChecked(CheckTwinSignature)
	}
}

// failTwin names the twin as the part at fault, and what of it in the reason.
func (v *verification) failTwin(w Word, err error) error {
	var f *Fault
	if !errors.As(err, &f) {
		return v.fail(w, PartTwin, "", err)
	}
	if f.Part == PartTwin {
		return v.fail(w, PartTwin, f.Org, f.Err)
	}
	return v.fail(w, PartTwin, f.Org, fmt.Errorf("%s: %w", f.Part, f.Err))
}

// expectsTwin tells whether the policy knows a key of the log's twin for this size.
func (v *verification) expectsTwin() bool {
	c := v.note.Checkpoint
	c.Origin = twin.Origin(c.Origin)
	_, valid := keysOf(v.keys, c)
	return len(valid) > 0
}

func (v *verification) notChecked(c Check) {
	v.verdict.NotChecked = append([]Check{c}, v.verdict.NotChecked...)
}
