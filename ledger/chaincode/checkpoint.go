package chaincode

import (
	"encoding/base64"
	"errors"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// Limits on arguments in bytes; far above what a log of 2^63 leaves needs.
const (
	maxOrigin = 200
	maxVKey   = 400
	maxNote   = 4 << 10
	maxProof  = 64 * tlog.HashSize
	maxNumber = 20
	maxID     = 40
)

// checkpoint is a signed tree head (C2SP tlog-checkpoint): origin, size and root, one a line.
type checkpoint struct {
	size int64
	root tlog.Hash
	note string // text and the log's signature alone, as we encode it
}

// checkOrigin refuses names that could not be a checkpoint's first line.
func checkOrigin(origin string) error {
	bad := origin == "" || len(origin) > maxOrigin || !utf8.ValidString(origin) ||
		strings.ContainsFunc(origin, func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) || r == '+' })
	if bad {
		return refuse(CodeArgs, "origin: want 1 to %d bytes of UTF-8 without space, control character or plus", maxOrigin)
	}
	return nil
}

// openCheckpoint checks form, origin and the signature by the key that is the log's at this size. The size is read
// before the signature is checked, and believed after.
func openCheckpoint(msg []byte, origin string, keys keyring) (checkpoint, error) {
	text, _, ok := strings.Cut(string(msg), "\n\n")
	if !ok {
		return checkpoint{}, refuse(CodeNote, "not a signed note")
	}
	cp, err := parseCheckpoint(text+"\n", origin)
	if err != nil {
		return checkpoint{}, err
	}
	n, err := openNote(msg, origin, keys.at(cp.size).VKey)
	if err != nil {
		return checkpoint{}, err
	}
	if n.Text != text+"\n" {
		return checkpoint{}, refuse(CodeNote, "not a signed note of one text")
	}
	cp.note = encodeNote(n)
	return cp, nil
}

// openNote checks the signature of a log's key on a note.
func openNote(msg []byte, origin, vkey string) (*note.Note, error) {
	key, err := schemeOf(origin).verifier(vkey)
	if err != nil {
		return nil, err
	}
	n, err := note.Open(msg, note.VerifierList(key))
	var unverified *note.UnverifiedNoteError
	var invalid *note.InvalidSignatureError
	switch {
	case errors.As(err, &unverified), errors.As(err, &invalid):
		return nil, refuse(CodeSig, "no valid signature of the key that is the log's at this size")
	case err != nil:
		return nil, refuse(CodeNote, "not a signed note")
	}
	return n, nil
}

// encodeNote writes the note again with its verified signature alone: note.Open forgives spellings of base64 that a
// stored note must not have.
func encodeNote(n *note.Note) string {
	sig := n.Sigs[0]
	raw, _ := base64.StdEncoding.DecodeString(sig.Base64) // note.Open has decoded it
	return n.Text + "\n— " + sig.Name + " " + base64.StdEncoding.EncodeToString(raw) + "\n"
}

func parseCheckpoint(text, origin string) (checkpoint, error) {
	lines := strings.Split(text, "\n")
	if len(lines) != 4 || lines[3] != "" {
		return checkpoint{}, refuse(CodeNote, "want three lines: origin, size, root")
	}
	if lines[0] != origin {
		return checkpoint{}, refuse(CodeNote, "the note is of another origin")
	}
	size, err := parseSize(lines[1])
	if err != nil {
		return checkpoint{}, refuse(CodeNote, "size is not a plain decimal")
	}
	root, err := parseHash(lines[2])
	if err != nil {
		return checkpoint{}, refuse(CodeNote, "root is not a hash in canonical base64")
	}
	return checkpoint{size: size, root: root}, nil
}

// parseSize reads a decimal of one spelling: no sign, no leading zero.
func parseSize(s string) (int64, error) {
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || n < 0 || strconv.FormatInt(n, 10) != s {
		return 0, strconv.ErrSyntax
	}
	return n, nil
}

// parseProof reads hashes that follow each other without a separator.
func parseProof(b []byte) (tlog.TreeProof, error) {
	if len(b)%tlog.HashSize != 0 {
		return nil, refuse(CodeProof, "want hashes of %d bytes, got %d bytes", tlog.HashSize, len(b))
	}
	var proof tlog.TreeProof
	for ; len(b) > 0; b = b[tlog.HashSize:] {
		proof = append(proof, tlog.Hash(b[:tlog.HashSize]))
	}
	return proof, nil
}

// checkExtends proves that the tree of new contains the tree of old as its beginning.
func checkExtends(origin string, old, new head, proof tlog.TreeProof) error {
	if old.size == 0 {
		if len(proof) > 0 {
			return refuse(CodeProof, "the first checkpoint extends nothing, its proof must be empty")
		}
		return nil
	}
	if err := schemeOf(origin).extends(old, new, proof); err != nil {
		return refuse(CodeInconsistent, "the proof does not lead from size %d to %d", old.size, new.size)
	}
	return nil
}
