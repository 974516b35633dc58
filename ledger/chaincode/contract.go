// Package chaincode is the contract "anchor", the organisations' common witness of our logs. A checkpoint enters the
// channel only with the log's signature and with the proof (RFC 6962 §2.1.2) that it extends the checkpoint anchored
// before it; so no log can show different histories to different people, or forget. The contract is pure and
// deterministic: it knows no clock, no randomness and nothing but its arguments and the channel's state.
//
// It runs in a process of its own (package server), apart from fabric-sdk-go: the two bring the same protobuf names.
package chaincode

import (
	"errors"
	"fmt"
	"strings"

	"github.com/hyperledger/fabric-chaincode-go/v2/pkg/cid"
	"github.com/hyperledger/fabric-chaincode-go/v2/shim"
	"github.com/hyperledger/fabric-protos-go-apiv2/peer"
)

// DefaultWriter is the organisation whose logs are anchored, and the only one that may write: 数据局.
const DefaultWriter = "BureauMSP"

// Codes of refusal. An error of the contract begins with one of them, a colon and a space.
const (
	CodeArgs         = "ARGS"         // wrong number or form of arguments
	CodeOrg          = "ORG"          // the caller's organisation or role may not do this
	CodeExists       = "EXISTS"       // another key is registered for the log
	CodeLog          = "LOG"          // the log is not registered, or its key has another name
	CodeNote         = "NOTE"         // not a checkpoint of this log in its one canonical form
	CodeSig          = "SIG"          // not signed by the registered key
	CodeSize0        = "SIZE0"        // an empty tree proves nothing
	CodeProof        = "PROOF"        // a proof came where none can be, or is no list of hashes
	CodeFork         = "FORK"         // the size is anchored already, with another root
	CodeRollback     = "ROLLBACK"     // smaller than the head
	CodeInconsistent = "INCONSISTENT" // the proof does not lead from the head to the checkpoint
	CodeNotFound     = "NOTFOUND"     // no checkpoint of that size is anchored
	CodeState        = "STATE"        // the peer could not read or write its state
)

// refusal is an answer of the contract, as opposed to a fault of the peer.
type refusal struct{ code, text string }

func (r refusal) Error() string { return r.code + ": " + r.text }

func refuse(code, format string, args ...any) error {
	return refusal{code, fmt.Sprintf(format, args...)}
}

// Contract is the chaincode. The zero value lets DefaultWriter write.
type Contract struct {
	Writer string // MSP id; empty means DefaultWriter
}

var _ shim.Chaincode = (*Contract)(nil)

// Init does nothing: the contract has no state before the first log is registered.
func (c *Contract) Init(shim.ChaincodeStubInterface) *peer.Response { return shim.Success(nil) }

// function is one entry of the contract; args are without the function's name.
type function struct {
	writes bool
	args   int
	run    func(shim.ChaincodeStubInterface, [][]byte) (string, error)
}

var functions = map[string]function{
	"RegisterLog": {writes: true, args: 2, run: registerLog},
	"Anchor":      {writes: true, args: 3, run: anchor},
	"Attest":      {args: 2, run: attest},
	"Head":        {args: 1, run: readHead},
}

// Invoke runs one function. No function but Attest may answer in Attest's form: an attestation is recognised by its
// first line, without the proposal that asked for it.
func (c *Contract) Invoke(stub shim.ChaincodeStubInterface) *peer.Response {
	name, answer, err := c.invoke(stub)
	if err == nil && name != "Attest" && strings.HasPrefix(answer, attestDomain) {
		err = refuse(CodeState, "%s may not answer as an attestation", name)
	}
	var r refusal
	if err != nil && !errors.As(err, &r) {
		err = refuse(CodeState, "%v", err)
	}
	if err != nil {
		return shim.Error(err.Error())
	}
	return shim.Success([]byte(answer))
}

func (c *Contract) invoke(stub shim.ChaincodeStubInterface) (name, answer string, err error) {
	args := stub.GetArgs()
	if len(args) == 0 {
		return "", "", refuse(CodeArgs, "no function is named")
	}
	name = string(args[0])
	f, ok := functions[name]
	if !ok {
		return name, "", refuse(CodeArgs, "there is no function %.40q", name)
	}
	if len(args)-1 != f.args {
		return name, "", refuse(CodeArgs, "%s takes %d arguments, got %d", name, f.args, len(args)-1)
	}
	if f.writes {
		if err := c.mayWrite(stub); err != nil {
			return name, "", err
		}
	}
	answer, err = f.run(stub, args[1:])
	return name, answer, err
}

// mayWrite lets in clients and administrators of the writer's organisation. Peers and orderers of it are refused: a
// node's key must not be able to speak for the log.
func (c *Contract) mayWrite(stub shim.ChaincodeStubInterface) error {
	writer := c.Writer
	if writer == "" {
		writer = DefaultWriter
	}
	caller, err := cid.New(stub)
	if err != nil {
		return refuse(CodeOrg, "the caller has no X.509 identity")
	}
	msp, _ := caller.GetMSPID()
	if msp != writer {
		return refuse(CodeOrg, "%.64s may not write, only %s", msp, writer)
	}
	for _, role := range []string{"client", "admin"} {
		if ok, err := caller.HasOUValue(role); err == nil && ok {
			return nil
		}
	}
	return refuse(CodeOrg, "the caller is neither client nor admin of %s", writer)
}
