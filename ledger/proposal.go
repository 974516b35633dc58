package ledger

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"

	"google.golang.org/protobuf/encoding/protowire"
)

// The payload that peers sign is Fabric's ProposalResponsePayload. It is read here field by field, so that an auditor
// needs no Fabric library, and every field that has no business in an endorsed read is refused.

// CheckpointKey is the key under which the chaincode keeps the checkpoint of an origin and size. It is written once;
// Attest reads it and nothing else, which the read set in the signed payload shows.
func CheckpointKey(origin string, size int64) string {
	return fmt.Sprintf("cp/%s/%016x", OriginID(origin), size)
}

// OriginID is the short name of an origin in the chaincode's keys: the first half of its SHA-256, in hex.
func OriginID(origin string) string {
	sum := sha256.Sum256([]byte(origin))
	return hex.EncodeToString(sum[:16])
}

// lifecycle is the namespace that holds the chaincode's definition. A peer notes in each answer the version of the
// definition which it ran under.
const lifecycle = "_lifecycle"

// answer is what the organisations signed.
type answer struct {
	Status    uint64
	Value     []byte
	Chaincode string
	Version   string
	Reads     map[string][]read // by namespace
}

// read is one key that the chaincode read, with the place on the chain where its value was committed.
type read struct {
	Key     string
	Exists  bool
	Block   uint64
	TxIndex uint64
}

// field is one field of a protobuf message: Num for varints, Bytes for everything with a length.
type field struct {
	ID    protowire.Number
	Wire  protowire.Type
	Num   uint64
	Bytes []byte
}

// fields splits a message strictly: varints and length-delimited fields alone, in ascending order, in minimal form.
func fields(b []byte) ([]field, error) {
	var out []field
	var again []byte
	for rest := b; len(rest) > 0; {
		id, wire, n := protowire.ConsumeTag(rest)
		if n < 0 {
			return nil, errors.New("malformed field tag")
		}
		f := field{ID: id, Wire: wire}
		rest, again = rest[n:], protowire.AppendTag(again, id, wire)
		switch wire {
		case protowire.VarintType:
			f.Num, n = protowire.ConsumeVarint(rest)
			again = protowire.AppendVarint(again, f.Num)
		case protowire.BytesType:
			f.Bytes, n = protowire.ConsumeBytes(rest)
			again = protowire.AppendBytes(again, f.Bytes)
		default:
			return nil, fmt.Errorf("field %d has a type that is not used", id)
		}
		if n < 0 {
			return nil, fmt.Errorf("field %d is cut short", id)
		}
		if len(out) > 0 && out[len(out)-1].ID > id {
			return nil, fmt.Errorf("field %d is out of order", id)
		}
		out, rest = append(out, f), rest[n:]
	}
	if !bytes.Equal(again, b) {
		return nil, errors.New("not in minimal form")
	}
	return out, nil
}

// message reads a message whose fields are read by set; a field that set does not take is refused, and so is one that
// comes twice unless it is repeated.
func message(name string, b []byte, set map[protowire.Number]func(field) error, repeated protowire.Number) error {
	fs, err := fields(b)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	var last protowire.Number
	for _, f := range fs {
		take := set[f.ID]
		if take == nil {
			return fmt.Errorf("%s: field %d does not belong in an endorsed read", name, f.ID)
		}
		if f.ID == last && f.ID != repeated {
			return fmt.Errorf("%s: field %d comes twice", name, f.ID)
		}
		if err := take(f); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		last = f.ID
	}
	return nil
}

func number(into *uint64) func(field) error {
	return func(f field) error {
		if f.Wire != protowire.VarintType {
			return fmt.Errorf("field %d is not a number", f.ID)
		}
		*into = f.Num
		return nil
	}
}

func delimited(f field, then func([]byte) error) error {
	if f.Wire != protowire.BytesType {
		return fmt.Errorf("field %d is not delimited", f.ID)
	}
	return then(f.Bytes)
}

