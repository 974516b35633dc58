package fabric

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/hyperledger/fabric-sdk-go/pkg/common/errors/status"

	"plinth"
	"plinth/ledger/fabric/network"
)

// testBackend is the SDK's configuration for a network whose nodes need not run.
func testBackend(t *testing.T) backend {
	t.Helper()
	pem := filepath.Join(t.TempDir(), "x.pem")
	if err := os.WriteFile(pem, []byte("-----BEGIN CERTIFICATE-----\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	node := func(address string) network.Node { return network.Node{Address: address, TLSCA: pem} }
	b, err := newBackend(network.Description{
		Channel: "Evidence", Chaincode: "anchor", Client: network.Client{Organisation: "bureau", Cert: pem, Key: pem},
		Orderers: []network.Node{node("127.0.0.1:1"), node("127.0.0.1:2")},
		Organisations: []network.Organisation{
			{Name: "bureau", MSP: "BureauMSP", Peer: node("127.0.0.1:3"), OtherPeers: []network.Node{node("127.0.0.1:5")}},
			{Name: "overseer", MSP: "OverseerMSP", Peer: node("127.0.0.1:4")},
		},
	}, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// Asked at two peers, the SDK's discovery closes the connection of the one under the feet of the other's endorsement.
func TestSDKTrapDiscoveryAsksOnePeerAlone(t *testing.T) {
	b := testBackend(t)
	for _, policy := range []string{"discovery", "queryChannelConfig"} {
		for _, field := range []string{"maxTargets", "minResponses"} {
			if v, _ := b.Lookup("channels.evidence.policies." + policy + "." + field); v != 1 {
				t.Errorf("%s of %s is %v, want 1", field, policy, v)
			}
		}
	}
}

// The SDK knows only the channel's old list of orderers, which new channels lack: without its own it sends nowhere.
func TestSDKTrapOrderersAreInTheConfiguration(t *testing.T) {
	b := testBackend(t)
	v, _ := b.Lookup("channels.evidence.orderers")
	if names, _ := v.([]string); len(names) != 2 {
		t.Errorf("the channel's orderers are %v, want both", v)
	}
	// Addresses hold dots, by which a file's keys would be split.
	v, _ = b.Lookup("peers")
	if peers, _ := v.(tree); len(peers) != 3 || peers["127.0.0.1:5"] == nil {
		t.Errorf("peers are %v, want three by their addresses", v)
	}
}

// What the contract refuses must not be taken for a peer's trouble, nor the other way round.
func TestSDKTrapRefusalsAreToldFromTroubles(t *testing.T) {
	chaincode := func(text string) error { return status.New(status.ChaincodeStatus, 500, text, nil) }
	for _, test := range []struct {
		err  error
		kind error // nil: no refusal
	}{
		{chaincode("FORK: size 5 is anchored with another root"), plinth.ErrConflict},
		{chaincode("ORDER: cannot follow"), plinth.ErrConflict},
		{chaincode("SIZE0: empty"), plinth.ErrConflict},
		{chaincode("NOTFOUND: no case"), plinth.ErrNotFound},
		{chaincode("ORG: may not write"), plinth.ErrDenied},
		{chaincode("STATE: the peer could not read"), nil},
		{chaincode("could not launch chaincode"), nil},
		{chaincode(`ARGS: there is no function "PutStep"`), nil}, // an older contract has no opinion
		{chaincode("ARGS: size is not a plain decimal"), plinth.ErrConflict},
		{chaincode("fork: in small letters"), nil},
		{chaincode("no such transaction ID"), nil},
		{status.New(status.EndorserClientStatus, status.ConnectionFailed.ToInt32(), "FORK: said by no contract", nil), nil},
		{errors.New("FORK: said by nobody"), nil},
		{nil, nil},
	} {
		r := refusalIn(test.err)
		if (r == nil) != (test.kind == nil) || r != nil && !errors.Is(r.err(), test.kind) {
			t.Errorf("%v: got %v, want kind %v", test.err, r.orNil(), test.kind)
		}
	}
}

// Only what certainly never left may be called never sent: all else is of unknown fate.
func TestSDKTrapATimeoutIsNoProofOfNotHavingSent(t *testing.T) {
	for _, test := range []struct {
		err  error
		want bool
	}{
		{status.New(status.OrdererClientStatus, status.ConnectionFailed.ToInt32(), "dialing", nil), true},
		{status.New(status.OrdererServerStatus, 503, "no Raft leader", nil), true},
		{status.New(status.ClientStatus, status.Timeout.ToInt32(), "request timed out", nil), false},
		{status.New(status.OrdererClientStatus, status.Timeout.ToInt32(), "timed out", nil), false},
		{errors.New("connection reset"), false},
		{nil, false},
	} {
		if got := neverSent(test.err); got != test.want {
			t.Errorf("%v: got %v, want %v", test.err, got, test.want)
		}
	}
}

func TestOneOrdererThatTakesATransactionIsEnough(t *testing.T) {
	refused := status.New(status.OrdererServerStatus, 503, "no leader", nil)
	doubt := errors.New("connection reset")
	for name, test := range map[string]struct {
		answers []error
		want    error
	}{
		"one takes it":             {[]error{refused, doubt, nil}, nil},
		"all refuse":               {[]error{refused, refused}, refused},
		"one leaves it in doubt":   {[]error{refused, doubt, refused}, doubt},
		"the doubt comes first":    {[]error{doubt, refused}, doubt},
		"the first takes it":       {[]error{nil, doubt}, nil},
		"the doubt is not covered": {[]error{refused, refused, doubt}, doubt},
	} {
		answers := make(chan error, len(test.answers))
		for _, err := range test.answers {
			answers <- err
		}
		if got := firstTaken(answers, len(test.answers)); !errors.Is(got, test.want) || test.want == nil && got != nil {
			t.Errorf("%s: got %v, want %v", name, got, test.want)
		}
	}
}
