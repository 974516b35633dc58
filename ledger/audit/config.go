package audit

import (
	"bytes"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"

	"google.golang.org/protobuf/encoding/protowire"

	"plinth/ledger"
)

// channelConfig is what a configuration block says about who is who on the channel.
type channelConfig struct {
	orgs      map[string][]*x509.Certificate // root certificates by MSP id, peers' organisations
	orderers  map[string][]*x509.Certificate // likewise, ordering organisations
	consensus string                         // "etcdraft" or "BFT"
	consenter map[uint64][]byte              // under BFT: serialized identities by number
}

// quorum is how many orderers must have signed a block.
func (c *channelConfig) quorum() int {
	n := len(c.consenter)
	if c.consensus != "BFT" || n == 0 {
		return 1
	}
	f := (n - 1) / 3
	return (n+f)/2 + 1 // SmartBFT: ⌈(n+f+1)/2⌉
}

// group is a node of the configuration's tree (common.ConfigGroup).
type group struct {
	groups map[string]group
	values map[string][]byte
}

func parseGroup(b []byte, depth int) (group, error) {
	g := group{groups: map[string]group{}, values: map[string][]byte{}}
	if depth > 4 {
		return g, errors.New("config group: too deep")
	}
	var groups, values [][]byte
	if err := message("config group", b, takes{2: &groups, 3: &values}, 1, 4, 5); err != nil {
		return g, err
	}
	for _, entry := range groups {
		name, inner, err := mapEntry(entry)
		if err != nil {
			return g, err
		}
		if g.groups[name], err = parseGroup(inner, depth+1); err != nil {
			return g, fmt.Errorf("%s: %w", name, err)
		}
	}
	for _, entry := range values {
		name, inner, err := mapEntry(entry)
		if err != nil {
			return g, err
		}
		var v []byte
		if err := message("config value "+name, inner, takes{2: &v}, 1, 3); err != nil {
			return g, err
		}
		g.values[name] = v
	}
	return g, nil
}

// parseConfig reads the body of a configuration transaction (common.ConfigEnvelope).
func parseConfig(body []byte) (*channelConfig, error) {
	var config, root []byte
	if err := message("config envelope", body, takes{1: &config}, 2); err != nil {
		return nil, err
	}
	if err := message("config", config, takes{2: &root}, 1); err != nil {
		return nil, err
	}
	g, err := parseGroup(root, 0)
	if err != nil {
		return nil, err
	}
	c := &channelConfig{}
	if c.orgs, err = rootsIn(g.groups["Application"]); err != nil {
		return nil, err
	}
	if c.orderers, err = rootsIn(g.groups["Orderer"]); err != nil {
		return nil, err
	}
	return c, c.readConsensus(g.groups["Orderer"])
}

func (c *channelConfig) readConsensus(g group) error {
	if err := message("consensus type", g.values["ConsensusType"], takes{1: &c.consensus}, 2, 3); err != nil {
		return err
	}
	var list [][]byte
	if err := message("orderers", g.values["Orderers"], takes{1: &list}); err != nil {
		return err
	}
	c.consenter = map[uint64][]byte{}
	for _, raw := range list {
		var id uint64
		var msp, cert []byte
		if err := message("consenter", raw, takes{1: &id, 4: &msp, 5: &cert}, 2, 3, 6, 7); err != nil {
			return err
		}
		c.consenter[id] = appendField(appendField(nil, 1, msp), 2, cert)
	}
	return nil
}

// rootsIn reads the root certificates of the organisations in a group.
func rootsIn(g group) (map[string][]*x509.Certificate, error) {
	out := map[string][]*x509.Certificate{}
	for name, org := range g.groups {
		var kind uint64
		var config []byte
		if err := message("MSP of "+name, org.values["MSP"], takes{1: &kind, 2: &config}); err != nil {
			return nil, err
		}
		if kind != 0 {
			return nil, fmt.Errorf("MSP of %s: it is not one of X.509 certificates", name)
		}
		var msp string
		var roots, rest [][]byte
		skip := []protowire.Number{5, 6, 7, 8, 9, 10, 11}
		if err := message("MSP of "+name, config, takes{1: &msp, 2: &roots, 3: &rest, 4: &rest}, skip...); err != nil {
			return nil, err
		}
		for _, text := range roots {
			certs, err := ledger.ParseCertificates(text)
			if err != nil {
				return nil, fmt.Errorf("MSP of %s: %w", name, err)
			}
			out[msp] = append(out[msp], certs...)
		}
	}
	return out, nil
}

// sameRoots tells whether roots are those that the auditor was given. A root whose own signature was turned from s to
// n−s is the same, and so its own signature is checked apart from what it signs.
func sameRoots(config, given []*x509.Certificate) bool {
	for _, c := range config {
		found := false
		for _, g := range given {
			same := bytes.Equal(c.RawTBSCertificate, g.RawTBSCertificate)
			found = found || same && (bytes.Equal(c.Raw, g.Raw) || c.CheckSignatureFrom(c) == nil)
		}
		if !found {
			return false
		}
	}
	return len(config) > 0
}

// PEM returns certificates in PEM, in the one form.
func PEM(certs []*x509.Certificate) string {
	var b []byte
	for _, c := range certs {
		b = append(b, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw})...)
	}
	return string(b)
}
