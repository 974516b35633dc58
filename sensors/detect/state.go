package detect

import (
	"bytes"
	"encoding/binary"
	"strconv"
	"time"

	"plinth"
)

// A state is the detector's name in 8 bytes, then its state struct field by field, little-endian. Such structs have
// exported fields of fixed size only.

func appendState(b []byte, name string, state any) []byte {
	b = append(b, tag(name)...)
	b, err := binary.Append(b, binary.LittleEndian, state)
	if err != nil {
		panic(err) // a state struct of variable size is a programmer's mistake
	}
	return b
}

func setState(b []byte, name string, state any) error {
	head := tag(name)
	if !bytes.HasPrefix(b, head) || len(b)-len(head) != binary.Size(state) {
		return plinth.Invalid("state", "this is no state of a %s detector of this version", name)
	}
	_, err := binary.Decode(b[len(head):], binary.LittleEndian, state)
	return err
}

func tag(name string) []byte {
	head := make([]byte, 8)
	copy(head, name)
	return head
}

// Times are kept as milliseconds since 1970, as readings have them; zero is no time.
func millis(t time.Time) int64 { return t.UnixMilli() }

func instant(ms int64) time.Time { return time.UnixMilli(ms).UTC() }

func number(f float64) string { return strconv.FormatFloat(f, 'g', -1, 64) }
