package fabric

import (
	"regexp"
	"strings"

	"github.com/hyperledger/fabric-sdk-go/pkg/common/errors/status"

	"plinth"
)

// refusal is the contract's answer to a call it does not accept; its text begins with a code in capitals.
type refusal struct{ code, text string }

// refusalText is how the contract begins a refusal: see the codes of ledger/chaincode.
var refusalText = regexp.MustCompile(`^([A-Z][A-Z0-9]+): `)

// refusalIn finds the contract's refusal in an error of the SDK; nil when the error is none.
func refusalIn(err error) *refusal {
	s, ok := status.FromError(err)
	if err == nil || !ok || s.Group != status.ChaincodeStatus {
		return nil
	}
	// A contract older than this service has no opinion on what it does not know: that must not count as its no.
	if strings.HasPrefix(s.Message, "ARGS: there is no function") {
		return nil
	}
	m := refusalText.FindStringSubmatch(s.Message)
	if m == nil || m[1] == "STATE" { // the peer's trouble, not the contract's opinion
		return nil
	}
	return &refusal{code: m[1], text: s.Message}
}

func (r *refusal) err() error {
	kind := plinth.ErrConflict
	switch r.code {
	case "NOTFOUND":
		kind = plinth.ErrNotFound
	case "ORG":
		kind = plinth.ErrDenied
	}
	return plinth.Errorf(kind, "refused by the chain: %s", r.text)
}

// orNil avoids an interface that holds a nil pointer.
func (r *refusal) orNil() error {
	if r == nil {
		return nil
	}
	return r.err()
}
