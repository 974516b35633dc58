package catalog

import (
	"strings"

	"plinth"
)

// Agent is a department, centre, street or town (foaf:Agent).
type Agent struct {
	ID         plinth.AgentID
	Name       Text
	Kind       string // "bureau", "centre", "street", "town"
	CreditCode string
	Number     int // its place in resource codes
}

// The alphabet and weights of 统一社会信用代码 (GB 32100-2015 §4.2): weight i is 3^i mod 31.
const creditAlphabet = "0123456789ABCDEFGHJKLMNPQRTUWXY"

// CheckCreditCode refuses a code whose form or check character is wrong.
func CheckCreditCode(code string) error {
	if len(code) != 18 {
		return plinth.Invalid("creditCode", "must have 18 characters")
	}
	sum, weight := 0, 1
	for i := range 17 {
		v := strings.IndexByte(creditAlphabet, code[i])
		if v < 0 {
			return plinth.Invalid("creditCode", "holds %q at %d, which GB 32100 does not use", code[i], i+1)
		}
		sum += v * weight
		weight = weight * 3 % 31
	}
	if want := creditAlphabet[(31-sum%31)%31]; code[17] != want {
		return plinth.Invalid("creditCode", "ends with %q, its check character is %q", code[17], want)
	}
	return nil
}
