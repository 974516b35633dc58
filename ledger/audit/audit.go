// Package audit checks a whole export offline: the chain's blocks, the logs' checkpoints and trees, the data of record
// behind the entries. It reads one folder and trusts nothing in it but what the policy's root certificates sign. It
// needs no network, no database and no Fabric library.
//
// It is not the way to check one record; that is a receipt and ledger.Verify.
package audit

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"time"

	"plinth"
	"plinth/ledger"
)

// Stage is one part of an audit.
type Stage string

// The stages in their order. The names in brackets are those of the design: A3, A5, A1, A2 with A4.
const (
	StageFolder      Stage = "folder"      // the folder is complete and in its one form
	StageChain       Stage = "chain"       // every block, signature, endorsement and the replay of the state (A3)
	StageCheckpoints Stage = "checkpoints" // signed, on the chain, attested by the organisations (A5)
	StageTree        Stage = "tree"        // entries → leaves → the root of every size on the chain (A1)
	StageData        Stage = "data"        // rows → payload → salt → commitment → entry; subjects in order (A2, A4)
	StageCases       Stage = "cases"       // steps and statuses on the chain against the log's records (A4)
	StageReceipts    Stage = "receipts"    // every receipt in the folder
)

// Progress tells how far a stage has come. Total is 0 while it is not known.
type Progress struct {
	Stage Stage
	Done  int64
	Total int64
}

// Options shape an audit; the zero value checks everything from the beginning.
type Options struct {
	// Progress is called from the audit's goroutine, several times a second at most; nil for none.
	Progress func(Progress)
	// Resume goes on from the state that an earlier audit left, and refuses an export that does not extend it.
	Resume bool
	// State is the file of that state; empty: the folder's name with ".audit" after it. It is the auditor's own, so
	// it does not lie in the folder.
	State string
	// OrdererRoots are root certificates of the ordering organisation. Without them those in the first block are
	// taken, and the report says so.
	OrdererRoots []*x509.Certificate
}

// Fault is the first bad object of an export and why it is bad.
type Fault struct {
	Stage  Stage  `json:"stage"`
	Object string `json:"object"` // e.g. "block 12, transaction 0: endorsement of OverseerMSP", "authz entry 37"
	Reason string `json:"reason"`
	word   ledger.Word
}

func (f *Fault) Error() string { return f.Object + ": " + f.Reason }

// bad returns a fault of something that a proof does not hold for.
func bad(s Stage, object, format string, args ...any) *Fault {
	return &Fault{Stage: s, Object: object, Reason: fmt.Sprintf(format, args...), word: ledger.Untrusted}
}

// StageReport is what a stage looked at.
type StageReport struct {
	Stage   Stage   `json:"stage"`
	Count   int64   `json:"count"` // blocks, checkpoints, entries, records, steps, receipts
	From    int64   `json:"from"`  // how many of them an earlier audit had looked at
	Seconds float64 `json:"seconds"`
	Right   bool    `json:"right"` // nothing bad was found in it
}

// Skipped is something that was not checked, with the number of objects that it concerns, 0 when it cannot be counted.
type Skipped struct {
	What  ledger.Check `json:"what"`
	Count int64        `json:"count,omitempty"`
}

// LogReport is one log as far as it is proven.
type LogReport struct {
	Origin   string `json:"origin"`
	Size     int64  `json:"size"`
	Root     string `json:"root"`     // base64
	Anchored int64  `json:"anchored"` // the newest size that is on the chain
	Subjects int64  `json:"subjects"`
}

// ChainReport is the chain as far as it is proven.
type ChainReport struct {
	Channel      string `json:"channel"`
	Blocks       int64  `json:"blocks"`
	Transactions int64  `json:"transactions"`
	Signatures   int64  `json:"signatures"`
	Head         string `json:"head"` // hash of the newest block's header, hex
}

// Report is an audit's result. Word is record-and-data-proven when the data of record were in the folder,
// record-proven when they were not.
type Report struct {
	Word       ledger.Word   `json:"word"`
	ExitCode   int           `json:"exitCode"`
	Fault      *Fault        `json:"fault,omitempty"`
	Stages     []StageReport `json:"stages"`
	NotChecked []Skipped     `json:"notChecked"`
	Logs       []LogReport   `json:"logs"`
	Chain      ChainReport   `json:"chain"`
	At         time.Time     `json:"certificatesJudgedAt"`
}

// Run audits the export in dir against the policy. The report is complete in every case; the error is not nil only
// when the audit could not be carried out: a wrong policy, a folder that cannot be read, a context that ended. A fault
// found is no error: it is what the report says.
//
// Memory: 16 MiB, 0.6 kB per checkpoint on the chain, 0.2 kB per subject; nothing grows with the entries.
func Run(ctx context.Context, dir string, p ledger.Policy, o Options) (Report, error) {
	a := newAudit(dir, p, o)
	err := a.run(ctx)
	var f *Fault
	switch {
	case err == nil:
		a.report.Word = ledger.Proven
		if !a.noData {
			a.report.Word = ledger.ProvenWithData
		}
	case errors.As(err, &f):
		a.report.Word, a.report.Fault, err = f.word, f, nil
	default:
		a.report.Word = ledger.CannotEvaluate
		if errors.Is(err, plinth.ErrInvalid) {
			a.report.Word = ledger.UsageError
		}
	}
	a.finish()
	return a.report, err
}
