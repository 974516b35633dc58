package chaincode

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/hyperledger/fabric-chaincode-go/v2/shim"
	"golang.org/x/mod/sumdb/tlog"

	"plinth/ledger"
	"plinth/ledger/twin"
)

// Keys of the state. An origin goes in as a hash, so that no name can reach into another's keys. The
// head is what transactions race for: Fabric's read version makes it a compare-and-swap. A checkpoint's key
// (ledger.CheckpointKey) is written once.
func logKey(origin string) string  { return "log/" + ledger.OriginID(origin) }
func headKey(origin string) string { return "head/" + ledger.OriginID(origin) }

// candidate is a checkpoint that asks to be anchored, with a good signature.
type candidate struct {
	origin string
	checkpoint
	proof tlog.TreeProof
	first string // the transaction that anchored it before, if one did
}

// anchor(origin, note, proof[, twin's note, twin's proof]) makes a checkpoint the log's head, and the twin's of the same
// size together with it. What is anchored already is answered with "same <first transaction>" and writes nothing, so
// submitting again is always safe.
func anchor(stub shim.ChaincodeStubInterface, args [][]byte) (string, error) {
	origin := string(args[0])
	if isTwin(origin) {
		return "", refuse(CodeTwin, "a twin is anchored together with its log")
	}
	c, err := examine(stub, origin, args[1], args[2])
	if err != nil {
		return "", err
	}
	second, err := examineTwin(stub, c, args[3:])
	if err != nil {
		return "", err
	}
	if c.first != "" {
		return "same " + c.first, nil
	}
	for _, next := range append(second, c) {
		if err := advance(stub, next); err != nil {
			return "", err
		}
	}
	return "anchored " + stub.GetTxID(), stub.SetEvent("anchored", []byte(c.note))
}

// examine checks what can be said of a checkpoint before the head is looked at.
func examine(stub shim.ChaincodeStubInterface, origin string, msg, proof []byte) (candidate, error) {
	keys, err := loadKeys(stub, origin)
	if err != nil {
		return candidate{}, err
	}
	c := candidate{origin: origin}
	if c.proof, err = parseProof(proof); err != nil {
		return candidate{}, err
	}
	if c.checkpoint, err = openCheckpoint(msg, origin, keys); err != nil {
		return candidate{}, err
	}
	if c.size == 0 {
		return candidate{}, refuse(CodeSize0, "a checkpoint of size 0 is not anchored")
	}
	c.first, err = anchoredBefore(stub, origin, c.checkpoint)
	return c, err
}

// examineTwin returns the twin's checkpoint: none for a log without a twin, one of the same size for a log with one.
// A log that has a twin must never go on without it.
func examineTwin(stub shim.ChaincodeStubInterface, of candidate, args [][]byte) ([]candidate, error) {
	origin := twin.Origin(of.origin)
	keys, err := findKeys(stub, origin)
	switch {
	case err != nil:
		return nil, err
	case keys == nil && len(args) == 0:
		return nil, nil
	case keys == nil:
		return nil, refuse(CodeTwin, "the log has no twin, but a checkpoint of one came")
	case len(args) == 0:
		return nil, refuse(CodeTwin, "the log has a twin, whose checkpoint is missing")
	}
	c, err := examine(stub, origin, args[0], args[1])
	if err != nil {
		return nil, err
	}
	if c.size != of.size {
		return nil, refuse(CodeTwin, "the twin's checkpoint has size %d, the log's %d", c.size, of.size)
	}
	return []candidate{c}, nil
}

// anchoredBefore returns the transaction that anchored the same before, if one did. For a size that is on the chain
// another root is a fork, or a rollback when the log has grown since.
func anchoredBefore(stub shim.ChaincodeStubInterface, origin string, cp checkpoint) (tx string, err error) {
	known, tx, err := loadCheckpoint(stub, origin, cp.size)
	if err != nil || tx == "" || known.root == cp.root {
		return tx, err
	}
	h, err := loadHead(stub, origin)
	if err != nil {
		return "", err
	}
	if cp.size < h.size {
		return "", refuse(CodeRollback, "the head has size %d, and size %d another root", h.size, cp.size)
	}
	return "", refuse(CodeFork, "size %d is anchored with another root", cp.size)
}

// advance moves the head forward to c.
func advance(stub shim.ChaincodeStubInterface, c candidate) error {
	old, err := loadHead(stub, c.origin)
	if err != nil {
		return err
	}
	if c.size <= old.size {
		return refuse(CodeRollback, "the head has size %d already", old.size)
	}
	next := head{size: c.size, root: c.root, tx: stub.GetTxID()}
	if err := checkExtends(c.origin, old, next, c.proof); err != nil {
		return err
	}
	if err := stub.PutState(headKey(c.origin), []byte(next.String())); err != nil {
		return err
	}
	return stub.PutState(ledger.CheckpointKey(c.origin, c.size), []byte(stub.GetTxID()+"\n"+c.note))
}

// attest(origin, size) answers with a checkpoint and the transaction that anchored it. It reads that one key and
// nothing else: what is once true stays byte for byte the same, and the read set that the peers sign holds the block
// in which it was committed.
func attest(stub shim.ChaincodeStubInterface, args [][]byte) (string, error) {
	origin := string(args[0])
	size, err := parseSize(string(args[1]))
	if err != nil {
		return "", refuse(CodeArgs, "size is not a plain decimal")
	}
	cp, tx, err := loadCheckpoint(stub, origin, size)
	if err != nil {
		return "", err
	}
	if tx == "" {
		return "", refuse(CodeNotFound, "no checkpoint of size %d is anchored", size)
	}
	return ledger.AttestedCheckpoint{Channel: stub.GetChannelID(), Origin: origin, Size: size, Root: cp.root, TxID: tx}.String(), nil
}

// readHead(origin) answers with size, root and transaction of the head, one a line; size 0 when there is none.
func readHead(stub shim.ChaincodeStubInterface, args [][]byte) (string, error) {
	h, err := loadHead(stub, string(args[0]))
	return h.String(), err
}

// loadCheckpoint returns the checkpoint of a size and its transaction, which is empty when there is none.
func loadCheckpoint(stub shim.ChaincodeStubInterface, origin string, size int64) (cp checkpoint, tx string, err error) {
	value, err := stub.GetState(ledger.CheckpointKey(origin, size))
	if err != nil || value == nil {
		return checkpoint{}, "", err
	}
	tx, signed, _ := strings.Cut(string(value), "\n")
	text, _, _ := strings.Cut(signed, "\n\n")
	cp, err = parseCheckpoint(text+"\n", origin)
	return cp, tx, err
}

// head is the newest checkpoint of a log; the zero value means that none is anchored.
type head struct {
	size int64
	root tlog.Hash
	tx   string
}

func (h head) String() string { return fmt.Sprintf("%d\n%s\n%s\n", h.size, h.root, h.tx) }

func loadHead(stub shim.ChaincodeStubInterface, origin string) (head, error) {
	value, err := stub.GetState(headKey(origin))
	if err != nil || value == nil {
		return head{}, err
	}
	lines := strings.Split(string(value), "\n")
	if len(lines) != 4 {
		return head{}, fmt.Errorf("head of %q: malformed", origin)
	}
	size, sizeErr := strconv.ParseInt(lines[0], 10, 64)
	root, rootErr := parseHash(lines[1])
	if sizeErr != nil || rootErr != nil {
		return head{}, fmt.Errorf("head of %q: malformed", origin)
	}
	return head{size: size, root: root, tx: lines[2]}, nil
}
