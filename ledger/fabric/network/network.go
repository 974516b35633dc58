// Package network describes a Fabric network as one JSON file: where its nodes are, whom to trust, as whom to speak.
// The local stack writes the file for the network it starts; for a consortium's network an operator writes it. It is
// plain data, free of Fabric's packages, so that writer, adapter and auditor can share it.
package network

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"

	"plinth/ledger"
)

// Description is the content of network.json. Paths may be relative to the file's folder.
type Description struct {
	Channel          string         `json:"channel"`
	Chaincode        string         `json:"chaincode"`
	ChaincodeVersion string         `json:"chaincodeVersion"`
	Consensus        string         `json:"consensus,omitempty"` // "raft" or "bft"; empty: raft
	Client           Client         `json:"client"`
	Orderers         []Node         `json:"orderers"`
	Organisations    []Organisation `json:"organisations"`
}

// Client is who we are on the network: a user of one of the organisations.
type Client struct {
	Organisation string `json:"organisation"` // a Name below
	Cert         string `json:"cert"`         // PEM file
	Key          string `json:"key"`          // PEM file
}

// Node is a peer's or orderer's address and the certificate its TLS chains to.
type Node struct {
	Address string `json:"address"` // host:port
	TLSCA   string `json:"tlsCA"`   // PEM file
	// ServerName is expected in the node's TLS certificate; empty means the address's host.
	ServerName string `json:"serverName,omitempty"`
}

// Organisation is a member of the channel whose peer endorses.
type Organisation struct {
	Name   string `json:"name"`  // short, lower case, e.g. "bureau"
	Title  string `json:"title"` // for people, e.g. "数据局"
	MSP    string `json:"msp"`   // e.g. "BureauMSP"
	RootCA string `json:"rootCA"`
	Peer   Node   `json:"peer"`
	// OtherPeers may endorse in Peer's place when discovery is on.
	OtherPeers []Node `json:"otherPeers,omitempty"`
}

// maxFile bounds what Read takes; a description of a hundred organisations has 40 kB.
const maxFile = 1 << 20

// Read reads and validates a description; the paths in what it returns are joined to the file's folder.
func Read(path string) (Description, error) {
	info, err := os.Stat(path)
	if err != nil {
		return Description{}, fmt.Errorf("network description: %w", err)
	}
	if info.Size() > maxFile {
		return Description{}, fmt.Errorf("network description %s: larger than %d bytes", path, maxFile)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return Description{}, fmt.Errorf("network description: %w", err)
	}
	var d Description
	if err := json.Unmarshal(data, &d); err != nil {
		return Description{}, fmt.Errorf("network description %s: %w", path, err)
	}
	if err := d.Validate(); err != nil {
		return Description{}, fmt.Errorf("network description %s: %w", path, err)
	}
	d.resolve(filepath.Dir(path))
	return d, nil
}

// Write puts d at path, whole or not at all.
func Write(path string, d Description) error {
	if err := d.Validate(); err != nil {
		return err
	}
	data, err := json.MarshalIndent(d, "", "  ")
	if err != nil {
		return err
	}
	if err := os.WriteFile(path+".new", append(data, '\n'), 0o644); err != nil {
		return err
	}
	return os.Rename(path+".new", path)
}

// Validate names every fault at once.
func (d Description) Validate() error {
	var faults []error
	need := func(field, value string) {
		if value == "" {
			faults = append(faults, fmt.Errorf("%s: missing", field))
		}
	}
	need("channel", d.Channel)
	need("chaincode", d.Chaincode)
	need("client.cert", d.Client.Cert)
	need("client.key", d.Client.Key)
	if d.Consensus != "" && d.Consensus != "raft" && d.Consensus != "bft" {
		faults = append(faults, fmt.Errorf("consensus: want raft or bft, got %q", d.Consensus))
	}
	if len(d.Orderers) == 0 {
		faults = append(faults, errors.New("orderers: none given"))
	}
	for i, n := range d.Orderers {
		faults = append(faults, n.validate(fmt.Sprintf("orderers[%d]", i)))
	}
	names := map[string]bool{}
	for i, o := range d.Organisations {
		field := fmt.Sprintf("organisations[%d]", i)
		need(field+".msp", o.MSP)
		need(field+".rootCA", o.RootCA)
		if o.Name == "" || o.Name != strings.ToLower(o.Name) || names[o.Name] {
			faults = append(faults, fmt.Errorf("%s.name: want a unique lower-case name, got %q", field, o.Name))
		}
		names[o.Name] = true
		faults = append(faults, o.Peer.validate(field+".peer"))
		for j, p := range o.OtherPeers {
			faults = append(faults, p.validate(fmt.Sprintf("%s.otherPeers[%d]", field, j)))
		}
	}
	if !names[d.Client.Organisation] {
		faults = append(faults, fmt.Errorf("client.organisation: %q is not among the organisations", d.Client.Organisation))
	}
	return errors.Join(faults...)
}

func (n Node) validate(field string) error {
	if _, _, err := net.SplitHostPort(n.Address); err != nil {
		return fmt.Errorf("%s.address: want host:port, got %q", field, n.Address)
	}
	if n.TLSCA == "" {
		return fmt.Errorf("%s.tlsCA: missing", field)
	}
	return nil
}

func (d *Description) resolve(dir string) {
	paths := []*string{&d.Client.Cert, &d.Client.Key}
	for i := range d.Orderers {
		paths = append(paths, &d.Orderers[i].TLSCA)
	}
	for i := range d.Organisations {
		paths = append(paths, &d.Organisations[i].RootCA, &d.Organisations[i].Peer.TLSCA)
		for j := range d.Organisations[i].OtherPeers {
			paths = append(paths, &d.Organisations[i].OtherPeers[j].TLSCA)
		}
	}
	for _, p := range paths {
		if !filepath.IsAbs(*p) {
			*p = filepath.Join(dir, *p)
		}
	}
}

// Trust reads the organisations' root certificates: what an auditor must have to verify receipts.
func (d Description) Trust(logKeys ...string) (ledger.Trust, error) {
	t := ledger.Trust{LogKeys: logKeys}
	for _, o := range d.Organisations {
		pem, err := os.ReadFile(o.RootCA)
		if err != nil {
			return ledger.Trust{}, fmt.Errorf("root certificate of %s: %w", o.MSP, err)
		}
		t.Roots = append(t.Roots, ledger.TrustedRoot{MSP: o.MSP, Name: o.Title, PEM: string(pem)})
	}
	return t, nil
}
