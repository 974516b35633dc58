package audit

import "plinth/ledger"

// encoding is the form of an export's objects, which hold far more than a receipt.
var encoding = ledger.NewCBOR(1<<21, 1<<21)

func decode(b []byte, into any) error { return encoding.Unmarshal(b, into) }
