package ledger

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// A COSE receipt (RFC 9942) is a COSE_Sign1 (RFC 9052) by the log over the tree's root, which is detached, with an
// inclusion proof of RFC 9162 in the unprotected header. Any verifier of that standard can check it with the log's key
// and the entry. What it does not know, the entry and the organisations' attestation, rides in a private label beside
// the proof, the same bytes as in the extra line of the text form: VerifyCOSE asks as much as Verify does.

// Numbers of IANA's COSE registries.
const (
	coseEdDSA      = -8
	vdsRFC9162     = 1
	coseSign1Tag   = 0xd2 // tag 18 in one byte
	coseSignature1 = "Signature1"
)

type wireSign1 struct {
	_           struct{} `cbor:",toarray"`
	Protected   []byte
	Unprotected wireUnprotected
	Payload     []byte
	Signature   []byte
}

type wireProtected struct {
	Algorithm int        `cbor:"1,keyasint"`
	KeyID     []byte     `cbor:"4,keyasint"`   // the key's hash in signed notes, 4 bytes
	Claims    wireClaims `cbor:"15,keyasint"`  // RFC 9597
	VDS       int        `cbor:"395,keyasint"` // which verifiable data structure
}

type wireClaims struct {
	Issuer string `cbor:"1,keyasint"` // the origin line
}

// wireUnprotected has our bytes under a label for private use (RFC 9052 §11.1).
type wireUnprotected struct {
	Proofs wireProofs `cbor:"396,keyasint"`
	Extra  []byte     `cbor:"-70001,keyasint"`
}

type wireProofs struct {
	Inclusion [][]byte `cbor:"-1,keyasint"` // each a wireInclusion in bytes
}

type wireInclusion struct {
	_     struct{} `cbor:",toarray"`
	Size  uint64
	Index uint64
	Path  [][]byte
}

// COSEReceipt is a receipt in the COSE form. Its Receipt has no Checkpoint: origin and size are here, and the root is
// attested.
type COSEReceipt struct {
	Receipt
	Origin    string
	Size      int64
	KeyHash   uint32 // of the log's key
	Signature []byte
}

// COSE returns the receipt's file in the COSE form, signed anew by the log: the signature of the note is over a text.
func (r Receipt) COSE(by note.Signer) ([]byte, error) {
	c, err := parseNote(r.Checkpoint)
	if err != nil {
		return nil, fmt.Errorf("cose: checkpoint: %w", err)
	}
	if by.Name() != c.Origin {
		return nil, fmt.Errorf("cose: the key is named %s, the log is %s", by.Name(), c.Origin)
	}
	out := COSEReceipt{Receipt: r, Origin: c.Origin, Size: c.Size, KeyHash: by.KeyHash()}
	text, err := out.toBeSigned(c.Root)
	if err != nil {
		return nil, err
	}
	if out.Signature, err = by.Sign(text); err != nil {
		return nil, fmt.Errorf("cose: sign: %w", err)
	}
	return out.Encode()
}

// Encode returns the receipt's file.
func (c COSEReceipt) Encode() ([]byte, error) {
	protected, err := c.protected()
	if err != nil {
		return nil, err
	}
	extra, err := c.extra()
	if err != nil {
		return nil, err
	}
	proof := wireInclusion{Size: uint64(c.Size), Index: uint64(c.Index), Path: [][]byte{}}
	for _, h := range c.Path {
		proof.Path = append(proof.Path, h[:])
	}
	inclusion, err := encoding.Marshal(proof)
	if err != nil {
		return nil, err
	}
	b, err := encoding.Marshal(wireSign1{Protected: protected, Signature: c.Signature,
		Unprotected: wireUnprotected{Proofs: wireProofs{[][]byte{inclusion}}, Extra: extra}})
	return append([]byte{coseSign1Tag}, b...), err
}

func (c COSEReceipt) protected() ([]byte, error) {
	return encoding.Marshal(wireProtected{Algorithm: coseEdDSA, KeyID: binary.BigEndian.AppendUint32(nil, c.KeyHash),
		Claims: wireClaims{c.Origin}, VDS: vdsRFC9162})
}

// toBeSigned returns the Sig_structure (RFC 9052 §4.4) over the detached root.
func (c COSEReceipt) toBeSigned(root tlog.Hash) ([]byte, error) {
	protected, err := c.protected()
	if err != nil {
		return nil, err
	}
	return encoding.Marshal([]any{coseSignature1, protected, []byte{}, root[:]})
}

// ParseCOSE reads a COSE receipt's file and refuses any bytes that Encode would not write. What it says is not checked;
// that is VerifyCOSE.
func ParseCOSE(file []byte) (COSEReceipt, error) {
	c, err := parseCOSE(file)
	if err != nil {
		return COSEReceipt{}, &Fault{Part: PartFile, Err: err}
	}
	return c, nil
}

