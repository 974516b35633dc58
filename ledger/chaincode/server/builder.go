package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// builderSteps are the programs of an external builder that a peer runs; there is no "run", the peer dials us.
var builderSteps = map[string]struct {
	args int
	run  func(folders []string) error
}{
	"detect":  {2, func(f []string) error { return detect(f[1]) }},
	"build":   {3, func(f []string) error { return build(f[0], f[2], os.Getenv(builderConfig)) }},
	"release": {2, func(f []string) error { return release(f[0], f[1]) }},
}

// builderConfig is passed on by the peer: {"address":"127.0.0.1:1234"}, where this organisation's chaincode listens.
// The package holds a template, so that all organisations install the same package.
const (
	builderConfig   = "CHAINCODE_AS_A_SERVICE_BUILDER_CONFIG"
	addressTemplate = "{{.address}}"
	connectionFile  = "connection.json"
)

// detect claims packages of type ccaas.
func detect(metadata string) error {
	data, err := os.ReadFile(filepath.Join(metadata, "metadata.json"))
	if err != nil {
		return err
	}
	var m struct{ Type string }
	if err := json.Unmarshal(data, &m); err != nil {
		return fmt.Errorf("metadata.json: %w", err)
	}
	if m.Type != "ccaas" {
		return fmt.Errorf("metadata.json: type is %q, not ccaas", m.Type)
	}
	return nil
}

// build fills in this organisation's address.
func build(source, output, config string) error {
	data, err := os.ReadFile(filepath.Join(source, connectionFile))
	if err != nil {
		return err
	}
	var c struct{ Address string }
	if config != "" {
		if err := json.Unmarshal([]byte(config), &c); err != nil {
			return fmt.Errorf("%s: %w", builderConfig, err)
		}
	}
	if c.Address != "" {
		data = bytes.ReplaceAll(data, []byte(addressTemplate), []byte(c.Address))
	}
	if err := checkConnection(data); err != nil {
		return fmt.Errorf("%s: %w", connectionFile, err)
	}
	return os.WriteFile(filepath.Join(output, connectionFile), data, 0o640)
}

func checkConnection(data []byte) error {
	var c struct{ Address string }
	if err := json.Unmarshal(data, &c); err != nil {
		return err
	}
	if c.Address == "" || bytes.Contains(data, []byte("{{")) {
		return errors.New("no address: " + builderConfig + " is not set for this peer")
	}
	return nil
}

// release hands the connection to the peer.
func release(built, output string) error {
	data, err := os.ReadFile(filepath.Join(built, connectionFile))
	if err != nil {
		return err
	}
	dir := filepath.Join(output, "chaincode", "server")
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, connectionFile), data, 0o640)
}
