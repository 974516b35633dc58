package fabric

// SetVersion sets the contract's version and returns how to set it back.
func SetVersion(v string) func() {
	was := chaincodeVersion
	chaincodeVersion = v
	return func() { chaincodeVersion = was }
}
