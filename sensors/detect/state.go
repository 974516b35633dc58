package detect

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"strconv"
	"time"

	"plinth"
)

// A state is the detector's name in 8 bytes, then its state struct field by field, little-endian, then the CRC-32C of
// both: what has lost a bit is no state, so that no detector counts on what it never was. Such structs have exported
// fields of fixed size only.

func appendState(b []byte, name string, state any) []byte {
	from := len(b)
	b = append(b, tag(name)...)
	b, err := binary.Append(b, binary.LittleEndian, state)
	if err != nil {
		panic(err) // a state struct of variable size is a programmer's mistake
	}
	return seal(b, from)
}

const sealed = 4 // bytes of a seal

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// seal appends the checksum of what b has from a place on.
func seal(b []byte, from int) []byte {
	return binary.LittleEndian.AppendUint32(b, crc32.Checksum(b[from:], castagnoli))
}

// unseal is what was sealed, if it still is what it was.
func unseal(b []byte) (body []byte, ok bool) {
	n := len(b) - sealed
	if n < 0 || binary.LittleEndian.Uint32(b[n:]) != crc32.Checksum(b[:n], castagnoli) {
		return nil, false
	}
	return b[:n], true
}

func setState(b []byte, name string, state any) error {
	head := tag(name)
	b, ok := unseal(b)
	if !ok || !bytes.HasPrefix(b, head) || len(b)-len(head) != binary.Size(state) {
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
