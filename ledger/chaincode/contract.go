// Package chaincode is the contract "anchor", the organisations' common witness of our logs. A checkpoint enters the
// channel only with the log's signature and with the proof (RFC 6962 §2.1.2) that it extends the checkpoint anchored
// before it; so no log can show different histories to different people, or forget. A step of a case enters only in
// the order which ledger.NextState allows. The contract is pure and deterministic: it knows no clock, no randomness
// and nothing but its arguments and the channel's state.
//
// It runs in a process of its own (package server), apart from fabric-sdk-go: the two bring the same protobuf names.
package chaincode

import (
	"errors"
	"fmt"
	"strings"

	"github.com/hyperledger/fabric-chaincode-go/v2/shim"
	"github.com/hyperledger/fabric-protos-go-apiv2/peer"

	"plinth/ledger"
)

// Codes of refusal. An error of the contract begins with one of them, a colon and a space.
const (
	CodeArgs         = "ARGS"         // wrong number, length or form of arguments
	CodeOrg          = "ORG"          // the caller's organisation or role may not do this
	CodeExists       = "EXISTS"       // another value is there, and it is never replaced
	CodeLog          = "LOG"          // the log is not registered, or its key has another name
	CodeNote         = "NOTE"         // not a checkpoint of this log in its one canonical form
	CodeSig          = "SIG"          // not signed by the key that is the log's at this size
	CodeSize0        = "SIZE0"        // an empty tree proves nothing
	CodeProof        = "PROOF"        // a proof came where none can be, or is no list of hashes
	CodeFork         = "FORK"         // the size is anchored already, with another root
	CodeRollback     = "ROLLBACK"     // smaller than the head
	CodeInconsistent = "INCONSISTENT" // the proof does not lead from the head to the checkpoint
	CodeOrder        = "ORDER"        // the case's order does not allow the step
	CodeSeq          = "SEQ"          // the step is not the case's next
	CodeTwin         = "TWIN"         // a log and its twin do not come together
	CodeNotFound     = "NOTFOUND"     // no checkpoint of that size, or no such case
	CodeState        = "STATE"        // the peer could not read or write its state
)

// refusal is an answer of the contract, as opposed to a fault of the peer.
type refusal struct{ code, text string }

func (r refusal) Error() string { return r.code + ": " + r.text }

func refuse(code, format string, args ...any) error {
	return refusal{code, fmt.Sprintf(format, args...)}
}

// Contract is the chaincode. The zero value lets DefaultWriter write and DefaultOverseer review.
type Contract struct {
	Writer   string // MSP id; empty means DefaultWriter
	Overseer string // MSP id; empty means DefaultOverseer
}

var _ shim.Chaincode = (*Contract)(nil)

// Init does nothing: the contract has no state before the first log is registered.
func (c *Contract) Init(shim.ChaincodeStubInterface) *peer.Response { return shim.Success(nil) }

// function is one entry of the contract; args are without the function's name.
type function struct {
	may    access // who may call it
	limits []int  // the most bytes of each argument
	extra  int    // of these, how many may be left out together at the end
	domain string // the first line that its answer alone may have; "" for none
	run    func(shim.ChaincodeStubInterface, [][]byte) (string, error)
}

var functions = map[string]function{
	"RegisterLog": {may: writer, limits: []int{maxOrigin, maxVKey}, run: registerLog},
	"RotateKey":   {may: writer, limits: []int{maxOrigin, maxVKey, maxNote}, run: rotateKey},
	"LogKeys":     {may: anyone, limits: []int{maxOrigin}, run: logKeys},
	"Anchor":      {may: writer, limits: []int{maxOrigin, maxNote, maxProof, maxNote, maxProof}, extra: 2, run: anchor},
	"Head":        {may: anyone, limits: []int{maxOrigin}, run: readHead},
	"Attest":      {may: anyone, limits: []int{maxOrigin, maxNumber}, domain: ledger.AttestDomain, run: attest},
	"PutStep":     {may: stepWriter, limits: []int{ledger.MaxStep}, run: putStep},
	"AttestCase":  {may: anyone, limits: []int{maxID}, domain: ledger.AttestCaseDomain, run: attestCase},
	"SetStatus":   {may: writer, limits: []int{maxID, maxID, maxID}, run: setStatus},
	"Redact":      {may: writer, limits: []int{maxID, maxID}, run: redact},
}

// attestFamily begins the first line of everything that is attested, now and later.
const attestFamily = "plinth-attest"

// Invoke runs one function. No function may answer in the form of another's attestation: an attestation is recognised
// by its first line, without the proposal that asked for it.
func (c *Contract) Invoke(stub shim.ChaincodeStubInterface) *peer.Response {
	answer, err := c.invoke(stub)
	var r refusal
	if err != nil && !errors.As(err, &r) {
		err = refuse(CodeState, "%v", err)
	}
	if err != nil {
		return shim.Error(err.Error())
	}
	return shim.Success([]byte(answer))
}

func (c *Contract) invoke(stub shim.ChaincodeStubInterface) (string, error) {
	args := stub.GetArgs()
	if len(args) == 0 {
		return "", refuse(CodeArgs, "no function is named")
	}
	name := string(args[0])
	f, ok := functions[name]
	if !ok {
		return "", refuse(CodeArgs, "there is no function %.40q", name)
	}
	if err := f.checkArgs(name, args[1:]); err != nil {
		return "", err
	}
	if err := f.may(c, stub, args[1:]); err != nil {
		return "", err
	}
	answer, err := f.run(stub, args[1:])
	if err == nil && !f.mayAnswer(answer) {
		err = refuse(CodeState, "%s may not answer as an attestation", name)
	}
	return answer, err
}

func (f function) checkArgs(name string, args [][]byte) error {
	if n := len(args); n != len(f.limits) && n != len(f.limits)-f.extra {
		return refuse(CodeArgs, "%s takes %d arguments, got %d", name, len(f.limits), n)
	}
	for i, a := range args {
		if len(a) > f.limits[i] {
			return refuse(CodeArgs, "argument %d of %s has %d bytes, at most %d are allowed", i+1, name, len(a), f.limits[i])
		}
	}
	return nil
}

func (f function) mayAnswer(answer string) bool {
	if f.domain != "" {
		return strings.HasPrefix(answer, f.domain+"\n")
	}
	return !strings.HasPrefix(answer, attestFamily)
}
