package audit

import (
	"slices"

	"plinth/ledger"
)

// What an audit does not check; every report lists those that apply, with the number of objects when it is known.
const (
	NotOrdererRoots  ledger.Check = "orderer-roots"        // the orderers' roots were taken from the first block
	NotConfigUpdates ledger.Check = "config-updates"       // that changes of the channel's configuration were allowed
	NotLifecycle     ledger.Check = "lifecycle-policy"     // that definitions of chaincode satisfy the lifecycle policy
	NotRangeQueries  ledger.Check = "range-queries"        // range queries of transactions
	NotKeyPolicies   ledger.Check = "key-policies"         // policies of single keys
	NotUnanchored    ledger.Check = "unanchored-entries"   // entries above the newest size on the chain: the log's word alone
	NotData          ledger.Check = "data-of-record"       // the data of record are not in the folder
	NotErased        ledger.Check = "erased-payloads"      // payloads whose key was destroyed
	NotLateRows      ledger.Check = "superseded-rows"      // rows of segments that a later segment covers again
	NotPendingRows   ledger.Check = "changed-rows"         // segments whose rows changed, and the later segment is not here yet
	NotStatus        ledger.Check = "statuses"             // whether statuses and redactions on the chain are of records here
	NotRows          ledger.Check = "rows-of-readings"     // the rows of device segments are not in the folder
	NotTwin          ledger.Check = "twin-tree"            // the trees under SM3 that logs have beside theirs
	NotNewer         ledger.Check = "newer-than-export"    // whether something newer exists than what was exported
	NotTags          ledger.Check = "subject-names"        // which subject a tag stands for
	NotLogKeys       ledger.Check = "log-keys-independent" // the logs' keys are the chain's word, none was given
	NotAfterFault    ledger.Check = "after-the-fault"      // everything after the first bad object
)

// always is what no audit of this form proves.
var always = []ledger.Check{NotNewer, NotTags, ledger.NotSigningTime, ledger.NotRevocation, ledger.NotChaincodeCode,
	ledger.NotTruth}

// skips collects what was not checked.
type skips struct {
	order  []ledger.Check
	counts map[ledger.Check]int64
}

func newSkips() *skips { return &skips{counts: map[ledger.Check]int64{}} }

// add notes n objects; 0 notes the kind alone.
func (s *skips) add(what ledger.Check, n int64) {
	if _, ok := s.counts[what]; !ok {
		s.order = append(s.order, what)
	}
	s.counts[what] += n
}

// drop forgets what will be counted again.
func (s *skips) drop(what ...ledger.Check) {
	for _, w := range what {
		delete(s.counts, w)
		s.order = slices.DeleteFunc(s.order, func(o ledger.Check) bool { return o == w })
	}
}

func (s *skips) list() []Skipped {
	out := []Skipped{}
	for _, what := range s.order {
		out = append(out, Skipped{what, s.counts[what]})
	}
	for _, what := range always {
		if !slices.Contains(s.order, what) {
			out = append(out, Skipped{What: what})
		}
	}
	return out
}
