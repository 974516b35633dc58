package main

import (
	"crypto/x509"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"plinth/ledger"
)

// loadPolicy makes the policy of what the options name.
func (o *options) loadPolicy() (err error) {
	o.policy.At = o.now()
	if o.at != "" {
		if o.policy.At, err = time.Parse(time.RFC3339, o.at); err != nil {
			return fmt.Errorf("--at: %q is not a time like 2026-11-24T08:00:00Z", o.at)
		}
	}
	var trust ledger.Trust
	for _, path := range o.roots {
		t, err := loadRoots(path)
		if err != nil {
			return fmt.Errorf("--roots: %w", err)
		}
		trust.Roots = append(trust.Roots, t.Roots...)
		trust.LogKeys = append(trust.LogKeys, t.LogKeys...)
		trust.Certificates = append(trust.Certificates, t.Certificates...)
		trust.TimestampRoots = append(trust.TimestampRoots, t.TimestampRoots...)
	}
	p, err := trust.Policy()
	if err != nil {
		return fmt.Errorf("--roots: %w", err)
	}
	o.policy.Roots, o.policy.LogKeys = p.Roots, append(o.policy.LogKeys, p.LogKeys...)
	o.policy.Certificates, o.policy.TimestampRoots = p.Certificates, p.TimestampRoots
	return o.loadCertificates()
}

// loadCertificates reads the peers' certificates and the time-stamp authorities' roots.
func (o *options) loadCertificates() error {
	certs, err := readCertificates(o.bundle)
	if err != nil {
		return fmt.Errorf("--certificates: %w", err)
	}
	for _, c := range certs {
		o.policy.Certificates = append(o.policy.Certificates, c.Raw)
	}
	if certs, err = readCertificates(o.tsa); err != nil {
		return fmt.Errorf("--tsa-roots: %w", err)
	}
	o.policy.TimestampRoots = append(o.policy.TimestampRoots, certs...)
	return nil
}

// readCertificates reads a PEM file; no name means none.
func readCertificates(path string) ([]*x509.Certificate, error) {
	if path == "" {
		return nil, nil
	}
	b, err := readFile(path, 1<<20)
	if err != nil {
		return nil, err
	}
	return ledger.ParseCertificates(b)
}

// loadRoots reads a folder of MSPID.pem, one MSPID=file.pem, one MSPID.pem, or the service's JSON.
func loadRoots(path string) (ledger.Trust, error) {
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		return loadFolder(path)
	}
	if msp, file, ok := strings.Cut(path, "="); ok {
		return loadPEM(msp, file)
	}
	if msp, ok := strings.CutSuffix(filepath.Base(path), ".pem"); ok {
		return loadPEM(msp, path)
	}
	b, err := readFile(path, 1<<20)
	if err != nil {
		return ledger.Trust{}, err
	}
	return ledger.ParseTrust(b)
}

func loadFolder(dir string) (ledger.Trust, error) {
	files, err := filepath.Glob(filepath.Join(dir, "*.pem"))
	if err != nil {
		return ledger.Trust{}, err
	}
	var all ledger.Trust
	for _, f := range files {
		t, err := loadRoots(f)
		if err != nil {
			return ledger.Trust{}, err
		}
		all.Roots = append(all.Roots, t.Roots...)
	}
	if len(all.Roots) == 0 {
		return ledger.Trust{}, fmt.Errorf("there is no MSPID.pem in %s", dir)
	}
	return all, nil
}

func loadPEM(msp, file string) (ledger.Trust, error) {
	b, err := readFile(file, 1<<20)
	if err != nil {
		return ledger.Trust{}, err
	}
	if _, err := ledger.ParseCertificates(b); err != nil {
		return ledger.Trust{}, fmt.Errorf("%s: %w", file, err)
	}
	return ledger.Trust{Roots: []ledger.TrustedRoot{{MSP: msp, PEM: string(b)}}}, nil
}

// readFile reads a file of at most limit bytes; an empty file is an empty, not a nil, slice.
func readFile(path string, limit int64) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err == nil && int64(len(b)) > limit {
		err = fmt.Errorf("%s: has more than %d bytes", path, limit)
	}
	return b, err
}
