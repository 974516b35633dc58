package chaincode

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/hyperledger/fabric-chaincode-go/v2/shim"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"plinth/ledger"
)

// attestDomain is the first line of Attest's answer, and of no other: see ledger.AttestedCheckpoint.
const attestDomain = "plinth-attest/v1\n"

// Keys of the state. An origin goes in as a hash, so that no name can reach into another's keys. The
// head is what transactions race for: Fabric's read version makes it a compare-and-swap. A checkpoint's key
// (ledger.CheckpointKey) is written once.
func logKey(origin string) string  { return "log/" + ledger.OriginID(origin) }
func headKey(origin string) string { return "head/" + ledger.OriginID(origin) }

// registerLog(origin, vkey) makes a log known. Its key never changes: a second one would let two logs share a name.
func registerLog(stub shim.ChaincodeStubInterface, args [][]byte) (string, error) {
	origin, vkey := string(args[0]), string(args[1])
	if err := checkOrigin(origin); err != nil {
		return "", err
	}
	key, err := note.NewVerifier(vkey)
	if err != nil || len(vkey) > maxNote {
		return "", refuse(CodeArgs, "vkey is not a verifier key of a signed note")
	}
	if key.Name() != origin {
		return "", refuse(CodeLog, "the key's name is not the origin")
	}
	known, err := stub.GetState(logKey(origin))
	if err != nil {
		return "", err
	}
	if known != nil {
		knownKey, tx, _ := strings.Cut(string(known), "\n")
		if knownKey != vkey {
			return "", refuse(CodeExists, "another key is registered for this log")
		}
		return "same " + tx, nil
	}
	return "registered " + stub.GetTxID(), stub.PutState(logKey(origin), []byte(vkey+"\n"+stub.GetTxID()))
}

// anchor(origin, note, proof) makes a checkpoint the log's head. What is anchored already is answered with
// "same <first transaction>" and writes nothing, so submitting again is always safe.
func anchor(stub shim.ChaincodeStubInterface, args [][]byte) (string, error) {
	origin := string(args[0])
	proof, err := parseProof(args[2])
	if err != nil {
		return "", err
	}
	key, err := registeredKey(stub, origin)
	if err != nil {
		return "", err
	}
	cp, err := openCheckpoint(args[1], origin, key)
	if err != nil {
		return "", err
	}
	if cp.size == 0 {
		return "", refuse(CodeSize0, "a checkpoint of size 0 is not anchored")
	}
	if first, err := anchoredBefore(stub, origin, cp); first != "" || err != nil {
		return first, err
	}
	return advance(stub, origin, cp, proof)
}

func registeredKey(stub shim.ChaincodeStubInterface, origin string) (note.Verifier, error) {
	known, err := stub.GetState(logKey(origin))
	if err != nil {
		return nil, err
	}
	if known == nil {
		return nil, refuse(CodeLog, "the log %.80q is not registered", origin)
	}
	vkey, _, _ := strings.Cut(string(known), "\n")
	return note.NewVerifier(vkey)
}

// anchoredBefore answers for a size that is on the chain: the same root is fine, another one is a fork, or a rollback
// when the log has grown since.
func anchoredBefore(stub shim.ChaincodeStubInterface, origin string, cp checkpoint) (string, error) {
	known, tx, err := loadCheckpoint(stub, origin, cp.size)
	switch {
	case err != nil || tx == "":
		return "", err
	case known.root == cp.root:
		return "same " + tx, nil
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

// advance moves the head forward to cp.
func advance(stub shim.ChaincodeStubInterface, origin string, cp checkpoint, proof tlog.TreeProof) (string, error) {
	old, err := loadHead(stub, origin)
	if err != nil {
		return "", err
	}
	if cp.size <= old.size {
		return "", refuse(CodeRollback, "the head has size %d already", old.size)
	}
	next := head{size: cp.size, root: cp.root, tx: stub.GetTxID()}
	if err := checkExtends(old, next, proof); err != nil {
		return "", err
	}
	if err := stub.PutState(headKey(origin), []byte(next.String())); err != nil {
		return "", err
	}
	value := stub.GetTxID() + "\n" + cp.note
	if err := stub.PutState(ledger.CheckpointKey(origin, cp.size), []byte(value)); err != nil {
		return "", err
	}
	return "anchored " + stub.GetTxID(), stub.SetEvent("anchored", []byte(cp.note))
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