func parseCOSE(file []byte) (c COSEReceipt, err error) {
	if len(file) > MaxReceipt {
		return c, fmt.Errorf("%d bytes are too many, at most %d are allowed", len(file), MaxReceipt)
	}
	body, ok := bytes.CutPrefix(file, []byte{coseSign1Tag})
	if !ok {
		return c, errors.New("not a tagged COSE_Sign1")
	}
	var w wireSign1
	if err := decode(body, &w); err != nil {
		return c, err
	}
	if w.Payload != nil {
		return c, errors.New("the payload is not detached")
	}
	c.Signature = w.Signature
	if err := c.setProtected(w.Protected); err != nil {
		return c, fmt.Errorf("protected header: %w", err)
	}
	if err := c.setInclusion(w.Unprotected.Proofs.Inclusion); err != nil {
		return c, fmt.Errorf("inclusion proof: %w", err)
	}
	if err := c.setExtra(w.Unprotected.Extra); err != nil {
		return c, fmt.Errorf("header -70001: %w", err)
	}
	return c, nil
}

func (c *COSEReceipt) setProtected(b []byte) error {
	var w wireProtected
	if err := decode(b, &w); err != nil {
		return err
	}
	switch {
	case w.Algorithm != coseEdDSA:
		return fmt.Errorf("algorithm %d is not EdDSA", w.Algorithm)
	case w.VDS != vdsRFC9162:
		return fmt.Errorf("data structure %d is not RFC9162_SHA256", w.VDS)
	case len(w.KeyID) != 4 || w.Claims.Issuer == "":
		return errors.New("key id or issuer is missing")
	}
	c.Origin, c.KeyHash = w.Claims.Issuer, binary.BigEndian.Uint32(w.KeyID)
	return nil
}

func (c *COSEReceipt) setInclusion(proofs [][]byte) error {
	if len(proofs) != 1 {
		return errors.New("want one")
	}
	var w wireInclusion
	if err := decode(proofs[0], &w); err != nil {
		return err
	}
	if w.Size > math.MaxInt64 || w.Index >= w.Size || len(w.Path) > maxPath {
		return errors.New("size, place or path are out of range")
	}
	c.Size, c.Index = int64(w.Size), int64(w.Index)
	for _, b := range w.Path {
		if len(b) != tlog.HashSize {
			return errors.New("a hash has not 32 bytes")
		}
		c.Path = append(c.Path, tlog.Hash(b))
	}
	return nil
}

// VerifyCOSE checks a COSE receipt's file against the policy, as Verify checks the text form. The entry may be given
// beside the file, nil else; it must be the one inside.
func VerifyCOSE(file, entry []byte, policy Policy) (Verdict, error) {
	v := &coseVerification{verification: newVerification(policy), given: entry}
	v.twins = true
	err := v.run(file)
	return v.conclude(err), err
}

// coseVerification is one run of VerifyCOSE.
type coseVerification struct {
	*verification
	given []byte
	cose  COSEReceipt
}

func (v *coseVerification) run(file []byte) error {
	if err := v.checkPolicy(); err != nil {
		return v.fail(CannotEvaluate, PartPolicy, "", err)
	}
	var err error
	if v.cose, err = ParseCOSE(file); err != nil {
		return err
	}
	v.receipt = v.cose.Receipt
	if v.given != nil && !bytes.Equal(v.given, v.receipt.Entry) {
		return v.fail(Untrusted, PartEntry, "", errors.New("it is not the one that is given beside the file"))
	}
	v.checked(CheckForm)
	if err := v.checkEntry(); err != nil {
		return err
	}
	if v.policy.Hash == HashSM3 {
		return v.walk(v.twinAlone())
	}
	steps := append([]func() error{v.checkToken}, v.attestationSteps()...)
	return v.walk(append(steps, v.checkPlace, v.checkSignature, v.checkInclusion, v.checkTwin, v.checkContent, v.checkStamp))
}

// checkPlace checks that log and size are the attested ones; the root of the proof is the attested one from here on.
func (v *coseVerification) checkPlace() error {
	c := v.value.Checkpoint()
	if v.cose.Origin != c.Origin || v.cose.Size != c.Size {
		return v.fail(Untrusted, PartCheckpoint, "", errors.New("it is not the one that the organisations attest"))
	}
	v.note.Checkpoint, v.verdict.Checkpoint = c, c
	v.checked(CheckCheckpoint)
	return nil
}

func (v *coseVerification) checkSignature() error {
	text, err := v.cose.toBeSigned(v.note.Root)
	if err != nil {
		return v.fail(CannotEvaluate, PartSignature, "", err)
	}
	return v.checkSignedBy(func(keys []note.Verifier) error {
		key := findKey(keys, noteSignature{Name: v.cose.Origin, Hash: v.cose.KeyHash})
		if key == nil {
			return fmt.Errorf("it is signed by the unknown key %s+%08x", v.cose.Origin, v.cose.KeyHash)
		}
		if !key.Verify(text, v.cose.Signature) {
			return errors.New("the log's signature does not fit the root")
		}
		return nil
	})
}
