// Package ledgertest gives tests a consortium and a chain in memory: organisations with roots and peers that sign as
// Fabric's do, and the rules of the anchor chaincode. It is working code with named faults, for tests alone.
package ledgertest

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/pem"
	"math/big"
	"time"

	"google.golang.org/protobuf/encoding/protowire"

	"plinth/ledger"
)

// Begin and End bound the validity of all certificates.
var (
	Begin = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	End   = time.Date(2036, 1, 1, 0, 0, 0, 0, time.UTC)
)

// Org is an organisation with a root and one peer.
type Org struct {
	MSP     string
	Root    *x509.Certificate
	rootKey *ecdsa.PrivateKey
	peer    []byte
	peerKey *ecdsa.PrivateKey
}

// NewOrg makes an organisation whose peer's certificate has the unit ou: "peer" unless a test wants a fault.
func NewOrg(msp, ou string) *Org {
	o := &Org{MSP: msp, rootKey: newKey(), peerKey: newKey()}
	root := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: subject("ca."+msp, msp), NotBefore: Begin, NotAfter: End,
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	o.Root = must(x509.ParseCertificate(must(x509.CreateCertificate(rand.Reader, root, root, &o.rootKey.PublicKey, o.rootKey))))
	peer := &x509.Certificate{
		SerialNumber: serial, Subject: subject("peer0."+msp, "", ou),
		NotBefore: Begin, NotAfter: End, KeyUsage: x509.KeyUsageDigitalSignature, BasicConstraintsValid: true,
	}
	o.peer = must(x509.CreateCertificate(rand.Reader, peer, o.Root, &o.peerKey.PublicKey, o.rootKey))
	return o
}

// serial and subject are as long as cryptogen makes them, for what receipts weigh.
var serial = new(big.Int).SetBytes([]byte("\x7f123456789abcde"))

func subject(name, org string, units ...string) pkix.Name {
	n := pkix.Name{Country: []string{"CN"}, Province: []string{"Shanghai"}, Locality: []string{"Putuo District"},
		CommonName: name, OrganizationalUnit: units}
	if org != "" {
		n.Organization = []string{org}
	}
	return n
}

// Policy returns a policy that trusts the organisations and requires all of them.
func Policy(orgs ...*Org) ledger.Policy {
	p := ledger.Policy{Roots: map[string][]*x509.Certificate{}, At: Begin.AddDate(1, 0, 0)}
	for _, o := range orgs {
		p.Roots[o.MSP] = []*x509.Certificate{o.Root}
	}
	return p
}

// Endorse signs the payload as the organisation's peer does.
func (o *Org) Endorse(payload []byte) ledger.Endorsement {
	identity := delimited(1, []byte(o.MSP))
	identity = append(identity, delimited(2, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: o.peer}))...)
	digest := sha256.Sum256(append(bytes.Clone(payload), identity...))
	r, s, err := ecdsa.Sign(rand.Reader, o.peerKey, digest[:])
	if err != nil {
		panic(err)
	}
	n := elliptic.P256().Params().N
	if s.Cmp(new(big.Int).Rsh(n, 1)) > 0 {
		s.Sub(n, s)
	}
	return ledger.Endorsement{MSP: o.MSP, Certificate: o.peer, Signature: must(asn1.Marshal(struct{ R, S *big.Int }{r, s}))}
}

// Answer is what a chaincode answered, before it is signed. Tests bend its fields.
type Answer struct {
	Value     string
	Status    uint64
	Chaincode string
	Keys      []string // read in the chaincode's namespace
	Block     uint64
	Events    []byte
}

// AnswerFor returns the honest answer to Attest.
func AnswerFor(c ledger.AttestedCheckpoint, block uint64) Answer {
	return Answer{Value: c.String(), Status: 200, Chaincode: ledger.DefaultChaincode, Block: block,
		Keys: []string{ledger.CheckpointKey(c.Origin, c.Size)}}
}

// Payload returns the ProposalResponsePayload of the answer.
func (a Answer) Payload() []byte {
	version := varint(1, a.Block)
	var reads []byte
	for _, k := range a.Keys {
		reads = append(reads, delimited(1, append(delimited(1, []byte(k)), delimited(2, version)...))...)
	}
	definition := delimited(1, append(delimited(1, []byte("namespaces/fields/"+a.Chaincode+"/Sequence")),
		delimited(2, varint(1, 3))...))
	sets := append(namespace("_lifecycle", definition), namespace(a.Chaincode, reads)...)
	action := delimited(1, sets)
	if a.Events != nil {
		action = append(action, delimited(2, a.Events)...)
	}
	action = append(action, delimited(3, append(varint(1, a.Status), delimited(3, []byte(a.Value))...))...)
	action = append(action, delimited(4, append(delimited(2, []byte(a.Chaincode)), delimited(3, []byte("1"))...))...)
	hash := sha256.Sum256([]byte("proposal"))
	return append(delimited(1, hash[:]), delimited(2, action)...)
}

// Attest has the answer endorsed by the organisations.
func (a Answer) Attest(orgs ...*Org) ledger.Attestation {
	att := ledger.Attestation{Payload: a.Payload()}
	for _, o := range orgs {
		att.Endorsements = append(att.Endorsements, o.Endorse(att.Payload))
	}
	att.Sort()
	return att
}

func namespace(name string, set []byte) []byte {
	return delimited(2, append(delimited(1, []byte(name)), delimited(2, set)...))
}

func delimited(id protowire.Number, b []byte) []byte {
	return protowire.AppendBytes(protowire.AppendTag(nil, id, protowire.BytesType), b)
}

func varint(id protowire.Number, n uint64) []byte {
	return protowire.AppendVarint(protowire.AppendTag(nil, id, protowire.VarintType), n)
}

func newKey() *ecdsa.PrivateKey { return must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader)) }

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// AnswerForCase returns the honest answer to AttestCase.
func AnswerForCase(c ledger.AttestedCase, block uint64) Answer {
	return Answer{Value: c.String(), Status: 200, Chaincode: ledger.DefaultChaincode, Block: block, Keys: []string{ledger.CaseKey(c.Case)}}
}
