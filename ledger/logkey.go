package ledger

// LogKey is one of the keys that a log has had on the chain: which checkpoints it may sign.
type LogKey struct {
	VKey      string // C2SP signed-note verifier key
	FromSize  int64  // the least size it signs
	UntilSize int64  // the greatest size it signs; 0: it is still valid
	TxID      string // the transaction that made it known
}

// Signs tells whether the key is the one for checkpoints of a size.
func (k LogKey) Signs(size int64) bool {
	return size >= k.FromSize && (k.UntilSize == 0 || size <= k.UntilSize)
}

// KeyRotation is the text that a log's present key signs, as a note, to name its successor: the successor's key must
// be given into no other hands than the present one's.
func KeyRotation(origin, newVKey string) string {
	return "plinth-rotate-key/v1\n" + origin + "\n" + newVKey + "\n"
}
