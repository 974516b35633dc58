package chaincode

import (
	"github.com/hyperledger/fabric-chaincode-go/v2/pkg/cid"
	"github.com/hyperledger/fabric-chaincode-go/v2/shim"

	"plinth/ledger"
)

// The organisations of the channel.
const (
	DefaultWriter   = "BureauMSP"   // 数据局: whose logs are anchored, and who writes everything
	DefaultOverseer = "OverseerMSP" // 监督方: writes reviews alone
)

// access tells whether the caller may call a function with these arguments.
type access func(c *Contract, stub shim.ChaincodeStubInterface, args [][]byte) error

func anyone(*Contract, shim.ChaincodeStubInterface, [][]byte) error { return nil }

func writer(c *Contract, stub shim.ChaincodeStubInterface, _ [][]byte) error {
	return admit(stub, map[string][]string{orElse(c.Writer, DefaultWriter): {"client", "admin"}})
}

// stepWriter lets the writer put every step, and the overseer's clients put reviews.
func stepWriter(c *Contract, stub shim.ChaincodeStubInterface, args [][]byte) error {
	who := map[string][]string{orElse(c.Writer, DefaultWriter): {"client", "admin"}}
	if s, err := ledger.ParseStep(string(args[0])); err == nil && ledger.IsReview(s.Kind) {
		who[orElse(c.Overseer, DefaultOverseer)] = []string{"client"}
	}
	return admit(stub, who)
}

func orElse(s, def string) string {
	if s == "" {
		return def
	}
	return s
}

// admit lets in the roles of the organisations. A role is the certificate's organisational unit, as Fabric's node OUs
// have it. Peers and orderers are never named: a node's key must not be able to speak for the log.
func admit(stub shim.ChaincodeStubInterface, who map[string][]string) error {
	caller, err := cid.New(stub)
	if err != nil {
		return refuse(CodeOrg, "the caller has no X.509 identity")
	}
	msp, err := caller.GetMSPID()
	roles := who[msp]
	if err != nil || len(roles) == 0 {
		return refuse(CodeOrg, "%.64s may not write this", msp)
	}
	for _, role := range roles {
		if ok, err := caller.HasOUValue(role); err == nil && ok {
			return nil
		}
	}
	return refuse(CodeOrg, "the caller's role in %s may not write this", msp)
}
