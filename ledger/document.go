package ledger

import (
	"bytes"
	"cmp"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"unicode/utf8"

	"golang.org/x/mod/sumdb/tlog"
)

// Document is a payload seen as fields that can be shown one by one: the members of a JSON object. Its commitment is
// one to all fields, each behind a salt of its own, so that some can be opened and the others stay unknown, values and
// names alike. It says as little as can be about what is withheld: the leaves are filled up to 16, 64 or 256 and stand
// in the order of their hashes, so that neither the number of fields, nor their lengths, nor their order shows; only
// which of these three sizes it is.
type Document struct{ Fields []Field }

// Field is one member: its name, and its value's bytes as they stand in the payload.
type Field struct {
	Name  string
	Value []byte
}

// Limits of a document.
const (
	MaxFields    = 256
	MaxFieldName = 128
)

// documentSizes are the numbers of leaves that documents are filled up to.
var documentSizes = []int{16, 64, MaxFields}

// documentDomain begins what is hashed to a document's commitment. The result can never pass as the commitment to a
// whole payload: that is an HMAC, whose outer hash is over 96 bytes of which the second 32 are all 0x5c.
const documentDomain = "plinth-document/v1\n"

// ParseDocument reads a payload's fields. The payload must be one JSON object without duplicate members.
func ParseDocument(payload []byte) (Document, error) {
	d := json.NewDecoder(bytes.NewReader(payload))
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return Document{}, errors.New("document: not a JSON object")
	}
	var doc Document
	for d.More() {
		f, err := readMember(d)
		if err != nil {
			return Document{}, fmt.Errorf("document: %w", err)
		}
		doc.Fields = append(doc.Fields, f)
	}
	if _, err := d.Token(); err != nil {
		return Document{}, fmt.Errorf("document: %w", err)
	}
	if _, err := d.Token(); err != io.EOF {
		return Document{}, errors.New("document: something stands behind the object")
	}
	return doc, doc.Validate()
}

func readMember(d *json.Decoder) (Field, error) {
	t, err := d.Token()
	if err != nil {
		return Field{}, err
	}
	name, ok := t.(string)
	if !ok {
		return Field{}, errors.New("a member has no name")
	}
	var value json.RawMessage
	if err := d.Decode(&value); err != nil {
		return Field{}, err
	}
	return Field{Name: name, Value: value}, nil
}

// Validate tells what makes the document unfit for a commitment.
func (d Document) Validate() error {
	if len(d.Fields) == 0 || len(d.Fields) > MaxFields {
		return fmt.Errorf("document: has %d fields, want 1 to %d", len(d.Fields), MaxFields)
	}
	names, size := map[string]bool{}, 0
	for _, f := range d.Fields {
		if len(f.Name) == 0 || len(f.Name) > MaxFieldName || !utf8.ValidString(f.Name) {
			return fmt.Errorf("document: the name of a field has %d bytes, want 1 to %d of UTF-8", len(f.Name), MaxFieldName)
		}
		if names[f.Name] {
			return fmt.Errorf("document: field %q comes twice", f.Name)
		}
		names[f.Name] = true
		size += len(f.Value)
	}
	if size > MaxPayload {
		return fmt.Errorf("document: has %d bytes, at most %d are allowed", size, MaxPayload)
	}
	return nil
}

// DocumentCommit commits to a document under the salt of its record.
func DocumentCommit(salt []byte, d Document) (Commitment, error) {
	leaves, _, err := d.leaves(salt)
	if err != nil {
		return Commitment{}, err
	}
	return documentCommitment(len(leaves), rootOf(leaves)), nil
}

func documentCommitment(size int, root tlog.Hash) Commitment {
	b := append([]byte(documentDomain), byte(size>>8), byte(size))
	return sha256.Sum256(append(b, root[:]...))
}

// disclosure is what a field's leaf is the hash of (RFC 6962 §2.1); the form is SD-JWT's (RFC 9901), in CBOR.
type disclosure struct {
	_     struct{} `cbor:",toarray"`
	Salt  []byte
	Name  string
	Value []byte
}

func (f Field) disclosure(salt []byte) ([]byte, error) {
	own, err := hkdf.Key(sha256.New, salt, nil, "plinth field salt v1\x00"+f.Name, SaltSize)
	if err != nil {
		return nil, err
	}
	return encoding.Marshal(disclosure{Salt: own, Name: f.Name, Value: f.Value})
}

// leaves returns the tree's leaves in their order, and each field's disclosure by name.
func (d Document) leaves(salt []byte) ([]tlog.Hash, map[string][]byte, error) {
	if err := d.Validate(); err != nil {
		return nil, nil, err
	}
	if len(salt) != SaltSize {
		return nil, nil, fmt.Errorf("salt has %d bytes, want %d", len(salt), SaltSize)
	}
	var out []tlog.Hash
	opened := map[string][]byte{}
	for _, f := range d.Fields {
		b, err := f.disclosure(salt)
		if err != nil {
			return nil, nil, err
		}
		opened[f.Name], out = b, append(out, tlog.RecordHash(b))
	}
	size := documentSizes[slices.IndexFunc(documentSizes, func(n int) bool { return n >= len(d.Fields) })]
	for i := len(out); i < size; i++ {
		filler, err := hkdf.Key(sha256.New, salt, nil, fmt.Sprintf("plinth filler v1\x00%d", i), tlog.HashSize)
		if err != nil {
			return nil, nil, err
		}
		out = append(out, tlog.Hash(filler))
	}
	slices.SortFunc(out, func(a, b tlog.Hash) int { return bytes.Compare(a[:], b[:]) })
	return out, opened, nil
}

