package ledger

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strings"

	"golang.org/x/mod/sumdb/tlog"
)

// Receipt is all that is needed to check one record years later without asking anyone: the entry, its path to a
// checkpoint, and the organisations' word that this checkpoint is on the chain. As a file it is a C2SP tlog-proof;
// what C2SP does not know rides in the extra line.
type Receipt struct {
	Index       int64
	Path        tlog.RecordProof
	Checkpoint  []byte // signed note
	Entry       []byte
	Attestation Attestation
	// Timestamp is a time-stamp token (RFC 3161, DER) over StampedText; nil without.
	Timestamp []byte
	// Twin proves the same by the log's twin (SM3, SM2); nil when the log has none.
	Twin *TwinProof
	// Salt opens the commitment; Payload is what it opens to. Both are given only to who may see the payload.
	Salt    []byte
	Payload []byte
	// Openings show some fields of the payload in its place and withhold the others.
	Openings *Openings
}

// MaxReceipt bounds a receipt's file.
const MaxReceipt = 3 << 20

const (
	proofHeader = "c2sp.org/tlog-proof@v1"
	maxPath     = 63
)

// wireExtra is the CBOR map in the extra line.
type wireExtra struct {
	Version     uint8           `cbor:"1,keyasint"`
	Entry       []byte          `cbor:"2,keyasint"`
	Attestation wireAttestation `cbor:"3,keyasint"`
	Salt        []byte          `cbor:"4,keyasint,omitempty"`
	Payload     []byte          `cbor:"5,keyasint,omitempty"`
	Timestamp   []byte          `cbor:"6,keyasint,omitempty"`
	Openings    *wireOpenings   `cbor:"7,keyasint,omitempty"`
	Twin        *wireTwin       `cbor:"8,keyasint,omitempty"`
}

// Encode returns the receipt's file, which needs nothing beside the organisations' roots to be checked if its
// certificates are in it.
func (r Receipt) Encode() ([]byte, error) {
	extra, err := r.extra()
	if err != nil {
		return nil, fmt.Errorf("receipt: %w", err)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s\nextra %s\nindex %d\n", proofHeader, base64.StdEncoding.EncodeToString(extra), r.Index)
	for _, h := range r.Path {
		b.WriteString(h.String() + "\n")
	}
	b.WriteString("\n")
	b.Write(r.Checkpoint)
	return []byte(b.String()), nil
}

// EncodeByReference returns the receipt's file with the peers' certificates replaced by their SHA-256: one bundle of
// certificates serves all receipts of an export. The verifier finds them in Policy.Certificates.
func (r Receipt) EncodeByReference() ([]byte, error) {
	r.Attestation, r.Twin = r.Attestation.ByReference(), r.Twin.byReference()
	return r.Encode()
}

// extra is what C2SP does not know, in deterministic CBOR.
func (r Receipt) extra() ([]byte, error) {
	w := wireExtra{Version: 1, Entry: r.Entry, Attestation: r.Attestation.wire(), Salt: r.Salt, Payload: r.Payload,
		Timestamp: r.Timestamp, Twin: r.Twin.wire()}
	if r.Openings != nil {
		w.Openings = r.Openings.wire()
	}
	return encoding.Marshal(w)
}

// ParseReceipt reads a receipt's file and refuses any bytes that Encode would not write. What it says is not checked;
// that is Verify.
func ParseReceipt(file []byte) (Receipt, error) {
	r, err := parseReceipt(string(file))
	if err != nil {
		return Receipt{}, &Fault{Part: PartFile, Err: err}
	}
	return r, nil
}

func parseReceipt(file string) (Receipt, error) {
	if len(file) > MaxReceipt {
		return Receipt{}, fmt.Errorf("%d bytes are too many, at most %d are allowed", len(file), MaxReceipt)
	}
	head, checkpoint, ok := strings.Cut(file, "\n\n")
	lines := strings.Split(head, "\n")
	if !ok || lines[0] != proofHeader {
		return Receipt{}, fmt.Errorf("not a receipt: the first line must be %s", proofHeader)
	}
	if len(lines) < 3 || len(lines) > 3+maxPath {
		return Receipt{}, errors.New("the number of lines is not that of a receipt")
	}
	var r Receipt
	if err := r.parseExtra(lines[1]); err != nil {
		return Receipt{}, fmt.Errorf("extra line: %w", err)
	}
	if err := r.parseIndex(lines[2]); err != nil {
		return Receipt{}, fmt.Errorf("index line: %w", err)
	}
	for i, line := range lines[3:] {
		h, err := parseHash(line)
		if err != nil {
			return Receipt{}, fmt.Errorf("path line %d: %w", i+1, err)
		}
		r.Path = append(r.Path, h)
	}
	r.Checkpoint = []byte(checkpoint)
	return r, nil
}

func (r *Receipt) parseExtra(line string) error {
	b64, ok := strings.CutPrefix(line, "extra ")
	if !ok {
		return errors.New("is missing")
	}
	b, err := decodeBase64(b64)
	if err != nil {
		return err
	}
	return r.setExtra(b)
}

// setExtra reads what extra writes.
func (r *Receipt) setExtra(b []byte) error {
	var w wireExtra
	if err := decode(b, &w); err != nil {
		return err
	}
	if err := w.check(); err != nil {
		return err
	}
	var err error
	r.Entry, r.Salt, r.Payload, r.Timestamp = w.Entry, w.Salt, w.Payload, w.Timestamp
	if w.Openings != nil {
		if r.Openings, err = w.Openings.openings(); err != nil {
			return err
		}
	}
	if r.Twin, err = w.Twin.proof(); err != nil {
		return err
	}
	r.Attestation, err = w.Attestation.attestation()
	return err
}

func (w wireExtra) check() error {
	switch {
	case w.Version != 1:
		return fmt.Errorf("version %d is not known", w.Version)
	case w.Payload != nil && w.Salt == nil:
		return errors.New("a payload without its salt proves nothing")
	case w.Openings != nil && w.Salt != nil:
		return errors.New("fields are opened or the payload is, not both: the salt opens all")
	case len(w.Timestamp) > maxTimestamp:
		return errors.New("the time-stamp token is too long")
	}
	return nil
}

func (r *Receipt) parseIndex(line string) (err error) {
	n, ok := strings.CutPrefix(line, "index ")
	if !ok {
		return errors.New("is missing")
	}
	r.Index, err = parseSize(n)
	return err
}
