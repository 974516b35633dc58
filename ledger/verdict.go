package ledger

import "time"

// Word is a verdict in one word. The words are those of the transparency tools in use, so that an auditor's scripts
// can tell them apart.
type Word string

// The verdicts on a receipt.
const (
	Proven         Word = "record-proven"          // the record is in the log and the log is on the chain
	ProvenWithData Word = "record-and-data-proven" // and the payload at hand is the one recorded
	Untrusted      Word = "untrusted"              // a proof does not hold
	PolicyFailed   Word = "policy-failed"          // the proofs hold, but not for what the policy asks
	CannotEvaluate Word = "cannot-evaluate"        // this is not a receipt, or nothing is known to check it against
	UsageError     Word = "usage-error"            // the verifier was called wrongly
)

// ExitCode returns the code with which plinth-verify ends.
func (w Word) ExitCode() int {
	switch w {
	case Proven, ProvenWithData:
		return 0
	case Untrusted:
		return 1
	case PolicyFailed:
		return 2
	case CannotEvaluate:
		return 3
	default:
		return 4
	}
}

// Check names one thing that a verifier can look at.
type Check string

// What Verify checks, in its order.
const (
	CheckForm          Check = "form"
	CheckEntry         Check = "entry"
	CheckChains        Check = "certificate-chains"
	CheckEndorsements  Check = "endorsements"
	CheckOrganisations Check = "required-organisations"
	CheckChaincode     Check = "chaincode"
	CheckValue         Check = "attested-value"
	CheckReadSet       Check = "read-set"
	CheckCheckpoint    Check = "checkpoint-attested"
	CheckLogSignature  Check = "log-signature"
	CheckInclusion     Check = "inclusion"
	CheckPayload       Check = "payload"
	CheckFields        Check = "opened-fields" // of a payload whose other fields are withheld
	CheckTwin          Check = "twin"          // that the log's twin (SM3) holds the entry at the same place
	CheckTwinSignature Check = "twin-signature"
	CheckLogTree       Check = "sha256-tree"  // not checked when the twin alone is asked for
	CheckSigningTime   Check = NotSigningTime // by a time-stamp token
)

// What is not proven; every verdict lists it.
const (
	NotSigningTime   Check = "signing-time"     // no time-stamp token: the times in the entry are the writer's word
	NotRevocation    Check = "revocation"       // no revocation list of the peers' certificates
	NotChaincodeCode Check = "chaincode-code"   // the contract's name is signed, its code is not
	NotCompleteness  Check = "completeness"     // that nothing before or after was left out
	NotLaterStatus   Check = "later-status"     // whether a later record supersedes this one
	NotTruth         Check = "truth-of-content" // that what was recorded was true
)

// Part names a part of a receipt that can be at fault.
type Part string

// The parts.
const (
	PartFile        Part = "file"
	PartEntry       Part = "entry"
	PartChain       Part = "certificate chain"
	PartEndorsement Part = "attestation"
	PartPolicy      Part = "policy"
	PartAnswer      Part = "attested answer"
	PartChaincode   Part = "chaincode"
	PartValue       Part = "attested value"
	PartReadSet     Part = "read set"
	PartCheckpoint  Part = "checkpoint"
	PartSignature   Part = "checkpoint signature"
	PartInclusion   Part = "entry or path"
	PartPayload     Part = "payload"
	PartFields      Part = "opened fields"
	PartTimestamp   Part = "time-stamp"
	PartTwin        Part = "twin"
)

// Fault is why a receipt is not proven: the part at fault, the organisation when the part is one's, and the reason.
type Fault struct {
	Part Part
	Org  string
	Err  error
}

func (f *Fault) Error() string {
	if f.Org != "" {
		return string(f.Part) + " of " + f.Org + ": " + f.Err.Error()
	}
	return string(f.Part) + ": " + f.Err.Error()
}

// Unwrap returns the reason.
func (f *Fault) Unwrap() error { return f.Err }

// Verdict is what a verification found. It says as much about what was not looked at as about what was.
type Verdict struct {
	Word       Word
	Checked    []Check
	NotChecked []Check
	// The fields below are set as far as the verification came, and proven only if Word says so.
	Index      int64
	Entry      Entry
	Checkpoint Checkpoint
	Chain      ChainPlace
	Twin       Checkpoint // the twin's, when it was checked beside the log; zero else
	TwinChain  ChainPlace
	Orgs       []string  // organisations whose endorsement holds
	Signers    []Signer  // their peers, in the same order
	Fields     []Field   // opened fields that hold, by name
	Stamped    Stamped   // zero without a time-stamp that holds
	At         time.Time // when certificates were judged: the time-stamp's time, or the policy's
}

// Signer is a peer whose endorsement holds.
type Signer struct {
	MSP         string
	Certificate []byte // DER
}

// ChainPlace tells where on the chain the checkpoint is.
type ChainPlace struct {
	Channel   string
	Chaincode string
	Version   string
	TxID      string
	Block     uint64
	TxIndex   uint64
}
