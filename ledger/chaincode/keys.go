package chaincode

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/hyperledger/fabric-chaincode-go/v2/shim"

	"plinth/ledger"
	"plinth/ledger/twin"
)

// maxKeys bounds how often a log's key is rotated: its list of keys is read at every anchoring.
const maxKeys = 64

// keyring is the keys that a log has had, oldest first; the last one is in force.
type keyring []ledger.LogKey

// at is the key for checkpoints of a size.
func (k keyring) at(size int64) ledger.LogKey {
	i := slices.IndexFunc(k, func(key ledger.LogKey) bool { return key.Signs(size) })
	return k[max(i, 0)]
}

func (k keyring) last() ledger.LogKey { return k[len(k)-1] }

// A keyring is kept as lines: the first key and its transaction, then for every further key the size from which it
// signs, the key and its transaction. A key signs up to where the next begins.
func (k keyring) String() string {
	lines := []string{k[0].VKey, k[0].TxID}
	for _, key := range k[1:] {
		lines = append(lines, strconv.FormatInt(key.FromSize, 10), key.VKey, key.TxID)
	}
	return strings.Join(lines, "\n")
}

func parseKeyring(value string) (keyring, error) {
	lines := strings.Split(value, "\n")
	if len(lines)%3 != 2 {
		return nil, fmt.Errorf("keys of a log: malformed")
	}
	k := keyring{{VKey: lines[0], TxID: lines[1]}}
	for rest := lines[2:]; len(rest) > 0; rest = rest[3:] {
		from, err := parseSize(rest[0])
		if err != nil {
			return nil, fmt.Errorf("keys of a log: malformed size")
		}
		k[len(k)-1].UntilSize = from - 1
		k = append(k, ledger.LogKey{VKey: rest[1], FromSize: from, TxID: rest[2]})
	}
	return k, nil
}

// loadKeys returns a registered log's keys, or refuses.
func loadKeys(stub shim.ChaincodeStubInterface, origin string) (keyring, error) {
	k, err := findKeys(stub, origin)
	if err == nil && k == nil {
		err = refuse(CodeLog, "the log %.80q is not registered", origin)
	}
	return k, err
}

// findKeys returns nil when the log is not registered.
func findKeys(stub shim.ChaincodeStubInterface, origin string) (keyring, error) {
	value, err := stub.GetState(logKey(origin))
	if err != nil || value == nil {
		return nil, err
	}
	return parseKeyring(string(value))
}

// registerLog(origin, vkey) makes a log and its first key known. Another key comes by rotateKey alone.
func registerLog(stub shim.ChaincodeStubInterface, args [][]byte) (string, error) {
	origin, vkey := string(args[0]), string(args[1])
	if err := checkOrigin(origin); err != nil {
		return "", err
	}
	if err := checkKey(origin, vkey); err != nil {
		return "", err
	}
	if err := checkTwin(stub, origin); err != nil {
		return "", err
	}
	known, err := findKeys(stub, origin)
	switch {
	case err != nil:
		return "", err
	case known == nil:
		k := keyring{{VKey: vkey, TxID: stub.GetTxID()}}
		return "registered " + stub.GetTxID(), putKeys(stub, origin, k)
	case known.last().VKey == vkey:
		return "same " + known.last().TxID, nil
	}
	return "", refuse(CodeExists, "another key is registered for this log")
}

// checkTwin refuses a twin of nothing. From the moment when a twin is registered, its log is anchored with it alone.
func checkTwin(stub shim.ChaincodeStubInterface, origin string) error {
	of, is := strings.CutSuffix(origin, twin.Suffix)
	if !is {
		return nil
	}
	if isTwin(of) {
		return refuse(CodeTwin, "a twin has no twin")
	}
	_, err := loadKeys(stub, of)
	return err
}

func putKeys(stub shim.ChaincodeStubInterface, origin string, k keyring) error {
	if err := stub.PutState(logKey(origin), []byte(k.String())); err != nil {
		return err
	}
	return stub.SetEvent("key", []byte(origin+"\n"+k.last().VKey+"\n"))
}

func checkKey(origin, vkey string) error {
	key, err := schemeOf(origin).verifier(vkey)
	if err != nil {
		return refuse(CodeArgs, "vkey is not a verifier key of a signed note, or not of the log's kind")
	}
	if key.Name() != origin {
		return refuse(CodeLog, "the key's name is not the origin")
	}
	return nil
}

// rotateKey(origin, newVkey, proof) replaces a log's key from the next size on. The proof is a note over
// ledger.KeyRotation, signed by the key in force. What the old key has signed up to the head stays good, and
// it can sign nothing larger: whoever stole it has nothing.
func rotateKey(stub shim.ChaincodeStubInterface, args [][]byte) (string, error) {
	origin, vkey := string(args[0]), string(args[1])
	keys, err := loadKeys(stub, origin)
	if err != nil {
		return "", err
	}
	if keys.last().VKey == vkey && len(keys) > 1 {
		return "same " + keys.last().TxID, nil
	}
	if err := checkSuccessor(keys, origin, vkey, args[2]); err != nil {
		return "", err
	}
	h, err := loadHead(stub, origin)
	if err != nil {
		return "", err
	}
	if h.size == 0 {
		return "", refuse(CodeSize0, "the log's key is replaced after its first checkpoint, not before")
	}
	keys[len(keys)-1].UntilSize = h.size
	keys = append(keys, ledger.LogKey{VKey: vkey, FromSize: h.size + 1, TxID: stub.GetTxID()})
	return "rotated " + stub.GetTxID(), putKeys(stub, origin, keys)
}

// checkSuccessor refuses a key that the log has had, and one that the key in force did not sign.
func checkSuccessor(keys keyring, origin, vkey string, proof []byte) error {
	if err := checkKey(origin, vkey); err != nil {
		return err
	}
	if slices.ContainsFunc(keys, func(k ledger.LogKey) bool { return k.VKey == vkey }) {
		return refuse(CodeExists, "the log has had this key")
	}
	if len(keys) == maxKeys {
		return refuse(CodeExists, "the log has had %d keys already", maxKeys)
	}
	n, err := openNote(proof, origin, keys.last().VKey)
	if err != nil {
		return err
	}
	if n.Text != ledger.KeyRotation(origin, vkey) {
		return refuse(CodeNote, "the note does not name this key as the log's next")
	}
	return nil
}

// logKeys(origin) answers with one line for each key: the least and the greatest size that it signs (0: no end), its
// transaction, the key.
func logKeys(stub shim.ChaincodeStubInterface, args [][]byte) (string, error) {
	keys, err := loadKeys(stub, string(args[0]))
	var b strings.Builder
	for _, k := range keys {
		fmt.Fprintf(&b, "%d %d %s %s\n", k.FromSize, k.UntilSize, k.TxID, k.VKey)
	}
	return b.String(), err
}
