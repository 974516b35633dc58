package audit

import (
	"bytes"
	"crypto/sha256"
	"encoding/asn1"
	"encoding/hex"
	"errors"
	"fmt"
	"math/big"
)

// Block is one block of a Fabric channel (common.Block of Fabric 3.1), taken apart but not checked: see chainAudit.
type Block struct {
	Number       uint64
	PreviousHash []byte
	DataHash     []byte
	Envelopes    [][]byte
	// What the orderers added, and what the peer added when it committed the block.
	Signatures blockSignatures
	Codes      []byte    // a validation code per envelope; signed by nobody
	CommitHash []byte    // the peer's running hash over codes and writes; signed by nobody
	copies     [2][]byte // the old places of what the orderers sign
}

// blockSignatures is the first of a block's metadata: what the orderers signed beside the header, and their signatures.
type blockSignatures struct {
	Value      []byte // common.OrdererBlockMetadata
	Signatures []ordererSignature
}

// ordererSignature is one orderer's: by certificate in a signature header, or, under BFT, by its number in the
// channel's list of consenters.
type ordererSignature struct {
	Header     []byte // common.SignatureHeader
	Identifier []byte // common.IdentifierHeader
	Signature  []byte
}

// Places in a block's metadata (common.BlockMetadataIndex).
const (
	metaSignatures = 0
	metaLastConfig = 1
	metaFilter     = 2
	metaOrderer    = 3
	metaCommitHash = 4
	metaCount      = 5
)

// ParseBlock reads a block and refuses bytes that Fabric's encoder would not write, in all parts that no hash covers.
func ParseBlock(b []byte) (*Block, error) {
	var header, data, metadata []byte
	if err := message("block", b, takes{1: &header, 2: &data, 3: &metadata}); err != nil {
		return nil, err
	}
	k := &Block{}
	err := message("block header", header, takes{1: &k.Number, 2: &k.PreviousHash, 3: &k.DataHash})
	if err != nil {
		return nil, err
	}
	if err := message("block data", data, takes{1: &k.Envelopes}); err != nil {
		return nil, err
	}
	if len(k.Envelopes) == 0 {
		return nil, errors.New("block data: there is no envelope")
	}
	if len(k.DataHash) != sha256.Size {
		return nil, errors.New("block header: the data hash is not 32 bytes")
	}
	var metas [][]byte
	if err := message("block metadata", metadata, takes{1: &metas}); err != nil {
		return nil, err
	}
	return k, k.readMetadata(metas)
}

func (k *Block) readMetadata(metas [][]byte) error {
	for len(metas) < metaCount { // block 0 comes from the orderer without the peer's part
		metas = append(metas, nil)
	}
	if len(metas) > metaCount {
		return errors.New("block metadata: there are more kinds than Fabric 3.1 has")
	}
	if err := k.Signatures.read(metas[metaSignatures]); err != nil {
		return err
	}
	k.Codes = metas[metaFilter]
	if len(k.Codes) != len(k.Envelopes) {
		return fmt.Errorf("block metadata: %d validation codes for %d transactions", len(k.Codes), len(k.Envelopes))
	}
	k.copies = [2][]byte{metas[metaLastConfig], metas[metaOrderer]}
	var err error
	if k.CommitHash, err = metaValue("commit hash", metas[metaCommitHash]); err != nil {
		return err
	}
	return k.checkCopies(metas[metaLastConfig], metas[metaOrderer])
}

// checkCopies compares the two old places of metadata, which nobody signs, with what the orderers signed.
func (k *Block) checkCopies(lastConfig, orderer []byte) error {
	var signedConfig, signedOrderer []byte
	err := message("orderer's metadata", k.Signatures.Value, takes{1: &signedConfig, 2: &signedOrderer})
	if err != nil {
		return err
	}
	for _, c := range []struct {
		name         string
		copy, signed []byte
	}{{"last config", lastConfig, signedConfig}, {"consenter metadata", orderer, signedOrderer}} {
		v, err := metaValue(c.name, c.copy)
		if err != nil {
			return err
		}
		if len(c.copy) > 0 && !bytes.Equal(v, c.signed) {
			return fmt.Errorf("%s: it is not what the orderers signed", c.name)
		}
	}
	return nil
}

// metaValue reads a common.Metadata that has a value and no signatures.
func metaValue(name string, b []byte) (v []byte, err error) {
	err = message(name, b, takes{1: &v})
	if err == nil && !bytes.Equal(appendField(nil, 1, v), b) {
		err = fmt.Errorf("%s: not in minimal form", name)
	}
	return v, err
}

func (s *blockSignatures) read(b []byte) error {
	var signatures [][]byte
	if err := message("block signatures", b, takes{1: &s.Value, 2: &signatures}); err != nil {
		return err
	}
	for _, raw := range signatures {
		var o ordererSignature
		err := message("block signature", raw, takes{1: &o.Header, 2: &o.Signature, 3: &o.Identifier})
		if err != nil {
			return err
		}
		if len(o.Header) > 0 && len(o.Identifier) > 0 {
			return errors.New("block signature: it names its signer twice")
		}
		s.Signatures = append(s.Signatures, o)
	}
	return nil
}

// HeaderBytes returns what the next block hashes and the orderers sign: the header as an ASN.1 sequence.
func (k *Block) HeaderBytes() []byte {
	b, err := asn1.Marshal(struct {
		Number             *big.Int
		Previous, DataHash []byte
	}{new(big.Int).SetUint64(k.Number), k.PreviousHash, k.DataHash})
	if err != nil {
		panic(err) // numbers and bytes always have a form
	}
	return b
}

// Hash returns the hash of the block's header, by which the next block names this one.
func (k *Block) Hash() [sha256.Size]byte { return sha256.Sum256(k.HeaderBytes()) }

// checkData compares the envelopes with the header.
func (k *Block) checkData() error {
	h := sha256.New()
	for _, e := range k.Envelopes {
		h.Write(e)
	}
	if !bytes.Equal(h.Sum(nil), k.DataHash) {
		return errors.New("the transactions are not those that the header has the hash of")
	}
	return nil
}

func (k *Block) name() string { return fmt.Sprintf("block %d", k.Number) }

func (k *Block) tx(i int) string { return fmt.Sprintf("block %d, transaction %d", k.Number, i) }

func hexOf(h [sha256.Size]byte) string { return hex.EncodeToString(h[:]) }

// Encode returns the block's bytes.
func (k *Block) Encode() []byte {
	header := appendNumber(nil, 1, k.Number)
	header = appendField(header, 2, k.PreviousHash)
	header = appendField(header, 3, k.DataHash)
	var data, metadata []byte
	for _, e := range k.Envelopes {
		data = appendAlways(data, 1, e)
	}
	for _, m := range [][]byte{k.Signatures.encode(), k.copies[0], k.Codes, k.copies[1], appendField(nil, 1, k.CommitHash)} {
		metadata = appendAlways(metadata, 1, m)
	}
	b := appendAlways(nil, 1, header)
	return appendAlways(appendAlways(b, 2, data), 3, metadata)
}

func (s *blockSignatures) encode() []byte {
	b := appendField(nil, 1, s.Value)
	for _, o := range s.Signatures {
		one := appendField(nil, 1, o.Header)
		one = appendField(one, 2, o.Signature)
		b = appendAlways(b, 2, appendField(one, 3, o.Identifier))
	}
	return b
}
