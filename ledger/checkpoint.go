package ledger

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// Checkpoint is a log's promise: a tree of this size has this root (C2SP tlog-checkpoint).
type Checkpoint struct {
	Origin string
	Size   int64
	Root   tlog.Hash
}

// String returns the three lines that are signed. Extension lines are not used and not accepted.
func (c Checkpoint) String() string {
	return fmt.Sprintf("%s\n%d\n%s\n", c.Origin, c.Size, c.Root)
}

// Sign returns the checkpoint as a signed note. The signer's name must be the origin.
func (c Checkpoint) Sign(by note.Signer) ([]byte, error) {
	if by.Name() != c.Origin {
		return nil, fmt.Errorf("checkpoint of %s: the key is named %s", c.Origin, by.Name())
	}
	return note.Sign(&note.Note{Text: c.String()}, by)
}

// noteSignature is one signature line of a note.
type noteSignature struct {
	Name string
	Hash uint32
	Sig  []byte
}

// signedCheckpoint is a checkpoint with its signature lines, none of them verified.
type signedCheckpoint struct {
	Checkpoint
	Signatures []noteSignature
}

// maxSignatures bounds the signature lines of a note, as C2SP signed-note recommends.
const maxSignatures = 16

// parseNote reads a signed checkpoint in its one form. It is stricter than note.Open, which forgives non-canonical
// base64 and passes over signatures of unknown keys.
func parseNote(b []byte) (signedCheckpoint, error) {
	text, sigs, ok := strings.Cut(string(b), "\n\n")
	if !ok || !strings.HasSuffix(sigs, "\n") {
		return signedCheckpoint{}, errors.New("want a text, an empty line and signature lines")
	}
	c, err := parseCheckpoint(text + "\n")
	if err != nil {
		return signedCheckpoint{}, err
	}
	s := signedCheckpoint{Checkpoint: c}
	for line := range strings.SplitSeq(strings.TrimSuffix(sigs, "\n"), "\n") {
		sig, err := parseSignature(line)
		if err != nil {
			return signedCheckpoint{}, err
		}
		if s.Signatures = append(s.Signatures, sig); len(s.Signatures) > maxSignatures {
			return signedCheckpoint{}, errors.New("too many signature lines")
		}
	}
	if !bytes.Equal(s.text(), b) {
		return signedCheckpoint{}, errors.New("not in its one canonical form")
	}
	return s, nil
}

func parseCheckpoint(text string) (Checkpoint, error) {
	lines := strings.Split(text, "\n")
	if len(lines) != 4 || lines[0] == "" || lines[3] != "" {
		return Checkpoint{}, errors.New("want the three lines origin, size, root")
	}
	size, err := parseSize(lines[1])
	if err != nil {
		return Checkpoint{}, fmt.Errorf("size: %w", err)
	}
	root, err := parseHash(lines[2])
	if err != nil {
		return Checkpoint{}, fmt.Errorf("root: %w", err)
	}
	return Checkpoint{Origin: lines[0], Size: size, Root: root}, nil
}

func parseSignature(line string) (noteSignature, error) {
	rest, ok := strings.CutPrefix(line, "— ")
	name, b64, ok2 := strings.Cut(rest, " ")
	if !ok || !ok2 || name == "" {
		return noteSignature{}, errors.New("want signature lines of a dash, a name and base64")
	}
	b, err := decodeBase64(b64)
	if err != nil {
		return noteSignature{}, fmt.Errorf("signature of %q: %w", name, err)
	}
	if len(b) < 5 {
		return noteSignature{}, fmt.Errorf("signature of %q is too short", name)
	}
	return noteSignature{Name: name, Hash: binary.BigEndian.Uint32(b), Sig: b[4:]}, nil
}

func (s signedCheckpoint) text() []byte {
	var b strings.Builder
	b.WriteString(s.String() + "\n")
	for _, sig := range s.Signatures {
		raw := append(binary.BigEndian.AppendUint32(nil, sig.Hash), sig.Sig...)
		fmt.Fprintf(&b, "— %s %s\n", sig.Name, base64.StdEncoding.EncodeToString(raw))
	}
	return []byte(b.String())
}

// verifiedBy checks that every signature line is by one of the keys and holds, and that there is one at least.
func (s signedCheckpoint) verifiedBy(keys []note.Verifier) error {
	for i, sig := range s.Signatures {
		key := findKey(keys, sig)
		if key == nil {
			return fmt.Errorf("line %d is signed by the unknown key %s+%08x", i+1, sig.Name, sig.Hash)
		}
		if !key.Verify([]byte(s.String()), sig.Sig) {
			return fmt.Errorf("the signature of %s does not fit the text", sig.Name)
		}
	}
	return nil
}

func findKey(keys []note.Verifier, sig noteSignature) note.Verifier {
	for _, k := range keys {
		if k.Name() == sig.Name && k.KeyHash() == sig.Hash {
			return k
		}
	}
	return nil
}

// OpenCheckpoint reads a signed checkpoint that must carry a good signature by the key and no other.
func OpenCheckpoint(b []byte, key note.Verifier) (Checkpoint, error) {
	s, err := parseNote(b)
	if err != nil {
		return Checkpoint{}, fmt.Errorf("checkpoint: %w", err)
	}
	if s.Origin != key.Name() {
		return Checkpoint{}, fmt.Errorf("checkpoint is of %s, the key of %s", s.Origin, key.Name())
	}
	if err := s.verifiedBy([]note.Verifier{key}); err != nil {
		return Checkpoint{}, fmt.Errorf("checkpoint: %w", err)
	}
	return s.Checkpoint, nil
}
