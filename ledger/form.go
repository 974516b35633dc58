package ledger

import "bytes"

// IsCOSE tells whether a receipt's file is in the COSE form.
func IsCOSE(file []byte) bool { return bytes.HasPrefix(file, []byte{coseSign1Tag}) }

// IsBatch tells whether a file is a batch receipt: a CBOR map whose first key holds the batch's name.
func IsBatch(file []byte) bool {
	name := append([]byte{0x01, 0x60 + byte(len(batchDomain))}, batchDomain...)
	return len(file) > 0 && file[0]>>5 == 5 && bytes.HasPrefix(file[1:], name)
}

// VerifyReceipt checks a receipt's file of any form against the policy: with Verify or with VerifyCOSE.
func VerifyReceipt(file []byte, policy Policy) (Verdict, error) {
	if IsCOSE(file) {
		return VerifyCOSE(file, nil, policy)
	}
	return Verify(file, policy)
}
