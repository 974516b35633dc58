package fabric_test

import (
	"os/exec"
	"strings"
	"testing"
)

// fabric-sdk-go brings protobuf names that clash with those of the contract's libraries, and a graph of old
// dependencies. Nobody but this package may bring it into a program.
func TestOnlyThisPackageImportsTheSDK(t *testing.T) {
	const format = `{{.ImportPath}} {{join .Imports " "}} {{join .TestImports " "}} {{join .XTestImports " "}}`
	for line := range strings.Lines(golist(t, "-f", format, "plinth/...")) {
		imports := strings.Fields(line)
		for _, i := range imports[1:] {
			sdk := strings.HasPrefix(i, "github.com/hyperledger/fabric-sdk-go") || strings.HasPrefix(i, "github.com/hyperledger/fabric-protos-go/")
			if sdk && imports[0] != "plinth/ledger/fabric" {
				t.Errorf("%s imports %s", imports[0], i)
			}
		}
	}
}

func TestTheSDKAndTheContractNeverMeet(t *testing.T) {
	for program, foreign := range map[string][]string{
		"plinth/ledger/fabric":           {"github.com/hyperledger/fabric-protos-go-apiv2", "github.com/hyperledger/fabric-chaincode-go"},
		"plinth/ledger/chaincode/server": {"github.com/hyperledger/fabric-sdk-go", "github.com/hyperledger/fabric-protos-go/"},
	} {
		for dep := range strings.Lines(golist(t, "-deps", program)) {
			for _, f := range foreign {
				if strings.HasPrefix(dep, f) {
					t.Errorf("%s depends on %s", program, strings.TrimSpace(dep))
				}
			}
		}
	}
}

func golist(t *testing.T, args ...string) string {
	t.Helper()
	out, err := exec.Command("go", append([]string{"list"}, args...)...).Output()
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}
