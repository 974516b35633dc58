package chaincode_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"testing"
	"time"

	"github.com/hyperledger/fabric-chaincode-go/v2/shim"
	"github.com/hyperledger/fabric-protos-go-apiv2/msp"
	"google.golang.org/protobuf/proto"

	"plinth/ledger/chaincode"
)

// peer plays the peer to the contract: state in a map, each successful call is committed at once.
type peer struct {
	t       *testing.T
	c       chaincode.Contract
	state   map[string][]byte
	creator []byte
	txs     int
	events  map[string]string // of the newest transaction
	reads   []string          // of the newest transaction
}

func newPeer(t *testing.T) *peer {
	return &peer{t: t, state: map[string][]byte{}, creator: identity(t, "BureauMSP", "client")}
}

// as returns the same peer, called by somebody else.
func (p *peer) as(msp, role string) *peer {
	q := *p
	q.creator = identity(p.t, msp, role)
	return &q
}

// call runs one function as one transaction and returns its answer or its refusal.
func (p *peer) call(function string, args ...[]byte) (answer, refusal string) {
	p.t.Helper()
	p.txs++
	s := &stub{peer: p, args: append([][]byte{[]byte(function)}, args...), writes: map[string][]byte{}, events: map[string]string{}, tx: fmt.Sprintf("tx%d", p.txs)}
	r := p.c.Invoke(s)
	if r.GetStatus() != shim.OK {
		return "", r.GetMessage()
	}
	p.events, p.reads = s.events, s.reads
	for k, v := range s.writes {
		p.state[k] = v
	}
	return string(r.GetPayload()), ""
}

// stub has the methods that the contract may use; any other call panics.
type stub struct {
	shim.ChaincodeStubInterface
	peer   *peer
	args   [][]byte
	writes map[string][]byte
	events map[string]string
	reads  []string
	tx     string
}

func (s *stub) GetArgs() [][]byte                   { return s.args }
func (s *stub) GetTxID() string                     { return s.tx }
func (s *stub) GetChannelID() string                { return "evidence" }
func (s *stub) GetCreator() ([]byte, error)         { return s.peer.creator, nil }
func (s *stub) PutState(key string, v []byte) error { s.writes[key] = v; return nil }

func (s *stub) GetState(key string) ([]byte, error) {
	s.reads = append(s.reads, key)
	return s.peer.state[key], nil
}

func (s *stub) SetEvent(name string, payload []byte) error {
	clear(s.events) // Fabric keeps the last one alone
	s.events[name] = string(payload)
	return nil
}

// identity is a caller of an organisation with a role, as Fabric hands it to the contract.
func identity(t *testing.T, mspID, role string) []byte {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	cert := &x509.Certificate{
		SerialNumber: big.NewInt(1),
		Subject:      pkix.Name{CommonName: "someone", OrganizationalUnit: []string{role}},
		NotBefore:    time.Unix(0, 0), NotAfter: time.Unix(1<<33, 0),
	}
	der, err := x509.CreateCertificate(rand.Reader, cert, cert, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	id, err := proto.Marshal(&msp.SerializedIdentity{
		Mspid: mspID, IdBytes: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}),
	})
	if err != nil {
		t.Fatal(err)
	}
	return id
}
