// Package sequencer writes the logs. It takes records in the order in which they were committed, makes entries of
// them, appends these durably, signs checkpoints, has them anchored on the chain, and keeps the attestations that
// receipts are made of. What an entry or receipt is, and how it is verified, is package ledger's.
package sequencer

import (
	"context"

	"golang.org/x/mod/sumdb/tlog"

	"plinth/ledger"
)

// Chain is the witness: it accepts a checkpoint only if it extends the one it has. Origins are checkpoint origin
// lines, e.g. "putuo.plinth/authz". Calls for one origin are never made concurrently; ledger/fabric implements it.
//
// Errors: plinth.ErrConflict when the chain refused, with its code in the text; ledger.ErrUnknownOutcome when a
// transaction was sent and nobody knows what became of it; plinth.ErrUnavailable when the chain cannot be reached and
// nothing was sent.
type Chain interface {
	// RegisterLog makes the log's key known; the same key again changes nothing.
	RegisterLog(ctx context.Context, origin, vkey string) error
	// Head returns the newest anchored checkpoint; size 0 when there is none.
	Head(ctx context.Context, origin string) (size int64, root tlog.Hash, err error)
	// Anchor submits a checkpoint and returns when it is committed. Submitting what is anchored already succeeds with
	// the first transaction.
	Anchor(ctx context.Context, origin string, s Submission) (Anchored, error)
	// Attest returns the organisations' endorsed read of an anchored checkpoint.
	Attest(ctx context.Context, origin string, size int64) (ledger.Attestation, error)
	// RotateKey replaces a log's key from the size after the head on; the proof is a note over ledger.KeyRotation, signed
	// by the key in force.
	RotateKey(ctx context.Context, origin, newVKey string, proof []byte) (Anchored, error)
	// LogKeys returns the keys that a log has had, oldest first; a log that is not registered is a conflict.
	LogKeys(ctx context.Context, origin string) ([]ledger.LogKey, error)
	// Height returns the number of blocks.
	Height(ctx context.Context) (uint64, error)
	StepChain
}

// Submission is a checkpoint on its way to the chain.
type Submission struct {
	Note  []byte         // the signed checkpoint
	Proof tlog.TreeProof // consistency (RFC 6962 §2.1.2) from the head on the chain; empty for the first
	// TwinNote and TwinProof are the same of the log's twin tree, anchored in the same transaction; nil when the log
	// has none. The proof's hashes are the twin's.
	TwinNote  []byte
	TwinProof [][]byte
}

// Anchored tells where on the chain a checkpoint was committed.
type Anchored struct {
	TxID  string
	Block uint64
}
