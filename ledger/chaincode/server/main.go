// Command plinth-chaincode serves the contract "anchor" to a peer (chaincode as a service), and is at the same time
// the peer's external builder: called by the name detect, build or release it answers as that. So a host needs no
// shell and no container for chaincode.
//
// It is configured by the environment, as Fabric's own tools are: CHAINCODE_ID is the package id that the peer
// installed, CHAINCODE_SERVER_ADDRESS where to listen. Off loopback, TLS is required: CHAINCODE_TLS_CERT and
// CHAINCODE_TLS_KEY name the server's files, CHAINCODE_TLS_CLIENT_CA the certificates that peers must chain to.
package main

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"

	"github.com/hyperledger/fabric-chaincode-go/v2/shim"

	"plinth/ledger/chaincode"
)

func main() {
	log := slog.New(slog.NewTextHandler(os.Stderr, nil))
	if err := run(filepath.Base(os.Args[0]), os.Args[1:], log); err != nil {
		log.Error("chaincode ended", "cause", err)
		os.Exit(1)
	}
}

func run(name string, args []string, log *slog.Logger) error {
	if step, ok := builderSteps[name]; ok {
		if len(args) != step.args {
			return fmt.Errorf("%s: want %d folders as arguments, got %d", name, step.args, len(args))
		}
		return step.run(args)
	}
	server, err := newServer(os.Getenv)
	if err != nil {
		return err
	}
	log.Info("chaincode serves", "address", server.Address, "package", server.CCID)
	return server.Start()
}

func newServer(getenv func(string) string) (*shim.ChaincodeServer, error) {
	s := &shim.ChaincodeServer{
		CCID:    getenv("CHAINCODE_ID"),
		Address: getenv("CHAINCODE_SERVER_ADDRESS"),
		CC:      &chaincode.Contract{Writer: getenv("CHAINCODE_WRITER_MSP"), Overseer: getenv("CHAINCODE_OVERSEER_MSP")},
	}
	if s.CCID == "" || s.Address == "" {
		return nil, errors.New("set CHAINCODE_ID to the package id and CHAINCODE_SERVER_ADDRESS to host:port")
	}
	var err error
	s.TLSProps, err = tlsProperties(s.Address, getenv)
	return s, err
}

func tlsProperties(address string, getenv func(string) string) (shim.TLSProperties, error) {
	if getenv("CHAINCODE_TLS_CERT") == "" {
		host, _, err := net.SplitHostPort(address)
		if ip := net.ParseIP(host); err != nil || ip == nil || !ip.IsLoopback() {
			return shim.TLSProperties{}, fmt.Errorf("%s is not a loopback address: set CHAINCODE_TLS_CERT, _KEY and _CLIENT_CA", address)
		}
		return shim.TLSProperties{Disabled: true}, nil
	}
	var p shim.TLSProperties
	for name, into := range map[string]*[]byte{
		"CHAINCODE_TLS_CERT": &p.Cert, "CHAINCODE_TLS_KEY": &p.Key, "CHAINCODE_TLS_CLIENT_CA": &p.ClientCACerts,
	} {
		pem, err := os.ReadFile(getenv(name))
		if err != nil {
			return shim.TLSProperties{}, fmt.Errorf("%s: %w", name, err)
		}
		*into = pem
	}
	return p, nil
}
