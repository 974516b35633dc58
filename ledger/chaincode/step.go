package chaincode

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/hyperledger/fabric-chaincode-go/v2/shim"
	"golang.org/x/mod/sumdb/tlog"

	"plinth/ledger"
)

// caseState is how far a case has come; the zero value is a case without a step.
type caseState struct {
	count  uint64
	state  string
	digest ledger.CaseDigest
	tx     string // of the newest step
}

func (c caseState) String() string {
	return fmt.Sprintf("%d\n%s\n%s\n%s\n", c.count, c.state, c.digest, c.tx)
}

func loadCase(stub shim.ChaincodeStubInterface, tag ledger.Tag) (caseState, error) {
	value, err := stub.GetState(ledger.CaseKey(tag))
	if err != nil || value == nil {
		return caseState{}, err
	}
	lines := strings.Split(string(value), "\n")
	if len(lines) != 5 {
		return caseState{}, fmt.Errorf("case %s: malformed", tag)
	}
	count, countErr := strconv.ParseUint(lines[0], 10, 64)
	digest, digestErr := parseHash(lines[2])
	if countErr != nil || digestErr != nil {
		return caseState{}, fmt.Errorf("case %s: malformed", tag)
	}
	return caseState{count: count, state: lines[1], digest: ledger.CaseDigest(digest), tx: lines[3]}, nil
}

// putStep(step) puts the next step of a case on the chain, if its order allows it. The case's key is what rivals race
// for. The step that is there already is answered with "same <its transaction>".
func putStep(stub shim.ChaincodeStubInterface, args [][]byte) (string, error) {
	s, err := ledger.ParseStep(string(args[0]))
	if err != nil {
		return "", refuse(CodeArgs, "%v", err)
	}
	if _, err := loadKeys(stub, s.Origin); err != nil {
		return "", err
	}
	now, err := loadCase(stub, s.Case)
	if err != nil {
		return "", err
	}
	if s.Seq <= now.count {
		return stepBefore(stub, s)
	}
	if s.Seq != now.count+1 {
		return "", refuse(CodeSeq, "the case has %d steps, so step %d is not the next", now.count, s.Seq)
	}
	if err := notYetAStep(stub, s); err != nil {
		return "", err
	}
	return proceed(stub, now, s)
}

// stepBefore answers for a place in the case that is taken.
func stepBefore(stub shim.ChaincodeStubInterface, s ledger.Step) (string, error) {
	value, err := stub.GetState(ledger.StepKey(s.Case, s.Seq))
	if err != nil {
		return "", err
	}
	if tx, text, _ := strings.Cut(string(value), "\n"); text == s.String() {
		return "same " + tx, nil
	}
	return "", refuse(CodeExists, "step %d of the case is another one", s.Seq)
}

// notYetAStep refuses a record that is a step already, of this case or another.
func notYetAStep(stub shim.ChaincodeStubInterface, s ledger.Step) error {
	value, err := stub.GetState(ledger.StepOfKey(s.Record))
	if err == nil && value != nil {
		err = refuse(CodeExists, "the record is a step already: %s", strings.TrimSpace(string(value)))
	}
	return err
}

func proceed(stub shim.ChaincodeStubInterface, now caseState, s ledger.Step) (string, error) {
	state, err := ledger.NextState(now.state, s.Kind)
	if err != nil {
		return "", refuse(CodeOrder, "%v", err)
	}
	tx := stub.GetTxID()
	next := caseState{count: s.Seq, state: state, digest: now.digest.Add(s), tx: tx}
	for _, put := range [][2]string{
		{ledger.CaseKey(s.Case), next.String()},
		{ledger.StepKey(s.Case, s.Seq), tx + "\n" + s.String()},
		{ledger.StepOfKey(s.Record), fmt.Sprintf("%s %d\n", s.Case, s.Seq)},
	} {
		if err := stub.PutState(put[0], []byte(put[1])); err != nil {
			return "", err
		}
	}
	return "put " + tx, stub.SetEvent("step", []byte(s.String()))
}

// attestCase(case) answers with how a case stands. It reads that one key and nothing else, and the read set that the
// peers sign holds the block in which the newest step was committed.
func attestCase(stub shim.ChaincodeStubInterface, args [][]byte) (string, error) {
	tag, err := ledger.ParseTag(string(args[0]))
	if err != nil {
		return "", refuse(CodeArgs, "%v", err)
	}
	c, err := loadCase(stub, tag)
	if err != nil {
		return "", err
	}
	if c.count == 0 {
		return "", refuse(CodeNotFound, "there is no case %s", tag)
	}
	return ledger.AttestedCase{Channel: stub.GetChannelID(), Case: tag, Count: c.count, State: c.state, Digest: c.digest, TxID: c.tx}.String(), nil
}

// parseHash reads a hash in base64 of one spelling.
func parseHash(s string) (tlog.Hash, error) {
	h, err := tlog.ParseHash(s)
	if err == nil && h.String() != s {
		err = strconv.ErrSyntax
	}
	return h, err
}
