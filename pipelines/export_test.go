package pipelines

// MustRules are the rules of a declaration that is valid.
func MustRules(d Declaration) *Rules {
	r, err := compileRules(d.Checks, d.Sink)
	if err != nil {
		panic(err)
	}
	return r
}
