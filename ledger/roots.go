package ledger

import (
	"bytes"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
)

// Trust is what a verifier has been given to trust: the organisations' roots and, if it likes, the logs' keys. As a
// file it is what the service answers to GET /v1/evidence/roots; an auditor compares it with what the organisations
// publish themselves.
type Trust struct {
	Roots   []TrustedRoot `json:"roots"`
	LogKeys []string      `json:"logKeys"`
	// TimestampRoots are time-stamp authorities' roots, in PEM.
	TimestampRoots []string `json:"timestampRoots,omitempty"`
	// Certificates are peers' certificates in PEM, for receipts that refer to them by hash. They need no trust.
	Certificates []string `json:"certificates,omitempty"`
}

// TrustedRoot is one organisation's root certificate.
type TrustedRoot struct {
	MSP  string `json:"mspId"`
	Name string `json:"name,omitempty"`
	PEM  string `json:"certificatePem"`
}

// maxTrust bounds a roots file.
const maxTrust = 1 << 20

// ParseTrust reads a roots file.
func ParseTrust(b []byte) (Trust, error) {
	if len(b) > maxTrust {
		return Trust{}, errors.New("roots: the file is too long")
	}
	var t Trust
	d := json.NewDecoder(bytes.NewReader(b))
	if err := d.Decode(&t); err != nil {
		return Trust{}, fmt.Errorf("roots: not JSON of the expected form: %w", err)
	}
	_, err := t.Policy()
	return t, err
}

// Policy returns a policy that trusts t and requires every organisation in it.
func (t Trust) Policy() (Policy, error) {
	p := Policy{Roots: map[string][]*x509.Certificate{}, LogKeys: t.LogKeys}
	for i, r := range t.Roots {
		certs, err := ParseCertificates([]byte(r.PEM))
		if err != nil {
			return Policy{}, fmt.Errorf("roots[%d]: %w", i, err)
		}
		if r.MSP == "" {
			return Policy{}, fmt.Errorf("roots[%d]: mspId is missing", i)
		}
		p.Roots[r.MSP] = append(p.Roots[r.MSP], certs...)
	}
	for i, text := range t.TimestampRoots {
		certs, err := ParseCertificates([]byte(text))
		if err != nil {
			return Policy{}, fmt.Errorf("timestampRoots[%d]: %w", i, err)
		}
		p.TimestampRoots = append(p.TimestampRoots, certs...)
	}
	for i, text := range t.Certificates {
		certs, err := ParseCertificates([]byte(text))
		if err != nil {
			return Policy{}, fmt.Errorf("certificates[%d]: %w", i, err)
		}
		for _, c := range certs {
			p.Certificates = append(p.Certificates, c.Raw)
		}
	}
	return p, nil
}

// ParseCertificates reads one or more certificates in PEM.
func ParseCertificates(b []byte) ([]*x509.Certificate, error) {
	var out []*x509.Certificate
	for {
		block, rest := pem.Decode(b)
		if block == nil {
			break
		}
		c, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, fmt.Errorf("certificate: %w", err)
		}
		out, b = append(out, c), rest
	}
	if len(out) == 0 {
		return nil, errors.New("there is no certificate in PEM")
	}
	return out, nil
}
