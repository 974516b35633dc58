package drill

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"

	"plinth/ledger/audit"
)

// kind is one way to alter an export. alter returns what was altered, as the audit would name it: several names when
// the alteration touches several things or one thing has two names. It returns false when the export has nothing for
// it.
type kind struct {
	name   string
	memory bool // only an auditor who has audited before can find it
	alter  func(x *export, rng *rand.Rand) (where []string, ok bool)
}

// kinds are all of them. The first half is what a bad disk or a clumsy hand does, the second what an insider would.
var kinds = []kind{
	{name: "entry-byte", alter: logFlip(audit.EntriesFile, entryAt)},
	{name: "tile-byte", alter: tileByte},
	{name: "record-byte", alter: logFlip(audit.RecordsFile, frameAt("record"))},
	{name: "rows-byte", alter: logFlip(audit.RowsFile, frameAt("rows of record"))},
	{name: "checkpoint-byte", alter: logFlip(audit.CheckpointFile, func([]byte, int) string { return "checkpoint" })},
	{name: "attestation-byte", alter: logFlip(audit.CheckpointsFile, frameAt("attested checkpoint"))},
	{name: "block-byte", alter: blockByte},
	{name: "roots-byte", alter: fileFlip(audit.RootsFile)},
	{name: "manifest-byte", alter: fileFlip(audit.ManifestFile)},
	{name: "receipt-byte", alter: receiptByte},
	{name: "entries-cut", alter: entriesCut},
	{name: "blocks-cut", alter: blocksCut},
	{name: "payload", alter: payload},
	{name: "salt", alter: salt},
	{name: "reading", alter: reading},
	{name: "erased", alter: erased},
	{name: "record-removed", alter: recordRemoved},
	{name: "validation-code", alter: validationCode},
	{name: "blocks-swapped", alter: blocksSwapped},
	{name: "transaction-replaced", alter: transactionReplaced},
	{name: "transaction-dropped", alter: transactionDropped},
	{name: "chain-older", alter: chainOlder},
	{name: "entry-and-tree", alter: entryAndTree},
	{name: "entries-swapped", alter: entriesSwapped},
	{name: "record-and-entry", alter: recordAndEntry},
	{name: "log-older", alter: logOlder},
	{name: "checkpoint-forged", alter: checkpointForged},
	{name: "attestation-forged", alter: attestationForged},
	{name: "root-replaced", alter: rootReplaced},
	{name: "receipt-exchanged", alter: receiptExchanged},
	{name: "everything-older", memory: true, alter: everythingOlder},
}

// flipped returns b with one bit turned.
func flipped(b []byte, at int, rng *rand.Rand) []byte {
	b = bytes.Clone(b)
	b[at] ^= 1 << rng.IntN(8)
	return b
}

// someLog picks a log with the file.
func (x *export) someLog(file string, rng *rand.Rand) *audit.LogManifest {
	var logs []*audit.LogManifest
	for i := range x.manifest.Logs {
		if l := &x.manifest.Logs[i]; l.Size > 0 && len(x.files[path(l, file)]) > 0 {
			logs = append(logs, l)
		}
	}
	if len(logs) == 0 {
		return nil
	}
	return logs[rng.IntN(len(logs))]
}

// logFlip turns a bit of a log's file; of names what stands at the place.
func logFlip(file string, of func(b []byte, at int) string) func(*export, *rand.Rand) ([]string, bool) {
	return func(x *export, rng *rand.Rand) ([]string, bool) {
		log := x.someLog(file, rng)
		if log == nil {
			return nil, false
		}
		b := x.files[path(log, file)]
		at := rng.IntN(len(b))
		x.files[path(log, file)] = flipped(b, at, rng)
		return []string{object(log, of(b, at))}, true
	}
}

// entryAt names the entry at a place of an entry file.
func entryAt(b []byte, at int) string {
	i := 0
	for n := 0; ; i++ {
		if n += 2 + int(binary.BigEndian.Uint16(b[n:])); at < n {
			return fmt.Sprintf("entry %d", i)
		}
	}
}

// frameAt names the object at a place of a file of frames.
func frameAt(what string) func(b []byte, at int) string {
	return func(b []byte, at int) string { return fmt.Sprintf("%s %d", what, frameIndex(b, at)) }
}

func frameIndex(b []byte, at int) int {
	i := 0
	for n := 0; ; i++ {
		if n += 4 + int(binary.BigEndian.Uint32(b[n:])); at < n {
			return i
		}
	}
}

func fileFlip(name string) func(*export, *rand.Rand) ([]string, bool) {
	return func(x *export, rng *rand.Rand) ([]string, bool) {
		b := x.files[name]
		x.files[name] = flipped(b, rng.IntN(len(b)), rng)
		return []string{name}, true
	}
}

func tileByte(x *export, rng *rand.Rand) ([]string, bool) {
	log := x.someLog(audit.HashesFile(0), rng)
	if log == nil {
		return nil, false
	}
	level := 0
	for rng.IntN(2) == 0 && len(x.files[path(log, audit.HashesFile(level+1))]) > 0 {
		level++
	}
	name := path(log, audit.HashesFile(level))
	at := rng.IntN(len(x.files[name]))
	x.files[name] = flipped(x.files[name], at, rng)
	return []string{object(log, fmt.Sprintf("tile hash %d of level %d", at/32, level))}, true
}

func blockByte(x *export, rng *rand.Rand) ([]string, bool) {
	b := x.files[audit.BlocksFile]
	at := rng.IntN(len(b))
	x.files[audit.BlocksFile] = flipped(b, at, rng)
	return []string{fmt.Sprintf("block %d", frameIndex(b, at))}, true
}

func receiptByte(x *export, rng *rand.Rand) ([]string, bool) {
	all := x.receipts()
	if len(all) == 0 {
		return nil, false
	}
	name := all[rng.IntN(len(all))]
	x.files[name] = flipped(x.files[name], rng.IntN(len(x.files[name])), rng)
	return []string{receiptName(name)}, true
}

func receiptName(file string) string {
	return "receipt " + strings.TrimPrefix(file, audit.ReceiptsDir+"/")
}

// entriesCut drops the newest entries.
func entriesCut(x *export, rng *rand.Rand) ([]string, bool) {
	log := x.someLog(audit.EntriesFile, rng)
	if log == nil {
		return nil, false
	}
	entries := x.entries(log)
	keep := rng.IntN(len(entries))
	if keep == 0 {
		x.put(path(log, audit.EntriesFile), []byte{})
	} else {
		x.putTree(log, slices.Clone(entries[:keep]))
	}
	return []string{object(log, fmt.Sprintf("entry %d", keep))}, true
}

// blocksCut drops the newest blocks and leaves the manifest.
func blocksCut(x *export, rng *rand.Rand) ([]string, bool) {
	blocks := x.frames(audit.BlocksFile)
	keep := rng.IntN(len(blocks))
	x.putFrames(audit.BlocksFile, blocks[:keep])
	x.manifest.Files[audit.BlocksFile]++ // the length that the file had is not that of the rest
	x.files[audit.ManifestFile] = x.manifest.Encode()
	return []string{fmt.Sprintf("block %d", keep)}, true
}
