package chaincode

import (
	"strings"

	"github.com/google/uuid"
	"github.com/hyperledger/fabric-chaincode-go/v2/shim"

	"plinth/ledger"
)

// final tells for each status whether it is a record's last. What has expired may still be superseded or revoked.
var final = map[string]bool{"superseded": true, "revoked": true, "expired": false}

// setStatus(record, status, by) notes what became of a record, and which record did that.
func setStatus(stub shim.ChaincodeStubInterface, args [][]byte) (string, error) {
	record, by, err := twoRecords(args[0], args[2])
	if err != nil {
		return "", err
	}
	status := string(args[1])
	if _, ok := final[status]; !ok {
		return "", refuse(CodeArgs, "a record's status is superseded, revoked or expired, not %.20q", status)
	}
	return putOnce(stub, "status", ledger.StatusKey(record), record, status+"\n"+by.String()+"\n", func(old string) bool {
		was, _, _ := strings.Cut(old, "\n")
		return final[was] || !final[status]
	})
}

// redact(record, erasure) notes that a record's payload was shredded, and which record tells of that. All proofs of
// the record stay as they are.
func redact(stub shim.ChaincodeStubInterface, args [][]byte) (string, error) {
	record, erasure, err := twoRecords(args[0], args[1])
	if err != nil {
		return "", err
	}
	return putOnce(stub, "redacted", ledger.RedactionKey(record), record, erasure.String()+"\n", func(string) bool { return true })
}

// putOnce writes a value behind its transaction. The same value again is answered with "same <first transaction>",
// another one refused if what is there is kept.
func putOnce(stub shim.ChaincodeStubInterface, event, key string, record uuid.UUID, value string, kept func(old string) bool) (string, error) {
	known, err := stub.GetState(key)
	if err != nil {
		return "", err
	}
	if known != nil {
		tx, old, _ := strings.Cut(string(known), "\n")
		if old == value {
			return "same " + tx, nil
		}
		if kept(old) {
			return "", refuse(CodeExists, "the record is noted as %.80q already", old)
		}
	}
	if err := stub.PutState(key, []byte(stub.GetTxID()+"\n"+value)); err != nil {
		return "", err
	}
	return event + " " + stub.GetTxID(), stub.SetEvent(event, []byte(record.String()+"\n"+value))
}

// twoRecords reads two different ids of records.
func twoRecords(a, b []byte) (x, y uuid.UUID, err error) {
	if x, err = parseRecord(string(a)); err != nil {
		return x, y, err
	}
	if y, err = parseRecord(string(b)); err == nil && x == y {
		err = refuse(CodeArgs, "a record cannot do this to itself")
	}
	return x, y, err
}

// parseRecord reads a record's id in its one spelling.
func parseRecord(text string) (uuid.UUID, error) {
	id, err := uuid.Parse(text)
	if err != nil || id == uuid.Nil || id.String() != text {
		return uuid.Nil, refuse(CodeArgs, "%.40q is not a record's id", text)
	}
	return id, nil
}
