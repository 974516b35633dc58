package fabric

import (
	"testing"

	"github.com/hyperledger/fabric-protos-go/common"
)

// What a peer hands out as a block may be anything.
func FuzzBlock(f *testing.F) {
	f.Add([]byte{}, []byte{0})
	f.Add([]byte("\x0a\x02\x0a\x00"), []byte{0})
	f.Fuzz(func(t *testing.T, envelope, verdicts []byte) {
		block := &common.Block{
			Data:     &common.BlockData{Data: [][]byte{envelope, envelope}},
			Metadata: &common.BlockMetadata{Metadata: [][]byte{nil, nil, verdicts}},
		}
		if err := tell(block, "anchor", func(e Event) error { return nil }); err != nil {
			t.Error(err)
		}
		if err := tell(&common.Block{Data: block.Data, Metadata: &common.BlockMetadata{}}, "anchor", func(Event) error { return nil }); err != nil {
			t.Error(err)
		}
	})
}