// rootOf returns the RFC 6962 root of leaves.
func rootOf(leaves []tlog.Hash) tlog.Hash {
	if len(leaves) == 1 {
		return leaves[0]
	}
	half := 1
	for half*2 < len(leaves) {
		half *= 2
	}
	return tlog.NodeHash(rootOf(leaves[:half]), rootOf(leaves[half:]))
}

// Openings show some of a document's fields.
type Openings struct {
	Size   int // number of leaves of the tree, fields and filling alike
	Fields []Opening
}

// Opening is one field with its place and path in the document's tree.
type Opening struct {
	Disclosure []byte // CBOR [salt, name, value]
	Index      int
	Path       []tlog.Hash
}

// OpenFields opens the named fields and withholds the others.
func (d Document) OpenFields(salt []byte, names ...string) (Openings, error) {
	leaves, disclosures, err := d.leaves(salt)
	if err != nil {
		return Openings{}, err
	}
	o := Openings{Size: len(leaves)}
	for _, name := range names {
		b, ok := disclosures[name]
		if !ok {
			return Openings{}, fmt.Errorf("document: there is no field %q", name)
		}
		i := slices.Index(leaves, tlog.RecordHash(b))
		o.Fields = append(o.Fields, Opening{Disclosure: b, Index: i, Path: pathOf(leaves, i)})
	}
	slices.SortFunc(o.Fields, func(a, b Opening) int { return cmp.Compare(a.Index, b.Index) })
	return o, o.check()
}

// pathOf returns the path of a leaf, in a tree whose size is a power of two.
func pathOf(leaves []tlog.Hash, i int) (path []tlog.Hash) {
	for level := leaves; len(level) > 1; i >>= 1 {
		path = append(path, level[i^1])
		next := make([]tlog.Hash, len(level)/2)
		for k := range next {
			next[k] = tlog.NodeHash(level[2*k], level[2*k+1])
		}
		level = next
	}
	return path
}

// VerifyFields checks that every opened field is one of the document that the commitment is to, and returns the
// fields in the order of their names.
func VerifyFields(c Commitment, o Openings) ([]Field, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	var out []Field
	for _, f := range o.Fields {
		root, ok := climb(tlog.RecordHash(f.Disclosure), int64(f.Index), int64(o.Size), f.Path)
		if !ok || documentCommitment(o.Size, root) != c {
			return nil, errors.New("a field is not one of the document that the entry commits to")
		}
		d, err := parseDisclosure(f.Disclosure)
		if err != nil {
			return nil, err
		}
		out = append(out, Field{Name: d.Name, Value: d.Value})
	}
	slices.SortFunc(out, func(a, b Field) int { return cmp.Compare(a.Name, b.Name) })
	return out, Document{Fields: out}.Validate()
}

func parseDisclosure(b []byte) (disclosure, error) {
	var d disclosure
	if err := decode(b, &d); err != nil {
		return d, fmt.Errorf("field: %w", err)
	}
	if len(d.Salt) != SaltSize {
		return d, fmt.Errorf("field %q: salt has %d bytes, want %d", d.Name, len(d.Salt), SaltSize)
	}
	return d, nil
}

// check holds openings to their one form: places ascending, each once.
func (o Openings) check() error {
	if !slices.Contains(documentSizes, o.Size) || len(o.Fields) == 0 || len(o.Fields) > o.Size {
		return errors.New("openings: the number of leaves or fields is not that of a document")
	}
	for i, f := range o.Fields {
		if f.Index < 0 || f.Index >= o.Size || i > 0 && o.Fields[i-1].Index >= f.Index {
			return errors.New("openings: the places do not ascend within the document")
		}
	}
	return nil
}

// wireOpenings is the CBOR map of openings: the number of leaves, and [place, disclosure, path] of each field with the
// path's hashes one behind the other.
type wireOpenings struct {
	Size   uint16        `cbor:"1,keyasint"`
	Fields []wireOpening `cbor:"2,keyasint"`
}

type wireOpening struct {
	_          struct{} `cbor:",toarray"`
	Index      uint16
	Disclosure []byte
	Path       []byte
}

func (o Openings) wire() *wireOpenings {
	w := &wireOpenings{Size: uint16(o.Size)}
	for _, f := range o.Fields {
		w.Fields = append(w.Fields, wireOpening{Index: uint16(f.Index), Disclosure: f.Disclosure, Path: joinHashes(f.Path)})
	}
	return w
}

func (w wireOpenings) openings() (*Openings, error) {
	o := &Openings{Size: int(w.Size)}
	for _, f := range w.Fields {
		path, err := splitHashes(f.Path)
		if err != nil || len(path) > maxPath {
			return nil, errors.New("openings: a path is not one of hashes")
		}
		o.Fields = append(o.Fields, Opening{Disclosure: f.Disclosure, Index: int(f.Index), Path: path})
	}
	return o, o.check()
}