func octets(into *[]byte) func(field) error {
	return func(f field) error { return delimited(f, func(b []byte) error { *into = b; return nil }) }
}

func text(into *string) func(field) error {
	return func(f field) error { return delimited(f, func(b []byte) error { *into = string(b); return nil }) }
}

func inner(parse func([]byte) error) func(field) error {
	return func(f field) error { return delimited(f, parse) }
}

type takes = map[protowire.Number]func(field) error

// parseAnswer reads a ProposalResponsePayload.
func parseAnswer(payload []byte) (answer, error) {
	a := answer{Reads: map[string][]read{}}
	var hash, action []byte
	err := message("response payload", payload, takes{1: octets(&hash), 2: octets(&action)}, 0)
	if err != nil {
		return answer{}, err
	}
	if len(hash) != sha256.Size {
		return answer{}, errors.New("response payload: proposal hash is not 32 bytes")
	}
	// Field 2, the chaincode's events, is not taken: an endorsed read has none.
	return a, message("chaincode action", action, takes{
		1: inner(a.parseReadWriteSets), 3: inner(a.parseResponse), 4: inner(a.parseChaincode),
	}, 0)
}

func (a *answer) parseResponse(b []byte) error {
	return message("response", b, takes{1: number(&a.Status), 3: octets(&a.Value)}, 0)
}

func (a *answer) parseChaincode(b []byte) error {
	return message("chaincode id", b, takes{2: text(&a.Chaincode), 3: text(&a.Version)}, 0)
}

func (a *answer) parseReadWriteSets(b []byte) error {
	return message("read set", b, takes{2: inner(a.parseNamespace)}, 2)
}

func (a *answer) parseNamespace(b []byte) error {
	var name string
	var set []byte
	if err := message("namespace", b, takes{1: text(&name), 2: octets(&set)}, 0); err != nil {
		return err
	}
	if _, twice := a.Reads[name]; twice {
		return fmt.Errorf("namespace %q comes twice", name)
	}
	a.Reads[name] = nil
	return message("key set of "+name, set, takes{1: inner(func(b []byte) error {
		r, err := parseRead(b)
		a.Reads[name] = append(a.Reads[name], r)
		return err
	})}, 1)
}

func parseRead(b []byte) (read, error) {
	var r read
	return r, message("read", b, takes{1: text(&r.Key), 2: inner(func(b []byte) error {
		r.Exists = true
		return message("version", b, takes{1: number(&r.Block), 2: number(&r.TxIndex)}, 0)
	})}, 0)
}

// checkpointRead returns the one read that an attestation of this checkpoint makes.
func (a answer) checkpointRead(origin string, size int64) (read, error) {
	r, err := a.onlyRead(CheckpointKey(origin, size))
	if errors.Is(err, errOtherKey) {
		err = fmt.Errorf("the key that was read is not that of a checkpoint of %s with size %d", origin, size)
	}
	return r, err
}

var errOtherKey = errors.New("the key that was read is not the one that the value is of")

// onlyRead returns the one read of the chaincode's state, which must be of this key, or says what the read set holds
// instead. Function and arguments are not signed without the proposal; the read set is what binds the answer to the
// question.
func (a answer) onlyRead(key string) (read, error) {
	for name, reads := range a.Reads {
		switch name {
		case a.Chaincode:
		case lifecycle:
			if len(reads) != 1 || reads[0].Key != "namespaces/fields/"+a.Chaincode+"/Sequence" {
				return read{}, errors.New("the definition read is not that of the chaincode")
			}
		default:
			return read{}, fmt.Errorf("namespace %q does not belong there", name)
		}
	}
	own := a.Reads[a.Chaincode]
	if len(own) != 1 {
		return read{}, fmt.Errorf("%d keys of the chaincode were read, want one", len(own))
	}
	if own[0].Key != key || !own[0].Exists {
		return read{}, errOtherKey
	}
	return own[0], nil
}
